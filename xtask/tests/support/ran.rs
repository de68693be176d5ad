//! How a run of the binary ended.

/// Exit status and output, without what differs from run to run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn exit(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "the exit status is wrong\n{self}");
        self
    }

    /// Asserts that a text is in stdout.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}\n{self}");
        self
    }

    /// Asserts that a text is in stderr.
    #[track_caller]
    pub(crate) fn warns(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}\n{self}");
        self
    }

    /// Asserts that neither has a text.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} was said\n{self}");
        self
    }

    /// Asserts that stderr is one error and nothing else.
    #[track_caller]
    pub(crate) fn only_error(&self, error: &str) -> &Self {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), ("", format!("error: {error}").as_str()));
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "--- status {:?}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
