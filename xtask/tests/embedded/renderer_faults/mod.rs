//! Faults of the renderer: named edits of the bundled handler, each deployed, rendered, and judged.
//!
//! `cargo test -p xtask --test embedded renderer_faults -- --ignored --nocapture` tries all of them, and prints which
//! gate shows each one first. `FAULTS=name,name` tries some.

mod faults;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use xtask::{
    console::Console,
    local::provisioning::Toolbox,
    tools::{env::Env, runner::Runner},
};

use self::faults::{CLIPS, CUTS, FRAMES, Fault, MOV, SDR, TONE, WEBM, faults};
use crate::{
    account::python,
    emulator::{Emulator, XTASK, block_on},
    repository::copy_all,
    run::run,
};

/// Prints the handler in a ZIP.
const READ: &str = "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read('index.mjs').decode())";

/// Where the handler's ZIP is in a repository.
const ZIP: &str = "examples/aws-lambda/handler/dist/handler.zip";

/// How one fault ended.
#[derive(Debug, Clone, Default)]
struct Outcome {
    exit: Option<i32>,
    /// The gates that failed, in their order.
    gates: Vec<String>,
    /// One hash over all frames.
    frames: String,
    /// The audio's figures.
    audio: String,
    reported: String,
}

impl Outcome {
    /// The first gate that needs no known-good metrics, or that the render itself failed.
    fn by_gates_alone(&self) -> Option<&str> {
        let gate = self.gates.iter().find(|gate| *gate != "record").map(String::as_str);
        gate.or_else(|| (self.exit == Some(4)).then_some("execution"))
    }

    /// What shows it at all.
    fn by_anything(&self) -> Option<&str> {
        self.by_gates_alone().or_else(|| (!self.gates.is_empty()).then_some("record"))
    }
}

/// A repository whose handler can be changed, and the emulator that runs it.
struct Workshop {
    dir: tempfile::TempDir,
    emulator: Emulator,
    /// The unchanged handler.
    handler: String,
    zip: PathBuf,
}

impl Workshop {
    fn open() -> Self {
        let (own, dir) = (xtask::project::repo::tool_root(), tempfile::tempdir().unwrap());
        let zip = dir.path().join("repository").join(ZIP);
        let mut workshop = Self { dir, emulator: Emulator::start(), handler: String::new(), zip };
        // A run of its own builds the ZIP, if it is not there.
        if !own.join(ZIP).is_file() {
            workshop.smoke(&own, SDR, &workshop.dir.path().join("first"), &[]);
        }
        let root = workshop.root();
        copy_all(&own.join("fixtures"), &root.join("fixtures"));
        fs::create_dir_all(workshop.zip.parent().unwrap()).unwrap();
        for file in [ZIP, "examples/aws-lambda/template.yaml", "examples/aws-lambda/handler/package.json"] {
            fs::copy(own.join(file), root.join(file)).unwrap();
        }
        workshop.handler = python(&workshop.emulator, READ, &[workshop.zip.to_str().unwrap()]).join("\n");
        workshop
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    /// Puts the second ffmpeg into the ZIP, as the build does for formats with alpha.
    fn add_alpha_encoder(&self) {
        let (toolbox, bin) = (Toolbox::of_repository(), self.dir.path().join("bin"));
        let runner = Runner::new(&Env::of_process(), &Console::default()).unwrap();
        block_on(toolbox.provide_media(true, &runner)).unwrap();
        fs::create_dir_all(&bin).unwrap();
        fs::copy(toolbox.alpha_encoder(), bin.join("ffmpeg-alpha")).unwrap();
        let mut zip = Command::new("zip");
        zip.args(["-q", "-1"]).arg(&self.zip).arg("bin/ffmpeg-alpha");
        assert!(zip.current_dir(&self.dir).status().unwrap().success());
    }

    /// Puts another handler into the ZIP.
    fn install(&self, handler: &str) {
        fs::write(self.dir.path().join("index.mjs"), handler).unwrap();
        let zipped =
            Command::new("zip").args(["-q", "-1"]).arg(&self.zip).arg("index.mjs").current_dir(&self.dir).status();
        assert!(zipped.unwrap().success());
    }

    fn smoke(&self, root: &Path, fixture: &str, artifacts: &Path, args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(XTASK);
        command
            .args(["lambda-smoke", "--endpoint-url", &self.emulator.endpoint, "--fixture", fixture])
            .args(["--chunk-counts", "2", "--artifacts"])
            .arg(artifacts)
            .args(args)
            .env("HYPERFRAMES_REPO_ROOT", root)
            .env("HYPERFRAMES_STATE_DIR", self.dir.path().join("state"));
        run(command)
    }

    /// Renders with the handler that is installed, and reads the verdict.
    fn judge(&self, fixture: &str) -> Outcome {
        let artifacts = self.dir.path().join("artifacts");
        let _ = fs::remove_dir_all(&artifacts);
        let (exit, reported) = self.smoke(&self.root(), fixture, &artifacts, &["--skip-build"]);
        let rows = fs::read(artifacts.join("results.json")).unwrap_or_default();
        let rows: Value = serde_json::from_slice(&rows).unwrap_or_default();
        let row = &rows[0];
        let gates = row["findings"].as_array().into_iter().flatten();
        Outcome {
            exit,
            gates: gates.filter_map(|finding| finding["gate"].as_str()).map(str::to_owned).collect(),
            frames: row["picture"]["framesSha256"].to_string(),
            audio: row["audio"].to_string(),
            reported,
        }
    }

    /// The handler with a fault in it.
    fn with(&self, fault: &Fault) -> String {
        let (from, to) = &fault.edit;
        assert_eq!(self.handler.matches(from).count(), 1, "{}: its place is not found once", fault.name);
        self.handler.replace(from, to)
    }

    /// The outcome of a fault.
    fn try_out(&self, fault: &Fault) -> Outcome {
        self.install(&self.with(fault));
        self.judge(fault.fixture)
    }
}

/// The faults that `FAULTS` names, or all.
fn chosen() -> Vec<Fault> {
    let named = std::env::var("FAULTS").unwrap_or_default();
    let is_named = |fault: &Fault| named.is_empty() || named.split(',').any(|name| name == fault.name);
    faults().into_iter().filter(is_named).collect()
}

#[test]
fn each_fault_has_one_place_in_the_pinned_handler() {
    let workshop = Workshop::open();
    let mut names = std::collections::BTreeSet::new();
    for fault in faults() {
        assert_ne!(workshop.with(&fault), workshop.handler, "{}", fault.name);
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
    }
    // Two that were shipped, and one for the sound.
    for name in ["a chunk's first frame is that of the whole", "a label is missing", "a hidden gain"] {
        let fault = faults().into_iter().find(|fault| fault.name == name).unwrap();
        let outcome = workshop.try_out(&fault);
        assert!(outcome.exit == Some(5) && outcome.by_gates_alone().is_some(), "{name}: {}", outcome.reported);
    }
}

#[test]
#[ignore = "about an hour"]
fn each_fault_is_shown_by_the_gates() {
    let workshop = Workshop::open();
    let faults = chosen();
    let mut good = BTreeMap::new();
    if faults.iter().any(|fault| [WEBM, MOV].contains(&fault.fixture)) {
        workshop.add_alpha_encoder();
    }
    for fixture in [SDR, TONE, CUTS, CLIPS, WEBM, MOV, FRAMES] {
        if faults.iter().any(|fault| fault.fixture == fixture) {
            workshop.install(&workshop.handler);
            let outcome = workshop.judge(fixture);
            println!("unchanged | {fixture} | exit {:?} | {}", outcome.exit, outcome.gates.join(", "));
            good.insert(fixture, outcome);
        }
    }
    println!("\n| fault | part | fixture | history | first gate | all gates |\n|---|---|---|---|---|---|");
    let mut by_part: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for fault in &faults {
        let outcome = workshop.try_out(fault);
        let unchanged = &good[fault.fixture];
        let is_equivalent = (&outcome.frames, &outcome.audio) == (&unchanged.frames, &unchanged.audio);
        let first = match outcome.by_anything() {
            Some(gate) => gate,
            None if is_equivalent => "equivalent: the same frames and sound",
            None => "NONE",
        };
        let history = fault.history.map(|number| format!("#{number}")).unwrap_or_default();
        let mut gates = outcome.gates.clone();
        gates.dedup();
        println!(
            "| {} | {} | {} | {history} | {first} | {} (exit {}) |",
            fault.name,
            fault.part,
            fault.fixture,
            gates.join(", "),
            outcome.exit.map_or("none".to_owned(), |code| code.to_string())
        );
        let counts = by_part.entry(fault.part).or_default();
        counts[0] += 1;
        counts[1] += usize::from(outcome.by_anything().is_none() && is_equivalent);
        counts[2] += usize::from(outcome.by_gates_alone().is_some());
        counts[3] += usize::from(outcome.by_anything().is_some());
    }
    println!(
        "\n| part | faults | equivalent | shown by gates alone | shown with known-good metrics |\n|---|---|---|---|---|"
    );
    let mut all = [0; 4];
    for (part, counts) in &by_part {
        println!("| {part} | {} |", counts.map(|count| count.to_string()).join(" | "));
        (0..4).for_each(|at| all[at] += counts[at]);
    }
    println!("| all | {} |", all.map(|count| count.to_string()).join(" | "));
    assert!(good.values().all(|outcome| outcome.exit == Some(0)), "the unchanged handler fails");
    let (real, shown) = (all[0] - all[1], all[2]);
    assert!(shown * 100 >= real * 97, "{shown} of {real} faults are shown by gates alone, fewer than 97 %");
}

/// A fixture whose baseline another renderer made, with other colors and a box, and which accepts 25 dB for that.
const LOW: &str = "low";

impl Workshop {
    fn accept_another_renderer(&self) {
        let (own, root) = (xtask::project::repo::tool_root(), self.root());
        let (of_tone, fixture) = (root.join("fixtures").join(TONE), root.join("fixtures").join(LOW));
        copy_all(&of_tone, &fixture);
        fs::remove_file(fixture.join("known-good.json")).unwrap();
        let meta = fs::read_to_string(of_tone.join("meta.json")).unwrap();
        fs::write(fixture.join("meta.json"), meta.replace("\"minPsnr\": 40", "\"minPsnr\": 25")).unwrap();
        let drawn = Command::new(Toolbox::of_repository().media().join("ffmpeg"))
            .args(["-v", "error", "-y", "-i"])
            .arg(of_tone.join("output/output.mp4"))
            .args(["-vf", "eq=saturation=0.8,drawbox=x=300:y=200:w=64:h=48:color=0x808080@0.5:t=fill"])
            .args(["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "copy"])
            .arg(fixture.join("output/output.mp4"))
            .status();
        assert!(drawn.unwrap().success());
        // The in-process renderer's packages.
        let handler = "examples/aws-lambda/handler";
        fs::copy(own.join(handler).join("bun.lock"), root.join(handler).join("bun.lock")).unwrap();
        std::os::unix::fs::symlink(own.join(handler).join("node_modules"), root.join(handler).join("node_modules"))
            .unwrap();
    }
}

#[test]
fn a_render_is_held_to_the_in_process_one_where_the_baseline_is_of_another_renderer() {
    let workshop = Workshop::open();
    workshop.accept_another_renderer();
    let good = workshop.judge(LOW);
    assert!(
        good.exit == Some(0) && good.reported.contains("accepted, because the fixture requires only 25 dB"),
        "{}",
        good.reported
    );
    let fault = faults().into_iter().find(|fault| fault.name == "a bar is missing").unwrap();
    workshop.install(&workshop.with(&fault));
    let missing = workshop.judge(LOW);
    assert_eq!(missing.exit, Some(5), "{}", missing.reported);
    assert!(missing.reported.contains("compared with the in-process render, a region of "), "{}", missing.reported);
}
