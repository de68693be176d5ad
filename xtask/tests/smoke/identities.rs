//! Whose keys a run acts with: every source of the usual chain, for the SDK and for sam.

use std::fs;

use crate::support::{Ran, STACK, Test, fake_aws::identities::SECRET};

/// A test on "AWS": by its own chain of credentials, not by an emulator's keys.
fn by_the_chain(config: &str) -> Test {
    let test = Test::new();
    let endpoint = test.aws.endpoint.clone();
    let config = config.replace("<dir>", &test.artifacts().parent().unwrap().display().to_string());
    let file = test.artifacts().parent().unwrap().join("home/config");
    fs::write(&file, config).unwrap();
    test.env("AWS_ENDPOINT_URL", &endpoint)
        .env("AWS_CONFIG_FILE", &file.display().to_string())
        .without_env("AWS_ACCESS_KEY_ID")
        .without_env("AWS_SECRET_ACCESS_KEY")
        .without_env("AWS_SESSION_TOKEN")
}

fn smoke(test: &Test, args: &[&str]) -> Ran {
    let artifacts = test.artifacts().display().to_string();
    let usual = ["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2", "--stack-name", STACK];
    test.run(&[&usual, &["--artifacts", &artifacts][..], args].concat())
}

/// Every call, the SDK's own, those that we sign, and sam's, is made with the keys of `id`.
#[track_caller]
fn acts_with(test: &Test, args: &[&str], id: &str, others: &[&str]) {
    smoke(test, args).exit(0).says("clean-up verified");
    let mut signed_by = test.aws.account().signed_by.clone();
    // What the role's keys are asked for with.
    others.iter().for_each(|other| assert!(signed_by.remove(*other), "{other} was not used"));
    assert_eq!(signed_by.into_iter().collect::<Vec<_>>(), [id]);
    let seen = test.tools.environments("sam");
    let of_deploy = seen.iter().filter(|env| env.contains("AWS_ACCESS_KEY_ID="));
    assert!(
        of_deploy.clone().count() > 0
            && of_deploy.clone().all(|env| env.contains(&format!("AWS_ACCESS_KEY_ID={id}\n"))),
        "{seen:?}"
    );
    let artifacts = test.files().into_iter().map(|name| fs::read(test.artifacts().join(name)).unwrap());
    let reported = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(SECRET);
    assert!(!artifacts.into_iter().any(reported), "the secret is in the artifacts");
}

#[test]
fn keys_of_a_profile() {
    let config = "[profile team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = secret\n";
    acts_with(&by_the_chain(config), &["--profile", "team"], "AKIATEAM", &[]);
    acts_with(&by_the_chain(config).env("AWS_PROFILE", "team"), &[], "AKIATEAM", &[]);
    // The flag wins over keys in the environment, for both.
    let both = by_the_chain(config).env("AWS_ACCESS_KEY_ID", "AKIAENV").env("AWS_SECRET_ACCESS_KEY", "secret");
    acts_with(&both, &["--profile", "team"], "AKIATEAM", &[]);
}

#[test]
fn keys_of_a_process() {
    let config = "[profile tool]\ncredential_process = /bin/cat <dir>/home/keys\n";
    let test = by_the_chain(config);
    // The process is started by a shell.
    std::os::unix::fs::symlink("/bin/sh", test.tools.bin().join("sh")).unwrap();
    let keys = format!(
        r#"{{"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": "{SECRET}", "SessionToken": "s"}}"#
    );
    fs::write(test.artifacts().parent().unwrap().join("home/keys"), keys).unwrap();
    acts_with(&test, &["--profile", "tool"], "ASIAPROCESS", &[]);
}

#[test]
fn keys_of_a_role() {
    let config = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n\
                  [profile role]\nrole_arn = arn:aws:iam::123456789012:role/role\nsource_profile = base\n";
    acts_with(&by_the_chain(config), &["--profile", "role"], "ASIAROLE", &["AKIABASE"]);
}

/// As in a workflow of a forge that vouches for it by OIDC.
#[test]
fn keys_of_a_web_identity() {
    let test = by_the_chain("");
    let token = test.artifacts().parent().unwrap().join("home/token");
    fs::write(&token, "a-token").unwrap();
    let test = test
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/role");
    acts_with(&test, &[], "ASIAWEB", &[]);
}

#[test]
fn keys_of_a_container() {
    let test = by_the_chain("");
    let uri = format!("{}/keys-of-the-container", test.aws.endpoint);
    acts_with(&test.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri), &[], "ASIACONTAINER", &[]);
}

#[test]
fn keys_of_an_instance() {
    let test = by_the_chain("");
    let endpoint = test.aws.endpoint.clone();
    let test = test.without_env("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint);
    acts_with(&test, &[], "ASIAINSTANCE", &[]);
}

#[test]
fn an_sso_session_that_ended_is_reported_with_its_login() {
    let config = "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n\
                  [sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n";
    let ran = smoke(&by_the_chain(config), &["--profile", "sso"]);
    ran.exit(1).warns("no usable AWS credentials in profile sso").warns("aws sso login --profile sso");
}

#[test]
fn a_source_of_credentials_that_fails_is_named() {
    let test =
        by_the_chain("").env("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere").env("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    smoke(&test, &[]).exit(1).warns("no usable AWS credentials (AWS_WEB_IDENTITY_TOKEN_FILE is set): No such file");
    smoke(&by_the_chain("[profile 'my dev']\n"), &["--profile", "my dev"])
        .exit(1)
        .warns("--profile is \"my dev\", and the AWS SDK reads no profile with a space in its name; rename it");
}

#[test]
fn a_session_of_aws_login_has_a_way_out() {
    let config = "[profile console]\nlogin_session = arn:aws:iam::123456789012:user/alice\nregion = us-west-2\n";
    let ran = smoke(&by_the_chain(config), &["--profile", "console"]);
    ran.exit(1)
        .warns("profile console is a session of `aws login`")
        .warns("aws configure export-credentials --profile console --format env")
        .never_says("feature");
    assert!(!ran.stderr.contains("feature"), "{ran}");
}

#[test]
fn a_role_that_wants_mfa_is_kept_apart() {
    let config = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n\
                  [profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/wants-mfa\nsource_profile = base\n\
                  mfa_serial = arn:aws:iam::123456789012:mfa/tester\n";
    let ran = smoke(&by_the_chain(config), &["--profile", "mfa"]);
    ran.exit(1)
        .warns("no usable AWS credentials in profile mfa")
        .warns("mfa_serial")
        .warns("aws configure export-credentials");
}

/// The name of this AWS can't be resolved: who reaches it, does so by the proxy.
#[test]
fn aws_is_reached_by_the_proxy_of_the_environment() {
    let test = Test::new();
    let proxy = test.aws.endpoint.clone();
    let test = test.env("AWS_ENDPOINT_URL", "http://aws.invalid").env("HTTP_PROXY", &proxy);
    let ran = test.run(&["lambda-doctor"]);
    ran.says("ok    target              emulator at http://aws.invalid, account 123456789012")
        .says("1000 executions at once, of which 16 can be reserved");
    // Unless it is among those that need none.
    let ran = test.env("NO_PROXY", "aws.invalid").run(&["lambda-doctor"]);
    ran.exit(1).says("BAD   target");
}
