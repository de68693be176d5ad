//! Which fixtures a run is about: the flags that `lambda-smoke` and `lambda-eval` share.

use std::str::FromStr;

use anyhow::ensure;
use clap::Args;
use execution_history::chunking::{ChunkCounts, RenderId};

use crate::{
    project::fixture::Chosen,
    report::{Repeated, distinct},
};

/// Flags that choose several fixtures.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct FixtureOptions {
    /// Several fixtures on one stack; `all` means every fixture.
    ///
    /// --tag also chooses several. Without either flag, lambda-eval and lambda-ab measure mp4-h264-sdr, many-cuts,
    /// gsap-letters-render-compat, and heygen-promo-preview-assets. `all` leaves out fixtures with high dynamic range,
    /// which only the in-process harness can render.
    #[arg(long, env = "FIXTURES", value_name = "NAME,..", conflicts_with = "tag")]
    fixtures: Option<FixtureNames>,
    /// Render all fixtures that have this tag in their meta.json.
    #[arg(long, env = "FIXTURE_TAG", value_name = "TAG", hide_short_help = true)]
    tag: Option<String>,
    /// Repeat the renders of an earlier run that did not pass.
    ///
    /// This includes renders that failed or were not run. RUN is `latest`, `previous`, an id or its beginning, a commit,
    /// or a folder [default: latest]. Fixtures, chunk counts, and sizes of memory are those of that run, with all plan
    /// protocols. Other flags have to be given again.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "latest", hide_short_help = true)]
    #[arg(conflicts_with_all = ["fixtures", "tag", "chunk_counts"])]
    pub rerun_failed: Option<String>,
    /// The renders to repeat; `None` for all.
    #[arg(skip)]
    pub repeated: Option<Vec<Repeated>>,
}

impl FixtureOptions {
    /// What the flags choose; without flags, the fixtures with the `usual` names.
    pub fn chosen(&self, usual: &[&str]) -> Chosen {
        if let Some(repeated) = &self.repeated {
            return Chosen::Named(distinct(repeated.iter().map(|(fixture, ..)| fixture.clone())));
        }
        match (&self.fixtures, &self.tag) {
            (Some(FixtureNames(names)), _) if names == &["all"] => Chosen::All,
            (Some(FixtureNames(names)), _) => Chosen::Named(names.clone()),
            (None, Some(tag)) => Chosen::Tagged(tag.clone()),
            (None, None) => Chosen::Named(usual.iter().map(ToString::to_string).collect()),
        }
    }

    /// The chunk counts of a fixture, or of all: those that are repeated, or else those `asked` for.
    ///
    /// # Errors
    /// When the fixture is not among those that are repeated.
    pub fn counts(&self, fixture: Option<&str>, asked: &ChunkCounts) -> anyhow::Result<ChunkCounts> {
        let Some(repeated) = &self.repeated else { return Ok(asked.clone()) };
        let its = repeated.iter().filter(|(of, ..)| fixture.is_none_or(|fixture| of == fixture));
        distinct(its.map(|(.., count)| count.to_string())).join(",").parse()
    }

    /// Whether a render of a fixture is among those to do.
    pub fn includes(&self, fixture: &str, render: RenderId) -> bool {
        let is_it = |(of, memory_mb, count): &Repeated| {
            let has_its_memory = memory_mb.is_none() || render.memory_mb.is_none_or(|mb| *memory_mb == Some(mb));
            of == fixture && *count == render.chunk_count && has_its_memory
        };
        self.repeated.as_ref().is_none_or(|repeated| repeated.iter().any(is_it))
    }
}

/// The named fixtures: at least one, none twice, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureNames(Vec<String>);

impl FromStr for FixtureNames {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        ensure!(
            names.iter().all(|name| !name.is_empty()),
            "{text:?} is no list of fixtures (example: many-cuts,tone-and-text)"
        );
        for (i, name) in names.iter().enumerate() {
            ensure!(!names[..i].contains(name), "fixture {name} is listed twice");
        }
        Ok(Self(names))
    }
}
