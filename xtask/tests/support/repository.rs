//! Temporary repositories in both layouts, with prebuilt ZIPs and fake videos.

use std::{
    fs,
    path::{Path, PathBuf},
};

use xtask::project::repo::tool_root;

use super::video::Video;

/// Where things lie in a temporary repository.
pub(crate) struct Repository {
    root: PathBuf,
    package: &'static str,
    fixtures: &'static str,
}

impl Repository {
    /// Laid out like this project.
    pub(crate) fn own(root: &Path) -> Self {
        let repository = Self { root: root.to_owned(), package: "examples/aws-lambda/handler", fixtures: "fixtures" };
        repository.write("examples/aws-lambda/handler/bun.lock", "{}");
        repository.write("examples/aws-lambda/handler/bundle.ts", "");
        repository.fill("examples/aws-lambda/template.yaml");
        repository
    }

    /// Laid out like a HyperFrames checkout.
    pub(crate) fn checkout(root: &Path) -> Self {
        let repository = Self {
            root: root.to_owned(),
            package: "packages/aws-lambda",
            fixtures: "packages/producer/tests/distributed",
        };
        let scripts = r#"{"scripts": {"build:zip": "tsx build-zip.ts", "verify:zip-size": "tsx verify.ts"}}"#;
        repository.write("packages/aws-lambda/package.json", scripts);
        fs::create_dir_all(root.join("packages/producer")).unwrap();
        // Without a choice of plan protocol.
        repository.fill("xtask/tests/data/checkout/seed.yaml");
        repository
    }

    fn fill(&self, template: &str) {
        let template = fs::read(tool_root().join(template)).unwrap();
        self.write_bytes("examples/aws-lambda/template.yaml", &template);
        self.write_bytes(&format!("{}/dist/handler.zip", self.package), &zip(1 << 20));
        for name in ["f", "other-fixture"] {
            let fixture = format!("{}/{name}", self.fixtures);
            self.write(&format!("{fixture}/meta.json"), r#"{"minPsnr":40,"renderConfig":{"fps":30,"codec":"h264"}}"#);
            let html = r#"<div data-composition-id="f" data-width="64" data-height="36" data-duration="2"></div>"#;
            self.write(&format!("{fixture}/src/index.html"), html);
            self.write_bytes(&format!("{fixture}/output/output.mp4"), &Video::default().bytes());
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn handler_zip(&self) -> PathBuf {
        self.root.join(self.package).join("dist/handler.zip")
    }

    /// Deploys the function that renders chunks from a ZIP of its own, which this does not make.
    pub(crate) fn render_chunks_from_their_own_zip(&self) -> PathBuf {
        let template = include_str!("../data/checkout/today.yaml");
        let (first, chunks) = template.split_at(template.find("  ChunkFunction:").unwrap());
        let template = first.to_owned() + &chunks.replacen("dist/handler.zip", "dist/chunk.zip", 1);
        self.write("examples/aws-lambda/template.yaml", &template);
        self.handler_zip().with_file_name("chunk.zip")
    }

    /// A file of the fixture `f`.
    pub(crate) fn fixture_file(&self, name: &str) -> PathBuf {
        self.root.join(self.fixtures).join("f").join(name)
    }

    pub(crate) fn baseline(&self) -> PathBuf {
        self.fixture_file("output/output.mp4")
    }

    fn write(&self, path: &str, content: &str) {
        self.write_bytes(path, content.as_bytes());
    }

    fn write_bytes(&self, path: &str, content: &[u8]) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A ZIP of one entry that claims to have this many bytes when unzipped.
pub(crate) fn zip(unzipped: u32) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(31, 0);
    let directory_at = u32::try_from(bytes.len()).unwrap();
    let mut entry = b"PK\x01\x02".to_vec();
    entry.resize(46, 0);
    entry[24..28].copy_from_slice(&unzipped.to_le_bytes());
    entry[28] = 1;
    entry.push(b'a');
    let mut end = b"PK\x05\x06".to_vec();
    end.resize(22, 0);
    end[10] = 1;
    end[12] = u8::try_from(entry.len()).unwrap();
    end[16..20].copy_from_slice(&directory_at.to_le_bytes());
    [bytes, entry, end].concat()
}
