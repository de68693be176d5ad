//! What else ffmpeg and ffprobe print: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render_verdict::{
    frames::png,
    picture::{hashes::FrameHashes, raster::Raster, ssim::VideoSsim},
    probe, shape,
    showinfo::{self, Video},
};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match which {
        b's' => {
            if let Ok((ssim, frames)) = VideoSsim::from_stats(&text) {
                assert!(ssim.mean.is_finite() && ssim.worst_frame < frames);
            }
        }
        b'i' => {
            let reported = [Video::Render, Video::Baseline].map(|video| showinfo::frames(&text, video));
            assert!(reported.iter().flatten().flatten().all(|frame| frame.time_s.is_finite()));
        }
        b'h' => {
            if let Ok(hashes) = FrameHashes::from_framehash(&text) {
                assert_eq!(hashes.differing(&hashes), 0);
                hashes.equal_stretches(3);
                hashes.sha256();
            }
        }
        b'y' => {
            if let Ok(hashes) = FrameHashes::from_yuv4mpeg(rest) {
                assert!(hashes.iter().all(|hash| hash.len() == 32));
            }
        }
        b'n' => picture(rest),
        _ => probed(&text),
    }
});

fn probed(text: &str) {
    if let Ok(tracks) = probe::Tracks::from_ffprobe(text) {
        let _ = shape::of_tracks("audio.m4a", &tracks, &tracks);
    }
    let Ok(headers) = probe::Headers::from_ffprobe(text) else { return };
    let reported = headers.declared();
    let again = serde_json::from_value::<probe::MediaShape>(serde_json::to_value(reported).expect("a shape is JSON"));
    assert_eq!(again.expect("a shape is read back").fps, reported.fps);
    shape::differences(reported, reported);
    assert!(reported.fps.value() > 0.0);
}

fn picture(file: &[u8]) {
    let _ = png::same_pixels(file, file);
    if png::header_of_whole(file).is_ok()
        && let Ok(raster) = Raster::from_png(file)
    {
        let small = raster.within(40);
        assert!(small.png().is_ok());
    }
}
