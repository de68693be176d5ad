//! Plots as SVG, without scripts and for any width. Pure.
//!
//! Horizontal positions are percentages of the plot's width, so that a plot fills any screen
//! while its text keeps its size. Vertical positions are in pixels. The labels of the vertical
//! axis are in the padding that the style sheet gives `svg.plot`.

use maud::{Markup, PreEscaped, html};

use crate::report::page::scale::{self, Scale};

/// The space below a plot for the labels of its axis, px.
const BELOW: f64 = 24.0;

/// The space above a plot for half a mark or half a label, px.
const ABOVE: f64 = 8.0;

/// Up to this many vertical lines leave a plot readable.
const MAX_BOUNDARIES: usize = 32;

/// The length of a short stroke, px.
const STROKE: f64 = 6.0;

pub(crate) struct Plot {
    x: Scale,
    y: Scale,
    height: f64,
    limit_labels_at_left: bool,
    marks: Vec<Markup>,
}

/// The mark of a single value: distinguished by its shape, not by its color alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A filled circle.
    Dot,
    /// A circle's outline.
    Ring,
    /// The outline of a square on its corner.
    Diamond,
    /// Two crossing strokes.
    Cross,
    /// A triangle that points up at the value.
    Pointer,
}

/// The position of a label relative to what it labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Above,
    Below,
}

impl Plot {
    /// An empty plot, `height` px high without its axis.
    pub(crate) fn new(x: Scale, y: Scale, height: f64) -> Self {
        Self { x, y, height, limit_labels_at_left: false, marks: Vec::new() }
    }

    /// Labels limits at the left end, for plots with marks at the right end.
    pub(crate) fn label_limits_at_left(&mut self) {
        self.limit_labels_at_left = true;
    }

    /// Adds the value axis: round levels with their labels.
    pub(crate) fn levels(&mut self, count: usize) {
        for (value, label) in self.y.labelled_ticks(count) {
            let y = self.down(value);
            self.marks.push(level(y, &label));
        }
    }

    /// Adds the lower axis with these labels.
    pub(crate) fn ticks(&mut self, ticks: &[(f64, String)]) {
        for (nth, (value, label)) in ticks.iter().enumerate() {
            // A phone has space for every other label.
            let every_other = ticks.len() > 4 && nth % 2 == 1;
            self.marks.push(tick(self.x.at(*value), self.height, label, every_other));
        }
    }

    /// Adds the line of a limit with its label above or below one end.
    pub(crate) fn limit(&mut self, value: f64, label: &str, side: Side, class: &str) {
        let y = self.down(value);
        let offset = match side {
            Side::Above => -4.0,
            Side::Below => 13.0,
        };
        let (x, anchor) = if self.limit_labels_at_left { ("0%", "start") } else { ("100%", "end") };
        self.marks.push(html! {
            line.limit.(class) x1="0%" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
            text.note x=(x) y=(pixels(y + offset)) text-anchor=(anchor) { (label) }
        });
    }

    /// Adds vertical lines over the whole height; short strokes when there are too many lines.
    pub(crate) fn boundaries(&mut self, values: &[f64]) {
        let foot = if values.len() > MAX_BOUNDARIES { STROKE } else { self.height };
        for value in values {
            let x = percent(self.x.at(*value));
            self.marks.push(html! { line.seam x1=(x) x2=(x) y1="0" y2=(pixels(foot)) {} });
        }
    }

    /// Adds a line through values, in their order.
    pub(crate) fn line(&mut self, values: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let points = values.into_iter().map(|(x, y)| (self.x.at(x), self.y.at(y)));
        let path = scale::line(points);
        self.path(&path, class);
    }

    /// Adds the area between lower and upper values, in the order of x.
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

    /// Adds a single value with a tooltip.
    pub(crate) fn mark(&mut self, (x, y): (f64, f64), marker: Marker, class: &str, tooltip: &str) {
        let (x, y) = (percent(self.x.at(x)), self.down(y));
        // A nested drawing combines percent and pixels: its marks are centered on 0.
        let shape = match marker {
            Marker::Dot => html! { circle r="4" {} },
            Marker::Ring => html! { circle.hollow r="4" {} },
            Marker::Diamond => html! { path.hollow d="M0-5.5L5.5 0L0 5.5L-5.5 0Z" {} },
            Marker::Cross => html! { path.stroke d="M-4-4L4 4M-4 4L4-4" {} },
            Marker::Pointer => html! { path d="M0 3L-5 11L5 11Z" {} },
        };
        self.marks.push(html! {
            svg.at x=(x) y=(pixels(y)) { g.mark.(class) { title { (tooltip) } (shape) } }
        });
    }

    /// Adds text next to a value, on the side with more space.
    pub(crate) fn note(&mut self, (x, y): (f64, f64), text: &str, side: Side) {
        let (at, y) = (self.x.at(x), self.down(y));
        let offset = match side {
            Side::Above => -8.0,
            Side::Below => 16.0,
        };
        let (anchor, dx) = if at > 0.6 { ("end", -8) } else { ("start", 8) };
        self.marks.push(html! {
            text.note x=(percent(at)) y=(pixels(y + offset)) dx=(dx) text-anchor=(anchor) { (text) }
        });
    }

    /// The distance of a value from the top, px.
    fn down(&self, value: f64) -> f64 {
        (1.0 - self.y.at(value)) * self.height
    }

    /// The drawing, with a description for screen readers.
    pub(crate) fn draw(self, description: &str) -> Markup {
        let marks: String = self.marks.into_iter().map(PreEscaped::into_string).collect();
        drawing(
            description,
            ABOVE + self.height + BELOW,
            &PreEscaped(format!("<g transform=\"translate(0 {ABOVE})\">{marks}</g>")),
        )
    }
}

/// A drawing as wide as its container and `height` px high.
pub(crate) fn drawing(description: &str, height: f64, marks: &Markup) -> Markup {
    html! {
        svg.plot role="img" aria-label=(description) width="100%" height=(pixels(height)) { (marks) }
    }
}

/// A share of the width, as CSS.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

/// A length in px, to a tenth.
pub(crate) fn pixels(length: f64) -> String {
    let tenths = (length * 10.0).round() / 10.0;
    format!("{tenths}")
}

/// The distance of the labels below the plot, px.
pub(crate) const LABELS: f64 = 16.0;

/// A line over the whole width with its label in the padding.
pub(crate) fn level(y: f64, label: &str) -> Markup {
    html! {
        line.grid x1="0%" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
        text.tick x="-6" y=(pixels(y + 4.0)) text-anchor="end" { (label) }
    }
}

/// A tick on the lower axis with its label. The outermost labels stay within the plot.
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
    fn marks_are_at_their_values() {
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
