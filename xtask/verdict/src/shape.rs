//! Comparing the shapes of a render and its baseline, before any PSNR.

use std::fmt::{self, Display};

use crate::{
    finding::Finding,
    gates::STRUCTURE,
    probe::{AudioShape, Color, MediaShape, Tracks},
};

/// One way in which a render's shape differs from its baseline's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `frames` or `color range`.
    pub what: String,
    /// The baseline's value.
    pub baseline: String,
    /// The render's value.
    pub render: String,
}

impl Difference {
    /// The finding of this difference.
    pub fn finding(&self) -> Finding {
        STRUCTURE.finding(&self.render, &self.baseline, self.to_string())
    }

    /// The contents were not measured, for an unknown reason.
    pub(crate) fn unknown() -> Self {
        Self { what: "contents".to_owned(), baseline: "present".to_owned(), render: "not measured".to_owned() }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} in the render, {} in the baseline", self.what, self.render, self.baseline)
    }
}

/// All differences that make PSNR meaningless, or that a viewer would see or hear although the decoded
/// samples are the same. Times may differ by less than half a frame, because containers round them.
pub fn differences(baseline: &MediaShape, render: &MediaShape) -> Vec<Difference> {
    let mut found = Found::default();
    let (b, r) = (baseline, render);
    let size = |s: &MediaShape| format!("{}x{}", s.width, s.height);
    found.unless_equal("frames", b.frames, r.frames);
    found.unless_equal("size", size(b), size(r));
    found.unless_equal("pixel aspect", &b.pixel_aspect, &r.pixel_aspect);
    found.unless_equal("rotation", b.rotation, r.rotation);
    if b.rotation == r.rotation {
        found.unless_equal("display matrix", &b.display_matrix, &r.display_matrix);
    }
    if !near(r.fps.value() / b.fps.value(), 1.0, SAME_RATE) {
        found.unless_equal("frames a second", b.fps, r.fps);
    }
    found.unless_equal("codec", &b.codec, &r.codec);
    found.unless_equal("codec profile", b.profile(), r.profile());
    found.unless_equal("pixel format", &b.pixel_format, &r.pixel_format);
    found.unless_equal("frames' size and format", &b.frame_format, &r.frame_format);
    found.unless_equal("alpha plane", b.alpha, r.alpha);
    found.unless_equal("field order", &b.field_order, &r.field_order);
    color(&mut found, "color", &b.color, &r.color);
    color(&mut found, "frames' color", &b.frame_color, &r.frame_color);
    let half_frame = 0.5 / b.fps.value();
    let shift = shift_s(b, r);
    if !near(b.duration_s, r.duration_s, half_frame) {
        found.add("duration", seconds(b.duration_s), seconds(r.duration_s));
    }
    // The file's duration includes the audio codec's padding.
    if !near(b.file_duration_s, r.file_duration_s - shift, half_frame + CODEC_PADDING_S) {
        found.add("duration of the file", seconds(b.file_duration_s), seconds(r.file_duration_s));
    }
    if b.frames == r.frames {
        let times = b.frame_times_s.iter().zip(&r.frame_times_s);
        if let Some((i, (of_b, of_r))) = times.enumerate().find(|(_, (x, y))| !near(**x, **y - shift, half_frame)) {
            found.add(&format!("time of frame {i}"), seconds(*of_b), seconds(*of_r));
        }
        let steps = |s: &MediaShape| s.frame_times_s.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f64>>();
        let (steps_b, steps_r) = (steps(b), steps(r));
        let uneven = steps_b.iter().zip(&steps_r).position(|(x, y)| !near(*x, *y, ROUNDING_S.min(half_frame)));
        // Where the times begin late, the first frame may be shown from 0 on.
        let uneven = uneven.filter(|&i| i > 0 || shift == 0.0 || r.frame_times_s[0] != 0.0);
        if let Some(i) = uneven {
            let what = format!("how long frame {i} is shown");
            found.add(&what, milliseconds(steps_b[i]), milliseconds(steps_r[i]));
        }
    }
    found.unless_equal("video tracks", b.video_tracks, r.video_tracks);
    audio(&mut found, &b.audio, &r.audio, "");
    let instructions =
        |s: &MediaShape| if s.instructions.is_empty() { "none".to_owned() } else { s.instructions.join(", ") };
    found.unless_equal("instructions for players", instructions(b), instructions(r));
    found.unless_equal("subtitle tracks", b.other_tracks.subtitles, r.other_tracks.subtitles);
    found.unless_equal("attached files", b.other_tracks.attachments, r.other_tracks.attachments);
    found.0
}

/// By how many seconds all of a render's times are later than its baseline's: some containers can't express that the
/// first packets of audio are not heard, or that frames are decoded before they are shown, and begin that much later.
/// The audio has to begin later by the same, see [`crate::audio`]. 0 if they begin so late that a viewer notices.
pub fn shift_s(baseline: &MediaShape, render: &MediaShape) -> f64 {
    let times = baseline.frame_times_s.iter().zip(&render.frame_times_s);
    let mut later: Vec<f64> = times.map(|(of_baseline, of_render)| of_render - of_baseline).collect();
    later.sort_by(f64::total_cmp);
    let shift = later.get(later.len() / 2).copied().unwrap_or_default();
    let most = DECODED_AHEAD / baseline.fps.value() + CODEC_PADDING_S;
    if shift.abs() > SAME_TIME_S && shift.abs() < most { shift } else { 0.0 }
}

/// How the audio tracks of `name`, a file that accompanies frames, differ in shape.
pub fn of_tracks(name: &str, baseline: &Tracks, render: &Tracks) -> Vec<Difference> {
    let mut found = Found::default();
    audio(&mut found, &baseline.audio, &render.audio, &format!(" of {name}"));
    if !near(baseline.duration_s, render.duration_s, CODEC_PADDING_S) {
        found.add(&format!("duration of {name}"), seconds(baseline.duration_s), seconds(render.duration_s));
    }
    found.0
}

fn audio(found: &mut Found, baseline: &[AudioShape], render: &[AudioShape], of: &str) {
    found.unless_equal(&format!("audio tracks{of}"), baseline.len(), render.len());
    for (i, (of_b, of_r)) in baseline.iter().zip(render).enumerate() {
        found.unless_equal(&format!("codec of audio track {i}{of}"), &of_b.codec, &of_r.codec);
        found.unless_equal(&format!("channels of audio track {i}{of}"), of_b.channels, of_r.channels);
        found.unless_equal(&format!("sample rate of audio track {i}{of}"), of_b.sample_rate, of_r.sample_rate);
    }
}

/// Whether two times are less than `within` seconds apart. Written so that NaN never is.
fn near(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() < within
}

/// Containers round times, and so the rates that are computed from them. The times of the frames are compared as
/// well; 24 and 23.976 differ by twice this.
const SAME_RATE: f64 = 0.0005;

/// Times that are closer than this are equal.
const SAME_TIME_S: f64 = 0.0001;

/// How many frames an encoder decodes before it shows the first one.
const DECODED_AHEAD: f64 = 2.0;

/// Containers round times to a millisecond, so the durations of frames may differ by two.
const ROUNDING_S: f64 = 0.0025;

/// Audio encoders pad by up to two frames of 1,024 samples.
const CODEC_PADDING_S: f64 = 0.05;

/// A tag that the baseline lacks is not compared: files from before HyperFrames tagged its colors hold the
/// same samples. But players show a render that lost its tags differently.
fn color(found: &mut Found, of: &str, baseline: &Color, render: &Color) {
    let tags = [
        ("range", &baseline.range, &render.range),
        ("space", &baseline.space, &render.space),
        ("primaries", &baseline.primaries, &render.primaries),
        ("transfer", &baseline.transfer, &render.transfer),
    ];
    for (what, of_baseline, of_render) in tags {
        if let Some(b) = of_baseline {
            found.unless_equal(&format!("{of} {what}"), b.as_str(), of_render.as_deref().unwrap_or("none"));
        }
    }
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn unless_equal<T: Display + PartialEq>(&mut self, what: &str, baseline: T, render: T) {
        if baseline != render {
            self.add(what, baseline.to_string(), render.to_string());
        }
    }

    fn add(&mut self, what: &str, baseline: String, render: String) {
        self.0.push(Difference { what: what.to_owned(), baseline, render });
    }
}

fn seconds(s: f64) -> String {
    format!("{s:.3} s")
}

fn milliseconds(s: f64) -> String {
    format!("{:.1} ms", s * 1000.0)
}

/// How a player turns, mirrors, stretches and moves a picture: the file's display matrix from ffprobe, in
/// fixed-point numbers. The angle alone does not show whether a picture is mirrored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayMatrix(String);

/// The identity, which applies to files without a matrix.
impl Default for DisplayMatrix {
    fn default() -> Self {
        Self("65536 0 0 / 0 65536 0 / 0 0 1073741824".to_owned())
    }
}

impl Display for DisplayMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DisplayMatrix {
    /// Parses rows such as `00000001:            0      -65536           0`.
    pub fn of(rows: &str) -> Self {
        let row = |line: &str| {
            let (_, numbers) = line.split_once(':').unwrap_or(("", line));
            numbers.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        };
        Self(rows.lines().map(row).filter(|row| !row.is_empty()).collect::<Vec<_>>().join(" / "))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{fraction::Fraction, probe::OtherTracks};

    pub(crate) fn shape() -> MediaShape {
        MediaShape {
            frames: 60,
            width: 640,
            height: 360,
            pixel_aspect: "1:1".into(),
            rotation: 0,
            display_matrix: DisplayMatrix::default(),
            fps: Fraction::new(30, 1).unwrap(),
            codec: "h264".into(),
            codec_profile: Some("High".into()),
            pixel_format: "yuv420p".into(),
            color: Color { range: Some("tv".into()), ..Color::default() },
            frame_color: Color { range: Some("tv".into()), ..Color::default() },
            alpha: false,
            duration_s: 2.0,
            file_duration_s: 2.0,
            frame_format: "640x360 yuv420p".into(),
            field_order: "progressive".into(),
            video_tracks: 1,
            audio: vec![AudioShape { codec: "aac".into(), sample_rate: 48_000, channels: 2 }],
            other_tracks: OtherTracks::default(),
            instructions: Vec::new(),
            frame_times_s: (0..60).map(|i| f64::from(i) / 30.0).collect(),
        }
    }

    #[test]
    fn rates_that_containers_round_are_equal() {
        let rate = |fps: &str| MediaShape { fps: fps.parse().unwrap(), ..shape() };
        assert_eq!(differences(&rate("30000/1001"), &rate("19001/634")), []);
        let of_film = differences(&rate("24"), &rate("24000/1001"));
        assert_eq!(of_film[0].to_string(), "frames a second: 24000/1001 in the render, 24 in the baseline");
    }

    #[test]
    fn equal_shapes_have_no_differences() {
        assert_eq!(differences(&shape(), &shape()), []);
        let untagged = Color::default;
        let mut rounded = MediaShape { duration_s: 2.002, color: untagged(), frame_color: untagged(), ..shape() };
        rounded.frame_times_s.iter_mut().for_each(|t| *t = (*t * 1000.0).round() / 1000.0);
        assert_eq!(differences(&rounded, &shape()), []);
        // In the other direction the tags are lost.
        assert_eq!(differences(&shape(), &rounded).len(), 2);
    }

    #[test]
    fn the_audio_tracks_of_a_file_are_compared() {
        let tracks = |channels, duration_s| Tracks {
            audio: vec![AudioShape { codec: "aac".into(), sample_rate: 48_000, channels }],
            duration_s,
        };
        let reported = |render: &Tracks| -> Vec<String> {
            of_tracks("audio.m4a", &tracks(2, 2.0), render).iter().map(ToString::to_string).collect()
        };
        assert_eq!(reported(&tracks(2, 2.04)), [""; 0]);
        assert_eq!(
            reported(&tracks(1, 2.0)),
            ["channels of audio track 0 of audio.m4a: 1 in the render, 2 in the baseline"]
        );
        assert_eq!(
            reported(&tracks(2, 7.0)),
            ["duration of audio.m4a: 7.000 s in the render, 2.000 s in the baseline"]
        );
        assert_eq!(reported(&tracks(2, f64::NAN)).len(), 1);
    }

    #[test]
    fn a_nan_time_is_a_difference() {
        let reported = |render: &MediaShape| -> Vec<String> {
            differences(&shape(), render).into_iter().map(|difference| difference.what).collect()
        };
        assert_eq!(reported(&MediaShape { duration_s: f64::NAN, ..shape() }), ["duration"]);
        assert_eq!(reported(&MediaShape { file_duration_s: f64::NAN, ..shape() }), ["duration of the file"]);
        let mut timeless = shape();
        timeless.frame_times_s[21] = f64::NAN;
        assert_eq!(reported(&timeless), ["time of frame 21", "how long frame 20 is shown"]);
    }

    #[test]
    fn each_difference_is_named() {
        let color = |range: &str| Color { range: Some(range.into()), ..Color::default() };
        let mut late = shape();
        late.frame_times_s[21] += 0.02;
        let mut judder = shape();
        judder.frame_times_s[21] += 0.01;
        let track = |sample_rate, channels| vec![AudioShape { codec: "aac".into(), sample_rate, channels }];
        let mp3 = vec![AudioShape { codec: "mp3".into(), sample_rate: 48_000, channels: 2 }];
        let cases = [
            ("frames", MediaShape { frames: 31, ..shape() }),
            ("size", MediaShape { height: 361, ..shape() }),
            ("pixel aspect", MediaShape { pixel_aspect: "2:1".into(), ..shape() }),
            ("rotation", MediaShape { rotation: 90, ..shape() }),
            ("frames a second", MediaShape { fps: Fraction::new(30_000, 1001).unwrap(), ..shape() }),
            ("codec", MediaShape { codec: "hevc".into(), ..shape() }),
            ("codec profile", MediaShape { codec_profile: None, ..shape() }),
            ("pixel format", MediaShape { pixel_format: "yuv444p".into(), ..shape() }),
            ("alpha plane", MediaShape { alpha: true, ..shape() }),
            ("color range", MediaShape { color: color("pc"), ..shape() }),
            ("frames' color range", MediaShape { frame_color: color("pc"), ..shape() }),
            ("duration", MediaShape { duration_s: 1.98, ..shape() }),
            ("time of frame 21 | how long frame 20 is shown", late),
            ("how long frame 20 is shown", judder),
            ("duration of the file", MediaShape { file_duration_s: 7.0, ..shape() }),
            (
                "frames' size and format",
                MediaShape { frame_format: "320x180 yuv420p / 640x360 yuv420p".into(), ..shape() },
            ),
            ("field order", MediaShape { field_order: "tt".into(), ..shape() }),
            ("video tracks", MediaShape { video_tracks: 2, ..shape() }),
            ("audio tracks", MediaShape { audio: vec![], ..shape() }),
            ("subtitle tracks", MediaShape { other_tracks: OtherTracks { subtitles: 1, attachments: 0 }, ..shape() }),
            ("attached files", MediaShape { other_tracks: OtherTracks { subtitles: 0, attachments: 1 }, ..shape() }),
            ("codec of audio track 0", MediaShape { audio: mp3, ..shape() }),
            ("channels of audio track 0", MediaShape { audio: track(48_000, 1), ..shape() }),
            ("sample rate of audio track 0", MediaShape { audio: track(44_100, 2), ..shape() }),
        ];
        for (what, render) in cases {
            let found = differences(&shape(), &render);
            assert_eq!(found.iter().map(|d| d.what.as_str()).collect::<Vec<_>>().join(" | "), what);
        }
    }
}
