//! Which AWS a command works on, and how the SDK and the children reach it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, ensure};
use aws_config::{
    BehaviorVersion, SdkConfig, profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    aws::{
        clients::Printable,
        region::{Profile, Region},
        settings::{SERVICES, Settings, endpoint_variable},
    },
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
        /// How the configuration names it; none where the flag does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        configured: Option<Configured>,
    },
    /// The emulator that this run started and will stop.
    Embedded {
        /// Its address.
        #[serde(deserialize_with = "endpoint")]
        url: String,
    },
}

/// An emulator that the environment or a profile names. Its keys come from the usual chain, as those of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// The profile that a flag named.
    pub profile: Option<Profile>,
    /// The endpoints of single services, where there are any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, String>,
}

/// An endpoint of a journal or a record, which ends up in commands that a user is asked to run.
fn endpoint<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parse_endpoint(&String::deserialize(from)?).map_err(D::Error::custom)
}

impl Target {
    /// The target that the environment and the configuration files name: an account, or an emulator where an endpoint
    /// is not AWS's own.
    ///
    /// # Errors
    /// As [`Settings::of_account`].
    pub fn configured(env: &Env, profile: Option<&Profile>) -> anyhow::Result<Self> {
        let settings = Settings::of_account(env, profile)?;
        Ok(match settings.foreign() {
            None => Self::Account { profile: profile.cloned() },
            Some(url) => {
                let single = settings.endpoints.iter();
                let services = single.map(|(service, own)| ((*service).to_owned(), own.value.clone())).collect();
                let configured = Configured { profile: profile.cloned(), services };
                Self::Endpoint { url: url.value.clone(), configured: Some(configured) }
            }
        })
    }

    /// The profile that a flag named.
    pub fn profile(&self) -> Option<&Profile> {
        match self {
            Self::Account { profile } => profile.as_ref(),
            Self::Endpoint { configured, .. } => configured.as_ref()?.profile.as_ref(),
            Self::Embedded { .. } => None,
        }
    }

    /// Whether the keys come from the usual chain.
    pub(crate) fn has_keys_of_the_chain(&self) -> bool {
        matches!(self, Self::Account { .. } | Self::Endpoint { configured: Some(_), .. })
    }

    /// The endpoint, where it isn't AWS's own.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Account { .. } => None,
            Self::Endpoint { url, .. } | Self::Embedded { url } => Some(url),
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
    /// What decides where calls go, and how.
    pub settings: Settings,
    pub(crate) env: Env,
}

/// The keys of an embedded AWS: no secret, but a shape that clients take.
const EMULATOR_KEY: &str = "test";

impl Access {
    /// Access to `target` with what `env`, the caller's, says of credentials and of the network.
    ///
    /// # Errors
    /// As [`Settings::of_account`], and for an account when there is no such region.
    pub fn new(target: Target, region: Region, env: &Env) -> anyhow::Result<Self> {
        let settings = match &target {
            Target::Account { profile } => {
                region.check_exists(env)?;
                Settings::of_account(env, profile.as_ref())?
            }
            Target::Endpoint { url, configured: Some(configured) } => {
                let mut settings = Settings::of_account(env, configured.profile.as_ref())?;
                // A journal knows better than the environment of another day.
                if settings.foreign().is_none() {
                    settings.lead_to(url, &configured.services);
                }
                settings
            }
            Target::Endpoint { url, configured: None } | Target::Embedded { url } => Settings::of_emulator(env, url)?,
        };
        Ok(Self { target, region, settings, env: env.clone() })
    }

    /// The AWS variables of a child: everything that was decided here, and no profile or configuration file that could
    /// decide otherwise. An emulator of a flag gets the keys that clients of it need; all others are added by the caller.
    pub fn child_env(&self) -> Env {
        let region = self.region.as_str();
        let mut env = match &self.target {
            target if target.has_keys_of_the_chain() => {
                let decided = |name: &str| {
                    name.starts_with("AWS_ENDPOINT_URL")
                        || ["PROFILE", "IGNORE_CONFIGURED", "ACCESS_KEY", "TOKEN"]
                            .iter()
                            .any(|part| name.contains(part))
                };
                self.env.aws().filtered(|name| !decided(name))
            }
            _ => {
                let (id, secret, token) = self.emulator_keys();
                let env = Env::from([("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())]);
                token.map_or(env.clone(), |token| env.with("AWS_SESSION_TOKEN", token))
            }
        };
        for (name, value) in [
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            // sam reads AWS_DEFAULT_REGION, the SDKs read AWS_REGION.
            ("AWS_REGION", region),
            ("AWS_DEFAULT_REGION", region),
            ("SAM_CLI_TELEMETRY", "0"),
        ] {
            env = env.with(name, value);
        }
        let settings = &self.settings;
        if let Some(all) = &settings.endpoint {
            env = env.with("AWS_ENDPOINT_URL", &all.value);
        }
        for (service, own) in &settings.endpoints {
            env = env.with(&endpoint_variable(service), &own.value);
        }
        let switches =
            [("AWS_USE_FIPS_ENDPOINT", &settings.fips), ("AWS_USE_DUALSTACK_ENDPOINT", &settings.dual_stack)];
        for (name, switch) in switches {
            env = switch.iter().fold(env, |env, switch| env.with(name, switch.value.to_string()));
        }
        if let Some(bundle) = settings.network.bundle() {
            env = env.with("AWS_CA_BUNDLE", bundle);
        }
        let addresses = SERVICES.iter().map(|(service, _)| settings.address_of(service, &self.region));
        let hosts: Vec<http::Uri> = addresses.filter_map(|address| address.parse().ok()).collect();
        settings.network.proxies.variables(&hosts).into_iter().fold(env, |env, (name, value)| env.with(name, value))
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
    fn keys_of(
        &self,
        profile: &Profile,
        files: EnvConfigFiles,
        http: SharedHttpClient,
    ) -> ProfileFileCredentialsProvider {
        // A profile's role is asked for in the run's region.
        let region = aws_config::Region::new(self.region.as_str().to_owned());
        let config = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
        let keys = ProfileFileCredentialsProvider::builder().configure(&config).profile_files(files);
        keys.profile_name(profile.as_str()).build()
    }

    /// The SDK's configuration, but for endpoints: those are a matter of each service. For an emulator of a flag nothing
    /// is read from the environment or from files.
    pub async fn sdk_config(&self) -> SdkConfig {
        let region = aws_config::Region::new(self.region.as_str().to_owned());
        let http = self.settings.network.client();
        let config = match &self.settings.files {
            Some(files) => {
                let read = files.with_sts_at(&self.settings.address_of("sts", &self.region));
                let (fips, dual_stack) = (self.settings.has_fips(), self.settings.has_dual_stack());
                // The SDK takes no endpoint with either of these, and finds the host itself.
                let of_chain = if fips || dual_stack { files.unchanged() } else { read.clone() };
                let mut loader = aws_config::defaults(BehaviorVersion::latest())
                    .region(region)
                    .http_client(http)
                    .profile_files(of_chain)
                    .profile_name(files.profile().map_or("default", |profile| profile.value.as_str()))
                    .use_fips(fips)
                    .use_dual_stack(dual_stack);
                if let Some(profile) = self.target.profile() {
                    let keys = self.keys_of(profile, read, self.settings.network.client());
                    loader = loader.credentials_provider(keys);
                }
                loader.load().await
            }
            None => {
                let (id, secret, token) = self.emulator_keys();
                let keys = Credentials::new(id, secret, token, None, "emulator");
                SdkConfig::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(region)
                    .http_client(http)
                    .credentials_provider(SharedCredentialsProvider::new(keys))
                    .build()
            }
        };
        let keys = config.credentials_provider().map(|keys| SharedCredentialsProvider::new(Printable(keys)));
        let mut config = config.into_builder();
        config.set_credentials_provider(keys);
        config
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
        let env = Access::new(target, "us-east-1".parse().unwrap(), &real_keys()).unwrap().child_env();
        assert_eq!(env.get("AWS_ACCESS_KEY_ID"), Some("test"));
        assert_eq!(env.get("AWS_PROFILE"), None);
        assert_eq!(env.get("AWS_CONFIG_FILE"), Some("/dev/null"));
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
