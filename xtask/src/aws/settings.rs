//! What the environment and the AWS configuration files say of the way to AWS, read once for the SDK, for the calls
//! that are signed by hand, and for sam.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{
    aws::{
        config_files::ConfigFiles,
        network::Network,
        region::{Profile, Region, dns_suffixes},
    },
    tools::env::Env,
};

/// The services that a run or its sam calls: the name in settings, and that of the host.
pub(crate) const SERVICES: [(&str, &str); 7] = [
    ("sts", "sts"),
    ("s3", "s3"),
    ("sfn", "states"),
    ("lambda", "lambda"),
    ("cloudformation", "cloudformation"),
    ("cloudwatch_logs", "logs"),
    ("iam", "iam"),
];

/// The region of those who name none.
pub(crate) const USUAL_REGION: &str = "us-east-1";

/// A value, and what named it: a flag, a variable, or the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    pub value: T,
    pub by: String,
}

impl Named<String> {
    /// A variable of `env`; none where it is unset or empty.
    pub(crate) fn of_variable(env: &Env, name: &str) -> Option<Self> {
        Some(Self { value: env.get(name)?.to_owned(), by: name.to_owned() })
    }
}

/// The region that counts where no flag names one, and what named it.
///
/// # Errors
/// As [`ConfigFiles::read`].
pub fn region(env: &Env, profile: Option<&Profile>, is_emulator: bool) -> anyhow::Result<Option<Named<String>>> {
    match region_of_environment(env) {
        // An emulator that a flag names has nothing to do with a profile.
        None if !is_emulator => Ok(ConfigFiles::read(env, profile)?.setting("region")),
        found => Ok(found),
    }
}

fn region_of_environment(env: &Env) -> Option<Named<String>> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| Named::of_variable(env, name))
}

/// Everything but the region that decides where calls go, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region that counts where no flag names one.
    region: Option<Named<String>>,
    /// The configuration files, where they count.
    pub(crate) files: Option<ConfigFiles>,
    /// The endpoint of all services that have none of their own.
    pub(crate) endpoint: Option<Named<String>>,
    /// Endpoints of single services, by the name in [`SERVICES`].
    pub(crate) endpoints: BTreeMap<&'static str, Named<String>>,
    /// Whether hosts with validated cryptography are called.
    pub(crate) fips: Option<Named<bool>>,
    /// Whether hosts that also have IPv6 addresses are called.
    pub(crate) dual_stack: Option<Named<bool>>,
    /// Proxies and certificates.
    pub(crate) network: Network,
}

impl Settings {
    /// What the environment and the files say for an account.
    ///
    /// # Errors
    /// When a setting makes no sense, or a profile or a bundle is not there.
    pub fn of_account(env: &Env, profile: Option<&Profile>) -> anyhow::Result<Self> {
        let files = ConfigFiles::read(env, profile)?;
        let has_keys = env.get("AWS_ACCESS_KEY_ID").is_some() && env.get("AWS_SECRET_ACCESS_KEY").is_some();
        if profile.is_some() || !has_keys {
            files.check_profile()?;
        }
        let either = |variable: &str, key: &str| Named::of_variable(env, variable).or_else(|| files.setting(key));
        let switch = |variable: &str, key: &str| either(variable, key).map(parse_switch).transpose();
        let ignored = switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")?;
        files.check_services()?;
        let mut settings = Self {
            region: region_of_environment(env).or_else(|| files.setting("region")),
            endpoint: None,
            endpoints: BTreeMap::new(),
            fips: switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
            dual_stack: switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
            network: Network::of(env, files.setting("ca_bundle"))?,
            files: None,
        };
        if !is_on(ignored.as_ref()) {
            let of_all = Named::of_variable(env, "AWS_ENDPOINT_URL");
            settings.endpoint = of_all.clone().or_else(|| files.setting("endpoint_url")).map(address).transpose()?;
            for (service, _) in SERVICES {
                let own = Named::of_variable(env, &endpoint_variable(service));
                // The variable for all services comes before a profile's for one.
                let own = own.or_else(|| if of_all.is_none() { files.of_service(service) } else { None });
                if let Some(own) = own {
                    settings.endpoints.insert(service, address(own)?);
                }
            }
        }
        settings.check_combination()?;
        settings.files = Some(files);
        Ok(settings)
    }

    /// Refuses what no client of AWS can combine.
    fn check_combination(&self) -> anyhow::Result<()> {
        let Some(endpoint) = self.endpoint.iter().chain(self.endpoints.values()).next() else { return Ok(()) };
        for (what, switch) in [("FIPS", &self.fips), ("dual-stack", &self.dual_stack)] {
            if let Some(on) = switch.as_ref().filter(|on| on.value) {
                bail!(
                    "{} asks for {what} endpoints, but {} names {}: AWS has no {what} variant of that; unset one of the two",
                    on.by,
                    endpoint.by,
                    endpoint.value
                );
            }
        }
        Ok(())
    }

    /// The settings for an emulator that a flag names: of the environment only the network counts.
    ///
    /// # Errors
    /// As [`Network::of`].
    pub fn of_emulator(env: &Env, url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            region: region_of_environment(env),
            files: None,
            endpoint: Some(Named { value: url.to_owned(), by: "--endpoint-url".to_owned() }),
            endpoints: BTreeMap::new(),
            fips: None,
            dual_stack: None,
            network: Network::of(env, None)?,
        })
    }

    /// Leads all calls, or those of `services`, to an emulator.
    pub(crate) fn lead_to(&mut self, url: &str, services: &BTreeMap<String, String>) {
        let named = |value: &str| Named { value: value.to_owned(), by: "the journal".to_owned() };
        self.endpoint = services.is_empty().then(|| named(url));
        let own = SERVICES.iter().filter_map(|(service, _)| Some((*service, named(services.get(*service)?))));
        self.endpoints = own.collect();
    }

    pub(crate) fn has_fips(&self) -> bool {
        is_on(self.fips.as_ref())
    }

    pub(crate) fn has_dual_stack(&self) -> bool {
        is_on(self.dual_stack.as_ref())
    }

    pub(crate) fn endpoint_of(&self, service: &str) -> Option<&str> {
        self.endpoints.get(service).or(self.endpoint.as_ref()).map(|named| named.value.as_str())
    }

    /// The address of a service: the configured one, or AWS's own in the region.
    pub(crate) fn address_of(&self, service: &str, region: &Region) -> String {
        if let Some(endpoint) = self.endpoint_of(service) {
            return endpoint.to_owned();
        }
        let host = SERVICES.iter().find(|(name, _)| *name == service).map_or(service, |(_, host)| host);
        let (fips, dual) = (self.has_fips(), self.has_dual_stack());
        let suffix = if dual { region.dual_stack_suffix() } else { region.dns_suffix() };
        // GovCloud's usual hosts of these two are its validated ones.
        let is_validated = region.partition() == "aws-us-gov" && ["cloudformation", "logs"].contains(&host);
        let mark = if fips && (dual || !is_validated) { "-fips" } else { "" };
        // IAM has one host for each partition.
        match (service, region.partition()) {
            ("iam", "aws") if dual => format!("https://iam{mark}.global.{suffix}"),
            ("iam", "aws") => format!("https://iam{mark}.{suffix}"),
            ("iam", "aws-us-gov") => format!("https://iam.us-gov.{suffix}"),
            ("iam", _) => format!("https://iam.{}.{}", region.of_iam(), region.dns_suffix()),
            _ => format!("https://{host}{mark}.{region}.{suffix}"),
        }
    }

    /// The first endpoint that is not AWS's own, where there is one: then this is no account, but an emulator.
    pub(crate) fn foreign(&self) -> Option<&Named<String>> {
        let single = SERVICES.iter().filter_map(|(service, _)| self.endpoints.get(service));
        self.endpoint.iter().chain(single).find(|endpoint| !is_of_aws(&endpoint.value))
    }

    /// What was decided for calls in `region`, and by what, a line each. No secrets.
    pub(crate) fn lines(&self, region: &Region) -> Vec<String> {
        let named = |what: &str, value: &str, by: &str| format!("{what} {value} ({by})");
        let by = match &self.region {
            Some(named) if named.value == region.as_str() => named.by.as_str(),
            None if region.as_str() == USUAL_REGION => "the default; no setting names a region",
            _ => "--region",
        };
        let mut lines = vec![named("region", region.as_str(), by)];
        if let Some(profile) = self.files.as_ref().and_then(ConfigFiles::profile) {
            lines.push(named("profile", &profile.value, &profile.by));
        }
        lines.extend(self.endpoint.iter().map(|endpoint| named("endpoint", &endpoint.value, &endpoint.by)));
        let single = self.endpoints.iter();
        lines.extend(single.map(|(service, own)| named(&format!("endpoint of {service}"), &own.value, &own.by)));
        for (what, switch) in [("FIPS endpoints", &self.fips), ("dual-stack endpoints", &self.dual_stack)] {
            lines.extend(switch.iter().map(|on| named(what, if on.value { "on" } else { "off" }, &on.by)));
        }
        lines.extend(self.network.lines());
        lines
    }
}

/// A path that may begin with `~`.
pub(crate) fn in_home(path: &Path, home: &Path) -> PathBuf {
    path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| home.join(rest))
}

pub(crate) fn endpoint_variable(service: &str) -> String {
    format!("AWS_ENDPOINT_URL_{}", service.to_uppercase())
}

/// A switch that nothing names is off.
fn is_on(switch: Option<&Named<bool>>) -> bool {
    switch.is_some_and(|switch| switch.value)
}

fn parse_switch(named: Named<String>) -> anyhow::Result<Named<bool>> {
    let value = match named.value.to_lowercase().as_str() {
        "true" => true,
        "false" => false,
        other => bail!("{}: {other:?} is neither true nor false", named.by),
    };
    Ok(Named { value, by: named.by })
}

fn address(named: Named<String>) -> anyhow::Result<Named<String>> {
    let value = crate::aws::access::parse_endpoint(&named.value).with_context(|| named.by.clone())?;
    Ok(Named { value, by: named.by })
}

/// Whether an address is one of AWS's own, such as a VPC endpoint.
fn is_of_aws(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_lowercase();
    url.starts_with("https://") && dns_suffixes().any(|suffix| host.ends_with(&format!(".{suffix}")))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod settings_tests;
