//! Columns of text that are aligned with each other. Pure.

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

#[cfg(test)]
mod tests {
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
