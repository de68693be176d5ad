//! One plot: scales, and marks put on them one after the other.

use maud::{Markup, PreEscaped, html};

use super::{Scale, axes, path};

/// The room below a plot for labels of its axis, px.
const BELOW: f64 = 24.0;

/// The room above it, px: half of a mark or of a label.
const ABOVE: f64 = 8.0;

/// As many upright lines leave a plot readable.
const SEAMS: usize = 32;

/// A short stroke, px.
const STROKE: f64 = 6.0;

/// A plot that is being drawn.
pub(in crate::report) struct Plot {
    x: Scale,
    y: Scale,
    height: f64,
    names_at_left: bool,
    marks: Vec<Markup>,
}

/// What a single value is marked with: told apart by shape, not by color alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Marker {
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
pub(in crate::report) enum Side {
    /// Over it.
    Above,
    /// Under it.
    Below,
}

impl Plot {
    /// An empty plot, `height` px high without its axis.
    pub(in crate::report) fn new(x: Scale, y: Scale, height: f64) -> Self {
        Self { x, y, height, names_at_left: false, marks: Vec::new() }
    }

    /// Names limits at the left end: for marks at the right one.
    pub(in crate::report) fn name_limits_at_left(&mut self) {
        self.names_at_left = true;
    }

    /// The value axis: round levels with their labels.
    pub(in crate::report) fn levels(&mut self, count: usize) {
        for (value, label) in self.y.labelled_ticks(count) {
            let y = self.down(value);
            self.marks.push(axes::level(y, &label));
        }
    }

    /// The axis below, with labels of one's own.
    pub(in crate::report) fn ticks(&mut self, ticks: &[(f64, String)]) {
        for (nth, (value, label)) in ticks.iter().enumerate() {
            // A phone has room for every other one.
            let every_other = ticks.len() > 4 && nth % 2 == 1;
            self.marks.push(axes::tick(self.x.at(*value), self.height, label, every_other));
        }
    }

    /// A level that something is held against, named at one end, on its upper or lower side.
    pub(in crate::report) fn limit(&mut self, value: f64, label: &str, side: Side, class: &str) {
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
    pub(in crate::report) fn seams(&mut self, values: &[f64]) {
        let foot = if values.len() > SEAMS { STROKE } else { self.height };
        for value in values {
            let x = percent(self.x.at(*value));
            self.marks.push(html! { line.seam x1=(x) x2=(x) y1="0" y2=(pixels(foot)) {} });
        }
    }

    /// A line through values, in their order.
    pub(in crate::report) fn line(&mut self, values: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let points = values.into_iter().map(|(x, y)| (self.x.at(x), self.y.at(y)));
        let path = path::line(points);
        self.path(&path, class);
    }

    /// The area from a lower to an upper value, in the order of x.
    pub(in crate::report) fn band(&mut self, values: &[(f64, f64, f64)], class: &str) {
        let points: Vec<_> =
            values.iter().map(|(x, low, high)| (self.x.at(*x), self.y.at(*low), self.y.at(*high))).collect();
        let path = path::band(&points);
        self.path(&path, class);
    }

    fn path(&mut self, path: &str, class: &str) {
        let units = path::UNITS;
        self.marks.push(html! {
            svg.stretched x="0" y="0" width="100%" height=(pixels(self.height)) preserveAspectRatio="none"
                viewBox={ "0 0 " (units) " " (units) } {
                path.mark.(class) d=(path) {}
            }
        });
    }

    /// A single value; `told` is what pointing at it tells.
    pub(in crate::report) fn mark(&mut self, (x, y): (f64, f64), marker: Marker, class: &str, told: &str) {
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
    pub(in crate::report) fn note(&mut self, (x, y): (f64, f64), text: &str, side: Side) {
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
    pub(in crate::report) fn draw(self, told: &str) -> Markup {
        let marks: String = self.marks.into_iter().map(PreEscaped::into_string).collect();
        drawing(
            told,
            ABOVE + self.height + BELOW,
            &PreEscaped(format!("<g transform=\"translate(0 {ABOVE})\">{marks}</g>")),
        )
    }
}

/// A drawing as wide as its place and `height` px high.
pub(in crate::report) fn drawing(told: &str, height: f64, marks: &Markup) -> Markup {
    html! {
        svg.plot role="img" aria-label=(told) width="100%" height=(pixels(height)) { (marks) }
    }
}

/// A share of the width.
pub(in crate::report) fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

/// A length, to a tenth.
pub(in crate::report) fn pixels(length: f64) -> String {
    let tenths = (length * 10.0).round() / 10.0;
    format!("{tenths}")
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
