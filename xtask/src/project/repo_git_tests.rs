use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{console::Console, tools::env::Env};

/// A repository with one commit, and a program that leaves `touched` where it is run.
struct Hostile(tempfile::TempDir);

impl Hostile {
    fn new() -> Self {
        let hostile = Self(tempfile::tempdir().unwrap());
        let program = format!("#!/bin/sh\ntouch {}\ncat\n", hostile.path("touched").display());
        std::fs::write(hostile.path("program"), program).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(hostile.path("program"), executable).unwrap();
        std::fs::create_dir_all(hostile.path("repo/examples/aws-lambda")).unwrap();
        std::fs::write(hostile.path("repo/examples/aws-lambda/template.yaml"), "x").unwrap();
        hostile.git(&["init", "-q"]);
        hostile.git(&["add", "."]);
        hostile.git(&["-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "-m", "x"]);
        hostile
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn runner(&self) -> Runner {
        let home = self.0.path().display().to_string();
        Runner::new(&Env::from([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", &home)]), &Console::default())
            .unwrap()
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    }

    fn git(&self, args: &[&str]) {
        let (runner, root) = (self.runner(), self.path("repo"));
        let sh = &runner.sh;
        Self::block_on(async { runner.run(cmd!(sh, "git -C {root} {args...}")).await }).unwrap();
    }

    fn commit(&self) -> String {
        let repo = Repo::at(&self.path("repo")).unwrap();
        let commit = Self::block_on(commit(&repo, &self.runner())).unwrap();
        assert!(!self.path("touched").exists(), "git ran a program of the repository");
        commit
    }
}

#[test]
fn git_runs_no_program_that_the_repository_names() {
    let hostile = Hostile::new();
    let program = hostile.path("program").display().to_string();
    assert_eq!(hostile.commit().len(), 40);
    for key in ["core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "credential.helper"] {
        hostile.git(&["config", key, &program]);
    }
    assert_eq!(hostile.commit().len(), 40);
    std::fs::write(hostile.path("repo/examples/aws-lambda/template.yaml"), "y").unwrap();
    assert!(hostile.commit().ends_with("-dirty"));
    std::fs::write(hostile.path("repo/.git/info/attributes"), "* filter=f\n").unwrap();
    hostile.git(&["config", "filter.f.clean", &program]);
    assert!(hostile.commit().ends_with("-unchecked"));
}
