//! The journals of a world's runs.

use std::{fs, path::PathBuf};

use super::{Test, list};

impl Test {
    /// The folder of journals.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The journals in the state folder.
    pub(crate) fn journals(&self) -> Vec<String> {
        let state = self.state();
        list(&state).iter().map(|file| fs::read_to_string(state.join(file)).unwrap()).collect()
    }

    /// The file of the only journal.
    pub(crate) fn journal(&self) -> PathBuf {
        let files = list(&self.state());
        assert_eq!(files.len(), 1, "{files:?}");
        self.state().join(&files[0])
    }

    /// Changes the only journal.
    pub(crate) fn rewrite_journal(&self, change: impl FnOnce(String) -> String) {
        let path = self.journal();
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    }
}
