//! What a mean over a frame hides: regions, tone, detail and time, compared by blocks. See docs/verdict.md.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    Picture,
    finding::{Finding, Place},
    gates::{
        DETAIL, DETAIL_LIMIT, DISPLACEMENT, DISPLACEMENT_LIMIT, HISTOGRAM, HISTOGRAM_LIMIT, Limit, Limits,
        MAX_FRAME_FAILURES, REGION, REGION_LIMIT, SHARPNESS, SHARPNESS_LIMIT, SHIFT_LIMIT, TIMING, TONE, TONE_LIMIT,
    },
    picture::{
        lasting::{Course, Lasting},
        levels::{LevelsDifference, Part},
        luma::{self, LumaDifference},
        regions::{PlaneDifference, Region},
        sharpness::Scope,
        timing::{Direction, Shifted, Timing},
    },
};

/// The blocks of all frames compared with the baseline's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LocalPicture {
    /// Every frame, plane by plane; nothing for a frame that is identical to the baseline's.
    pub frames: Vec<Vec<PlaneDifference>>,
    /// When each is shown, in seconds.
    pub times_s: Vec<f64>,
    /// The luma of every [`luma::EVERY`]th frame.
    pub luma: Vec<LumaDifference>,
    /// Whether they are shown at their time.
    pub timing: Timing,
    /// The worst region of each plane in the mean over each second.
    pub lasting: Vec<Lasting>,
}

/// The greatest differences of a render, each in the unit of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalFigures {
    /// Of a region's mean in a frame or over a second, in levels of a flat region of 32x32 samples.
    pub region_levels: f64,
    /// Of a whole plane's mean, in levels.
    pub tone_levels: f64,
    /// Of a region's samples, in levels of a flat region.
    pub detail_levels: f64,
    /// Of a region's sharpness, in dB.
    #[serde(default)]
    pub sharpness_db: f64,
    /// Of the levels by their rank.
    #[serde(default)]
    pub histogram_levels: f64,
    /// In time, in frames.
    pub shift_frames: f64,
    /// In space, in samples.
    #[serde(default)]
    pub displacement_samples: f64,
}

/// A region may differ less than its limit allows, except in as many frames as are allowed.
pub(crate) fn region(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let found = picture.local.worst(limits, &REGION_LIMIT, |plane| plane.region.severity());
    let finding = |(plane, frame, frames): (PlaneDifference, u64, (u64, u64))| {
        let Region { pixels: [x, y, width, height], difference, allowance, .. } = plane.region;
        let allowed = limits.value(&REGION_LIMIT) * f64::from(allowance);
        let than = if difference > 0.0 { "higher" } else { "lower" };
        let message = format!(
            "a region of {width}x{height} pixels at ({x}, {y}) is {:.1} levels {than} in plane {} than in the baseline \
             ({allowed:.1} are allowed there) {}{}",
            difference.abs(),
            plane.plane,
            picture.local.when(frames, frame),
            meaning(&plane.region),
        );
        let (value, limit) = (format!("{:.1} levels", difference.abs()), format!("{allowed:.1} levels"));
        REGION.finding(value, limit, message).at(place(&plane, frame, frames, Some(plane.region.pixels)))
    };
    found.map(finding).or_else(|| lasting(picture, limits)).into_iter().collect()
}

/// Over several frames, a region may differ even less.
fn lasting(picture: &Picture, limits: &Limits) -> Option<Finding> {
    let limit = limits.value(&REGION_LIMIT);
    let excused = picture.excused(limits);
    let counts = |found: &&Lasting| !excused.iter().any(|frame| (found.frames.0..=found.frames.1).contains(frame));
    // Written so that NaN misses the limit.
    let holds = |found: &Lasting| f64::from(found.region.severity()) <= limit;
    let missing: Vec<&Lasting> = picture.local.lasting.iter().filter(counts).filter(|found| !holds(found)).collect();
    // The first of equals.
    let worst = missing.iter().rev().max_by(|a, b| a.region.severity().total_cmp(&b.region.severity()))?;
    let Region { pixels: [x, y, width, height], difference, allowance, .. } = worst.region;
    let allowed = limit * f64::from(allowance);
    let than = if difference > 0.0 { "higher" } else { "lower" };
    let (levels, plane) = (difference.abs(), worst.plane);
    let when = picture.local.when(worst.frames, worst.frames.0).replace("in frames", "over frames");
    let differs = match worst.course {
        Course::Lasting => {
            format!("is {levels:.1} levels {than} in plane {plane} than in the baseline, in the mean {when}")
        }
        Course::Flickering => format!("flickers by {levels:.1} levels around the baseline in plane {plane} {when}"),
        Course::Flashing => {
            format!("is {levels:.1} levels {than} in plane {plane} {when} than in the frames before and after")
        }
        Course::Appearing => format!(
            "has samples that differ by {levels:.1} levels (root mean square) in plane {plane} {when}, and not before, after, \
             or around it"
        ),
    };
    let meaning = if worst.course == Course::Lasting { meaning(&worst.region) } else { "" };
    let message = format!(
        "a region of {width}x{height} pixels at ({x}, {y}) {differs} ({allowed:.1} are allowed there){meaning}"
    );
    let place = Place {
        plane: Some(plane),
        frames: Some(worst.frames),
        worst_frame: Some(worst.frames.0.midpoint(worst.frames.1)),
        region: Some(worst.region.pixels),
        ..Place::default()
    };
    let (value, limit) = (format!("{levels:.1} levels"), format!("{allowed:.1} levels"));
    Some(REGION.finding(value, limit, message).at(place))
}

/// The mean of each plane of each frame is that of the baseline.
pub(crate) fn tone(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let found = picture.local.worst(limits, &TONE_LIMIT, |plane| plane.tone.abs());
    let finding = |(plane, frame, frames): (PlaneDifference, u64, (u64, u64))| {
        let than = if plane.tone > 0.0 { "higher" } else { "lower" };
        let message = format!(
            "the whole of plane {} is {:.2} levels {than} than in the baseline {}: another brightness or color",
            plane.plane,
            plane.tone.abs(),
            picture.local.when(frames, frame),
        );
        let (value, limit) = (format!("{:.2} levels", plane.tone.abs()), TONE_LIMIT.shown(limits.value(&TONE_LIMIT)));
        TONE.finding(value, limit, message).at(place(&plane, frame, frames, None))
    };
    found.map(finding).into_iter().collect()
}

/// The samples of each region are those of the baseline, whatever their mean.
pub(crate) fn detail(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let found = picture.local.worst(limits, &DETAIL_LIMIT, |plane| plane.error.severity());
    let finding = |(plane, frame, frames): (PlaneDifference, u64, (u64, u64))| {
        let Region { pixels: [x, y, width, height], difference, allowance, .. } = plane.error;
        let allowed = limits.value(&DETAIL_LIMIT) * f64::from(allowance);
        let message = format!(
            "the samples of a region of {width}x{height} pixels at ({x}, {y}) differ by {difference:.1} levels in \
             plane {} ({allowed:.1} are allowed there) {}: detail is blurred, moved, noisy, or replaced",
            plane.plane,
            picture.local.when(frames, frame),
        );
        DETAIL.finding(format!("{difference:.1} levels"), format!("{allowed:.1} levels"), message).at(place(
            &plane,
            frame,
            frames,
            Some(plane.error.pixels),
        ))
    };
    found.map(finding).or_else(|| outliers(picture, limits)).into_iter().collect()
}

/// No sample lies outside of what the other picture shows around it.
fn outliers(picture: &Picture, limits: &Limits) -> Option<Finding> {
    let found = picture.local.worst_luma(limits, &DETAIL_LIMIT, |luma| luma.outliers.severity());
    let (LumaDifference { outliers: region, .. }, frame, frames) = found?;
    let Region { pixels: [x, y, width, height], difference, allowance, .. } = region;
    let allowed = limits.value(&DETAIL_LIMIT) * f64::from(allowance);
    let (whose, other) = if difference < 0.0 { ("baseline's samples", "render") } else { ("samples", "baseline") };
    let difference = difference.abs();
    let message = format!(
        "the {whose} of a region of {width}x{height} pixels at ({x}, {y}) are {difference:.2} levels in the mean \
         brighter or darker than all around them in the {other} ({allowed:.2} are allowed) {}: content is missing, added, \
         blurred, sharpened, noisy, or replaced",
        picture.local.when(frames, frame),
    );
    let place = Place {
        plane: Some('y'),
        frames: Some(frames),
        worst_frame: Some(frame),
        region: Some(region.pixels),
        ..Place::default()
    };
    Some(DETAIL.finding(format!("{difference:.2} levels"), format!("{allowed:.2} levels"), message).at(place))
}

/// Each region is as sharp as the baseline's.
pub(crate) fn sharpness(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let found = picture.local.worst_luma(limits, &SHARPNESS_LIMIT, |luma| luma.sharpness.severity());
    let Some((LumaDifference { sharpness: region, scope, .. }, frame, (first, last))) = found else {
        return Vec::new();
    };
    let Region { pixels: [x, y, width, height], difference, .. } = region;
    let (than, meaning) = match (scope, difference < 0.0) {
        (Scope::Ground, _) => ("fainter", "it has been taken away, as by a denoiser"),
        (Scope::Strongest, true) => ("less sharp", "blurred, or of a lower resolution"),
        (Scope::Strongest, false) => ("sharper", "sharpened"),
        (Scope::Region, true) => ("less sharp", "blurred, in a mosaic, or missing"),
        (Scope::Region, false) => ("sharper", "sharpened, noisy, or added"),
    };
    let what = match scope {
        Scope::Ground => "the grain is".to_owned(),
        Scope::Strongest => "the whole picture is".to_owned(),
        Scope::Region => format!("a region of {width}x{height} pixels at ({x}, {y}) is"),
    };
    let when = picture.local.when((first, last), frame);
    let message = format!("{what} {:.1} dB {than} than in the baseline {when}: {meaning}", difference.abs());
    let place = Place {
        frames: Some((first, last)),
        worst_frame: Some(frame),
        region: Some(region.pixels),
        ..Place::default()
    };
    let allowed = SHARPNESS_LIMIT.shown(limits.value(&SHARPNESS_LIMIT) * f64::from(region.allowance));
    vec![SHARPNESS.finding(format!("{:.1} dB", difference.abs()), allowed, message).at(place)]
}

/// The levels of each frame occur as often as in the baseline.
pub(crate) fn histogram(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let found = picture.local.worst_luma(limits, &HISTOGRAM_LIMIT, |luma| luma.levels.severity());
    let Some((LumaDifference { levels, .. }, frame, frames)) = found else { return Vec::new() };
    let LevelsDifference { part, difference, allowance } = levels;
    let than = if difference > 0.0 { "higher" } else { "lower" };
    let ends = |which: &str| format!("the {which} levels of luma are {:.1} {than} than in", difference.abs());
    let (what, meaning) = match part {
        Part::Darkest => (ends("lowest"), "blacks are lifted or crushed"),
        Part::Brightest => (ends("highest"), "whites are clipped or stretched"),
        Part::All => {
            let what = format!("the levels of luma differ by {difference:.2} in the mean from those in");
            (what, "another tone, or banding")
        }
    };
    let message = format!("{what} the baseline {}: {meaning}", picture.local.when(frames, frame));
    let allowed = HISTOGRAM_LIMIT.shown(limits.value(&HISTOGRAM_LIMIT) * f64::from(allowance));
    let place = Place { plane: Some('y'), frames: Some(frames), worst_frame: Some(frame), ..Place::default() };
    vec![HISTOGRAM.finding(format!("{:.2} levels", difference.abs()), allowed, message).at(place)]
}

/// Every stretch is shown at its time.
pub(crate) fn timing(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let (limit, allowed) = (limits.value(&SHIFT_LIMIT), limits.frames(&MAX_FRAME_FAILURES));
    let worst = timing_that_counts(picture, limits).worst(allowed);
    let finding = |Shifted { plane, frames, stride, region, by, .. }: Shifted| {
        let which = if by > 0.0 { "late" } else { "early" };
        let every = if stride == 2 { "every other one of " } else { "" };
        let message = format!(
            "{} {:.1} frames {which} {}, by the blocks that move: frames are repeated, dropped, swapped, or blended, or what \
             moves stands aside",
            part_of(plane, region),
            by.abs(),
            picture.local.when(frames, frames.0).replace("in frames", &format!("in {every}frames")),
        );
        let (value, limit) = (format!("{:.2} frames {which}", by.abs()), SHIFT_LIMIT.shown(limit));
        let place = Place { plane: Some(plane), frames: Some(frames), region, ..Place::default() };
        TIMING.finding(value, limit, message).at(place)
    };
    worst.filter(|worst| worst.at_least > limit).map(finding).into_iter().collect()
}

/// Everything stands at its place.
pub(crate) fn displacement(picture: &Picture, limits: &Limits) -> Vec<Finding> {
    let limit = limits.value(&DISPLACEMENT_LIMIT);
    let farthest = timing_that_counts(picture, limits).farthest();
    let finding = |Shifted { plane, frames, region, direction, by, .. }: Shifted| {
        let whereto = match (direction, by > 0.0) {
            (Direction::Down, true) => "lower",
            (Direction::Down, false) => "higher",
            (_, true) => "farther to the right",
            (_, false) => "farther to the left",
        };
        let message = format!(
            "{} {:.1} samples {whereto} than in the baseline {}, by the slopes of its blocks",
            part_of(plane, region),
            by.abs(),
            picture.local.when(frames, frames.0),
        );
        let (value, limit) = (format!("{:.2} samples {whereto}", by.abs()), DISPLACEMENT_LIMIT.shown(limit));
        let place = Place { plane: Some(plane), frames: Some(frames), region, ..Place::default() };
        DISPLACEMENT.finding(value, limit, message).at(place)
    };
    farthest.filter(|farthest| farthest.at_least > limit).map(finding).into_iter().collect()
}

/// The evidence of all frames but those that the limits allow to fail.
fn timing_that_counts<'a>(picture: &'a Picture, limits: &Limits) -> Cow<'a, Timing> {
    let (excused, timing) = (picture.excused(limits), &picture.local.timing);
    match excused.is_empty() {
        true => Cow::Borrowed(timing),
        false => Cow::Owned(timing.without(excused.iter().map(|&frame| frame as usize))),
    }
}

/// The subject of a sentence.
fn part_of(plane: char, region: Option<[u64; 4]>) -> String {
    match region {
        // Other damage may look like this in a region.
        Some([x, y, width, height]) => {
            format!("a region of {width}x{height} pixels at ({x}, {y}) in plane {plane} differs as if it were")
        }
        None => format!("plane {plane} is"),
    }
}

impl LocalPicture {
    /// Its greatest differences.
    pub fn figures(&self) -> LocalFigures {
        let most = |measure: fn(&PlaneDifference) -> f32| {
            self.frames.iter().map(|planes| f64::from(Self::most(planes, measure))).fold(0.0, f64::max)
        };
        let of_luma = |measure: fn(&LumaDifference) -> f32| {
            self.luma.iter().map(|luma| f64::from(measure(luma))).fold(0.0, f64::max)
        };
        let over_seconds = self.lasting.iter().map(|found| f64::from(found.region.severity())).fold(0.0, f64::max);
        LocalFigures {
            region_levels: most(|plane| plane.region.severity()).max(over_seconds),
            tone_levels: most(|plane| plane.tone.abs()),
            detail_levels: most(|plane| plane.error.severity()).max(of_luma(|luma| luma.outliers.severity())),
            sharpness_db: of_luma(|luma| luma.sharpness.severity()),
            histogram_levels: of_luma(|luma| luma.levels.severity()),
            shift_frames: self.timing.worst(0).map_or(0.0, |shifted| shifted.at_least.max(0.0)),
            displacement_samples: self.timing.farthest().map_or(0.0, |shifted| shifted.at_least),
        }
    }

    /// How bad a frame is at most, over its planes.
    pub fn most(planes: &[PlaneDifference], measure: fn(&PlaneDifference) -> f32) -> f32 {
        planes.iter().map(measure).fold(0.0, f32::max)
    }

    /// The worst plane and frame, and the range of frames around it that miss the limit too, if more frames miss it
    /// than are allowed.
    fn worst(
        &self,
        limits: &Limits,
        limit: &Limit,
        measure: fn(&PlaneDifference) -> f32,
    ) -> Option<(PlaneDifference, u64, (u64, u64))> {
        let value = limits.value(limit) as f32;
        // Written so that NaN misses the limit.
        let holds = |plane: &PlaneDifference| measure(plane) <= value;
        let misses = |planes: &Vec<PlaneDifference>| !planes.iter().all(holds);
        let missing = self.frames.iter().filter(|planes| misses(planes)).count() as u64;
        if missing <= limits.frames(&MAX_FRAME_FAILURES) {
            return None;
        }
        let planes = self.frames.iter().enumerate().flat_map(|(i, planes)| planes.iter().map(move |plane| (i, plane)));
        // The first of equals.
        let (frame, plane) = planes.rev().max_by(|a, b| measure(a.1).total_cmp(&measure(b.1)))?;
        let before = self.frames[..frame].iter().rev().take_while(|planes| misses(planes)).count();
        let after = self.frames[frame..].iter().take_while(|planes| misses(planes)).count();
        Some((*plane, frame as u64, ((frame - before) as u64, (frame + after - 1) as u64)))
    }

    /// The same for the luma of the frames that have it; the range ends with the last one.
    fn worst_luma(
        &self,
        limits: &Limits,
        limit: &Limit,
        measure: fn(&LumaDifference) -> f32,
    ) -> Option<(LumaDifference, u64, (u64, u64))> {
        let value = limits.value(limit) as f32;
        let measured = (0..).step_by(luma::EVERY as usize).zip(&self.luma);
        // Written so that NaN misses the limit.
        let holds = |luma: &LumaDifference| measure(luma) <= value;
        let missing: Vec<(u64, &LumaDifference)> = measured.filter(|(_, luma)| !holds(luma)).collect();
        let (&(first, _), &(last, _)) = (missing.first()?, missing.last()?);
        let &(frame, luma) = missing.iter().rev().max_by(|a, b| measure(a.1).total_cmp(&measure(b.1)))?;
        (missing.len() as u64 > limits.frames(&MAX_FRAME_FAILURES)).then_some((*luma, frame, (first, last)))
    }

    /// A range of frames with their times, and which of them is the worst.
    fn when(&self, (first, last): (u64, u64), worst: u64) -> String {
        let at_s = |frame: u64| self.times_s.get(frame as usize).copied().unwrap_or_default();
        match first == last {
            true => format!("in frame {first} (at {:.3} s)", at_s(first)),
            false => {
                let worst = if worst == first { String::new() } else { format!(", most in frame {worst}") };
                format!("in frames {first} to {last} (from {:.3} s to {:.3} s{worst})", at_s(first), at_s(last))
            }
        }
    }
}

fn place(plane: &PlaneDifference, worst: u64, frames: (u64, u64), region: Option<[u64; 4]>) -> Place {
    let (plane, frames, worst_frame) = (Some(plane.plane), Some(frames), Some(worst));
    Place { plane, frames, worst_frame, region, ..Place::default() }
}

/// What a region's contrast says about its difference.
fn meaning(region: &Region) -> &'static str {
    const MUCH: f32 = 3.0;
    let Region { baseline_contrast: baseline, render_contrast: render, .. } = *region;
    match () {
        () if baseline > MUCH * render.max(2.0) => ": content is missing",
        () if render > MUCH * baseline.max(2.0) => ": there is content, or noise, that the baseline lacks",
        () => "",
    }
}
