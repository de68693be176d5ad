use serde_json::Value;

use super::*;

/// Artifacts of real runs, of tests/data/artifacts: `smoke`, `eval` or `eval-sweep`.
pub(crate) fn files(name: &str) -> Files {
    let dir = std::path::PathBuf::from(format!("{}/tests/data/artifacts/{name}", env!("CARGO_MANIFEST_DIR")));
    let mut files = Files::default();
    for folder in ["", "renders/"] {
        for entry in std::fs::read_dir(dir.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = format!("{folder}{}", path.file_name().unwrap().to_str().unwrap());
                files.add(name, Some(std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// The same with a JSON file changed.
pub(crate) fn changed(name: &str, file: &str, change: impl FnOnce(&mut Value)) -> Files {
    let mut files = files(name);
    let mut json: Value = serde_json::from_str(files.text(file).unwrap()).unwrap();
    change(&mut json);
    files.add(file, Some(serde_json::to_string_pretty(&json).unwrap()));
    files
}

/// The same without what the run wrote after its first render.
pub(crate) fn killed(name: &str) -> Files {
    let all = changed(name, "run.json", |run| {
        for late in ["endedAt", "exitCode", "verdict", "teardown"] {
            run[late] = Value::Null;
        }
    });
    let mut files = Files::default();
    files.add("run.json", all.text("run.json").map(str::to_owned));
    files
}

#[test]
fn a_smoke_run_comes_whole() {
    let story = Story::of(&files("smoke")).unwrap();
    let labels: Vec<&str> = story.renders.iter().map(|render| render.label.as_str()).collect();
    assert_eq!(labels, ["v1 N=2", "N=2", "v1 N=4", "N=4"]);
    assert!(matches!(story.run.kind().unwrap(), Kind::Smoke { fixture: "many-cuts", .. }));
    for render in &story.renders {
        assert_eq!(
            (render.frames.len(), render.frames[25].psnr),
            (120, render.row.picture.as_ref().unwrap().worst_frame_db)
        );
        let ran = render.timeline.as_ref().unwrap().duration_ms;
        assert!(ran.abs_diff(render.row.wall_clock_ms) < 500, "{ran} {}", render.row.wall_clock_ms);
        assert!(render.sound.is_empty() && render.worst_frame.is_none() && render.gate.is_some());
    }
    assert_eq!((story.semantic.len(), story.proof.as_ref().unwrap().resources.len()), (2, 7));
    assert!(story.gaps.is_empty() && story.unmeasured.is_empty() && story.cases.is_empty(), "{:?}", story.gaps);
    assert_eq!((story.ending().word, story.ending().text.as_str()), (Word::Pass, "4 renders equal enough"));
    assert_eq!(story.notes.len(), 1);
    assert_eq!(story.notes[0].about, ["v1 N=2", "v1 N=4"]);
    assert!((story.total_usd().unwrap() - 0.023_357).abs() < 1e-4, "{:?}", story.total_usd());
}

#[test]
fn an_eval_run_comes_whole() {
    let story = Story::of(&files("eval")).unwrap();
    assert_eq!((story.renders.len(), story.cases.len(), story.local.len()), (8, 4, 4));
    assert_eq!(story.renders[0].label, "tone-and-text N=1 #1");
    assert_eq!(story.renders_of("mp4-h264-sdr", story.cases[0].render).count(), 2);
    assert!(story.renders.iter().all(|render| render.against_local.is_some() && render.gate.is_some()));
    assert!(story.local.iter().all(|local| local.outcome.is_ok()));
    assert_eq!(story.gaps.len(), 8, "{:?}", story.gaps);
    let sweep = Story::of(&files("eval-sweep")).unwrap();
    let scaling = sweep.scaling["heygen-promo-preview-assets"].as_ref().unwrap();
    assert_eq!((scaling.frames.get(), scaling.measured.len()), (480, 3));
}

#[test]
fn what_is_written_is_read_and_written_again() {
    let json = |files: &Files, name: &str| serde_json::from_str::<Value>(files.text(name).unwrap()).unwrap();
    let smoke = files("smoke");
    let rows: Vec<ResultRow> = smoke.json("results.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(rows).unwrap(), json(&smoke, "results.json"));
    let semantic: Vec<SemanticComparison> = smoke.json("semantic-comparisons.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(semantic).unwrap(), json(&smoke, "semantic-comparisons.json"));
    let proof: Proof = smoke.json("cleanup-verification.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(proof).unwrap(), json(&smoke, "cleanup-verification.json"));
    for name in ["eval", "eval-sweep"] {
        let (files, story) = (files(name), Story::of(&files(name)).unwrap());
        let written = json(&files, "results.json");
        assert_eq!(serde_json::to_value(&story.cases).unwrap(), written["cases"]);
        for (fixture, scaling) in &story.scaling {
            assert_eq!(serde_json::to_value(scaling.as_ref().unwrap()).unwrap(), written["scaling"][fixture]);
        }
        for (render, sample) in story.renders.iter().zip(written["lambdaSamples"].as_array().unwrap()) {
            assert_eq!(serde_json::to_value(&render.row).unwrap(), sample["render"]);
            assert_eq!(serde_json::to_value(&render.against_local).unwrap(), sample["againstLocal"]);
        }
    }
}

#[test]
fn a_killed_run_tells_what_it_has() {
    for (name, missing) in [("smoke", 2), ("eval", 8), ("eval-sweep", 3)] {
        let story = Story::of(&killed(name)).unwrap();
        assert_eq!((story.renders.len(), story.unmeasured.len()), (0, missing));
        assert_eq!((story.ending().word, story.gaps.len()), (Word::Unfinished, 1));
        assert!(story.proof.is_none() && story.total_usd().is_none());
    }
}

#[test]
fn a_verdict_names_what_was_not_measured() {
    let story = Story::of(&changed("smoke", "run.json", |run| {
        run["exitCode"] = 4.into();
        run["failure"] = "render N=8 FAILED: PLAN_TOO_LARGE".into();
        run["verdict"]["outcome"] = "incomplete".into();
        let lines =
            ["N=2: mean PSNR 5.00 dB is below 40.00 dB", "N=8 was not measured", "N=16 was not measured: Plan failed"];
        run["verdict"]["findings"] = lines.to_vec().into();
    }));
    let story = story.unwrap();
    let found: Vec<_> = story.unmeasured.iter().map(|u| (u.label.as_str(), u.cause.as_str())).collect();
    assert_eq!(found, [("N=8", "render N=8 FAILED: PLAN_TOO_LARGE"), ("N=16", "Plan failed")]);
    assert_eq!((story.ending().word, story.ending().reasons.len()), (Word::Fail, 4));
    assert_eq!(story.ending().text, "the run failed (exit 4)");
}

/// What is wrong with files, in one line.
fn complaint(files: &Files) -> String {
    format!("{:#}", Story::of(files).unwrap_err())
}

#[test]
fn what_is_broken_is_named_with_its_file_and_field() {
    let with = |name: &str, file: &str, text: &str| {
        let mut files = files(name);
        files.add(file, Some(text.to_owned()));
        files
    };
    let complaints = [
        complaint(&Files::default()),
        complaint(&with("smoke", "run.json", "{}")),
        complaint(&with("smoke", "results.json", "[{\"protocol\": ")),
        complaint(&with("smoke", "renders/N2-frames.csv", "frame,psnr\n")),
        complaint(&with("smoke", "renders/N2-frames.csv", "frame,timeS,psnrDb,hash\n0,0.0,NaN,ab\n")),
        complaint(&with("smoke", "renders/N2-audio.csv", "track,atS,residualDbfs,baselineDbfs\n0,0.0,-60\n")),
        complaint(&changed("smoke", "run.json", |run| run["schemaVersion"] = 2.into())),
        complaint(&changed("smoke", "run.json", |run| run["command"] = "lambda-other".into())),
        complaint(&changed("smoke", "results.json", |rows| rows[1]["wallClockMs"] = "long".into())),
        complaint(&changed("smoke", "results.json", |rows| rows[1]["picture"]["worstFrameDb"] = "-inf".into())),
        complaint(&changed("eval", "results.json", |all| {
            all["lambdaSamples"][2]["render"]["cost"]["usd"] = "x".into();
        })),
        complaint(&changed("eval", "results.json", |all| all["lambdaSamples"][2]["render"] = Value::Null)),
        complaint(&changed("eval-sweep", "results.json", |all| {
            all["scaling"]["heygen-promo-preview-assets"]["frames"] = 0.into();
        })),
    ];
    insta::assert_snapshot!(complaints.join("\n"));
}

#[test]
fn what_no_run_has_is_refused_before_it_is_counted_out() {
    let rounds = |iterations: u32| changed("eval", "run.json", |run| run["iterations"] = iterations.into());
    assert_eq!(complaint(&rounds(101)), "run.json has 101 iterations, a run has 100 at most");
    assert!(complaint(&rounds(u32::MAX)).contains("100 at most") && Story::of(&rounds(100)).is_ok());
    let none = changed("smoke", "results.json", |rows| rows[0]["chunkCount"] = 0.into());
    assert!(complaint(&none).contains("a chunk count is 1 to 256, not 0"), "{}", complaint(&none));
    let empty = changed("smoke", "results.json", |rows| rows[0]["chunkSize"] = 0.into());
    assert!(complaint(&empty).contains("a chunk size is 1 frame or more"), "{}", complaint(&empty));
}

#[test]
fn sound_and_pictures_come_where_they_are() {
    let mut files = files("smoke");
    files.add("renders/N2-audio.csv", Some("track,atS,residualDbfs,baselineDbfs\n0,0.1,-inf,-23.4\n".to_owned()));
    for part in ["baseline", "render", "difference"] {
        files.add(format!("renders/N2-worst-{part}.png"), None);
    }
    let story = Story::of(&files).unwrap();
    let render = &story.renders[1];
    assert_eq!((render.sound.len(), render.sound[0].residual.to_string()), (1, "-inf".to_owned()));
    assert_eq!(render.worst_frame.as_ref().unwrap().difference, "renders/N2-worst-difference.png");
    assert!(story.renders[0].worst_frame.is_none() && story.renders[0].sound.is_empty());
}

#[test]
fn a_history_that_tells_nothing_is_a_gap() {
    let story =
        Story::of(&changed("smoke", "renders/N2-history.json", |history| history["events"] = Value::Null)).unwrap();
    assert!(story.renders[1].timeline.is_none());
    assert_eq!(story.gaps, ["renders/N2-history.json tells no times: the history has no events"]);
}

#[test]
fn a_failed_sample_is_no_render() {
    let files = changed("eval", "results.json", |all| {
        let sample = all["lambdaSamples"][0].as_object_mut().unwrap();
        sample.remove("render");
        sample.remove("start");
        sample.insert("failure".into(), "timed out".into());
        let local = all["localSamples"][0].as_object_mut().unwrap();
        local.remove("wallMs");
        local.insert("failure".into(), "no browser".into());
    });
    let story = Story::of(&files).unwrap();
    assert_eq!((story.renders.len(), story.local[0].outcome.as_ref().unwrap_err().as_str()), (7, "no browser"));
}
