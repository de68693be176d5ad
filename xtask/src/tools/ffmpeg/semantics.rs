//! What a viewer gets of a video, for comparing the plan protocols.

use std::{
    ffi::OsString,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use execution_history::rendered::ChunkFacts;
use render_verdict::{
    picture::hashes::{FrameHashes, sha256_of_file},
    probe::MediaShape,
    protocols::{PcmDigest, Semantics},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use xshell::cmd;

use crate::tools::ffmpeg::{Media, decoder_args};

impl Media {
    /// Decodes a video and reads what describes it.
    ///
    /// # Errors
    /// When something of it can't be decoded or read.
    pub async fn semantics(
        &self,
        video: &Path,
        shape: &MediaShape,
        chunks: &[ChunkFacts],
    ) -> anyhow::Result<Semantics> {
        let what = || format!("decoding the picture and the audio of {}", video.display());
        let dir = tempfile::tempdir().context("a temporary folder for measurements")?;
        let frames = dir.path().join("frames");
        let sound: Vec<PathBuf> =
            (0..shape.audio.len()).map(|track| dir.path().join(format!("sound-{track}"))).collect();
        let (sh, ffmpeg, decoder) = (&self.runner.sh, &self.ffmpeg, decoder_args(shape.alpha_decoder()));
        let pcm = sound.iter().enumerate().flat_map(|(track, to)| {
            let (map, mut file) = (format!("0:a:{track}"), OsString::from("file:"));
            file.push(to);
            let words = ["-map", &map, "-ar", "48000", "-ac", "2", "-f", "s16le"].map(OsString::from);
            words.into_iter().chain([file])
        });
        let decode = cmd!(
            sh,
            "{ffmpeg} -nostdin -v error -xerror -y {decoder...} -i file:{video}
                -map 0:V:0 -pix_fmt rgba -fps_mode passthrough -f framehash -hash md5 file:{frames}
                {pcm...}"
        );
        self.run(decode).await.with_context(what)?;
        let frames = std::fs::read_to_string(&frames).with_context(what)?;
        let pcm = digest(&sound).with_context(what)?;
        let (streams, duration_s) = self.streams(video).await.with_context(what)?;
        let mut chunks = chunks.to_vec();
        chunks.sort_by_key(|chunk| chunk.index);
        Ok(Semantics {
            frames: FrameHashes::from_framehash(&frames).with_context(what)?,
            pcm,
            streams,
            duration_s,
            chunks,
            sha256: sha256_of_file(video)?,
        })
    }

    async fn streams(&self, video: &Path) -> anyhow::Result<(Value, f64)> {
        let output = self.probe(video, None).await?;
        let report: Value = serde_json::from_str(&output.stdout).context("ffprobe's report")?;
        let duration = report["format"]["duration"].as_str().and_then(|text| text.parse().ok());
        let mut streams = report["streams"].clone();
        for stream in streams.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            // How large the encoding is, and the duration, which is compared with a tolerance.
            for key in ["bit_rate", "max_bit_rate", "duration", "duration_ts", "extradata_size"] {
                stream.remove(key);
            }
        }
        Ok((streams, duration.context("the video has no duration")?))
    }
}

/// All tracks' samples, one track after the other; `None` without a track.
fn digest(tracks: &[PathBuf]) -> anyhow::Result<Option<PcmDigest>> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0);
    for track in tracks {
        let mut samples = File::open(track).with_context(|| format!("{}", track.display()))?;
        bytes += io::copy(&mut samples, &mut sha256).with_context(|| format!("{}", track.display()))?;
    }
    Ok((!tracks.is_empty()).then(|| PcmDigest { sha256: hex::encode(sha256.finalize()), bytes }))
}
