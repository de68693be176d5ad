//! What a child prints: kept whole or as a tail, and logged line by line.

use std::{collections::VecDeque, fs::File, io::Write};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Lines that a child printed.
pub(super) struct Keep {
    lines: VecDeque<String>,
    most: usize,
}

const TAIL_LINES: usize = 15;

impl Keep {
    /// Keeps all lines.
    pub(super) fn all() -> Self {
        Self { lines: VecDeque::new(), most: usize::MAX }
    }

    /// Keeps the last lines.
    pub(super) fn tail() -> Self {
        Self { lines: VecDeque::new(), most: TAIL_LINES }
    }

    /// What was kept.
    pub(super) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn push(&mut self, line: String) {
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// Reads `source` to its end, telling `shown` of every line; a log that can't be written is passed over.
pub(super) async fn copy(
    source: impl AsyncRead + Unpin,
    keep: &mut Keep,
    mut log: Option<&File>,
    shown: &dyn Fn(&str),
) -> std::io::Result<()> {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).await? > 0 {
        if let Some(log) = &mut log {
            let _ = log.write_all(&line);
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        shown(&text);
        keep.push(text);
        line.clear();
    }
    Ok(())
}

/// The last lines of a text.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Every line moved to the right, to set a child's words apart from ours.
pub(super) fn indent(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("    {line}\n")).collect::<String>().trim_end().to_owned()
}
