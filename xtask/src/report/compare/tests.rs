use crate::report::compare::regression::{MaxRegression, Standing};
use proptest::prelude::*;
use serde_json::Value;

use super::{change::Certainty, *};
use crate::report::{
    RunReport,
    files::Files,
    run_record::RunRecord,
    tests::{changed, files},
};

fn report_of(files: &Files) -> RunReport {
    RunReport::of(files).unwrap()
}

/// The eval run with the wall-clock and cost of each execution multiplied by `factor`, and `times` as many iterations.
fn eval(factor: f64, times: usize) -> RunReport {
    let mut report = report_of(&files("eval"));
    for render in &mut report.renders {
        render.row.wall_clock_ms = (render.row.wall_clock_ms as f64 * factor) as u64;
        let cost = render.row.cost.as_mut().unwrap();
        cost.usd *= factor;
    }
    let once = report.renders.clone();
    report.renders = (0..times).flat_map(|_| once.clone()).collect();
    report
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let same = SideBySide::of(&eval(1.0, 3), &eval(1.0, 3));
    assert_eq!(same.pairs.len(), 4);
    for pair in &same.pairs {
        assert_eq!(
            (pair.wall_ms.share(), pair.wall_ms.certainty.is_certain(), pair.same_frames),
            (0.0, false, Some(true))
        );
    }
    assert!(same.only_now.is_empty() && same.only_before.is_empty());
    assert_eq!(same.caveats.len(), 1, "{:?}", same.caveats);
    assert!(same.regressions("0".parse().unwrap()).is_empty());
}

#[test]
fn a_slower_run_exceeds_the_limit_and_a_faster_one_does_not() {
    let limit: MaxRegression = "10%".parse().unwrap();
    let slower = SideBySide::of(&eval(1.2, 3), &eval(1.0, 3));
    assert_eq!(slower.regressions(limit).len(), 8);
    assert_eq!(slower.regressions("20%".parse().unwrap()).len(), 0);
    let faster = SideBySide::of(&eval(1.0, 3), &eval(1.2, 3));
    assert!(faster.regressions(limit).is_empty() && faster.pairs[0].wall_ms.share() < -0.1);
    insta::assert_snapshot!(
        slower.regressions(limit)[..2].iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn what_may_be_chance_is_undecided_and_picture_and_sound_are_not_chance() {
    let limit: MaxRegression = "10%".parse().unwrap();
    let smoke = || report_of(&files("smoke"));
    let with = |change: fn(&mut Value)| {
        let mut report = report_of(&changed("smoke", "results.json", |rows| {
            rows.as_array_mut().unwrap().iter_mut().for_each(change);
        }));
        (report.run.exit_code, report.run.verdict, report.run.failure) = (Some(0), None, None);
        report
    };
    let good = with(|_| {});
    let of = |now: &RunReport| {
        let gate = SideBySide::of(now, &good).held_to(limit, now).gate.unwrap();
        (gate.standing, gate.found.iter().map(ToString::to_string).collect::<Vec<_>>(), gate.text)
    };
    assert_eq!(of(&good).0, Standing::Passed);
    let (standing, _, text) = of(&with(|row| row["wallClockMs"] = 60_000.into()));
    assert_eq!(standing, Standing::Undecided);
    assert!(text.contains("about 4 iterations in each run would settle it"), "{text}");
    for (change, worse) in [
        ((|row| row["psnrAvgDb"] = (row["psnrAvgDb"].as_f64().unwrap() - 0.5).into()) as fn(&mut Value), "its PSNR"),
        (|row| row["audioResidualDbfs"] = serde_json::json!([-20.0]), "its sound"),
    ] {
        let (standing, found, _) = of(&with(change));
        assert!(standing == Standing::Failed && found.iter().any(|one| one.contains(worse)), "{worse}: {found:?}");
    }
    let mut unsound = smoke();
    unsound.run.exit_code = Some(5);
    assert_eq!(of(&unsound).0, Standing::Failed);
}

#[test]
fn a_cold_start_counts_only_where_there_is_nothing_else() {
    let with = |starts: [Start; 3], wall_ms: [u64; 3]| {
        let mut report = eval(1.0, 3);
        report.renders.retain(|render| render.label.starts_with(&eval(1.0, 1).renders[0].label));
        for ((render, start), wall_ms) in report.renders.iter_mut().zip(starts).zip(wall_ms) {
            (render.start, render.row.wall_clock_ms) = (start, wall_ms);
        }
        report
    };
    let wall = |now: &RunReport, before: &RunReport| {
        let change = SideBySide::of(now, before).pairs[0].wall_ms;
        (change.now, change.before)
    };
    let (mixed, cold) = ([Start::Cold, Start::Cold, Start::Warm], [Start::Cold; 3]);
    let (a, b) = (with(mixed, [900, 800, 500]), with(mixed, [700, 900, 600]));
    assert_eq!(wall(&b, &a), (600.0, 500.0));
    assert_eq!(wall(&b, &with(cold, [900, 800, 500])), (700.0, 800.0));
}

#[test]
fn the_sides_of_one_comparison_are_compared_iteration_by_iteration() {
    let load = [1.0, 3.0, 1.2, 2.0, 1.1, 2.6];
    let side = |name: &str, factor: f64| {
        let mut report = eval(1.0, load.len());
        report.renders.retain(|render| render.label.starts_with("mp4-h264-sdr N=1 "));
        report.renders.truncate(load.len());
        for (nth, (render, load)) in report.renders.iter_mut().zip(load).enumerate() {
            (render.key.iteration, render.start) = (Some(nth as u32), Start::Warm);
            render.row.wall_clock_ms = (1000.0 * load * factor) as u64;
        }
        report.run.side = Some(name.to_owned());
        report
    };
    let (a, b) = (side("A: x", 1.0), side("B: y", 1.3));
    let wall = |a: &RunReport| SideBySide::of(&b, a).of_sides("A: x", "B: y");
    let said = wall(&a);
    assert!(said.pairs[0].wall_ms.certainty.is_certain(), "{said}");
    assert!(said.to_string().contains("note: mp4-h264-sdr N=1: B is slower: "), "{said}");
    // A difference of 1 % drowns in the load of each side, and shows in the pairs.
    let (close, jitter) = (side("B: y", 1.01), [-30, -29, 40, 22, -16, 11]);
    let mut close = close;
    for (render, jitter) in close.renders.iter_mut().zip(jitter) {
        render.row.wall_clock_ms = render.row.wall_clock_ms.saturating_add_signed(jitter);
    }
    let settled_by = |a: &RunReport| SideBySide::of(&close, a).pairs[0].wall_ms.settled_by;
    assert!(!SideBySide::of(&close, &a).pairs[0].wall_ms.certainty.is_certain());
    assert_eq!(settled_by(&a), Some(11));
    let earlier = RunReport { run: RunRecord { side: None, ..a.run.clone() }, ..a };
    assert!(!wall(&earlier).pairs[0].wall_ms.certainty.is_certain());
    assert_eq!(settled_by(&earlier), None, "unpaired, more iterations would not settle it soon");
}

#[test]
fn certainty_depends_on_the_samples() {
    let of = |now: &[f64], before: &[f64]| Change::of(now, before).unwrap().certainty;
    let near = |around: f64, count: usize| (0..count).map(|i| around + i as f64).collect::<Vec<f64>>();
    assert_eq!(of(&[1.0], &near(2.0, 9)), Certainty::SingleSample);
    assert!(matches!(of(&near(1.0, 2), &near(9.0, 2)), Certainty::NotSignificant(_)));
    assert_eq!(of(&near(1.0, 4), &near(90.0, 4)), Certainty::Significant);
    assert!(matches!(of(&near(100.0, 4), &near(101.5, 4)), Certainty::NotSignificant(_)));
    let Certainty::Within(interval) = of(&near(200.0, 5), &near(100.0, 5)) else { panic!("no interval of 5") };
    assert!(interval.low > 1.9 && interval.high < 2.1);
    assert_eq!(Change::of(&[], &[1.0]), None);
}

#[test]
fn a_table_for_the_terminal_and_one_for_github() {
    let smoke = report_of(&files("smoke"));
    let other = report_of(&changed("smoke", "results.json", |rows| {
        let rows = rows.as_array_mut().unwrap();
        rows.remove(2);
        rows[0]["wallClockMs"] = 12_000.into();
        rows[1]["picture"]["worstFrameDb"] = "inf".into();
        rows[1]["picture"]["framesSha256"] = "other".into();
        rows[1]["psnrAvgDb"] = 50.0.into();
        rows[1]["cost"] = Value::Null;
        rows[2]["toolchain"]["ffmpeg"] = "7.0".into();
    }));
    let compared = SideBySide::of(&smoke, &other);
    insta::assert_snapshot!("terminal", compared.to_string());
    insta::assert_snapshot!("github", compared.markdown());
    let few = SideBySide::of(&eval(0.8, 3), &eval(1.0, 3));
    insta::assert_snapshot!("eval", few.to_string());
}

#[test]
fn other_differences_of_the_runs_are_listed() {
    let other = report_of(&changed("eval", "run.json", |run| {
        run["target"] = serde_json::json!({"kind": "account", "profile": null});
        run["region"] = "eu-west-1".into();
        run["gitCommit"] = "abc-dirty".into();
        run["handler"]["sha256"] = "0123456789abcdef".into();
        run["tools"]["sam"] = "SAM CLI, version 2".into();
        run["prices"]["asOf"] = "2027".into();
        run["fixtures"]["tone-and-text"]["psnrDb"] = 30.0.into();
    }));
    insta::assert_snapshot!(SideBySide::of(&eval(1.0, 1), &other).caveats.join("\n"));
    let smoke = SideBySide::of(&report_of(&files("smoke")), &other);
    assert!(smoke.pairs.is_empty() && smoke.only_now.len() == 4 && smoke.only_before.len() == 4);
    assert!(smoke.markdown().contains("Nothing was measured in both runs."));
}

#[test]
fn percentages_are_written_with_or_without_their_sign() {
    for (text, shown) in [("10%", "10 %"), ("10", "10 %"), (" 2.5 % ", "2.5 %"), ("0", "0 %")] {
        assert_eq!(text.parse::<MaxRegression>().unwrap().to_string(), shown);
    }
    assert_eq!("10%".parse::<MaxRegression>().unwrap(), "10".parse().unwrap());
    for bad in ["", "%", "ten", "-1%", "inf", "NaN", "10%%", "10 percent"] {
        assert!(bad.parse::<MaxRegression>().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn the_limit_itself_is_allowed() {
    let change = Change::of(&[11.0], &[10.0]).unwrap();
    assert!(!change.exceeds(0.1) && change.exceeds(0.0999));
    let from_nothing = Change::of(&[0.1], &[0.0]).unwrap();
    assert!(from_nothing.exceeds(1e6) && !Change::of(&[0.0], &[0.0]).unwrap().exceeds(0.0));
}

proptest! {
    #[test]
    fn what_exceeds_a_limit_exceeds_every_lower_one(now in 1.0f64..1e6, before in 1.0f64..1e6, limit in 0.0f64..2.0) {
        let change = Change::of(&[now], &[before]).unwrap();
        prop_assert!(!change.exceeds(limit) || change.exceeds(limit / 2.0));
        prop_assert!(!(change.exceeds(limit) && Change::of(&[before], &[now]).unwrap().exceeds(limit)));
    }
}
