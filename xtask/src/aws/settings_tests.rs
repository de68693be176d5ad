use super::*;

/// An environment with a configuration file of this text.
fn with_config(dir: &tempfile::TempDir, config: &str, variables: &[(&str, &str)]) -> Env {
    let file = dir.path().join("config");
    std::fs::write(&file, config).unwrap();
    let env = Env::from([("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]).with("AWS_CONFIG_FILE", &file);
    variables.iter().fold(env, |env, (name, value)| env.with(name, value))
}

fn settings(config: &str, variables: &[(&str, &str)], profile: Option<&str>) -> anyhow::Result<Settings> {
    let dir = tempfile::tempdir().unwrap();
    let profile: Option<Profile> = profile.map(|name| name.parse().unwrap());
    Settings::of_account(&with_config(&dir, config, variables), profile.as_ref())
}

#[test]
fn what_names_the_region() {
    let config = "[default]\nregion = eu-west-1\n[profile team]\nregion = eu-west-2\n[profile bare]\n";
    let both = [("AWS_REGION", "ap-south-1"), ("AWS_DEFAULT_REGION", "ap-south-2")];
    for (variables, profile, region) in [
        (&both[..], Some("team"), "region ap-south-1 (AWS_REGION)"),
        (&both[1..], Some("team"), "region ap-south-2 (AWS_DEFAULT_REGION)"),
        (&[("AWS_REGION", ""), both[1]], None, "region ap-south-2 (AWS_DEFAULT_REGION)"),
        (&[], Some("team"), "region eu-west-2 (region of profile team)"),
        (&[("AWS_PROFILE", "team")], None, "region eu-west-2 (region of profile team)"),
        (&[], None, "region eu-west-1 (region of profile default)"),
        // [default] is another profile.
        (&[], Some("bare"), "region us-east-1 (the default; no setting names a region)"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let env = with_config(&dir, config, variables);
        let profile: Option<Profile> = profile.map(|name| name.parse().unwrap());
        let found = super::region(&env, profile.as_ref(), false).unwrap();
        let counts = found.map_or(USUAL_REGION.to_owned(), |named| named.value).parse().unwrap();
        let settings = Settings::of_account(&env, profile.as_ref()).unwrap();
        assert_eq!(settings.lines(&counts).iter().find(|line| line.starts_with("region")).unwrap(), region);
        // A flag comes before all of them.
        let given = "sa-east-1".parse().unwrap();
        assert!(settings.lines(&given).contains(&"region sa-east-1 (--region)".to_owned()));
    }
}

/// The values are botocore's.
#[test]
fn hosts_of_calls_that_are_signed_by_hand() {
    for (region, service, hosts) in [
        (
            "us-east-1",
            "cloudformation",
            [
                "cloudformation.us-east-1.amazonaws.com",
                "cloudformation.us-east-1.api.aws",
                "cloudformation-fips.us-east-1.amazonaws.com",
                "cloudformation-fips.us-east-1.api.aws",
            ],
        ),
        (
            "eu-central-1",
            "cloudwatch_logs",
            [
                "logs.eu-central-1.amazonaws.com",
                "logs.eu-central-1.api.aws",
                "logs-fips.eu-central-1.amazonaws.com",
                "logs-fips.eu-central-1.api.aws",
            ],
        ),
        (
            "us-gov-west-1",
            "cloudformation",
            [
                "cloudformation.us-gov-west-1.amazonaws.com",
                "cloudformation.us-gov-west-1.api.aws",
                "cloudformation.us-gov-west-1.amazonaws.com",
                "cloudformation-fips.us-gov-west-1.api.aws",
            ],
        ),
        (
            "us-gov-west-1",
            "lambda",
            [
                "lambda.us-gov-west-1.amazonaws.com",
                "lambda.us-gov-west-1.api.aws",
                "lambda-fips.us-gov-west-1.amazonaws.com",
                "lambda-fips.us-gov-west-1.api.aws",
            ],
        ),
        (
            "cn-north-1",
            "lambda",
            [
                "lambda.cn-north-1.amazonaws.com.cn",
                "lambda.cn-north-1.api.amazonwebservices.com.cn",
                "lambda-fips.cn-north-1.amazonaws.com.cn",
                "lambda-fips.cn-north-1.api.amazonwebservices.com.cn",
            ],
        ),
    ] {
        for (host, (fips, dual)) in
            hosts.iter().zip([("false", "false"), ("false", "true"), ("true", "false"), ("true", "true")])
        {
            let variables = [("AWS_USE_FIPS_ENDPOINT", fips), ("AWS_USE_DUALSTACK_ENDPOINT", dual)];
            let found = settings("", &variables, None).unwrap().address_of(service, &region.parse().unwrap());
            assert_eq!(found, format!("https://{host}"));
        }
    }
}

#[test]
fn iam_has_one_host_and_one_region_for_each_partition() {
    for (region, host, of_iam) in [
        ("eu-west-1", "iam.amazonaws.com", "us-east-1"),
        ("us-gov-east-1", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ("cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("us-iso-west-1", "iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
        ("eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
    ] {
        let region: Region = region.parse().unwrap();
        assert_eq!(settings("", &[], None).unwrap().address_of("iam", &region), format!("https://{host}"));
        assert_eq!(region.of_iam(), of_iam);
    }
    let fips = settings("", &[("AWS_USE_FIPS_ENDPOINT", "true")], None).unwrap();
    assert_eq!(fips.address_of("iam", &"eu-west-1".parse().unwrap()), "https://iam-fips.amazonaws.com");
}

#[test]
fn which_endpoint_counts() {
    let config = "[profile team]\nservices = local\nendpoint_url = http://127.0.0.1:3\n\
                  [services local]\ns3 =\n  endpoint_url = http://127.0.0.1:4\n";
    let of_s3 = |variables: &[(&str, &str)]| {
        let found = settings(config, variables, Some("team")).unwrap();
        [found.endpoint_of("s3"), found.endpoint_of("sfn")].map(|url| url.unwrap_or("AWS").to_owned())
    };
    let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:2");
    assert_eq!(of_s3(&[all, ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")]), ["http://127.0.0.1:1", all.1]);
    assert_eq!(of_s3(&[all]), [all.1, all.1]);
    assert_eq!(of_s3(&[]), ["http://127.0.0.1:4", "http://127.0.0.1:3"]);
    assert_eq!(of_s3(&[all, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]), ["AWS", "AWS"]);
}

#[test]
fn an_endpoint_of_aws_is_an_account_and_any_other_is_an_emulator() {
    for (url, foreign) in [
        ("https://vpce-0a1b-c2d3.sts.us-east-1.vpce.amazonaws.com", false),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", false),
        ("https://s3.cn-north-1.amazonaws.com.cn", false),
        ("http://sts.us-east-1.amazonaws.com", true),
        ("https://amazonaws.com.example", true),
        ("https://notamazonaws.com", true),
        ("http://127.0.0.1:4566", true),
    ] {
        let found = settings("", &[("AWS_ENDPOINT_URL_S3", url)], None).unwrap();
        assert_eq!(found.foreign().is_some(), foreign, "{url}");
    }
}

#[test]
fn a_profile_or_a_section_that_is_not_there_is_named() {
    let says = |config: &str, profile| format!("{:#}", settings(config, &[], Some(profile)).unwrap_err());
    assert!(says("", "team").starts_with("there is no AWS configuration, so no profile team (--profile)"));
    assert!(says("[profile a]\n[profile b]\n", "team").ends_with("they have a, b"));
    assert!(says("[team]\nregion = us-east-1\n", "team").contains("in that file must be [profile team]"));
    assert!(says("[profile team]\nservices = local\n", "team").contains("has no [services local]"));
    let error = settings("", &[("AWS_USE_FIPS_ENDPOINT", "yes")], None).unwrap_err();
    assert!(format!("{error:#}").contains("AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false"));
}

#[test]
fn what_can_t_be_read_or_combined_is_named() {
    let says =
        |config: &str, variables: &[(&str, &str)]| format!("{:#}", settings(config, variables, None).unwrap_err());
    let invalid = says("[default]\nregion eu-west-1\n", &[]);
    assert!(invalid.contains("/config is not valid") && invalid.contains("line 2"), "{invalid}");
    let both = [("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"), ("AWS_USE_FIPS_ENDPOINT", "true")];
    let error = says("", &both);
    assert!(
        error.starts_with("AWS_USE_FIPS_ENDPOINT asks for FIPS endpoints, but AWS_ENDPOINT_URL_S3 names"),
        "{error}"
    );
    let error = says("[default]\nuse_dualstack_endpoint = true\nendpoint_url = http://127.0.0.1:1\n", &[]);
    assert!(error.contains("use_dualstack_endpoint of profile default asks for dual-stack"), "{error}");
}

/// As editors and systems write them.
#[test]
fn files_with_marks_and_repetitions_are_read() {
    let config = "\u{feff}[profile team]\r\nregion = eu-west-1\r\ns3 = signature_version = s3v4\r\n[profile team]\r\n\
                  region = eu-west-2\r\n[profile Audit/Power]\nregion = eu-west-3\n";
    for (profile, region) in [("team", "eu-west-2"), ("Audit/Power", "eu-west-3")] {
        let found = settings(config, &[], Some(profile)).unwrap();
        assert_eq!(found.region.unwrap().value, region);
    }
}
