//! `--plan-protocol both`: whether v1 and v2 rendered the same video.

use anyhow::Context;

use super::Smoke;
use crate::{
    artifacts::ResultRow,
    chunking::PlanProtocol,
    exit::{ExitCode, Failure, OrExit},
    frames,
    measure::{finding::Finding, gates::PLAN_PROTOCOLS, semantic::SemanticComparison},
    media::Media,
    wording::counted,
};

/// Compares the renders of both protocols at each chunk count, and saves what was found.
pub(super) async fn compare(smoke: &Smoke, media: &Media) -> Result<(), Failure> {
    let run = &smoke.run;
    let rows = smoke.rows.borrow().clone();
    let of = |protocol| rows.iter().filter(move |row| row.id.protocol == protocol);
    let mut comparisons = Vec::new();
    for v2 in of(PlanProtocol::V2) {
        let Some(v1) = of(PlanProtocol::V1).find(|row| row.id.chunk_count == v2.id.chunk_count) else { continue };
        let compared = one(smoke, media, v1, v2).await.or_exit(ExitCode::Render)?;
        run.step("compare", &format!("N={}: {}", v2.id.chunk_count, told(&compared)));
        for mismatch in &compared.mismatches {
            let message = format!("v1 and v2 differ in {mismatch}");
            note(smoke, v2, PLAN_PROTOCOLS.finding(mismatch, "no difference", message));
        }
        comparisons.push(compared);
        run.artifacts.save("semantic-comparisons.json", &comparisons).or_exit(ExitCode::Render)?;
    }
    smoke.save_rows().or_exit(ExitCode::Render)
}

async fn one(smoke: &Smoke, media: &Media, v1: &ResultRow, v2: &ResultRow) -> anyhow::Result<SemanticComparison> {
    let of = async |row: &ResultRow| {
        let (output, fps) = (smoke.run.artifacts.path(&row.output), smoke.subject.fixture.meta.fps.get());
        let semantics = match &row.media {
            Some(shape) => media.semantics(&output, shape, &row.chunks).await,
            None => frames::semantics(&output, fps, &row.chunks),
        };
        semantics.with_context(|| format!("comparing the plan protocols at {}", row.id))
    };
    let (a, b) = (of(v1).await?, of(v2).await?);
    let same_bytes = smoke.options.require_encoded_sha_equal;
    Ok(SemanticComparison::of(v2.id.chunk_count, &a, &b, same_bytes))
}

fn told(compared: &SemanticComparison) -> String {
    match (compared.mismatches.len(), compared.encoded_sha_equal) {
        (0, true) => "v1 and v2 are the same bytes".to_owned(),
        (0, false) => "v1 and v2 are the same video, encoded in other bytes".to_owned(),
        (count, _) => format!("v1 and v2 differ: {}", counted(count, "mismatch")),
    }
}

/// Adds a finding to a render that is already measured.
fn note(smoke: &Smoke, row: &ResultRow, finding: Finding) {
    if let Some(measured) = smoke.measured.borrow_mut().iter_mut().find(|measured| measured.render == row.id) {
        measured.beside.push(finding);
        let findings = measured.judge().findings;
        let mut rows = smoke.rows.borrow_mut();
        if let Some(row) = rows.iter_mut().find(|known| known.id == row.id) {
            *row = row.clone().judged(&findings);
        }
    }
}
