//! Differences that several frames show and none of them alone: what lasts, what flickers, and what flashes.
//!
//! The noise of encoding averages out over a second, and a faint watermark or an element that is a fraction of a sample
//! aside does not. Neither does what comes and goes with every other frame, if every other frame is subtracted. And what
//! is in a single frame alone differs from the frames before and after it, which share their noise.

use std::collections::VecDeque;

use crate::picture::{
    blocks::{FrameMeans, Layout, PlaneMeans},
    flashes::{Moment, flash, spot},
    regions::{self, Allowance, FLICKERING, LASTING, Range, Region},
};

/// The number of frames in half a window. Windows overlap by half.
const HALF: usize = 15;

/// A flicker comes back after two frames or after four, which begin with this one or with the next.
const PHASES: usize = 4;
const SIGNS: [[f32; PHASES]; 3] = [[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]];

/// The worst region of a plane over a window of frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lasting {
    /// y, u, v, r, g, b or a.
    pub plane: char,
    /// The first and the last frame of the window, from 0.
    pub frames: (u64, u64),
    /// How it differs there.
    pub course: Course,
    /// The region, with its difference and what it may be, in the unit of a single frame's region.
    pub region: Region,
}

/// The course of a difference over several frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It is in the mean over all of them.
    Lasting,
    /// It is in every other frame or pair of frames; the difference is half of what it changes by.
    Flickering,
    /// It is in one frame, and not in those before and after.
    Flashing,
    /// The samples of a block differ in one frame, and not in those before and after, nor in the blocks around it. The
    /// difference is a root mean square.
    Appearing,
}

/// Collects [`Lasting`] from frames in their order.
#[derive(Debug)]
pub struct Watch {
    layout: Layout,
    found: Vec<Lasting>,
    /// The sums over the half before the current one, once there is one.
    before: Option<Half>,
    current: Half,
    next: usize,
    /// The last two frames, the later one last.
    recent: VecDeque<Vec<Moment>>,
}

/// The sums of some frames' blocks.
#[derive(Debug, Default)]
struct Half {
    frames: usize,
    planes: Vec<Sums>,
}

/// The sums of a plane's blocks.
#[derive(Debug)]
struct Sums {
    baseline: Vec<f32>,
    /// How much brighter the render is, by the frames' numbers.
    differences: [Vec<f32>; PHASES],
}

impl Watch {
    /// For pictures of this layout.
    pub fn new(layout: &Layout) -> Self {
        let (found, recent) = (Vec::new(), VecDeque::new());
        Self { layout: layout.clone(), found, before: None, current: Half::default(), next: 0, recent }
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: &FrameMeans) {
        let moments: Vec<Moment> = frame.0.iter().map(Moment::of).collect();
        self.current.add(self.next % PHASES, &moments);
        self.next += 1;
        self.recent.push_back(moments);
        match self.recent.len() {
            // Before the first frame, and after the last, there is none.
            2 => self.look_for_flashes([1, 0, 1]),
            3 => {
                self.look_for_flashes([0, 1, 2]);
                self.recent.pop_front();
            }
            _ => (),
        }
        if self.current.frames == HALF {
            let half = std::mem::take(&mut self.current);
            if let Some(mut window) = self.before.take() {
                window.join(&half);
                self.compare(window);
            }
            self.before = Some(half);
        }
    }

    /// The worst region of each plane in each window. The last window, and that of a shorter video, may be shorter.
    pub fn finish(mut self) -> Vec<Lasting> {
        if self.recent.len() == 2 {
            self.look_for_flashes([0, 1, 0]);
        }
        let current = std::mem::take(&mut self.current);
        let window = match self.before.take() {
            Some(mut before) => {
                before.join(&current);
                before
            }
            None => current,
        };
        // The first half is a part of no window yet, and another one is.
        if window.frames > HALF || window.frames == self.next {
            self.compare(window);
        }
        self.found
    }

    /// Compares one of the recent frames with those before and after it.
    fn look_for_flashes(&mut self, of_recent: [usize; 3]) {
        let frame = (self.next - self.recent.len() + of_recent[1]) as u64;
        for (i, plane) in self.layout.planes.iter().enumerate() {
            let moments = of_recent.map(|frame| &self.recent[frame][i]);
            // The means of the first and the last frame differ more from those of their only neighbor.
            let within = of_recent[0] != of_recent[2];
            let flash = within.then(|| flash(moments, &self.layout, plane)).flatten();
            let flash = flash.map(|region| (Course::Flashing, region));
            let spot = spot(moments, &self.layout, plane).map(|region| (Course::Appearing, region));
            for (course, region) in flash.into_iter().chain(spot) {
                self.found.push(Lasting { plane: plane.name, frames: (frame, frame), course, region });
            }
        }
    }

    fn compare(&mut self, window: Half) {
        if window.frames == 0 {
            return;
        }
        let count = window.frames as f32;
        let frames = ((self.next - window.frames) as u64, self.next as u64 - 1);
        // Less noise averages out in a shorter window.
        let noise = ((2 * HALF) as f32 / count).sqrt().max(1.0);
        for (plane, sums) in self.layout.planes.iter().zip(window.planes) {
            let baseline: Vec<f32> = sums.baseline.iter().map(|sum| sum / count).collect();
            let ranges = Range::of_windows(&baseline, plane);
            let weighted = |weights: [f32; PHASES]| -> Vec<f32> {
                let [first, second, third, fourth] = &sums.differences;
                let phases = first.iter().zip(second).zip(third).zip(fourth);
                let differences = phases.map(|(((first, second), third), fourth)| {
                    weights[0] * first + weights[1] * second + weights[2] * third + weights[3] * fourth
                });
                differences.collect()
            };
            let worst = |differences: Vec<f32>, allowed: &Allowance| {
                let render = baseline.iter().zip(differences).map(|(baseline, d)| baseline + d).collect();
                let means = PlaneMeans { render, baseline: baseline.clone(), error: Vec::new(), square: Vec::new() };
                regions::worst_of_many(&means, &ranges, noise, allowed, (&self.layout, plane))
            };
            let mut found = |course, region| self.found.push(Lasting { plane: plane.name, frames, course, region });
            found(Course::Lasting, worst(weighted([1.0 / count; PHASES]), &LASTING));
            for signs in SIGNS.into_iter().filter(|_| window.frames >= HALF) {
                // Each phase counts as much, however many frames it has: what lasts does not flicker.
                let of_phase = |phase| (frames.0..=frames.1).filter(|frame| frame % PHASES as u64 == phase).count();
                let weights = std::array::from_fn(|phase| signs[phase] / (PHASES * of_phase(phase as u64)) as f32);
                let mut differences = weighted(weights);
                // With an encoder's P-frames and B-frames, all of a plane flickers a little: a region stands out of it.
                let whole = regions::whole(median(&differences), noise, &self.layout, plane);
                differences.iter_mut().for_each(|difference| *difference -= whole.difference);
                found(Course::Flickering, whole);
                found(Course::Flickering, worst(differences, &FLICKERING));
            }
        }
    }
}

/// The middle one of some values, or 0 for none.
fn median(values: &[f32]) -> f32 {
    let (mut values, middle) = (values.to_vec(), values.len() / 2);
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}

impl Half {
    fn add(&mut self, phase: usize, moments: &[Moment]) {
        self.frames += 1;
        if self.planes.is_empty() {
            let none = |moment: &Moment| vec![0.0; moment.baseline.len()];
            let empty = |moment| Sums { baseline: none(moment), differences: std::array::from_fn(|_| none(moment)) };
            self.planes = moments.iter().map(empty).collect();
        }
        for (sums, moment) in self.planes.iter_mut().zip(moments) {
            add(&mut sums.baseline, &moment.baseline);
            add(&mut sums.differences[phase], &moment.differences);
        }
    }

    fn join(&mut self, other: &Self) {
        self.frames += other.frames;
        for (sums, of_other) in self.planes.iter_mut().zip(&other.planes) {
            add(&mut sums.baseline, &of_other.baseline);
            sums.differences.iter_mut().zip(&of_other.differences).for_each(|(sum, of_other)| add(sum, of_other));
        }
    }
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::blocks::PlaneLayout;

    /// The windows of a gray picture of 20 by 12 blocks, whose render differs by `difference` of a frame and a block.
    fn windows(frames: usize, difference: impl Fn(usize, usize) -> f32) -> Vec<Lasting> {
        let layout = Layout { width: 160, height: 96, planes: vec![PlaneLayout { name: 'y', columns: 20, rows: 12 }] };
        let mut watch = Watch::new(&layout);
        for frame in 0..frames {
            let render = (0..240).map(|block| 100.0 + difference(frame, block)).collect();
            let error: Vec<f32> = (0..240).map(|block| difference(frame, block).abs()).collect();
            let square = error.iter().map(|error| error * error).collect();
            watch.push(&FrameMeans(vec![PlaneMeans { render, baseline: vec![100.0; 240], error, square }]));
        }
        watch.finish()
    }

    #[test]
    fn windows_overlap_and_cover_all_frames() {
        let of = |frames: usize| {
            windows(frames, |_, _| 0.0)
                .iter()
                .filter(|found| found.course == Course::Lasting)
                .map(|found| found.frames)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0), []);
        assert_eq!(of(1), [(0, 0)]);
        assert_eq!(of(15), [(0, 14)]);
        assert_eq!(of(17), [(0, 16)]);
        assert_eq!(of(30), [(0, 29)]);
        assert_eq!(of(61), [(0, 29), (15, 44), (30, 59), (45, 60)]);
    }

    #[test]
    fn what_stays_counts_more_than_what_changes() {
        let lasts = |found: &&Lasting| found.course == Course::Lasting;
        let worst = |of: &[Lasting]| of.iter().filter(lasts).map(|found| found.region.severity()).fold(0.0, f32::max);
        let in_square = |block: usize| (4..8).contains(&(block % 20)) && (2..6).contains(&(block / 20));
        let stays = windows(60, |_, block| if in_square(block) { 1.2 } else { 0.0 });
        assert!((worst(&stays) - 2.0).abs() < 1e-3, "{stays:?}");
        assert_eq!(stays[0].region.pixels, [32, 16, 32, 32]);
        let changes = windows(60, |frame, _| if frame % 2 == 0 { 3.0 } else { -3.0 });
        assert!(worst(&changes) < 0.01, "{changes:?}");
        let short = windows(5, |_, block| if in_square(block) { 1.2 } else { 0.0 });
        assert!((worst(&short) - 2.0 / 6f32.sqrt()).abs() < 1e-3, "{short:?}");
    }

    fn worst(found: &[Lasting], course: Course) -> f32 {
        let of_course = found.iter().filter(|found| found.course == course);
        of_course.map(|found| found.region.severity()).fold(0.0, f32::max)
    }

    #[test]
    fn what_comes_and_goes_with_the_frames_flickers() {
        let in_square = |block: usize| (4..8).contains(&(block % 20)) && (2..6).contains(&(block / 20));
        for period in [2, 4] {
            let on = |frame: usize| frame % period < period / 2;
            let flickers = windows(60, |frame, block| if in_square(block) && on(frame) { 1.2 } else { 0.0 });
            // 0.6 levels more and less than in the mean.
            assert!((worst(&flickers, Course::Flickering) - 0.6 / 0.2).abs() < 0.3, "{period}: {flickers:?}");
            let next = windows(60, |frame, block| if in_square(block) && on(frame + 1) { 1.2 } else { 0.0 });
            assert!((worst(&next, Course::Flickering) - 0.6 / 0.2).abs() < 0.3, "{period}: {next:?}");
        }
        let stays = windows(60, |_, block| if in_square(block) { 1.2 } else { 0.0 });
        assert!(worst(&stays, Course::Flickering) < 0.1, "{stays:?}");
    }

    #[test]
    fn a_region_stands_out_of_what_flickers_all_over_a_plane() {
        let of = |whole: f32, square: f32| {
            let in_square = |block: usize| (4..8).contains(&(block % 20)) && (2..6).contains(&(block / 20));
            let level = |block| if in_square(block) { whole + square } else { whole };
            worst(&windows(60, |frame, block| if frame % 2 == 0 { level(block) } else { 0.0 }), Course::Flickering)
        };
        // The B-frames of an encoder are 0.4 levels brighter; nobody sees that, but more of it, and a box in it.
        assert!((of(0.4, 0.0) - 0.2 / 0.25).abs() < 0.01, "{}", of(0.4, 0.0));
        assert!((of(0.4, 1.0) - 0.5 / 0.2).abs() < 0.3, "{}", of(0.4, 1.0));
        assert!(of(1.0, 0.0) > 1.5);
    }

    #[test]
    fn what_is_in_one_frame_alone_flashes() {
        let flash = windows(20, |frame, block| if (frame, block) == (7, 65) { -6.0 } else { 0.5 });
        let found = flash.iter().find(|found| found.course == Course::Flashing).unwrap();
        assert_eq!((found.frames, found.region.pixels, found.region.difference), ((7, 7), [40, 24, 8, 8], -6.5));
        assert!(found.region.severity() > 3.5, "{found:?}");
        for at in [0, 19] {
            let end = windows(20, |frame, block| if (frame, block) == (at, 65) { 30.0 } else { 0.5 });
            let found = end.iter().filter(|found| found.course == Course::Appearing).map(|found| found.frames);
            assert_eq!(found.collect::<Vec<_>>(), [(at as u64, at as u64)]);
        }
        // What comes and stays is no flash.
        for level in [-6.0, 6.0] {
            let stays = windows(20, |frame, block| if frame >= 7 && block == 65 { level } else { 0.0 });
            let went = windows(20, |frame, block| if frame < 7 && block == 65 { level } else { 0.0 });
            assert_eq!([stays, went].map(|found| worst(&found, Course::Flashing)), [0.0, 0.0]);
        }
    }
}
