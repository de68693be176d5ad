//! Which fixtures a run is about: the flags that `lambda-smoke` and `lambda-eval` share.

use std::str::FromStr;

use anyhow::ensure;
use clap::Args;

use crate::project::fixture::Chosen;

/// Flags that choose several fixtures.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct FixtureOptions {
    /// Fixtures of one run, on one stack; `all` for all.
    ///
    /// Or --tag chooses them. Without either, lambda-eval measures mp4-h264-sdr, many-cuts,
    /// gsap-letters-render-compat and heygen-promo-preview-assets. `all` leaves out what only the in-process
    /// harness can render.
    #[arg(long, env = "FIXTURES", value_name = "NAME,..", conflicts_with = "tag")]
    fixtures: Option<FixtureNames>,
    /// All fixtures that have this tag in their meta.json.
    #[arg(long, env = "FIXTURE_TAG", value_name = "TAG", hide_short_help = true)]
    tag: Option<String>,
}

impl FixtureOptions {
    /// What the flags choose; without flags, the fixtures with the `usual` names.
    pub fn chosen(&self, usual: &[&str]) -> Chosen {
        match (&self.fixtures, &self.tag) {
            (Some(FixtureNames(names)), _) if names == &["all"] => Chosen::All,
            (Some(FixtureNames(names)), _) => Chosen::Named(names.clone()),
            (None, Some(tag)) => Chosen::Tagged(tag.clone()),
            (None, None) => Chosen::Named(usual.iter().map(ToString::to_string).collect()),
        }
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
