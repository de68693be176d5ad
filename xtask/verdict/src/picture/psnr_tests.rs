use proptest::prelude::*;

use super::*;

fn stats(levels: &[&str]) -> String {
    let line = |(i, l): (usize, &&str)| {
        format!("n:{} mse_avg:1.0 mse_y:1.0 psnr_avg:{l} psnr_y:{l} psnr_u:60.00 psnr_v:inf \n", i + 1)
    };
    levels.iter().enumerate().map(line).collect()
}

fn summary(levels: &[&str]) -> VideoPsnr {
    VideoPsnr::of(&frames(&stats(levels)).unwrap()).unwrap()
}

#[test]
fn means_planes_and_worst() {
    let found = summary(&["50.0", "5.0", "41.0"]);
    assert_eq!((found.mean_db, found.worst, found.worst_frame), (32.0, Level::Db(5.0), 1));
    let planes: Vec<(char, f64)> = found.planes.iter().map(|p| (p.plane, p.mean_db)).collect();
    assert_eq!(planes, [('y', 32.0), ('u', 60.0), ('v', 100.0)]);
}

#[test]
fn identical_files_are_identical_not_zero() {
    let found = summary(&["inf", "inf"]);
    assert_eq!((found.mean_db, found.from_mean_mse, found.identical_frames), (100.0, Level::Identical, 2));
    assert_eq!((found.worst, found.percentile_1), (Level::Identical, Level::Identical));
}

#[test]
fn an_identical_frame_counts_as_100_db() {
    assert_eq!(summary(&["inf", "20.0", "30.0"]).mean_db, 50.0);
    assert_eq!(summary(&["inf", "101.5"]).mean_db, 100.0);
}

#[test]
fn the_mean_of_the_errors_is_ffmpegs_summary() {
    // 20 dB is an error of 0.01 of the peak's square; an identical frame has none.
    assert_eq!(summary(&["inf", "20.0"]).from_mean_mse, Level::Db(-10.0 * 0.005f64.log10()));
    let Level::Db(db) = summary(&["40.0", "40.0", "30.0"]).from_mean_mse else { panic!("finite") };
    assert!((db - 33.979).abs() < 0.001, "{db}");
}

#[test]
fn a_good_rest_does_not_hide_the_worst_stretch() {
    let levels: Vec<&str> = [["inf"; 30], ["32.0"; 30]].concat();
    let found = summary(&levels);
    assert!(found.mean_db > 60.0);
    let (start, level) = worst_stretch(&found.levels, 30);
    let Level::Db(db) = level else { panic!("finite") };
    assert!(start == 30 && (db - 32.0).abs() < 1e-9, "{start} {db}");
    assert_eq!(worst_stretch(&[Level::Identical; 5], 30), (0, Level::Identical));
    assert_eq!(worst_stretch(&[Level::Db(40.0), Level::Db(20.0)], 1).0, 1);
}

#[test]
fn a_stretch_has_the_requested_length_and_is_the_first_of_equals() {
    let levels = [50.0, 20.0, 50.0, 30.0, 30.0, 30.0].map(Level::Db);
    // One frame of 20 dB has a greater error than three of 30.
    for (frames, start, error) in [(1, 1, 1e-2), (2, 0, (1e-5 + 1e-2) / 2.0), (3, 1, (1e-2 + 1e-5 + 1e-3) / 3.0)] {
        let (at, Level::Db(db)) = worst_stretch(&levels, frames) else { panic!("finite") };
        assert!(at == start && (db + 10.0 * f64::log10(error)).abs() < 1e-9, "{frames}: {at} {db}");
    }
    assert_eq!(worst_stretch(&[Level::Db(30.0); 9], 3).0, 0);
    // Rounding leaves no error in a second that has none.
    assert_eq!(worst_stretch(&[Level::Identical, Level::Db(119.9)], 1).0, 1);
    assert_eq!(worst_stretch(&[Level::Db(121.0)], 1), (0, Level::Identical));
    assert!(matches!(worst_stretch(&[Level::Db(119.0)], 1), (0, Level::Db(db)) if (db - 119.0).abs() < 1e-6));
}

#[test]
fn stretches_have_their_own_mean_and_frames_below_a_limit_are_counted() {
    let found = summary(&["50.0", "20.0", "30.0", "inf"]);
    for (start, frames, error) in [(0, 2, (1e-5 + 1e-2) / 2.0), (1, 2, (1e-2 + 1e-3) / 2.0), (2, 9, 1e-3 / 2.0)] {
        let Level::Db(db) = found.from_mean_mse_of(start, frames) else { panic!("finite") };
        assert!((db + 10.0 * f64::log10(error)).abs() < 1e-9, "{start}, {frames}: {db}");
    }
    assert_eq!(found.from_mean_mse_of(3, 1), Level::Identical);
    assert!(matches!(found.from_mean_mse_of(4, 1), Level::Db(db) if db.is_nan()));
    let below = |limit: f64| found.frames_below(Decibels::new(limit).unwrap());
    assert_eq!([below(20.0), below(20.1), below(31.0), below(99.0)], [0, 1, 2, 3]);
}

#[test]
fn the_first_percentile_is_by_nearest_rank() {
    let levels: Vec<String> = (1..=250).rev().map(|n| format!("{}.0", n)).collect();
    let found = summary(&levels.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((found.percentile_1, found.worst), (Level::Db(3.0), Level::Db(1.0)));
    assert_eq!(summary(&["41.0", "42.0"]).percentile_1, Level::Db(41.0));
}

#[test]
fn rgb_and_alpha_planes_have_their_names() {
    let line = "n:1 mse_avg:1 psnr_avg:40.1 psnr_r:41 psnr_g:42 psnr_b:43 psnr_a:inf";
    let found = VideoPsnr::of(&frames(line).unwrap()).unwrap();
    assert_eq!(found.planes.iter().map(|p| p.plane).collect::<String>(), "rgba");
}

#[test]
fn incomplete_statistics_are_errors() {
    for stats in [
        "",
        "n:1 psnr_avg:40 psnr_y:40\nn:3 psnr_avg:40 psnr_y:40\n",
        "n:1 psnr_y:40\n",
        "n:1 psnr_avg:40\n",
        "n:1 psnr_avg:nan psnr_y:40\n",
        "n:1 psnr_avg:-inf psnr_y:40\n",
        "n:1 psnr_avg:-4000 psnr_y:40\n",
        "n:1 psnr_avg:40 psnr_y:1e308\n",
        "psnr_avg:40 psnr_y:40\n",
        "n:1 psnr_avg:40 psnr_y:40\nn:2 psnr_avg:40 psnr_r:40\n",
    ] {
        assert!(frames(stats).is_err(), "{stats:?} was accepted");
    }
}

fn own(all: &[f64]) -> Vec<FramePsnr> {
    all.iter().map(|db| FramePsnr { all: Level::Db(*db), planes: vec![('y', Level::Db(*db))] }).collect()
}

fn against(levels: &[(u64, f64)]) -> Neighbors {
    levels.iter().map(|(frame, db)| (*frame, Level::Db(*db))).collect()
}

const LEAST_DB: f64 = 40.0;

fn misplaced_of(own: &[FramePsnr], before: &Neighbors, after: &Neighbors) -> anyhow::Result<Vec<(u64, u64)>> {
    let found = misplaced(own, before, after, Decibels::new(LEAST_DB).unwrap())?;
    Ok(found.iter().map(|m| (m.frame, m.shows)).collect())
}

#[test]
fn a_frame_that_matches_its_neighbor_is_misplaced() {
    let levels = own(&[45.0, 33.0, 34.0]);
    let found = misplaced_of(&levels, &against(&[(1, 46.0), (2, 41.0)]), &against(&[(1, 30.0)]));
    assert_eq!(found.unwrap(), [(1, 0), (2, 1)]);
    // The frames of a still picture match each other.
    let still = misplaced_of(&own(&[39.0; 3]), &against(&[(1, 43.0), (2, 43.0)]), &against(&[(0, 45.0), (1, 45.0)]));
    assert_eq!(still.unwrap(), []);
    // Exactly at the margin, in either direction, it is not misplaced; beyond it is.
    let middle = own(&[45.0, 30.0, 45.0]);
    for (before, after, expected) in
        [(36.0, 36.0, vec![]), (36.1, 36.0, vec![(1, 0)]), (36.0, 36.1, vec![(1, 2)]), (37.0, 36.5, vec![(1, 0)])]
    {
        let found = misplaced_of(&middle, &against(&[(1, before)]), &against(&[(1, after)]));
        assert_eq!(found.unwrap(), expected, "{before} {after}");
    }
    // A single frame has no neighbors.
    assert_eq!(misplaced_of(&own(&[10.0]), &against(&[]), &against(&[])).unwrap(), []);
}

#[test]
fn only_frames_below_the_threshold_need_neighbors() {
    let none = against(&[]);
    assert_eq!(misplaced_of(&own(&[LEAST_DB, 41.0, 99.0]), &none, &none).unwrap(), []);
    let (before, after) = (against(&[(1, 20.0)]), against(&[(1, 20.0)]));
    let low = own(&[41.0, 39.99, 41.0]);
    assert_eq!(misplaced_of(&low, &before, &after).unwrap(), []);
    for (before, after) in [(&none, &after), (&before, &none)] {
        let error = misplaced_of(&low, before, after).unwrap_err().to_string();
        assert!(error.contains("frame 1 was not compared with the one"), "{error}");
    }
}

#[test]
fn neighbors_are_read_by_index() {
    let printed = "frame:0    pts:7       pts_time:0.233333\nlavfi.psnr.psnr_avg=31.720709\n\
        frame:1    pts:15      pts_time:0.5\nlavfi.psnr.psnr_avg=inf\n";
    assert_eq!(neighbors(printed).unwrap(), [(7, Level::Db(31.720_709)), (15, Level::Identical)].into());
    assert_eq!(neighbors("").unwrap(), Neighbors::new());
    for broken in ["frame:0 pts:7\n", "frame:0\nlavfi.psnr.psnr_avg=1\n", "frame:0 pts:7\nlavfi.psnr.psnr_avg=nan\n"] {
        assert!(neighbors(broken).is_err(), "{broken:?} was accepted");
    }
}

proptest! {
    #[test]
    fn the_mean_lies_between_worst_and_best(levels in proptest::collection::vec(0.0f64..100.0, 1..50)) {
        let text: Vec<String> = levels.iter().map(|l| format!("{l:.6}")).collect();
        let found = summary(&text.iter().map(String::as_str).collect::<Vec<_>>());
        let best = levels.iter().copied().fold(f64::MIN, f64::max);
        let Level::Db(worst) = found.worst else { panic!("finite") };
        prop_assert!(worst <= found.mean_db + 1e-5 && found.mean_db <= best + 1e-5);
        let Level::Db(of_errors) = found.from_mean_mse else { panic!("finite") };
        prop_assert!(of_errors <= found.mean_db + 1e-5, "errors weigh more than levels");
    }

    #[test]
    fn a_frame_that_becomes_identical_never_lowers_the_mean(
        levels in proptest::collection::vec(0.0f64..120.0, 2..50), which in any::<prop::sample::Index>(),
    ) {
        let mut text: Vec<String> = levels.iter().map(|l| format!("{l:.6}")).collect();
        let before = summary(&text.iter().map(String::as_str).collect::<Vec<_>>()).mean_db;
        let which = which.index(text.len());
        text[which] = "inf".to_owned();
        let after = summary(&text.iter().map(String::as_str).collect::<Vec<_>>()).mean_db;
        prop_assert!(after >= before - 1e-9);
    }

    #[test]
    fn any_number_of_identical_frames_is_100_db(count in 1usize..100) {
        let found = summary(&vec!["inf"; count]);
        prop_assert_eq!((found.mean_db, found.from_mean_mse, found.worst_frame), (100.0, Level::Identical, 0));
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(n:[0-9]{1,2} )?(psnr_(avg|y|):(inf|-?[0-9.]{0,4}|.) ?){0,4}.{0,20}\n?") {
        let _ = frames(&text);
        let _ = neighbors(&text);
    }
}
