//! Differences that last: the noise of encoding averages out over a second, and a faint watermark or an element that
//! is a fraction of a sample aside does not.

use crate::picture::{
    blocks::{FrameMeans, Layout, PlaneMeans},
    regions::{self, Region},
};

/// The number of frames in half a window. Windows overlap by half.
const HALF: usize = 15;

/// The worst region of a plane in the mean over a window of frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lasting {
    /// y, u, v, r, g, b or a.
    pub plane: char,
    /// The first and the last frame of the window, from 0.
    pub frames: (u64, u64),
    /// The region, with its mean difference and what a mean may differ, in the unit of a single frame's region.
    pub region: Region,
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
}

/// The sums of some frames' blocks.
#[derive(Debug, Default)]
struct Half {
    frames: usize,
    planes: Vec<PlaneMeans>,
}

impl Watch {
    /// For pictures of this layout.
    pub fn new(layout: &Layout) -> Self {
        Self { layout: layout.clone(), found: Vec::new(), before: None, current: Half::default(), next: 0 }
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: &FrameMeans) {
        self.current.add(1, &frame.0);
        self.next += 1;
        if self.current.frames == HALF {
            let half = std::mem::take(&mut self.current);
            if let Some(before) = self.before.take() {
                self.compare(before, &half);
            }
            self.before = Some(half);
        }
    }

    /// The worst region of each plane in each window. The last window, and that of a shorter video, may be shorter.
    pub fn finish(mut self) -> Vec<Lasting> {
        let current = std::mem::take(&mut self.current);
        if current.frames > 0 || self.found.is_empty() {
            let before = self.before.take().unwrap_or_default();
            self.compare(before, &current);
        }
        self.found
    }

    fn compare(&mut self, mut window: Half, half: &Half) {
        window.add(half.frames, &half.planes);
        if window.frames == 0 {
            return;
        }
        let count = window.frames as f32;
        let means = window.planes.iter().map(|plane| {
            let mean = |of: &[f32]| of.iter().map(|sum| sum / count).collect();
            PlaneMeans { render: mean(&plane.render), baseline: mean(&plane.baseline), error: Vec::new() }
        });
        let frames = ((self.next - window.frames) as u64, self.next as u64 - 1);
        // Less noise averages out in a shorter window.
        let noise = ((2 * HALF) as f32 / count).sqrt().max(1.0);
        for (plane, means) in self.layout.planes.iter().zip(means) {
            let region = regions::worst_lasting(&means, noise, &self.layout, plane);
            self.found.push(Lasting { plane: plane.name, frames, region });
        }
    }
}

impl Half {
    fn add(&mut self, frames: usize, planes: &[PlaneMeans]) {
        self.frames += frames;
        if self.planes.is_empty() {
            let without_error = |plane: &PlaneMeans| PlaneMeans {
                render: plane.render.clone(),
                baseline: plane.baseline.clone(),
                error: Vec::new(),
            };
            self.planes = planes.iter().map(without_error).collect();
            return;
        }
        let add = |sums: &mut [f32], values: &[f32]| sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        for (sums, plane) in self.planes.iter_mut().zip(planes) {
            add(&mut sums.render, &plane.render);
            add(&mut sums.baseline, &plane.baseline);
        }
    }
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
            watch.push(&FrameMeans(vec![PlaneMeans { render, baseline: vec![100.0; 240], error: vec![] }]));
        }
        watch.finish()
    }

    #[test]
    fn windows_overlap_and_cover_all_frames() {
        let of = |frames: usize| windows(frames, |_, _| 0.0).iter().map(|found| found.frames).collect::<Vec<_>>();
        assert_eq!(of(0), []);
        assert_eq!(of(1), [(0, 0)]);
        assert_eq!(of(15), [(0, 14)]);
        assert_eq!(of(17), [(0, 16)]);
        assert_eq!(of(30), [(0, 29)]);
        assert_eq!(of(61), [(0, 29), (15, 44), (30, 59), (45, 60)]);
    }

    #[test]
    fn what_stays_counts_more_than_what_changes() {
        let worst = |of: &[Lasting]| of.iter().map(|found| found.region.severity()).fold(0.0, f32::max);
        let in_square = |block: usize| (4..8).contains(&(block % 20)) && (2..6).contains(&(block / 20));
        let stays = windows(60, |_, block| if in_square(block) { 1.2 } else { 0.0 });
        assert!((worst(&stays) - 2.0).abs() < 1e-3, "{stays:?}");
        assert_eq!(stays[0].region.pixels, [32, 16, 32, 32]);
        let changes = windows(60, |frame, _| if frame % 2 == 0 { 3.0 } else { -3.0 });
        assert!(worst(&changes) < 0.01, "{changes:?}");
        let short = windows(5, |_, block| if in_square(block) { 1.2 } else { 0.0 });
        assert!((worst(&short) - 2.0 / 6f32.sqrt()).abs() < 1e-3, "{short:?}");
    }
}
