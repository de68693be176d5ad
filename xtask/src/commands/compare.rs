//! `lambda-compare`: the comparison and the gates of a run, for any two videos or sequences.

use std::path::Path;

use anyhow::{Context, ensure};
use render_verdict::{Comparison, audio::AudioStatus, finding::Finding, gates::Limits, picture::local::LocalFigures};
use serde_json::{Value, json};

use crate::{
    cli::small::CompareOptions,
    context::{self, Session},
    exit::{ExitCode, Failure, OrExit},
    project::{
        baseline::{Baseline, Compared},
        fixture::{
            baseline::{check_baseline_file, check_baseline_frames, refuse_pointers},
            format::RenderFormat,
            meta::VideoFormat,
        },
        plan::Extent,
    },
    tools::{
        ffmpeg::Media,
        preflight::{self, Purpose},
    },
};

/// Compares two videos, or two sequences of frames, and says how that ends.
///
/// # Errors
/// With exit code 1 when a file is missing or the baseline is no video and no frames, with 4
/// when the render can't be measured.
pub async fn run(session: &Session, args: &CompareOptions) -> Result<ExitCode, Failure> {
    let gate = Limits::new(&args.limits.0).or_exit(ExitCode::Preflight)?;
    let format = check(&args.render, &args.baseline).or_exit(ExitCode::Preflight)?;
    let runner = session.runner.with_env(&context::user_tools(session));
    let tools = preflight::check(Purpose::Compare, &runner).await;
    let tools = tools.map_err(|problems| Failure::preflight(problems.join("; ")))?;
    let media = Media::new(&tools, &runner);
    let baseline = Baseline::read(&media, &args.baseline, format, args.fps()).await;
    let baseline = baseline.context("the baseline").or_exit(ExitCode::Preflight)?;
    let compared = baseline.compare(&media, &args.render, None, &gate).await.or_exit(ExitCode::Render)?;
    let findings = compared.comparison.findings(&gate);
    let audio = compared.audio_status(&gate);
    if args.json {
        let record = record(&compared, &baseline, audio, &gate, &findings);
        session
            .console
            .result(&serde_json::to_string_pretty(&record).context("the comparison").or_exit(ExitCode::Render)?);
    } else {
        summarize(&compared.comparison, audio, &findings).iter().for_each(|line| session.console.result(line));
    }
    Ok(if findings.is_empty() { ExitCode::Success } else { ExitCode::Quality })
}

/// What the two are, by the baseline: a folder is one of frames.
fn check(render: &Path, baseline: &Path) -> anyhow::Result<RenderFormat> {
    for path in [render, baseline] {
        std::fs::metadata(path).with_context(|| format!("{}", path.display()))?;
    }
    if baseline.is_dir() {
        let packed = (!render.is_dir()).then(|| render.to_owned());
        refuse_pointers(packed)?;
        check_baseline_frames(baseline)?;
        return Ok(RenderFormat::PngSequence);
    }
    for path in [render, baseline] {
        ensure!(path.is_file(), "{} is no file", path.display());
    }
    refuse_pointers([render.to_owned(), baseline.to_owned()])?;
    check_baseline_file(baseline)?;
    Ok(RenderFormat::Video(VideoFormat::Mp4))
}

fn record(
    compared: &Compared,
    baseline: &Baseline,
    audio_status: AudioStatus,
    gate: &Limits,
    findings: &[Finding],
) -> Value {
    let mut record = json!({
        "schemaVersion": 1,
        "passed": findings.is_empty(),
        "findings": findings,
        "gate": gate,
        "render": compared.media.as_ref().map_or_else(|| json!({ "frames": compared.frames() }), |shape| json!(shape)),
        "baseline": baseline.shape().map_or_else(|| of_frames(baseline), |shape| json!(shape)),
        "psnr": null,
        "ssim": null,
        "local": null,
        "framesSha256": null,
        "audioStatus": audio_status,
        "audio": [],
    });
    if let Comparison::Alike { picture, audio } = &compared.comparison {
        record["psnr"] = json!(picture.psnr);
        record["ssim"] = json!(picture.ssim);
        record["local"] = json!(picture.local.figures());
        record["framesSha256"] = json!(picture.hashes.sha256());
        record["audio"] = json!(audio);
    }
    record
}

/// A sequence in short.
fn of_frames(baseline: &Baseline) -> Value {
    let Extent { width, height, frames } = baseline.extent();
    json!({ "frames": frames, "width": width, "height": height, "fps": baseline.fps() })
}

/// What was measured, what of it fails, and the verdict, a line each.
fn summarize(comparison: &Comparison, status: AudioStatus, findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Comparison::Alike { picture, audio } = comparison {
        let (psnr, ssim) = (&picture.psnr, &picture.ssim);
        let planes: Vec<String> = psnr.planes.iter().map(|p| format!("{} {:.2}", p.plane, p.mean_db)).collect();
        lines.push(format!(
            "PSNR    mean {:.2} dB ({}), from mean MSE {} dB",
            psnr.mean_db,
            planes.join(", "),
            psnr.from_mean_mse
        ));
        lines.push(format!(
            "frames  {}, {} identical; worst {} dB (#{}, at {:.3} s), 1st percentile {} dB",
            psnr.frames, psnr.identical_frames, psnr.worst, psnr.worst_frame, picture.worst_at_s, psnr.percentile_1
        ));
        lines.push(format!("SSIM    mean {:.4}, worst {:.4} (#{})", ssim.mean, ssim.worst, ssim.worst_frame));
        let LocalFigures { region_levels, tone_levels, detail_levels, sharpness_db, histogram_levels, shift_frames } =
            picture.local.figures();
        lines.push(format!(
            "local   at most: region {region_levels:.2}, tone {tone_levels:.2}, detail {detail_levels:.2}, histogram {histogram_levels:.2} levels, \
             sharpness {sharpness_db:.2} dB, shift {shift_frames:.2} frames"
        ));
        for (track, sound) in audio.iter().enumerate() {
            let lag = sound.lag.map(|lag| format!("; lag {:+.2} ms, aligned {} dBFS", lag.ms, lag.aligned));
            lines.push(format!(
                "audio   track {track}: residual {} dBFS, loudest 100 ms {} dBFS at {:.1} s{}",
                sound.whole,
                sound.loudest,
                sound.loudest_at_s,
                lag.unwrap_or_default()
            ));
        }
    }
    lines.push(format!("sound   {status}"));
    lines.extend(findings.iter().map(|finding| format!("  {finding}")));
    lines.push(match findings.len() {
        0 => "PASS  equal enough".to_owned(),
        _ => format!("FAIL  not equal enough (exit {})", ExitCode::Quality.status()),
    });
    lines
}
