//! How long the comparison of a render with its baseline takes, against the
//! least that it could: one ffmpeg that decodes both and measures their PSNR.
//!
//!     cargo bench --profile dev --bench comparison [-- ROUNDS]
//!
//! Each fixture's baseline, and a minute of 1920x1080, is compared with a lossy
//! encoding of it. The debug build is what `cargo xtask` runs.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "other benchmarks use more of it")]
#[path = "../printed/mod.rs"]
mod printed;
mod rounds;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use render_verdict::{gates::Limits, picture::raster::Raster};
use tempfile::TempDir;
use xtask::{
    console::Console,
    project::{
        baseline::{Baseline, Compared},
        fixture::{format::RenderFormat, meta::VideoFormat},
    },
    tools::{env::Env, ffmpeg::Media, runner::Runner},
};

use printed::Printed;
use rounds::{baselines, medians, tool};

/// The comparison takes so many times as long as the bare pass, at most, for a fixture and for a long video.
const TARGETS: [f64; 2] = [1.5, 1.3];

fn main() {
    // Cargo adds `--bench`.
    let rounds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(7);
    let mut printed = Printed::new();
    let [short_target, long_target] = TARGETS;
    let fixtures = baselines().into_iter().map(|fixture| (fixture, short_target));
    for ((name, baseline), target) in fixtures.chain([(long(), long_target)]) {
        let bench = Bench::new(baseline);
        let times = medians(rounds, [&|| bench.bare(), &|| bench.compare(), &|| bench.compare_and_show_the_worst()]);
        let [bare, compared, shown] = times.map(|time| time.as_secs_f64() * 1000.0);
        let mut add = |what: String, took: f64, target: Option<f64>| {
            let ratio = took / bare;
            printed.add(
                &what,
                &target.map_or(String::new(), |target| format!("<= {target}")),
                &format!("{took:.0} ms"),
                &format!("{bare:.0} ms"),
                ratio,
                target.map(|target| ratio <= target),
            );
        };
        add(format!("comparison of {name}"), compared, Some(target));
        add("  with the worst frame's pictures".to_owned(), shown, None);
    }
    printed.print("comparison");
}

/// A minute of 1920x1080 with audio. The file is kept for the next run of this bench.
fn long() -> (String, PathBuf) {
    let video = Path::new(env!("CARGO_TARGET_TMPDIR")).join("60-s-of-1920x1080.mp4");
    if !video.exists() {
        let size = |(_, video): &(String, PathBuf)| video.metadata().map_or(0, |file| file.len());
        let (_, source) = baselines().into_iter().max_by_key(size).expect("the repository has fixtures");
        let inputs = ["-stream_loop", "-1", "-i", &text(&source), "-f", "lavfi", "-i", "anoisesrc=r=48000:seed=1"];
        let encoding = ["-t", "60", "-vf", "scale=1920:1080", "-c:v", "libx264", "-preset", "veryfast", "-crf", "14"];
        make(&[&inputs[..], &encoding].concat(), &video);
    }
    ("60 s of 1920x1080".to_owned(), video)
}

fn make(args: &[&str], to: &Path) {
    // Whole or not there.
    let part = to.with_extension("part.mp4");
    let made = Command::new(tool("ffmpeg")).args(["-nostdin", "-v", "error", "-y"]).args(args).arg(&part).status();
    assert!(made.is_ok_and(|status| status.success()), "{} can't be made", to.display());
    std::fs::rename(&part, to).expect("both are in one folder");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A lossy encoding and what it is made of.
struct Bench {
    render: PathBuf,
    baseline: PathBuf,
    /// The baseline as a run has it: read once for all renders.
    original: Baseline,
    media: Media,
    gate: Limits,
    runtime: tokio::runtime::Runtime,
    _dir: TempDir,
}

impl Bench {
    fn new(baseline: PathBuf) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let render = dir.path().join("render.mp4");
        let encoding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-c:a", "copy"];
        make(&[&["-i", &text(&baseline)], &encoding[..]].concat(), &render);
        let media = Media {
            ffmpeg: tool("ffmpeg"),
            ffprobe: tool("ffprobe"),
            runner: Runner::new(&Env::from([("PATH", "/usr/bin:/bin")]), &Console::default())
                .expect("the current folder is there"),
        };
        let gate = Limits::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let read = Baseline::read(&media, &baseline, RenderFormat::Video(VideoFormat::Mp4), 30);
        let original = runtime.block_on(read).expect("a baseline decodes");
        Self { render, baseline, original, media, gate, runtime, _dir: dir }
    }

    /// What the comparison is measured against.
    fn bare(&self) {
        let status = Command::new(&self.media.ffmpeg)
            .args(["-nostdin", "-v", "error", "-i", &text(&self.render), "-i", &text(&self.baseline)])
            .args(["-lavfi", "psnr=stats_file=-", "-f", "null", "-"])
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "ffmpeg failed");
    }

    fn compare(&self) {
        self.compared();
    }

    fn compared(&self) -> Compared {
        let compared = self.original.compare(&self.media, &self.render, None, &self.gate);
        self.runtime.block_on(compared).expect("both decode")
    }

    /// As a run, which keeps pictures of each render's worst frame.
    fn compare_and_show_the_worst(&self) {
        let compared = self.compared();
        let worst = compared.comparison.picture().expect("they have one shape").psnr.worst_frame;
        let stills = self.original.stills(&self.media, &self.render, compared.media.as_ref(), worst);
        let (of_baseline, of_render) = self.runtime.block_on(stills).expect("both have the frame");
        let difference = of_baseline.difference(&of_render, 8).expect("they have one size");
        let png = |picture: &Raster| picture.within(640).quick_png().expect("a picture can be encoded");
        let pictures = [of_baseline, of_render, difference].each_ref().map(png);
        assert!(pictures.iter().all(|png| !png.is_empty()));
    }
}
