//! How a player turns, mirrors, stretches and moves a picture. Pure.

use std::fmt::{self, Display};

/// A file's display matrix as ffprobe tells it, in fixed point numbers. An angle alone tells no
/// picture that is upside down from one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayMatrix(String);

/// What a file without one has.
impl Default for DisplayMatrix {
    fn default() -> Self {
        Self("65536 0 0 / 0 65536 0 / 0 0 1073741824".to_owned())
    }
}

impl Display for DisplayMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DisplayMatrix {
    /// Reads rows such as `00000001:            0      -65536           0`.
    pub fn of(told: &str) -> Self {
        let row = |line: &str| {
            let (_, numbers) = line.split_once(':').unwrap_or(("", line));
            numbers.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        };
        Self(told.lines().map(row).filter(|row| !row.is_empty()).collect::<Vec<_>>().join(" / "))
    }
}
