//! Sound that comes in files of its own, next to the frames of a sequence.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;

use super::Media;
use crate::{
    frames::FrameSource,
    measure::{
        audio::Sound,
        frame_sequence::{FileHash, FrameSequence},
        probe::{AudioShape, Tracks},
        shape::{self, Difference},
    },
};

/// The files next to a sequence's frames.
#[derive(Debug, Clone, Default)]
pub struct SoundFiles {
    files: BTreeMap<String, SoundFile>,
    /// Holds what was taken out of an archive.
    _unpacked: Option<Arc<tempfile::TempDir>>,
}

#[derive(Debug, Clone)]
struct SoundFile {
    path: PathBuf,
    sha256: FileHash,
    /// `None` for a file without sound.
    tracks: Option<Tracks>,
}

impl SoundFiles {
    /// All audio tracks, in the order of the files' names.
    pub fn tracks(&self) -> Vec<AudioShape> {
        self.sounding().flat_map(|(_, tracks)| tracks.audio.clone()).collect()
    }

    /// How a render's differ from these in shape, and in what has no sound to be measured.
    /// Files that only one has are reported with the frames.
    pub fn differences(&self, render: &Self) -> Vec<Difference> {
        let both = self.files.iter().filter_map(|(name, file)| Some((name, file, render.files.get(name)?)));
        both.flat_map(|(name, ours, theirs)| match (&ours.tracks, &theirs.tracks) {
            (Some(ours), Some(theirs)) => shape::of_tracks(name, ours, theirs),
            _ if ours.sha256 == theirs.sha256 => Vec::new(),
            _ => vec![Difference {
                what: format!("bytes of {name}"),
                baseline: format!("sha256 {}", short(ours.sha256)),
                render: format!("sha256 {}", short(theirs.sha256)),
            }],
        })
        .collect()
    }

    fn sounding(&self) -> impl Iterator<Item = (&SoundFile, &Tracks)> {
        self.files.values().filter_map(|file| Some((file, file.tracks.as_ref()?)))
    }
}

fn short(hash: FileHash) -> String {
    hash.to_string().chars().take(12).collect()
}

impl Media {
    /// The files next to the frames in a folder.
    pub async fn sound_in(&self, folder: &Path, sequence: &FrameSequence) -> SoundFiles {
        let mut files = BTreeMap::new();
        for (name, sha256) in sequence.others() {
            let path = folder.join(name);
            let tracks = self.tracks(&path).await.ok();
            files.insert(name.clone(), SoundFile { path, sha256: *sha256, tracks });
        }
        SoundFiles { files, _unpacked: None }
    }

    /// The files next to a render's frames.
    ///
    /// # Errors
    /// When they can't be taken out of an archive.
    pub async fn sound_of(&self, source: &FrameSource, sequence: &FrameSequence) -> anyhow::Result<SoundFiles> {
        let archive = match source {
            FrameSource::Folder(folder) => return Ok(self.sound_in(folder.dir(), sequence).await),
            FrameSource::Archive(_) if sequence.others().is_empty() => return Ok(SoundFiles::default()),
            FrameSource::Archive(archive) => archive,
        };
        let unpacked = tempfile::tempdir().context("a temporary folder for sound")?;
        for name in sequence.others().keys() {
            let path = unpacked.path().join(name);
            fs::write(&path, archive.file(name)?).with_context(|| format!("{}", path.display()))?;
        }
        let found = self.sound_in(unpacked.path(), sequence).await;
        Ok(SoundFiles { _unpacked: Some(Arc::new(unpacked)), ..found })
    }

    /// What is left of each track when the baseline's is taken from it, in the order of [`SoundFiles::tracks`].
    ///
    /// # Errors
    /// When a file does not decode from end to end.
    pub async fn sounds(&self, render: &SoundFiles, baseline: &SoundFiles) -> anyhow::Result<Vec<Sound>> {
        let mut sounds = Vec::new();
        for ((of_render, _), (of_baseline, tracks)) in render.sounding().zip(baseline.sounding()) {
            for (track, shape) in tracks.audio.iter().enumerate() {
                sounds.push(self.sound_alone(&of_render.path, &of_baseline.path, track, shape.channels).await?);
            }
        }
        Ok(sounds)
    }

    async fn tracks(&self, file: &Path) -> anyhow::Result<Tracks> {
        let report = self.probe(file, None).await?;
        Tracks::from_ffprobe(&report.stdout)
    }
}
