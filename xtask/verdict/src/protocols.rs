//! Whether both plan protocols rendered the same video with one chunk count.

use execution_history::{chunking::ChunkCount, rendered::ChunkFacts};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::picture::hashes::FrameHashes;

/// The properties of a render that are compared: everything that a viewer gets, but not the encoded bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Semantics {
    /// Every decoded frame, as RGBA.
    pub frames: FrameHashes,
    /// The audio, each track decoded to 48 kHz stereo s16; `None` without audio.
    pub pcm: Option<PcmDigest>,
    /// ffprobe's streams, without fields that describe only the size of the encoding.
    pub streams: Value,
    /// The container's duration, in seconds.
    pub duration_s: f64,
    /// What each chunk reported, by index.
    pub chunks: Vec<ChunkFacts>,
    /// The hash of the file.
    pub sha256: String,
}

/// A digest of decoded audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PcmDigest {
    /// The hash of all samples of all tracks, one after the other.
    pub sha256: String,
    /// The number of bytes.
    pub bytes: u64,
}

/// The comparison of both protocols at one chunk count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SemanticComparison {
    /// The fixture, in a run of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixture: Option<String>,
    /// The requested number of chunks.
    pub chunk_count: ChunkCount,
    /// Whether a viewer gets the same video.
    pub semantically_equal: bool,
    /// Whether the encoded chunks and files are identical, too.
    pub encoded_sha_equal: bool,
    /// Frames of v1 and v2.
    pub frames: (usize, usize),
    /// How many of them differ.
    pub differing_frames: usize,
    /// The audio of v1 and v2.
    pub pcm: (Option<PcmDigest>, Option<PcmDigest>),
    /// The files of v1 and v2.
    pub sha256: (String, String),
    /// What differs, a line each.
    pub mismatches: Vec<String>,
}

/// Durations may differ by this, in seconds, because containers round them.
const DURATION_TOLERANCE_S: f64 = 0.001;

impl SemanticComparison {
    /// Compares both. With `same_bytes` the encoded bytes must be identical, too.
    pub fn of(chunk_count: ChunkCount, v1: &Semantics, v2: &Semantics, same_bytes: bool) -> Self {
        let mut mismatches = Vec::new();
        let differing = v1.frames.differing(&v2.frames);
        if v1.frames.count() != v2.frames.count() {
            mismatches.push(format!("frames: {} by v1, {} by v2", v1.frames.count(), v2.frames.count()));
        } else if differing > 0 {
            let first = v1.frames.first_differing(&v2.frames).unwrap_or(0);
            mismatches.push(format!(
                "decoded frames: {differing} of {} differ, the first is {first} (from 0)",
                v1.frames.count()
            ));
        }
        if v1.pcm != v2.pcm {
            mismatches.push(format!(
                "decoded audio: {} by v1, {} by v2",
                shown(v1.pcm.as_ref()),
                shown(v2.pcm.as_ref())
            ));
        }
        if let Some(what) = first_difference(&v1.streams, &v2.streams, "streams") {
            mismatches.push(format!("stream metadata: {what}"));
        }
        // Written so that NaN is a mismatch.
        let near = (v1.duration_s - v2.duration_s).abs() <= DURATION_TOLERANCE_S;
        if !near {
            mismatches.push(format!("duration: {:.4} s by v1, {:.4} s by v2", v1.duration_s, v2.duration_s));
        }
        let split = |render: &Semantics| -> Vec<(u64, u64)> {
            render.chunks.iter().map(|chunk| (chunk.index, chunk.frames_encoded)).collect()
        };
        if split(v1) != split(v2) {
            mismatches.push(format!("chunks (index, frames): {:?} by v1, {:?} by v2", split(v1), split(v2)));
        }
        let semantically_equal = mismatches.is_empty();
        let encoded = encoded_mismatches(v1, v2);
        let encoded_sha_equal = encoded.is_empty();
        if same_bytes {
            mismatches.extend(encoded);
        }
        Self {
            fixture: None,
            chunk_count,
            semantically_equal,
            encoded_sha_equal,
            frames: (v1.frames.count(), v2.frames.count()),
            differing_frames: differing,
            pcm: (v1.pcm.clone(), v2.pcm.clone()),
            sha256: (v1.sha256.clone(), v2.sha256.clone()),
            mismatches,
        }
    }
}

fn encoded_mismatches(v1: &Semantics, v2: &Semantics) -> Vec<String> {
    let mut found = Vec::new();
    for (a, b) in v1.chunks.iter().zip(&v2.chunks) {
        // An unknown hash proves nothing.
        if a.sha256.is_none() || a.sha256 != b.sha256 {
            found.push(format!("encoded bytes of chunk {} differ, or their hashes are unknown", a.index));
        }
    }
    if v1.sha256 != v2.sha256 {
        found.push("encoded bytes of the files differ".to_owned());
    }
    found
}

fn shown(pcm: Option<&PcmDigest>) -> String {
    pcm.map_or("none".to_owned(), |pcm| format!("{} bytes ({}…)", pcm.bytes, &pcm.sha256[..pcm.sha256.len().min(12)]))
}

/// The first place where two JSON values differ, with both values.
fn first_difference(a: &Value, b: &Value, path: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let mut keys: Vec<&String> = x.keys().chain(y.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().find_map(|key| first_difference(&a[key], &b[key], &format!("{path}.{key}")))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (x, y))| first_difference(x, y, &format!("{path}[{i}]")))
        }
        _ => (a != b).then(|| format!("{path} is {a} by v1, {b} by v2")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::picture::hashes::frames_tests::hashes;

    fn semantics() -> Semantics {
        let chunk = |index| ChunkFacts {
            index,
            frames_encoded: 1,
            sha256: Some(format!("{index}")),
            duration_ms: None,
            capture_mode: None,
        };
        Semantics {
            frames: hashes("ab"),
            pcm: Some(PcmDigest { sha256: "0123456789abcdef".into(), bytes: 192_000 }),
            streams: json!([{"codec_name": "h264", "tags": {"language": "und"}}]),
            duration_s: 2.0,
            chunks: vec![chunk(0), chunk(1)],
            sha256: "file".into(),
        }
    }

    fn compare(v2: &Semantics, same_bytes: bool) -> SemanticComparison {
        SemanticComparison::of(ChunkCount::new(2).unwrap(), &semantics(), v2, same_bytes)
    }

    #[test]
    fn equal_renders_are_equal() {
        let found = compare(&Semantics { duration_s: 2.0009, ..semantics() }, true);
        assert!(found.semantically_equal && found.encoded_sha_equal && found.mismatches.is_empty());
    }

    #[test]
    fn each_mismatch_is_listed() {
        let mut chunks = semantics().chunks;
        chunks[1].frames_encoded = 2;
        let cases = [
            Semantics { frames: hashes("ac"), ..semantics() },
            Semantics { frames: hashes("a"), ..semantics() },
            Semantics { pcm: None, ..semantics() },
            Semantics { streams: json!([{"codec_name": "h264", "tags": {"language": "eng"}}]), ..semantics() },
            Semantics { duration_s: 2.002, ..semantics() },
            Semantics { chunks, ..semantics() },
        ];
        let found: Vec<String> = cases
            .iter()
            .map(|case| {
                let found = compare(case, false);
                assert!(!found.semantically_equal && found.mismatches.len() == 1);
                found.mismatches[0].clone()
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        decoded frames: 1 of 2 differ, the first is 1 (from 0)
        frames: 2 by v1, 1 by v2
        decoded audio: 192000 bytes (0123456789ab…) by v1, none by v2
        stream metadata: streams[0].tags.language is "und" by v1, "eng" by v2
        duration: 2.0000 s by v1, 2.0020 s by v2
        chunks (index, frames): [(0, 1), (1, 1)] by v1, [(0, 1), (1, 2)] by v2
        "#);
    }

    #[test]
    fn other_bytes_are_a_mismatch_only_when_asked_for() {
        let mut other = Semantics { sha256: "other".into(), ..semantics() };
        other.chunks[0].sha256 = None;
        let found = compare(&other, false);
        assert!(found.semantically_equal && !found.encoded_sha_equal && found.mismatches.is_empty());
        assert_eq!(compare(&other, true).mismatches.len(), 2);
    }
}
