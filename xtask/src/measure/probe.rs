//! What ffprobe says about a video, reduced to what two videos must share.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::Fraction;

/// The shape of a video file: all that must agree before PSNR means anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaShape {
    /// Frames that really decode (`-count_frames`), not what the header claims.
    pub frames: u64,
    /// Picture width in pixels.
    pub width: u64,
    /// Picture height in pixels.
    pub height: u64,
    /// Average frame rate, frames a second.
    pub fps: Fraction,
    /// Pixel format, such as yuv420p.
    pub pixel_format: String,
    /// Duration of the video stream, in seconds.
    pub duration_s: f64,
    /// The audio tracks, in stream order.
    pub audio: Vec<AudioShape>,
}

/// The shape of an audio track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioShape {
    /// Samples a second.
    pub sample_rate: u64,
    /// Channels.
    pub channels: u64,
}

impl MediaShape {
    /// Reads `ffprobe -count_frames -show_streams -show_format -of json`.
    ///
    /// # Errors
    /// When there is no video stream, no frame decodes, or a field is missing.
    pub fn from_ffprobe(json: &str) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_str(json).context("ffprobe's report is not what it should be")?;
        let video = report
            .streams
            .iter()
            .find(|s| s.codec_type == "video" && s.disposition.attached_pic == 0)
            .context("there is no video stream")?;
        let frames = number(video.nb_read_frames.as_deref(), "nb_read_frames")?;
        ensure!(frames > 0, "no frame of the video decodes");
        let duration =
            video.duration.as_ref().or(report.format.duration.as_ref()).context("the video has no duration")?;
        Ok(Self {
            frames,
            width: video.width.context("the video has no width")?,
            height: video.height.context("the video has no height")?,
            fps: video.avg_frame_rate.parse().context("avg_frame_rate")?,
            pixel_format: video.pix_fmt.clone().context("the video has no pixel format")?,
            duration_s: duration.parse().ok().with_context(|| format!("duration {duration:?}"))?,
            audio: report.streams.iter().filter(|s| s.codec_type == "audio").map(audio).collect::<Result<_, _>>()?,
        })
    }
}

fn audio(stream: &Stream) -> anyhow::Result<AudioShape> {
    Ok(AudioShape {
        sample_rate: number(stream.sample_rate.as_deref(), "sample_rate")?,
        channels: stream.channels.context("an audio track has no channels")?,
    })
}

fn number(text: Option<&str>, name: &str) -> anyhow::Result<u64> {
    let text = text.with_context(|| format!("ffprobe gave no {name}: nothing decodes"))?;
    text.parse().with_context(|| format!("{name} {text:?}"))
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

#[derive(Deserialize)]
struct Stream {
    codec_type: String,
    nb_read_frames: Option<String>,
    width: Option<u64>,
    height: Option<u64>,
    #[serde(default)]
    avg_frame_rate: String,
    pix_fmt: Option<String>,
    duration: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u64>,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"streams":[
        {"codec_type":"audio","sample_rate":"48000","channels":2,"avg_frame_rate":"0/0","nb_read_frames":"95"},
        {"codec_type":"video","width":640,"height":360,"avg_frame_rate":"30/1","pix_fmt":"yuv420p","duration":"2.000000","nb_read_frames":"60"}
      ],"format":{"duration":"2.002000"}}"#;

    #[test]
    fn reads_a_report() {
        let shape = MediaShape::from_ffprobe(REPORT).unwrap();
        assert_eq!((shape.frames, shape.width, shape.height, shape.duration_s), (60, 640, 360, 2.0));
        assert_eq!(shape.fps.whole(), Some(30));
        assert_eq!(shape.audio, [AudioShape { sample_rate: 48000, channels: 2 }]);
    }

    #[test]
    fn a_video_of_which_nothing_decodes_has_no_shape() {
        let none = REPORT.replace(r#""nb_read_frames":"60""#, r#""nb_frames":"60""#);
        assert!(MediaShape::from_ffprobe(&none).unwrap_err().to_string().contains("nothing decodes"));
        assert!(MediaShape::from_ffprobe(r#"{"streams":[],"format":{}}"#).is_err());
    }
}
