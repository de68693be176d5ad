//! Text in columns of a terminal. Pure.

use unicode_width::UnicodeWidthChar;

/// The columns that a text without control characters takes, at most.
pub(super) fn width(text: &str) -> usize {
    // Character by character: terminals differ in what they join.
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of a text as `columns` hold, and how many are left; a cut is shown.
pub(super) fn cut(text: &str, columns: usize) -> (String, usize) {
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
pub(super) fn plain(line: &str) -> String {
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
mod tests {
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
