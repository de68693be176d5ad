//! What a lasting difference means: sound that is added, another level, a filter, a delay, an echo, or another width.

use serde::{Deserialize, Serialize};

use crate::audio::steady::{Band, Window};

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
    /// Its phases differ, as by a delay, or by a filter of other frequencies.
    Phase,
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

/// The part of a band that follows the baseline, at least, where it says more than that the band differs.
const CLEAR: f64 = 0.8;

/// What follows the baseline in clear bands says what has happened, even where others differ more, if it is more than 30
/// dB below the baseline.
const AUDIBLE: f64 = 0.001;

/// The frequencies that carry the energy, at least, where an echo, a filter, and other phases are distinguished.
const FREQUENCIES: f64 = 8.0;

/// Two channels whose levels have changed alike differ by this factor at most.
const ALIKE: f64 = 0.02;

impl Change {
    /// What has happened to a channel, or to what differs between `either` of two, whose residual follows the baseline;
    /// and the band in which it shows most, if it is not in all.
    pub(crate) fn following(own: &Window, either: Option<[&Window; 2]>) -> (Self, Option<usize>) {
        let most = |of: fn(&Band) -> f64| (0..own.len()).max_by(|&a, &b| of(&own[a]).total_cmp(&of(&own[b])));
        let clear: Vec<&Band> = own.iter().filter(|band| band.coherent >= CLEAR * band.render).collect();
        let sum = |of: fn(&Band) -> f64| clear.iter().map(|band| of(band)).sum::<f64>();
        let (baseline, following) = (sum(|band| band.baseline), sum(|band| band.following));
        let of_all = |of: fn(&Band) -> f64| own.iter().map(of).sum::<f64>();
        let others = following < MOST * of_all(|band| band.following);
        if others && following < AUDIBLE * of_all(|band| band.baseline) {
            return (Self::Replaced, most(|band| band.following));
        }
        let frequencies = baseline * baseline / sum(|band| band.concentration).max(f64::MIN_POSITIVE);
        let by = gain(sum(|band| band.render), baseline);
        let in_bands = sum(of_levels);
        let change = if sum(|band| band.products) < -1.9 * baseline && frequencies >= FREQUENCIES {
            if either.is_some() { Self::Swapped } else { Self::Inverted }
        } else if by * by * baseline > MOST * following {
            Self::of_level(by, either)
        } else if frequencies < FREQUENCIES {
            Self::Related
        } else if in_bands > MOST * following {
            let band = most(of_levels);
            let by = band.map_or(0.0, |band| gain(own[band].render, own[band].baseline));
            return (Self::Filter { by_db: in_db(by) }, band);
        } else if sum(|band| band.levels) - in_bands > SOME * following {
            Self::Echo
        } else {
            Self::Phase
        };
        (change, None)
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
            Self::Phase => "the phases of the audio differ, as by a delay or a filter".to_owned(),
            Self::Swapped => "the two channels are swapped".to_owned(),
            Self::Inverted => "the audio is upside down: its polarity is inverted".to_owned(),
            Self::Replaced => "there is other sound in place of the audio, of about its level".to_owned(),
            Self::Echo => "a late or early copy of the audio is mixed in: an echo or a reverberation".to_owned(),
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
            Change::Inverted,
            Change::Swapped,
            Change::Echo,
            Change::Replaced,
            Change::Width { by_db },
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
}
