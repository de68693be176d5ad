//! Samples of two tracks: what is left when one is taken from the other, and the lag.
//! The first bytes are the channels and where the second track begins.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render_verdict::audio::{self, lag, residual::Residual};

fuzz_target!(|bytes: &[u8]| {
    let [channels, part, repeats, samples @ ..] = bytes else { return };
    let (channels, repeats) = (u64::from(*channels), 1 + usize::from(*repeats) * 8);
    let (baseline, render) = samples.split_at(samples.len() * usize::from(*part) / 255);
    // Long enough for lost seconds, and short enough to be many.
    let long = |samples: &[u8]| samples.repeat(repeats.min(60_000 / samples.len().max(1)));
    let (baseline, render) = (long(baseline), long(render));
    if let Ok(sound) = audio::compare(baseline.as_slice(), render.as_slice(), channels) {
        let json = serde_json::to_string(&sound).expect("a sound is JSON");
        let again: audio::Sound = serde_json::from_str(&json).expect("a sound is read back");
        assert_eq!(again.lost.is_some(), sound.lost.is_some());
        assert!(!sound.whole.db().is_nan() && !sound.loudest.db().is_nan());
        if baseline == render {
            assert_eq!((sound.whole, sound.loudest, sound.lost), (Residual::Silent, Residual::Silent, None));
        }
    }
    let _ = audio::overlap(baseline.as_slice(), render.as_slice());
    let mono = |bytes: &[u8]| {
        let samples = bytes.as_chunks::<2>().0.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)));
        samples.take(4_000).collect::<Vec<f32>>()
    };
    if let Some((_, correlation)) = lag::find(&mono(&baseline), &mono(&render), 480) {
        assert!(correlation.is_finite());
    }
});
