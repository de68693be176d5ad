//! `lambda-baseline`: render a fixture in-process, and compare with its committed baseline.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use render_verdict::{
    Comparison, audio::Sound, frames::archive::FrameFolder, gates::Limits, picture::hashes::sha256_of_file,
};
use serde_json::{Value, json};

use crate::{
    cli::small::BaselineOptions,
    context::{self, Session},
    exit::{ExitCode, Failure, OrExit},
    project::{
        baseline::Baseline,
        fixture::{Fixture, format::RenderFormat},
        repo::Repo,
    },
    tools::{
        ffmpeg::Media,
        folder::{Folder, write_whole},
        in_process::{self, Job, Renderer},
    },
};

/// Renders the fixture and says how the new baseline differs from the old one, which is replaced only with
/// `--update`. Without it, a baseline that is not what the renderer makes is exit 5.
///
/// # Errors
/// When the fixture is unknown (exit 1) or the render fails (exit 4).
pub async fn run(session: &Session, args: &BaselineOptions) -> Result<ExitCode, Failure> {
    let repo = session.repo().or_exit(ExitCode::Preflight)?;
    let fixture = Fixture::load(&repo, &args.fixture).or_exit(ExitCode::Preflight)?;
    fixture.check_files().or_exit(ExitCode::Preflight)?;
    context::provision(session).await.or_exit(ExitCode::Preflight)?;
    // Next to the old one, so that replacing it is a rename; removed with the folder's guard.
    let out = fixture.dir.join("output");
    fs::create_dir_all(&out).with_context(|| format!("{}", out.display())).or_exit(ExitCode::Preflight)?;
    let scratch = tempfile::Builder::new().prefix(".rendering-").tempdir_in(&out).context("a scratch folder");
    let scratch = scratch.or_exit(ExitCode::Preflight)?;
    let fresh = scratch.path().join(fixture.baseline().file_name().expect("a baseline has a name"));
    session.console.step("baseline", &format!("rendering {} in-process", fixture.name));
    let logs = Folder::create(&repo.artifacts("lambda-baseline")).or_exit(ExitCode::Preflight)?;
    let log_name = format!("{}.log", fixture.name);
    logs.write(&log_name, "").or_exit(ExitCode::Preflight)?;
    let provenance = render(session, &repo, &fixture, &fresh, &logs.path().join(log_name)).await?;
    let Report { lines, is_alike } = compare(session, &fixture, &fresh).await.or_exit(ExitCode::Render)?;
    for line in &lines {
        session.console.result(line);
    }
    if args.update {
        replace(&fixture, &fresh, scratch.path(), provenance).or_exit(ExitCode::Render)?;
        session.console.result(&format!("{} is replaced", fixture.baseline().display()));
    } else {
        session.console.result("the committed baseline is unchanged; --update replaces it");
    }
    match is_alike || args.update {
        true => Ok(ExitCode::Success),
        false => {
            session.console.result("FAIL  the committed baseline differs from what the renderer makes now (exit 5)");
            Ok(ExitCode::Quality)
        }
    }
}

/// Renders to `fresh`, and gives what the renderer says of itself.
async fn render(session: &Session, repo: &Repo, fixture: &Fixture, fresh: &Path, log: &Path) -> Result<Value, Failure> {
    let (env, staged) = (session.env.clone().with_path_first(&session.toolbox.bin()), fresh.with_file_name("staged"));
    let project = in_process::staged(session, repo, fixture, &env, &staged, log).await.or_exit(ExitCode::Preflight)?;
    let renderer = Renderer::prepare(session, repo, log).await.or_exit(ExitCode::Preflight)?;
    let job = Job { fixture, project: &project, format: fixture.meta.format, to: fresh, log };
    Ok(renderer.render(&job).await.or_exit(ExitCode::Render)?.reported)
}

/// How the fresh render differs from the committed baseline.
struct Report {
    lines: Vec<String>,
    /// Whether it passes every gate.
    is_alike: bool,
}

impl Report {
    fn of(is_alike: bool, line: String) -> Self {
        Self { lines: vec![line], is_alike }
    }
}

async fn compare(session: &Session, fixture: &Fixture, fresh: &Path) -> anyhow::Result<Report> {
    let old: PathBuf = fixture.baseline();
    if !old.exists() {
        return Ok(Report::of(false, format!("{} had no baseline to compare with", fixture.name)));
    }
    if let Err(error) = fixture.check_baseline() {
        return Ok(Report::of(false, format!("there is no old baseline to compare with: {error:#}")));
    }
    let format = fixture.meta.format;
    if sha256(format, &old).is_ok_and(|of_old| sha256(format, fresh).is_ok_and(|of_fresh| of_old == of_fresh)) {
        return Ok(Report::of(true, "the new render is identical to the committed baseline".to_owned()));
    }
    let media = Media {
        ffmpeg: session.toolbox.bin().join("ffmpeg"),
        ffprobe: session.toolbox.bin().join("ffprobe"),
        runner: session.runner.clone(),
    };
    let baseline = match Baseline::read(&media, &old, format, fixture.meta.fps.get()).await {
        Ok(baseline) => baseline,
        Err(error) => return Ok(Report::of(false, format!("the old baseline can't be measured: {error:#}"))),
    };
    let limits = Limits::new(&fixture.meta.limits)?;
    let comparison = baseline.compare(&media, fresh, None, &limits).await?.comparison;
    let mut lines = Vec::new();
    if let Comparison::Alike { picture, audio } = &comparison {
        let psnr = &picture.psnr;
        lines.push(format!(
            "differs: PSNR {:.2} dB, worst frame {} dB (#{}), {} of {} frames identical",
            psnr.mean_db, psnr.worst, psnr.worst_frame, psnr.identical_frames, psnr.frames
        ));
        let track = |(i, sound): (usize, &Sound)| format!("audio track {i}: residual {} dBFS", sound.whole);
        lines.extend(audio.iter().enumerate().map(track));
    }
    let findings = comparison.findings(&limits);
    lines.extend(findings.iter().map(|finding| format!("  {finding}")));
    Ok(Report { lines, is_alike: findings.is_empty() })
}

/// One hash for all of a render, in hex.
fn sha256(format: RenderFormat, render: &Path) -> anyhow::Result<String> {
    match format {
        RenderFormat::Video(_) => sha256_of_file(render),
        RenderFormat::PngSequence => Ok(FrameFolder::at(render).read()?.sha256()),
    }
}

/// Puts the fresh render in the baseline's place; an old folder goes to `scratch`.
fn replace(fixture: &Fixture, fresh: &Path, scratch: &Path, mut provenance: Value) -> anyhow::Result<()> {
    provenance["sha256"] = json!(sha256(fixture.meta.format, fresh)?);
    let target = fixture.baseline();
    let what = || format!("{}", target.display());
    if target.is_dir() {
        // A folder takes no other's place.
        fs::rename(&target, scratch.join("old")).with_context(what)?;
    }
    fs::rename(fresh, &target).with_context(what)?;
    let path = target.with_file_name("provenance.json");
    let text = serde_json::to_string_pretty(&provenance).map_err(|e| anyhow!(e))? + "\n";
    write_whole(&path, text)
}
