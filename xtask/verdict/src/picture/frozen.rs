//! Frozen chunks: chunks with the same frames although the baseline changes between them.

use std::collections::BTreeMap;

use crate::{
    decibels::Level,
    finding::{Finding, Place},
    gates::FROZEN_CHUNKS,
    picture::{hashes::FrameHashes, psnr::VideoPsnr},
};

/// Codec noise varies a little from stretch to stretch, dB.
const STILL_MARGIN_DB: f64 = 1.0;

/// Differences above this level are invisible, dB. A codec may drop them, while a lossless or nearly perfect
/// render has them at any level.
const SEEN_DB: f64 = 60.0;

/// A render's frames, cut into chunks.
#[derive(Debug, Clone, Copy)]
pub struct Chunks<'a> {
    /// The hashes of its frames.
    pub hashes: &'a FrameHashes,
    /// Its PSNR against the baseline.
    pub psnr: &'a VideoPsnr,
    /// Frames per chunk.
    pub frames: u64,
}

/// Pairs of chunks with the same frames, all at the same distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPairs {
    /// The first chunk of each pair, from 0, in order.
    pub firsts: Vec<u64>,
    /// The distance to the second one, in chunks.
    pub distance: u64,
}

impl Chunks<'_> {
    /// The pairs to check, nearest first: each chunk with the next one that has the same frames, and the first
    /// with the last of three or more, because small steps add up. A shorter rest at the end is not a chunk.
    pub fn pairs(&self) -> Vec<ChunkPairs> {
        let mut by_distance: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for alike in self.hashes.equal_stretches(self.frames as usize) {
            let next = alike.windows(2).map(|two| (two[0], two[1]));
            let ends = (alike.len() > 2).then(|| (alike[0], alike[alike.len() - 1]));
            for (first, second) in next.chain(ends) {
                by_distance.entry((second - first) as u64).or_default().push(first as u64);
            }
        }
        let pairs = |(distance, mut firsts): (u64, Vec<u64>)| {
            firsts.sort_unstable();
            ChunkPairs { firsts, distance }
        };
        by_distance.into_iter().map(pairs).collect()
    }

    /// The finding for the first pair between which the baseline changes, given the PSNR between the baseline's
    /// stretches at each pair.
    ///
    /// Two stretches of a still baseline differ only by codec noise, of the size that the render itself has: the
    /// better chunk's PSNR against the baseline. All of these are PSNRs of mean squared errors.
    pub fn frozen(&self, pairs: &ChunkPairs, baseline: &[Level]) -> Option<Finding> {
        let noise_db = |chunk: u64| match self.psnr.from_mean_mse_of(chunk * self.frames, self.frames) {
            Level::Identical => SEEN_DB,
            Level::Db(db) => (db - STILL_MARGIN_DB).min(SEEN_DB),
        };
        pairs.firsts.iter().zip(baseline).find_map(|(&first, &baseline)| {
            let second = first + pairs.distance;
            let still_db = noise_db(first).max(noise_db(second));
            // Written so that NaN counts as a change.
            let still = matches!(baseline, Level::Identical) || matches!(baseline, Level::Db(db) if db >= still_db);
            (!still).then(|| frozen((first, second), baseline, still_db))
        })
    }
}

fn frozen(chunks: (u64, u64), baseline: Level, still_db: f64) -> Finding {
    let (a, b) = chunks;
    let message = format!(
        "the render is frozen: chunks {a} and {b} have the same frames, but the baseline changes between them \
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

    fn pairs(frames: &str, of_chunk: u64) -> Vec<(Vec<u64>, u64)> {
        let (hashes, psnr) = (hashes(frames), psnr(&[40.0]));
        let found = Chunks { hashes: &hashes, psnr: &psnr, frames: of_chunk }.pairs();
        found.into_iter().map(|pairs| (pairs.firsts, pairs.distance)).collect()
    }

    #[test]
    fn every_chunk_is_paired_with_the_next_equal_one() {
        assert_eq!(pairs("abcdef01", 2), []);
        assert_eq!(pairs("ababcdcd", 2), [(vec![0, 2], 1)]);
        assert_eq!(pairs("abcdabef", 2), [(vec![0], 2)]);
    }

    #[test]
    fn the_first_and_the_last_equal_chunk_are_paired_too() {
        assert_eq!(pairs("aaaa", 1), [(vec![0, 1, 2], 1), (vec![0], 3)]);
        assert_eq!(pairs("abaca", 1), [(vec![0, 2], 2), (vec![0], 4)]);
    }

    #[test]
    fn a_shorter_last_chunk_is_not_paired() {
        assert_eq!(pairs("aba", 2), []);
    }

    #[test]
    fn a_render_is_frozen_if_its_baseline_changes() {
        let (hashes, psnr) = (hashes("ababcdcd"), psnr(&[45.0, 45.0, 46.0, 46.0, 45.0, 45.0, 43.0, 43.0]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let pairs = ChunkPairs { firsts: vec![0, 2], distance: 1 };
        let frozen = |of_first, of_second| chunks.frozen(&pairs, &[of_first, of_second]);
        // The better one of the first pair has 46 dB, that of the second pair 45.
        assert_eq!(frozen(Level::Db(45.0), Level::Identical), None);
        let still_db = 45.0;
        let found = super::frozen((0, 1), Level::Db(44.9), still_db);
        assert_eq!(frozen(Level::Db(44.9), Level::Db(20.0)), Some(found));
        // A still baseline at the first pair says nothing about the second one.
        let found = super::frozen((2, 3), Level::Db(43.9), 44.0);
        assert_eq!(frozen(Level::Identical, Level::Db(43.9)), Some(found));
    }

    #[test]
    fn invisible_differences_are_not_changes() {
        let (hashes, psnr) = (hashes("abab"), psnr(&[f64::INFINITY; 4]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let pairs = ChunkPairs { firsts: vec![0], distance: 1 };
        let frozen = |of_baseline: f64| chunks.frozen(&pairs, &[Level::Db(of_baseline)]);
        for db in [75.0, 60.0] {
            assert_eq!(frozen(db), None);
        }
        for db in [59.9, 45.0] {
            assert_eq!(frozen(db), Some(super::frozen((0, 1), Level::Db(db), 60.0)));
        }
        assert!(frozen(f64::NAN).is_some());
    }

    #[test]
    fn both_levels_come_from_the_mean_error() {
        // Every other frame is identical: 43.0 dB from the error, 70 from the levels.
        let (hashes, psnr) = (hashes("abab"), psnr(&[40.0, f64::INFINITY, 40.0, f64::INFINITY]));
        let chunks = Chunks { hashes: &hashes, psnr: &psnr, frames: 2 };
        let frozen = |db| chunks.frozen(&ChunkPairs { firsts: vec![0], distance: 1 }, &[Level::Db(db)]);
        assert_eq!(frozen(42.1), None);
        assert!(frozen(42.0).is_some());
    }
}
