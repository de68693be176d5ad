//! A run on a machine in a company's network: all calls go through a proxy that asks for a password and opens them with
//! a certificate of the company, by a profile that names endpoints of single services.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    emulator::Emulator,
    python::python,
    repository::Repository,
    run::{Runner, run},
};

const PASSWORD: &str = "s3cr%40t";

/// The proxy of `company.py`; it ends with the value.
struct Company {
    child: Child,
    dir: tempfile::TempDir,
}

impl Company {
    fn start(emulator: &Emulator) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = emulator.endpoint.rsplit_once(':').unwrap().1;
        let child = Command::new(xtask::local::provisioning::Toolbox::of_repository().python())
            .args(["-c", include_str!("company.py"), port, dir.path().to_str().unwrap(), "me:s3cr@t"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !dir.path().join("port").exists() {
            assert!(Instant::now() < deadline, "the proxy did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, dir }
    }

    fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn address(&self, user: &str) -> String {
        let port = fs::read_to_string(self.folder().join("port")).unwrap();
        format!("http://{user}127.0.0.1:{port}")
    }

    /// The tunnels since the last look: host, and what the first request in it began with.
    fn tunnels(&self) -> BTreeSet<String> {
        let file = self.folder().join("tunnels");
        let found = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = fs::remove_file(file);
        found
    }

    /// The command as it is called on such a machine.
    fn on_machine(&self, mut command: Command, proxy: &str) -> Command {
        let home = self.folder().join("home");
        fs::create_dir_all(home.join(".aws")).unwrap();
        let config = format!(
            "[profile gate]\nservices = company\nca_bundle = {}\n\n[services company]\ns3 =\n  endpoint_url = \
             https://s3.aws.example\nlambda =\n  endpoint_url = https://lambda.aws.example\n",
            self.folder().join("ca.pem").display()
        );
        fs::write(home.join(".aws/config"), config).unwrap();
        fs::write(home.join(".aws/credentials"), "[gate]\naws_access_key_id = test\naws_secret_access_key = test\n")
            .unwrap();
        command.env("HOME", home).env("HTTPS_PROXY", proxy).env("AWS_DEFAULT_REGION", "eu-west-1");
        command.args(["--profile", "gate"]);
        command
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything below a folder, as text.
fn all_text(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.is_dir() {
            true => all_text(&path),
            false => String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
        })
        .collect()
}

#[test]
fn a_run_in_a_companys_network_asks_no_other_hosts_and_leaves_nothing() {
    let emulator = Emulator::start();
    let company = Company::start(&emulator);
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let listing = || {
        let of_region =
            format!("import os; os.environ['AWS_DEFAULT_REGION'] = 'eu-west-1'\n{}", include_str!("list_account.py"));
        python(&emulator, &of_region, &[])
    };
    let before = listing();
    let proxy = company.address(&format!("me:{PASSWORD}@"));

    let (code, reported) = run(company.on_machine(runner.command("lambda-doctor"), &proxy));
    assert_eq!(code, Some(0), "{reported}");
    for decided in [
        "region eu-west-1 (AWS_DEFAULT_REGION)",
        "profile gate (--profile)",
        "endpoint of s3 https://s3.aws.example (services company)",
        "(ca_bundle of profile gate)",
        "proxy of https:// http://***@127.0.0.1:",
    ] {
        assert!(reported.contains(decided), "{decided} is not in {reported}");
    }
    assert!(!reported.contains("s3cr"), "{reported}");

    let mut smoke = runner.command("lambda-smoke");
    smoke.args(["-vv", "--fixture", "f", "--skip-build", "--chunk-counts", "2", "--artifacts"]).arg(runner.artifacts());
    let (code, reported) = run(company.on_machine(smoke, &proxy));
    assert_eq!(code, Some(0), "{reported}");
    assert!(reported.contains("clean-up verified") && !reported.contains("s3cr"), "{reported}");
    assert_eq!(listing(), before);
    assert_eq!(runner.json("run.json")["target"]["kind"], "endpoint");
    let written = [runner.artifacts(), runner.state()].map(|folder| all_text(&folder)).concat();
    assert!(!written.contains("s3cr"), "the proxy's password is in the artifacts or the journals");

    let tunnels = company.tunnels();
    let hosts: BTreeSet<&str> = tunnels.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        hosts,
        BTreeSet::from([
            "cloudformation.eu-west-1.amazonaws.com:443",
            "lambda.aws.example:443",
            "logs.eu-west-1.amazonaws.com:443",
            "s3.aws.example:443",
            "states.eu-west-1.amazonaws.com:443",
            "sts.eu-west-1.amazonaws.com:443",
        ])
    );
    assert!(tunnels.iter().all(|line| line.contains(" /")), "requests are not in origin form: {tunnels:?}");
}

#[test]
fn what_stands_in_the_way_is_named_with_the_way_out() {
    let emulator = Emulator::start();
    let company = Company::start(&emulator);
    let repository = Repository::new(json!({}));
    let runner = Runner::new(&repository, &emulator.endpoint);
    let doctor = |user: &str| company.on_machine(runner.command("lambda-doctor"), &company.address(user));
    let refused = |command: Command, expected: &[&str]| {
        let started = Instant::now();
        let (code, reported) = run(command);
        assert_eq!(code, Some(1), "{reported}");
        for part in expected {
            assert!(reported.contains(part), "{part:?} is not in {reported}");
        }
        assert!(!reported.contains("s3cr") && started.elapsed() < Duration::from_secs(8), "{reported}");
    };
    refused(doctor(""), &["BAD   target", "asks for a user and a password in HTTPS_PROXY"]);
    refused(doctor("me:s3crwrong@"), &["asks for another user or password than HTTPS_PROXY"]);
    let mut strange = doctor(&format!("me:{PASSWORD}@"));
    // It has no authority that signed anything.
    strange.env("AWS_CA_BUNDLE", company.folder().join("server.pem"));
    refused(strange, &["the certificate of sts.eu-west-1.amazonaws.com is not trusted", "AWS_CA_BUNDLE", "ca_bundle"]);
    let mut lost = doctor("");
    lost.env("AWS_CA_BUNDLE", "/none/ca.pem");
    refused(lost, &["AWS_CA_BUNDLE names /none/ca.pem", "No such file"]);
}
