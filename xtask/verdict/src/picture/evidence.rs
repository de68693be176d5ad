//! How a render's difference from its baseline (r) follows the change that a shift would make (s), in time or in space.

use crate::picture::{
    blocks::{PlaneLayout, PlaneMeans, SIDE},
    regions::is_chroma,
};

/// The side of a tile, in blocks.
pub(crate) const TILE: usize = 4;

/// A block that would change by more than this, in levels, counts no more than one that would change by it: a cut must
/// not outweigh everything else.
const FULL: f32 = 16.0;

/// A block that differs by more than so many times its change shows something else.
const FARTHEST: f32 = 2.0;

/// By how much, in levels, an encoder may hold back a slow change, in all blocks alike.
const HELD_BACK: f32 = 0.4;

/// Chroma is encoded in coarser steps, and a slow change of less than such a step is never caught up with: HEVC at the
/// quality of the handler left chroma that changed by 1.1 levels in 8 frames 0.8 levels behind for a whole video.
const HELD_BACK_IN_CHROMA: f32 = 4.0 * HELD_BACK;

/// Over more frames than this, such errors of luma cancel out over a picture: what is held back is caught up with.
pub(crate) const HELD_FOR: f32 = 4.0;

/// By how many levels a whole plane may differ, which is no shift of what becomes brighter or darker: an encoder rounds the
/// means of all blocks alike. ProRes at another quality has 0.15.
const TONE: f32 = 0.25;

/// How many standard deviations of a shift in space, by what its lines of tiles differ, are not evidence; and by how many
/// levels a line, in which an encoder may choose the same for all blocks, can be off at least.
const DEVIATIONS_OF_LINES: f32 = 2.0;
const LEAST_OF_LINES: f32 = 0.4;

/// Sums over the blocks that would change.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Evidence {
    /// Of the products r s.
    pub product: f32,
    /// Of the squares of s.
    pub square: f32,
    /// Of the absolute values of s.
    pub size: f32,
    /// Of the squares of r, less a level of noise.
    pub difference: f32,
}

impl Evidence {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            product: self.product + other.product,
            square: self.square + other.square,
            size: self.size + other.size,
            difference: self.difference + other.difference,
        }
    }

    /// The same with less weight, if it has more than this sum of squares.
    pub(crate) fn at_most(self, square: f32) -> Self {
        let weight = square / self.square.max(square);
        Self {
            product: self.product * weight,
            square: self.square * weight,
            size: self.size * weight,
            difference: self.difference * weight,
        }
    }

    /// The evidence of a whole plane without what another tone of it explains: so many levels in the mean over its blocks,
    /// where the shift changes the sum of their means by so much.
    pub(crate) fn without_tone(self, tone: f32, change: f32) -> Self {
        Self { product: self.product - tone.clamp(-TONE, TONE) * change.clamp(-self.size, self.size), ..self }
    }

    /// Which part of the shift explains the difference best.
    pub(crate) fn part(self) -> f32 {
        self.product / self.square
    }

    /// How much more the blocks differ, in parts of their changes, than by what they have in common.
    pub(crate) fn spread(self) -> f32 {
        (self.difference / self.square - self.part().powi(2)).max(0.0)
    }

    /// What of a part of a shift can be noise: so many levels in each block, independently of each other, and what an
    /// encoder holds back in `frames` frames.
    pub(crate) fn noise(self, levels: f32, plane: char, frames: f32) -> f32 {
        let held_back = match is_chroma(plane) {
            true => HELD_BACK_IN_CHROMA,
            false => HELD_BACK * (HELD_FOR / frames).min(1.0),
        };
        levels / self.square.sqrt() + held_back * self.size / self.square
    }
}

/// The evidence in each tile of a plane that the render shows `shifted` instead of its baseline, by the blocks that
/// would change by more than `moving` levels.
pub(crate) fn of_tiles(own: &PlaneMeans, shifted: &[f32], moving: f32, plane: &PlaneLayout) -> Vec<Evidence> {
    let columns = plane.columns.max(1);
    let mut tiles = Vec::with_capacity(columns.div_ceil(TILE) * plane.rows.div_ceil(TILE));
    let mut sums: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; columns]);
    let rows_of_tiles = [&own.render, &own.baseline, shifted].map(|means| means.chunks(columns * TILE));
    let [renders, baselines, shifted] = rows_of_tiles;
    for ((render, baseline), shifted) in renders.zip(baselines).zip(shifted) {
        sums.iter_mut().for_each(|sums| sums.fill(0.0));
        let rows = render.chunks(columns).zip(baseline.chunks(columns)).zip(shifted.chunks(columns));
        rows.for_each(|((render, baseline), shifted)| add_row(&mut sums, render, baseline, shifted, moving));
        let [products, squares, sizes, differences] = sums.each_ref().map(|sums| sums.chunks(TILE));
        for (((product, square), size), difference) in products.zip(squares).zip(sizes).zip(differences) {
            let [product, square, size, difference] = [product, square, size, difference].map(sum_of_tile);
            tiles.push(Evidence { product, square, size, difference });
        }
    }
    tiles
}

fn sum_of_tile(columns: &[f32]) -> f32 {
    match columns.first_chunk::<TILE>() {
        Some([first, second, third, fourth]) => (first + second) + (third + fourth),
        // At the edge.
        None => columns.iter().sum(),
    }
}

/// Adds a row of blocks to the sums of each column, in a loop in which a processor takes several at a time.
fn add_row(sums: &mut [Vec<f32>; 4], render: &[f32], baseline: &[f32], shifted: &[f32], moving: f32) {
    let all = render.len();
    let [products, squares, all_sizes, differences] = sums.each_mut().map(|sums| &mut sums[..all]);
    let (baseline, shifted) = (&baseline[..all], &shifted[..all]);
    for i in 0..all {
        let (difference, change) = (render[i] - baseline[i], shifted[i] - baseline[i]);
        let size = change.abs();
        let weight = if size < moving { 0.0 } else { (FULL / size.max(FULL)).powi(2) };
        // As clamp does, whose check would keep a processor from it.
        let difference = difference.max(-FARTHEST * size).min(FARTHEST * size);
        products[i] += weight * difference * change;
        squares[i] += weight * change * change;
        all_sizes[i] += weight * size;
        differences[i] += weight * (difference * difference - 1.0);
    }
}

/// All tiles of a plane that may stand aside along the `lines` to which they belong, and what of its shift can be noise.
///
/// Content that a line has in common, such as an edge across the picture, is encoded alike in all of its tiles and
/// frames. So the lines, not their blocks, count as independent of each other: the noise follows from how much the shift
/// would differ without each of them, and is at least what lines of so few levels can be off by chance.
pub(crate) fn of_plane(tiles: &[Evidence], lines: impl Iterator<Item = usize>) -> (Evidence, f32) {
    let mut of_lines = vec![Evidence::default(); tiles.len()];
    for (tile, line) in tiles.iter().zip(lines) {
        of_lines[line] = of_lines[line].and(*tile);
    }
    let all = of_lines.iter().fold(Evidence::default(), |sum, line| sum.and(*line));
    let (mut differences, mut squares) = (0.0, 0.0);
    for line in &of_lines {
        let others = (1.0 - line.square / all.square).max(f32::EPSILON);
        differences += ((line.product - all.part() * line.square) / others).powi(2);
        squares += line.square.powi(2);
    }
    let least = LEAST_OF_LINES * all.size / all.square * squares.sqrt();
    (all, (DEVIATIONS_OF_LINES * differences.sqrt()).max(least) / all.square)
}

/// What the means of a plane would be if it were a sample farther to the right, or down by one: each block gets an
/// eighth of its neighbor's place. Nothing is known of the blocks at the edge.
pub(crate) fn moved(means: &[f32], plane: &PlaneLayout) -> [Vec<f32>; 2] {
    const PER_SAMPLE: f32 = 0.5 / SIDE as f32;
    let along = |distance: usize| -> Vec<f32> {
        let mut moved = means.to_vec();
        if let (Some(after), Some(within)) =
            (means.get(2 * distance..), moved.get_mut(distance..means.len().saturating_sub(distance)))
        {
            for ((own, before), after) in within.iter_mut().zip(means).zip(after) {
                *own += (before - after) * PER_SAMPLE;
            }
        }
        moved
    };
    let [mut right, down] = [along(1), along(plane.columns)];
    for (row, of_baseline) in right.chunks_mut(plane.columns).zip(means.chunks(plane.columns)) {
        (row[0], row[plane.columns - 1]) = (of_baseline[0], of_baseline[plane.columns - 1]);
    }
    [right, down]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANE: PlaneLayout = PlaneLayout { name: 'y', columns: 10, rows: 6 };

    fn evidence(render: impl Fn(usize) -> f32, shifted: impl Fn(usize) -> f32) -> Vec<Evidence> {
        let of = |level: &dyn Fn(usize) -> f32| (0..60).map(level).collect::<Vec<f32>>();
        let own = PlaneMeans { render: of(&render), baseline: vec![100.0; 60], error: vec![], square: vec![] };
        of_tiles(&own, &of(&shifted), 1.0, &PLANE)
    }

    #[test]
    fn each_tile_has_its_own_evidence() {
        // The last column of tiles has two columns of blocks, and the last row two rows.
        let found = evidence(|_| 102.0, |_| 104.0);
        assert_eq!(found.len(), 6);
        assert_eq!([0, 2, 3, 5].map(|tile| found[tile].square), [16.0 * 16.0, 8.0 * 16.0, 8.0 * 16.0, 4.0 * 16.0]);
        assert!(found.iter().all(|tile| tile.part() == 0.5 && tile.spread() == 0.0), "{found:?}");
        let one = evidence(|i| if i == 15 { 104.0 } else { 100.0 }, |i| if i == 15 { 104.0 } else { 100.0 });
        assert_eq!(one.iter().map(|tile| tile.product).collect::<Vec<_>>(), [0.0, 16.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_great_change_counts_no_more_than_one_of_sixteen_levels() {
        let [great, full] = [132.0, 116.0].map(|level| evidence(|_| level, |_| level)[0].square);
        assert!((great - full).abs() < 1e-3 && full == 16.0 * 256.0, "{great} {full}");
        assert_eq!(evidence(|_| 100.9, |_| 100.9)[0], Evidence::default());
    }

    #[test]
    fn another_tone_of_what_becomes_brighter_is_no_shift() {
        let part = |render: f32, of_half: f32| {
            let shifted: Vec<f32> = (0..60).map(|i| if i % 2 == 0 { 102.0 } else { 100.0 + 2.0 * of_half }).collect();
            let own = PlaneMeans { render: vec![render; 60], baseline: vec![100.0; 60], error: vec![], square: vec![] };
            let tiles = of_tiles(&own, &shifted, 1.0, &PLANE);
            let all = tiles.into_iter().fold(Evidence::default(), Evidence::and);
            let sum = |of: &[f32]| of.iter().sum::<f32>();
            all.without_tone(render - 100.0, sum(&shifted) - sum(&own.baseline)).part()
        };
        assert!(part(100.15, 1.0).abs() < 1e-4, "{}", part(100.15, 1.0));
        // Of what is half of the way late, no more than a quarter of a level is subtracted.
        assert!((part(101.0, 1.0) - 0.375).abs() < 1e-4, "{}", part(101.0, 1.0));
        // Content that moves becomes as much darker elsewhere.
        assert!(part(100.15, -1.0).abs() < 1e-4, "{}", part(100.15, -1.0));
    }

    #[test]
    fn a_ramp_moves_by_its_slope() {
        let ramp: Vec<f32> = (0..60).map(|i| (16 * (i % 10) + 80 * (i / 10)) as f32).collect();
        let [right, down] = moved(&ramp, &PLANE);
        let change = |of: &[f32], i: usize| of[i] - ramp[i];
        assert_eq!([10, 11, 18, 19].map(|i| change(&right, i)), [0.0, -2.0, -2.0, 0.0]);
        assert_eq!([5, 15, 45, 55].map(|i| change(&down, i)), [0.0, -10.0, -10.0, 0.0]);
        assert_eq!(moved(&[7.0], &PlaneLayout { name: 'y', columns: 1, rows: 1 }), [vec![7.0], vec![7.0]]);
    }
}
