//! Fake videos: text that the fake ffprobe and ffmpeg read their reports from.

/// A video with a certain shape, and a certain likeness to its baseline.
#[derive(Debug, Clone)]
pub(crate) struct Video {
    pub(crate) frames: u32,
    pub(crate) width: u32,
    pub(crate) rate: &'static str,
    /// The codec and its profile.
    pub(crate) codec: (&'static str, &'static str),
    pub(crate) pixels: &'static str,
    pub(crate) duration: &'static str,
    pub(crate) audio_tracks: usize,
    /// PSNR levels as ffmpeg prints them, each with the number of frames that have it.
    pub(crate) levels: Vec<(&'static str, u32)>,
    /// Mean SSIM, as ffmpeg prints it.
    pub(crate) ssim: &'static str,
    /// Two hex digits that the hash of each frame begins with.
    pub(crate) mark: &'static str,
    /// After how many frames the hashes repeat.
    pub(crate) period: u32,
    /// How alike the video's halves are, in dB.
    pub(crate) still: &'static str,
    /// The samples of every audio track, as s16le; text for simplicity.
    pub(crate) samples: &'static str,
}

impl Default for Video {
    fn default() -> Self {
        Self {
            frames: 60,
            width: 64,
            rate: "30/1",
            codec: ("h264", "High"),
            pixels: "yuv420p",
            duration: "2.000000",
            audio_tracks: 0,
            levels: vec![("45.500000", 59), ("44.250000", 1)],
            ssim: "0.990000",
            mark: "00",
            period: 100_000,
            still: "inf",
            samples: "AAAAAAAA",
        }
    }
}

impl Video {
    pub(crate) fn levels(levels: &[(&'static str, u32)]) -> Self {
        Self { levels: levels.to_vec(), ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { frames, width, rate, pixels, duration, ssim, mark, period, still, samples, .. } = self;
        let (codec, profile) = self.codec;
        let levels: Vec<String> = self.levels.iter().map(|(level, count)| format!("{level}x{count}")).collect();
        let tracks = "1 ".repeat(self.audio_tracks);
        format!(
            "# fake video\nframes={frames} width={width} height=36 rate={rate} pixels={pixels} duration={duration}\n\
             codec={codec} profile='{profile}'\n\
             tracks='{tracks}' levels='{}' ssim={ssim} mark={mark} period={period} still={still} samples='{samples}'\n",
            levels.join(" ")
        )
        .into_bytes()
    }
}
