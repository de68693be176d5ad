//! Fixtures of other kinds than mp4 of h264: by the published handler in real Chromium, and
//! measured against the real ffmpeg.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

use render_verdict::{
    decibels::Level,
    frames::{
        BaselineFrames,
        archive::{FrameFolder, FrameSource},
    },
    picture::{psnr, ssim::VideoSsim},
};
use serde_json::{Value, json};
use xtask::project::repo::tool_root;

use crate::{emulator::XTASK, lab::Lab};

/// A square that moves by whole pixels over what is half transparent, for half a second.
const COMPOSITION: &str = r#"<!doctype html><html><head><style>
  * { margin: 0 }
  body, #root { width: 96px; height: 64px; overflow: hidden; position: relative }
  #back { position: absolute; inset: 0 32px 0 0; background: linear-gradient(90deg, rgba(16, 32, 48, 0.5), #fc8) }
  #square { position: absolute; top: 16px; width: 32px; height: 32px; background: #e33; animation: move 0.5s linear both }
  @keyframes move { to { transform: translateX(60px) } }
</style></head><body>
  <div id="root" data-composition-id="small" data-no-timeline data-start="0" data-duration="0.5" data-width="96" data-height="64">
    <div id="back"></div><div id="square"></div>
  </div>
</body></html>"#;

#[test]
fn h265_and_frames_pass_against_what_the_in_process_renderer_makes() {
    let dir = tempfile::tempdir().unwrap();
    let repository = dir.path().join("repository");
    // Six of twelve frames a chunk, as the fixtures say, and what the in-process harness alone reads.
    let config = |kind: Value| {
        let mut config =
            json!({"fps": {"num": 24, "den": 1}, "chunkSize": 6, "workers": 1, "captureMode": "beginframe"});
        config.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        json!({"minPsnr": 35, "renderConfig": config}).to_string()
    };
    for (name, kind) in [("frames", json!({"format": "png-sequence"})), ("h265", json!({"codec": "h265"}))] {
        let fixture = repository.join("fixtures").join(name);
        fs::create_dir_all(fixture.join("src")).unwrap();
        fs::write(fixture.join("src/index.html"), COMPOSITION).unwrap();
        fs::write(fixture.join("meta.json"), config(kind)).unwrap();
    }
    // This project's own template and handler.
    symlink(tool_root().join("examples"), repository.join("examples")).unwrap();
    let run = |args: &[&str]| -> Output {
        let mut command = Command::new(XTASK);
        command
            .args(args)
            .env("HYPERFRAMES_REPO_ROOT", &repository)
            .env("HYPERFRAMES_STATE_DIR", dir.path().join("state"));
        let output = command.output().unwrap();
        let reported =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        println!("{reported}");
        assert_eq!(output.status.code(), Some(0), "{reported}");
        output
    };
    for name in ["frames", "h265"] {
        run(&["lambda-baseline", name, "--update"]);
    }
    let artifacts = dir.path().join("artifacts");
    let to = artifacts.display().to_string();
    // Formats are mixed on one stack.
    run(&["lambda-smoke", "--local", "--fixtures", "all", "--chunk-counts", "2", "--artifacts", &to]);
    let results = fs::read(artifacts.join("results.json")).unwrap();
    let results: Value = serde_json::from_slice(&results).unwrap();
    let render = |nth: usize| &results[nth];
    assert_eq!((&render(0)["plannedChunkCount"], &render(0)["chunkSize"]), (&json!(2), &json!(6)));
    assert_eq!(
        (&render(0)["picture"]["frames"], &render(0)["audioStatus"]),
        (&json!(12), &json!("no-audio-on-either"))
    );
    assert!(render(0)["psnrAvgDb"].as_f64().is_some_and(|db| db > 60.0), "{}", render(0)["picture"]);
    assert_eq!(render(0)["picture"]["planes"].as_array().unwrap().len(), 4);
    let media = &render(1)["media"];
    assert_eq!((&media["codec"], &media["codecProfile"]), (&json!("hevc"), &json!("Main")));
    assert!(artifacts.join("renders/frames-N2-output.tar.gz").is_file());
}

const SIZE: [u32; 2] = [72, 52];

/// Writes raw RGBA pictures as the frames of a sequence.
fn write_frames(raw: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let [width, height] = SIZE;
    for (i, samples) in fs::read(raw).unwrap().chunks_exact((width * height * 4) as usize).enumerate() {
        let file = fs::File::create(to.join(format!("frame_{:06}.png", i + 1))).unwrap();
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
    }
}

#[test]
fn frames_have_the_figures_of_ffmpegs_filters() {
    let lab = Lab::new();
    let [width, height] = SIZE;
    let raw = format!("-f rawvideo -pix_fmt rgba -s {width}x{height} -r 10");
    let alpha = r"geq=r=r(X\,Y):g=g(X\,Y):b=b(X\,Y):a=128+100*sin(X/9+N)";
    lab.make(
        "base.raw",
        &format!("-f lavfi -i testsrc2=s={width}x{height}:r=10:d=0.6,format=gbrap,{alpha} -pix_fmt rgba -f rawvideo"),
    );
    lab.make(
        "noisy.raw",
        &format!("{raw} -i base.raw -vf format=gbrap,noise=alls=25:allf=t -pix_fmt rgba -f rawvideo"),
    );
    let graph = "[0]format=gbrap,split[r][r1];[1]format=gbrap,split[b][b1];[r][b]psnr=stats_file=psnr[p];\
                 [r1]format=gbrp[r2];[b1]format=gbrp[b2];[r2][b2]ssim=stats_file=ssim[s]";
    lab.make("-", &format!("{raw} -i noisy.raw {raw} -i base.raw -filter_complex {graph} -map [p] -map [s] -f null"));
    for name in ["base", "noisy"] {
        write_frames(&lab.path(&format!("{name}.raw")), &lab.path(name));
    }
    let baseline = BaselineFrames::read(FrameFolder::at(&lab.path("base"))).unwrap();
    let ours = *baseline.measure(&FrameSource::at(&lab.path("noisy")), 10).unwrap().compared.unwrap();
    let read = |name: &str| fs::read_to_string(lab.path(name)).unwrap();
    let theirs = psnr::frames(&read("psnr")).unwrap();
    let near = |a: Level, b: Level| matches!((a, b), (Level::Db(a), Level::Db(b)) if (a - b).abs() <= 0.006);
    assert_eq!(ours.psnr.levels.len(), 6);
    for (ours, theirs) in ours.psnr.levels.iter().zip(&theirs) {
        assert!(near(*ours, theirs.all), "{ours} is not {}", theirs.all);
    }
    let summary = psnr::VideoPsnr::of(&theirs).unwrap();
    for (ours, theirs) in ours.psnr.planes.iter().zip(&summary.planes) {
        assert!(
            ours.plane == theirs.plane && (ours.mean_db - theirs.mean_db).abs() <= 0.006,
            "{ours:?} is not {theirs:?}"
        );
    }
    let (theirs, _) = VideoSsim::from_stats(&read("ssim")).unwrap();
    assert!((ours.ssim.mean - theirs.mean).abs() < 1e-4 && ours.ssim.mean < 0.95, "{:?} is not {theirs:?}", ours.ssim);
}
