//! By what command, versions and target a report's figures came about. Pure.

use crate::{
    artifacts::{Asked, RunRecord, StageTiming},
    aws::Target,
    report::tables::plain,
    story::RunReport,
    wording::counted,
};

/// Folded away, as only those want it who doubt the figures.
pub(super) fn how_made(report: &RunReport) -> String {
    let run = &report.run;
    let mut lines = vec![
        ("command", format!("cargo xtask {} {}", run.command(), asked_for(run))),
        ("target", target(run)),
        ("began", run.started_at.clone()),
        ("ended", run.ended_at.clone().unwrap_or_else(|| "never, or not yet".to_owned())),
        ("run", format!("{}, stack {}", run.run_id.as_str(), run.stack.as_str())),
        ("commit", run.git_commit.clone().unwrap_or_else(|| "not known".to_owned())),
    ];
    lines.extend(rendered_by(report).map(|text| ("rendered by", text)));
    if let Some(zip) = &run.handler {
        let short: String = zip.sha256.chars().take(12).collect();
        lines.push(("handler ZIP", format!("{short}, {} bytes, {} unzipped", zip.sizes.zipped, zip.sizes.unzipped)));
    }
    lines.extend(run.tools.iter().map(|(tool, version)| (tool.as_str(), version.clone())));
    if let Some(usd) = report.total_usd() {
        lines.push(("cost", format!("{usd:.5} USD of all measured executions, by the prices of {}", run.prices.as_of)));
        lines.push(("not in it", "S3, logs, data transfer, warm-ups and the free tier".to_owned()));
    }
    lines.push(("longest stages", longest(&run.stages)));
    let told: Vec<String> = lines.iter().map(|(what, text)| format!("- {what}: {}", plain(text))).collect();
    format!("<details>\n<summary>How this was made</summary>\n\n{}\n\n</details>", told.join("\n"))
}

fn asked_for(run: &RunRecord) -> String {
    let counts = run.chunk_counts().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match &run.asked {
        Asked::Smoke { fixture, .. } => format!("(fixture {fixture}, chunk counts {counts})"),
        Asked::Eval { chunk_size, iterations, warmup, local_leg, .. } => format!(
            "(fixtures {}, chunk counts {counts}{}, {}, {}, {} local leg)",
            run.fixtures().join(","),
            chunk_size.map_or_else(String::new, |size| format!(", {} frames a chunk", size.get())),
            counted(*iterations, "iteration"),
            counted(*warmup, "warm-up"),
            if *local_leg { "with" } else { "without" }
        ),
    }
}

fn target(run: &RunRecord) -> String {
    let region = run.region.as_str();
    match (&run.target, &run.account) {
        (Some(Target::Account { .. }), Some(account)) => format!("AWS account {account}, {region}"),
        (Some(Target::Account { .. }), None) => format!("AWS, {region}"),
        (Some(Target::Endpoint { url }), _) => format!("emulator at {url}, {region}"),
        (Some(Target::Embedded { .. }), _) => format!("embedded AWS on the machine of the run, {region}"),
        (None, _) => "none was reached".to_owned(),
    }
}

/// Each toolchain of the renders once.
fn rendered_by(report: &RunReport) -> impl Iterator<Item = String> {
    let mut found: Vec<String> = Vec::new();
    for render in &report.renders {
        let toolchain = &render.row.toolchain;
        let parts =
            [("HyperFrames", &toolchain.producer), ("ffmpeg", &toolchain.ffmpeg), ("Chromium", &toolchain.chromium)];
        let known = parts.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?)));
        let told = known.collect::<Vec<_>>().join(", ");
        if !told.is_empty() && !found.contains(&told) {
            found.push(told);
        }
    }
    found.into_iter()
}

fn longest(stages: &[StageTiming]) -> String {
    let mut stages: Vec<&StageTiming> = stages.iter().collect();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.ms));
    let told = stages.iter().take(3).map(|stage| format!("{} {:.1} s", stage.stage, stage.ms as f64 / 1000.0));
    told.collect::<Vec<_>>().join(", ")
}
