//! Everything that is in an account, as sorted lines: what a leak would add to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use serde_json::{Value, json};
use xtask::local::provisioning::Toolbox;

use crate::emulator::{Emulator, provision};

/// Lists stacks, buckets, state machines, functions, log groups, roles and alarms.
pub(crate) fn listing(emulator: &Emulator) -> Vec<String> {
    python(emulator, include_str!("list_account.py"), &[])
}

/// Runs a boto3 script against the emulator; its lines of output.
pub(crate) fn python(emulator: &Emulator, script: &str, args: &[&str]) -> Vec<String> {
    python_at(&emulator.endpoint, script, args)
}

/// The same by the address.
pub(crate) fn python_at(endpoint: &str, script: &str, args: &[&str]) -> Vec<String> {
    let mut stream = UnixStream::connect(&SCRIPTS.socket).unwrap();
    writeln!(stream, "{}", json!({"endpoint": endpoint, "script": script, "args": args})).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert!(answer["error"].is_null(), "{}", answer["error"].as_str().unwrap());
    answer["printed"].as_str().unwrap().lines().map(str::to_owned).collect()
}

/// Python with boto3 ready: starting it takes longer than most scripts. It ends with this process, whose pipe it watches.
struct Scripts {
    _python: Child,
    socket: String,
}

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    provision();
    let mut python = Command::new(Toolbox::of_repository().python())
        .args(["-c", include_str!("boto3_scripts.py")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut socket = String::new();
    BufReader::new(python.stdout.as_mut().unwrap()).read_line(&mut socket).unwrap();
    Scripts { _python: python, socket: socket.trim_end().to_owned() }
});
