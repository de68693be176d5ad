//! What was looked at, and how it is. Pure.

/// One thing that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkup {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub health: Health,
}

/// How something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// As it must be.
    Good(String),
    /// A run works, but something is worth knowing.
    Note(String),
    /// A run would fail.
    Bad(String),
}

impl Checkup {
    /// What a result says of a thing; its error says what to do.
    pub(super) fn of(what: &str, result: anyhow::Result<String>) -> Self {
        let health = match result {
            Ok(told) => Health::Good(told),
            Err(error) => Health::Bad(format!("{error:#}")),
        };
        Self { what: what.to_owned(), health }
    }

    /// Whether a run would fail of it.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.health, Health::Bad(_))
    }
}

/// A line for each, the state first, then the verdict.
pub(super) fn told(checkups: &[Checkup]) -> String {
    let width = checkups.iter().map(|checkup| checkup.what.chars().count()).max().unwrap_or(0);
    let line = |checkup: &Checkup| {
        let (mark, told) = match &checkup.health {
            Health::Good(told) => ("ok  ", told),
            Health::Note(told) => ("note", told),
            Health::Bad(told) => ("BAD ", told),
        };
        // What goes on over several lines stays in its column.
        let told = told.replace('\n', &format!("\n{}", " ".repeat(width + 8)));
        format!("{mark}  {:<width$}  {told}", checkup.what)
    };
    let bad = checkups.iter().filter(|checkup| checkup.is_bad()).count();
    let verdict = match bad {
        0 => "ready: a run finds what it needs".to_owned(),
        1 => "not ready: one thing is to be mended".to_owned(),
        several => format!("not ready: {several} things are to be mended"),
    };
    let lines: Vec<String> = checkups.iter().map(line).collect();
    format!("{}\n\n{verdict}", lines.join("\n"))
}

/// A tool's version without what it says of itself beside.
pub(super) fn short(name: &str, version: &str) -> String {
    let plain = [name, " version", "SAM CLI,", "This is"]
        .iter()
        .fold(version.trim(), |text, before| text.strip_prefix(before).map_or(text, str::trim_start));
    let plain = plain.strip_prefix("version").map_or(plain, str::trim_start);
    let end = [" Copyright", " (", ","].iter().filter_map(|mark| plain.find(mark)).min();
    plain[..end.unwrap_or(plain.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_its_state() {
        let checkups = [
            Checkup::of("tools", Ok("sam 1.167".into())),
            Checkup { what: "earlier runs".into(), health: Health::Note("one is unfinished".into()) },
            Checkup::of("zip", Err(anyhow::anyhow!("zip is not on PATH:\nget it"))),
        ];
        insta::assert_snapshot!(told(&checkups), @r"
        ok    tools         sam 1.167
        note  earlier runs  one is unfinished
        BAD   zip           zip is not on PATH:
                            get it

        not ready: one thing is to be mended
        ");
        assert!(told(&checkups[..2]).ends_with("ready: a run finds what it needs"));
    }

    #[test]
    fn versions_are_short() {
        assert_eq!(short("ffmpeg", "ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers"), "n8.1.2");
        assert_eq!(short("sam", "SAM CLI, version 1.167.0"), "1.167.0");
        assert_eq!(short("zip", "This is Zip 3.0 (July 5th 2008), by Info-ZIP."), "Zip 3.0");
        assert_eq!(short("bun", "1.4.4"), "1.4.4");
    }
}
