//! Words for people that every part of the tool forms alike: numbers of things, columns.

use std::{
    borrow::Cow,
    fmt::{Display, Write},
    time::Duration,
};

use unicode_width::UnicodeWidthChar;

// Columns of text that are aligned with each other. Pure.

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Names.
    Left,
    /// Figures.
    Right,
}

/// Lines of cells as text: each column as wide as its widest cell, two spaces apart. The
/// first column is aligned as said, all others to the right; columns that are empty in
/// every line but the first, the header, are left out.
pub fn columns<L: AsRef<[String]>>(lines: &[L], first: Align) -> String {
    columns_within(usize::MAX, lines, first, 1)
}

/// [`columns`], where what is wider than `most` becomes several tables, which all begin with the first `keys` columns.
pub fn columns_within<L: AsRef<[String]>>(most: usize, lines: &[L], first: Align, keys: usize) -> String {
    let count = lines.first().map_or(0, |line| line.as_ref().len());
    let width = |column: usize| lines.iter().map(|line| line.as_ref()[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let has_figures = |column: &usize| lines.iter().skip(1).any(|line| !line.as_ref()[*column].is_empty());
    let cell = |line: &L, column: usize| match (column, first) {
        (0, Align::Left) => format!("{:<1$}", line.as_ref()[column], widths[column]),
        _ => format!("{:>1$}", line.as_ref()[column], widths[column]),
    };
    let (keys, others): (Vec<usize>, Vec<usize>) = (0..count).filter(has_figures).partition(|column| *column < keys);
    let mut tables = vec![keys.clone()];
    for column in others {
        let last = tables.last_mut().expect("there is one at least");
        let width: usize = last.iter().map(|column| widths[*column] + 2).sum();
        match last.len() > keys.len() && width + widths[column] > most {
            true => tables.push(keys.iter().copied().chain([column]).collect()),
            false => last.push(column),
        }
    }
    let text = |table: &Vec<usize>, line: &L| {
        let cells: Vec<String> = table.iter().map(|column| cell(line, *column)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let table = |table| lines.iter().map(|line| text(table, line)).collect::<Vec<_>>().join("\n");
    tables.iter().map(table).collect::<Vec<_>>().join("\n\n")
}

// Numbers of things in messages.

/// "1 object", "2 objects": for nouns whose plural is made with an s.
pub fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

// Text in columns of a terminal. Pure.

/// A duration as people say it, rounded up to a second.
pub(crate) fn duration(duration: Duration) -> String {
    let s = duration.as_millis().div_ceil(1000);
    if s < 90 { format!("{s} s") } else { format!("{} min {:02} s", s / 60, s % 60) }
}

/// The columns that a text without control characters takes, at most.
pub(crate) fn width(text: &str) -> usize {
    // Character by character: terminals differ in what they join.
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of a text as `columns` hold, and how many are left; a cut is shown.
pub(crate) fn cut(text: &str, columns: usize) -> (String, usize) {
    let whole = width(text);
    if whole <= columns {
        return (text.to_owned(), columns - whole);
    }
    let mut kept = String::new();
    let mut left = columns.saturating_sub(1);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    (kept, 0)
}

/// What a terminal would show of a program's line in the end: without escape
/// sequences and control characters, after the last carriage return, and without
/// the wide gaps of a table.
pub(crate) fn plain(line: &str) -> String {
    let line = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let mut shown = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_sequence(&mut chars),
            '\t' => shown.push(' '),
            c if acts(c) || c == '\n' => {}
            c => shown.push(c),
        }
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text from outside, as a message may quote it: a few [`plain`] lines, each cut to a few lines of
/// the terminal, and the length of what is left out.
pub(crate) fn excerpt(text: &str) -> String {
    let indented = |line: &str| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let line = plain(line);
        (!line.is_empty()).then(|| " ".repeat(indent.min(8)) + &line)
    };
    let mut shown: Vec<String> = text.lines().filter_map(indented).collect();
    shown.truncate(EXCERPT_LINES);
    for line in &mut shown {
        if let Some((at, _)) = line.char_indices().nth(EXCERPT_CHARACTERS) {
            line.truncate(at);
            line.push('…');
        }
    }
    let (all, quoted) = (text.chars().count(), shown.iter().map(|line| line.chars().count()).sum::<usize>());
    if all > quoted + EXCERPT_CHARACTERS {
        shown.push(format!("(the beginning of {all} characters)"));
    }
    shown.join("\n")
}

const EXCERPT_LINES: usize = 6;

const EXCERPT_CHARACTERS: usize = 300;

/// Skips what follows on an escape character: `[`...letter, `]`...BEL, or one character.
fn skip_sequence(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => _ = chars.find(|c| ('\x40'..='\x7e').contains(c)),
        Some(']') => _ = chars.find(|c| *c == '\x07' || *c == '\\'),
        _ => {}
    }
}

// Text from outside: errors of AWS, causes of executions, journals, the output of programs, names of files. Whatever
// is printed or written into a page goes through here last, so no place that forms a message has to think of it. Pure.

/// Whether a character acts on a terminal, or on the order in which other characters are shown.
fn acts(c: char) -> bool {
    let orders = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_a_line = matches!(c, '\u{2028}' | '\u{2029}');
    (c.is_control() && c != '\n' && c != '\t') || orders || ends_a_line
}

/// The text with every character that acts on a terminal or turns text around as an escape such as `\u001b`, which
/// JSON has too: a JSON text stays the same.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    // The end of a line, in the words of other systems.
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match acts(c) {
            true => _ = write!(shown, "\\u{:04x}", u32::from(c)),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Beginnings of commands to a CI, which some of them look for in the middle of a line.
const COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// The text as a terminal and the log of a CI may get it: [`visible`], without commands to the CI (lines that begin
/// with `::`, and words such as `##[group]`), and without the user and password of an address.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    let commands = text.lines().any(|line| line.trim_start().starts_with("::")) || text.contains("##");
    if !commands && !text.contains("://") {
        return text;
    }
    let line = |line: &str| {
        let line =
            COMMANDS.iter().fold(without_user(line), |line, word| line.replace(word, &format!("#\\{}", &word[1..])));
        let begins = line.len() - line.trim_start().len();
        let (before, rest) = line.split_at(begins);
        if rest.starts_with("::") { format!("{before}\\{rest}") } else { line }
    };
    Cow::Owned(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

/// Replaces what stands between the scheme and the host of every address.
fn without_user(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        let hidden = if host > 0 { "***@" } else { "" };
        let _ = write!(shown, "{before}://{hidden}");
        rest = &after[host..];
    }
    shown + rest
}

/// A text of several lines in one, so that it can't pretend to be lines of this tool.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A line that GitHub Actions shows as an error of the step (its "workflow commands").
pub(crate) fn annotation(title: &str, text: &str) -> String {
    let text = text.trim().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::error title={title}::{text}")
}

#[cfg(test)]
mod tests {
    use super::counted;
    use super::*;

    #[test]
    fn an_annotation_is_one_line() {
        let text = "  N=4: 97 % of a region\nis missing";
        assert_eq!(
            annotation("lambda-smoke", text),
            "::error title=lambda-smoke::N=4: 97 %25 of a region%0Ais missing"
        );
    }

    #[test]
    fn what_acts_on_a_terminal_is_shown_and_not_done() {
        assert_eq!(harmless("\x1b]0;title\x07 \x1b[2J\u{9b}1m"), r"\u001b]0;title\u0007 \u001b[2J\u009b1m");
        assert_eq!(harmless("a\u{202e}txt.exe\u{2066}"), r"a\u202etxt.exe\u2066");
        assert_eq!(harmless("over\rwritten\r\nend\ttab"), "over\\u000dwritten\nend\ttab");
        for plain in ["漢字 ü\n\tlist", "a:b::c", "# title", "http://127.0.0.1:1/a"] {
            assert_eq!(harmless(plain), plain);
        }
    }

    #[test]
    fn a_json_text_means_the_same() {
        let value = serde_json::json!({ "cause": "\u{9b}31m\u{202e}\x1b[0m\u{2028}" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        assert_ne!(visible(&text), text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&visible(&text)).unwrap(), value);
    }

    #[test]
    fn a_ci_gets_no_commands() {
        assert_eq!(harmless("x\n  ::error file=a::b\n::add-mask::c"), "x\n  \\::error file=a::b\n\\::add-mask::c");
        assert_eq!(harmless("see ##[group]x ##vso[task.complete]"), r"see #\#[group]x #\#vso[task.complete]");
    }

    #[test]
    fn an_address_shows_no_password() {
        assert_eq!(
            harmless("to http://me:p@ss@host:1/x?a@b and ftp://t0ken@h"),
            "to http://***@host:1/x?a@b and ftp://***@h"
        );
        assert_eq!(harmless("s3://bucket/key@1 http://"), "s3://bucket/key@1 http://");
    }

    #[test]
    fn names_left_figures_right_and_nothing_empty() {
        let lines = [["name", "n", "none", "s"], ["a", "10", "", "ü"], ["longer", "2", "", ""]];
        let lines = lines.map(|line| line.map(str::to_owned));
        insta::assert_snapshot!(columns(&lines, Align::Left), @r"
        name     n  s
        a       10  ü
        longer   2
        ");
        assert!(columns(&lines, Align::Right).ends_with("longer   2"));
        // What is too wide alone is a table alone.
        let narrow = "name     n\na       10\nlonger   2\n\nname    s\na       ü\nlonger";
        assert_eq!([12, 10, 0].map(|most| columns_within(most, &lines, Align::Left, 1)), [narrow; 3]);
        assert_eq!(columns_within(13, &lines, Align::Left, 1), columns(&lines, Align::Left));
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2, 11].map(|n| counted(n, "object")), ["0 objects", "1 object", "2 objects", "11 objects"]);
    }

    #[test]
    fn texts_are_cut_by_columns() {
        assert_eq!(cut("deploy", 9), ("deploy".to_owned(), 3));
        assert_eq!(cut("deploy", 6), ("deploy".to_owned(), 0));
        assert_eq!(cut("deploy", 5), ("depl…".to_owned(), 0));
        assert_eq!(cut("漢字漢字", 5), ("漢字…".to_owned(), 0));
        assert_eq!(cut("漢字漢字", 4), ("漢…".to_owned(), 0));
        assert_eq!(cut("deploy", 0), (String::new(), 0));
    }

    #[test]
    fn what_tools_print_loses_what_moves_the_cursor() {
        assert_eq!(plain("\x1b[32mCREATE_COMPLETE\x1b[0m\tbucket\x1b]0;title\x07"), "CREATE_COMPLETE bucket");
        assert_eq!(plain("10 %\r20 %\r30 %\r"), "30 %");
        assert_eq!(plain("bell\x07   rings \x1b[2J"), "bell rings");
        assert_eq!(plain("\x1b["), "");
    }

    #[test]
    fn of_a_text_from_outside_the_beginning_is_quoted() {
        assert_eq!(excerpt("it broke\n\n  \x1b[31mat x\x1b[0m\u{7}\n"), "it broke\n  at x");
        let long = excerpt(&"\u{1}é".repeat(16_000));
        assert_eq!(long, format!("{}…\n(the beginning of 32000 characters)", "é".repeat(300)));
        let many = excerpt(&"at y\n".repeat(2_000));
        assert_eq!(many, format!("{}(the beginning of 10000 characters)", "at y\n".repeat(6)));
    }
}
