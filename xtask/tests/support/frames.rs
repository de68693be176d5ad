//! Fake frames: PNG files of a few pixels, in-process and as the handler delivers them.

use std::{collections::BTreeMap, fs, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::Test;

/// Files of a rendered sequence, by name.
#[derive(Debug, Clone)]
pub(crate) struct Frames(BTreeMap<String, Vec<u8>>);

impl Frames {
    /// So many frames, each with pixels of its own.
    pub(crate) fn of(count: u8) -> Self {
        Self((0..count).map(|i| (name(i), png(i, ""))).collect())
    }

    /// With another file at a frame's place, or a new one.
    pub(crate) fn with(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.into(), bytes.into());
        self
    }

    /// Without a frame, counted from 0.
    pub(crate) fn without(mut self, frame: u8) -> Self {
        self.0.remove(&name(frame)).unwrap();
        self
    }

    /// With the same pixels in other bytes, as another encoder may write them.
    pub(crate) fn encoded_again(self) -> Self {
        Self((0..self.0.len() as u8).map(|i| (name(i), png(i, "another encoder"))).collect())
    }

    /// Writes the files to a new folder.
    pub(crate) fn write_to(&self, dir: &Path) {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir(dir).unwrap();
        self.0.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
    }

    /// The archive that the handler makes of them: entries `./` and `./<name>`.
    pub(crate) fn tar_gz(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let root = ("./".to_owned(), tar::EntryType::Directory, &[][..]);
        let files = self.0.iter().map(|(name, bytes)| (format!("./{name}"), tar::EntryType::Regular, &bytes[..]));
        for (path, kind, bytes) in std::iter::once(root).chain(files) {
            let mut header = tar::Header::new_ustar();
            // Not by `set_path`, which takes no path that leads out of the archive.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }
}

impl Test {
    /// Makes the fixture one of frames, with these as its baseline; executions deliver the same.
    pub(crate) fn sequence(self, baseline: &Frames) -> Self {
        baseline.write_to(&self.repository.fixture_file("output/frames"));
        let meta = r#"{"minPsnr":40,"renderConfig":{"fps":30,"format":"png-sequence"}}"#;
        self.fixture_file("meta.json", meta).delivers(baseline)
    }

    /// Changes the frames that the in-process renderer makes.
    pub(crate) fn in_process(self, frames: &Frames) -> Self {
        frames.write_to(&self.tools.in_process());
        self
    }

    /// Changes the frames that executions deliver.
    pub(crate) fn delivers(self, frames: &Frames) -> Self {
        self.render(|render| render.video = frames.tar_gz())
    }
}

/// The file of a frame, counted from 0.
pub(crate) fn name(frame: u8) -> String {
    format!("frame_{:06}.png", u32::from(frame) + 1)
}

/// A picture of 64x36 pixels of one gray, with a note in its file.
pub(crate) fn png(gray: u8, note: &str) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 64, 36);
    encoder.set_color(png::ColorType::Rgba);
    encoder.add_text_chunk("note".into(), note.into()).unwrap();
    encoder.write_header().unwrap().write_image_data(&[gray; 64 * 36 * 4]).unwrap();
    file
}
