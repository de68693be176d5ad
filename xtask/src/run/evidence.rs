//! What is kept of a measured render to look at: every frame's level, every tenth
//! of a second of sound, and its worst frame.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, anyhow};

use super::{Render, judge::Judgement};
use crate::{
    artifacts::WorstFrameImages,
    measure::{
        Level,
        audio::Sound,
        comparison::{Comparison, Picture},
        raster::Raster,
    },
    original::Original,
    story::{FrameSample, SoundSample},
};

/// The names of the files that were kept, relative to the artifact folder.
#[derive(Default)]
pub(super) struct Evidence {
    /// Each frame's figures.
    pub frames: Option<String>,
    /// Each tenth of a second's.
    pub audio_levels: Option<String>,
    /// The worst frame.
    pub worst_frame_images: Option<WorstFrameImages>,
}

/// How much the worst frame's difference is amplified: a step that a codec takes
/// becomes visible, and a wrong picture white.
const AMPLIFIED_BY: u8 = 8;

/// The longer side of a kept frame, in pixels: small enough for a report, large enough to see where.
const SIDE: u32 = 640;

impl Render<'_> {
    /// Keeps what there is to keep of a comparison. Pictures that can't be made are
    /// only warned of: they decide nothing.
    ///
    /// # Errors
    /// When the figures can't be saved.
    pub(super) async fn keep_evidence(
        &self,
        judgement: &Judgement,
        output: &Path,
        stem: &str,
    ) -> anyhow::Result<Evidence> {
        let (Comparison::Alike { picture, audio }, Some(original)) = (&judgement.comparison, self.reference.original())
        else {
            return Ok(Evidence::default());
        };
        let artifacts = &self.run.artifacts;
        let frames = format!("{stem}-frames.csv");
        artifacts.write(&frames, frames_csv(picture, &judgement.frame_times_s))?;
        let audio_levels = (!audio.is_empty()).then(|| format!("{stem}-audio.csv"));
        if let Some(file) = &audio_levels {
            artifacts.write(file, audio_csv(audio))?;
        }
        let worst_frame_images = match picture.psnr.worst {
            Level::Identical => None,
            Level::Db(_) => {
                match self.keep_worst_frame(picture.psnr.worst_frame, original, judgement, output, stem).await {
                    Ok(images) => Some(images),
                    Err(error) => {
                        self.run.warn(Err(error.context("the worst frame is not kept as a picture")));
                        None
                    }
                }
            }
        };
        Ok(Evidence { frames: Some(frames), audio_levels, worst_frame_images })
    }

    async fn keep_worst_frame(
        &self,
        frame: u64,
        original: &Original,
        judgement: &Judgement,
        output: &Path,
        stem: &str,
    ) -> anyhow::Result<WorstFrameImages> {
        let (of_baseline, of_render) = original.stills(self.media, output, judgement.media.as_ref(), frame).await?;
        let encode = move || {
            let difference = of_baseline.difference(&of_render, AMPLIFIED_BY)?;
            let png = |picture: &Raster| picture.within(SIDE).quick_png();
            std::thread::scope(|scope| {
                let of_baseline = scope.spawn(|| png(&of_baseline));
                let of_both = [png(&of_render)?, png(&difference)?];
                let of_baseline = of_baseline.join().map_err(|_| anyhow!("encoding a picture panicked"))??;
                let [of_render, difference] = of_both;
                anyhow::Ok([of_baseline, of_render, difference])
            })
        };
        let files = tokio::task::spawn_blocking(encode).await.context("encoding a frame")??;
        let names = ["baseline", "render", "difference"].map(|what| format!("{stem}-worst-{what}.png"));
        for (name, file) in names.iter().zip(&files) {
            self.run.artifacts.write(name, file)?;
        }
        let [baseline, render, difference] = names;
        Ok(WorstFrameImages { frame, baseline, render, difference, amplified_by: AMPLIFIED_BY })
    }
}

/// Every frame's index, time, PSNR and hash, as CSV.
fn frames_csv(picture: &Picture, frame_times_s: &[f64]) -> String {
    let mut csv = format!("{}\n", FrameSample::HEADER);
    let rows = picture.psnr.levels.iter().zip(frame_times_s).zip(picture.hashes.iter());
    for (frame, ((level, time_s), hash)) in rows.enumerate() {
        let _ = writeln!(csv, "{frame},{time_s:.6},{level},{hash}");
    }
    csv
}

/// Every tenth of a second of every track: when it begins, and both levels, as CSV.
fn audio_csv(audio: &[Sound]) -> String {
    let mut csv = format!("{}\n", SoundSample::HEADER);
    for (track, sound) in audio.iter().enumerate() {
        for (index, tenth) in sound.tenths.iter().enumerate() {
            let at_s = index as f64 / 10.0;
            let _ = writeln!(csv, "{track},{at_s:.1},{},{}", tenth.residual, tenth.baseline);
        }
    }
    csv
}
