//! What readers should know about a run: gathered once, and printed by every report in the same order. Pure.

use std::fmt;

/// Something that readers should know and that fails nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// The sentence.
    pub text: String,
    /// The names of the renders that have it, in the order of measuring; empty when it is
    /// about the whole run, or about every render.
    pub about: Vec<String>,
}

/// What a note is about. Reports show the kinds in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// Single renders.
    Renders,
    /// What the figures can't show.
    Caveat,
    /// A file that is missing from the folder, or is of no use.
    Gap,
}

impl Note {
    /// A note about the whole run.
    pub fn about_the_run(kind: NoteKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), about: Vec::new() }
    }

    /// The notes of named renders: each sentence once, in the order of its first appearance.
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

/// The renders that it is about, unless those are all of them, and the sentence.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.is_empty() {
            true => f.write_str(&self.text),
            false => write!(f, "{}: {}", self.about.join(", "), self.text),
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
