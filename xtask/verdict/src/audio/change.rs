//! What a difference means: audio that is missing, late, or other audio, sound that is added, another level, a filter,
//! an echo, or another width.

use serde::{Deserialize, Serialize};

use crate::audio::{
    spectrum::range_hz,
    steady::{Band, CLEAR, Window},
};

/// What became of the baseline's audio. Levels are those of the render relative to the baseline, in dB.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Change {
    /// There is sound that the baseline lacks, or has much quieter.
    Added {
        /// The frequency of the tone in Hz, if it is one.
        tone_hz: Option<f32>,
    },
    /// The band, or everything, has another level.
    Level {
        /// By how much.
        by_db: f64,
    },
    /// Some frequencies have another level than others.
    Filter {
        /// By how much the band has that differs most.
        by_db: f64,
    },
    /// Its phases differ, and no level, as by a slight delay.
    Phase,
    /// All of it is late.
    Late {
        /// By how much; a negative number is early.
        by_ms: f64,
    },
    /// It is missing.
    Missing,
    /// A few samples stand out, and not what is around them.
    Click,
    /// It is upside down.
    Inverted,
    /// Two channels are in each other's place.
    Swapped,
    /// A late or early copy of it is mixed in.
    Echo,
    /// There is other sound in its place, as loud as it was.
    Replaced,
    /// The two channels differ from each other more or less than before.
    Width {
        /// By how much.
        by_db: f64,
    },
    /// One of two channels has another level relative to the other.
    Balance {
        /// By how much the second one has.
        by_db: f64,
    },
    /// The residual follows the baseline in one of these ways. Few frequencies don't show in which.
    Related,
}

/// The part of what follows the baseline that explains it, and the part that is too much for another explanation.
const MOST: f64 = 0.6;
const SOME: f64 = 0.25;

/// What follows the baseline in clear bands says what has happened, even where others differ more, if it is more than 30
/// dB below the baseline. Bands that are more than 30 dB below the whole do not say what has happened.
const AUDIBLE: f64 = 0.001;

/// A band has another level, whatever its phases, if it is half a decibel off: by the square of that part.
const CHANGED: f64 = 0.0035;

/// A render with less than this part of the baseline's energy has none of it.
const MISSING: f64 = 0.001;

/// The frequencies that carry the energy, at least, where an echo, a filter, and other phases are distinguished.
const FREQUENCIES: f64 = 8.0;

/// Two channels whose levels have changed alike differ by this factor at most.
const ALIKE: f64 = 0.02;

/// What differs between two channels is gone if it is this much quieter, in dB.
const MONO_DB: f64 = -30.0;

impl Change {
    /// What has happened to a channel, or to what differs between `either` of two, whose residual follows the baseline;
    /// and the band in which it shows most, if it is not in all.
    pub(crate) fn following(own: &Window, either: Option<[&Window; 2]>) -> (Self, Option<usize>) {
        let most = |of: &dyn Fn(usize) -> f64| (0..own.len()).max_by(|&a, &b| of(a).total_cmp(&of(b)));
        let of_all = |of: fn(&Band) -> f64| own.iter().map(of).sum::<f64>();
        if of_all(|band| band.render) < MISSING * of_all(|band| band.baseline) {
            return (either.map_or(Self::Missing, |_| Self::Width { by_db: in_db(-1.0) }), None);
        }
        let sum = |of: fn(&Band) -> f64| own.iter().filter(|band| band.is_clear()).map(of).sum::<f64>();
        let (baseline, following) = (sum(|band| band.baseline), sum(|band| band.following));
        let others = following < MOST * of_all(|band| band.following);
        if others && following <= AUDIBLE * of_all(|band| band.baseline) {
            let band = most(&|band| own[band].following);
            let Band { baseline, render, coherent, tone_hz, .. } = band.map(|band| own[band]).unwrap_or_default();
            return match (Self::of_other_sound(baseline, render, coherent, tone_hz), either) {
                (Self::Missing, Some(_)) => {
                    let by = gain(of_all(|band| band.render), of_all(|band| band.baseline));
                    (Self::Width { by_db: in_db(by) }, None)
                }
                (change, _) => (change, band),
            };
        }
        let frequencies = baseline * baseline / sum(|band| band.concentration).max(f64::MIN_POSITIVE);
        let by = gain(sum(|band| band.render), baseline);
        let only = either.is_some_and(|channels| only_between(own, channels));
        if sum(|band| band.products) < -1.9 * baseline && (only || frequencies >= FREQUENCIES) {
            return (if either.is_some() { Self::Swapped } else { Self::Inverted }, None);
        }
        if by * by * baseline > MOST * following {
            return (Self::of_level(by, either), None);
        }
        if frequencies < FREQUENCIES {
            return (Self::Related, None);
        }
        // Loud bands say no more than others: a filter of the treble shows in the treble.
        let heard = |band: &Band| band.baseline > AUDIBLE * baseline;
        let spread = |of: fn(&Band) -> f64| {
            let width = |band: usize| f64::from(range_hz(band).1 - range_hz(band).0);
            let says = |band: &Band| heard(band) && band.is_clear() && band.following > SOME * band.residual;
            let bands = own.iter().enumerate().filter(|(_, band)| says(band));
            bands.map(|(i, band)| width(i) * of(band) / band.baseline).sum::<f64>()
        };
        if spread(|band| band.levels) - spread(of_levels) > SOME * spread(|band| band.following) {
            return (Self::Echo, None);
        }
        // A filter leaves less even of what an encoder replaces.
        let says = |band: &Band| heard(band) && (band.is_clear() || band.render < band.baseline);
        match most(&|band| if says(&own[band]) { of_levels(&own[band]) / own[band].baseline } else { 0.0 }) {
            Some(band) if of_levels(&own[band]) > (SOME * own[band].following).min(CHANGED * own[band].baseline) => {
                (Self::Filter { by_db: in_db(gain(own[band].render, own[band].baseline)) }, Some(band))
            }
            _ => (Self::Phase, None),
        }
    }

    /// What it means that a residual is as loud as the baseline, by the energies of both and of the render.
    pub(crate) fn of_loud_residual(baseline: f64, render: f64, residual: f64) -> Self {
        // As much of the baseline as the render has.
        let product = (render + baseline - residual) / 2.0;
        match product < -CLEAR * baseline {
            true => Self::Inverted,
            false => Self::of_other_sound(baseline, render, product * product / baseline.max(f64::MIN_POSITIVE), None),
        }
    }

    /// What it means that a residual does not follow the baseline, by how much of the render does.
    fn of_other_sound(baseline: f64, render: f64, coherent: f64, tone_hz: Option<f32>) -> Self {
        match () {
            () if coherent > 0.5 * baseline && render > baseline => Self::Added { tone_hz },
            () if render - coherent > 0.5 * baseline => Self::Replaced,
            () => Self::Missing,
        }
    }

    /// What another level means, of a channel or of what differs between two.
    fn of_level(by: f64, either: Option<[&Window; 2]>) -> Self {
        let of_channel = |channel: &Window| {
            let sum = |of: fn(&Band) -> f64| channel.iter().map(of).sum::<f64>();
            gain(sum(|band| band.render), sum(|band| band.baseline))
        };
        match either.map(|channels| channels.map(of_channel)) {
            Some([first, second]) if (first - second).abs() > ALIKE => {
                Self::Balance { by_db: in_db(second) - in_db(first) }
            }
            Some([first, _]) if (first - by).abs() > ALIKE => Self::Width { by_db: in_db(by) },
            _ => Self::Level { by_db: in_db(by) },
        }
    }

    /// The sentence that says so, up to the place.
    pub(crate) fn sentence(&self) -> String {
        let than = |by_db: f64| format!("{:.1} dB {}", by_db.abs(), if by_db > 0.0 { "louder" } else { "quieter" });
        match *self {
            Self::Added { tone_hz: Some(hz) } => {
                format!("a tone near {hz:.0} Hz is added, such as a hum or a whine")
            }
            Self::Added { tone_hz: None } => "there is sound that the baseline lacks, or has much quieter".to_owned(),
            Self::Level { by_db } => format!("the audio is {} than in the baseline", than(by_db)),
            Self::Filter { by_db } => {
                format!("the audio is filtered: some frequencies have another level, most of all {}", than(by_db))
            }
            Self::Phase => "the phases of the audio differ, as by a slight delay".to_owned(),
            Self::Late { by_ms } => {
                format!("the render's sound is {} by {:.1} ms", if by_ms > 0.0 { "late" } else { "early" }, by_ms.abs())
            }
            Self::Missing => "the baseline's sound is missing from the render".to_owned(),
            Self::Click => "there is a click".to_owned(),
            Self::Swapped => "the two channels are swapped".to_owned(),
            Self::Inverted => "the audio is upside down: its polarity is inverted".to_owned(),
            Self::Replaced => "there is other sound in place of the audio, of about its level".to_owned(),
            Self::Echo => "a late or early copy of the audio is mixed in: an echo or a reverberation".to_owned(),
            Self::Width { by_db } if by_db < MONO_DB => "the two channels have become the same, as in mono".to_owned(),
            Self::Width { by_db } => {
                let which = if by_db > 0.0 { "wider" } else { "narrower" };
                format!("the stereo picture is {which}: what differs between the two channels is {}", than(by_db))
            }
            Self::Balance { by_db } => {
                format!("the balance has changed: channel 1 is {} relative to channel 0", than(by_db))
            }
            Self::Related => "what differs follows the audio: another level, a filter, a delay, or an echo".to_owned(),
        }
    }
}

/// Whether all that has changed is what differs between two channels, and not what they have in common.
pub(crate) fn only_between(own: &Window, either: [&Window; 2]) -> bool {
    let residual = |window: &Window| window.iter().map(|band| band.residual).sum::<f64>();
    residual(either[0]) + residual(either[1]) < 2.2 * residual(own)
}

/// The energy that another level of the band explains.
fn of_levels(band: &Band) -> f64 {
    gain(band.render, band.baseline).powi(2) * band.baseline
}

/// By which part of the baseline the render is louder, by their energies.
fn gain(render: f64, baseline: f64) -> f64 {
    (render / baseline.max(f64::MIN_POSITIVE)).sqrt() - 1.0
}

/// A part by which the render is louder, as a level in dB.
pub(crate) fn in_db(gain: f64) -> f64 {
    20.0 * (1.0 + gain).max(1e-5).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_a_field_and_a_sentence() {
        let by_db = -1.25;
        let all = [
            Change::Added { tone_hz: Some(50.2) },
            Change::Added { tone_hz: None },
            Change::Level { by_db },
            Change::Filter { by_db },
            Change::Phase,
            Change::Late { by_ms: -21.04 },
            Change::Missing,
            Change::Click,
            Change::Inverted,
            Change::Swapped,
            Change::Echo,
            Change::Replaced,
            Change::Width { by_db },
            Change::Width { by_db: -40.0 },
            Change::Balance { by_db },
            Change::Related,
        ];
        let lines = all.map(|change| format!("{} {}", serde_json::to_string(&change).unwrap(), change.sentence()));
        insta::assert_snapshot!(lines.join("\n"));
        for change in all {
            let read: Change = serde_json::from_value(serde_json::to_value(change).unwrap()).unwrap();
            assert_eq!(read, change);
        }
    }

    #[test]
    fn a_residual_as_loud_as_the_baseline_is_a_loss_or_other_sound() {
        let of = Change::of_loud_residual;
        // Half of the time silent; silence; another sound; the same upside down; noise as loud as the baseline.
        assert_eq!([of(1.0, 0.5, 0.5), of(1.0, 0.0, 1.0)], [Change::Missing; 2]);
        assert_eq!([of(1.0, 1.0, 2.0), of(1.0, 1.0, 4.0)], [Change::Replaced, Change::Inverted]);
        assert_eq!(of(1.0, 2.0, 1.0), Change::Added { tone_hz: None });
    }
}
