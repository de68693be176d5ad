//! Comparing sound sample by sample.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Context;
use xshell::cmd;

use super::{Media, pass::Pass};
use crate::measure::{
    audio::{self, RATE, Sound},
    lag::{self, Lag},
    residual::Residual,
    showinfo::Video,
};

/// How long a stretch of the baseline is looked for in the render, in seconds.
const STRETCH_S: f64 = 4.0;

/// Decoded sound: interleaved s16le samples at [`RATE`].
struct Pcm {
    path: PathBuf,
    channels: u64,
}

/// The filters that make a track what is compared.
pub(super) fn filters() -> String {
    // Silence before the first sample and in gaps is kept, so shifted sound is a difference.
    // A second at a time: ffmpeg passes each piece through four threads.
    format!("aresample={RATE}:async=1:min_hard_comp=0.01:first_pts=0,asetnsamples=n={RATE}:p=0")
}

/// Where a pass leaves the sound of a track.
pub(super) fn file_name(video: Video, track: usize) -> String {
    let of = match video {
        Video::Render => "render",
        Video::Baseline => "baseline",
    };
    format!("{of}-{track}.pcm")
}

impl Pass {
    /// What is left of an audio track when the baseline's is taken from it.
    ///
    /// # Errors
    /// When neither has a sample.
    pub(super) fn sound(&self, track: usize, channels: u64) -> anyhow::Result<Sound> {
        let pcm = |video| Pcm { path: self.path(&file_name(video, track)), channels };
        let sound = compare(&pcm(Video::Baseline), &pcm(Video::Render));
        sound.with_context(|| format!("comparing the sound of {}", self.render()))
    }
}

impl Media {
    /// The same for two files without a picture.
    ///
    /// # Errors
    /// When either does not decode from end to end.
    pub(super) async fn sound_alone(
        &self,
        render: &Path,
        baseline: &Path,
        track: usize,
        channels: u64,
    ) -> anyhow::Result<Sound> {
        let dir = tempfile::tempdir().context("a temporary folder for sound")?;
        let (sh, ffmpeg, filters) = (&self.runner.sh, &self.ffmpeg, filters());
        let map = format!("0:a:{track}");
        for (video, file) in [(Video::Render, render), (Video::Baseline, baseline)] {
            let what = || format!("decoding the sound of {}", file.display());
            let (input, pcm) = (std::path::absolute(file).with_context(what)?, file_name(video, track));
            // -copyts keeps the file's own clock: otherwise the first sample would be at 0.
            let decode = cmd!(
                sh,
                "{ffmpeg} -nostdin -v error -xerror -y -copyts -i file:{input} -map {map} -af {filters} -f s16le {pcm}"
            );
            self.run(decode).cwd(dir.path()).await.with_context(what)?;
        }
        let pcm = |video| Pcm { path: dir.path().join(file_name(video, track)), channels };
        let sound = compare(&pcm(Video::Baseline), &pcm(Video::Render));
        sound.with_context(|| format!("comparing the sound of {}", render.display()))
    }
}

fn compare(baseline: &Pcm, render: &Pcm) -> anyhow::Result<Sound> {
    let mut sound = audio::compare(baseline.from(0)?, render.from(0)?, baseline.channels)?;
    sound.lag = match sound.whole {
        Residual::Silent => None,
        Residual::DbFs(_) => lag_of(baseline, render, sound.loudest_of_baseline_s)?,
    };
    Ok(sound)
}

/// Where the baseline's loudest stretch is in the render, and what is left when it is moved there.
fn lag_of(baseline: &Pcm, render: &Pcm, loudest_s: f64) -> anyhow::Result<Option<Lag>> {
    let at = |seconds: f64| (seconds * f64::from(RATE)) as u64;
    let start = at(loudest_s);
    let stretch = baseline.mono(start, at(STRETCH_S))?;
    // The render's stretch may begin before its file does: there it is silent.
    let before = at(lag::REACH_S);
    let silent = before.saturating_sub(start);
    let mut around = vec![0.0; silent as usize];
    around.extend(render.mono(start.saturating_sub(before), at(STRETCH_S) + 2 * before - silent)?);
    around.resize(stretch.len() + 2 * before as usize, 0.0);
    let Some((samples, correlation)) = lag::find(&stretch, &around, before as usize) else { return Ok(None) };
    let skip = |samples: i64| samples.max(0) as u64;
    let aligned = audio::overlap(baseline.from(skip(-samples))?, render.from(skip(samples))?)?;
    Ok(Some(Lag { ms: samples as f64 / f64::from(RATE) * 1000.0, correlation, aligned }))
}

impl Pcm {
    /// The samples of all channels from a point in time on, given as samples of one.
    fn from(&self, start: u64) -> anyhow::Result<BufReader<File>> {
        let what = || format!("{}", self.path.display());
        let mut file = File::open(&self.path).with_context(what)?;
        file.seek(SeekFrom::Start(start * self.channels * 2)).with_context(what)?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// The sum of all channels over a stretch, or what there is of it.
    fn mono(&self, start: u64, samples: u64) -> anyhow::Result<Vec<f32>> {
        let mut bytes = Vec::new();
        let wanted = samples * self.channels * 2;
        self.from(start)?.take(wanted).read_to_end(&mut bytes).with_context(|| format!("{}", self.path.display()))?;
        Ok(kernels::sound::mono(&kernels::sound::samples(&bytes), self.channels as usize))
    }
}
