//! Plots as SVG, without script and for any width. Pure.
//!
//! Across, everything is in percent of the plot's width, so that a plot fills a
//! phone as it fills a screen and its text stays the size of text. Downwards
//! everything is in pixels. Labels of the vertical axis stand in the padding that
//! the style sheet gives `svg.plot`.

use maud::{Markup, PreEscaped, html};

use crate::report::page::scale::{self, Scale};

// One plot: scales, and marks put on them one after the other.

/// The room below a plot for labels of its axis, px.
const BELOW: f64 = 24.0;

/// The room above it, px: half of a mark or of a label.
const ABOVE: f64 = 8.0;

/// As many upright lines leave a plot readable.
const SEAMS: usize = 32;

/// A short stroke, px.
const STROKE: f64 = 6.0;

/// A plot that is being drawn.
pub(crate) struct Plot {
    x: Scale,
    y: Scale,
    height: f64,
    names_at_left: bool,
    marks: Vec<Markup>,
}

/// What a single value is marked with: told apart by shape, not by color alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A filled circle.
    Dot,
    /// A circle's outline.
    Ring,
    /// An outlined square on its corner.
    Diamond,
    /// Two crossing strokes.
    Cross,
    /// A triangle that points up at the value.
    Pointer,
}

/// Where a text stands to what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Over it.
    Above,
    /// Under it.
    Below,
}

impl Plot {
    /// An empty plot, `height` px high without its axis.
    pub(crate) fn new(x: Scale, y: Scale, height: f64) -> Self {
        Self { x, y, height, names_at_left: false, marks: Vec::new() }
    }

    /// Names limits at the left end: for marks at the right one.
    pub(crate) fn name_limits_at_left(&mut self) {
        self.names_at_left = true;
    }

    /// The value axis: round levels with their labels.
    pub(crate) fn levels(&mut self, count: usize) {
        for (value, label) in self.y.labelled_ticks(count) {
            let y = self.down(value);
            self.marks.push(level(y, &label));
        }
    }

    /// The axis below, with labels of one's own.
    pub(crate) fn ticks(&mut self, ticks: &[(f64, String)]) {
        for (nth, (value, label)) in ticks.iter().enumerate() {
            // A phone has room for every other one.
            let every_other = ticks.len() > 4 && nth % 2 == 1;
            self.marks.push(tick(self.x.at(*value), self.height, label, every_other));
        }
    }

    /// A level that something is held against, named at one end, on its upper or lower side.
    pub(crate) fn limit(&mut self, value: f64, label: &str, side: Side, class: &str) {
        let y = self.down(value);
        let beside = match side {
            Side::Above => -4.0,
            Side::Below => 13.0,
        };
        let (x, anchor) = if self.names_at_left { ("0%", "start") } else { ("100%", "end") };
        self.marks.push(html! {
            line.limit.(class) x1="0%" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
            text.note x=(x) y=(pixels(y + beside)) text-anchor=(anchor) { (label) }
        });
    }

    /// Upright lines over the whole height; of too many to see anything between them, short strokes.
    pub(crate) fn seams(&mut self, values: &[f64]) {
        let foot = if values.len() > SEAMS { STROKE } else { self.height };
        for value in values {
            let x = percent(self.x.at(*value));
            self.marks.push(html! { line.seam x1=(x) x2=(x) y1="0" y2=(pixels(foot)) {} });
        }
    }

    /// A line through values, in their order.
    pub(crate) fn line(&mut self, values: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let points = values.into_iter().map(|(x, y)| (self.x.at(x), self.y.at(y)));
        let path = scale::line(points);
        self.path(&path, class);
    }

    /// The area from a lower to an upper value, in the order of x.
    pub(crate) fn band(&mut self, values: &[(f64, f64, f64)], class: &str) {
        let points: Vec<_> =
            values.iter().map(|(x, low, high)| (self.x.at(*x), self.y.at(*low), self.y.at(*high))).collect();
        let path = scale::band(&points);
        self.path(&path, class);
    }

    fn path(&mut self, path: &str, class: &str) {
        let units = scale::UNITS;
        self.marks.push(html! {
            svg.stretched x="0" y="0" width="100%" height=(pixels(self.height)) preserveAspectRatio="none"
                viewBox={ "0 0 " (units) " " (units) } {
                path.mark.(class) d=(path) {}
            }
        });
    }

    /// A single value; `told` is what pointing at it tells.
    pub(crate) fn mark(&mut self, (x, y): (f64, f64), marker: Marker, class: &str, told: &str) {
        let (x, y) = (percent(self.x.at(x)), self.down(y));
        // Percent and pixels meet in a nested drawing, whose marks are round 0.
        let shape = match marker {
            Marker::Dot => html! { circle r="4" {} },
            Marker::Ring => html! { circle.hollow r="4" {} },
            Marker::Diamond => html! { path.hollow d="M0-5.5L5.5 0L0 5.5L-5.5 0Z" {} },
            Marker::Cross => html! { path.stroke d="M-4-4L4 4M-4 4L4-4" {} },
            Marker::Pointer => html! { path d="M0 3L-5 11L5 11Z" {} },
        };
        self.marks.push(html! {
            svg.at x=(x) y=(pixels(y)) { g.mark.(class) { title { (told) } (shape) } }
        });
    }

    /// Text beside a value, to the left or right as there is room.
    pub(crate) fn note(&mut self, (x, y): (f64, f64), text: &str, side: Side) {
        let (at, y) = (self.x.at(x), self.down(y));
        let beside = match side {
            Side::Above => -8.0,
            Side::Below => 16.0,
        };
        let (anchor, dx) = if at > 0.6 { ("end", -8) } else { ("start", 8) };
        self.marks.push(html! {
            text.note x=(percent(at)) y=(pixels(y + beside)) dx=(dx) text-anchor=(anchor) { (text) }
        });
    }

    /// How far down a value is, px.
    fn down(&self, value: f64) -> f64 {
        (1.0 - self.y.at(value)) * self.height
    }

    /// The drawing. `told` stands for it where it can't be seen.
    pub(crate) fn draw(self, told: &str) -> Markup {
        let marks: String = self.marks.into_iter().map(PreEscaped::into_string).collect();
        drawing(
            told,
            ABOVE + self.height + BELOW,
            &PreEscaped(format!("<g transform=\"translate(0 {ABOVE})\">{marks}</g>")),
        )
    }
}

/// A drawing as wide as its place and `height` px high.
pub(crate) fn drawing(told: &str, height: f64, marks: &Markup) -> Markup {
    html! {
        svg.plot role="img" aria-label=(told) width="100%" height=(pixels(height)) { (marks) }
    }
}

/// A share of the width.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

/// A length, to a tenth.
pub(crate) fn pixels(length: f64) -> String {
    let tenths = (length * 10.0).round() / 10.0;
    format!("{tenths}")
}

// Grid lines and what is written at them.

/// How far below the plot its labels stand, px.
pub(crate) const LABELS: f64 = 16.0;

/// A level line over the whole width with its label in the gutter.
pub(crate) fn level(y: f64, label: &str) -> Markup {
    html! {
        line.grid x1="0%" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
        text.tick x="-6" y=(pixels(y + 4.0)) text-anchor="end" { (label) }
    }
}

/// A tick on the axis below, with its label. The outermost labels stay within the plot.
pub(crate) fn tick(x: f64, height: f64, label: &str, every_other: bool) -> Markup {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lie_where_their_values_are() {
        let mut plot = Plot::new(Scale::linear(0.0, 10.0), Scale::linear(0.0, 100.0), 200.0);
        plot.mark((5.0, 25.0), Marker::Dot, "lambda", "5 s & more");
        let drawn = plot.draw("Time \"against\" count").into_string();
        assert!(drawn.contains(r#"aria-label="Time &quot;against&quot; count" width="100%" height="232""#), "{drawn}");
        assert!(
            drawn.contains(r#"<svg class="at" x="50.000%" y="150"><g class="mark lambda"><title>5 s &amp; more"#),
            "{drawn}"
        );
    }
}
