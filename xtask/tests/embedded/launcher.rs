//! The launcher's own tests, in the Python that runs it.

use std::{fs, process::Command};

use crate::{
    emulator::{printed, provision},
    run::side_by_side,
};

#[test]
fn every_repair_restores_what_aws_does() {
    provision();
    let toolbox = xtask::local::provisioning::Toolbox::of_repository();
    let path = format!("{}:{}", toolbox.bin().display(), std::env::var("PATH").unwrap());
    let tests = xtask::project::repo::tool_root().join("xtask/embedded-aws/tests");
    let names = fs::read_dir(&tests).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let modules: Vec<String> = names.filter(|name| name.starts_with("test_")).collect();
    assert!(!modules.is_empty());
    side_by_side(&modules, |module| {
        let mut python = Command::new(toolbox.python());
        python.args(["-m", "unittest", module.as_str()]).current_dir(&tests).env("PATH", &path);
        python.env("PYTHONPYCACHEPREFIX", toolbox.bytecode()).env_remove("PYTHONDONTWRITEBYTECODE");
        let (succeeded, reported) = printed(&python.output().unwrap());
        assert!(succeeded, "{reported}");
        assert!(reported.contains("Ran ") && !reported.contains("Ran 0 tests"), "{module}: {reported}");
    });
}
