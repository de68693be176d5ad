//! What every benchmark prints, and keeps for a comparison with later ones: each figure with its target and a peer's.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use serde::{Deserialize, Serialize};
use xtask::console::text::{Align, columns};

/// The figures of all benchmarks that were run here, by their names.
const KEPT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/benches.json");

/// What a benchmark measured.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Printed {
    /// When it began, in seconds since 1970.
    began_at_s: u64,
    /// The cores of the machine.
    cores: usize,
    figures: Vec<Figure>,
}

/// A line of the table.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    what: String,
    target: String,
    measured: String,
    peer: String,
    /// To the peer's figure, or to the target where there is no peer.
    ratio: f64,
    /// `None` for a figure without a target.
    met: Option<bool>,
}

impl Printed {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { began_at_s: since_1970.as_secs(), cores, figures: Vec::new() }
    }

    /// Adds a line; `met` is `None` for a figure without a target.
    pub(crate) fn add(&mut self, what: &str, target: &str, measured: &str, peer: &str, ratio: f64, met: Option<bool>) {
        let [what, target, measured, peer] = [what, target, measured, peer].map(str::to_owned);
        self.figures.push(Figure { what, target, measured, peer, ratio, met });
    }

    /// Keeps the figures of this benchmark, and prints those of all that were run.
    pub(crate) fn print(self, benchmark: &str) {
        let kept = fs::read(KEPT).ok().and_then(|kept| serde_json::from_slice(&kept).ok());
        let mut kept: BTreeMap<String, Self> = kept.unwrap_or_default();
        kept.insert(benchmark.to_owned(), self);
        let text = serde_json::to_string_pretty(&kept).expect("figures are JSON");
        fs::write(Path::new(KEPT), text).expect("the target folder can be written");

        let mut lines = vec![["benchmark", "what", "target", "measured", "peer", "ratio", "met"].map(str::to_owned)];
        for (name, Self { figures, .. }) in &kept {
            lines.extend(figures.iter().map(|figure| {
                let Figure { what, target, measured, peer, ratio, met } = figure;
                let (ratio, met) = (format!("{ratio:.2}"), met.map_or("", |met| if met { "yes" } else { "NO" }));
                [name, what, target, measured, peer, &ratio, met].map(str::to_owned)
            }));
        }
        println!("{}\nas JSON: {KEPT}", columns(&lines, Align::Left));
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
