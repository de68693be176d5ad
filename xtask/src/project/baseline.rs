//! A baseline that renders are measured against: a video or a PNG sequence.

use std::path::{Path, PathBuf};

use anyhow::Context;
use render_verdict::{
    Comparison,
    audio::AudioStatus,
    codec::Codec,
    decibels::Level,
    frames::{
        BaselineFrames, MeasuredFrames,
        archive::{FrameFolder, FrameSource},
        sequence::FrameIndex,
    },
    gates::Limits,
    picture::{psnr::VideoPsnr, raster::Raster},
    probe::{AudioShape, MediaShape},
};

use crate::{
    project::{fixture::format::RenderFormat, plan::Extent},
    tools::ffmpeg::{Media, audio::SoundFiles},
};

/// A baseline, read and complete.
#[derive(Debug, Clone)]
pub enum Baseline {
    /// A video.
    Video {
        /// The file.
        path: PathBuf,
        /// Its shape.
        shape: Box<MediaShape>,
    },
    /// A PNG sequence, and the audio files that accompany it.
    Frames {
        /// The frames.
        frames: BaselineFrames,
        /// The audio files.
        sound: SoundFiles,
        /// The frame rate.
        fps: u32,
    },
}

/// A render compared with a baseline.
#[derive(Debug)]
pub struct Compared {
    /// Against the baseline.
    pub comparison: Comparison,
    /// The video's shape; `None` for a PNG sequence.
    pub media: Option<MediaShape>,
    /// When each of its frames is shown, in seconds.
    pub frame_times_s: Vec<f64>,
    /// The render's audio tracks.
    pub audio: Vec<AudioShape>,
    /// The baseline's.
    pub baseline_audio: Vec<AudioShape>,
}

impl Compared {
    fn of_videos(of_render: MediaShape, of_baseline: &MediaShape, comparison: Comparison) -> Self {
        Self {
            comparison,
            frame_times_s: of_render.frame_times_s.clone(),
            audio: of_render.audio.clone(),
            baseline_audio: of_baseline.audio.clone(),
            media: Some(of_render),
        }
    }

    /// The number of the render's frames.
    pub fn frames(&self) -> u64 {
        self.frame_times_s.len() as u64
    }

    /// How its sound stands to the baseline's.
    pub fn audio_status(&self, gate: &Limits) -> AudioStatus {
        AudioStatus::of(&self.comparison, &self.audio, &self.baseline_audio, gate)
    }
}

impl Baseline {
    /// Reads a video to its end, or a folder of frames with this frame rate.
    ///
    /// # Errors
    /// When the video does not decode from end to end, or the frames have gaps.
    pub async fn read(media: &Media, path: &Path, format: RenderFormat, fps: u32) -> anyhow::Result<Self> {
        match format {
            RenderFormat::Video(_) => {
                let shape = Box::new(media.shape_of_whole(path).await?);
                Ok(Self::Video { path: path.to_owned(), shape })
            }
            RenderFormat::PngSequence => {
                let folder = FrameFolder::at(path);
                let frames = blocking("reading frames", move || BaselineFrames::read(folder)).await?;
                let sound = media.sound_in(path, frames.frames.sequence()).await;
                Ok(Self::Frames { frames, sound, fps })
            }
        }
    }

    /// Reads a video, and measures a render as [`Baseline::compare`] does, if it takes no more than decoding both once.
    pub async fn read_and_compare(
        media: &Media,
        path: &Path,
        render: &Path,
        gate: &Limits,
    ) -> Option<(Self, Compared)> {
        let (shape, of_render, comparison) = media.compare_at_once(render, path, gate).await?;
        let compared = Compared::of_videos(of_render, &shape, comparison);
        Some((Self::Video { path: path.to_owned(), shape: Box::new(shape) }, compared))
    }

    /// Its size and length.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Video { shape, .. } => shape.as_ref().into(),
            Self::Frames { frames: BaselineFrames { frames, .. }, .. } => Extent::from(frames),
        }
    }

    /// Its shape, if it is a video.
    pub fn shape(&self) -> Option<&MediaShape> {
        match self {
            Self::Video { shape, .. } => Some(shape),
            Self::Frames { .. } => None,
        }
    }

    /// Its frame rate, for people.
    pub fn fps(&self) -> String {
        match self {
            Self::Video { shape, .. } => shape.fps.to_string(),
            Self::Frames { fps, .. } => fps.to_string(),
        }
    }

    /// Its audio tracks.
    pub fn audio(&self) -> Vec<AudioShape> {
        match self {
            Self::Video { shape, .. } => shape.audio.clone(),
            Self::Frames { sound, .. } => sound.tracks(),
        }
    }

    /// Measures a render: a video, or a folder or archive of frames. `codec` is the requested codec of a video.
    /// Measurements that can't exceed a limit of `gate` may be left out.
    ///
    /// # Errors
    /// When the render can't be decoded from end to end, because it has no result then.
    pub async fn compare(
        &self,
        media: &Media,
        render: &Path,
        codec: Option<Codec>,
        gate: &Limits,
    ) -> anyhow::Result<Compared> {
        match self {
            Self::Video { path, shape } => {
                let expected = codec.map_or_else(|| shape.as_ref().clone(), |codec| codec.expected(shape));
                let (of_render, comparison) = media.compare(render, path, &expected, gate).await?;
                Ok(Compared::of_videos(of_render, shape, comparison))
            }
            Self::Frames { frames, sound, fps } => {
                let (frames, source, fps) = (frames.clone(), FrameSource::at(render), *fps);
                let reading = source.clone();
                let measured = blocking("comparing frames", move || frames.measure(&reading, fps)).await;
                let MeasuredFrames { sequence, compared } = measured?;
                let of_render = media.sound_of(&source, &sequence).await?;
                let mut unlike = compared.as_ref().err().cloned().unwrap_or_default();
                unlike.extend(sound.differences(&of_render));
                let comparison = match compared {
                    Ok(picture) if unlike.is_empty() => {
                        Comparison::Alike { picture, audio: media.sounds(&of_render, sound).await? }
                    }
                    _ => Comparison::Unlike(unlike),
                };
                let time = |index| FrameIndex::new(index).seconds(fps);
                Ok(Compared {
                    comparison,
                    media: None,
                    frame_times_s: (0..sequence.count()).map(time).collect(),
                    audio: of_render.tracks(),
                    baseline_audio: sound.tracks(),
                })
            }
        }
    }

    /// A frame of it and the same frame of a render, as pictures for people; `media_shape` is the shape of the
    /// render, if it is a video.
    ///
    /// # Errors
    /// When either has no such frame, or it can't be decoded.
    pub async fn stills(
        &self,
        media: &Media,
        render: &Path,
        media_shape: Option<&MediaShape>,
        frame: u64,
    ) -> anyhow::Result<(Raster, Raster)> {
        match self {
            Self::Video { path, shape } => media.stills(render, path, media_shape.unwrap_or(shape), frame).await,
            Self::Frames { frames, .. } => {
                let (frames, source) = (frames.clone(), FrameSource::at(render));
                blocking("taking a frame out of a render", move || frames.stills(&source, frame)).await
            }
        }
    }

    /// The PSNR between each stretch of `frames` frames, given by its first frame, and the one that starts
    /// `distance` frames later, from their mean squared error.
    ///
    /// # Errors
    /// When it can't be decoded.
    pub async fn apart(&self, media: &Media, firsts: &[u64], frames: u64, distance: u64) -> anyhow::Result<Vec<Level>> {
        let (Some(start), Some(last)) = (firsts.iter().min(), firsts.iter().max()) else { return Ok(Vec::new()) };
        match self {
            Self::Video { path, shape } => {
                // All of them in one pass.
                let apart = media.apart(path, shape, &(*start..last + frames), distance).await?;
                let of_stretch = |first: &u64| {
                    let stretch = &apart[(first - start) as usize..][..frames as usize];
                    Ok(VideoPsnr::of(stretch)?.from_mean_mse)
                };
                firsts.iter().map(of_stretch).collect()
            }
            Self::Frames { frames: all, .. } => {
                let (all, firsts) = (all.clone(), firsts.to_vec());
                let of_stretch = move |first: u64| all.between_stretches((first, first + distance), frames);
                let all = move || firsts.into_iter().map(of_stretch).collect();
                blocking("comparing stretches", all).await
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context(what)?
}
