//! Words for people that every part of the tool forms alike: numbers of things, columns.

use std::fmt::Display;

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
    let count = lines.first().map_or(0, |line| line.as_ref().len());
    let width = |column: usize| lines.iter().map(|line| line.as_ref()[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let has_figures = |column: &usize| lines.iter().skip(1).any(|line| !line.as_ref()[*column].is_empty());
    let cell = |line: &L, column: usize| match (column, first) {
        (0, Align::Left) => format!("{:<1$}", line.as_ref()[column], widths[column]),
        _ => format!("{:>1$}", line.as_ref()[column], widths[column]),
    };
    let text = |line: &L| {
        let cells: Vec<String> = (0..count).filter(has_figures).map(|column| cell(line, column)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

// Numbers of things in messages.

/// "1 object", "2 objects": for nouns whose plural is made with an s.
pub fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

// Text in columns of a terminal. Pure.

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
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Skips what follows on an escape character: `[`...letter, `]`...BEL, or one character.
fn skip_sequence(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => _ = chars.find(|c| ('\x40'..='\x7e').contains(c)),
        Some(']') => _ = chars.find(|c| *c == '\x07' || *c == '\\'),
        _ => {}
    }
}

#[cfg(test)]
mod columns_tests {
    use super::*;

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
    }
}

#[cfg(test)]
mod counted_tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2, 11].map(|n| counted(n, "object")), ["0 objects", "1 object", "2 objects", "11 objects"]);
    }
}

#[cfg(test)]
mod text_tests {
    use super::*;

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
}
