//! Shifts of a part of the picture: the evidence in each tile and its surroundings, added up over frames.

use crate::picture::{
    blocks::{Layout, PlaneLayout},
    evidence::{self, Evidence, HELD_FOR, TILE},
    regions,
    timing::{Direction, SHIFTS, Shifted},
};

/// What is looked for in each frame: [`SHIFTS`], and a sample to the right and down.
pub(crate) const KINDS: usize = SHIFTS.len() + 2;

/// The evidence of a frame, plane by plane and kind by kind, in all tiles.
pub(crate) type OfFrame = Vec<[Vec<Evidence>; KINDS]>;

/// The frames that are added up before anything is made of them.
const PART: usize = 8;

/// The frames in half a window, a multiple of [`PART`]. Windows overlap by half.
const HALVES: [usize; 2] = [PART, 4 * PART];

/// The frames of a window that is long enough for shifts in space: letters that step to the next sample at another
/// moment stand aside for a shorter time.
const LONG: usize = 4 * PART;

/// The sides of the regions that are looked at, in tiles.
const SIDES: [usize; 3] = [1, 2, 4];

/// So many levels of noise in each block are not evidence of a shift by a frame, nor of one in space, in a window of
/// [`SETTLED`] frames. Encoding differs less: it is letters and other elements that step to the next sample some frames
/// earlier or later from one render to the next, or stand a part of a sample aside.
const NOISE_IN_TIME: f32 = 5.0;
const NOISE_IN_SPACE: f32 = 5.0;

/// A frame of a tile counts no more than one whose squares of changes, in levels, have this sum: an element that takes
/// a single step, a frame earlier or later, is not a region that is late.
const MOST_IN_A_FRAME: f32 = 64.0;

/// A whole plane that stands aside counts so many times as much as a region: good renders move single elements only.
const WHOLE: f64 = 2.0;

/// Over fewer frames, such differences average out less.
const SETTLED: f32 = 2.0 * HALVES[1] as f32;
const PER_FRAMES: f32 = 0.7;

/// Collects the shifts of parts of the picture.
#[derive(Debug)]
pub(crate) struct Tiles {
    layout: Layout,
    part: Sums,
    windows: [Window; HALVES.len()],
    next: usize,
    found: Vec<Shifted>,
}

/// The two halves of a window.
#[derive(Debug, Default)]
struct Window {
    before: Option<Sums>,
    current: Sums,
}

/// The sums over some frames: those with even numbers, and the others.
#[derive(Debug, Default)]
struct Sums {
    frames: usize,
    of: [OfFrame; 2],
}

impl Tiles {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { layout: layout.clone(), part: Sums::default(), windows: Default::default(), next: 0, found: Vec::new() }
    }

    /// Takes the next frame.
    pub(crate) fn push(&mut self, mut frame: OfFrame) {
        self.part.frames += 1;
        let tiles = frame.iter_mut().flat_map(|kinds| &mut kinds[..SHIFTS.len()]).flatten();
        tiles.for_each(|tile| *tile = tile.at_most(MOST_IN_A_FRAME));
        add(&mut self.part.of[self.next % 2], &frame);
        self.next += 1;
        if self.part.frames == PART {
            self.close();
        }
    }

    /// For each window, what is shifted most in time and in space.
    pub(crate) fn finish(mut self) -> Vec<Shifted> {
        self.close();
        for Window { before, current } in std::mem::take(&mut self.windows) {
            // The last window, and that of a shorter video, may be shorter.
            if current.frames > 0 || before.as_ref().is_some_and(|before| before.frames == self.next) {
                self.found.extend(weighed(before.unwrap_or_default(), &current, self.next, &self.layout));
            }
        }
        self.found
    }

    /// Adds the part to all windows.
    fn close(&mut self) {
        let part = std::mem::take(&mut self.part);
        for (window, half) in self.windows.iter_mut().zip(HALVES) {
            window.current.add(&part);
            if window.current.frames == half {
                let current = std::mem::take(&mut window.current);
                if let Some(before) = window.before.take() {
                    self.found.extend(weighed(before, &current, self.next, &self.layout));
                }
                window.before = Some(current);
            }
        }
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.of.iter_mut().zip(&other.of).for_each(|(sums, of_other)| add(sums, of_other));
    }
}

fn add(sums: &mut OfFrame, frame: &OfFrame) {
    if sums.is_empty() {
        sums.clone_from(frame);
        return;
    }
    // None of them, if there is no such frame.
    for (sums, frame) in sums.iter_mut().flatten().zip(frame.iter().flatten()) {
        sums.iter_mut().zip(frame).for_each(|(sum, evidence)| *sum = sum.and(*evidence));
    }
}

/// What is shifted most in time and in space in a window of two halves, of which the second ends before `next`.
fn weighed(mut window: Sums, half: &Sums, next: usize, layout: &Layout) -> impl Iterator<Item = Shifted> + use<> {
    window.add(half);
    let Sums { frames, of: [even, odd] } = window;
    let mut all = even.clone();
    add(&mut all, &odd);
    let span = ((next - frames) as u64, (next as u64).saturating_sub(1));
    let mut worst: [Option<Shifted>; 2] = [None, None];
    for (sums, stride) in [(&all, 1), (&even, 2), (&odd, 2)] {
        for (plane, kinds) in layout.planes.iter().zip(sums) {
            for (kind, tiles) in kinds.iter().enumerate() {
                let in_space = kind >= SHIFTS.len();
                if in_space && (stride > 1 || frames < LONG.min(next)) {
                    continue;
                }
                let stretch = Stretch { span, stride, frames: frames as f32 / stride as f32, kind };
                let worst = &mut worst[usize::from(in_space)];
                stretch.weigh(tiles, plane, layout, worst);
            }
        }
    }
    worst.into_iter().flatten()
}

/// Frames that are weighed together.
struct Stretch {
    span: (u64, u64),
    stride: u64,
    frames: f32,
    kind: usize,
}

impl Stretch {
    /// Keeps what is shifted most: what was there, or a region of a plane, or all of it.
    fn weigh(&self, tiles: &[Evidence], plane: &PlaneLayout, layout: &Layout, worst: &mut Option<Shifted>) {
        let (columns, rows) = (plane.columns.div_ceil(TILE), plane.rows.div_ceil(TILE));
        let grid = PlaneLayout { name: plane.name, columns, rows };
        let few_frames = (SETTLED / self.frames).max(1.0).powf(PER_FRAMES);
        let noise = few_frames
            * match SHIFTS.get(self.kind) {
                Some(shift) => NOISE_IN_TIME * self.stride as f32 * (shift.unsigned_abs() as f32).sqrt(),
                None => NOISE_IN_SPACE,
            };
        let mut sums = tiles.to_vec();
        for side in SIDES.into_iter().filter(|&side| side <= columns.min(rows)) {
            if side > 1 {
                sums = regions::merged(&sums, &grid, side / 2, Evidence::and);
            }
            for (column, row) in regions::windows(&grid, side) {
                // What an encoder holds back in a region need not be caught up with.
                let sum = sums[row * columns + column];
                let found = self.found(sum, sum.noise(noise, plane.name, HELD_FOR), plane);
                if let Some(found) = found.filter(|found| worst.is_none_or(|worst| found.at_least > worst.at_least)) {
                    let region = layout.pixels(plane, (column * TILE, row * TILE), side * TILE);
                    *worst = Some(Shifted { region: Some(region), ..found });
                }
            }
        }
        // In time, all of them are weighed by single frames, too: see [`Timing`](crate::picture::timing::Timing).
        if self.kind >= SHIFTS.len() {
            let line = |tile: usize| if self.kind == SHIFTS.len() { tile % columns } else { tile / columns };
            let (all, noise) = evidence::of_plane(tiles, (0..tiles.len()).map(line));
            let found = self.found(all, noise, plane);
            let found = found.map(|found| Shifted { at_least: WHOLE * found.at_least, ..found });
            let found = found.filter(|found| worst.is_none_or(|worst| found.at_least > worst.at_least));
            *worst = found.or(*worst);
        }
    }

    /// The shift, if the part of it that is shown is more than noise.
    fn found(&self, evidence: Evidence, noise: f32, plane: &PlaneLayout) -> Option<Shifted> {
        let part = evidence.part();
        let (direction, unit, distance) = match self.kind.checked_sub(SHIFTS.len()) {
            // The way back is another kind.
            None => (Direction::Later, SHIFTS[self.kind] as f32, part),
            Some(0) => (Direction::Right, 1.0, part.abs()),
            Some(_) => (Direction::Down, 1.0, part.abs()),
        };
        // More than the whole way is no more evidence of it.
        let at_least = f64::from(distance.min(1.0) - noise);
        let (plane, frames, stride, by) = (plane.name, self.span, self.stride, f64::from(part * unit));
        // Written so that NaN, of a region in which nothing would change, is none.
        (at_least > 0.0).then_some(Shifted { plane, frames, stride, region: None, direction, by, at_least })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{
        blocks::{FrameMeans, PlaneMeans},
        timing::{Clock, Timing},
    };

    const COLUMNS: usize = 40;
    const ROWS: usize = 24;

    /// A video whose blocks have these levels in its render and in its baseline.
    fn follow(frames: usize, levels: impl Fn(usize, (usize, usize)) -> [f32; 2]) -> Timing {
        follow_in('y', frames, levels)
    }

    fn follow_in(name: char, frames: usize, levels: impl Fn(usize, (usize, usize)) -> [f32; 2]) -> Timing {
        let plane = PlaneLayout { name, columns: COLUMNS, rows: ROWS };
        let mut clock = Clock::new(&Layout { width: 320, height: 192, planes: vec![plane] });
        for frame in 0..frames {
            let level =
                |which: usize| (0..COLUMNS * ROWS).map(|i| levels(frame, (i % COLUMNS, i / COLUMNS))[which]).collect();
            clock.push(FrameMeans(vec![PlaneMeans {
                render: level(0),
                baseline: level(1),
                error: vec![],
                square: vec![],
            }]));
        }
        clock.finish()
    }

    /// A video of a wave that runs to the right by `speed` levels a frame, and how its render, of whose block in a column
    /// and row frame `t` shows `shown` (the moment, and how far to the right), follows its baseline.
    fn timing(speed: f32, frames: usize, shown: impl Fn(usize, (usize, usize)) -> (f32, f32)) -> Timing {
        let level = |(x, y): (usize, usize), at: f32, right: f32| {
            let (x, y) = ((x as f32 - right / 8.0) / 3.0 - at * speed / 60.0, y as f32 / 5.0);
            120.0 + 60.0 * x.sin() + 20.0 * y.sin()
        };
        follow(frames, |frame, (x, y)| {
            let noise = 0.3 * (((x * 7919 + y * 1237 + frame * 104_729) % 101) as f32 / 50.0 - 1.0);
            let (at, right) = shown(frame, (x, y));
            [level((x, y), at, right) + noise, level((x, y), frame as f32, 0.0)]
        })
    }

    fn in_word((x, y): (usize, usize)) -> bool {
        (8..18).contains(&x) && (8..12).contains(&y)
    }

    /// The worst in time, where a region of 80x32 pixels shows another moment.
    fn with_word(speed: f32, moment: impl Fn(f32) -> f32) -> Shifted {
        let shown = |t: usize, place| (if in_word(place) { moment(t as f32) } else { t as f32 }, 0.0);
        timing(speed, 64, shown).worst(0).unwrap()
    }

    #[test]
    fn a_region_that_is_late_is_found_where_it_is() {
        for (late, moment) in [(1.0, -1.0), (-1.0, 1.0), (2.0, -2.0)] {
            let found = with_word(1.5, |t| t + moment);
            let [x, y, width, height] = found.region.unwrap();
            assert!((found.by - late).abs() < 0.3 && found.at_least > 0.5, "{found:?}");
            assert!(x < 144 && x + width > 64 && y < 96 && y + height > 64, "{found:?}");
        }
    }

    #[test]
    fn a_region_that_stands_still_is_swapped_or_blended_is_found() {
        let frozen = with_word(3.0, |t| if (20.0..36.0).contains(&t) { 20.0 } else { t });
        assert!(frozen.at_least > 0.35 && frozen.region.is_some(), "{frozen:?}");
        let swapped = with_word(3.0, |t| if t % 2.0 == 0.0 { t + 1.0 } else { t - 1.0 });
        assert!(swapped.at_least > 0.35 && swapped.stride == 2 && swapped.region.is_some(), "{swapped:?}");
        let blended = with_word(9.0, |t| t - 0.5);
        assert!((blended.by.abs() - 0.5).abs() < 0.1 && blended.at_least > 0.35, "{blended:?}");
    }

    #[test]
    fn what_is_in_its_place_at_its_time_is_not_shifted() {
        for speed in [0.0, 0.5, 4.0] {
            let timing = timing(speed, 70, |t, _| (t as f32, 0.0));
            let [in_time, in_space] = [timing.worst(0), timing.farthest()].map(|f| f.map_or(0.0, |f| f.at_least));
            assert!(in_time < 0.05 && in_space < 0.05, "{speed}: {timing:?}");
        }
        assert_eq!(timing(0.0, 0, |_, _| (0.0, 0.0)).farthest(), None);
    }

    #[test]
    fn elements_that_step_a_frame_earlier_are_not_late() {
        let level = |t: usize| if t < 30 { 100.0 } else { 108.0 };
        let letter = |place: (usize, usize)| place.1 == 5 && (5..7).contains(&place.0);
        let wave =
            |t: usize, (x, _)| if x < 20 { 50.0 } else { 120.0 + 60.0 * (x as f32 / 3.0 - t as f32 / 10.0).sin() };
        let steps = follow(64, |t, place| match letter(place) {
            true => [level(t + 1), level(t)],
            false => [wave(t, place); 2],
        });
        let found = steps.worst(0).unwrap();
        assert!(found.at_least > 0.0 && found.at_least < 0.35, "{found:?}");
    }

    #[test]
    fn a_picture_and_a_region_that_stand_aside_are_found() {
        let all = timing(0.0, 40, |_, _| (0.0, -0.7)).farthest().unwrap();
        assert!((all.by + 0.7).abs() < 0.1 && all.at_least > 0.5 && all.direction == Direction::Right, "{all:?}");
        let word = timing(1.0, 64, |t, place| (t as f32, if in_word(place) { 0.9 } else { 0.0 })).farthest().unwrap();
        assert!(word.by > 0.6 && word.at_least > 0.4 && word.region.is_some(), "{word:?}");
    }

    #[test]
    fn slight_slopes_of_chroma_show_where_it_stands() {
        let wave = |place: (usize, usize), right: f32| 128.0 + 12.0 * ((place.0 as f32 - right / 8.0) / 3.0).sin();
        let moved = |name, right| {
            let timing = follow_in(name, 60, |_, place| [wave(place, right), wave(place, 0.0)]);
            timing.farthest().map_or(0.0, |farthest| farthest.at_least)
        };
        for plane in ['u', 'y'] {
            assert!(moved(plane, 1.0) > 1.0 && moved(plane, 0.1) < 0.25, "{} {}", moved(plane, 1.0), moved(plane, 0.1));
        }
    }

    #[test]
    fn a_faint_line_across_a_flat_plane_may_be_encoded_a_sample_lower() {
        let line = |y: usize| if y == 10 { 123.0 } else { 128.0 };
        let moved = |y: usize| [(9, 0.3), (11, -0.3)].into_iter().find(|row| row.0 == y).map_or(0.0, |row| row.1);
        let faint = follow_in('u', 60, |_, (_, y)| [line(y) + moved(y), line(y)]);
        assert_eq!(faint.farthest(), None);
    }

    #[test]
    fn windows_with_frames_that_are_left_out_say_nothing() {
        let late = timing(4.0, 100, |t, place| (if in_word(place) { t as f32 - 1.0 } else { t as f32 }, 0.0));
        let rest = late.without([50]).worst(0).unwrap();
        assert!(rest.at_least > 0.35 && (rest.frames.1 < 50 || rest.frames.0 > 50), "{rest:?}");
        assert!(late.without(0..100).worst(0).is_none_or(|found| found.at_least <= 0.0));
    }
}
