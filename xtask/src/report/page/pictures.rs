//! Which pictures the page carries: as many as it stays light with, those of the worst
//! renders first, and no frame of a fixture twice.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;

use crate::{
    measure::{Level, raster::Raster},
    story::{RenderReport, RunReport},
};

/// All pictures of a page together are no larger, bytes; the others are linked to.
const BUDGET: usize = 600_000;

/// The longer side of a picture in the page, in pixels; the file that it links to is larger.
const SIDE: u32 = 400;

/// PNG files by their names in the artifact folder.
#[derive(Debug, Default)]
pub struct Pictures(BTreeMap<String, Vec<u8>>);

impl Pictures {
    /// Reads a run's pictures, those of the worst renders first, until the page has
    /// enough of them. What can't be read is left out.
    pub fn read(dir: &Path, report: &RunReport) -> Self {
        let (mut pictures, mut left) = (BTreeMap::new(), BUDGET);
        let mut seen = Vec::new();
        for render in worst_first(report) {
            let Some(images) = &render.row.worst_frame_images else { continue };
            let frame =
                (&render.fixture, render.row.picture.as_ref().map(|picture| picture.worst_frame), render.row.passed);
            if seen.contains(&frame) {
                continue;
            }
            seen.push(frame);
            let names = images.files();
            let Ok(files) = names.iter().map(|name| small(&dir.join(name))).collect::<Result<Vec<_>, _>>() else {
                continue;
            };
            let bytes: usize = files.iter().map(Vec::len).sum();
            if bytes <= left {
                left -= bytes;
                pictures.extend(names.into_iter().cloned().zip(files));
            }
        }
        Self(pictures)
    }

    /// Whether the page carries a render's pictures.
    pub(super) fn show(&self, render: &RenderReport) -> bool {
        render.row.worst_frame_images.as_ref().is_some_and(|images| self.0.contains_key(&images.render))
    }

    /// A picture as an address that needs no request.
    pub(super) fn data_uri(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|file| format!("data:image/png;base64,{}", base64(file)))
    }
}

/// A PNG file's picture as a smaller file.
fn small(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(file).with_context(|| format!("{}", file.display()))?;
    Raster::from_png(&bytes)?.within(SIDE).png()
}

fn worst_first(report: &RunReport) -> Vec<&RenderReport> {
    let level = |render: &RenderReport| match render.row.picture.as_ref().map(|picture| picture.worst_frame_db) {
        Some(Level::Db(db)) => db,
        Some(Level::Identical) | None => f64::INFINITY,
    };
    let mut renders: Vec<&RenderReport> = report.renders.iter().collect();
    renders.sort_by(|a, b| a.row.passed.cmp(&b.row.passed).then(level(a).total_cmp(&level(b))));
    renders
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (group >> (18 - 6 * digit)) & 63;
            let is_padding = digit as usize > three.len();
            text.push(if is_padding { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_its_standard() {
        let of = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(of, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
