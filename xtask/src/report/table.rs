//! The table that tells the report at one look. Pure.

use crate::{
    artifacts::{Note, PictureRecord, ResultRow},
    measure::{Level, audio_status::AudioStatus, exact::ExactComparison},
    wording::{Align, columns, counted},
};

const HEADER: [&str; 8] = ["chunks", "planned", "wall clock", "PSNR mean", "worst frame", "unlike first", "audio", ""];

/// A line for each render: chunks, times, levels, verdict; then what is worth knowing.
pub fn table(rows: &[ResultRow]) -> String {
    let lines: Vec<[String; 8]> =
        std::iter::once(HEADER.map(str::to_owned)).chain(rows.iter().map(|row| line(row, rows.len() > 1))).collect();
    let mut text = vec![columns(&lines, Align::Right)];
    for row in rows.iter().filter(|row| row.count_differs()) {
        text.push(format!(
            "* {} were asked for, the plan made {} (chunk size {})",
            counted(row.id.chunk_count, "chunk"),
            row.planned_chunk_count,
            row.chunk_size.get()
        ));
    }
    let named = rows.iter().map(|row| (row.id.to_string(), row.notes.as_slice()));
    text.extend(Note::about_renders(named).iter().map(|note| format!("note: {note}")));
    text.join("\n")
}

fn exact(frames: &ExactComparison) -> String {
    let first = frames.first().map(|first| format!(", #{}: {}", first.frame, first.why));
    format!("{} of {} identical{}", frames.identical_frames(), frames.frames(), first.unwrap_or_default())
}

fn line(row: &ResultRow, has_others: bool) -> [String; 8] {
    let unmeasured = || "-".to_owned();
    let of_picture = |show: fn(&PictureRecord) -> String| row.picture.as_ref().map_or_else(unmeasured, show);
    [
        row.id.chunks(),
        format!("{}{}", row.planned_chunk_count, if row.count_differs() { "*" } else { "" }),
        format!("{:.1} s", row.wall_clock_ms as f64 / 1000.0),
        match (&row.exact, row.psnr_avg_db) {
            (Some(_), _) => "exact".to_owned(),
            (None, Some(db)) => format!("{db:.2} dB"),
            (None, None) => unmeasured(),
        },
        row.exact.as_ref().map(exact).unwrap_or_else(|| {
            of_picture(|picture| match picture.worst_frame_db {
                Level::Identical => "identical".to_owned(),
                level @ Level::Db(_) => format!("{level} dB (#{})", picture.worst_frame),
            })
        }),
        match has_others {
            // It only means something beside another render.
            false => String::new(),
            true => of_picture(|picture| match picture.frames_unlike_first {
                None => "first".to_owned(),
                Some(0) => "none".to_owned(),
                Some(unlike) => format!("{unlike} of {}", picture.frames),
            }),
        },
        match row.audio_residual_dbfs.as_slice() {
            [] if row.audio_status == AudioStatus::None => "none".to_owned(),
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
        chunking::{ChunkCount, ChunkSize, PlanProtocol, RenderId},
        measure::{probe::MediaShape, shape::tests::shape, ssim::SsimSummary, toolchain::Toolchain},
    };

    fn row(asked: u16, planned: u64, level: Option<Level>, unlike: Option<usize>) -> ResultRow {
        let picture = level.map(|worst| PictureRecord {
            frames: 60,
            identical_frames: 0,
            worst_frame_db: worst,
            worst_frame: 41,
            worst_frame_at_s: 1.367,
            percentile_1_db: worst,
            planes: vec![],
            ssim: SsimSummary { mean: 0.99, worst: 0.98, worst_frame: 41 },
            frames_sha256: String::new(),
            frames_unlike_first: unlike,
        });
        ResultRow {
            id: RenderId { protocol: PlanProtocol::V2, chunk_count: ChunkCount::new(asked).unwrap() },
            planned_chunk_count: planned,
            chunk_size: ChunkSize::new(8).unwrap(),
            plan_protocol: "v2".into(),
            asked_plan_protocol: Some(PlanProtocol::V2),
            wall_clock_ms: 16_549,
            client_wall_ms: 17_000,
            time_spent: None,
            cost: None,
            psnr_avg_db: level.map(|_| 45.812),
            psnr_from_mean_mse_db: level,
            picture,
            audio_status: AudioStatus::None,
            audio_residual_dbfs: vec![],
            audio: vec![],
            exact: None,
            media: Some(MediaShape { audio: vec![], ..shape() }),
            toolchain: Toolchain::default(),
            passed: level.is_some(),
            findings: vec![],
            notes: vec!["ffmpeg 7.1, baseline n8.1.2".into()],
            output: String::new(),
            history: String::new(),
            frames: None,
            audio_levels: None,
            worst_frame_images: None,
            execution_arn: String::new(),
            chunks: vec![],
        }
    }

    #[test]
    fn tells_the_story() {
        let mut rows = [
            row(2, 2, Some(Level::Db(45.812)), None),
            row(8, 6, Some(Level::Identical), Some(0)),
            row(16, 16, Some(Level::Db(44.0)), Some(31)),
            row(32, 32, None, None),
        ];
        rows[2].id.protocol = PlanProtocol::V1;
        rows[2].notes.push("mean SSIM is 0.9".into());
        insta::assert_snapshot!(table(&rows), @r"
        chunks  planned  wall clock  PSNR mean     worst frame  unlike first  audio
             2        2      16.5 s   45.81 dB  45.81 dB (#41)         first   none    ok
             8       6*      16.5 s   45.81 dB       identical          none   none    ok
         v1 16       16      16.5 s   45.81 dB  44.00 dB (#41)      31 of 60   none    ok
            32       32      16.5 s          -               -             -   none  FAIL
        * 8 chunks were asked for, the plan made 6 (chunk size 8)
        note: ffmpeg 7.1, baseline n8.1.2
        note: v1 N=16: mean SSIM is 0.9
        ");
    }
}
