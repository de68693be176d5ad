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
    fixture: &'static str,
    package: String,
}

/// What the stand-in is asked to do, see `data/stand-in/index.mjs`.
pub(crate) fn ask(stand_in: Value) -> Value {
    json!({"minPsnr": 40, "renderConfig": {"fps": 30, "variables": {"standIn": stand_in}}})
}

impl Repository {
    /// With one fixture, `f`, of 60 frames, whose renders go as `stand_in` says.
    pub(crate) fn new(stand_in: Value) -> Self {
        let own = xtask::project::repo::tool_root().join("examples/aws-lambda/template.yaml");
        Self::laid_out(stand_in, "fixtures/f", "examples/aws-lambda/handler", &own)
    }

    /// The same in the layout of a HyperFrames checkout, with the template of one of its ages.
    pub(crate) fn checkout(age: &str, stand_in: Value) -> Self {
        let template = xtask::project::repo::tool_root().join(format!("xtask/tests/data/checkout/{age}.yaml"));
        Self::laid_out(stand_in, "packages/producer/tests/distributed/f", "packages/aws-lambda", &template)
    }

    fn laid_out(stand_in: Value, fixture: &'static str, package: &str, template: &Path) -> Self {
        let repository = Self { dir: tempfile::tempdir().unwrap(), fixture, package: package.to_owned() };
        let own = xtask::project::repo::tool_root();
        let package = repository.root().join(package);
        fs::create_dir_all(package.join("dist")).unwrap();
        fs::write(package.join("package.json"), "{}").unwrap();
        fs::create_dir_all(repository.root().join("examples/aws-lambda")).unwrap();
        fs::copy(template, repository.root().join("examples/aws-lambda/template.yaml")).unwrap();
        let definition = template.with_extension("asl.json");
        if definition.is_file() {
            let name = definition.file_name().unwrap();
            fs::copy(&definition, repository.root().join("examples/aws-lambda").join(name)).unwrap();
        }
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
        repository.pack();
        repository
    }

    /// Makes the ZIP from the folder `staging`.
    pub(crate) fn pack(&self) {
        let zip = self.root().join(&self.package).join("dist/handler.zip");
        let _ = fs::remove_file(&zip);
        let mut command = Command::new("zip");
        command.args(["-q", "-X", "-r"]).arg(zip).arg(".").current_dir(self.root().join("staging"));
        assert!(command.status().unwrap().success());
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn baseline(&self) -> PathBuf {
        self.fixture().join("output/output.mp4")
    }

    fn fixture(&self) -> PathBuf {
        self.root().join(self.fixture)
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

/// Copies a folder with all that is in it.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
