use proptest::prelude::*;

use super::*;

const SECOND: usize = RATE as usize;

fn pcm(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    samples.into_iter().flat_map(i16::to_le_bytes).collect()
}

/// A square wave, whose level is that of its amplitude.
fn tone(amplitude: i16, samples: usize) -> impl Iterator<Item = i16> {
    (0..samples).map(move |i| if i / 50 % 2 == 0 { amplitude } else { -amplitude })
}

fn of(a: &[u8], b: &[u8]) -> Sound {
    compare(a, b, 1).unwrap()
}

#[test]
fn equal_tracks_cancel() {
    let track = pcm((0..1000).map(|i| i * 7));
    let sound = of(&track, &track);
    assert_eq!((sound.whole, sound.loudest, sound.lost), (Residual::Silent, Residual::Silent, None));
}

#[test]
fn noise_in_most_of_a_track_counts_not_only_its_end() {
    let silence = pcm(std::iter::repeat_n(0, 1000));
    let noisy = pcm((0..1000).map(|i| if i < 750 { 10_000 } else { 0 }));
    let expected = 20.0 * ((0.75f64).sqrt() * 10_000.0 / 32_768.0).log10();
    assert!((of(&silence, &noisy).whole.db() - expected).abs() < 1e-9);
}

#[test]
fn a_lost_tail_counts_in_full() {
    let whole = pcm(std::iter::repeat_n(16_384, 1000));
    let half = pcm(std::iter::repeat_n(16_384, 500));
    assert!((of(&whole, &half).whole.db() - 20.0 * (0.5f64 * 0.5f64.sqrt()).log10()).abs() < 1e-9);
}

#[test]
fn the_loudest_tenth_of_a_second_is_found() {
    let baseline = pcm(tone(0, 10 * SECOND));
    let clicks = pcm((0..10 * SECOND).map(|i| if i / 480 == 735 { 3000 } else { 0 }));
    let sound = of(&baseline, &clicks);
    assert!(sound.whole.within(-50.0), "{sound:?}");
    assert!(!sound.loudest.within(-38.0) && (sound.loudest_at_s - 7.3).abs() < 1e-9, "{sound:?}");
}

#[test]
fn a_quiet_second_that_is_lost_is_found() {
    let (amplitude, before) = (60, 3 * SECOND);
    let baseline = pcm(tone(amplitude, 20 * SECOND));
    let gap: Vec<i16> =
        tone(amplitude, 20 * SECOND).enumerate().map(|(i, s)| if i / SECOND == 3 { 0 } else { s }).collect();
    let sound = of(&baseline, &pcm(gap));
    assert!(sound.whole.within(-50.0) && sound.loudest.within(-38.0), "{sound:?}");
    assert_eq!(sound.lost.map(|l| (l.from_s * f64::from(RATE)) as usize), Some(before));
}

#[test]
fn a_track_too_quiet_for_any_second_may_not_be_lost_whole() {
    let baseline = pcm(tone(20, 3 * SECOND));
    let sound = of(&baseline, &pcm(tone(0, 3 * SECOND)));
    assert_eq!(sound.lost.map(|l| (l.from_s, l.to_s)), Some((0.0, 3.0)));
    assert_eq!(of(&pcm(tone(2, 3 * SECOND)), &pcm(tone(0, 3 * SECOND))).lost, None);
}

#[test]
fn noise_far_below_the_sound_is_no_loss() {
    let noisy = tone(3000, 3 * SECOND).enumerate().map(|(i, s)| s + (i % 3) as i16 * 20);
    assert_eq!(of(&pcm(tone(3000, 3 * SECOND)), &pcm(noisy)).lost, None);
}

#[test]
fn no_samples_is_an_error() {
    assert!(compare(&[][..], &[][..], 2).is_err());
}

proptest! {
    #[test]
    fn no_window_is_louder_than_the_loudest(
        samples in proptest::collection::vec((any::<i16>(), any::<i16>()), 1..2000), channels in 1u64..3,
    ) {
        let track = |of: fn(&(i16, i16)) -> i16| pcm(samples.iter().map(of).flat_map(|s| std::iter::repeat_n(s, 12)));
        let (baseline, render) = (track(|s| s.0), track(|s| s.1));
        let sound = compare(&baseline[..], &render[..], channels).unwrap();
        prop_assert!(sound.whole.db() <= sound.loudest.db() + 1e-9);
        prop_assert!(sound.loudest.db() <= 20.0 * 2f64.log10() + 1e-9);
        let itself = compare(&baseline[..], &baseline[..], channels).unwrap();
        prop_assert_eq!((itself.whole, itself.loudest, itself.lost), (Residual::Silent, Residual::Silent, None));
    }

    #[test]
    fn odd_bytes_and_lengths_never_panic(
        baseline in proptest::collection::vec(any::<u8>(), 0..300), render in proptest::collection::vec(any::<u8>(), 0..300),
        channels in 0u64..9,
    ) {
        let _ = compare(&baseline[..], &render[..], channels);
    }
}
