//! One render in one phrase, said when it is measured. Pure.

use crate::{
    artifacts::ResultRow,
    measure::{Level, comparison::Comparison},
    wording::counted,
};

/// Chunks, time and level of a render in one phrase.
pub fn headline(row: &ResultRow, comparison: &Comparison) -> String {
    let level = match comparison {
        Comparison::Unlike(differences) => format!("{} in shape", counted(differences.len(), "difference")),
        Comparison::Exact(frames) => format!("{} of {} frames identical", frames.identical_frames(), frames.frames()),
        Comparison::Alike { picture, .. } => match picture.psnr.worst {
            Level::Identical => "every frame identical".to_owned(),
            worst @ Level::Db(_) => format!("PSNR {:.2} dB, worst frame {worst} dB", picture.psnr.mean_db),
        },
    };
    let seconds = row.wall_clock_ms as f64 / 1000.0;
    let chunks = counted(row.planned_chunk_count, "chunk");
    format!("{chunks} in {seconds:.1} s, {level}")
}
