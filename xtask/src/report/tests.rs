use render_verdict::gates::Limit;
use serde_json::{Value, json};

use super::*;

/// The artifacts of a real run in tests/data/artifacts: `smoke`, `eval` or `eval-sweep`.
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

/// A run's artifacts with a changed JSON file.
pub(crate) fn changed(name: &str, file: &str, change: impl FnOnce(&mut Value)) -> Files {
    let mut files = files(name);
    let mut json: Value = serde_json::from_str(files.text(file).unwrap()).unwrap();
    change(&mut json);
    files.add(file, Some(serde_json::to_string_pretty(&json).unwrap()));
    files
}

/// What a run left that was killed before its first render.
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

/// The missing files, a line each.
fn gaps(report: &RunReport) -> Vec<String> {
    report.notes_of(NoteKind::Gap).map(ToString::to_string).collect()
}

#[test]
fn a_smoke_run_is_read_completely() {
    let report = RunReport::of(&files("smoke")).unwrap();
    let labels: Vec<&str> = report.renders.iter().map(|render| render.label.as_str()).collect();
    assert_eq!(labels, ["v1 N=2", "N=2", "v1 N=4", "N=4"]);
    assert_eq!((report.run.command(), report.run.fixtures()), ("lambda-smoke", vec!["many-cuts"]));
    for render in &report.renders {
        assert_eq!(
            (render.frames.len(), render.frames[25].psnr),
            (120, render.row.picture.as_ref().unwrap().worst_frame_db)
        );
        let ran = render.timeline.as_ref().unwrap().duration_ms;
        assert!(ran.abs_diff(render.row.wall_clock_ms) < 500, "{ran} {}", render.row.wall_clock_ms);
        assert!(render.audio.is_empty() && render.row.worst_frame_images.is_none() && render.gate.is_some());
    }
    assert_eq!((report.semantic.len(), report.proof.as_ref().unwrap().resources.len()), (2, 7));
    assert!(gaps(&report).is_empty() && report.unmeasured.is_empty() && report.cases.is_empty(), "{:?}", report.notes);
    assert_eq!(
        (report.ending().word, report.ending().text.as_str()),
        (Word::Pass, "4 of 4 renders match the baseline")
    );
    assert_eq!(report.notes.len(), 1);
    assert_eq!(report.notes[0].about, ["v1 N=2", "v1 N=4"]);
    assert!((report.total_usd().unwrap() - 0.023_357).abs() < 1e-4, "{:?}", report.total_usd());
}

#[test]
fn an_eval_run_is_read_completely() {
    let report = RunReport::of(&files("eval")).unwrap();
    assert_eq!((report.renders.len(), report.cases.len(), report.local.len()), (8, 4, 4));
    assert_eq!(report.renders[0].label, "tone-and-text N=1 #1");
    assert_eq!(report.renders_of("mp4-h264-sdr", report.cases[0].render).count(), 2);
    assert!(report.renders.iter().all(|render| render.against_local.is_some() && render.gate.is_some()));
    assert!(report.local.iter().all(|local| local.outcome.done().is_some()));
    assert_eq!(gaps(&report).len(), 8, "{:?}", report.notes);
    let sweep = RunReport::of(&files("eval-sweep")).unwrap();
    let scaling = sweep.scaling["heygen-promo-preview-assets"].as_ref().unwrap();
    assert_eq!((scaling.frames.get(), scaling.measured.len()), (480, 3));
}

/// A limit that is newer than a file has its default.
fn drop_newer_limits(written: &mut Value, read: &Value) {
    let (Some(written), Some(read)) = (written.as_object_mut(), read.as_object()) else { return };
    written.retain(|key, _| read.contains_key(key) || Limit::all().all(|limit| limit.key != key));
    written
        .iter_mut()
        .filter_map(|(key, value)| Some((value, read.get(key)?)))
        .for_each(|(a, b)| drop_newer_limits(a, b));
}

#[test]
fn written_files_are_read_and_written_unchanged() {
    let json = |files: &Files, name: &str| serde_json::from_str::<Value>(files.text(name).unwrap()).unwrap();
    let smoke = files("smoke");
    let rows: Vec<ResultRow> = smoke.json("results.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(rows).unwrap(), json(&smoke, "results.json"));
    let semantic: Vec<SemanticComparison> = smoke.json("semantic-comparisons.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(semantic).unwrap(), json(&smoke, "semantic-comparisons.json"));
    let proof: Proof = smoke.json("cleanup-verification.json").unwrap().unwrap();
    assert_eq!(serde_json::to_value(proof).unwrap(), json(&smoke, "cleanup-verification.json"));
    for name in ["eval", "eval-sweep"] {
        let results: EvalResults = files(name).json("results.json").unwrap().unwrap();
        assert_eq!(serde_json::to_value(&results).unwrap(), json(&files(name), "results.json"));
    }
    for name in ["smoke", "eval", "eval-sweep"] {
        let run: RunRecord = files(name).json("run.json").unwrap().unwrap();
        let (mut written, read) = (serde_json::to_value(&run).unwrap(), json(&files(name), "run.json"));
        drop_newer_limits(&mut written, &read);
        assert_eq!(written, read);
    }
}

#[test]
fn a_killed_run_has_a_report() {
    for (name, missing) in [("smoke", 2), ("eval", 8), ("eval-sweep", 3)] {
        let report = RunReport::of(&killed(name)).unwrap();
        assert_eq!((report.renders.len(), report.unmeasured.len()), (0, missing));
        assert_eq!((report.ending().word, gaps(&report).len()), (Word::Unfinished, 1));
        assert!(report.proof.is_none() && report.total_usd().is_none());
    }
}

#[test]
fn a_verdict_names_the_unmeasured_renders() {
    let report = RunReport::of(&changed("smoke", "run.json", |run| {
        run["exitCode"] = 4.into();
        run["chunkCounts"] = json!([2, 8, 16]);
        run["failure"] = "render N=8 FAILED: PLAN_TOO_LARGE".into();
        run["verdict"]["outcome"] = "incomplete".into();
        let lines =
            ["N=2: mean PSNR 5.00 dB is below 40.00 dB", "N=8 was not measured", "N=16 was not measured: Plan failed"];
        run["verdict"]["findings"] = lines.to_vec().into();
        run["verdict"]["unmeasured"] =
            serde_json::json!([{"render": "N=8", "cause": null}, {"render": "N=16", "cause": "Plan failed"}]);
    }));
    let report = report.unwrap();
    let found: Vec<_> = report.unmeasured.iter().map(|u| (u.key.to_string(), u.cause.as_str())).collect();
    let named = [("N=8".to_owned(), "render N=8 FAILED: PLAN_TOO_LARGE"), ("N=16".to_owned(), "Plan failed")];
    assert_eq!(found, named);
    assert_eq!((report.ending().word, report.ending().reasons.len()), (Word::Fail, 4));
    assert_eq!(report.ending().text, "the run failed (exit 4)");
}

/// The error about the files, in one line.
fn complaint(files: &Files) -> String {
    format!("{:#}", RunReport::of(files).unwrap_err())
}

#[test]
fn a_malformed_file_is_named_with_its_field() {
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
        {
            let mut files =
                changed("smoke", "results.json", |rows| rows[1]["audioLevels"] = "renders/N2-audio.csv".into());
            files.add("renders/N2-audio.csv", Some("track,atS,residualDbfs,baselineDbfs\n0,0.0,-60\n".to_owned()));
            complaint(&files)
        },
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
fn impossible_counts_are_refused_before_the_renders_are_listed() {
    let rounds = |iterations: u32| changed("eval", "run.json", |run| run["iterations"] = iterations.into());
    assert_eq!(complaint(&rounds(101)), "run.json has 101 iterations, but a run has at most 100");
    assert!(complaint(&rounds(u32::MAX)).contains("at most 100") && RunReport::of(&rounds(100)).is_ok());
    let none = changed("smoke", "results.json", |rows| rows[0]["chunkCount"] = 0.into());
    assert!(complaint(&none).contains("a chunk count is 1 to 256, not 0"), "{}", complaint(&none));
    let empty = changed("smoke", "results.json", |rows| rows[0]["chunkSize"] = 0.into());
    assert!(complaint(&empty).contains("a chunk size is 1 frame or more"), "{}", complaint(&empty));
}

#[test]
fn without_unmeasured_renders_in_the_verdict_they_are_those_requested_and_not_measured() {
    let mut files = changed("smoke", "run.json", |run| {
        run["exitCode"] = 4.into();
        run["verdict"]["findings"] = serde_json::json!(["N=4 was not measured: Plan failed"]);
    });
    // With v1, which run.json does not contain.
    let rows = changed("smoke", "results.json", |rows| rows.as_array_mut().unwrap().truncate(1));
    files.add("results.json", rows.text("results.json").map(str::to_owned));
    let report = RunReport::of(&files).unwrap();
    let n4 = RenderId { protocol: PlanProtocol::V2, chunk_count: "4".parse().unwrap(), memory_mb: None };
    let unmeasured = Unmeasured {
        not_run: false,
        key: RenderKey { fixture: None, id: n4, iteration: None },
        cause: "the run ended first".to_owned(),
    };
    assert_eq!(report.unmeasured, [unmeasured]);
}

#[test]
fn audio_levels_and_images_are_read_when_they_exist() {
    let mut files = changed("smoke", "results.json", |rows| {
        rows[1]["audioLevels"] = "renders/N2-audio.csv".into();
        for row in [0, 1] {
            rows[row]["worstFrameImages"] = serde_json::json!({
                "frame": 25, "baseline": format!("{row}-a.png"), "render": format!("{row}-b.png"),
                "difference": format!("{row}-c.png"), "amplifiedBy": 8,
            });
        }
    });
    files.add("renders/N2-audio.csv", Some("track,atS,residualDbfs,baselineDbfs\n0,0.1,-inf,-23.4\n".to_owned()));
    for name in ["1-a.png", "1-b.png", "1-c.png"] {
        files.add(name, None);
    }
    let report = RunReport::of(&files).unwrap();
    let render = &report.renders[1];
    assert_eq!((render.audio.len(), render.audio[0].residual.to_string()), (1, "-inf".to_owned()));
    assert_eq!(render.row.worst_frame_images.as_ref().unwrap().difference, "1-c.png");
    assert!(report.renders[0].row.worst_frame_images.is_none() && report.renders[0].audio.is_empty());
}

#[test]
fn a_history_without_events_is_a_gap() {
    let report =
        RunReport::of(&changed("smoke", "renders/N2-history.json", |history| history["events"] = Value::Null)).unwrap();
    assert!(report.renders[1].timeline.is_none());
    assert_eq!(gaps(&report), ["renders/N2-history.json has no timeline: the history has no events"]);
}

#[test]
fn a_failed_sample_is_not_a_render() {
    let files = changed("eval", "results.json", |all| {
        let sample = all["lambdaSamples"][0].as_object_mut().unwrap();
        sample.remove("render");
        sample.remove("start");
        sample.insert("failure".into(), "timed out".into());
        let local = all["localSamples"][0].as_object_mut().unwrap();
        local.remove("wallMs");
        local.insert("failure".into(), "no browser".into());
    });
    let report = RunReport::of(&files).unwrap();
    assert_eq!((report.renders.len(), report.local[0].outcome.failure()), (7, Some("no browser")));
}

/// Every number in a value, by its JSON pointer; of an array the first element stands for all.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Array(values) => values.iter().take(1).for_each(|value| numbers(value, &format!("{at}/0"), found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                numbers(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

#[test]
fn extreme_figures_are_refused_or_shown_and_never_panic() {
    let huge = [json!(u64::MAX), json!(i64::MIN), json!(1e308), json!("NaN"), json!([1])];
    let odd = [json!(0), json!(-1), json!(999_999_999_999_999_u64), json!(-1e14), json!(1e-300)];
    for (run, file) in [("smoke", "run.json"), ("smoke", "results.json"), ("eval-sweep", "results.json")] {
        let text: Value = serde_json::from_str(files(run).text(file).unwrap()).unwrap();
        let mut pointers = Vec::new();
        numbers(&text, "", &mut pointers);
        assert!(pointers.len() > 5, "{run}/{file}");
        for pointer in pointers {
            for value in &huge {
                let extreme = changed(run, file, |json| *json.pointer_mut(&pointer).unwrap() = value.clone());
                let read = RunReport::of(&extreme);
                assert!(read.is_err() || !value.is_number(), "{run}/{file}{pointer} {value} was taken");
            }
            for value in &odd {
                let extreme = changed(run, file, |json| *json.pointer_mut(&pointer).unwrap() = value.clone());
                let Ok(report) = RunReport::of(&extreme) else { continue };
                let drawn = std::panic::catch_unwind(|| {
                    (
                        page::page(&report, &page::frames::Pictures::default()),
                        markdown::markdown(&report),
                        junit::junit(&report),
                    )
                });
                assert!(drawn.is_ok(), "{run}/{file}{pointer} {value}");
            }
        }
    }
}
