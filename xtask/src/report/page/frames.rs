//! The PSNR of every frame, with the limits, the chunk boundaries, and the worst frame.

use std::collections::BTreeMap;

use maud::{Markup, html};
use render_verdict::{
    decibels::Level,
    finding::ComparedWith,
    gates::{FRAME_PSNR, Limits, MAX_FRAME_FAILURES, MEAN_PSNR},
    picture::raster::Raster,
};

use crate::{
    report::{
        page::{
            self,
            plot::{Marker, Plot, Side},
            scale::{Scale, buckets},
        },
        render::{FrameSample, RenderReport},
    },
    tools::folder::Folder,
};

/// The most points of a line: more than a screen can show is of no use.
const POINTS: usize = 500;

/// The most failed frames that are marked individually.
const MARKED: usize = 50;

/// The number of worst frames in the table.
const LISTED: usize = 10;

/// How far above the best level identical frames are drawn, dB.
const IDENTICAL_DB: f64 = 6.0;

/// The plot; empty when no frame was compared.
pub(crate) fn figure(render: &RenderReport) -> Markup {
    let (Some(gate), false) = (&render.gate, render.frames.is_empty()) else { return html! {} };
    html! {
        figure {
            figcaption { "PSNR of every frame, dB " small { "(dotted: chunk boundaries)" } }
            (draw(render, gate))
            details { summary { "The worst frames as a table" } (table(render)) }
        }
    }
}

fn draw(render: &RenderReport, gate: &Limits) -> Markup {
    let (mean_db, of_frame) = (gate.value(&MEAN_PSNR), gate.db(&FRAME_PSNR));
    let finite: Vec<f64> = render.frames.iter().filter_map(|frame| db(frame.psnr)).collect();
    let greatest = finite.iter().copied().fold(mean_db + 4.0, f64::max);
    let least = finite.iter().copied().fold(of_frame.db(), f64::min);
    let identical = greatest + IDENTICAL_DB;
    let end_s = render.frames.iter().map(|frame| frame.time_s).fold(0.0, f64::max);
    let x = Scale::linear(0.0, end_s);
    let mut plot = Plot::new(x, Scale::linear(least - 5.0, identical), 180.0);
    plot.levels(5);
    plot.ticks(&x.labelled_ticks(6).into_iter().map(|(at, text)| (at, format!("{text} s"))).collect::<Vec<_>>());
    plot.boundaries(&chunk_boundaries(render));
    if render.row.picture.as_ref().is_some_and(|picture| x.at(picture.worst_frame_at_s) > 0.5) {
        plot.label_limits_at_left();
    }
    // Below its line, because the frames are above it, when that leaves room for the other label.
    let apart = mean_db - of_frame.db() > 4.0;
    let side = if apart { Side::Below } else { Side::Above };
    plot.limit(mean_db, &format!("mean must reach {} dB", gate.db(&MEAN_PSNR)), side, "of-mean");
    let allowed = if gate.frames(&MAX_FRAME_FAILURES) == 0 { "every" } else { "nearly every" };
    let must_reach = format!("{allowed} frame must reach {of_frame} dB");
    plot.limit(of_frame.db(), &must_reach, Side::Below, "of-frame");
    let levels: Vec<(f64, f64)> =
        render.frames.iter().map(|frame| (frame.time_s, db(frame.psnr).unwrap_or(identical))).collect();
    let few = buckets(&levels, POINTS);
    if few.len() < levels.len() {
        plot.band(&few.iter().map(|bucket| (bucket.x, bucket.low, bucket.high)).collect::<Vec<_>>(), "spread");
    }
    plot.line(few.iter().map(|bucket| (bucket.x, bucket.low)), "psnr");
    for frame in render.frames.iter().filter(|frame| !frame.psnr.reaches(of_frame)).take(MARKED) {
        let tooltip = format!("frame {}: {}", frame.frame, frame.psnr.with_unit());
        plot.mark((frame.time_s, db(frame.psnr).unwrap_or(identical)), Marker::Cross, "bad", &tooltip);
    }
    let worst = render.row.picture.as_ref();
    if let Some((worst, level)) = worst.and_then(|worst| Some((worst, db(worst.worst_frame_db)?))) {
        let text = format!("worst: #{}, {}", worst.worst_frame, worst.worst_frame_db.with_unit());
        plot.mark((worst.worst_frame_at_s, level), Marker::Pointer, "worst", &text);
        plot.note((worst.worst_frame_at_s, level), &text, Side::Below);
    }
    if render.frames.iter().any(|frame| frame.psnr == Level::Identical) {
        plot.note((0.0, greatest + IDENTICAL_DB / 2.0), "at the top: identical to the bit", Side::Above);
    }
    plot.draw(&description(render))
}

fn description(render: &RenderReport) -> String {
    let worst = render.row.picture.as_ref().map_or_else(String::new, |picture| {
        format!(
            "; the worst is frame {} at {:.2} s with {}",
            picture.worst_frame,
            picture.worst_frame_at_s,
            picture.worst_frame_db.with_unit()
        )
    });
    format!("PSNR of {} frames of {}{worst}", render.frames.len(), render.label)
}

/// The time at which each chunk but the first begins, s.
fn chunk_boundaries(render: &RenderReport) -> Vec<f64> {
    let mut chunks = render.row.chunks.clone();
    chunks.sort_by_key(|chunk| chunk.index);
    let mut first_frame = 0;
    let mut boundaries = Vec::new();
    for chunk in chunks {
        let at = usize::try_from(first_frame).ok().and_then(|first| render.frames.get(first));
        boundaries.extend(at.filter(|_| first_frame > 0).map(|frame| frame.time_s));
        first_frame += chunk.frames_encoded;
    }
    boundaries
}

fn table(render: &RenderReport) -> Markup {
    let rows = page::rows(worst(&render.frames), |frame| {
        html! {
            th scope="row" { "#" (frame.frame) }
            td.number { (format!("{:.3} s", frame.time_s)) }
            td.number { (frame.psnr.with_unit()) }
        }
    });
    html! {
        table {
            thead { tr { th scope="col" { "Frame" } th.number scope="col" { "At" } th.number scope="col" { "PSNR" } } }
            (rows)
        }
        @if let Some(file) = &render.row.frames { p { a href=(file) { "All frames (CSV)" } } }
    }
}

/// The frames in the table, the worst first; the earlier one first among equals.
fn worst(frames: &[FrameSample]) -> Vec<&FrameSample> {
    let mut levels: Vec<(f64, usize)> =
        frames.iter().enumerate().map(|(at, frame)| (db(frame.psnr).unwrap_or(f64::INFINITY), at)).collect();
    let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    // A long render has 100,000 frames, so they are not all sorted to find ten.
    if levels.len() > LISTED {
        levels.select_nth_unstable_by(LISTED, order);
        levels.truncate(LISTED);
    }
    levels.sort_by(order);
    levels.into_iter().map(|(_, at)| &frames[at]).collect()
}

fn db(level: Level) -> Option<f64> {
    match level {
        Level::Identical => None,
        Level::Db(db) => Some(db),
    }
}

/// The worst frame of the baseline and of the render, and their difference, side by side; empty
/// when they were not kept.
pub(crate) fn worst_frame_figure(render: &RenderReport, pictures: &Pictures) -> Markup {
    let Some(images) = &render.row.worst_frame_images else { return html! {} };
    let caption = match &render.row.picture {
        Some(picture) if picture.worst_frame != images.frame => {
            format!("Frame #{}, with an outline around the region that differs", images.frame)
        }
        Some(picture) => format!("The worst frame #{}, {}", images.frame, picture.worst_frame_db.with_unit()),
        None => "The worst frame".to_owned(),
    };
    let reference = match images.compared_with {
        ComparedWith::Baseline => "Baseline",
        ComparedWith::InProcess => "In-process render",
    };
    let three = [
        (&images.baseline, reference.to_owned()),
        (&images.render, "Render".to_owned()),
        (&images.difference, format!("Difference, amplified {} times", images.amplified_by)),
    ];
    html! {
        figure {
            figcaption { (caption) }
            @if pictures.show(render) {
                div.side-by-side {
                    @for (name, caption) in &three {
                        @if let Some(uri) = pictures.data_uri(name) {
                            figure {
                                a href=(name) { img src=(uri) alt={ (caption) " of the worst frame of " (render.label) }; }
                                figcaption { (caption) }
                            }
                        }
                    }
                }
            } @else {
                p.small {
                    "Only as files, because another render shows this frame or the page would become too large: "
                    @for (nth, (name, caption)) in three.iter().enumerate() {
                        @if nth > 0 { ", " }
                        a href=(name) { (caption) }
                    }
                }
            }
        }
    }
}

// Which images the page contains: up to a size, those of the worst renders first, and no
// frame of a fixture twice.

/// The most bytes of all images in a page; the others are only linked.
const BUDGET: usize = 600_000;

/// The longer side of an image in the page, px; the linked file is larger.
const SIDE: u32 = 400;

/// PNG files by their names in the artifact folder.
#[derive(Debug, Default)]
pub struct Pictures(BTreeMap<String, Vec<u8>>);

impl Pictures {
    /// Reads a run's images, those of the worst renders first, until their size limit is
    /// reached. Files that can't be read are skipped.
    pub fn read(folder: &Folder, renders: &[RenderReport]) -> Self {
        let (mut pictures, mut left) = (BTreeMap::new(), BUDGET);
        let mut seen = Vec::new();
        for render in worst_first(renders) {
            let Some(images) = &render.row.worst_frame_images else { continue };
            let frame =
                (&render.fixture, render.row.picture.as_ref().map(|picture| picture.worst_frame), render.row.passed);
            if seen.contains(&frame) {
                continue;
            }
            seen.push(frame);
            let names = images.files();
            let Ok(files) = names.iter().map(|name| small(folder, name)).collect::<Result<Vec<_>, _>>() else {
                continue;
            };
            let bytes: usize = files.iter().map(Vec::len).sum();
            if bytes <= left {
                left -= bytes;
                pictures.extend(names.into_iter().cloned().zip(files));
            }
        }
        Self(pictures)
    }

    /// Whether the page contains the images of a render.
    pub(crate) fn show(&self, render: &RenderReport) -> bool {
        render.row.worst_frame_images.as_ref().is_some_and(|images| self.0.contains_key(&images.render))
    }

    /// An image as a data URI.
    pub(crate) fn data_uri(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|file| format!("data:image/png;base64,{}", aws_smithy_types::base64::encode(file)))
    }
}

/// The image of a PNG file, scaled down.
fn small(folder: &Folder, name: &str) -> anyhow::Result<Vec<u8>> {
    Raster::from_png(&folder.read(name)?)?.within(SIDE).png()
}

fn worst_first(renders: &[RenderReport]) -> Vec<&RenderReport> {
    let level = |render: &RenderReport| match render.row.picture.as_ref().map(|picture| picture.worst_frame_db) {
        Some(Level::Db(db)) => db,
        Some(Level::Identical) | None => f64::INFINITY,
    };
    let mut renders: Vec<&RenderReport> = renders.iter().collect();
    renders.sort_by(|a, b| a.row.passed.cmp(&b.row.passed).then(level(a).total_cmp(&level(b))));
    renders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_frames_come_in_order_and_the_earlier_first_among_equals() {
        let level = |frame: u64| if frame % 7 == 3 { Level::Db(30.0 + (frame % 3) as f64) } else { Level::Identical };
        let frame = |frame: u64| FrameSample { frame, time_s: 0.0, psnr: level(frame), hash: String::new() };
        let frames: Vec<FrameSample> = (0..100).map(frame).collect();
        let numbers: Vec<u64> = worst(&frames).into_iter().map(|frame| frame.frame).collect();
        assert_eq!(numbers, [3, 24, 45, 66, 87, 10, 31, 52, 73, 94]);
        assert_eq!(worst(&frames[..5]).len(), 5);
    }
}
