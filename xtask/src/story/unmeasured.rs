//! The renders that should have been measured and were not. Pure.

use super::{Kind, RenderStory, RunFacts};
use crate::measure::verdict::unmeasured_of;

/// A render on Lambda that was asked for and not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmeasured {
    /// As a measured one's: `N=4`, in eval `many-cuts N=4 #2`.
    pub label: String,
    /// The fixture.
    pub fixture: String,
    /// Why, as far as it is known.
    pub cause: String,
}

/// By the verdict, which names them; of a run that has none, by what was asked for.
pub(super) fn unmeasured(run: &RunFacts, measured: &[RenderStory]) -> anyhow::Result<Vec<Unmeasured>> {
    let untold = || run.failure.clone().unwrap_or_else(|| "the run ended before it".to_owned());
    let found = match &run.verdict {
        Some(verdict) => {
            let of_line = |line: &String| {
                let (label, cause) = unmeasured_of(line)?;
                Some((label.to_owned(), cause.map_or_else(untold, str::to_owned)))
            };
            verdict.findings.iter().filter_map(of_line).collect::<Vec<_>>()
        }
        None => asked_for(run)?
            .into_iter()
            .filter(|label| !measured.iter().any(|render| is_of(&render.label, label)))
            .map(|label| (label, untold()))
            .collect(),
    };
    let fixtures = run.fixtures();
    let fixture_of = |label: &str| {
        let named = fixtures.iter().find(|fixture| label.starts_with(&format!("{fixture} ")));
        named.or(fixtures.first()).map_or_else(String::new, ToString::to_string)
    };
    Ok(found.into_iter().map(|(label, cause)| Unmeasured { fixture: fixture_of(&label), label, cause }).collect())
}

/// What was asked for, with no protocol: run.json does not name it.
fn asked_for(run: &RunFacts) -> anyhow::Result<Vec<String>> {
    let counts = || run.chunk_counts.iter().map(|count| format!("N={count}"));
    Ok(match run.kind()? {
        Kind::Smoke { .. } => counts().collect(),
        Kind::Eval { fixtures } => {
            let rounds = 1..=run.iterations.unwrap_or(1);
            let of_fixture = |fixture: &String| {
                let fixture = fixture.clone();
                counts().map(move |count| format!("{fixture} {count}"))
            };
            let of_round =
                |iteration: u32| fixtures.keys().flat_map(of_fixture).map(move |case| format!("{case} #{iteration}"));
            rounds.flat_map(of_round).collect()
        }
    })
}

/// Whether a measured render is the one asked for, by whatever protocol.
fn is_of(measured: &str, asked: &str) -> bool {
    measured.replace("v1 N=", "N=") == asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_no_difference() {
        assert!(is_of("v1 N=4", "N=4") && is_of("f N=4 #1", "f N=4 #1") && !is_of("N=40", "N=4"));
    }
}
