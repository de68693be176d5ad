//! Exact frame rates.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A positive fraction in lowest terms, such as 30000/1001 frames a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    num: u64,
    den: u64,
}

impl Fraction {
    /// Reduces `num/den`.
    ///
    /// # Errors
    /// When either is zero.
    pub fn new(num: u64, den: u64) -> anyhow::Result<Self> {
        ensure!(num > 0 && den > 0, "{num}/{den} is not a positive fraction");
        let divisor = gcd(num, den);
        Ok(Self { num: num / divisor, den: den / divisor })
    }

    /// One divided by it.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { num: self.den, den: self.num }
    }

    /// The value as a floating-point number.
    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// The value, if it is a whole number.
    pub fn whole(self) -> Option<u64> {
        (self.den == 1).then_some(self.num)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl FromStr for Fraction {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let part =
            |s: &str| s.trim().parse::<u64>().ok().with_context(|| format!("{text:?} is not a fraction like 30/1"));
        Self::new(part(num)?, part(den)?)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole() {
            Some(n) => write!(f, "{n}"),
            None => write!(f, "{}/{}", self.num, self.den),
        }
    }
}

/// As "num/den", or "num" if it is whole.
impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The inverse of its serialization.
impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error| de::Error::custom(format!("{error:#}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_and_compares_exactly() {
        let ntsc: Fraction = "30000/1001".parse().unwrap();
        assert_eq!(ntsc.to_string(), "30000/1001");
        assert_eq!((ntsc.whole(), ntsc.inverted().to_string().as_str()), (None, "1001/30000"));
        for fraction in [ntsc, "30".parse().unwrap()] {
            let json = serde_json::to_string(&fraction).unwrap();
            assert_eq!(serde_json::from_str::<Fraction>(&json).unwrap(), fraction);
        }
        assert!(serde_json::from_str::<Fraction>("\"0/1\"").is_err());
        assert_eq!("60/2".parse::<Fraction>().unwrap(), "30".parse().unwrap());
        for bad in ["0/0", "30/0", "a/b", "", "-30/1", "29.97"] {
            assert!(bad.parse::<Fraction>().is_err(), "{bad:?} was accepted");
        }
    }
}
