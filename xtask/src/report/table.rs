//! The table that tells the story at one look. Pure.

use super::{ResultRow, counted};

/// A line for each render: chunks, times, levels, verdict.
pub fn table(rows: &[ResultRow]) -> String {
    let header = ["chunks", "planned", "wall clock", "PSNR mean", "worst frame", "audio", ""].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(header).chain(rows.iter().map(line)).collect();
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let show = |cells: &[String; 7]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, &w)| format!("{cell:>w$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut text: Vec<String> = lines.iter().map(show).collect();
    for row in rows.iter().filter(|row| row.count_differs()) {
        text.push(format!(
            "* {} were asked for, the plan made {} (chunk size {})",
            counted(row.chunk_count, "chunk"),
            row.planned_chunk_count,
            row.chunk_size.get()
        ));
    }
    if let Some(row) = rows.iter().find(|row| row.protocol_differs()) {
        text.push(format!(
            "plan protocol {} was asked for, {} ran: the template may have no choice",
            row.asked_plan_protocol, row.plan_protocol
        ));
    }
    text.join("\n")
}

fn line(row: &ResultRow) -> [String; 7] {
    let unmeasured = || "-".to_owned();
    [
        row.chunk_count.to_string(),
        format!("{}{}", row.planned_chunk_count, if row.count_differs() { "*" } else { "" }),
        format!("{:.1} s", row.wall_clock_ms as f64 / 1000.0),
        row.psnr_avg_db.map_or_else(unmeasured, |level| format!("{level} dB")),
        match (row.psnr_worst_db, row.worst_frame) {
            (Some(level), Some(frame)) => format!("{level} dB (#{frame})"),
            _ => unmeasured(),
        },
        match row.audio_residual_dbfs.as_slice() {
            [] if row.media.audio.is_empty() => "none".to_owned(),
            [] => unmeasured(),
            tracks => tracks.iter().map(|level| format!("{level} dBFS")).collect::<Vec<_>>().join(", "),
        },
        if row.passed { "ok" } else { "FAIL" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{Level, probe::MediaShape, shape::tests::shape},
        plan::{ChunkCount, ChunkSize, PlanProtocol},
    };

    fn row(asked: u16, planned: u64, level: Option<Level>) -> ResultRow {
        ResultRow {
            chunk_count: ChunkCount::new(asked).unwrap(),
            planned_chunk_count: planned,
            chunk_size: ChunkSize::new(8).unwrap(),
            plan_protocol: "v2".into(),
            asked_plan_protocol: PlanProtocol::V2,
            wall_clock_ms: 16_549,
            client_wall_ms: 17_000,
            psnr_avg_db: level,
            psnr_worst_db: level,
            worst_frame: level.map(|_| 41),
            identical_frames: Some(0),
            audio_residual_dbfs: vec![],
            audio: vec![],
            media: MediaShape { audio: vec![], ..shape() },
            passed: level.is_some(),
            findings: vec![],
            output: String::new(),
            history: String::new(),
            execution_arn: String::new(),
            chunks: vec![],
        }
    }

    #[test]
    fn tells_the_story() {
        let rows = [row(2, 2, Some(Level::Db(45.812))), row(8, 6, Some(Level::Identical)), row(16, 16, None)];
        insta::assert_snapshot!(table(&rows), @r"
        chunks  planned  wall clock  PSNR mean     worst frame  audio
             2        2      16.5 s   45.81 dB  45.81 dB (#41)   none    ok
             8       6*      16.5 s     inf dB    inf dB (#41)   none    ok
            16       16      16.5 s          -               -   none  FAIL
        * 8 chunks were asked for, the plan made 6 (chunk size 8)
        ");
    }
}
