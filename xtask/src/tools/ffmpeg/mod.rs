//! Measuring videos with ffmpeg and ffprobe.

pub(crate) mod audio;
pub(crate) mod filters;
pub(crate) mod pass;
pub(crate) mod semantics;
pub(crate) mod stills;
mod unreadable;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use render_verdict::{
    Comparison,
    gates::{Limits, MEAN_PSNR},
    mp4,
    probe::{Headers, MediaShape},
    shape::differences,
    showinfo::{self, Video},
};
use xshell::{Cmd, cmd};

use crate::tools::{
    children::Output,
    preflight::Tools,
    runner::{Run, Runner},
};

/// ffmpeg and ffprobe.
#[derive(Debug, Clone)]
pub struct Media {
    /// The `ffmpeg` program.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program.
    pub ffprobe: PathBuf,
    /// Starts them.
    pub runner: Runner,
}

const LIMIT: Duration = Duration::from_secs(30 * 60);

impl Media {
    /// The tools that the pre-flight found.
    pub fn new(tools: &Tools, runner: &Runner) -> Self {
        let path = |name| tools.path(name).to_owned();
        Self { ffmpeg: path("ffmpeg"), ffprobe: path("ffprobe"), runner: runner.clone() }
    }

    /// Compares a render with its baseline: shapes, and where they agree every
    /// frame, paired by decode index, and every sample. What no finding of `gate`
    /// could come of is left out: the neighbors of frames that reach its threshold.
    ///
    /// # Errors
    /// When either file can't be decoded from end to end: what was not measured
    /// has no result, and what an undecodable file lacks is no difference.
    pub async fn compare(
        &self,
        render: &Path,
        baseline: &Path,
        baseline_shape: &MediaShape,
        gate: &Limits,
    ) -> anyhow::Result<(MediaShape, Comparison)> {
        let headers = self.headers(render);
        let pass = self.pass(render, baseline, baseline_shape, gate.db(&MEAN_PSNR));
        // Headers show sound that would fill the disk with silence, so they are read before sound is decoded.
        let (headers, pass) = match baseline_shape.audio.is_empty() {
            true => tokio::join!(headers, pass),
            false => (Ok(headers.await?), pass.await),
        };
        let headers = headers?;
        let unlike = differences(baseline_shape, &headers.with_frames_of(baseline_shape));
        let pass = match pass {
            Ok(pass) if unlike.is_empty() => pass,
            pass => {
                // A render that does not decode is reported as such, and what changes from frame to frame as a difference.
                let shape = self.decoded(render, &headers).await?;
                let unlike = differences(baseline_shape, &shape);
                return match pass {
                    Err(error) if unlike.is_empty() => Err(error),
                    _ => Ok((shape, Comparison::Unlike(unlike))),
                };
            }
        };
        pass.comparison(&headers, baseline_shape, gate.db(&MEAN_PSNR))
    }

    /// Compares a render with a baseline whose shape is not known, and returns the shapes of both, the baseline's
    /// first. Each is decoded once only, so there is no result if their headers differ or either does not decode:
    /// [`Media::shape_of_whole`] and [`Media::compare`] say what is wrong.
    pub async fn compare_at_once(
        &self,
        render: &Path,
        baseline: &Path,
        gate: &Limits,
    ) -> Option<(MediaShape, MediaShape, Comparison)> {
        let least = gate.db(&MEAN_PSNR);
        let (headers, of_baseline) = tokio::join!(self.headers(render), self.headers(baseline));
        let (headers, of_baseline) = (headers.ok()?, of_baseline.ok()?);
        let declared = of_baseline.declared();
        if !differences(declared, &headers.with_frames_of(declared)).is_empty() {
            return None;
        }
        let pass = self.pass(render, baseline, declared, least).await.ok()?;
        let baseline_shape = of_baseline.with(&pass.frames(Video::Baseline).ok()?).ok()?;
        let (shape, comparison) = pass.comparison(&headers, &baseline_shape, least).ok()?;
        Some((baseline_shape, shape, comparison))
    }

    /// What the headers of a video's file say.
    async fn headers(&self, video: &Path) -> anyhow::Result<Headers> {
        let what = || format!("{}", video.display());
        let read = async |decoder: Option<&str>| {
            let output = self.probe(video, decoder).await;
            let headers = output.and_then(|output| Headers::from_ffprobe(&output.stdout));
            headers.with_context(|| {
                let hint = unreadable::what_it_is(video).map(|hint| format!(": {hint}")).unwrap_or_default();
                format!("{} can't be read as a video{hint}", video.display())
            })
        };
        let mut headers = read(None).await?;
        if let Some(decoder) = headers.declared().alpha_decoder() {
            headers = read(Some(decoder)).await?;
        }
        let instructions = fs::File::open(video).and_then(mp4::instructions).with_context(what)?;
        Ok(headers.with_instructions(instructions))
    }

    /// The shape of a video, which is decoded with its sound from end to end.
    ///
    /// # Errors
    /// When the file is no video, or something in it does not decode.
    pub async fn shape_of_whole(&self, video: &Path) -> anyhow::Result<MediaShape> {
        let headers = self.headers(video).await?;
        self.decoded(video, &headers).await
    }

    /// The shape of a video with these headers, as [`Media::shape_of_whole`].
    async fn decoded(&self, video: &Path, headers: &Headers) -> anyhow::Result<MediaShape> {
        let what = || format!("{}", video.display());
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, decoder_args(headers.declared().alpha_decoder()));
        let (input, showinfo) = (std::path::absolute(video).with_context(what)?, showinfo::filters(Video::Render));
        let decode = cmd!(
            sh,
            "{ffmpeg} -nostdin -v error -xerror -y -nostats -copyts -noautorotate {decoder...} -i file:{input}
                -map 0:V:0 -map 0:a? -filter:v {showinfo} -fps_mode passthrough -f null /dev/null"
        );
        let decoded = self.run_with_log(decode, dir.path()).await;
        decoded.with_context(|| format!("{} does not decode from end to end", video.display()))?;
        let log = fs::read(dir.path().join(Self::LOG)).context("the log of ffmpeg").with_context(what)?;
        let frames = showinfo::frames(&String::from_utf8_lossy(&log), Video::Render).with_context(what)?;
        headers.with(&frames).with_context(what)
    }

    /// Reports a file's streams and format as JSON.
    async fn probe(&self, file: &Path, decoder: Option<&str>) -> anyhow::Result<Output> {
        let (sh, ffprobe, decoder) = (&self.runner.sh, &self.ffprobe, decoder_args(decoder));
        let probe =
            cmd!(sh, "{ffprobe} -v error -show_streams -show_format -of json=compact=1 {decoder...} file:{file}");
        self.run(probe).await
    }

    // In all calls of ffmpeg, -xerror makes a frame that does not decode an error, not a repeat of the one before.
    fn run(&self, command: Cmd<'_>) -> Run<'_> {
        self.runner.run(command).limit(LIMIT)
    }

    /// An ffmpeg in a folder that gets [`Media::LOG`]: what it prints, and what `showinfo` filters
    /// say. Standard error still has the errors alone.
    fn run_with_log(&self, command: Cmd<'_>, dir: &Path) -> Run<'_> {
        self.run(command.env("FFREPORT", format!("file={}:level=32", Self::LOG))).cwd(dir)
    }

    const LOG: &str = "log";
}

/// Threads for each of two decoders. More threads than processors only cost time: they wait for
/// the frames that they share, and copy them between caches.
fn half_of_the_processors() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

fn decoder_args(decoder: Option<&str>) -> Vec<&str> {
    decoder.map_or_else(Vec::new, |name| vec!["-c:v", name])
}
