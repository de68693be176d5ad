//! The properties of each decoded frame, from ffmpeg's `showinfo` filter.

use anyhow::{Context, bail, ensure};

use crate::probe::Color;

/// A decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedFrame {
    /// When it is shown, in seconds.
    pub time_s: f64,
    /// Size and pixel format, such as `640x360 yuv420p`, and the field order of an interlaced frame.
    pub format: String,
    /// The meaning of its samples.
    pub color: Color,
}

/// One of the two videos that ffmpeg decodes in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Video {
    /// The render.
    Render = 0,
    /// The baseline.
    Baseline = 1,
}

/// Ticks per second of the frames' times: the resolution of ffprobe.
const TICKS: u32 = 1_000_000;

/// The filters that make ffmpeg log a video's frames, at level 32. They make the frames' times even for
/// one video and odd for the other, because the prefix of a line may be lost if several threads log at once.
pub fn filters(video: Video) -> String {
    // Side data would be logged byte by byte.
    format!("settb=1/{TICKS},setpts=PTS*2+{},sidedata=mode=delete,showinfo=checksum=0", video as u8)
}

/// Parses one video's frames from a log that contains the output of [`filters`].
///
/// # Errors
/// When a frame has no time, or a field is missing.
pub fn frames(log: &str, video: Video) -> anyhow::Result<Vec<DecodedFrame>> {
    let starts: Vec<usize> = log.match_indices(TIME).map(|(at, _)| at).filter(|at| is_frame(log, *at)).collect();
    let ends = starts.iter().skip(1).copied().chain([log.len()]);
    let all = starts.iter().zip(ends).enumerate().map(|(nth, (start, end))| {
        // Lines are written in pieces, and those of other threads may come between them.
        frame(&log[*start..end]).with_context(|| format!("frame {nth} in the output of ffmpeg's showinfo filter"))
    });
    let all = all.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|(of, _)| *of == video).map(|(_, frame)| frame).collect())
}

/// The first field of each frame, after its number.
const TIME: &str = " pts:";

/// Whether the field [`TIME`] at `at` belongs to a frame: it follows a number, `n:  12`, and precedes the
/// time in seconds and the next field. The title of a file may contain one of them.
fn is_frame(log: &str, at: usize) -> bool {
    let (before, after) = log.split_at(at);
    let rest = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = rest.len() < before.len() && rest.trim_end_matches(' ').ends_with("n:");
    // These fields are written at once, so no other thread's message comes between them.
    let line = after[TIME.len()..].lines().next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace().skip(1);
    let timed = words.next().is_some_and(|word| word.starts_with("pts_time:"));
    // Before version 6 ffmpeg prints the position in the file first.
    let next = words.next().is_some_and(|word| word.starts_with("duration:") || word.starts_with("pos:"));
    numbered && timed && next
}

fn frame(text: &str) -> anyhow::Result<(Video, DecodedFrame)> {
    let field = |key: &str| {
        let (_, value) = text.split_once(key).with_context(|| format!("{} is missing", key.trim()))?;
        let value = value.trim_start_matches(' ');
        // Values are lower case; another thread's message may follow immediately.
        let end = value.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.')).unwrap_or(value.len());
        ensure!(end > 0, "{} has no value", key.trim());
        anyhow::Ok(&value[..end])
    };
    let tag = |key: &str| {
        let value = as_named(field(key)?);
        anyhow::Ok(Some(value).filter(|value| !UNKNOWN.contains(value)).map(str::to_owned))
    };
    let time = text.split_once(TIME).map(|(_, rest)| rest.trim_start_matches(' ')).unwrap_or_default();
    let time = time.split([' ', '\n']).next().unwrap_or_default();
    ensure!(time != "NOPTS", "the frame has no time");
    let ticks: i64 = time.parse().ok().with_context(|| format!("the time is {time:?}"))?;
    let video = if ticks.rem_euclid(2) == 0 { Video::Render } else { Video::Baseline };
    let color = Color {
        range: tag("color_range:")?,
        space: tag(" color_space:")?,
        primaries: tag(" color_primaries:")?,
        transfer: tag(" color_trc:")?,
    };
    let format = format!("{} {}{}", field(" s:")?, field(" fmt:")?, fields(text)?);
    Ok((video, DecodedFrame { time_s: ticks.div_euclid(2) as f64 / f64::from(TICKS), format, color }))
}

/// The field order of a frame that is not progressive.
fn fields(text: &str) -> anyhow::Result<&'static str> {
    let (_, value) = text.split_once(" i:").context("i: is missing")?;
    match value.chars().next() {
        Some('P') => Ok(""),
        Some('T') => Ok(" interlaced, top field first"),
        Some('B') => Ok(" interlaced, bottom field first"),
        _ => bail!("i: is {:?}", value.chars().take(9).collect::<String>()),
    }
}

/// A tag's value without the beginning of another thread's message that follows immediately: `tv512` is
/// `tv`. An unknown name is left as it is.
fn as_named(value: &str) -> &str {
    let named = NAMES.iter().chain(&UNKNOWN).filter(|name| value.starts_with(**name)).max_by_key(|name| name.len());
    named.copied().unwrap_or(value)
}

/// The names of ranges, spaces, primaries and transfers in libavutil 60.
const NAMES: [&str; 38] = [
    "tv",
    "pc",
    "gbr",
    "bt709",
    "fcc",
    "bt470m",
    "bt470bg",
    "smpte170m",
    "smpte240m",
    "ycgco",
    "ycgco-re",
    "ycgco-ro",
    "bt2020",
    "bt2020nc",
    "bt2020c",
    "bt2020-10",
    "bt2020-12",
    "smpte2084",
    "smpte2085",
    "chroma-derived-nc",
    "chroma-derived-c",
    "ictcp",
    "ipt-c2",
    "film",
    "linear",
    "log100",
    "log316",
    "smpte428",
    "smpte431",
    "smpte432",
    "ebu3213",
    "iec61966-2-4",
    "iec61966-2-1",
    "bt1361e",
    "arib-std-b67",
    "vlog",
    "vgamut",
    "jedec-p22",
];

/// ffmpeg's words for an absent tag.
const UNKNOWN: [&str; 3] = ["unknown", "unspecified", "reserved"];

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "[Parsed_showinfo_3 @ 0x7f54c] n:   0 pts:      0 pts_time:0       duration:  1024 duration_time:0.033333 \
        fmt:yuv420p cl:left sar:1/1 s:640x360 i:P iskey:1 type:I \n\
        [Parsed_showinfo_3 @ 0x7f54c] color_range:tv color_space:bt709 color_primaries:unknown color_trc:smpte170m\n";

    fn line(nth: u32, ticks: &str) -> String {
        LINE.replace("n:   0 pts:      0", &format!("n:{nth:4} pts:{ticks:>7}"))
    }

    #[test]
    fn frames_are_read_with_their_tags() {
        let reported = frames(&[line(0, "0"), line(1, "66666")].concat(), Video::Render).unwrap();
        assert_eq!(reported.iter().map(|frame| frame.time_s).collect::<Vec<_>>(), [0.0, 0.033_333]);
        assert_eq!(reported[0].format, "640x360 yuv420p");
        let tag = |text: &str| Some(text.to_owned());
        let color = Color { range: tag("tv"), space: tag("bt709"), primaries: None, transfer: tag("smpte170m") };
        assert_eq!(reported[1].color, color);
    }

    #[test]
    fn an_interlaced_frame_is_recognized() {
        let reported = frames(&[line(0, "0"), line(1, "8").replace("i:P", "i:T")].concat(), Video::Render).unwrap();
        let formats: Vec<&str> = reported.iter().map(|frame| frame.format.as_str()).collect();
        assert_eq!(formats, ["640x360 yuv420p", "640x360 yuv420p interlaced, top field first"]);
    }

    #[test]
    fn two_videos_are_distinguished_by_their_times() {
        let log = [line(0, "-40000"), line(0, "1"), line(1, "0"), line(1, "66667"), line(2, "-7")].concat();
        let times = |video| frames(&log, video).unwrap().iter().map(|frame| frame.time_s).collect::<Vec<_>>();
        assert_eq!(times(Video::Render), [-0.02, 0.0]);
        assert_eq!(times(Video::Baseline), [0.0, 0.033_333, -0.000_004]);
    }

    #[test]
    fn messages_of_other_threads_may_come_between() {
        let one = line(0, "8").replace("range:tv", "range:tvOutput #0, null, to '/dev/null':\n  Metadata:\n");
        let two = line(1, "10").replace("I \n[Parsed_showinfo_3 @ 0x7f54c] ", "I [aac @ 0x1] n: pts:\n  Stream #1:0\n");
        let reported = frames(&format!("Input #0, pts:5\n{one}{two}video:0KiB\n"), Video::Render).unwrap();
        assert_eq!(reported.len(), 2);
        assert_eq!(reported[0].color, reported[1].color);
    }

    #[test]
    fn a_title_is_not_a_frame() {
        for title in
            ["n:   7 pts:    9", "n:   7 pts:    9 pts_time:1", "n: 7 pts:9 duration:4", "pts:9 pts_time:1 duration:4"]
        {
            let log = format!("  Metadata:\n    title           : {title}\n{}", line(0, "0"));
            assert_eq!(frames(&log, Video::Render).unwrap().len(), 1, "{title:?}");
        }
        let older = LINE.replace("duration:  1024 duration_time:0.033333", "pos:     48");
        assert_eq!(frames(&older, Video::Render).unwrap().len(), 1);
    }

    #[test]
    fn no_message_of_another_thread_becomes_part_of_a_tag() {
        let mixed = line(0, "8").replace("range:tv", "range:tv512").replace("space:bt709", "space:bt7090.0.0-dev");
        let mixed = mixed.replace("unknown", "unknownisom").replace("smpte170m", "smpte170mffv1");
        let reported = |log: &str| frames(log, Video::Render).unwrap()[0].color.clone();
        assert_eq!(reported(&mixed), reported(&line(0, "8")));
        // The longest name counts, and an unknown one stays as it is.
        let space =
            |name: &str| reported(&line(0, "8").replace("space:bt709", &format!("space:{name}"))).space.unwrap();
        for name in ["ycgco-re", "bt2020nc", "chroma-derived-c", "oklab-2"] {
            assert_eq!(space(name), name);
        }
    }

    #[test]
    fn a_missing_field_is_an_error() {
        for (what, with) in [
            (" fmt:yuv420p", ""),
            (" s:640x360", ""),
            (" i:P", ""),
            (" i:P", " i:x"),
            (" color_space:bt709", ""),
            ("color_trc:smpte170m", "color_trc:"),
            ("pts:      0", "pts:NOPTS"),
            ("pts:      0", "pts:x"),
        ] {
            assert!(frames(&LINE.replace(what, with), Video::Render).is_err(), "{what:?} as {with:?} was accepted");
        }
        assert_eq!(frames("", Video::Render).unwrap(), []);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_logs_never_panic(text in "(n: ?[0-9]{0,2} pts: ?[0-9NOPTS-]{0,6}| fmt:.{0,3}| s:|color_[a-z]{0,5}:.{0,3}|.{0,4}){0,9}") {
            let _ = frames(&text, Video::Render);
        }
    }
}
