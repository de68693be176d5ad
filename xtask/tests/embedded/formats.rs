//! Frames of every format are known by what they show.

use crate::lab::Lab;

#[test]
fn frames_of_every_format_and_size_have_hashes() {
    let lab = Lab::new();
    for (format, size) in [
        ("yuv420p", "160x96"),
        ("yuv420p", "159x95"),
        ("yuvj422p", "159x95"),
        ("yuv444p", "159x95"),
        ("yuv420p10le", "159x95"),
        ("yuv422p12le", "160x96"),
        ("yuv420p16le", "160x96"),
        ("gray", "159x95"),
        ("bgr0", "160x96"),
    ] {
        let hashes = |name: &str, change: &str| {
            let scaled = format!("-i base.mp4 -an -vf scale={size},format={format}{change} -frames:v 5");
            lab.make(name, &format!("{scaled} -c:v ffv1 -strict experimental"));
            let compared = lab.compare(name, name).unwrap_or_else(|error| panic!("{format} {size}: {error}"));
            compared.picture().expect("a video is itself").hashes.clone()
        };
        let frames = hashes("plain.mkv", "");
        let flipped = hashes("flipped.mkv", ",vflip=enable='eq(n,3)'");
        assert_eq!((frames.count(), frames.first_differing(&frames)), (5, None), "{format} {size}");
        assert_eq!((frames.differing(&flipped), frames.first_differing(&flipped)), (1, Some(3)), "{format} {size}");
    }
}
