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
    /// The beginning and the end, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<(f64, f64)>,
    /// Two chunks, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<(u64, u64)>,
    /// The audio track, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<usize>,
    /// The plane: y, u, v, r, g, b or a.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plane: Option<char>,
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
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
