//! Chunks that show the same frames: whether the render stood still there. Pure.

use std::collections::BTreeMap;

use crate::{
    decibels::Level,
    finding::{Finding, Place},
    gates::FROZEN_CHUNKS,
    picture::{hashes::FrameHashes, psnr::VideoPsnr},
};

/// Codec noise differs a little from stretch to stretch, dB.
const STILL_MARGIN_DB: f64 = 1.0;

/// Nothing that can be seen moves between pictures that are more alike, dB. A codec rounds such
/// differences away, and a lossless or nearly perfect render shows them at any level.
const SEEN_DB: f64 = 60.0;

/// A render whose chunks are known by their frames.
#[derive(Debug, Clone, Copy)]
pub struct Chunks<'a> {
    /// What its frames are known by.
    pub hashes: &'a FrameHashes,
    /// Against the baseline.
    pub psnr: &'a VideoPsnr,
    /// Frames a chunk.
    pub frames: u64,
}

/// Chunks at one distance from their twins, which show the same frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// The first of each two, from 0, in order.
    pub firsts: Vec<u64>,
    /// How many chunks further the second is.
    pub distance: u64,
}

impl Chunks<'_> {
    /// Whom to look at, nearest first: each chunk with the next one of the same frames, and of more
    /// than two the first with the last, as small steps add up. The rest at the end is no chunk.
    pub fn twins(&self) -> Vec<Twins> {
        let mut by_distance: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for alike in self.hashes.equal_stretches(self.frames as usize) {
            let next = alike.windows(2).map(|two| (two[0], two[1]));
            let ends = (alike.len() > 2).then(|| (alike[0], alike[alike.len() - 1]));
            for (first, second) in next.chain(ends) {
                by_distance.entry((second - first) as u64).or_default().push(first as u64);
            }
        }
        let twins = |(distance, mut firsts): (u64, Vec<u64>)| {
            firsts.sort_unstable();
            Twins { firsts, distance }
        };
        by_distance.into_iter().map(twins).collect()
    }

    /// The first of `twins` between which the baseline moves, by how alike the baseline is there.
    ///
    /// A still baseline's stretches are as alike as the codec lets them be, which is what a sound
    /// render's frames show: the better chunk's PSNR against the baseline. All of them are PSNRs of
    /// mean squared errors.
    pub fn frozen(&self, twins: &Twins, baseline: &[Level]) -> Option<Finding> {
        let of_chunk = |chunk: u64| match self.psnr.from_mean_mse_of(chunk * self.frames, self.frames) {
            Level::Identical => SEEN_DB,
            Level::Db(db) => (db - STILL_MARGIN_DB).min(SEEN_DB),
        };
        twins.firsts.iter().zip(baseline).find_map(|(&first, &baseline)| {
            let second = first + twins.distance;
            let still_db = of_chunk(first).max(of_chunk(second));
            // Written so that NaN would move.
            let still = matches!(baseline, Level::Identical) || matches!(baseline, Level::Db(db) if db >= still_db);
            (!still).then(|| frozen((first, second), baseline, still_db))
        })
    }
}

fn frozen(chunks: (u64, u64), baseline: Level, still_db: f64) -> Finding {
    let (a, b) = chunks;
    let message = format!(
        "the render is frozen: chunks {a} and {b} have the same frames, but the baseline moves between them \
         ({baseline} dB between the two stretches, {still_db:.2} dB or more when still)"
    );
    let limit = format!("{still_db:.2} dB between the baseline's stretches");
    let found = FROZEN_CHUNKS.finding(format!("chunks {a} and {b} are equal"), limit, message);
    found.at(Place { chunks: Some(chunks), ..Place::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{hashes::frames_tests::hashes, psnr::FramePsnr};

    fn psnr(levels: &[f64]) -> VideoPsnr {
        let level = |db: f64| if db.is_finite() { Level::Db(db) } else { Level::Identical };
        let frame = |&db: &f64| FramePsnr { all: level(db), planes: vec![('y', level(db))] };
        VideoPsnr::of(&levels.iter().map(frame).collect::<Vec<_>>()).unwrap()
    }

    fn twins(frames: &str, of_chunk: u64) -> Vec<(Vec<u64>, u64)> {
        let (hashes, psnr) = (hashes(frames), psnr(&[40.0]));
        let found = Chunks { hashes: &hashes, psnr: &psnr, frames: of_chunk }.twins();
        found.into_iter().map(|twins| (twins.firsts, twins.distance)).collect()
    }

    #[test]
    fn every_chunk_is_held_against_the_next_of_its_frames() {
        assert_eq!(twins("abcdef01", 2), []);
        assert_eq!(twins("ababcdcd", 2), [(vec![0, 2], 1)]);
        assert_eq!(twins("abcdabef", 2), [(vec![0], 2)]);
    }

    #[test]
    fn of_many_the_ends_are_held_against_each_other_too() {
        assert_eq!(twins("aaaa", 1), [(vec![0, 1, 2], 1), (vec![0], 3)]);
        assert_eq!(twins("abaca", 1), [(vec![0, 2], 2), (vec![0], 4)]);
    }

    #[test]
    fn a_rest_is_no_chunk() {
        assert_eq!(twins("aba", 2), []);
    }

    #[test]
    fn a_render_stands_still_where_its_baseline_moves() {
        let (hashes, psnr) = (hashes("ababcdcd"), psnr(&[45.0, 45.0, 46.0, 46.0, 45.0, 45.0, 43.0, 43.0]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let twins = Twins { firsts: vec![0, 2], distance: 1 };
        let frozen = |of_first, of_second| chunks.frozen(&twins, &[of_first, of_second]);
        // The better of the first two is at 46 dB, of the others at 45.
        assert_eq!(frozen(Level::Db(45.0), Level::Identical), None);
        let still_db = 45.0;
        let found = super::frozen((0, 1), Level::Db(44.9), still_db);
        assert_eq!(frozen(Level::Db(44.9), Level::Db(20.0)), Some(found));
        // That the first two stand still in the baseline too says nothing of the others.
        let found = super::frozen((2, 3), Level::Db(43.9), 44.0);
        assert_eq!(frozen(Level::Identical, Level::Db(43.9)), Some(found));
    }
    #[test]
    fn what_nobody_sees_does_not_move() {
        let (hashes, psnr) = (hashes("abab"), psnr(&[f64::INFINITY; 4]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let twins = Twins { firsts: vec![0], distance: 1 };
        let frozen = |of_baseline: f64| chunks.frozen(&twins, &[Level::Db(of_baseline)]);
        for db in [75.0, 60.0] {
            assert_eq!(frozen(db), None);
        }
        for db in [59.9, 45.0] {
            assert_eq!(frozen(db), Some(super::frozen((0, 1), Level::Db(db), 60.0)));
        }
        assert!(frozen(f64::NAN).is_some());
    }

    #[test]
    fn both_sides_are_of_the_mean_error() {
        // One frame in two is the baseline's: 43.0 dB by the error, 70 by the levels.
        let (hashes, psnr) = (hashes("abab"), psnr(&[40.0, f64::INFINITY, 40.0, f64::INFINITY]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let frozen = |db| chunks.frozen(&Twins { firsts: vec![0], distance: 1 }, &[Level::Db(db)]);
        assert_eq!(frozen(42.1), None);
        assert!(frozen(42.0).is_some());
    }
}
