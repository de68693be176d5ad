//! The environment twins of flags.

use std::str::FromStr;

use anyhow::{Context, bail};

use crate::env::Env;

/// Whether the twin of a switch is on.
///
/// # Errors
/// When it is neither 1 nor 0.
pub(super) fn is_on(env: &Env, name: &str) -> anyhow::Result<bool> {
    match env.get(name) {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(other) => bail!("{name}={other}: it is 1 or 0"),
    }
}

/// A flag's value, else that of its twin.
///
/// # Errors
/// When the twin's value is wrong.
pub(super) fn or_twin<T>(flag: Option<T>, env: &Env, name: &str) -> anyhow::Result<Option<T>>
where
    T: FromStr,
    T::Err: Into<anyhow::Error>,
{
    match (flag, env.get(name)) {
        (Some(value), _) => Ok(Some(value)),
        (None, Some(text)) => text.parse().map(Some).map_err(Into::into).with_context(|| format!("{name}={text}")),
        (None, None) => Ok(None),
    }
}

/// A flag's value, else that of its twin, else the default.
///
/// # Errors
/// When the twin's value is wrong.
pub(super) fn or_default<T>(flag: Option<T>, env: &Env, name: &str, default: &str) -> anyhow::Result<T>
where
    T: FromStr,
    T::Err: Into<anyhow::Error>,
{
    let given = or_twin(flag, env, name)?;
    given.map_or_else(|| default.parse().map_err(Into::into).with_context(|| format!("{name}={default}")), Ok)
}
