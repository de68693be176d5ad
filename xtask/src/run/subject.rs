//! What a run is about: a fixture, and what its renders must reach.

use super::PlanChoice;
use crate::{
    fixture::{Fixture, RenderFormat},
    measure::{
        expected::{Expected, Recorded, Standing},
        finding::Finding,
        gates::Limits,
    },
    plan::{Extent, RenderSettings},
};

/// A fixture under test.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The composition and what is asked of its renders.
    pub fixture: Fixture,
    /// What they must reach.
    pub gate: Limits,
    /// The fixture's record of sound renders.
    pub record: Record,
    /// What record and renders belong to.
    pub fixture_sha256: String,
    /// How the plan may go to the chunks.
    pub plan: PlanChoice,
}

/// What becomes of a fixture's record, where it has one.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// Renders are held against it; leaving it fails on an emulator.
    Held(Option<Expected>),
    /// Renders are held against it; leaving it fails everywhere, and so does having none.
    HeldStrictly(Option<Expected>),
    /// Renders that pass become the record.
    Rewritten(Option<Expected>),
}

impl Subject {
    /// What of a render's distance from the fixture's record fails it, and what is only said.
    pub(crate) fn standing(&self, render: &Recorded) -> (Vec<Finding>, Vec<String>) {
        let of = |known: &Expected| known.standing(render, &self.fixture_sha256);
        match &self.record {
            // Without any record there is nothing to say, unless one is asked for.
            Record::Rewritten(_) | Record::Held(None) => (Vec::new(), Vec::new()),
            Record::Held(Some(known)) => of(known).findings(&render.made_by, false),
            Record::HeldStrictly(known) => {
                known.as_ref().map_or(Standing::NoRecord, of).findings(&render.made_by, true)
            }
        }
    }

    /// Size and length, where the composition tells both.
    pub(crate) fn told_extent(&self) -> Option<Extent> {
        Extent::told_by(&self.fixture.composition, self.fixture.meta.fps.get())
    }

    /// What every render is asked for. Length and size are the composition's own, or else the reference's.
    pub(crate) fn settings(&self, reference: Extent, format: RenderFormat) -> RenderSettings {
        let fps = self.fixture.meta.fps;
        let Extent { width, height, frames } = reference.or_told_by(&self.fixture.composition, fps.get());
        RenderSettings { fps, format, width, height, frames, forwarded: self.fixture.meta.forwarded.clone() }
    }

    /// The key of the packed composition in the render bucket.
    pub(crate) fn project_key(&self) -> String {
        format!("projects/{}.tar.gz", self.fixture.name)
    }
}
