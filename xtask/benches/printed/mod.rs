//! What every benchmark prints: a line for each figure with its target and a peer's.

use xtask::console::text::{Align, columns};

/// A table of what was measured.
pub(crate) struct Printed(Vec<[String; 6]>);

impl Printed {
    pub(crate) fn new() -> Self {
        Self(vec![["what", "target", "measured", "peer", "ratio", "met"].map(str::to_owned)])
    }

    /// Adds a line; `met` is `None` for a figure without a target.
    pub(crate) fn add(&mut self, what: &str, target: &str, measured: &str, peer: &str, ratio: f64, met: Option<bool>) {
        let met = met.map_or("", |met| if met { "yes" } else { "NO" });
        self.0.push([what, target, measured, peer, &format!("{ratio:.2}"), met].map(str::to_owned));
    }

    pub(crate) fn print(&self) {
        println!("{}", columns(&self.0, Align::Left));
    }
}

/// The middle of some figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    execution_history::time_spent::median(figures).expect("there is a figure")
}

/// The most memory that a process has had resident since it began, or since its mark was
/// reset, KiB; `None` once it has ended.
pub(crate) fn peak_kib(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Processor time of this process, or of its children that have ended, s; in steps of 10 ms.
pub(crate) fn cpu_s(whose: Whose) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    // The fields from the third on: a name may hold spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let first = match whose {
        Whose::Own => 11,
        Whose::Children => 13,
    };
    let ticks: f64 = fields[first..first + 2].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Whose processor time it is.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "each benchmark has one of them")]
pub(crate) enum Whose {
    Own,
    Children,
}
