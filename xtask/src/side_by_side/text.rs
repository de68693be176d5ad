//! Two runs side by side as a table, for the terminal and for Markdown. Pure.

use std::fmt;

use super::{Both, Change, Pair, SideBySide, change::percent};
use crate::{
    measure::Level,
    publish::{Column, list, plain, table},
    wording::{Align, columns},
};

const HEADER: [&str; 11] =
    ["", "before", "now", "wall clock", "certainty", "USD before", "now", "cost", "PSNR", "worst frame", "frames"];

const LEGEND: &str = "Medians. A change is this run's against the one before: +10 % is slower, or dearer, by a tenth.";

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; 11]> =
            std::iter::once(HEADER.map(str::to_owned)).chain(self.pairs.iter().map(line)).collect();
        writeln!(f, "This run against the one before")?;
        if !self.pairs.is_empty() {
            writeln!(f, "{}\n{LEGEND}", columns(&lines, Align::Left))?;
        }
        write!(f, "{}", self.told().map(|line| format!("note: {line}")).collect::<Vec<_>>().join("\n"))
    }
}

impl SideBySide {
    /// The section of report.md.
    pub fn markdown(&self) -> String {
        let aligned = HEADER.map(|title| match title {
            "" | "certainty" | "frames" => Column::Name(title),
            figure => Column::Figure(figure),
        });
        let cells: Vec<[String; 11]> = self.pairs.iter().map(|pair| line(pair).map(|cell| plain(&cell))).collect();
        let body = match cells.is_empty() {
            true => "Nothing was measured in both runs.".to_owned(),
            false => format!("{}\n\n{LEGEND}", table(aligned, &cells)),
        };
        let notes = list("", self.told().map(|line| plain(&line)));
        let parts = ["### This run against the one before".to_owned(), body, notes];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n") + "\n"
    }

    fn told(&self) -> impl Iterator<Item = String> {
        let only = |names: &[String], whose: &str| match names.is_empty() {
            true => None,
            false => Some(format!("only {whose} measured {}", names.join(", "))),
        };
        let only = [only(&self.only_now, "this run"), only(&self.only_before, "the run before")];
        only.into_iter().flatten().chain(self.caveats.iter().cloned())
    }
}

fn line(pair: &Pair) -> [String; 11] {
    let wall = &pair.wall_ms;
    let cost = |of: fn(&Change) -> String| pair.usd.as_ref().map_or_else(|| "-".to_owned(), of);
    [
        pair.name.clone(),
        format!("{:.1} s", wall.before / 1000.0),
        format!("{:.1} s", wall.now / 1000.0),
        percent(wall.share()),
        wall.certainty.to_string(),
        cost(|usd| format!("{:.5}", usd.before)),
        cost(|usd| format!("{:.5}", usd.now)),
        cost(|usd| percent(usd.share())),
        pair.psnr_db.map_or_else(|| "-".to_owned(), |both| format!("{:+.2} dB", rounded(both.now - both.before))),
        pair.worst_frame.map_or_else(|| "-".to_owned(), levels),
        match pair.same_frames {
            None => "-",
            Some(true) => "the same",
            Some(false) => "others",
        }
        .to_owned(),
    ]
}

fn levels(both: Both<Level>) -> String {
    match (both.now, both.before) {
        (Level::Db(now), Level::Db(before)) => format!("{:+.2} dB", rounded(now - before)),
        (Level::Identical, Level::Identical) => "identical in both".to_owned(),
        (Level::Identical, before @ Level::Db(_)) => format!("identical, {before} dB before"),
        (now @ Level::Db(_), Level::Identical) => format!("{now} dB, identical before"),
    }
}

/// 0 is always +0.00.
fn rounded(db: f64) -> f64 {
    (db * 100.0).round() / 100.0 + 0.0
}
