//! The launcher's own tests, in the Python that runs it.

use std::process::Command;

use crate::emulator::provision;

#[test]
fn every_repair_restores_what_aws_does() {
    provision();
    let toolbox = xtask::local::provisioning::Toolbox::of_repository();
    let path = format!("{}:{}", toolbox.bin().display(), std::env::var("PATH").unwrap());
    let output = Command::new(toolbox.python())
        .args(["-m", "unittest", "discover", "-s", "xtask/embedded-aws/tests"])
        .current_dir(xtask::project::repo::tool_root())
        .env("PATH", path)
        .env("PYTHONPYCACHEPREFIX", toolbox.bytecode())
        .env_remove("PYTHONDONTWRITEBYTECODE")
        .output()
        .unwrap();
    let reported = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{reported}");
    assert!(reported.contains("Ran ") && !reported.contains("Ran 0 tests"), "{reported}");
}
