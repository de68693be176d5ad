//! The bytes that bring a terminal from one state to the next, each time to be
//! written at once. Pure.
//!
//! The live lines are the last ones, and the cursor waits in the line below, so
//! that whatever ends this process leaves nothing to be restored.

use std::fmt::Write;

use super::{live::Line, paint::Paint};

/// What of the live lines is on the screen.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    widths: Vec<usize>,
}

/// What a terminal can hold, and how it takes a change of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Whether lines that have become too long are broken, and not cut.
    pub(super) reflows: bool,
}

/// Lines neither wrap nor scroll sideways: a terminal may have become narrower just now.
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";

impl Drawn {
    /// Replaces the live lines by `permanent`, which is whole lines or nothing, and `lines`.
    pub(super) fn redraw(&mut self, permanent: &str, lines: &[Line], extent: Extent, paint: Paint) -> String {
        let mut bytes = String::new();
        let rows = self.rows(extent);
        if rows > 0 {
            let _ = write!(bytes, "\r\x1b[{rows}A");
        }
        // Text that wraps would leave old cells behind it; live lines are just written over, which does not flicker.
        if rows > 0 && (!permanent.is_empty() || lines.is_empty()) {
            bytes.push_str("\x1b[J");
        }
        bytes.push_str(permanent);
        if !lines.is_empty() {
            bytes.push_str(WRAP_OFF);
            for (i, line) in lines.iter().enumerate() {
                let end = if i + 1 == lines.len() { WRAP_ON } else { "" };
                let _ = writeln!(bytes, "{}{}{}\x1b[K{end}", line.clock, paint.stage(&line.stage), line.rest);
            }
            bytes.push_str("\x1b[J");
        }
        self.widths = lines.iter().map(Line::width).collect();
        bytes
    }

    /// Whether any live line is on the screen.
    pub(super) fn is_empty(&self) -> bool {
        self.widths.is_empty()
    }

    /// Rows that the lines take now, in a terminal that may have become narrower since.
    fn rows(&self, extent: Extent) -> usize {
        let of_line = |width: &usize| if extent.reflows { width.div_ceil(extent.columns.max(1)).max(1) } else { 1 };
        self.widths.iter().map(of_line).sum::<usize>().min(extent.rows.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Extent = Extent { columns: 200, rows: 24, reflows: true };

    fn line(width: usize) -> Line {
        Line { clock: String::new(), stage: String::new(), rest: "x".repeat(width) }
    }

    #[test]
    fn a_line_that_no_longer_fits_takes_two_rows_or_is_cut() {
        let narrow = |reflows| Extent { columns: 80, reflows, ..WIDE };
        for (reflows, up) in [(true, 3), (false, 2)] {
            let mut drawn = Drawn::default();
            drawn.redraw("", &[line(100), line(50)], WIDE, Paint::OFF);
            let bytes = drawn.redraw("", &[line(10)], narrow(reflows), Paint::OFF);
            assert!(bytes.starts_with(&format!("\r\x1b[{up}A\x1b[?7l")), "{bytes:?}");
        }
    }

    #[test]
    fn permanent_lines_come_in_front_and_nothing_is_left_at_the_end() {
        let mut drawn = Drawn::default();
        assert_eq!(drawn.redraw("a\n", &[], WIDE, Paint::OFF), "a\n");
        drawn.redraw("", &[line(1)], WIDE, Paint::OFF);
        assert_eq!(
            drawn.redraw("b\n", &[line(1)], WIDE, Paint::OFF),
            "\r\x1b[1A\x1b[Jb\n\x1b[?7lx\x1b[K\x1b[?7h\n\x1b[J"
        );
        assert_eq!(drawn.redraw("", &[], WIDE, Paint::OFF), "\r\x1b[1A\x1b[J");
        assert!(drawn.is_empty());
    }
}
