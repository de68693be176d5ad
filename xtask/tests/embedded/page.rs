//! report.html as its readers open it: in a real browser, narrow and wide, light and dark, printed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::emulator::{XTASK, block_on, node_packages, tool};
use xtask::{
    console::Console,
    report::{
        artifacts,
        page::{frames::Pictures, page},
    },
    tools::{env::Env, folder::Folder, handler::install_packages, runner::Runner},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Opens pages, one after the other, and asserts that nothing is wrong with them; prints how long each took.
#[track_caller]
pub(crate) fn assert_good(reports: &[&Path]) {
    for (report, reported) in reports.iter().zip(opened(reports, &[])) {
        assert_nothing_wrong(report, &reported);
    }
}

/// The same, and uses its videos and pictures by mouse, by keys, and by links.
#[track_caller]
pub(crate) fn assert_good_in_use(report: &Path) {
    assert_nothing_wrong(report, &opened(&[report], &["--drive"])[0]);
}

#[track_caller]
fn assert_nothing_wrong(report: &Path, reported: &Value) {
    assert_eq!(reported["wrong"], json!([]), "{}", report.display());
    println!("{} opens in {} ms", report.display(), reported["openMs"]);
}

/// What a browser meets in each of some pages.
fn opened(reports: &[&Path], flags: &[&str]) -> Vec<Value> {
    let handler = root().join("examples/aws-lambda/handler");
    install(&handler);
    let axe = node_packages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/axe"));
    let output = Command::new(tool("node"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/open-report.mjs"))
        .arg("--handler")
        .arg(handler)
        .arg("--axe")
        .arg(axe.path().join("node_modules/axe-core/axe.min.js"))
        .args(flags)
        .args(reports)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Installs the handler's packages, Chromium among them, unless they are there.
fn install(handler: &Path) {
    let runner = Runner::new(&Env::of_process(), &Console::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (bun, log) = (tool("bun"), dir.path().join("install.log"));
    block_on(install_packages(handler, &bun, &runner, &log)).unwrap();
}

/// The page of kept artifacts of a real run.
fn page_of(artifacts: &Path) -> tempfile::NamedTempFile {
    let report = artifacts::read(artifacts).unwrap();
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    fs::write(file.path(), page(&report, &Pictures::read(&Folder::open(artifacts).unwrap(), &report.renders))).unwrap();
    file
}

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/artifacts").join(name)
}

#[test]
fn the_pages_of_smoke_and_eval_are_good_in_a_browser() {
    let pages = ["smoke", "eval", "eval-sweep"].map(|name| page_of(&kept(name)));
    assert_good(&pages.each_ref().map(tempfile::NamedTempFile::path));
}

/// They have what the kept artifacts have not: sound, and pictures of the worst frames.
#[test]
fn the_pages_that_the_documentation_shows_are_good() {
    let pages = ["sample-smoke-report.html", "sample-eval-report.html"].map(|name| root().join("docs").join(name));
    assert_good(&pages.each_ref().map(PathBuf::as_path));
}

#[test]
fn the_page_of_a_comparison_is_good_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let (damaged, report) = (dir.path().join("damaged.mp4"), dir.path().join("report"));
    let baseline = root().join("fixtures/mp4-h264-sdr/output/output.mp4");
    let square = "drawbox=x=200:y=120:w=60:h=60:color=red:t=fill:enable='between(n,40,41)'";
    let mut ffmpeg = Command::new(tool("ffmpeg"));
    let encoding = ffmpeg.args(["-v", "error", "-i"]).arg(&baseline).args(["-vf", square, "-crf", "14"]).arg(&damaged);
    assert!(encoding.status().unwrap().success());
    let mut compare = Command::new(XTASK);
    let compare = compare.arg("lambda-compare").args([&damaged, &baseline]).arg("--report").arg(&report);
    assert_eq!(compare.output().unwrap().status.code(), Some(5));
    assert_good_in_use(&report.join("report.html"));
}

#[test]
fn a_page_of_a_thousand_chunks_opens_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let artifacts = dir.path();
    fs::create_dir(artifacts.join("renders")).unwrap();
    fs::copy(kept("smoke").join("run.json"), artifacts.join("run.json")).unwrap();
    let rows: Value = serde_json::from_slice(&fs::read(kept("smoke").join("results.json")).unwrap()).unwrap();
    let large = (0..4).map(|nth| {
        let mut row = rows[1].clone();
        let stem = format!("renders/{nth}");
        row["history"] = format!("{stem}-history.json").into();
        row["frames"] = format!("{stem}-frames.csv").into();
        fs::write(artifacts.join(format!("{stem}-history.json")), history(250).to_string()).unwrap();
        fs::write(artifacts.join(format!("{stem}-frames.csv")), frames_csv(7_500)).unwrap();
        row
    });
    fs::write(artifacts.join("results.json"), Value::from_iter(large).to_string()).unwrap();
    // How long that takes is printed by it: a time is no assertion. axe would take minutes.
    let page = page_of(artifacts);
    assert_nothing_wrong(page.path(), &opened(&[page.path()], &["--axe", ""])[0]);
}

/// How twenty runs ended, the oldest first: by a pass, a failed gate, a failed render, a signal, a leak, a kill.
const ENDED: &str = "PPGPPSPPPRPKPPLPGPPP";

#[test]
fn the_trends_of_twenty_runs_are_good() {
    let dir = tempfile::tempdir().unwrap();
    for (nth, ended) in ENDED.chars().enumerate() {
        let recorded = kept(if nth % 4 == 3 { "eval" } else { "smoke" });
        let read = |name: &str| fs::read_to_string(recorded.join(name)).unwrap();
        let run = dir.path().join(format!("runs/20261101T{nth:02}0000Z-{nth:012x}"));
        fs::create_dir_all(&run).unwrap();
        let mut record: Value = serde_json::from_str(&read("run.json")).unwrap();
        let codes =
            [('P', json!(0)), ('G', json!(5)), ('R', json!(4)), ('S', json!(130)), ('L', json!(7)), ('K', Value::Null)];
        record["exitCode"] = codes.into_iter().find(|(letter, _)| *letter == ended).unwrap().1;
        record["runId"] = format!("{nth:012x}").into();
        record["startedAt"] = format!("2026-11-{:02}T10:00:00.000Z", nth + 1).into();
        record["gitCommit"] = format!("{:08x}{:032x}", 0xabc0_1234_u64 + nth as u64 / 3, 0).into();
        fs::write(run.join("run.json"), record.to_string()).unwrap();
        // What ended before its first render has measured nothing.
        if !"RK".contains(ended) {
            let slower =
                read("results.json").replace("\"wallClockMs\": 1", &format!("\"wallClockMs\": {}", 1 + nth / 7));
            fs::write(run.join("results.json"), slower).unwrap();
        }
    }
    let page = dir.path().join("trends.html");
    let listed = Command::new(XTASK).arg("lambda-history").arg(dir.path()).arg("--html").arg(&page).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 21, "{listed}");
    for verdict in ["PASS", "FAIL", "STOPPED", "UNFINISHED", "LEAK"] {
        assert!(listed.contains(verdict), "{verdict}: {listed}");
    }
    assert_good(&[&page]);
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let good = fs::read_to_string(page_of(&kept("smoke")).path()).unwrap();
    let pages = [
        ("</footer>", "</footer><img alt=x src=other.png>", "violates the following Content Security Policy directive"),
        (
            "</footer>",
            "</footer><script>console.error(1)</script>",
            "the console says Executing inline script violates",
        ),
        ("--quiet: #555d66", "--quiet: #9a9a9a", "too little contrast"),
        ("</footer>", "</footer><button></button>", "axe: button-name"),
        ("</footer>", "</footer><p style='width:2000px'>x</p>", "px wider than the window"),
        ("<path class=\"mark psnr\"", "<path class=\"psnr\"", "nothing is drawn"),
        ("class=\"mark psnr\"", "class=\"mark\" fill=\"none\"", "marks have no color"),
        (".plot { display: block;", ".plot { display: none;", "it is 0 x 0 px"),
        ("print-color-adjust: exact; -webkit", "background: #000; -webkit", "the paper is rgb(0, 0, 0)"),
    ]
    .map(|(from, to, fault)| {
        // The worst frame's pointer is a mark too.
        let bad = good.replace(from, to);
        let bad = if fault == "nothing is drawn" { bad.replace("class=\"mark worst\"", "") } else { bad };
        assert_ne!(good, bad, "{from} is not there");
        let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
        fs::write(file.path(), bad).unwrap();
        (fault, file)
    });
    let paths: Vec<&Path> = pages.iter().map(|(_, file)| file.path()).collect();
    for ((fault, _), reported) in pages.iter().zip(opened(&paths, &[])) {
        let wrong = reported["wrong"].to_string();
        assert!(wrong.contains(fault), "{fault} was not found: {wrong}");
    }
}

/// An execution of so many chunks, as its history has it.
fn history(chunks: u64) -> Value {
    let mut events: Vec<Value> = Vec::new();
    let mut note = |ms: u64, kind: &str, previous: u64, key: &str, details: Value| {
        let id = events.len() as u64 + 1;
        let at = format!("2026-11-21T15:{:02}:{:02}.{:03}Z", ms / 60_000, ms / 1000 % 60, ms % 1000);
        events.push(json!({"id": id, "type": kind, "timestamp": at, "previousEventId": previous, key: details}));
        id
    };
    let start = note(0, "ExecutionStarted", 0, "x", json!({}));
    let mut call = |from: u64, to: u64, after: u64, chunk: Option<u64>, name: &str| {
        let entered = match chunk {
            Some(index) => {
                let details = json!({"index": index});
                note(from, "MapIterationStarted", after, "mapIterationStartedEventDetails", details)
            }
            None => after,
        };
        let state = note(from, "TaskStateEntered", entered, "stateEnteredEventDetails", json!({"name": name}));
        let scheduled = note(from + 10, "TaskScheduled", state, "x", json!({}));
        let started = note(from + 60, "TaskStarted", scheduled, "x", json!({}));
        let output = json!({"DurationMs": (to - from) / 2}).to_string();
        note(to, "TaskSucceeded", started, "taskSucceededEventDetails", json!({"output": output}))
    };
    let planned = call(50, 3_000, start, None, "PlanV2");
    for index in 0..chunks {
        let end = 10_000 + index * 7_919 % 4_000;
        call(3_100, end, planned, Some(index), "RenderChunkV2");
    }
    call(14_100, 17_000, planned, None, "Assemble");
    json!({"events": events})
}

fn frames_csv(frames: u32) -> String {
    let row = |frame: u32| {
        let level = 46.0 + 3.0 * (f64::from(frame) / 200.0).sin();
        format!("{frame},{:.6},{level:.2},{frame:032x}\n", f64::from(frame) / 30.0)
    };
    std::iter::once("frame,timeS,psnrDb,md5\n".to_owned()).chain((0..frames).map(row)).collect()
}
