//! A reason not to pass: the gate, what was found and where, and the limit.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    audio::change::Change,
    gates::{Check, Gate},
};

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
    /// What became of the baseline's audio, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What the render was compared with.
    #[serde(default, skip_serializing_if = "ComparedWith::is_baseline")]
    pub compared_with: ComparedWith,
}

/// What a render is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparedWith {
    /// The fixture's committed baseline.
    #[default]
    Baseline,
    /// The render that this machine made in-process.
    InProcess,
}

impl ComparedWith {
    /// Whether it is the usual one, which files leave out.
    pub fn is_baseline(&self) -> bool {
        *self == Self::Baseline
    }
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

    fn check(&self) -> Option<Check> {
        Gate::named(&self.gate).map(|gate| gate.check)
    }

    /// Whether it is about a part of the picture.
    pub fn is_local(&self) -> bool {
        matches!(self.check(), Some(Check::Local(_)))
    }

    /// Whether the render may still match its baseline: a history contradicts the video, or plan protocols differ.
    pub fn is_contradiction(&self) -> bool {
        matches!(self.check(), Some(Check::Contradiction))
    }

    /// The same finding, from a comparison with the in-process render.
    #[must_use]
    pub fn against_in_process(self) -> Self {
        let message = format!("compared with the in-process render, {}", self.message);
        Self { message, compared_with: ComparedWith::InProcess, ..self }
    }

    /// Whether it is about the same part of another render: by the same gate, at about the same time and place.
    pub fn is_like(&self, other: &Self) -> bool {
        let (a, b) = (&self.place, &other.place);
        let frames = |place: &Place| place.frames.map(|(from, to)| (from as f64, to as f64));
        let meet = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| match (a, b) {
            (Some((from, to)), Some((first, last))) => from <= last && first <= to,
            (None, None) => true,
            _ => false,
        };
        let side = |region: Option<[u64; 4]>, at: usize| {
            region.map(|pixels| (pixels[at] as f64, (pixels[at] + pixels[at + 2]) as f64))
        };
        let measured = matches!(self.check(), Some(Check::Picture(_) | Check::Local(_) | Check::Audio(_)));
        (&self.gate, self.compared_with) == (&other.gate, other.compared_with)
            && (a.track, a.plane) == (b.track, b.plane)
            && meet(frames(a), frames(b))
            && meet(a.seconds, b.seconds)
            && (0..2).all(|at| meet(side(a.region, at), side(b.region, at)))
            // Figures differ a little from render to render. What has none must be the same.
            && (measured || (&self.value, &self.limit) == (&other.value, &other.limit))
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

    /// The message without the chunks of its frames.
    pub fn without_chunks(&self) -> &str {
        let appended = self.place.frames.and(self.place.chunks).and_then(|_| self.message.rsplit_once(" (chunk"));
        appended.map_or(&self.message, |(message, _)| message)
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
    fn findings_at_the_same_place_are_alike() {
        let of = |gate: &crate::gates::Gate, value: &str, frames, region| {
            gate.finding(value, "2", "it differs").at(Place { frames, region, ..Place::default() })
        };
        let region = &crate::gates::REGION;
        let one = of(region, "3", Some((10, 20)), Some([0, 0, 32, 32]));
        assert!(one.is_like(&of(region, "4", Some((20, 21)), Some([8, 8, 32, 32]))));
        assert!(!one.is_like(&of(region, "3", Some((21, 22)), Some([0, 0, 32, 32]))));
        assert!(!one.is_like(&of(region, "3", Some((10, 20)), Some([0, 64, 32, 32]))));
        assert!(!one.is_like(&of(region, "3", Some((10, 20)), None)));
        assert!(!one.is_like(&of(&crate::gates::TONE, "3", Some((10, 20)), Some([0, 0, 32, 32]))));
        let structure = |value| of(&crate::gates::STRUCTURE, value, None, None);
        assert!(structure("59").is_like(&structure("59")) && !structure("59").is_like(&structure("58")));
    }

    #[test]
    fn frames_have_their_chunks() {
        assert_eq!(in_chunks(Some((31, 31)), 30), ("it differs (chunk 1)".into(), Some((1, 1))));
        let found = crate::gates::REGION.finding("1", "2", "it differs");
        let found = found.at(Place { frames: Some((31, 31)), ..Place::default() });
        assert_eq!(
            (found.without_chunks(), found.clone().in_chunks(30).without_chunks()),
            ("it differs", "it differs")
        );
        assert_eq!(
            in_chunks(Some((30, 59)), 30),
            ("it differs (chunk 1, from its first frame on)".into(), Some((1, 1)))
        );
        assert_eq!(in_chunks(Some((0, 59)), 30), ("it differs (chunks 0 to 1)".into(), Some((0, 1))));
        assert_eq!(in_chunks(Some((0, 59)), 0), ("it differs".into(), None));
        assert_eq!(in_chunks(None, 30), ("it differs".into(), None));
    }
}
