//! A folder of videos, made by the real ffmpeg and measured with it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use render_verdict::{
    Comparison, decibels::Level, finding::Finding, gates::Limits, probe::MediaShape, protocols::Semantics,
};
use xtask::{
    console::Console,
    project::baseline::Baseline,
    tools::{env::Env, ffmpeg::Media, runner::Runner},
};

use crate::emulator::{block_on, tool};

/// A folder with `base.mp4`, two seconds of moving pictures and a tone.
pub(crate) struct Lab {
    dir: tempfile::TempDir,
}

pub(crate) const X264: &str = "-c:v libx264 -preset veryfast -crf 16 -pix_fmt yuv420p";
pub(crate) const VP9: &str = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 10 -b:v 0 -auto-alt-ref 0";

impl Lab {
    /// With a copy of a committed baseline as `base.mp4`.
    pub(crate) fn of_fixture(fixture: &str) -> Self {
        let lab = Self { dir: tempfile::tempdir().unwrap() };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(fixture).join("output/output.mp4");
        std::fs::copy(file, lab.path("base.mp4")).unwrap();
        lab
    }

    pub(crate) fn new() -> Self {
        let lab = Self { dir: tempfile::tempdir().unwrap() };
        let sources = "-f lavfi -i testsrc2=s=160x96:r=30:d=2 -f lavfi -i sine=440:d=2:r=48000";
        lab.make("base.mp4", &format!("{sources} {X264} -c:a aac -ac 2 -t 2"));
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a file by ffmpeg's arguments, which are split at spaces.
    pub(crate) fn make(&self, name: &str, args: &str) {
        let made = Command::new(tool("ffmpeg"))
            .current_dir(&self.dir)
            .args(["-nostdin", "-v", "error", "-y"])
            .args(args.split(' '))
            .arg(name)
            .output()
            .unwrap();
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// How alike stretches of a video, by their first frames, and those `distance` frames later are.
    pub(crate) fn apart(&self, video: &str, firsts: &[u64], frames: u64, distance: u64) -> Vec<Level> {
        block_on(async {
            let (media, path) = (media(), self.path(video));
            let shape = Box::new(media.shape_of_whole(&path).await.unwrap());
            Baseline::Video { path, shape }.apart(&media, firsts, frames, distance).await.unwrap()
        })
    }

    /// What a viewer gets of a video.
    pub(crate) fn semantics(&self, video: &str) -> Semantics {
        block_on(async {
            let (media, path) = (media(), self.path(video));
            let shape = media.shape_of_whole(&path).await.unwrap();
            media.semantics(&path, &shape, &[]).await.unwrap()
        })
    }

    /// The shape of a video.
    pub(crate) fn shape(&self, video: &str) -> MediaShape {
        block_on(media().shape_of_whole(&self.path(video))).unwrap()
    }

    /// How a render compares with a baseline of this shape, or why it can't be measured.
    pub(crate) fn compare_with(&self, shape: &MediaShape, baseline: &str, render: &str) -> Result<Comparison, String> {
        let (baseline, render) = (self.path(baseline), self.path(render));
        let compared = block_on(media().compare(&render, &baseline, shape, &Limits::default()));
        compared.map(|(_, comparison)| comparison).map_err(|error| format!("{error:#}"))
    }

    /// How a render compares with `baseline`, or why it can't be measured.
    pub(crate) fn compare(&self, baseline: &str, render: &str) -> Result<Comparison, String> {
        let reported = block_on(measure(&self.path(baseline), &self.path(render)));
        reported.map_err(|error| format!("{error:#}"))
    }

    /// What the gate says of a render of `baseline`: its findings, or why it can't be measured.
    pub(crate) fn judge(&self, baseline: &str, render: &str) -> Result<Vec<Finding>, String> {
        Ok(self.compare(baseline, render)?.findings(&Limits::default()))
    }

    pub(crate) fn passes(&self, baseline: &str, render: &str) {
        assert_eq!(self.judge(baseline, render), Ok(vec![]), "{render}");
    }

    pub(crate) fn fails(&self, baseline: &str, render: &str, finding: &str) {
        let found = self.judge(baseline, render).unwrap_or_else(|error| panic!("{render}: {error}"));
        assert!(found.iter().any(|f| f.message.contains(finding)), "{render}: {finding:?} is not in {found:#?}");
    }

    pub(crate) fn does_not_decode(&self, baseline: &str, render: &str) {
        let error = self.judge(baseline, render).expect_err(render);
        assert!(error.contains(render), "{error}");
    }
}

fn media() -> Media {
    Media {
        ffmpeg: tool("ffmpeg"),
        ffprobe: tool("ffprobe"),
        runner: Runner::new(&Env::from([("PATH", "/usr/bin:/bin")]), &Console::default()).unwrap(),
    }
}

async fn measure(baseline: &Path, render: &Path) -> anyhow::Result<Comparison> {
    let media = media();
    let shape = media.shape_of_whole(baseline).await?;
    let (_, comparison) = media.compare(render, baseline, &shape, &Limits::default()).await?;
    if let Some(picture) = comparison.picture() {
        assert_eq!(picture.psnr.frames, shape.frames);
    }
    Ok(comparison)
}
