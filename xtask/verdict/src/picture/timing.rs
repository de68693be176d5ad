//! Whether a render shows the baseline's frames at their time: the evidence of all moving blocks, added up over
//! frames, finds a shift that no single frame shows.

use std::collections::VecDeque;

use crate::picture::{
    blocks::{FrameMeans, Layout, PlaneLayout},
    evidence::{self, Evidence},
    tiles::{KINDS, OfFrame, Tiles},
};

/// The distances in time that are looked at, in frames; a positive one is a render that is late.
pub const SHIFTS: [i32; 8] = [-8, -4, -2, -1, 1, 2, 4, 8];

/// The greatest of them.
const REACH: usize = 8;

/// A block counts as moving if it changes by more than this, in levels. Less is the noise of encoding.
const MOVING: f32 = 1.0;

/// The same for a sample's way in space, in which much less is evidence, because it is there in every frame.
const MOVING_IN_SPACE: f32 = 0.25;

/// It is measured in every fourth frame: what stands aside does so for longer.
const EVERY_IN_SPACE: usize = 4;

/// A frame whose blocks differ by so much more, in the mean of the squares of their parts of a change, than their mean
/// part explains, shows neither its own moment nor another one.
const UNLIKE: f32 = 0.5;

/// In a single frame, such a difference counts so many times as much as one from a shift: elements of which some are a
/// frame late or early, as rounding to other samples makes them, are no frame that is.
const ALIKE_IN_A_FRAME: f32 = 2.0;

/// The numbers of frames over which evidence is added up; the last one is the whole video.
const STRETCHES: [usize; 5] = [1, 4, 15, 60, usize::MAX];

/// How many standard deviations of a level of noise in each moving block are not evidence.
const DEVIATIONS: f32 = 3.0;

/// How the render's difference from the baseline follows the change that a shift would make.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    planes: Vec<char>,
    /// For each frame and plane, and each of [`SHIFTS`]: over the whole picture.
    frames: Vec<Vec<[Evidence; SHIFTS.len()]>>,
    /// The worst of each window of frames, by regions, and in space.
    windows: Vec<Shifted>,
}

/// A stretch that is shown too late or too early, or aside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shifted {
    /// y, u, v, r, g, b or a.
    pub plane: char,
    /// Its first and its last frame, from 0.
    pub frames: (u64, u64),
    /// The distance between its frames: 1 for all of them, 2 for every other one.
    pub stride: u64,
    /// Left, top, width and height in pixels, if it is not the whole picture.
    pub region: Option<[u64; 4]>,
    /// Whereto.
    pub direction: Direction,
    /// By how many frames it is late, or by how many samples of its plane aside; a negative number is the other way.
    pub by: f64,
    /// The least number of frames that the evidence supports, or the least part of a known shift.
    pub at_least: f64,
}

/// Whereto something is shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In time.
    Later,
    /// In space.
    Right,
    /// In space.
    Down,
}

/// Collects [`Timing`] from frames in their order.
#[derive(Debug)]
pub struct Clock {
    timing: Timing,
    /// The last frames, at most [`REACH`] on each side of the one that is next.
    recent: VecDeque<Seen>,
    /// The number of the first of them.
    first: usize,
    layout: Layout,
    tiles: Tiles,
}

/// A frame, with the sum of the baseline's means over each plane.
#[derive(Debug)]
struct Seen {
    means: FrameMeans,
    sums: Vec<f32>,
}

impl Clock {
    /// A clock for pictures of this layout.
    pub fn new(layout: &Layout) -> Self {
        let planes = layout.planes.iter().map(|plane| plane.name).collect();
        let timing = Timing { planes, ..Timing::default() };
        Self { timing, recent: VecDeque::new(), first: 0, layout: layout.clone(), tiles: Tiles::new(layout) }
    }

    /// Takes the next frame.
    pub fn push(&mut self, means: FrameMeans) {
        let sums = means.0.iter().map(|plane| plane.baseline.iter().sum()).collect();
        self.recent.push_back(Seen { means, sums });
        if self.first + self.recent.len() > self.timing.frames.len() + REACH {
            self.weigh_next();
        }
    }

    /// The evidence of all frames.
    pub fn finish(mut self) -> Timing {
        while self.timing.frames.len() < self.first + self.recent.len() {
            self.weigh_next();
        }
        Timing { windows: self.tiles.finish(), ..self.timing }
    }

    fn weigh_next(&mut self) {
        let next = self.timing.frames.len();
        let own = &self.recent[next - self.first];
        let shifted = |shift: i32| {
            let frame = next as i64 - i64::from(shift) - self.first as i64;
            usize::try_from(frame).ok().and_then(|at| self.recent.get(at)).unwrap_or(own)
        };
        let of_plane = |(i, plane): (usize, &PlaneLayout)| {
            let means = &own.means.0[i];
            let mut kinds: [Vec<Evidence>; KINDS] = Default::default();
            for (kind, shift) in kinds.iter_mut().zip(SHIFTS) {
                *kind = evidence::of_tiles(means, &shifted(shift).means.0[i].baseline, MOVING, plane);
            }
            if next.is_multiple_of(EVERY_IN_SPACE) {
                for (kind, moved) in kinds[SHIFTS.len()..].iter_mut().zip(evidence::moved(&means.baseline, plane)) {
                    *kind = evidence::of_tiles(means, &moved, MOVING_IN_SPACE, plane);
                }
            }
            kinds
        };
        let tiles: OfFrame = self.layout.planes.iter().enumerate().map(of_plane).collect();
        let whole = |(i, kinds): (usize, &[Vec<Evidence>; KINDS])| {
            let (render, count) = (&own.means.0[i].render, own.means.0[i].baseline.len().max(1));
            let tone = (render.iter().sum::<f32>() - own.sums[i]) / count as f32;
            std::array::from_fn(|kind| {
                let all = kinds[kind].iter().fold(Evidence::default(), |sum, tile| sum.and(*tile));
                let all = all.without_tone(tone, shifted(SHIFTS[kind]).sums[i] - own.sums[i]);
                if all.spread() > UNLIKE { Evidence::default() } else { all }
            })
        };
        self.timing.frames.push(tiles.iter().enumerate().map(whole).collect());
        self.tiles.push(tiles);
        if self.recent.len() > 2 * REACH {
            self.recent.pop_front();
            self.first += 1;
        }
    }
}

impl Timing {
    /// The same without the evidence of some frames.
    #[must_use]
    pub fn without(&self, frames: impl IntoIterator<Item = usize>) -> Self {
        let mut rest = self.clone();
        for frame in frames {
            if let Some(of_frame) = rest.frames.get_mut(frame) {
                of_frame.fill([Evidence::default(); SHIFTS.len()]);
            }
            rest.windows.retain(|window| !(window.frames.0..=window.frames.1).contains(&(frame as u64)));
        }
        rest
    }

    /// The stretch with the strongest evidence of a shift, leaving out those of up to `ignored` frames.
    pub fn worst(&self, ignored: u64) -> Option<Shifted> {
        let all = self.frames.len();
        let lengths = STRETCHES.map(|length| length.min(all));
        let mut worst: Option<Shifted> = None;
        for stride in [1, 2] {
            for length in lengths.into_iter().filter(|&length| length as u64 > ignored && (stride == 1 || length > 1)) {
                let of_phase = |phase| {
                    (0..self.planes.len()).filter_map(move |plane| self.strongest(plane, phase, stride, length))
                };
                let found: Vec<Shifted> = worst.into_iter().chain((0..stride).flat_map(of_phase)).collect();
                // The first of equals.
                worst = found.into_iter().rev().max_by(|a, b| a.at_least.total_cmp(&b.at_least));
            }
        }
        let in_time = self.windows.iter().filter(|window| window.direction == Direction::Later);
        let long = in_time.filter(|window| window.frames.1 + 1 - window.frames.0 > ignored);
        long.copied().chain(worst).max_by(|a, b| a.at_least.total_cmp(&b.at_least))
    }

    /// The region, or the whole plane, that is farthest from its place.
    pub fn farthest(&self) -> Option<Shifted> {
        let in_space = self.windows.iter().filter(|window| window.direction != Direction::Later);
        // The first of equals.
        in_space.copied().rev().max_by(|a, b| a.at_least.total_cmp(&b.at_least))
    }

    /// Among the stretches of `length` frames, of which each `stride`th counts from a `phase` on: the one with the
    /// greatest shift that is more than noise.
    fn strongest(&self, plane: usize, phase: usize, stride: usize, length: usize) -> Option<Shifted> {
        let frames = || self.frames.iter().skip(phase).step_by(stride).map(|planes| &planes[plane]);
        let count = length.div_ceil(stride).min(frames().count());
        let of_shifts: [_; SHIFTS.len()] =
            std::array::from_fn(|shift| over_stretches(frames().map(|shifts| shifts[shift]), count));
        let stretches = if count == 0 { 0 } else { of_shifts[0].len() };
        let mut strongest: Option<Shifted> = None;
        for (i, shift) in SHIFTS.into_iter().enumerate() {
            let distance = shift.unsigned_abs();
            for start in (0..stretches).filter(|_| distance as usize <= length) {
                let (evidence, frames) = of_shifts[i][start];
                // A few frames are no evidence of a small part of a long way.
                if evidence.square < 1.0 || 4.0 * frames * (stride as f32) < 3.0 * distance as f32 {
                    continue;
                }
                let part = evidence.part();
                let first = phase + start * stride;
                let alone = self.frames.get(first).filter(|_| count == 1);
                let unlike = alone.map_or(0.0, |planes| ALIKE_IN_A_FRAME * planes[plane][i].spread());
                // An encoder makes the grain of a frame more like that of its neighbors, before and after alike.
                let opposite = SHIFTS
                    .iter()
                    .zip(&of_shifts)
                    .filter(|(other, _)| other.signum() != shift.signum() && other.unsigned_abs() <= distance);
                let opposite = opposite.map(|(_, stretches)| stretches[start].0).filter(|other| other.square >= 1.0);
                let of_both = opposite.map(Evidence::part).fold(0.0, f32::max);
                let noise = evidence.noise(DEVIATIONS, self.planes[plane], count as f32);
                let at_least = f64::from(part - of_both - noise - unlike) * f64::from(distance);
                if strongest.is_none_or(|strongest| at_least > strongest.at_least) {
                    let last = (first + (count - 1) * stride).min(self.frames.len() - 1);
                    strongest = Some(Shifted {
                        plane: self.planes[plane],
                        frames: (first as u64, last as u64),
                        stride: stride as u64,
                        region: None,
                        direction: Direction::Later,
                        by: f64::from(part) * f64::from(shift),
                        at_least,
                    });
                }
            }
        }
        strongest
    }
}

/// The evidence of every stretch of `length` frames, and in how many of them it is, each as much as the others. It is
/// added up to each frame, so that a stretch takes no longer than a frame.
fn over_stretches(frames: impl Iterator<Item = Evidence>, length: usize) -> Vec<(Evidence, f32)> {
    let mut sums = vec![[0.0; 4]];
    for e in frames {
        let before = sums[sums.len() - 1];
        let own = [e.product, e.square, e.size, e.square].map(f64::from);
        sums.push(std::array::from_fn(|i| before[i] + if i == 3 { own[i] * own[i] } else { own[i] }));
    }
    let stretch = |(from, to): (&[f64; 4], &[f64; 4])| {
        let [product, square, size, squares] = [0, 1, 2, 3].map(|i| to[i] - from[i]);
        let frames = square * square / squares.max(f64::MIN_POSITIVE);
        let [product, square, size] = [product, square, size].map(|sum| sum as f32);
        (Evidence { product, square, size, difference: 0.0 }, frames as f32)
    };
    sums.iter().zip(&sums[length..]).map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::blocks::PlaneMeans;

    const FRAMES: usize = 60;

    /// The evidence of a video in which a wave moves by `speed` levels a frame, and whose frame `t` shows that of
    /// `shown(t)`.
    fn timing(speed: f32, shown: impl Fn(usize) -> f32) -> Timing {
        timing_of_parts(speed, |frame, _| shown(frame))
    }

    /// The same, with another moment in each block.
    fn timing_of_parts(speed: f32, shown: impl Fn(usize, usize) -> f32) -> Timing {
        timing_of_plane('y', speed, shown)
    }

    /// The same in a plane of this name.
    fn timing_of_plane(name: char, speed: f32, shown: impl Fn(usize, usize) -> f32) -> Timing {
        let layout = Layout { width: 0, height: 0, planes: vec![PlaneLayout { name, columns: 20, rows: 20 }] };
        let mut clock = Clock::new(&layout);
        let level = |i: usize, at: f32| 100.0 + 20.0 * (i as f32 / 9.0 + at * speed / 20.0).sin();
        for frame in 0..FRAMES {
            let noise = |i: usize| 0.3 * (((i * 7919 + frame * 104_729) % 101) as f32 / 50.0 - 1.0);
            let render = (0..400).map(|i| level(i, shown(frame, i)) + noise(i)).collect();
            let baseline = (0..400).map(|i| level(i, frame as f32)).collect();
            clock.push(FrameMeans(vec![PlaneMeans { render, baseline, error: vec![], square: vec![] }]));
        }
        clock.finish()
    }

    fn worst(speed: f32, shown: impl Fn(usize) -> f32) -> Shifted {
        timing(speed, shown).worst(0).unwrap()
    }

    #[test]
    fn what_is_shown_at_its_time_has_no_shift() {
        for speed in [0.0, 0.1, 1.0, 8.0] {
            let timing = timing(speed, |t| t as f32);
            assert_eq!(timing.frames.len(), FRAMES);
            assert!(timing.worst(0).is_none_or(|worst| worst.at_least < 0.1), "{speed}: {:?}", timing.worst(0));
        }
    }

    #[test]
    fn chroma_may_stay_behind_a_slow_change_by_less_than_an_encoders_step() {
        // At 0.15 levels a frame, six frames are 0.9 levels. Luma so late is found.
        let late = |plane: char, speed: f32, by: f32| {
            let timing = timing_of_plane(plane, speed, |frame, _| frame as f32 - by);
            timing.worst(0).map_or(0.0, |worst| worst.at_least)
        };
        assert!(late('v', 0.15, 6.0) < 0.1, "{}", late('v', 0.15, 6.0));
        assert!(late('y', 0.15, 6.0) > 2.0, "{}", late('y', 0.15, 6.0));
        assert!(late('v', 6.0, 1.0) > 0.35, "{}", late('v', 6.0, 1.0));
    }

    #[test]
    fn lateness_is_found_even_if_very_little_moves() {
        for speed in [0.2, 1.0, 4.0] {
            let late = worst(speed, |t| t.saturating_sub(1) as f32);
            assert!(late.at_least > 0.5 && (late.by - 1.0).abs() < 0.5, "{speed}: {late:?}");
            let early = worst(speed, |t| t as f32 + 1.0);
            assert!(early.at_least > 0.5 && (early.by + 1.0).abs() < 0.5, "{speed}: {early:?}");
        }
        let five = worst(1.0, |t| t.saturating_sub(5) as f32);
        assert!(five.by > 4.0, "{five:?}");
    }

    #[test]
    fn single_frames_and_every_other_one_are_found() {
        let repeated = worst(4.0, |t| if t == 30 { 29.0 } else { t as f32 });
        assert!(repeated.frames == (30, 30) && repeated.at_least > 0.5, "{repeated:?}");
        let blended = worst(4.0, |t| if t == 30 { 29.5 } else { t as f32 });
        assert!(blended.frames == (30, 30) && (blended.by - 0.5).abs() < 0.1, "{blended:?}");
        let pairs = worst(1.5, |t| (t / 2 * 2) as f32);
        assert!(pairs.stride == 2 && pairs.frames.0 % 2 == 1 && pairs.at_least > 0.5, "{pairs:?}");
        let swapped = worst(1.5, |t| (t ^ 1) as f32);
        assert!(swapped.stride == 2 && swapped.at_least > 0.5, "{swapped:?}");
        let frozen = worst(1.5, |t| t.min(45) as f32);
        assert!(frozen.frames.0 >= 45 && frozen.at_least > 0.5, "{frozen:?}");
    }

    #[test]
    fn a_ruined_frame_and_single_elements_in_one_are_not_late() {
        let late = |timing: &Timing| timing.worst(0).map_or(0.0, |worst| worst.at_least);
        // Another moment in each block is none.
        let ruined = timing_of_parts(4.0, |t, i| if t == 30 { (i * 7919 % 101) as f32 } else { t as f32 });
        assert!(late(&ruined) < 0.1, "{:?}", ruined.worst(0));
        let some = timing_of_parts(4.0, |t, i| if t == 30 && i % 5 < 3 { 31.0 } else { t as f32 });
        assert!(late(&some) < 0.25, "{:?}", some.worst(0));
        let always = timing_of_parts(4.0, |t, i| if i % 5 < 3 { t as f32 + 1.0 } else { t as f32 });
        assert!(late(&always) > 0.35, "{:?}", always.worst(0));
    }

    #[test]
    fn grain_that_is_more_like_its_neighbors_is_not_late() {
        let layout = Layout { width: 0, height: 0, planes: vec![PlaneLayout { name: 'y', columns: 20, rows: 20 }] };
        let random = |i: u32| (i.wrapping_mul(2_654_435_761) ^ (i >> 7).wrapping_mul(40_503)) >> 8 & 0xffff;
        let of_frame = |t: usize| -> Vec<f32> {
            (0..400u32).map(|i| 100.0 + 5.0 * (random(i * 6151 + t as u32 * 7919) as f32 / 65_536.0 - 0.5)).collect()
        };
        let late = |seen: [f32; 3]| {
            let mut clock = Clock::new(&layout);
            for t in 1..FRAMES {
                let [before, baseline, after] = [t - 1, t, t + 1].map(of_frame);
                let weighed = |i: usize| seen[0] * before[i] + seen[1] * baseline[i] + seen[2] * after[i];
                let render = (0..400).map(weighed).collect();
                clock.push(FrameMeans(vec![PlaneMeans { render, baseline, error: vec![], square: vec![] }]));
            }
            clock.finish().worst(0).map_or(0.0, |worst| worst.at_least)
        };
        assert!(late([0.2, 0.6, 0.2]) < 0.1, "{}", late([0.2, 0.6, 0.2]));
        assert!(late([1.0, 0.0, 0.0]) > 0.35, "{}", late([1.0, 0.0, 0.0]));
    }

    #[test]
    fn the_end_of_a_fade_is_no_long_way() {
        // The last two of 40 frames in which everything grows brighter are a little brighter.
        let layout = Layout { width: 0, height: 0, planes: vec![PlaneLayout { name: 'y', columns: 20, rows: 20 }] };
        let mut clock = Clock::new(&layout);
        for t in 0..FRAMES {
            let level = |t: usize| 5.0 * t.min(40) as f32;
            let brighter = if t == 38 || t == 39 { 1.0 } else { 0.0 };
            let [render, baseline] = [level(t) + brighter, level(t)].map(|level| vec![level; 400]);
            clock.push(FrameMeans(vec![PlaneMeans { render, baseline, error: vec![], square: vec![] }]));
        }
        let worst = clock.finish().worst(0);
        assert!(worst.is_none_or(|worst| worst.at_least < 0.35), "{worst:?}");
    }

    #[test]
    fn few_frames_may_be_ignored() {
        let timing = timing(4.0, |t| if t == 30 { 29.0 } else { t as f32 });
        assert!(timing.worst(3).is_none_or(|worst| worst.frames != (30, 30)));
        assert!(timing.worst(0).unwrap().at_least > 0.5);
        assert!(timing.without([30]).worst(0).is_none_or(|worst| worst.at_least < 0.1));
        assert_eq!(Clock::new(&Layout { width: 1, height: 1, planes: vec![] }).finish().worst(0), None);
    }
}
