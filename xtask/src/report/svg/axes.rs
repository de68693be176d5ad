//! Grid lines and what is written at them.

use maud::{Markup, html};

use super::plot::{percent, pixels};

/// How far below the plot its labels stand, px.
pub(in crate::report) const LABELS: f64 = 16.0;

/// A level line over the whole width with its label in the gutter.
pub(super) fn level(y: f64, label: &str) -> Markup {
    html! {
        line.grid x1="0%" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
        text.tick x="-6" y=(pixels(y + 4.0)) text-anchor="end" { (label) }
    }
}

/// A tick on the axis below, with its label. The outermost labels stay within the plot.
pub(in crate::report) fn tick(x: f64, height: f64, label: &str, every_other: bool) -> Markup {
    let anchor = match x {
        _ if x < 0.02 => "start",
        _ if x > 0.96 => "end",
        _ => "middle",
    };
    html! {
        line.grid x1=(percent(x)) x2=(percent(x)) y1="0" y2=(pixels(height)) {}
        text.tick.wide[every_other] x=(percent(x)) y=(pixels(height + LABELS)) text-anchor=(anchor) { (label) }
    }
}
