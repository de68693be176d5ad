//! Python with its modules ready: most scripts take less time than boto3 takes to load, and so does sam.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use serde_json::{Value, json};
use xtask::local::provisioning::Toolbox;

use crate::emulator::{Emulator, provision};

/// Lists stacks, buckets, state machines, functions, log groups, roles and alarms, as sorted lines: what a leak would
/// add to.
pub(crate) fn listing(emulator: &Emulator) -> Vec<String> {
    python(emulator, include_str!("list_account.py"), &[])
}

/// Runs a boto3 script against the emulator; its lines of output.
pub(crate) fn python(emulator: &Emulator, script: &str, args: &[&str]) -> Vec<String> {
    python_at(&emulator.endpoint, script, args)
}

/// The same by the address.
pub(crate) fn python_at(endpoint: &str, script: &str, args: &[&str]) -> Vec<String> {
    let mut stream = UnixStream::connect(READY.folder.join("socket")).unwrap();
    let args = [&["-c"], args].concat();
    let env: BTreeMap<&str, &str> = AWS.into_iter().chain([("AWS_ENDPOINT_URL", endpoint)]).collect();
    writeln!(stream, "{}", json!({"script": script, "args": args, "env": env, "folder": "/"})).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    let printed = answer["printed"].as_str().unwrap();
    assert_eq!(answer["status"], 0, "{printed}");
    printed.lines().map(str::to_owned).collect()
}

/// boto3's settings for an emulator, which keep it from reading the user's files.
const AWS: [(&str, &str); 5] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];

/// A folder with the real sam as a program that runs in a fork of this Python.
pub(crate) fn ready_sam() -> &'static Path {
    &READY.folder
}

/// The Python; it ends with this process, whose pipe it watches.
struct Ready {
    _python: Child,
    folder: PathBuf,
}

static READY: LazyLock<Ready> = LazyLock::new(|| {
    provision();
    let mut python = Command::new(Toolbox::of_repository().python())
        .args(["-c", include_str!("ready_python.py"), include_str!("ready_sam.py")])
        .envs(AWS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(python.stdout.as_mut().unwrap()).read_line(&mut folder).unwrap();
    Ready { _python: python, folder: folder.trim_end().into() }
});
