//! Whether an execution's history agrees with the video that it delivered.

use execution_history::{
    chunking::{ChunkSize, PlanProtocol},
    rendered::Rendered,
};

/// Every contradiction between what the history says, the protocol that had
/// to run, the chunks of `size` frames that were planned, and `decoded_frames`,
/// the frames that decode from the delivered file. Empty when all agree.
pub fn contradictions(
    reported: &Rendered,
    required: Option<PlanProtocol>,
    size: ChunkSize,
    decoded_frames: u64,
) -> Vec<String> {
    let mut found = Vec::new();
    let ran = reported.plan.protocol_ran();
    if let Some(required) = required.map(|protocol| protocol.to_string())
        && required != ran
    {
        found.push(format!("plan protocol {required} was asked for, {ran} ran"));
    }
    let mut indices: Vec<u64> = reported.chunks.iter().map(|c| c.index).collect();
    indices.sort_unstable();
    // Not written out: the count is whatever the history says.
    if !indices.iter().copied().eq(0..reported.plan.chunk_count) {
        found.push(format!("the plan made {} chunks, but chunks {indices:?} were rendered", reported.plan.chunk_count));
    }
    let encoded: u128 = reported.chunks.iter().map(|c| u128::from(c.frames_encoded)).sum();
    if encoded != u128::from(reported.plan.total_frames) {
        found.push(format!("the plan has {} frames, its chunks encoded {encoded}", reported.plan.total_frames));
    }
    found.extend(unevenly_split(reported, size));
    if reported.assembled_frames != decoded_frames {
        found.push(format!(
            "Assemble reported {} frames, the delivered video has {decoded_frames}",
            reported.assembled_frames
        ));
    }
    if reported.plan.total_frames != decoded_frames {
        found.push(format!("the plan has {} frames, the delivered video {decoded_frames}", reported.plan.total_frames));
    }
    found
}

/// The first chunk that encoded other frames than are its part, of a plan that is split as was
/// planned: two chunks may make up for each other in the sum.
fn unevenly_split(reported: &Rendered, size: ChunkSize) -> Option<String> {
    let (total, frames) = (reported.plan.total_frames, u64::from(size.get()));
    if reported.plan.chunk_count != size.chunks_of(total) {
        return None;
    }
    let part = |index: u64| frames.min(total.saturating_sub(index.saturating_mul(frames)));
    let mut chunks: Vec<(u64, u64)> = reported.chunks.iter().map(|c| (c.index, c.frames_encoded)).collect();
    chunks.sort_unstable();
    let (index, encoded) = chunks.into_iter().find(|(index, encoded)| *encoded != part(*index))?;
    Some(format!("chunk {index} encoded {encoded} frames, its part of the plan is {}", part(index)))
}

#[cfg(test)]
mod tests {
    use execution_history::rendered::{ChunkFacts, PlanFacts};

    use super::*;

    fn reported() -> Rendered {
        let chunk =
            |index| ChunkFacts { index, frames_encoded: 30, sha256: None, duration_ms: None, capture_mode: None };
        Rendered {
            plan: PlanFacts {
                chunk_count: 2,
                total_frames: 60,
                ffmpeg_version: None,
                producer_version: None,
                protocol: Some("v2".into()),
            },
            chunks: vec![chunk(1), chunk(0)],
            assembled_frames: 60,
        }
    }

    /// Of chunks of 30 frames.
    fn found(reported: &Rendered, required: Option<PlanProtocol>, decoded_frames: u64) -> Vec<String> {
        contradictions(reported, required, ChunkSize::new(30).unwrap(), decoded_frames)
    }

    #[test]
    fn agreeing_records_have_none() {
        assert_eq!(found(&reported(), Some(PlanProtocol::V2), 60), Vec::<String>::new());
    }

    #[test]
    fn each_contradiction_is_found() {
        assert_eq!(found(&reported(), None, 59).len(), 2);
        let mut lost = reported();
        lost.chunks.pop();
        assert_eq!(found(&lost, None, 60).len(), 2);
        let mut twice = reported();
        twice.chunks[0].index = 0;
        assert_eq!(found(&twice, None, 60).len(), 1);
        let mut other = reported();
        other.plan.protocol = None;
        assert_eq!(found(&other, Some(PlanProtocol::V2), 60), ["plan protocol v2 was asked for, v1 ran"]);
        assert!(found(&other, Some(PlanProtocol::V1), 60).is_empty());
        assert!(found(&other, None, 60).is_empty());
    }

    #[test]
    fn each_chunk_has_its_part() {
        // By order of completion: chunk 1, then chunk 0.
        let mut shifted = reported();
        shifted.chunks[0].frames_encoded = 29;
        shifted.chunks[1].frames_encoded = 31;
        assert_eq!(found(&shifted, None, 60), ["chunk 0 encoded 31 frames, its part of the plan is 30"]);
        let of = |size: u64| contradictions(&shifted, None, ChunkSize::new(size).unwrap(), 60);
        assert_eq!(of(31), [""; 0], "the last one has the rest");
        assert_eq!(of(20), [""; 0], "the plan was split otherwise");
    }

    #[test]
    fn numbers_that_no_render_has_are_contradictions_too() {
        let mut absurd = reported();
        absurd.plan.chunk_count = u64::MAX;
        absurd.chunks.iter_mut().for_each(|chunk| chunk.frames_encoded = u64::MAX);
        let found = found(&absurd, None, 60);
        assert_eq!(found[0], "the plan made 18446744073709551615 chunks, but chunks [0, 1] were rendered");
        assert_eq!(found[1], "the plan has 60 frames, its chunks encoded 36893488147419103230");
    }
}
