//! Measuring videos with ffmpeg and ffprobe.

mod beside;
mod graph;
mod pass;
mod picture;
mod probing;
mod semantics;
mod sound;
mod still;
mod stretches;

pub use beside::SoundFiles;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;

use crate::{
    env::Env,
    measure::{comparison::Comparison, gate::Gate, probe::MediaShape, shape::differences, showinfo::Video},
    preflight::Tools,
    process::{Children, Command},
};

/// ffmpeg and ffprobe.
#[derive(Debug, Clone)]
pub struct Media {
    /// The `ffmpeg` program.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program.
    pub ffprobe: PathBuf,
    /// What they may see.
    pub env: Env,
    /// Where they are registered.
    pub children: Children,
}

const LIMIT: Duration = Duration::from_secs(30 * 60);

impl Media {
    /// The tools that the pre-flight found, in the environment that it looked in.
    pub fn new(tools: &Tools, env: &Env, children: &Children) -> Self {
        Self {
            ffmpeg: tools.path("ffmpeg").to_owned(),
            ffprobe: tools.path("ffprobe").to_owned(),
            env: env.for_child(),
            children: children.clone(),
        }
    }

    /// Compares a render with its baseline: shapes, and where they agree every
    /// frame, paired by decode index, and every sample. What no finding of `gate`
    /// could come of is left out: the neighbours of frames that reach its threshold.
    ///
    /// # Errors
    /// When either file can't be decoded from end to end: what was not measured
    /// has no result, and what an undecodable file lacks is no difference.
    pub async fn compare(
        &self,
        render: &Path,
        baseline: &Path,
        baseline_shape: &MediaShape,
        gate: &Gate,
    ) -> anyhow::Result<(MediaShape, Comparison)> {
        // A render is likely to be of its baseline's shape; whether it is, is asked meanwhile.
        let pass = self.pass(render, baseline, baseline_shape, gate.psnr_db);
        let (headers, pass) = tokio::join!(self.headers(render), pass);
        let headers = headers?;
        let unlike = differences(baseline_shape, &headers.with_frames_of(baseline_shape));
        let pass = match pass {
            Ok(pass) if unlike.is_empty() => pass,
            pass => {
                // A render that does not decode is told as such, and what changes from frame to frame as a difference.
                let shape = self.decoded(render, &headers).await?;
                let unlike = differences(baseline_shape, &shape);
                return match pass {
                    Err(error) if unlike.is_empty() => Err(error),
                    _ => Ok((shape, Comparison::Unlike(unlike))),
                };
            }
        };
        let shape = headers.with(&pass.frames(Video::Render)?).with_context(|| format!("{}", render.display()))?;
        let unlike = differences(baseline_shape, &shape);
        if !unlike.is_empty() {
            return Ok((shape, Comparison::Unlike(unlike)));
        }
        let picture = Box::new(pass.picture(&shape, gate.psnr_db)?);
        let audio = shape.audio.iter().enumerate().map(|(track, of)| pass.sound(track, of.channels));
        let audio = audio.collect::<anyhow::Result<_>>()?;
        Ok((shape, Comparison::Alike { picture, audio }))
    }

    /// Reports streams and format as JSON.
    fn ffprobe(&self) -> Command {
        let report = ["-v", "error", "-show_streams", "-show_format", "-of", "json=compact=1"];
        Command::new(&self.ffprobe, &self.env).args(report).limit(LIMIT)
    }

    fn ffmpeg(&self) -> Command {
        self.ffmpeg_in(&self.env)
    }

    /// ffmpeg in a folder that gets [`Media::LOG`]: what it prints, and what `showinfo` filters tell.
    fn ffmpeg_telling(&self, dir: &Path) -> Command {
        // Beside its standard error, which has errors alone.
        let env = self.env.clone().with("FFREPORT", format!("file={}:level=32", Self::LOG));
        self.ffmpeg_in(&env).cwd(dir).arg("-nostats")
    }

    const LOG: &str = "log";

    fn ffmpeg_in(&self, env: &Env) -> Command {
        // -xerror: a frame that does not decode is an error, not a repeat of the one before.
        Command::new(&self.ffmpeg, env).args(["-nostdin", "-v", "error", "-xerror", "-y"]).limit(LIMIT)
    }
}

/// Threads for each of two decoders. More than there are processors only cost: a
/// frame that threads share is waited for, and copied between caches.
fn half_of_the_processors() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

fn decoder_args(decoder: Option<&str>) -> Vec<String> {
    decoder.map_or_else(Vec::new, |name| vec!["-c:v".to_owned(), name.to_owned()])
}

/// [`file_arg`] for an ffmpeg that runs in another folder.
fn absolute_arg(path: &Path) -> anyhow::Result<String> {
    let absolute = std::path::absolute(path).with_context(|| format!("{}", path.display()))?;
    Ok(file_arg(&absolute))
}

/// A path that no protocol prefix or leading dash can turn into something else.
fn file_arg(path: &Path) -> String {
    format!("file:{}", path.display())
}
