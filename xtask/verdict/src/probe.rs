//! The output of ffprobe, reduced to what two videos must share.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::{fraction::Fraction, shape::DisplayMatrix, showinfo::DecodedFrame};

/// The shape of a video file: everything that must agree before PSNR is meaningful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaShape {
    /// Frames that actually decode, not what the header claims.
    pub frames: u64,
    /// Picture width in pixels.
    pub width: u64,
    /// Picture height in pixels.
    pub height: u64,
    /// The ratio of a pixel's width to its height; 1:1 if the file does not say.
    pub pixel_aspect: String,
    /// The rotation by a player, in degrees.
    pub rotation: i64,
    /// How a player turns, mirrors, stretches and moves the picture.
    #[serde(skip)]
    pub display_matrix: DisplayMatrix,
    /// Average frame rate, frames a second.
    pub fps: Fraction,
    /// Codec, such as h264.
    pub codec: String,
    /// The codec's profile, such as High, if the file names one.
    pub codec_profile: Option<String>,
    /// Pixel format, such as yuv420p.
    pub pixel_format: String,
    /// The meaning of the samples according to the container.
    pub color: Color,
    /// The same according to the frames; all values, if they change.
    pub frame_color: Color,
    /// Whether the file declares an alpha plane, which VP8 and VP9 store separately.
    pub alpha: bool,
    /// Duration of the video stream, in seconds.
    pub duration_s: f64,
    /// Duration of the whole file including audio, in seconds.
    pub file_duration_s: f64,
    /// Size and pixel format of the frames; all values, if they change.
    pub frame_format: String,
    /// The order of lines, such as progressive or tt.
    pub field_order: String,
    /// The number of video tracks, without attached pictures. The first one is measured.
    pub video_tracks: u64,
    /// The audio tracks, in stream order.
    pub audio: Vec<AudioShape>,
    /// Everything unusual that an MP4 file says to players, in words.
    #[serde(skip)]
    pub instructions: Vec<String>,
    /// Subtitle tracks and attached files.
    #[serde(skip)]
    pub other_tracks: OtherTracks,
    /// When each frame is shown, in seconds.
    #[serde(skip)]
    pub frame_times_s: Vec<f64>,
}

/// The tags that define the meaning of a video's samples; `None` if a tag is absent.
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

/// The number of tracks other than video and audio that a player shows or extracts. Data tracks such as
/// time codes do not count, because containers add them on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OtherTracks {
    /// Subtitle tracks.
    pub subtitles: u64,
    /// Attached files, such as fonts.
    pub attachments: u64,
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

/// The audio tracks of a file that need not have video.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// Its audio tracks, in stream order; at least one.
    pub audio: Vec<AudioShape>,
    /// Its duration, in seconds.
    pub duration_s: f64,
}

impl Tracks {
    /// Parses ffprobe's JSON of streams and format.
    ///
    /// # Errors
    /// When there is no audio track, one begins very late, or a field is missing.
    pub fn from_ffprobe(json: &str) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_str(json).context("ffprobe's report has an unexpected form")?;
        let tracks = report.streams.iter().filter(|stream| stream.codec_type == "audio").map(audio);
        let tracks = tracks.collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!tracks.is_empty(), "there is no audio track");
        refuse_late_audio(&report, None)?;
        Ok(Self { audio: tracks, duration_s: report.format.duration_s().context("it has no duration")? })
    }
}

/// What a video file declares about itself, before anything is decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Headers(MediaShape);

impl Headers {
    /// Parses ffprobe's JSON of streams and format.
    ///
    /// # Errors
    /// When there is no video stream, its sound is not near it in time, or a field is missing.
    pub fn from_ffprobe(json: &str) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_str(json).context("ffprobe's report has an unexpected form")?;
        let videos = || report.streams.iter().filter(|s| s.codec_type == "video" && s.disposition.attached_pic == 0);
        let video = videos().next().context("there is no video stream")?;
        let declared = video.duration.as_ref().map(|text| text.parse().with_context(|| format!("duration {text:?}")));
        let declared = declared.transpose()?;
        let whole = report.format.duration_s();
        let duration_s = declared.or_else(|| video.duration_tag()).or(whole).context("the video has no duration")?;
        let count = |kind: &str| report.streams.iter().filter(|stream| stream.codec_type == kind).count() as u64;
        refuse_late_audio(&report, declared)?;
        let matrix = video.side_data_list.iter().find_map(|data| data.displaymatrix.as_deref());
        Ok(Self(MediaShape {
            frames: 0,
            width: video.width.context("the video has no width")?,
            height: video.height.context("the video has no height")?,
            pixel_aspect: known(video.sample_aspect_ratio.as_deref(), "0:1").unwrap_or("1:1").to_owned(),
            rotation: video.side_data_list.iter().find_map(|d| d.rotation).unwrap_or(0.0).round() as i64,
            display_matrix: matrix.map(DisplayMatrix::of).unwrap_or_default(),
            fps: video.avg_frame_rate.parse().or_else(|_| video.r_frame_rate.parse()).context("avg_frame_rate")?,
            codec: video.codec_name.clone().context("the video has no codec")?,
            codec_profile: known(video.profile.as_deref(), "-99").map(str::to_owned),
            pixel_format: video.pix_fmt.clone().context("the video has no pixel format")?,
            color: video.color.known(),
            frame_color: Color::default(),
            alpha: video.tags.iter().any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && *value == "1"),
            duration_s,
            file_duration_s: whole.unwrap_or(0.0),
            instructions: Vec::new(),
            frame_format: String::new(),
            field_order: known(video.field_order.as_deref(), "N/A").unwrap_or("progressive").to_owned(),
            video_tracks: videos().count() as u64,
            audio: report.streams.iter().filter(|s| s.codec_type == "audio").map(audio).collect::<Result<_, _>>()?,
            other_tracks: OtherTracks { subtitles: count("subtitle"), attachments: count("attachment") },
            // Of the first frame, as far as the headers know.
            frame_times_s: video.start_s().into_iter().collect(),
        }))
    }

    /// The shape of a video with these headers and these decoded frames.
    ///
    /// # Errors
    /// When there are no frames.
    pub fn with(&self, frames: &[DecodedFrame]) -> anyhow::Result<MediaShape> {
        ensure!(!frames.is_empty(), "no frame of the video decodes");
        Ok(MediaShape {
            frames: frames.len() as u64,
            frame_color: color_of(frames),
            frame_format: all_of(frames.iter().map(|frame| frame.format.as_str())).join(" / "),
            frame_times_s: frames.iter().map(|frame| frame.time_s).collect(),
            ..self.0.clone()
        })
    }

    /// The same headers of a file with [instructions](crate::mp4::instructions) for players.
    #[must_use]
    pub fn with_instructions(self, instructions: Vec<String>) -> Self {
        Self(MediaShape { instructions, ..self.0 })
    }

    /// The shape of a video with these headers and the frames of another video, which begin when these headers say.
    pub fn with_frames_of(&self, other: &MediaShape) -> MediaShape {
        let begin = |of: &MediaShape| of.frame_times_s.first().copied();
        let later = begin(&self.0).zip(begin(other)).map_or(0.0, |(own, other)| own - other);
        MediaShape {
            frames: other.frames,
            frame_color: other.frame_color.clone(),
            frame_format: other.frame_format.clone(),
            frame_times_s: other.frame_times_s.iter().map(|time| time + later).collect(),
            ..self.0.clone()
        }
    }

    /// The declared shape, without frames.
    pub fn declared(&self) -> &MediaShape {
        &self.0
    }
}

impl MediaShape {
    /// The codec's profile, or "none".
    pub fn profile(&self) -> &str {
        self.codec_profile.as_deref().unwrap_or("none")
    }

    /// The decoder that also returns the alpha plane, if ffmpeg's default one drops it.
    pub fn alpha_decoder(&self) -> Option<&'static str> {
        match self.codec.as_str() {
            "vp9" if self.alpha => Some("libvpx-vp9"),
            "vp8" if self.alpha => Some("libvpx"),
            _ => None,
        }
    }
}

/// All distinct values, sorted.
fn all_of<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    values.collect::<BTreeSet<&str>>().into_iter().collect()
}

/// Stands for an absent tag, if only some frames have it.
const UNTAGGED: &str = "none";

/// All values of each tag, and whether some frames lack it; `None` if all do.
fn color_of(frames: &[DecodedFrame]) -> Color {
    let all = |tag: fn(&Color) -> &Option<String>| {
        let tags = all_of(frames.iter().map(|frame| tag(&frame.color).as_deref().unwrap_or(UNTAGGED)));
        (tags != [UNTAGGED]).then(|| tags.join("/"))
    };
    Color {
        range: all(|color| &color.range),
        space: all(|color| &color.space),
        primaries: all(|color| &color.primaries),
        transfer: all(|color| &color.transfer),
    }
}

/// ffprobe omits what it does not know, or prints a word for it.
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

/// How far sound may be from the picture before it is no longer decoded, in seconds. Silence is filled in up to
/// the first sample and in gaps, so one wrong time stamp of a small file could fill a disk.
pub const FARTHEST_AUDIO_S: f64 = 120.0;

/// Refuses sound that begins, or by the file's duration ends, far from the picture, as after a broken time stamp.
fn refuse_late_audio(report: &Report, picture_s: Option<f64>) -> anyhow::Result<()> {
    let audio = report.streams.iter().filter(|stream| stream.codec_type == "audio");
    for (track, stream) in audio.enumerate() {
        let start_s = stream.start_s().unwrap_or_default();
        ensure!(
            start_s.abs() <= FARTHEST_AUDIO_S,
            "its audio track {track} begins at {start_s:.1} s, so its time stamps are broken; it is not decoded"
        );
        if let (Some(file_s), Some(picture_s)) = (report.format.duration_s(), picture_s) {
            ensure!(
                file_s - picture_s <= FARTHEST_AUDIO_S,
                "the file lasts {file_s:.1} s and its picture {picture_s:.1} s, so the time stamps of its sound are \
                 broken; it is not decoded"
            );
        }
    }
    Ok(())
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
}

#[derive(Deserialize)]
struct Format {
    duration: Option<String>,
}

impl Format {
    /// The duration of the whole file, in seconds.
    fn duration_s(&self) -> Option<f64> {
        self.duration.as_ref()?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Stream {
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
    start_time: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u64>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

impl Stream {
    /// When its first frame or sample is shown or heard, in seconds.
    fn start_s(&self) -> Option<f64> {
        self.start_time.as_ref()?.parse().ok()
    }

    /// The track's own duration in seconds, which Matroska and WebM have in a tag such as `00:00:02.033000000`: the
    /// duration of the file is that of its longest track. The tag has the track's end.
    fn duration_tag(&self) -> Option<f64> {
        let (_, text) = self.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("duration"))?;
        let parts: Vec<f64> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [hours, minutes, seconds] = parts[..] else { return None };
        Some(hours * 3600.0 + minutes * 60.0 + seconds - self.start_s().unwrap_or_default())
    }
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u64,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
    displaymatrix: Option<String>,
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
