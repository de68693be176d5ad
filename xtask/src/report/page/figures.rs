//! Numbers as people read them.

use crate::measure::residual::Residual;

/// Milliseconds as seconds: `15.9 s`, below a second `0.41 s`.
pub(super) fn seconds(ms: f64) -> String {
    let digits = if ms.abs() < 995.0 { 2 } else { 1 };
    format!("{:.digits$} s", ms / 1000.0)
}

/// A price with as many digits as it needs.
pub(super) fn usd(usd: f64) -> String {
    let digits = if usd >= 1.0 { 2 } else { 5 };
    format!("{usd:.digits$} USD")
}

/// `-63.1 dBFS`, or `silent`.
pub(super) fn residual(residual: Residual) -> String {
    match residual {
        Residual::Silent => "silent".to_owned(),
        Residual::DbFs(db) => format!("{db:.1} dBFS"),
    }
}

/// A share in percent.
pub(super) fn share(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// A time as it is read: `2026-11-21 15:05:12 UTC`.
pub(super) fn moment(rfc3339: &str) -> String {
    match rfc3339.split_once('T') {
        Some((day, time)) if time.len() >= 8 && time.ends_with('Z') => format!("{day} {} UTC", &time[..8]),
        _ => rfc3339.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_they_need() {
        assert_eq!([seconds(15_860.0), seconds(411.0), seconds(998.0)], ["15.9 s", "0.41 s", "1.0 s"]);
        assert_eq!([usd(0.004_607), usd(12.345)], ["0.00461 USD", "12.35 USD"]);
        assert_eq!(moment("2026-11-21T15:05:12.776Z"), "2026-11-21 15:05:12 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
