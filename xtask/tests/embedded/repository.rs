//! A repository whose handler is the stand-in: everything real but the rendering.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::emulator::tool;

/// A temporary repository of this project's layout, with a built ZIP.
pub(crate) struct Repository {
    dir: tempfile::TempDir,
}

/// What the stand-in is asked to do, see `data/stand-in/index.mjs`.
pub(crate) fn ask(stand_in: Value) -> Value {
    json!({"minPsnr": 40, "renderConfig": {"fps": 30, "variables": {"standIn": stand_in}}})
}

impl Repository {
    /// With one fixture, `f`, of 60 frames, whose renders go as `stand_in` says.
    pub(crate) fn new(stand_in: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repository = Self { dir };
        let own = xtask::repo::tool_root();
        let lambda = repository.root().join("examples/aws-lambda");
        fs::create_dir_all(lambda.join("handler/dist")).unwrap();
        fs::copy(own.join("examples/aws-lambda/template.yaml"), lambda.join("template.yaml")).unwrap();
        let fixture = repository.fixture();
        fs::create_dir_all(fixture.join("src")).unwrap();
        fs::create_dir_all(fixture.join("output")).unwrap();
        let html = r#"<div data-composition-id="f" data-width="64" data-height="36" data-duration="2"></div>"#;
        fs::write(fixture.join("src/index.html"), html).unwrap();
        fs::write(fixture.join("meta.json"), ask(stand_in).to_string()).unwrap();
        let staging = repository.root().join("staging");
        fs::create_dir(&staging).unwrap();
        fs::copy(own.join("xtask/tests/data/stand-in/index.mjs"), staging.join("index.mjs")).unwrap();
        video("testsrc=size=64x36:rate=30:duration=2", &staging.join("baseline.mp4"));
        video("mandelbrot=size=64x36:rate=30", &staging.join("other.mp4"));
        video("testsrc=size=64x36:rate=30:duration=1", &staging.join("short.mp4"));
        fs::copy(staging.join("baseline.mp4"), repository.baseline()).unwrap();
        let zip = Command::new("zip")
            .args(["-q", "-X", "-r"])
            .arg(lambda.join("handler/dist/handler.zip"))
            .arg(".")
            .current_dir(&staging)
            .status()
            .unwrap();
        assert!(zip.success());
        repository
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn baseline(&self) -> PathBuf {
        self.fixture().join("output/output.mp4")
    }

    fn fixture(&self) -> PathBuf {
        self.root().join("fixtures/f")
    }
}

/// Two seconds of an ffmpeg test picture.
pub(crate) fn video(source: &str, to: &Path) {
    let status = Command::new(tool("ffmpeg"))
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", "2"])
        .args(["-pix_fmt", "yuv420p", "-c:v", "libx264"])
        .arg(to)
        .status()
        .unwrap();
    assert!(status.success());
}
