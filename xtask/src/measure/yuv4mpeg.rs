//! Raw frames as ffmpeg's `yuv4mpegpipe` muxer writes them, each hashed. Pure.

use std::io::{BufRead, BufReader, Read};

use anyhow::{Context, bail, ensure};
use kernels::hash::Hasher;

/// Whether frames of a pixel format can be written so.
pub fn takes(pixel_format: &str) -> bool {
    let planar = pixel_format.strip_prefix("yuvj").or(pixel_format.strip_prefix("yuv"));
    let layout = planar.map(|rest| rest.split_at_checked(3).unwrap_or((rest, "")));
    matches!(layout, Some(("420" | "422" | "444", "p" | "p10le" | "p12le")))
}

/// Hashes of 128 bits of each frame in a stream, in order, in hex.
///
/// # Errors
/// When it can't be read, is another stream, or is cut off.
pub fn hashes(stream: impl Read) -> anyhow::Result<Vec<String>> {
    let mut stream = BufReader::with_capacity(1 << 18, stream);
    let frame_bytes = frame_bytes(&line(&mut stream)?.context("it is empty")?)?;
    let mut hasher = Hasher::default();
    let mut hashes = Vec::new();
    while let Some(header) = line(&mut stream)? {
        ensure!(header.split(' ').next() == Some("FRAME"), "frame {} begins with {header:?}", hashes.len());
        let mut missing = frame_bytes;
        while missing > 0 {
            let buffered = stream.fill_buf()?;
            ensure!(!buffered.is_empty(), "frame {} is cut off: {missing} bytes are missing", hashes.len());
            let taken = buffered.len().min(missing);
            hasher.update(&buffered[..taken]);
            stream.consume(taken);
            missing -= taken;
        }
        hashes.push(format!("{:032x}", hasher.finish()));
    }
    Ok(hashes)
}

/// The next line; `None` at the end.
fn line(stream: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    /// Lines are shorter; where one is not, this is no such stream.
    const LONGEST: u64 = 1 << 12;
    let mut line = Vec::new();
    if stream.take(LONGEST).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    ensure!(line.pop() == Some(b'\n'), "a line of {} bytes or more does not end", line.len());
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// Bytes of a frame by the stream's first line, such as `YUV4MPEG2 W640 H360 F30:1 C420mpeg2`.
fn frame_bytes(header: &str) -> anyhow::Result<usize> {
    let what = || format!("the stream begins with {header:?}");
    let mut words = header.split(' ');
    ensure!(words.next() == Some("YUV4MPEG2"), what());
    let (mut width, mut height, mut color) = (None, None, "420");
    for word in words {
        match word.split_at_checked(1) {
            Some(("W", number)) => width = number.parse().ok(),
            Some(("H", number)) => height = number.parse().ok(),
            Some(("C", name)) => color = name,
            _ => {}
        }
    }
    let (width, height): (usize, usize) = width.zip(height).with_context(what)?;
    let (layout, rest) = color.split_at_checked(3).with_context(what)?;
    let (across, down) = match layout {
        "420" => (2, 2),
        "422" => (2, 1),
        "444" => (1, 1),
        _ => bail!(what()),
    };
    let sample_bytes = match rest {
        "" | "jpeg" | "mpeg2" | "paldv" => 1,
        "p10" | "p12" => 2,
        _ => bail!(what()),
    };
    let chroma = width.div_ceil(across).checked_mul(height.div_ceil(down)).and_then(|plane| plane.checked_mul(2));
    let samples = width.checked_mul(height).zip(chroma).and_then(|(luma, chroma)| luma.checked_add(chroma));
    samples.and_then(|samples| samples.checked_mul(sample_bytes)).filter(|bytes| *bytes > 0).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n";

    fn stream(frames: &[&str]) -> String {
        frames.iter().fold(HEADER.to_owned(), |stream, frame| format!("{stream}FRAME\n{frame}"))
    }

    #[test]
    fn equal_frames_have_equal_hashes() {
        let found = hashes(stream(&["abcdefghijkl", "abcdefghijkm", "abcdefghijkl"]).as_bytes()).unwrap();
        assert_eq!((found.len(), found[0].len()), (3, 32));
        assert_eq!(found[0], found[2]);
        assert_ne!(found[0], found[1]);
        assert_eq!(hashes(HEADER.as_bytes()).unwrap(), [""; 0]);
    }

    #[test]
    fn every_layout_has_its_size() {
        let bytes = |color: &str| frame_bytes(&format!("YUV4MPEG2 W5 H3 F25:1 C{color}")).ok();
        assert_eq!(["420mpeg2", "422", "444"].map(bytes), [Some(15 + 2 * 6), Some(15 + 2 * 9), Some(45)]);
        assert_eq!(
            ["420p10", "444p12", "mono", "411", "444alpha", "420p", ""].map(bytes),
            [Some(54), Some(90), None, None, None, None, None]
        );
        for format in ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p12le"] {
            assert!(takes(format), "{format}");
        }
        for format in ["yuva420p", "gbrp", "rgb24", "yuv410p", "yuv420p16le", "gray", "yuv"] {
            assert!(!takes(format), "{format}");
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let whole = stream(&["abcdefghijkl"]);
        for cut in 1..whole.len() {
            let told = hashes(&whole.as_bytes()[..cut]);
            assert!(told.is_err() || cut == HEADER.len(), "{cut} bytes were taken");
        }
        assert!(hashes(&b""[..]).is_err());
        assert!(hashes(stream(&["abcdefghijkl", "abc"]).replace("FRAME\nabc", "FRAMES\nabc").as_bytes()).is_err());
        assert!(hashes("YUV4MPEG2 W99999999999 H99999999999 C444\n".as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_streams_never_panic(head in "(YUV4MPEG2)?( W[0-9]{0,3}| H[0-9]{0,3}| C[0-9a-z]{0,5}){0,4}\n?", rest in ".{0,30}") {
            let _ = hashes(format!("{head}FRAME\n{rest}").as_bytes());
        }
    }
}
