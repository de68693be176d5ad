//! What ffprobe says about a video, reduced to what two videos must share.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::Fraction;

/// The shape of a video file: all that must agree before PSNR means anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaShape {
    /// Frames that really decode, not what the header claims.
    pub frames: u64,
    /// Picture width in pixels.
    pub width: u64,
    /// Picture height in pixels.
    pub height: u64,
    /// A pixel's width to its height, 1:1 where the file says nothing.
    pub pixel_aspect: String,
    /// By how much a player turns the picture, in degrees.
    pub rotation: i64,
    /// Average frame rate, frames a second.
    pub fps: Fraction,
    /// Codec, such as h264.
    pub codec: String,
    /// The codec's profile, such as High, where the file names one.
    pub codec_profile: Option<String>,
    /// Pixel format, such as yuv420p.
    pub pixel_format: String,
    /// What the samples mean, as the container tells.
    pub color: Color,
    /// The same as the frames themselves tell; all that they tell, where they change.
    pub frame_color: Color,
    /// Whether the file says that it has an alpha plane, which VP8 and VP9 code apart from the picture.
    pub alpha: bool,
    /// Duration of the video stream, in seconds.
    pub duration_s: f64,
    /// Duration of the whole file, sound included, in seconds.
    pub file_duration_s: f64,
    /// Size and pixel format of the frames themselves; all there are, where they change.
    pub frame_format: String,
    /// How lines are stored, such as progressive or tt.
    pub field_order: String,
    /// Video tracks, pictures attached to the file aside. The first one is measured.
    pub video_tracks: u64,
    /// The audio tracks, in stream order.
    pub audio: Vec<AudioShape>,
    /// When each frame is shown, in seconds.
    #[serde(skip)]
    pub frame_times_s: Vec<f64>,
}

/// The tags that say what a video's samples mean; `None` where it has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Color {
    /// `tv` or `pc`.
    #[serde(alias = "color_range")]
    pub range: Option<String>,
    /// Such as bt709.
    #[serde(alias = "color_space")]
    pub space: Option<String>,
    /// Such as bt709.
    #[serde(alias = "color_primaries")]
    pub primaries: Option<String>,
    /// Such as bt709 or smpte2084.
    #[serde(alias = "color_transfer")]
    pub transfer: Option<String>,
}

/// The shape of an audio track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioShape {
    /// Codec, such as aac.
    pub codec: String,
    /// Samples a second.
    pub sample_rate: u64,
    /// Channels.
    pub channels: u64,
}

/// The sound of a file that need not be a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// Its audio tracks, in stream order: one at least.
    pub audio: Vec<AudioShape>,
    /// How long it is, in seconds.
    pub duration_s: f64,
}

impl Tracks {
    /// Reads ffprobe's JSON of streams and format.
    ///
    /// # Errors
    /// When there is no audio track, or a field is missing.
    pub fn from_ffprobe(json: &str) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_str(json).context("ffprobe's report is not what it should be")?;
        let tracks = report.streams.iter().filter(|stream| stream.codec_type == "audio").map(audio);
        let tracks = tracks.collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!tracks.is_empty(), "there is no audio track");
        let duration_s = report.format.duration.as_ref().and_then(|text| text.parse().ok());
        Ok(Self { audio: tracks, duration_s: duration_s.context("it has no duration")? })
    }
}

impl MediaShape {
    /// Reads ffprobe's JSON of streams, format and frames, these with
    /// `stream_index` and `best_effort_timestamp_time`.
    ///
    /// # Errors
    /// When there is no video stream, no frame decodes, or a field is missing.
    pub fn from_ffprobe(json: &str) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_str(json).context("ffprobe's report is not what it should be")?;
        let videos = || report.streams.iter().filter(|s| s.codec_type == "video" && s.disposition.attached_pic == 0);
        let video = videos().next().context("there is no video stream")?;
        let frame_times_s = times(&report.frames, video.index)?;
        ensure!(!frame_times_s.is_empty(), "no frame of the video decodes");
        let duration =
            video.duration.as_ref().or(report.format.duration.as_ref()).context("the video has no duration")?;
        Ok(Self {
            frames: frame_times_s.len() as u64,
            width: video.width.context("the video has no width")?,
            height: video.height.context("the video has no height")?,
            pixel_aspect: known(video.sample_aspect_ratio.as_deref(), "0:1").unwrap_or("1:1").to_owned(),
            rotation: video.side_data_list.iter().find_map(|d| d.rotation).unwrap_or(0.0).round() as i64,
            fps: video.avg_frame_rate.parse().or_else(|_| video.r_frame_rate.parse()).context("avg_frame_rate")?,
            codec: video.codec_name.clone().context("the video has no codec")?,
            codec_profile: known(video.profile.as_deref(), "-99").map(str::to_owned),
            pixel_format: video.pix_fmt.clone().context("the video has no pixel format")?,
            color: video.color.known(),
            frame_color: frame_color(&report.frames, video.index),
            alpha: video.tags.iter().any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && *value == "1"),
            duration_s: duration.parse().ok().with_context(|| format!("duration {duration:?}"))?,
            file_duration_s: report.format.duration.as_ref().and_then(|text| text.parse().ok()).unwrap_or(0.0),
            frame_format: frame_format(&report.frames, video.index),
            field_order: known(video.field_order.as_deref(), "N/A").unwrap_or("progressive").to_owned(),
            video_tracks: videos().count() as u64,
            audio: report.streams.iter().filter(|s| s.codec_type == "audio").map(audio).collect::<Result<_, _>>()?,
            frame_times_s,
        })
    }

    /// The codec's profile, for people.
    pub fn profile(&self) -> &str {
        self.codec_profile.as_deref().unwrap_or("none")
    }

    /// The decoder that gives the alpha plane too, where ffmpeg's own drops it.
    pub fn alpha_decoder(&self) -> Option<&'static str> {
        match self.codec.as_str() {
            "vp9" if self.alpha => Some("libvpx-vp9"),
            "vp8" if self.alpha => Some("libvpx"),
            _ => None,
        }
    }
}

fn frame_format(frames: &[Frame], stream: u64) -> String {
    let of_stream = frames.iter().filter(|frame| frame.stream_index == Some(stream));
    let format = |frame: &Frame| match (frame.width, frame.height, &frame.pix_fmt) {
        (Some(width), Some(height), Some(pixels)) => Some(format!("{width}x{height} {pixels}")),
        _ => None,
    };
    of_stream.filter_map(format).collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(" / ")
}

fn frame_color(frames: &[Frame], stream: u64) -> Color {
    let told: Vec<Color> =
        frames.iter().filter(|f| f.stream_index == Some(stream)).map(|frame| frame.color.known()).collect();
    let all = |tag: fn(&Color) -> &Option<String>| {
        let tags: BTreeSet<&str> = told.iter().filter_map(|color| tag(color).as_deref()).collect();
        (!tags.is_empty()).then(|| tags.into_iter().collect::<Vec<_>>().join("/"))
    };
    Color {
        range: all(|color| &color.range),
        space: all(|color| &color.space),
        primaries: all(|color| &color.primaries),
        transfer: all(|color| &color.transfer),
    }
}

fn times(frames: &[Frame], stream: u64) -> anyhow::Result<Vec<f64>> {
    let of_stream = frames.iter().filter(|f| f.stream_index == Some(stream));
    of_stream
        .enumerate()
        .map(|(i, frame)| {
            let time = frame.best_effort_timestamp_time.as_deref().with_context(|| format!("frame {i} has no time"))?;
            time.parse().ok().with_context(|| format!("frame {i} has the time {time:?}"))
        })
        .collect()
}

/// ffprobe leaves out what it does not know, or gives a word that says so.
fn known<'a>(text: Option<&'a str>, unknown: &str) -> Option<&'a str> {
    text.filter(|text| ![unknown, "unknown", "unspecified", "reserved", "N/A", ""].contains(text))
}

impl Color {
    fn known(&self) -> Self {
        let tag = |text: &Option<String>| known(text.as_deref(), "N/A").map(str::to_owned);
        Self {
            range: tag(&self.range),
            space: tag(&self.space),
            primaries: tag(&self.primaries),
            transfer: tag(&self.transfer),
        }
    }
}

fn audio(stream: &Stream) -> anyhow::Result<AudioShape> {
    let rate = stream.sample_rate.as_deref().context("an audio track has no sample rate")?;
    Ok(AudioShape {
        codec: stream.codec_name.clone().context("an audio track has no codec")?,
        sample_rate: rate.parse().ok().with_context(|| format!("sample rate {rate:?}"))?,
        channels: stream.channels.context("an audio track has no channels")?,
    })
}

#[derive(Deserialize)]
struct Report {
    streams: Vec<Stream>,
    format: Format,
    #[serde(default)]
    frames: Vec<Frame>,
}

#[derive(Deserialize)]
struct Format {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Frame {
    stream_index: Option<u64>,
    best_effort_timestamp_time: Option<String>,
    width: Option<u64>,
    height: Option<u64>,
    pix_fmt: Option<String>,
    #[serde(flatten)]
    color: Color,
}

#[derive(Deserialize)]
struct Stream {
    index: u64,
    codec_type: String,
    codec_name: Option<String>,
    profile: Option<String>,
    width: Option<u64>,
    height: Option<u64>,
    sample_aspect_ratio: Option<String>,
    field_order: Option<String>,
    #[serde(default)]
    avg_frame_rate: String,
    #[serde(default)]
    r_frame_rate: String,
    pix_fmt: Option<String>,
    #[serde(flatten)]
    color: Color,
    duration: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u64>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u64,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
