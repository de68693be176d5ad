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
fn noise_counts_over_the_whole_track() {
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
fn a_few_padded_samples_are_not_a_loud_tenth_of_a_second() {
    for channels in [1, 2] {
        let baseline = pcm(tone(0, SECOND * channels));
        let padded = |samples| pcm(tone(0, SECOND * channels).chain(std::iter::repeat_n(3000, samples * channels)));
        let loudest = |samples| compare(&baseline[..], &padded(samples)[..], channels as u64).unwrap().loudest;
        assert!(loudest(4).within(-50.0), "{:?}", loudest(4));
        // Half a tenth has half the energy.
        let half = 20.0 * (3000.0 * 0.5f64.sqrt() / 32_768.0).log10();
        assert!((loudest(2400).db() - half).abs() < 1e-9, "{:?}", loudest(2400));
    }
}

#[test]
fn a_lost_quiet_second_is_found() {
    let (amplitude, before) = (60, 3 * SECOND);
    let baseline = pcm(tone(amplitude, 20 * SECOND));
    let gap: Vec<i16> =
        tone(amplitude, 20 * SECOND).enumerate().map(|(i, s)| if i / SECOND == 3 { 0 } else { s }).collect();
    let sound = of(&baseline, &pcm(gap));
    assert!(sound.whole.within(-50.0) && sound.loudest.within(-38.0), "{sound:?}");
    assert_eq!(sound.lost.map(|l| (l.from_s * f64::from(RATE)) as usize), Some(before));
}

#[test]
fn a_quiet_track_must_not_be_lost_as_a_whole() {
    let baseline = pcm(tone(20, 3 * SECOND));
    let sound = of(&baseline, &pcm(tone(0, 3 * SECOND)));
    assert_eq!(sound.lost.map(|l| (l.from_s, l.to_s)), Some((0.0, 3.0)));
    assert_eq!(of(&pcm(tone(2, 3 * SECOND)), &pcm(tone(0, 3 * SECOND))).lost, None);
}

#[test]
fn noise_far_below_the_signal_is_not_a_loss() {
    let noisy = tone(3000, 3 * SECOND).enumerate().map(|(i, s)| s + (i % 3) as i16 * 20);
    assert_eq!(of(&pcm(tone(3000, 3 * SECOND)), &pcm(noisy)).lost, None);
}

#[test]
fn every_figure_has_its_own_value() {
    // Two channels, two seconds and a half: the left one is lost from 1 s on, the right one is off by 164.
    let samples = 5 * SECOND / 2;
    let left = |i: usize| if i.is_multiple_of(2) { 3277 } else { -3277 };
    let baseline = pcm((0..samples).flat_map(|i| [left(i), 1638]));
    let render = pcm((0..samples).flat_map(|i| [if i < SECOND { left(i) } else { 0 }, 1638 - 164]));
    let sound = compare(&baseline[..], &render[..], 2).unwrap();
    let level = |square: f64| 20.0 * (square.sqrt() / 32_768.0).log10();
    let near = |found: Residual, square: f64| (found.db() - level(square)).abs() < 1e-9;
    let (lost, off) = (3277.0 * 3277.0, 164.0 * 164.0);
    assert!(near(sound.whole, (lost * 0.6 + off) / 2.0), "{sound:?}");
    assert!(near(sound.loudest, (lost + off) / 2.0) && sound.loudest_at_s == 1.0, "{sound:?}");
    assert_eq!((sound.tenths.len(), sound.loudest_of_baseline_s), (25, 0.0));
    assert!(near(sound.tenths[9].residual, off / 2.0) && near(sound.tenths[10].residual, (lost + off) / 2.0));
    assert!(near(sound.tenths[0].baseline, (lost + 1638.0 * 1638.0) / 2.0));
    let of = sound.lost.unwrap();
    assert_eq!((of.from_s, of.to_s), (1.0, 2.0));
    assert!(near(of.baseline, lost) && near(of.residual, lost));
}

#[test]
fn a_second_counts_as_lost_by_energy_and_from_a_level_on() {
    // What is left of a square wave when the render has it at a share of its volume.
    let lost_at = |amplitude: i16, left: f64| {
        let quieter = tone(amplitude, SECOND).map(|s| (f64::from(s) * (1.0 - left)).round() as i16);
        of(&pcm(tone(amplitude, SECOND)), &pcm(quieter)).lost.is_some()
    };
    // 4 dB less than the baseline is a share of 0.631.
    assert_eq!([lost_at(10_000, 0.63), lost_at(10_000, 0.632)], [false, true]);
    // -60 dBFS is an amplitude of 32.8 in a second, -80 dBFS one of 3.3 over all.
    let gap = |amplitude: i16| {
        let render = tone(amplitude, 20 * SECOND).enumerate().map(|(i, s)| if i / SECOND == 7 { 0 } else { s });
        of(&pcm(tone(amplitude, 20 * SECOND)), &pcm(render)).lost.map(|lost| (lost.from_s, lost.to_s))
    };
    assert_eq!([gap(32), gap(33)], [None, Some((7.0, 8.0))]);
    let whole = |amplitude: i16| of(&pcm(tone(amplitude, 2 * SECOND)), &pcm(tone(0, 2 * SECOND))).lost;
    assert_eq!([whole(3), whole(4)].map(|lost| lost.map(|lost| lost.to_s)), [None, Some(2.0)]);
}

#[test]
fn a_quiet_track_of_two_channels_is_lost_to_its_end() {
    let track = |amplitude: i16| pcm(tone(amplitude, 3 * SECOND).flat_map(|s| [s, s]));
    let lost = compare(&track(20)[..], &track(0)[..], 2).unwrap().lost.unwrap();
    assert_eq!((lost.from_s, lost.to_s), (0.0, 3.0));
}

#[test]
fn of_two_lost_seconds_the_greater_loss_is_reported() {
    // A loud second of which 70 % of the volume is lost, and a quiet one that is inverted.
    let all = || tone(1000, 5 * SECOND).enumerate().map(|(i, sample)| (i / SECOND, sample));
    let baseline = all().map(|(second, s)| if second == 3 { s / 10 } else { s });
    let render = all().map(|(second, s)| match second {
        1 => s * 3 / 10,
        3 => -s / 10,
        _ => s,
    });
    let lost = of(&pcm(baseline), &pcm(render)).lost.unwrap();
    assert_eq!((lost.from_s, lost.to_s), (3.0, 4.0));
}

#[test]
fn appended_silence_does_not_dilute_the_residual() {
    let baseline = pcm(tone(8000, SECOND));
    let longer = pcm(tone(8000, SECOND).map(|s| s / 2).chain(tone(0, SECOND)));
    let expected = 20.0 * (4000.0f64 / 32_768.0).log10();
    assert!((of(&baseline, &longer).whole.db() - expected).abs() < 1e-9);
    // If the baseline is empty, the render's own length counts.
    assert!((of(&[], &baseline).whole.db() - 20.0 * (8000.0f64 / 32_768.0).log10()).abs() < 1e-9);
}

#[test]
fn only_the_common_length_overlaps() {
    let (long, short) = (pcm(tone(1000, 2 * SECOND)), pcm(tone(900, SECOND + 77)));
    let level = overlap(&long[..], &short[..]).unwrap().db();
    assert!((level - 20.0 * (100.0f64 / 32_768.0).log10()).abs() < 1e-9, "{level}");
    assert_eq!(overlap(&long[..], &[][..]).unwrap(), Residual::Silent);
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
        // Over whole tenths, the last one with the silence after it.
        let tenths = sound.tenths.len() as f64 * TENTH as f64 * channels as f64;
        let thinner_db = 10.0 * ((samples.len() * 12) as f64 / tenths).log10();
        prop_assert!(sound.whole.db() + thinner_db <= sound.loudest.db() + 1e-9);
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
