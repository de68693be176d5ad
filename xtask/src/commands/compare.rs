//! `lambda-compare`: the comparison and a run's gates, for any two videos or sequences.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use execution_history::chunking::{ChunkCount, ChunkSize, PlanProtocol, RenderId};
use render_verdict::{
    Comparison, audio::AudioStatus, finding::Finding, gates::Limits, known_good::Toolchain,
    picture::local::LocalFigures,
};
use serde_json::{Value, json};

use crate::{
    cli::small::CompareOptions,
    console::text::visible,
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
    report::{
        evidence::{self, Evidence},
        files::Files,
        markdown::PAGE,
        page::{self, frames::Pictures, player::playable_extension},
        render::RenderReport,
        row::{ResultRow, WorstFrameImages},
    },
    tools::{
        ffmpeg::Media,
        folder::Folder,
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
    let at_once = match format {
        RenderFormat::Video(_) => Baseline::read_and_compare(&media, &args.baseline, &args.render, &gate).await,
        RenderFormat::PngSequence => None,
    };
    let (baseline, compared) = match at_once {
        Some(both) => both,
        None => {
            let baseline = Baseline::read(&media, &args.baseline, format, args.fps()).await;
            let baseline = baseline.context("the baseline").or_exit(ExitCode::Preflight)?;
            let compared = baseline.compare(&media, &args.render, None, &gate).await.or_exit(ExitCode::Render)?;
            (baseline, compared)
        }
    };
    let findings = compared.comparison.findings(&gate);
    let audio = compared.audio_status(&gate);
    let record = record(&compared, &baseline, audio, &gate, &findings);
    let record = serde_json::to_string_pretty(&record).context("the comparison").or_exit(ExitCode::Render)?;
    if let Some(dir) = &args.report {
        let report = Report { args, baseline: &baseline, compared: &compared, gate, findings: &findings, audio };
        let written = report.write(session, &media, dir, &record).await;
        written.with_context(|| format!("the report in {}", dir.display())).or_exit(ExitCode::Render)?;
    }
    if args.json {
        session.console.result(&record);
    } else {
        summarize(&compared.comparison, audio, &findings).iter().for_each(|line| session.console.result(line));
    }
    Ok(if findings.is_empty() { ExitCode::Success } else { ExitCode::Quality })
}

/// What a page shows of a comparison.
struct Report<'a> {
    args: &'a CompareOptions,
    baseline: &'a Baseline,
    compared: &'a Compared,
    gate: Limits,
    findings: &'a [Finding],
    audio: AudioStatus,
}

impl Report<'_> {
    /// Writes the page, its pictures, and everything that was measured.
    async fn write(&self, session: &Session, media: &Media, dir: &Path, record: &str) -> anyhow::Result<()> {
        let folder = Folder::create(dir)?;
        let Compared { comparison, media: shape, frame_times_s, .. } = self.compared;
        let compared = evidence::Compared {
            render: &self.args.render,
            baseline: self.baseline,
            comparison,
            media: shape.as_ref(),
            frame_times_s,
            rendered: None,
            findings: self.findings,
        };
        let kept = compared.keep(media, &folder, "render").await?;
        if let Some(error) = &kept.without_images {
            session.console.say(&format!("{error:#}"));
        }
        let mut files = Files::default();
        for table in kept.frames.iter().chain(&kept.audio_levels) {
            files.add(table, Some(String::from_utf8(folder.read(table)?).context("a table of figures")?));
        }
        for picture in kept.worst_frame_images.iter().flat_map(WorstFrameImages::files) {
            files.add(picture, None);
        }
        let videos = self.keep_videos(&folder)?;
        let output = videos.last().cloned().unwrap_or_default();
        let (label, row) = (self.args.render.display().to_string(), self.row(kept, output)?);
        // That no execution has a history is no gap here.
        let gaps = &mut Vec::new();
        let render = RenderReport::of(&files, row.key(), String::new(), Some(self.gate), row, gaps)?;
        let render = RenderReport { label, ..render };
        folder.write("comparison.json", record)?;
        let pictures = Pictures::read(&folder, std::slice::from_ref(&render));
        let page = page::comparison(&render, &self.args.baseline.display().to_string(), &pictures, &videos);
        folder.write(PAGE, visible(&page).as_bytes())
    }

    /// Copies the baseline and the render next to the page, and gives their names; none where a browser can't play them.
    fn keep_videos(&self, folder: &Folder) -> anyhow::Result<Vec<String>> {
        let both = [("baseline", &self.args.baseline), ("render", &self.args.render)]
            .map(|(which, path)| Some((format!("comparison-{which}.{}", playable_extension(path)?), path)));
        let [Some(baseline), Some(render)] = both else { return Ok(Vec::new()) };
        let copy = |(name, path): (String, &PathBuf)| folder.copy(&name, path).map(|()| name);
        [baseline, render].into_iter().map(copy).collect()
    }

    /// The row of a render that no execution made.
    fn row(&self, kept: Evidence, output: String) -> anyhow::Result<ResultRow> {
        let row = ResultRow {
            fixture: None,
            id: RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(1)?, memory_mb: None },
            planned_chunk_count: 1,
            chunk_size: ChunkSize::USUAL,
            plan_protocol: String::new(),
            asked_plan_protocol: None,
            wall_clock_ms: 0,
            client_wall_ms: 0,
            time_spent: None,
            cost: None,
            psnr_avg_db: None,
            psnr_from_mean_mse_db: None,
            picture: None,
            exact: None,
            audio_status: self.audio,
            audio_residual_dbfs: Vec::new(),
            audio: Vec::new(),
            media: self.compared.media.clone(),
            toolchain: Toolchain::default(),
            passed: false,
            findings: Vec::new(),
            notes: Vec::new(),
            output,
            history: String::new(),
            frames: kept.frames,
            audio_levels: kept.audio_levels,
            worst_frame_images: kept.worst_frame_images,
            execution_arn: String::new(),
            chunks: Vec::new(),
        };
        Ok(row.compared(&self.compared.comparison, None).judged(self.findings))
    }
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
        let LocalFigures {
            region_levels,
            tone_levels,
            detail_levels,
            sharpness_db,
            histogram_levels,
            shift_frames,
            displacement_samples,
        } = picture.local.figures();
        lines.push(format!(
            "local   at most: region {region_levels:.2}, tone {tone_levels:.2}, detail {detail_levels:.2}, histogram {histogram_levels:.2} levels, \
             sharpness {sharpness_db:.2} dB, shift {shift_frames:.2} frames, {displacement_samples:.2} samples"
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
    lines.push(format!("audio   {status}"));
    lines.extend(findings.iter().map(|finding| format!("  {finding}")));
    if let Comparison::Unlike(_) = comparison {
        lines.push("  the picture and the sound were not compared, because the structure differs".to_owned());
    }
    lines.push(match findings.len() {
        0 => "PASS  matches the baseline".to_owned(),
        _ => format!("FAIL  does not match the baseline (exit {})", ExitCode::Quality.status()),
    });
    lines
}
