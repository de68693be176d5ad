//! PSNR, SSIM and hashes of all frames, in one pass over both files.

use std::{fs, path::Path};

use anyhow::{Context, ensure};

use super::{Media, absolute_arg, decoder_args};
use crate::measure::{
    comparison::Picture,
    frames::FrameHashes,
    probe::MediaShape,
    psnr::{self, PsnrSummary},
    ssim::SsimSummary,
};

impl Media {
    /// Compares every frame of two videos of one shape.
    pub(super) async fn picture(&self, render: &Path, baseline: &Path, shape: &MediaShape) -> anyhow::Result<Picture> {
        let what = || format!("comparing the picture of {}", render.display());
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let graph = graph(shape);
        let decoder = decoder_args(shape.alpha_decoder());
        let command = self
            .ffmpeg()
            .cwd(dir.path())
            .args(decoder.clone())
            .args(["-i", &absolute_arg(render)?])
            .args(decoder)
            .args(["-i", &absolute_arg(baseline)?])
            .args(["-filter_complex", &graph, "-map", "[end]", "-fps_mode", "passthrough", "-f", "null", "/dev/null"])
            .args(["-map", "[own]", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "frames"]);
        command.run(&self.children).await.with_context(what)?;
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).with_context(|| format!("{name} of ffmpeg"));
        let levels = |name: &str| psnr::frames(&read(name)?).with_context(what);
        let own = levels("psnr")?;
        let (before, after) = match shape.frames >= FEW {
            true => (levels("before")?, levels("after")?),
            false => (own.clone(), own.clone()),
        };
        let has_alpha = own.iter().chain(&before).chain(&after).all(|f| f.planes.iter().any(|(name, _)| *name == 'a'));
        ensure!(
            has_alpha == with_alpha(&shape.pixel_format).is_some(),
            "the alpha plane of {} ({}) can't be measured",
            render.display(),
            shape.pixel_format
        );
        let misplaced = psnr::misplaced(&own, &before, &after);
        let psnr = PsnrSummary::of(&own).with_context(what)?;
        let (ssim, ssim_frames) = SsimSummary::from_stats(&read("ssim")?).with_context(what)?;
        let hashes = FrameHashes::from_framehash(&read("frames")?).with_context(what)?;
        let counts = [
            ("PSNR", psnr.frames),
            ("SSIM", ssim_frames),
            ("a hash", hashes.count() as u64),
            ("PSNR against the frame before", before.len() as u64),
            ("PSNR against the frame after", after.len() as u64),
        ];
        for (measure, frames) in counts {
            ensure!(
                frames == shape.frames,
                "{frames} of {} frames of {} have {measure}: not all were compared",
                shape.frames,
                render.display()
            );
        }
        let worst_at_s = shape.frame_times_s.get(psnr.worst_frame as usize).copied().unwrap_or_default();
        let frames_a_second = shape.fps.value().ceil() as u64;
        Ok(Picture { psnr, ssim, hashes, worst_at_s, frames_a_second, misplaced })
    }

    /// How alike two stretches of one video are: the mean PSNR of their frames, paired in order.
    ///
    /// # Errors
    /// When the video can't be decoded, or has not that many frames.
    pub async fn between_stretches(
        &self,
        video: &Path,
        shape: &MediaShape,
        starts: (u64, u64),
        frames: u64,
    ) -> anyhow::Result<PsnrSummary> {
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let same = same_terms(shape);
        let cut = |start: u64| format!("trim=start_frame={start}:end_frame={},{same}", start + frames);
        let graph = format!(
            "[0:V:0]split[a][b];[a]{}[a1];[b]{}[b1];[a1][b1]psnr=stats_file=psnr:shortest=1",
            cut(starts.0),
            cut(starts.1)
        );
        let command = self
            .ffmpeg()
            .cwd(dir.path())
            .args(decoder_args(shape.alpha_decoder()))
            .args(["-i", &absolute_arg(video)?, "-filter_complex", &graph])
            .args(["-fps_mode", "passthrough", "-f", "null", "/dev/null"]);
        let what = || format!("comparing stretches of {}", video.display());
        command.run(&self.children).await.with_context(what)?;
        let stats = fs::read_to_string(dir.path().join("psnr")).with_context(what)?;
        let summary = PsnrSummary::of(&psnr::frames(&stats)?).with_context(what)?;
        ensure!(summary.frames == frames, "{} of {frames} frames of {} were compared", summary.frames, video.display());
        Ok(summary)
    }
}

/// A video of fewer frames has no neighbours to compare with.
const FEW: u64 = 3;

/// Times by index, so that frames pair by decode order, and so that ffmpeg
/// reads both files and fills all outputs at one pace: else it would keep one file's
/// frames in memory.
const BY_INDEX: &str = "settb=1/1000,setpts=N*1000";

/// Every frame against the baseline's of its index, for PSNR and SSIM, and
/// against the one before and the one after that, for PSNR.
fn graph(shape: &MediaShape) -> String {
    let (same, opaque) = (same_terms(shape), opaque(&shape.pixel_format));
    let own = format!("[0:V:0]split[o][r];[o]{BY_INDEX}[own];[r]{same}[r1]");
    let ssim = format!("[r9]{opaque}[r10];[b9]{opaque}[b10];[r10][b10]ssim=stats_file=ssim:shortest=1[end]");
    if shape.frames < FEW {
        return format!("{own};[1:V:0]{same},split[b1][b9];[r1][b1]psnr=stats_file=psnr:shortest=1[r9];{ssim}");
    }
    // SSIM comes last: it knows no alpha, which the others must see.
    format!(
        "{own};[1:V:0]split=3[b][bb][ba];[b]{same},split[b1][b9];\
         [bb]tpad=start=1:start_mode=clone,{same}[b2];[ba]trim=start_frame=1,tpad=stop=1:stop_mode=clone,{same}[b3];\
         [r1][b1]psnr=stats_file=psnr:shortest=1[r2];[r2][b2]psnr=stats_file=before:shortest=1[r3];\
         [r3][b3]psnr=stats_file=after:shortest=1[r9];{ssim}"
    )
}

/// The format in which a picture with alpha is compared: one that the psnr filter
/// takes with its alpha plane. Others are taken as they are.
fn with_alpha(pixel_format: &str) -> Option<String> {
    let packed = ["rgba", "bgra", "argb", "abgr"].iter().any(|name| pixel_format.starts_with(name));
    match pixel_format {
        _ if packed && pixel_format.contains("64") => Some("gbrap16le".to_owned()),
        _ if packed || pixel_format == "ya8" => Some("gbrap".to_owned()),
        _ if pixel_format.starts_with("ya16") => Some("gbrap16le".to_owned()),
        _ if pixel_format.starts_with("gbrap") => Some(pixel_format.to_owned()),
        _ if pixel_format.starts_with("yuva") => Some(pixel_format.replace("p12", "p16")),
        _ => None,
    }
}

/// The filter that takes the alpha plane away.
fn opaque(pixel_format: &str) -> String {
    let format = with_alpha(pixel_format).map(|format| format.replace("yuva", "yuv").replace("gbrap", "gbrp"));
    format.map_or("null".to_owned(), |format| format!("format={format}"))
}

/// Filters that put both videos on the same terms. Color tags alike: where they
/// differ, which is only where one has none, ffmpeg would convert one of the pictures first.
fn same_terms(shape: &MediaShape) -> String {
    let full = shape.color.range.as_deref() == Some("pc") || shape.pixel_format.starts_with("yuvj");
    let range = if full { "full" } else { "limited" };
    let rgb = ["rgb", "bgr", "gbr", "argb", "abgr"].iter().any(|prefix| shape.pixel_format.starts_with(prefix));
    let space = if rgb { "gbr" } else { "bt709" };
    let format = with_alpha(&shape.pixel_format).map_or_else(String::new, |format| format!("format={format},"));
    format!("{format}{BY_INDEX},setparams=range={range}:color_primaries=bt709:color_trc=bt709:colorspace={space}")
}
