//! Which AWS a command works on, and how the SDK and the children reach it.

use std::time::Duration;

use anyhow::{Context, ensure};
use aws_config::{
    BehaviorVersion, SdkConfig, profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    aws::region::{Profile, Region},
    tools::env::Env,
};

/// The target that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetChoice {
    /// The user's account.
    Account(Option<Profile>),
    /// A running emulator.
    Endpoint(String),
    /// An emulator for this run alone.
    Local,
}

/// Which AWS a command works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// The user's account, by the usual chain of credentials.
    Account {
        /// The profile that a flag named; else the chain decides.
        profile: Option<Profile>,
    },
    /// An emulator that someone else runs.
    Endpoint {
        /// Its address.
        #[serde(deserialize_with = "endpoint")]
        url: String,
    },
    /// The emulator that this run started and will stop.
    Embedded {
        /// Its address.
        #[serde(deserialize_with = "endpoint")]
        url: String,
    },
}

/// An endpoint of a journal or a record, which ends up in commands that a user is asked to run.
fn endpoint<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parse_endpoint(&String::deserialize(from)?).map_err(D::Error::custom)
}

impl Target {
    /// The endpoint, where it isn't AWS's own.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Account { .. } => None,
            Self::Endpoint { url } | Self::Embedded { url } => Some(url),
        }
    }

    /// Whether it is an emulator that ends with its run, and everything in it.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded { .. })
    }

    /// The endpoint's host, where that is this machine.
    pub fn host_on_this_machine(&self) -> Option<&str> {
        let (_, address) = self.endpoint()?.split_once("://")?;
        let host = address.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(address, |(host, _)| host);
        (host == "localhost" || host == "[::1]" || host.starts_with("127.")).then_some(host)
    }
}

/// A target in a region, and the environment that its credentials come from.
#[derive(Debug, Clone)]
pub struct Access {
    /// The target.
    pub target: Target,
    /// The region of everything that is created.
    pub region: Region,
    env: Env,
}

/// The keys of an embedded AWS: no secret, but a shape that clients take.
const EMULATOR_KEY: &str = "test";

impl Access {
    /// Access to `target` with what `env`, the caller's, says of credentials.
    pub fn new(target: Target, region: Region, env: &Env) -> Self {
        Self { target, region, env: env.clone() }
    }

    /// The AWS variables of a child. An emulator gets no profile and no configuration
    /// file; the embedded one no key of an account either.
    pub fn child_env(&self) -> Env {
        let region = self.region.as_str();
        let base = match &self.target {
            Target::Account { profile } => {
                let mut env = self.env.aws();
                if let Some(profile) = profile {
                    // Keys in the environment would win over the profile that was asked for.
                    for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]
                    {
                        env = env.without(key);
                    }
                    env = env.with("AWS_PROFILE", profile.as_str());
                }
                env
            }
            Target::Endpoint { url } | Target::Embedded { url } => {
                let (id, secret, token) = self.emulator_keys();
                let env = Env::from([
                    ("AWS_ACCESS_KEY_ID", id.as_str()),
                    ("AWS_SECRET_ACCESS_KEY", secret.as_str()),
                    ("AWS_ENDPOINT_URL", url.as_str()),
                    ("AWS_EC2_METADATA_DISABLED", "true"),
                    ("AWS_CONFIG_FILE", "/dev/null"),
                    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                ]);
                match token {
                    Some(token) => env.with("AWS_SESSION_TOKEN", token),
                    None => env,
                }
            }
        };
        let base = match self.target.host_on_this_machine() {
            Some(host) => self.straight_to(host, base),
            None => base,
        };
        // sam reads AWS_DEFAULT_REGION, the SDKs read AWS_REGION.
        base.with("AWS_REGION", region).with("AWS_DEFAULT_REGION", region).with("SAM_CLI_TELEMETRY", "0")
    }

    /// The caller's list of hosts that need no proxy, and one more.
    fn straight_to(&self, host: &str, env: Env) -> Env {
        let own = self.env.get("NO_PROXY").or(self.env.get("no_proxy"));
        let all = own.into_iter().chain([host]).collect::<Vec<_>>().join(",");
        env.with("NO_PROXY", all.clone()).with("no_proxy", all)
    }

    /// The keys for an emulator: those in the environment for one that
    /// someone else runs, so that its own access rules can be met.
    fn emulator_keys(&self) -> (String, String, Option<String>) {
        let own = || (EMULATOR_KEY.to_owned(), EMULATOR_KEY.to_owned(), None);
        if self.target.is_embedded() {
            return own();
        }
        match (self.env.get("AWS_ACCESS_KEY_ID"), self.env.get("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => (id.into(), secret.into(), self.env.get("AWS_SESSION_TOKEN").map(Into::into)),
            _ => own(),
        }
    }

    /// The chain of a profile alone: the usual one would begin with keys in the environment.
    fn keys_of(&self, profile: &Profile) -> ProfileFileCredentialsProvider {
        // A profile's role is asked for in the run's region.
        let region = aws_config::Region::new(self.region.as_str().to_owned());
        let config = ProviderConfig::without_region().with_region(Some(region));
        ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile.as_str()).build()
    }

    /// The SDK's configuration. For an emulator nothing is read from the
    /// environment or from files.
    pub async fn sdk_config(&self) -> SdkConfig {
        let region = aws_config::Region::new(self.region.as_str().to_owned());
        let config = match &self.target {
            Target::Account { profile } => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
                if let Some(profile) = profile {
                    loader = loader.profile_name(profile.as_str()).credentials_provider(self.keys_of(profile));
                }
                loader.load().await
            }
            Target::Endpoint { url } | Target::Embedded { url } => {
                let (id, secret, token) = self.emulator_keys();
                let keys = Credentials::new(id, secret, token, None, "emulator");
                SdkConfig::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(region)
                    .credentials_provider(SharedCredentialsProvider::new(keys))
                    .endpoint_url(url.clone())
                    .build()
            }
        };
        let mut builder = config.into_builder();
        if self.target.host_on_this_machine().is_some() {
            builder = builder.http_client(client(proxies(&self.target)));
        }
        builder
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_PAUSE))
            .timeout_config(timeouts())
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(30)).build(),
            )
            .build()
    }
}

/// With the pauses in between, which are random, refused connections are tried again for 28 s on average, and seldom
/// for less than 10 s.
const ATTEMPTS: u32 = 10;

const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How long one try of a call may take.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(20);

/// How long a call may take with all its tries.
pub(crate) const CALL: Duration = Duration::from_secs(60);

/// The SDK's default has no attempt time-out: a connection that dies silently would hang a run.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build()
}

/// For calls that send a file: the answer comes only after the last byte of it.
pub(crate) fn transfers() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(60))
        .operation_attempt_timeout(Duration::from_secs(90))
        .operation_timeout(Duration::from_secs(300))
        .build()
}

/// A proxy may lead out of this machine, but not to an emulator on it.
pub(crate) fn proxies(target: &Target) -> ProxyConfig {
    if target.host_on_this_machine().is_some() { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
}

/// The SDK's client with these proxies.
fn client(proxies: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, _| {
        let default = HttpConnectorSettings::builder().build();
        connector(settings.unwrap_or(&default), proxies.clone())
    })
}

/// A connector for single calls.
pub(crate) fn single(proxies: ProxyConfig) -> Connector {
    let settings =
        HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(5)).read_timeout(ATTEMPT).build();
    connector(&settings, proxies)
}

fn connector(settings: &HttpConnectorSettings, proxies: ProxyConfig) -> Connector {
    let mut builder = Connector::builder().connector_settings(settings.clone()).proxy_config(proxies);
    builder.set_sleep_impl(aws_smithy_async::rt::sleep::default_async_sleep());
    builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
}

/// Checks an `--endpoint-url`: http or https, a host, nothing after it.
///
/// # Errors
/// When it is anything else.
pub fn parse_endpoint(text: &str) -> anyhow::Result<String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.context("it does not start with http:// or https://")?.trim_end_matches('/');
    // Neither here nor in what clap prints: it may be a password.
    ensure!(!host.contains('@'), "it has a user or a password; keys of an endpoint are in AWS_ACCESS_KEY_ID");
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]%".contains(c);
    ensure!(
        !host.is_empty() && host.chars().all(is_of_host),
        "{text:?} is not the address of an endpoint, such as http://127.0.0.1:4566"
    );
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if let Some(port) = port {
        ensure!(port.parse::<u16>().is_ok_and(|p| p > 0), "{port:?} in {text:?} is not a port");
    }
    // `localhost` would make bucket names part of the host's name; the address does not.
    Ok(text.trim_end_matches('/').replacen("://localhost", "://127.0.0.1", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real_keys() -> Env {
        Env::from([
            ("AWS_ACCESS_KEY_ID", "AKIAREAL"),
            ("AWS_SECRET_ACCESS_KEY", "real"),
            ("AWS_PROFILE", "prod"),
            ("PATH", "/bin"),
        ])
    }

    #[test]
    fn the_embedded_aws_sees_nothing_of_a_real_account() {
        let target = Target::Embedded { url: "http://127.0.0.1:1".into() };
        let env = Access::new(target, "us-east-1".parse().unwrap(), &real_keys()).child_env();
        assert_eq!(env.get("AWS_ACCESS_KEY_ID"), Some("test"));
        assert_eq!(env.get("AWS_PROFILE"), None);
        assert_eq!(env.get("AWS_CONFIG_FILE"), Some("/dev/null"));
    }

    #[test]
    fn a_profile_by_flag_wins_over_keys_in_the_environment() {
        let target = Target::Account { profile: Some("dev".parse().unwrap()) };
        let env = Access::new(target, "eu-west-1".parse().unwrap(), &real_keys()).child_env();
        assert_eq!((env.get("AWS_PROFILE"), env.get("AWS_ACCESS_KEY_ID")), (Some("dev"), None));
        assert_eq!((env.get("AWS_REGION"), env.get("AWS_DEFAULT_REGION")), (Some("eu-west-1"), Some("eu-west-1")));
    }

    #[test]
    fn endpoints() {
        assert_eq!(parse_endpoint("http://localhost:4566/").unwrap(), "http://127.0.0.1:4566");
        for bad in ["", "localhost:4566", "http://", "http://x/y", "ftp://x", "http://x:99999", "http://x:port"] {
            assert!(parse_endpoint(bad).is_err(), "{bad:?} was taken");
        }
        let error = parse_endpoint("http://me:s3cret@127.0.0.1:4566").unwrap_err().to_string();
        assert!(error.contains("a password") && !error.contains("s3cret"), "{error}");
        let hostile = r#"{"kind": "endpoint", "url": "http://x; touch y"}"#;
        assert!(serde_json::from_str::<Target>(hostile).is_err());
    }
}
