//! What is measured in which order, and what all samples come to. Pure.

mod case;
mod caveats;
mod likeness;
mod required;
mod results;
mod sample;
mod schedule;

pub use case::{Case, Speedup, TimeMedians};
pub(crate) use caveats::Caveat;
pub use likeness::Likeness;
pub(crate) use required::{executions, missing_local_renders};
pub use results::EvalResults;
pub(crate) use results::{Measurements, Results};
#[cfg(test)]
pub(crate) use sample::tests;
pub use sample::{Execution, LambdaSample, LocalRender, LocalSample, Outcome, SampleId, Start};
pub(crate) use schedule::{Leg, Round, Scope, Turn, schedule};
