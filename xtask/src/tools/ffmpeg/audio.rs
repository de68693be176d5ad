//! Comparing sound sample by sample.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};
use render_verdict::{
    audio::{
        self, RATE, Sound,
        lag::{self, Lag},
        residual::Residual,
    },
    frames::{
        archive::FrameSource,
        sequence::{FileHash, FrameSequence},
    },
    probe::{AudioShape, FARTHEST_AUDIO_S, Tracks},
    shape::{self, Difference},
    showinfo::Video,
};
use xshell::cmd;

use crate::tools::ffmpeg::{Media, pass::Pass};

/// How long a stretch of the baseline is looked for in the render, in seconds.
const STRETCH_S: f64 = 4.0;

/// Decoded sound: interleaved s16le samples at [`RATE`].
struct Pcm {
    path: PathBuf,
    channels: u64,
}

/// The filters that make a track what is compared. What it writes ends [`longest_s`] after the beginning.
pub(crate) fn filters(duration_s: f64) -> String {
    // Silence before the first sample and in gaps is kept, so shifted sound is a difference.
    // A second at a time: ffmpeg passes each piece through four threads.
    let end = longest_s(duration_s);
    format!("aresample={RATE}:async=1:min_hard_comp=0.01:first_pts=0,asetnsamples=n={RATE}:p=0,atrim=end={end:.3}")
}

/// How much sound is written at most, in seconds, where the baseline has `duration_s`. Headers may not show a gap
/// in the sound of a render, and gaps are filled with silence.
fn longest_s(duration_s: f64) -> f64 {
    duration_s + 2.0 * FARTHEST_AUDIO_S
}

/// Refuses sound that was cut off at [`longest_s`]: what follows would not be compared.
fn refuse_cut(pcm: &Pcm, duration_s: f64) -> anyhow::Result<()> {
    let bytes = fs::metadata(&pcm.path).with_context(|| format!("{}", pcm.path.display()))?.len();
    let seconds = bytes as f64 / (pcm.channels.max(1) * 2) as f64 / f64::from(RATE);
    ensure!(
        seconds < longest_s(duration_s) - 0.5,
        "it lasts more than {seconds:.0} s, but the baseline lasts {duration_s:.0} s: its time stamps are wrong"
    );
    Ok(())
}

/// Where a pass leaves the sound of a track.
pub(crate) fn file_name(video: Video, track: usize) -> String {
    let of = match video {
        Video::Render => "render",
        Video::Baseline => "baseline",
    };
    format!("{of}-{track}.pcm")
}

impl Pass {
    /// What is left of an audio track when the baseline's is taken from it. The baseline's picture has `duration_s`, and
    /// the render's is shown `shift_s` later.
    pub(crate) fn sound(&self, track: usize, channels: u64, duration_s: f64, shift_s: f64) -> anyhow::Result<Sound> {
        let pcm = |video| Pcm { path: self.path(&file_name(video, track)), channels };
        let sound = compare(&pcm(Video::Baseline), &pcm(Video::Render), duration_s, shift_s);
        sound.with_context(|| format!("comparing the audio of {}", self.render.display()))
    }
}

impl Media {
    /// The same for two files without a picture.
    pub(crate) async fn sound_alone(
        &self,
        render: &Path,
        baseline: &Path,
        (track, channels): (usize, u64),
        duration_s: f64,
    ) -> anyhow::Result<Sound> {
        let dir = tempfile::tempdir().context("a temporary folder for audio")?;
        let (sh, ffmpeg, filters) = (&self.runner.sh, &self.ffmpeg, filters(duration_s));
        let map = format!("0:a:{track}");
        for (video, file) in [(Video::Render, render), (Video::Baseline, baseline)] {
            let what = || format!("decoding the audio of {}", file.display());
            let (input, pcm) = (std::path::absolute(file).with_context(what)?, file_name(video, track));
            // -copyts keeps the file's own clock: otherwise the first sample would be at 0.
            let decode = cmd!(
                sh,
                "{ffmpeg} -nostdin -v error -xerror -y -copyts -i file:{input} -map {map} -af {filters} -f s16le {pcm}"
            );
            self.run(decode).cwd(dir.path()).await.with_context(what)?;
        }
        let pcm = |video| Pcm { path: dir.path().join(file_name(video, track)), channels };
        let sound = compare(&pcm(Video::Baseline), &pcm(Video::Render), duration_s, 0.0);
        sound.with_context(|| format!("comparing the audio of {}", render.display()))
    }
}

fn compare(baseline: &Pcm, render: &Pcm, duration_s: f64, shift_s: f64) -> anyhow::Result<Sound> {
    refuse_cut(baseline, duration_s).context("the baseline's sound")?;
    refuse_cut(render, duration_s).context("the render's sound")?;
    let compared = |shift: i64| -> anyhow::Result<Sound> {
        let skip = |samples: i64| samples.max(0) as u64;
        Ok(audio::compare(baseline.from(skip(-shift))?, render.from(skip(shift))?, baseline.channels)?)
    };
    let shift = (shift_s * f64::from(RATE)).round() as i64;
    let mut sound = compared(shift)?;
    if shift != 0 && sound.whole != Residual::Silent {
        sound = compared(shift + rounded(baseline, render, shift, sound.loudest_of_baseline_s)?)?;
    }
    sound.lag = match sound.whole {
        Residual::Silent => None,
        Residual::DbFs(_) => lag_of(baseline, render, sound.loudest_of_baseline_s)?,
    };
    Ok(sound)
}

/// How many samples later than `shift` the render's sound matches the baseline's best, where a container has rounded
/// the times of the picture or of the sound.
fn rounded(baseline: &Pcm, render: &Pcm, shift: i64, loudest_s: f64) -> anyhow::Result<i64> {
    let start = ((loudest_s * f64::from(RATE)) as i64).max(ROUNDED_SAMPLES - shift);
    let before = u64::try_from(start + shift - ROUNDED_SAMPLES).context("a time in the render")?;
    let of_baseline = baseline.mono(start as u64, RATE.into())?;
    let of_render = render.mono(before, u64::from(RATE) + 2 * ROUNDED_SAMPLES as u64)?;
    let difference = |by: i64| -> f64 {
        let later = of_render.iter().skip((by + ROUNDED_SAMPLES) as usize);
        of_baseline.iter().zip(later).map(|(b, r)| f64::from(r - b).powi(2)).sum()
    };
    let all = (-ROUNDED_SAMPLES..=ROUNDED_SAMPLES).map(|by| (by, difference(by)));
    Ok(all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(by, _)| by))
}

/// Containers round times to a millisecond.
const ROUNDED_SAMPLES: i64 = RATE as i64 / 1000;

/// Where the baseline's loudest stretch is in the render, and what is left when it is moved there.
fn lag_of(baseline: &Pcm, render: &Pcm, loudest_s: f64) -> anyhow::Result<Option<Lag>> {
    let at = |seconds: f64| (seconds * f64::from(RATE)) as u64;
    let start = at(loudest_s);
    let stretch = baseline.mono(start, at(STRETCH_S))?;
    // The render's stretch may begin before its file does: there it is silent.
    let before = at(lag::REACH_S);
    let silent = before.saturating_sub(start);
    let mut around = vec![0.0; silent as usize];
    around.extend(render.mono(start.saturating_sub(before), at(STRETCH_S) + 2 * before - silent)?);
    around.resize(stretch.len() + 2 * before as usize, 0.0);
    let Some((samples, correlation)) = lag::find(&stretch, &around, before as usize) else { return Ok(None) };
    let skip = |samples: i64| samples.max(0) as u64;
    let aligned = audio::overlap(baseline.from(skip(-samples))?, render.from(skip(samples))?)?;
    Ok(Some(Lag { ms: samples as f64 / f64::from(RATE) * 1000.0, correlation, aligned }))
}

impl Pcm {
    /// The samples of all channels from a point in time on, given as samples of one.
    fn from(&self, start: u64) -> anyhow::Result<BufReader<File>> {
        let what = || format!("{}", self.path.display());
        let mut file = File::open(&self.path).with_context(what)?;
        file.seek(SeekFrom::Start(start * self.channels * 2)).with_context(what)?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// The sum of all channels over a stretch, or what there is of it.
    fn mono(&self, start: u64, samples: u64) -> anyhow::Result<Vec<f32>> {
        let mut bytes = Vec::new();
        let wanted = samples * self.channels * 2;
        self.from(start)?.take(wanted).read_to_end(&mut bytes).with_context(|| format!("{}", self.path.display()))?;
        Ok(render_verdict::audio::residual::mono(
            &render_verdict::audio::residual::samples(&bytes),
            self.channels as usize,
        ))
    }
}

// Sound that comes in files of its own, next to the frames of a sequence.

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
        let unpacked = tempfile::tempdir().context("a temporary folder for audio")?;
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
                let (render, baseline) = (&of_render.path, &of_baseline.path);
                let of_track = (track, shape.channels);
                sounds.push(self.sound_alone(render, baseline, of_track, tracks.duration_s).await?);
            }
        }
        Ok(sounds)
    }

    async fn tracks(&self, file: &Path) -> anyhow::Result<Tracks> {
        let report = self.probe(file, None).await?;
        Tracks::from_ffprobe(&report.stdout)
    }
}
