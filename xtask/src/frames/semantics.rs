//! What a viewer gets of delivered frames, for comparing the plan protocols.

use std::path::Path;

use serde_json::{Value, json};

use super::FrameArchive;
use crate::{
    hash::sha256_of_file,
    history::ChunkFacts,
    measure::{frame_sequence::FrameIndex, frames::FrameHashes, semantic::Semantics},
};

/// Reads the archive at `path`: its frames and what lies beside them by their files, which
/// nothing encodes in another way.
///
/// # Errors
/// When the archive can't be read to its end.
pub fn semantics(path: &Path, fps: u32, chunks: &[ChunkFacts]) -> anyhow::Result<Semantics> {
    let sequence = FrameArchive::at(path).read()?;
    let others = sequence.others().iter().map(|(name, sha256)| (name.clone(), json!(sha256)));
    let mut chunks = chunks.to_vec();
    chunks.sort_by_key(|chunk| chunk.index);
    Ok(Semantics {
        frames: FrameHashes::of_files(&sequence),
        pcm: None,
        streams: Value::Object(others.collect()),
        duration_s: FrameIndex::new(sequence.len()).seconds(fps),
        chunks,
        sha256: sha256_of_file(path)?,
    })
}
