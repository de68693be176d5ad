//! Which AWS a run is on, however that is named, and what is said of it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::support::Test;

const SERVICES: [&str; 6] = ["sts", "s3", "sfn", "lambda", "cloudformation", "cloudwatch_logs"];

const KEYS: &str = "aws_access_key_id = AKIATEAM\naws_secret_access_key = secret\n";

/// A configuration file of this text, where `<endpoint>` is the fake AWS.
fn configured(test: Test, config: &str) -> Test {
    let file = test.artifacts().parent().unwrap().join("home/config");
    fs::write(&file, config.replace("<endpoint>", &test.aws.endpoint)).unwrap();
    test.env("AWS_CONFIG_FILE", &file.display().to_string())
}

fn args<'a>(artifacts: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["lambda-smoke", "--skip-build", "--fixture", "f", "--chunk-counts", "2", "--artifacts", artifacts], more]
        .concat()
}

#[test]
fn an_emulator_is_one_however_it_is_named() {
    let by_variable = || {
        let test = Test::new();
        let endpoint = test.aws.endpoint.clone();
        test.env("AWS_ENDPOINT_URL", &endpoint)
    };
    let by_variables = || {
        let test = Test::new();
        let endpoint = test.aws.endpoint.clone();
        let set =
            |test: Test, service: &&str| test.env(&format!("AWS_ENDPOINT_URL_{}", service.to_uppercase()), &endpoint);
        SERVICES.iter().fold(test, set)
    };
    let profile = format!("[profile team]\nendpoint_url = <endpoint>\n{KEYS}");
    let services: String = SERVICES.iter().map(|name| format!("{name} =\n  endpoint_url = <endpoint>\n")).collect();
    let services = format!("[profile team]\nservices = local\n{KEYS}[services local]\n{services}");
    let team = &["--profile", "team"][..];
    for (test, flags, shown) in [
        (by_variable(), &[][..], "emulator at <endpoint>, account"),
        (by_variables(), &[], "emulator at <endpoint>, account"),
        (configured(Test::new(), &profile), team, "emulator at <endpoint> (profile team), account"),
        (configured(Test::new(), &services), team, "emulator at <endpoint> (profile team), account"),
    ] {
        let artifacts = test.artifacts().display().to_string();
        let (dry, endpoint) = ([flags, &["--dry-run"]].concat(), test.aws.endpoint.clone());
        test.run(&args(&artifacts, &dry)).exit(0).says("lambda-smoke would run on the emulator at <endpoint>");
        test.run(&args(&artifacts, flags)).exit(0).warns(&format!("target    {shown}"));
        let target = &test.artifact("run.json")["target"];
        assert_eq!((target["kind"].as_str(), target["url"].as_str()), (Some("endpoint"), Some(endpoint.as_str())));
        for report in ["report.md", "report.html"] {
            let report = fs::read_to_string(test.artifacts().join(report)).unwrap();
            assert!(report.contains(&format!("an emulator at {endpoint}")), "{report}");
            assert!(!report.contains("AWS account"), "{report}");
        }
        test.assert_account_clean();
    }
}

/// Also where [default] names another AWS.
#[test]
fn sam_is_given_the_endpoint_that_the_rest_of_the_run_uses() {
    let config = format!(
        "[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\nca_bundle = /none\n\
         [profile team]\nregion = us-west-2\nendpoint_url = <endpoint>\n{KEYS}"
    );
    let test = configured(Test::new(), &config).env("AWS_PROFILE", "default");
    let artifacts = test.artifacts().display().to_string();
    test.run(&args(&artifacts, &["--profile", "team"])).exit(0);
    let endpoint = format!("AWS_ENDPOINT_URL={}\n", test.aws.endpoint);
    let seen = test.tools.environments("sam");
    let of_deploy: Vec<&String> = seen.iter().filter(|env| env.contains("AWS_ACCESS_KEY_ID=AKIATEAM\n")).collect();
    assert!(!of_deploy.is_empty(), "{seen:?}");
    for env in of_deploy {
        for line in
            [&endpoint, "AWS_CONFIG_FILE=/dev/null\n", "AWS_REGION=us-west-2\n", "AWS_DEFAULT_REGION=us-west-2\n"]
        {
            assert!(env.contains(line), "{line} is not in {env}");
        }
        assert!(!env.contains("AWS_PROFILE=") && !env.contains("AWS_CA_BUNDLE="), "{env}");
    }
}

#[test]
fn a_region_that_no_account_has_is_refused_before_anything_happens() {
    let test = Test::new();
    let artifacts = test.artifacts().display().to_string();
    for flags in [&["--region", "us-esat-1"][..], &["--region", "us-esat-1", "--dry-run"]] {
        test.run(&args(&artifacts, flags))
            .exit(1)
            .warns("\"us-esat-1\" is not an AWS region that this tool knows; the nearest name is us-east-1")
            .warns("set NEW_REGION=us-esat-1");
    }
    assert!(test.aws.calls().is_empty() && !test.tools.calls().iter().any(|call| call.starts_with("sam deploy")));
    // An emulator has the regions that it is asked for.
    test.smoke(&["--region", "xx-nowhere-9"]).exit(0);
    let test = test.env("NEW_REGION", "us-esat-1");
    test.run(&args(&artifacts, &["--region", "us-esat-1", "--dry-run"])).exit(0).says("on AWS, us-esat-1");
}

/// A proxy that answers each request for a tunnel with `status`: its address, and the hosts that were asked for.
fn refusing_proxy(status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&hosts);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
            let host = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            seen.lock().unwrap().push(host.to_owned());
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, hosts)
}

#[test]
fn a_role_is_asked_for_where_the_configuration_says() {
    let base = format!("[profile base]\n{KEYS}[profile role]\nrole_arn = arn:aws:iam::123456789012:role/role\n");
    let services = "services = s\n[services s]\nsts =\n  endpoint_url = https://sts.example\n";
    for (more, variable, host) in [
        ("", ("", ""), "sts.us-east-1.amazonaws.com:443"),
        ("", ("AWS_USE_FIPS_ENDPOINT", "true"), "sts-fips.us-east-1.amazonaws.com:443"),
        ("use_dualstack_endpoint = true\n", ("", ""), "sts.us-east-1.api.aws:443"),
        ("endpoint_url = https://aws.example\n", ("", ""), "aws.example:443"),
        (services, ("", ""), "sts.example:443"),
        (services, ("AWS_ENDPOINT_URL_STS", "https://sts2.example"), "sts2.example:443"),
        (services, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), "sts.us-east-1.amazonaws.com:443"),
    ] {
        for by_flag in [true, false] {
            let (proxy, hosts) = refusing_proxy("403 Forbidden");
            let test = configured(Test::new(), &format!("{base}source_profile = base\n{more}"));
            let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
            let test = keys.into_iter().fold(test.env("HTTPS_PROXY", &proxy), Test::without_env);
            let test = if variable.0.is_empty() { test } else { test.env(variable.0, variable.1) };
            let (test, flags) = match by_flag {
                true => (test, &["lambda-doctor", "--profile", "role"][..]),
                false => (test.env("AWS_PROFILE", "role"), &["lambda-doctor"][..]),
            };
            let refusal = format!("{proxy} (HTTPS_PROXY) refuses to connect to {}", host.trim_end_matches(":443"));
            test.run(flags).exit(1).says(&refusal);
            assert_eq!(*hosts.lock().unwrap(), [host], "{more} {variable:?} {by_flag}");
        }
    }
}

#[test]
fn a_proxy_that_refuses_or_is_not_there_is_named() {
    let asked = |proxy: &str| {
        let started = Instant::now();
        let ran = Test::new().env("https_proxy", proxy).run(&["lambda-doctor"]);
        assert!(started.elapsed() < Duration::from_secs(60), "{ran}");
        ran
    };
    let (proxy, hosts) = refusing_proxy("407 Proxy Authentication Required");
    asked(&proxy).exit(1).says(&format!("the proxy {proxy} asks for a user and a password in https_proxy"));
    assert_eq!(*hosts.lock().unwrap(), ["sts.us-east-1.amazonaws.com:443"]);
    let (proxy, _) = refusing_proxy("403 Forbidden");
    asked(&proxy.replace("//", "//me:s3cret@"))
        .exit(1)
        .says(&format!("the proxy {} (https_proxy) refuses to connect to sts", proxy.replace("//", "//***@")))
        .never_says("s3cret");
    asked("http://127.0.0.1:1").exit(1).says("the proxy http://127.0.0.1:1 (https_proxy) can't be reached");
    asked("socks5://127.0.0.1:1").exit(1).says("socks5 proxy; only http and https proxies can be used");
}
