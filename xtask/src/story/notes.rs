//! What is worth knowing of renders and fails nothing, each thing once. Pure.

use super::RenderStory;

/// A note, and the renders that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The sentence.
    pub text: String,
    /// The labels of its renders, in the order of measuring.
    pub about: Vec<String>,
    /// Whether they are all that were measured.
    pub of_all: bool,
}

/// Each note once, in the order of first telling.
pub(super) fn notes(renders: &[RenderStory]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for render in renders {
        for text in &render.row.notes {
            match notes.iter_mut().find(|note| note.text == *text) {
                Some(note) if note.about.contains(&render.label) => {}
                Some(note) => note.about.push(render.label.clone()),
                None => notes.push(Note { text: text.clone(), about: vec![render.label.clone()], of_all: false }),
            }
        }
    }
    for note in &mut notes {
        note.of_all = note.about.len() == renders.len();
    }
    notes
}
