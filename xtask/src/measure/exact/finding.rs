//! What of a comparison keeps a render from passing.

use std::fmt;

use serde::Serialize;

use super::{ExactComparison, OtherDifference, OtherWhy, Why};

/// A reason not to pass the exact gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExactFinding {
    /// What was found.
    pub value: String,
    /// What is demanded.
    pub limit: String,
    /// What is behind it.
    pub what: String,
}

impl ExactFinding {
    /// The gate's name.
    pub const GATE: &'static str = "exact";

    fn of_other(difference: &OtherDifference) -> Self {
        let what = match difference.why {
            OtherWhy::Missing => "is missing",
            OtherWhy::Extra => "is not in the in-process render",
            OtherWhy::Bytes => "has other bytes than the in-process one",
        };
        Self { value: difference.file.clone(), limit: "identical".into(), what: what.into() }
    }
}

impl fmt::Display for ExactFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {} demanded: {}", Self::GATE, self.value, self.limit, self.what)
    }
}

impl ExactComparison {
    /// Everything that is not identical; empty when the render passes.
    pub fn findings(&self) -> Vec<ExactFinding> {
        let all = self.identical_frames == self.frames && self.rendered_frames == self.frames;
        let of_frames = (!all || !self.differences.is_empty()).then(|| self.frames_finding());
        of_frames.into_iter().chain(self.other_differences.iter().map(ExactFinding::of_other)).collect()
    }

    fn frames_finding(&self) -> ExactFinding {
        let count = |why| self.differences.iter().filter(|d| d.why == why).count();
        let counts = Why::ALL.iter().map(|&why| (why, count(why))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(why, count)| why.of(count)).collect();
        let first = self.first().map_or_else(String::new, |first| {
            format!("; the first is frame {} (counted from 0), at {:.3} s", first.frame, first.at_s)
        });
        ExactFinding {
            value: format!("{} of {} frames identical", self.identical_frames, self.frames),
            limit: format!("{} of {}", self.frames, self.frames),
            what: format!("{}{first}", counts.join(", ")),
        }
    }
}

impl Why {
    const ALL: [Self; 5] = [Self::Missing, Self::Extra, Self::Size, Self::Pixels, Self::Encoding];

    /// What to say of that many frames.
    fn of(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Missing => ("is missing", "are missing"),
            Self::Extra => ("is there in excess", "are there in excess"),
            Self::Size => ("has another size", "have another size"),
            Self::Pixels => ("differs in its pixels", "differ in their pixels"),
            Self::Encoding => {
                ("has the same pixels, encoded to other bytes", "have the same pixels, encoded to other bytes")
            }
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}
