//! What must hold after a run, whatever it was.

use std::fs;

use super::{Ran, SECRETS, Test, list};

/// What is in the account from the start, and belongs to no run.
pub(crate) const FOREIGN: [&str; 6] = [
    "bucket prod-123456789012 (1 objects)",
    "function prod-render",
    "logGroup /aws/lambda/prod-render",
    "logGroup /aws/vendedlogs/states/prod-render",
    "stack production",
    "stateMachine arn:aws:states:us-east-1:123456789012:stateMachine:prod-render",
];

impl Test {
    /// Keys go to sam's environment, and nowhere else.
    #[track_caller]
    pub(super) fn assert_no_secret(&self, ran: &Ran) {
        SECRETS.iter().for_each(|secret| _ = ran.never_says(secret));
        for file in list(self.dir.path()) {
            let content = fs::read(self.dir.path().join(&file)).unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            for secret in SECRETS.iter().filter(|secret| content.contains(**secret)) {
                let may = file.starts_with("tools/environments/sam.") && *secret != SECRETS[2];
                assert!(may, "{secret} is in {file}\n{ran}");
            }
        }
    }

    /// Only `--force --yes` may touch what is no run's.
    #[track_caller]
    pub(super) fn assert_foreign_untouched(&self, ran: &Ran) {
        let listing = self.aws.account().listing();
        for line in FOREIGN {
            assert!(listing.iter().any(|found| found == line) || self.forced.get(), "{line} is gone\n{ran}");
        }
    }

    /// Asserts that the account holds what it held before any run.
    #[track_caller]
    pub(crate) fn assert_account_clean(&self) -> &Self {
        assert_eq!(self.aws.account().listing(), FOREIGN);
        self
    }

    /// Asserts that neither a tool nor AWS was called, and no file was made.
    #[track_caller]
    pub(crate) fn assert_nothing_happened(&self) -> &Self {
        assert_eq!((self.tools.calls(), self.aws.calls()), (vec![], vec![]));
        assert!(!self.artifacts().exists() && !self.state().exists());
        self
    }

    /// Asserts that all faults that were asked for have happened.
    #[track_caller]
    pub(crate) fn assert_faults_met(&self) -> &Self {
        assert_eq!(self.aws.faults().unmet(), [""; 0], "faults never happened");
        self
    }
}
