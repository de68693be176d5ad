//! What readers should know, next to the figures. Pure.

use std::fmt;

use render_verdict::verdict::listed;

/// Something that readers should know and that makes nothing fail. Notes are collected once, and
/// every report shows them in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub kind: NoteKind,
    pub text: String,
    /// The names of the renders that it is about, in the order of measurement; empty when it is
    /// about the whole run or about every render.
    pub about: Vec<String>,
}

/// What a note is about. Reports show the kinds in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    Renders,
    /// What the figures can't show.
    Caveat,
    /// A file that is missing from the folder, or can't be used.
    Gap,
}

impl Note {
    pub fn about_the_run(kind: NoteKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), about: Vec::new() }
    }

    /// The notes on named renders: each text once, in the order of its first appearance.
    /// Samples of one case may share a name.
    pub fn about_renders<'a>(renders: impl IntoIterator<Item = (String, &'a [String])>) -> Vec<Self> {
        let mut notes: Vec<Self> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (name, texts) in renders {
            for text in texts {
                match notes.iter_mut().find(|note| note.text == *text) {
                    Some(note) if note.about.contains(&name) => {}
                    Some(note) => note.about.push(name.clone()),
                    None => notes.push(Self { kind: NoteKind::Renders, text: text.clone(), about: vec![name.clone()] }),
                }
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for note in notes.iter_mut().filter(|note| note.about.len() == names.len()) {
            note.about.clear();
        }
        notes
    }
}

/// The renders that the note is about, unless it is about all of them, and the text.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.is_empty() {
            true => f.write_str(&self.text),
            false => write!(f, "{}: {}", listed(&self.about), self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_listed_once_with_its_renders_unless_all_have_it() {
        let notes = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (first, second) = (notes(&["old ffmpeg", "dark"]), notes(&["old ffmpeg"]));
        let renders = [("N=1", &first), ("N=1", &first), ("N=2", &second)];
        let found = Note::about_renders(renders.map(|(name, notes)| (name.to_owned(), notes.as_slice())));
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["old ffmpeg", "N=1: dark"]);
    }
}
