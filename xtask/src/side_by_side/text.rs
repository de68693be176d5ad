//! Two runs side by side as a table, for the terminal and for Markdown. Pure.

use std::fmt;

use super::{Both, Change, Pair, SideBySide, change::percent};
use crate::{
    measure::Level,
    publish::list,
    report::{
        columns::{Cell, Column},
        tables::{markdown, plain, terminal},
    },
    wording::Align,
};

type OfPair = Column<Pair>;

const COLUMNS: &[OfPair] = &[
    OfPair::name("", &[], |pair| Cell::Text(pair.name.clone())),
    OfPair::figure("before", &[], |pair| Cell::Ms(pair.wall_ms.before)),
    OfPair::figure("now", &[], |pair| Cell::Ms(pair.wall_ms.now)),
    OfPair::figure("wall clock", &[], |pair| Cell::Text(percent(pair.wall_ms.share()))),
    OfPair::name("certainty", &[], |pair| Cell::Text(pair.wall_ms.certainty.to_string())),
    OfPair::figure("USD before", &[], |pair| cost(pair, |usd| Cell::Usd(usd.before))),
    OfPair::figure("now", &[], |pair| cost(pair, |usd| Cell::Usd(usd.now))),
    OfPair::figure("cost", &[], |pair| cost(pair, |usd| Cell::Text(percent(usd.share())))),
    OfPair::figure("PSNR", &[], |pair| {
        let change = |both: Both<f64>| Cell::Text(format!("{:+.2} dB", rounded(both.now - both.before)));
        pair.psnr_db.map_or(Cell::Unmeasured, change)
    }),
    OfPair::figure("worst frame", &[], |pair| {
        pair.worst_frame.map_or(Cell::Unmeasured, |both| Cell::Text(levels(both)))
    }),
    OfPair::name("frames", &[], |pair| match pair.same_frames {
        None => Cell::Unmeasured,
        Some(same) => Cell::Text(if same { "the same" } else { "others" }.to_owned()),
    }),
];

const LEGEND: &str =
    "Medians. A change is this run's against the one before: +10 % is slower, or more expensive, by a tenth.";

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "This run against the one before")?;
        if !self.pairs.is_empty() {
            let (pairs, shown) = self.table();
            writeln!(f, "{}\n{LEGEND}", terminal(&pairs, &shown, Align::Left))?;
        }
        write!(f, "{}", self.remarks().map(|line| format!("note: {line}")).collect::<Vec<_>>().join("\n"))
    }
}

impl SideBySide {
    /// The section of report.md.
    pub fn markdown(&self) -> String {
        let (pairs, shown) = self.table();
        let body = match pairs.is_empty() {
            true => "Nothing was measured in both runs.".to_owned(),
            false => format!("{}\n\n{LEGEND}", markdown(&pairs, &shown, &[])),
        };
        let notes = list("", self.remarks().map(|line| plain(&line)));
        let parts = ["### This run against the one before".to_owned(), body, notes];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n") + "\n"
    }

    fn table(&self) -> (Vec<&Pair>, Vec<&'static OfPair>) {
        (self.pairs.iter().collect(), COLUMNS.iter().collect())
    }

    fn remarks(&self) -> impl Iterator<Item = String> {
        let only = |names: &[String], whose: &str| match names.is_empty() {
            true => None,
            false => Some(format!("only {whose} measured {}", names.join(", "))),
        };
        let only = [only(&self.only_now, "this run"), only(&self.only_before, "the run before")];
        only.into_iter().flatten().chain(self.caveats.iter().cloned())
    }
}

fn cost(pair: &Pair, of: fn(&Change) -> Cell) -> Cell {
    pair.usd.as_ref().map_or(Cell::Unmeasured, of)
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
