//! A terminal's screen: what is seen after some bytes were written to it. It
//! knows the sequences that the tool uses, and refuses all others.

use unicode_width::UnicodeWidthChar;

/// A screen with its scrollback.
pub(crate) struct Screen {
    rows: Vec<Row>,
    columns: usize,
    height: usize,
    /// Whether lines that no longer fit are broken, and not cut.
    reflows: bool,
    row: usize,
    column: usize,
    wraps: bool,
    pending: Vec<char>,
}

#[derive(Clone, Default)]
struct Row {
    cells: Vec<char>,
    /// Whether the next row is the same line.
    continues: bool,
}

/// The second cell of a wide character.
const WIDE: char = '\0';

impl Screen {
    pub(crate) fn new(columns: usize, height: usize, reflows: bool) -> Self {
        let rows = vec![Row::default()];
        Self { rows, columns, height, reflows, row: 0, column: 0, wraps: true, pending: Vec::new() }
    }

    /// The lines from the top of the scrollback to the cursor's, each with the rows that it takes.
    pub(crate) fn lines(&self) -> Vec<(String, usize)> {
        let mut lines = Vec::new();
        let (mut text, mut rows) = (String::new(), 0);
        for row in &self.rows {
            text.extend(row.cells.iter().filter(|c| **c != WIDE));
            rows += 1;
            if !row.continues {
                lines.push((std::mem::take(&mut text).trim_end().to_owned(), std::mem::take(&mut rows)));
            }
        }
        while lines.last().is_some_and(|(line, _)| line.is_empty()) {
            lines.pop();
        }
        lines
    }

    /// Whether the cursor is at the start of an empty line below all others, and lines wrap.
    pub(crate) fn is_restored(&self) -> bool {
        let below = self.rows[self.row..].iter().all(|row| row.cells.iter().all(|c| *c == ' '));
        self.wraps && self.column == 0 && below
    }

    pub(crate) fn resize(&mut self, columns: usize) {
        self.columns = columns;
        if !self.reflows {
            self.rows.iter_mut().for_each(|row| row.cells.truncate(columns));
            return;
        }
        let old = std::mem::take(&mut self.rows);
        let (mut cursor, mut line) = (None, Vec::new());
        for (i, row) in old.into_iter().enumerate() {
            if i == self.row {
                cursor = Some(line.len() + self.column);
            }
            line.extend(row.cells);
            if !row.continues {
                let first = self.rows.len();
                if let Some(at) = cursor.take() {
                    (self.row, self.column) = (first + at / columns, at % columns);
                }
                self.rows.extend(broken(&std::mem::take(&mut line), columns));
            }
        }
    }

    /// Writes a character.
    pub(crate) fn put(&mut self, c: char) {
        if !self.pending.is_empty() || c == '\x1b' {
            self.pending.push(c);
            if self.pending.len() > 2 && c.is_ascii_alphabetic() {
                self.control();
            }
            return;
        }
        match c {
            '\r' => self.column = 0,
            '\n' => self.down(),
            c if c.is_control() => panic!("the screen does not know {c:?}"),
            c => self.print(c),
        }
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push(Row::default());
        }
    }

    fn print(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.column + width > self.columns {
            match self.wraps {
                true => {
                    self.rows[self.row].continues = true;
                    self.down();
                    self.column = 0;
                }
                false => self.column = self.columns - width,
            }
        }
        let cells = &mut self.rows[self.row].cells;
        let end = self.column + width;
        cells.resize(cells.len().max(end), ' ');
        cells[self.column..end].fill(WIDE);
        if width > 0 {
            cells[self.column] = c;
        }
        self.column = end;
    }

    fn control(&mut self) {
        let sequence: String = self.pending.drain(..).skip(2).collect();
        let (argument, kind) = sequence.split_at(sequence.len() - 1);
        match (kind, argument) {
            ("m", _) => {}
            ("h", "?7") => self.wraps = true,
            ("l", "?7") => self.wraps = false,
            ("A", rows) => {
                let top = self.rows.len().saturating_sub(self.height);
                self.row = self.row.saturating_sub(rows.parse().unwrap()).max(top);
            }
            ("K", "") => self.erase_line(),
            ("J", "") => {
                self.erase_line();
                self.rows.truncate(self.row + 1);
            }
            _ => panic!("the screen does not know {sequence:?}"),
        }
    }

    fn erase_line(&mut self) {
        let row = &mut self.rows[self.row];
        row.cells.truncate(self.column);
        row.continues = false;
    }
}

fn broken(line: &[char], columns: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = line.chunks(columns).map(|cells| Row { cells: cells.to_vec(), continues: true }).collect();
    if rows.is_empty() {
        rows.push(Row::default());
    }
    if let Some(last) = rows.last_mut() {
        last.continues = false;
    }
    rows
}
