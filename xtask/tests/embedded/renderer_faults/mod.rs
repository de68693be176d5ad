//! Faults of the renderer: named edits of the bundled handler, each deployed, rendered, and judged.
//!
//! `cargo test -p xtask --test embedded renderer_faults -- --ignored --nocapture` tries all of them, and prints which
//! gate shows each one first. `FAULTS=name,name` tries some, `FAULT_PARTS=part,part` those of some parts of the renderer,
//! and with `FAULTS_EXACT=1`, each is also rendered with `--exact`.

mod faults;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use xtask::{
    console::Console,
    local::provisioning::Toolbox,
    tools::{env::Env, runner::Runner},
};

use self::faults::{CLIPS, CUTS, FINE, FRAMES, Fault, HIDDEN, LATE, LOTTIE, MOV, SDR, TONE, WEBM, faults};
use crate::{
    emulator::{Emulator, XTASK, block_on},
    python::python,
    repository::copy_all,
    run::run,
};

/// Prints the handler in a ZIP.
const READ: &str = "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read('index.mjs').decode())";

/// Where the handler's ZIP is in a repository.
const ZIP: &str = "examples/aws-lambda/handler/dist/handler.zip";

const TEMPLATE: &str = "examples/aws-lambda/template.yaml";

/// The packages of the handler, and of the in-process renderer.
const PACKAGES: [&str; 3] = [
    "examples/aws-lambda/handler/package.json",
    "examples/aws-lambda/handler/bun.lock",
    "examples/aws-lambda/handler/node_modules",
];

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
    /// Whether `--exact` fails, if that was tried.
    is_inexact: Option<bool>,
}

/// The ways to look at a render, as columns of the last table.
const WAYS: [&str; 4] = ["gates alone", "with the bands of known-good metrics", "by the byte record", "`--exact`"];

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

    /// Whether neither a frame nor the sound differs from what the unchanged handler made here, which is what the hash
    /// in known-good metrics of this machine compares.
    fn is_the_same_as(&self, unchanged: &Self) -> bool {
        (&self.frames, &self.audio) == (&unchanged.frames, &unchanged.audio)
    }

    /// Which of [`WAYS`] show it.
    fn shown(&self, unchanged: &Self) -> [bool; 4] {
        let by_anything = self.by_anything().is_some();
        [
            self.by_gates_alone().is_some(),
            by_anything,
            by_anything || !self.is_the_same_as(unchanged),
            self.is_inexact == Some(true),
        ]
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
        for file in [ZIP, PACKAGES[0], PACKAGES[1]] {
            fs::copy(own.join(file), root.join(file)).unwrap();
        }
        // Chunks are rendered one after the other: where they share processors, the unchanged renderer shows wrong frames.
        let template = fs::read_to_string(own.join(TEMPLATE)).unwrap();
        let one_by_one = template.replace("MaxConcurrencyPath: $.Plan.ChunkCount", "MaxConcurrency: 1");
        assert_ne!(one_by_one, template);
        fs::write(root.join(TEMPLATE), one_by_one).unwrap();
        symlink(own.join(PACKAGES[2]), root.join(PACKAGES[2])).unwrap();
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
        // As in a checkout, whose fixtures have no known-good metrics; other fixtures are held to their baselines.
        let reference = if [LOW, HIDDEN].contains(&fixture) { "auto" } else { "committed" };
        let args = ["--skip-build", "--reference", reference];
        let (exit, reported) = self.smoke(&self.root(), fixture, &artifacts, &args);
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
            is_inexact: None,
        }
    }

    /// Whether the handler that is installed fails with `--exact`, if that is asked for.
    fn is_inexact(&self, fixture: &str) -> Option<bool> {
        std::env::var_os("FAULTS_EXACT")?;
        let artifacts = self.dir.path().join("exact");
        let _ = fs::remove_dir_all(&artifacts);
        let (exit, _) = self.smoke(&self.root(), fixture, &artifacts, &["--skip-build", "--exact"]);
        Some(exit != Some(0))
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

/// The faults that `FAULTS` and `FAULT_PARTS` name, or all.
fn chosen() -> Vec<Fault> {
    let names = |variable: &str, name: &str| {
        let named = std::env::var(variable).unwrap_or_default();
        named.is_empty() || named.split(',').any(|one| one == name)
    };
    faults().into_iter().filter(|fault| names("FAULTS", fault.name) && names("FAULT_PARTS", fault.part)).collect()
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
    workshop.accept_less(CLIPS, HIDDEN);
    for fixture in [SDR, TONE, CUTS, CLIPS, WEBM, MOV, FRAMES, LOTTIE, LATE, FINE, HIDDEN] {
        if faults.iter().any(|fault| fault.fixture == fixture) {
            workshop.install(&workshop.handler);
            let mut outcome = workshop.judge(fixture);
            outcome.is_inexact = workshop.is_inexact(fixture);
            println!(
                "unchanged | {fixture} | exit {:?} | {} | inexact {:?}",
                outcome.exit,
                outcome.gates.join(", "),
                outcome.is_inexact
            );
            good.insert(fixture, outcome);
        }
    }
    println!("\n| fault | part | fixture | history | first gate | byte record | `--exact` | all gates |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut by_part: BTreeMap<&str, Counts> = BTreeMap::new();
    for fault in &faults {
        let mut outcome = workshop.try_out(fault);
        let unchanged = &good[fault.fixture];
        // Where the unchanged handler's frames are not those of the in-process renderer, it shows nothing.
        if unchanged.is_inexact == Some(false) {
            outcome.is_inexact = workshop.is_inexact(fault.fixture);
        }
        let shown = outcome.shown(unchanged);
        println!("| {} | {} |", fault.described(), outcome.described(shown));
        by_part.entry(fault.part).or_default().add(shown);
        by_part.entry("all").or_default().add(shown);
    }
    println!("\n| part | faults | no change | {} |\n|---|---|---|---|---|---|---|", WAYS.join(" | "));
    for (part, Counts { tried, unchanged, shown }) in &by_part {
        println!("| {part} | {tried} | {unchanged} | {} |", shown.map(|count| count.to_string()).join(" | "));
    }
    assert!(good.values().all(|outcome| outcome.exit == Some(0)), "the unchanged handler fails");
    let Counts { tried, unchanged, shown: [shown, ..] } = by_part["all"];
    let real = tried - unchanged;
    assert!(shown * 100 >= real * 97, "{shown} of {real} faults are shown by gates alone, fewer than 97 %");
}

/// How many faults were tried, how many of them change nothing, and how many each of [`WAYS`] shows.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    tried: usize,
    unchanged: usize,
    shown: [usize; 4],
}

impl Counts {
    fn add(&mut self, shown: [bool; 4]) {
        self.tried += 1;
        self.unchanged += usize::from(shown == [false; 4]);
        self.shown.iter_mut().zip(shown).for_each(|(count, shown)| *count += usize::from(shown));
    }
}

impl Fault {
    /// Its cells in the table.
    fn described(&self) -> String {
        let history = self.history.map(|number| format!("#{number}")).unwrap_or_default();
        [self.name, self.part, self.fixture, &history].join(" | ")
    }
}

impl Outcome {
    /// Its cells in the table.
    fn described(&self, shown: [bool; 4]) -> String {
        let first = self.by_anything().unwrap_or(if shown[2] { "NONE" } else { "none: the same frames and sound" });
        let yes = |is_shown: bool| if is_shown { "yes" } else { "no" };
        let exact = self.is_inexact.map_or("", yes);
        let mut gates = self.gates.clone();
        gates.dedup();
        let exit = self.exit.map_or("none".to_owned(), |code| code.to_string());
        format!("{first} | {} | {exact} | {} (exit {exit})", yes(shown[2]), gates.join(", "))
    }
}

/// A fixture whose baseline another renderer made, with other colors and a box, and which accepts 25 dB for that.
const LOW: &str = "low";

impl Workshop {
    /// Copies a fixture, and makes the copy accept 25 dB. Returns its folder.
    fn accept_less(&self, fixture: &str, name: &str) -> PathBuf {
        let fixtures = self.root().join("fixtures");
        let (from, to) = (fixtures.join(fixture), fixtures.join(name));
        copy_all(&from, &to);
        let _ = fs::remove_file(to.join("known-good.json"));
        let meta = fs::read_to_string(from.join("meta.json")).unwrap();
        fs::write(to.join("meta.json"), meta.replace("\"minPsnr\": 40", "\"minPsnr\": 25")).unwrap();
        to
    }

    fn accept_another_renderer(&self) {
        let fixture = self.accept_less(TONE, LOW);
        let drawn = Command::new(Toolbox::of_repository().media().join("ffmpeg"))
            .args(["-v", "error", "-y", "-i"])
            .arg(self.root().join("fixtures").join(TONE).join("output/output.mp4"))
            .args(["-vf", "eq=saturation=0.8,drawbox=x=300:y=200:w=64:h=48:color=0x808080@0.5:t=fill"])
            .args(["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "copy"])
            .arg(fixture.join("output/output.mp4"))
            .status();
        assert!(drawn.unwrap().success());
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
