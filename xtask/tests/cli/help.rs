//! What every command says of itself.

use insta::assert_snapshot;

use crate::{COMMANDS, refusals::refuse, support::Test};

/// What a command says of itself when asked by `flag`.
fn help(test: &Test, command: &str, flag: &str) -> String {
    let args: Vec<&str> = command.split_whitespace().chain([flag]).collect();
    let ran = test.run(&args);
    assert_eq!(ran.exit(0).stderr, "");
    ran.stdout
}

#[test]
fn the_help_of_every_command() {
    let test = Test::new();
    for command in COMMANDS.split(',') {
        let name = if command.is_empty() { "all" } else { command };
        assert_snapshot!(format!("help of {name}"), help(&test, command, "--help"));
        assert_snapshot!(format!("short help of {name}"), help(&test, command, "-h"));
    }
    test.assert_nothing_happened();
}

#[test]
fn help_has_no_line_that_a_terminal_would_wrap() {
    let test = Test::new();
    for (command, flag) in COMMANDS.split(',').flat_map(|command| [(command, "-h"), (command, "--help")]) {
        let reported = help(&test, command, flag);
        assert!(reported.lines().all(|line| line.chars().count() <= 100), "{command} {flag}\n{reported}");
    }
}

#[test]
fn short_help_fits_a_screen_and_has_a_line_for_each_flag() {
    let test = Test::new();
    for command in COMMANDS.split(',') {
        let reported = help(&test, command, "-h");
        assert!(reported.lines().count() <= 45, "{reported}");
        let starts = |line: &&str| ["  -", "      --", "  <", "  ["].iter().any(|start| line.starts_with(start));
        let flags = reported.lines().skip_while(|line| !line.starts_with("Options:"));
        let wrapped = flags.filter(|line| line.starts_with(' ') && !starts(line)).collect::<Vec<_>>();
        assert_eq!(wrapped, [""; 0], "{reported}");
    }
}

#[test]
fn completions_know_commands_flags_and_fixtures() {
    let test = Test::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = test.run(&["completions", shell]).exit(0).stdout.clone();
        for word in ["lambda-teardown", "chunk-counts", "other-fixture", "cargo xtask"] {
            assert!(script.contains(word), "{word} is not in\n{script}");
        }
    }
    refuse(&test, &["completions", "bsh"], "a similar value exists: 'bash'");
    let nowhere = Test::new().env("HYPERFRAMES_REPO_ROOT", "/nowhere");
    nowhere.run(&["completions", "bash"]).exit(0).says("lambda-teardown");
}

#[test]
fn bash_completes_a_fixture() {
    let script = Test::new().run(&["completions", "bash"]).exit(0).stdout.clone();
    let asked =
        format!("{script}\nCOMP_WORDS=(xtask lambda-smoke --fixture o); COMP_CWORD=3; _xtask xtask o --fixture");
    let reported =
        std::process::Command::new("bash").args(["-c", &format!("{asked}; echo \"${{COMPREPLY[@]}}\"")]).output();
    // Not every machine has bash.
    if let Ok(reported) = reported {
        assert_eq!(String::from_utf8_lossy(&reported.stdout).trim(), "other-fixture");
    }
}

#[test]
fn the_version_is_reported() {
    let ran = Test::new().run(&["--version"]);
    assert_eq!(ran.exit(0).stdout, concat!("cargo xtask ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_command_the_help_is_shown_as_an_error() {
    let test = Test::new();
    test.run(&[]).exit(1).warns("Usage: cargo xtask [OPTIONS] <COMMAND>");
    test.assert_nothing_happened();
}
