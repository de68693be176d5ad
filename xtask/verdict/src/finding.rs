//! A reason not to pass: the gate, what was found and where, and the limit.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A reason not to pass. [`crate::gates::Gate::finding`] makes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The gate's id, such as `psnr-mean`.
    pub gate: Cow<'static, str>,
    /// What was measured, with its unit.
    pub value: String,
    /// What was required, with its unit.
    pub limit: String,
    /// The whole sentence, for people.
    pub message: String,
    /// Where in the render it is.
    #[serde(default, rename = "where", skip_serializing_if = "Place::is_whole")]
    pub place: Place,
}

/// Where in a render something was found. A field that is not set means the whole render.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// The first and the last frame, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<(u64, u64)>,
    /// The frame in which it is worst, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_frame: Option<u64>,
    /// The beginning and the end, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<(f64, f64)>,
    /// The first and the last chunk, or two that are the same, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<(u64, u64)>,
    /// The audio track, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<usize>,
    /// The plane: y, u, v, r, g, b or a.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plane: Option<char>,
    /// Left, top, width and height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<[u64; 4]>,
}

impl Place {
    fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

impl Finding {
    /// The same finding with its place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The same finding with the chunks of its frames, if each chunk has this many frames.
    #[must_use]
    pub fn in_chunks(mut self, frames: u64) -> Self {
        let (Some((first, last)), None) = (self.place.frames, self.place.chunks) else { return self };
        let (Some(from), Some(to)) = (first.checked_div(frames), last.checked_div(frames)) else { return self };
        let which = if from == to { format!("chunk {from}") } else { format!("chunks {from} to {to}") };
        let begins = if first > 0 && first % frames == 0 { ", from its first frame on" } else { "" };
        self.message = format!("{} ({which}{begins})", self.message);
        self.place.chunks = Some((from, to));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_chunks(frames: Option<(u64, u64)>, of_chunk: u64) -> (String, Option<(u64, u64)>) {
        let found = crate::gates::REGION.finding("1", "2", "it differs").at(Place { frames, ..Place::default() });
        let found = found.in_chunks(of_chunk);
        (found.message, found.place.chunks)
    }

    #[test]
    fn frames_have_their_chunks() {
        assert_eq!(in_chunks(Some((31, 31)), 30), ("it differs (chunk 1)".into(), Some((1, 1))));
        assert_eq!(
            in_chunks(Some((30, 59)), 30),
            ("it differs (chunk 1, from its first frame on)".into(), Some((1, 1)))
        );
        assert_eq!(in_chunks(Some((0, 59)), 30), ("it differs (chunks 0 to 1)".into(), Some((0, 1))));
        assert_eq!(in_chunks(Some((0, 59)), 0), ("it differs".into(), None));
        assert_eq!(in_chunks(None, 30), ("it differs".into(), None));
    }
}
