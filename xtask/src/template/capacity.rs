//! What a run may ask for its function, whatever the template's defaults are. Pure.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};

/// What is asked for a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// Executions at once that are set aside for it; `None` reserves nothing.
    pub reserved_concurrency: Option<u32>,
    /// Its memory; `None` leaves it to the template.
    pub memory: Option<MemoryMb>,
}

/// A function's memory in MB: 128 to 10,240, as Lambda has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryMb(u32);

impl MemoryMb {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for MemoryMb {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mb: u32 =
            text.trim().parse().ok().with_context(|| format!("{text:?} is not a memory in MB (a whole number)"))?;
        ensure!((128..=10_240).contains(&mb), "a function's memory is 128 to 10240 MB, not {mb}");
        Ok(Self(mb))
    }
}

impl fmt::Display for MemoryMb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_lambda_has() {
        let mb = |text: &str| text.parse::<MemoryMb>().map(MemoryMb::get).map_err(|error| error.to_string());
        assert_eq!((mb("128"), mb(" 3008 "), mb("10240")), (Ok(128), Ok(3008), Ok(10_240)));
        for wrong in ["127", "10241", "-1", "3 GB", "3008MB", "", "1e3"] {
            assert!(mb(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
