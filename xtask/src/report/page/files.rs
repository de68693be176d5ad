//! Links to everything that the run left.

use std::fmt::Write as _;

use maud::html;

use super::Section;
use crate::story::RunReport;

/// All files of the folder, but those that are for the tool alone.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let files: Vec<&String> = report.files.iter().filter(|name| !name.starts_with('.')).collect();
    let (top, below): (Vec<&String>, Vec<&String>) = files.iter().partition(|name| !name.contains('/'));
    let content = html! {
        ul.files { @for name in top { li { a href=(href(name)) { (name) } } } }
        @if !below.is_empty() {
            details {
                summary { "Videos, histories, figures and logs (" (below.len()) ")" }
                ul.files { @for name in below { li { a href=(href(name)) { (name) } } } }
            }
        }
    };
    (!files.is_empty()).then_some(Section { id: "files", title: "Files", content })
}

/// A file's relative address.
fn href(name: &str) -> String {
    let mut address = String::from("./");
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                address.push(char::from(byte));
            }
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_and_escaped() {
        assert_eq!(href("renders/a b#1?.mp4"), "./renders/a%20b%231%3F.mp4");
    }
}
