//! The versions behind a picture. Another ffmpeg alone can cost several dB.

use serde::{Deserialize, Serialize};

/// What rendered and encoded a video; `None` where nobody told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Toolchain {
    /// The renderer's version, such as 0.8.31.
    pub producer: Option<String>,
    /// ffmpeg's version, such as n8.1.2.
    pub ffmpeg: Option<String>,
    /// Chromium's major version.
    pub chromium: Option<String>,
}

impl Toolchain {
    /// Takes versions as the programs print them: `ffmpeg version n8.1.2 Copyright …`,
    /// `Chromium 148.0.7778.0`.
    pub fn new(producer: Option<&str>, ffmpeg: Option<&str>, chromium: Option<&str>) -> Self {
        let version = |text: &str| {
            let text = text.strip_prefix("ffmpeg version ").unwrap_or(text);
            text.split_ascii_whitespace().next().map(str::to_owned)
        };
        let major = |text: &str| {
            let number = text.rsplit(' ').next().unwrap_or(text).trim_start_matches('v');
            number.split('.').next().filter(|major| !major.is_empty()).map(str::to_owned)
        };
        Self {
            producer: producer.map(str::to_owned),
            ffmpeg: ffmpeg.and_then(version),
            chromium: chromium.and_then(major),
        }
    }

    /// What is known of both and differs, a phrase each: `ffmpeg n8.1.2, baseline 7.0`.
    pub fn differences(&self, baseline: &Self) -> Vec<String> {
        let parts = [
            ("HyperFrames", &self.producer, &baseline.producer),
            ("ffmpeg", &self.ffmpeg, &baseline.ffmpeg),
            ("Chromium", &self.chromium, &baseline.chromium),
        ];
        let differ = |(name, render, baseline): (&str, &Option<String>, &Option<String>)| {
            let (render, baseline) = (render.as_ref()?, baseline.as_ref()?);
            (render != baseline).then(|| format!("{name} {render}, baseline {baseline}"))
        };
        parts.into_iter().filter_map(differ).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_from_what_programs_print() {
        let printed = "ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers";
        let found = Toolchain::new(Some("0.8.31"), Some(printed), Some("Chromium 148.0.7778.0"));
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!((&found.ffmpeg, &found.chromium), (&expected("n8.1.2"), &expected("148")));
        assert_eq!(Toolchain::new(None, Some("7.0.2-static"), Some("148.0.0")).chromium, expected("148"));
        assert_eq!(Toolchain::new(None, Some(""), Some("")), Toolchain::default());
    }

    #[test]
    fn only_what_both_tell_can_differ() {
        let of = |ffmpeg| Toolchain::new(Some("0.8.31"), ffmpeg, None);
        assert_eq!(of(Some("7.1")).differences(&of(Some("n8.1.2"))), ["ffmpeg 7.1, baseline n8.1.2"]);
        assert!(of(None).differences(&of(Some("n8.1.2"))).is_empty());
    }
}
