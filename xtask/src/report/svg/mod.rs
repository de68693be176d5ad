//! Plots as SVG, without script and for any width. Pure.
//!
//! Across, everything is in percent of the plot's width, so that a plot fills a
//! phone as it fills a screen and its text stays the size of text. Downwards
//! everything is in pixels. Labels of the vertical axis stand in the padding that
//! the style sheet gives `svg.plot`.

mod axes;
mod decimate;
mod path;
mod plot;
mod scale;

pub(super) use axes::{LABELS, tick};
pub(super) use decimate::buckets;
pub(super) use plot::{Marker, Plot, Side, drawing, percent, pixels};
pub(super) use scale::Scale;
