//! Which proxy a request takes.

use std::net::IpAddr;

use anyhow::{Context, bail};
use http::{HeaderValue, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::{aws::settings::Named, tools::env::Env};

#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Named<Proxy>>,
    https: Option<Named<Proxy>>,
    direct: Vec<String>,
}

/// A proxy, and what it asks of its user.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Its address, without user and password.
    pub(crate) address: Uri,
    /// User and password, as they are sent.
    pub(crate) user: Option<HeaderValue>,
    /// The address as it was given, with user and password as all programs read them.
    pub(crate) given: String,
}

impl Proxies {
    /// The proxies that `env` names. Lower-case names come first, as for curl and Python.
    ///
    /// # Errors
    /// When an address is none, or its protocol is not HTTP.
    pub fn of(env: &Env) -> anyhow::Result<Self> {
        let proxy = |names: [&str; 2]| {
            let given = names.into_iter().find_map(|name| Named::of_variable(env, name));
            given.map(|Named { value, by }| {
                anyhow::Ok(Named { value: Proxy::parse(&value).with_context(|| by.clone())?, by })
            })
        };
        // A SOCKS proxy for all, as desktops set it, is of no use to botocore either.
        let all = env.get("all_proxy").or(env.get("ALL_PROXY")).filter(|given| !given.starts_with("socks"));
        let all = all.map(Proxy::parse).transpose().context("ALL_PROXY")?;
        let all = all.map(|value| Named { value, by: "ALL_PROXY".to_owned() });
        let direct = env.get("no_proxy").or(env.get("NO_PROXY")).unwrap_or_default();
        Ok(Self {
            http: proxy(["http_proxy", "HTTP_PROXY"]).transpose()?.or_else(|| all.clone()),
            https: proxy(["https_proxy", "HTTPS_PROXY"]).transpose()?.or(all),
            direct: direct.split([',', ' ']).filter(|rule| !rule.is_empty()).map(str::to_lowercase).collect(),
        })
    }

    /// The proxy of requests to `to`; none where they go straight there.
    pub(crate) fn of_request(&self, to: &Uri) -> Option<&Named<Proxy>> {
        let proxy = if to.scheme_str() == Some("https") { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.is_direct(to))
    }

    fn is_direct(&self, to: &Uri) -> bool {
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
        let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("https") { 443 } else { 80 });
        let address = host.parse::<IpAddr>().ok();
        // No proxy leads to this machine, or to the service that gives keys to a machine or a container.
        let is_near = match address {
            Some(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
            Some(IpAddr::V6(address)) => address.is_loopback(),
            None => host == "localhost",
        };
        is_near || self.direct.iter().any(|rule| covers(rule, &host, address, port))
    }

    /// The environment's variables as sam is given them; `hosts` are those that are called. botocore knows no networks
    /// in `NO_PROXY`, so the hosts that go straight are named.
    pub(crate) fn variables(&self, hosts: &[Uri]) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        for (names, proxy) in
            [(["HTTP_PROXY", "http_proxy"], &self.http), (["HTTPS_PROXY", "https_proxy"], &self.https)]
        {
            let given = proxy.as_ref().map(|proxy| proxy.value.given.clone()).unwrap_or_default();
            variables.extend(names.map(|name| (name, given.clone())));
        }
        let straight = hosts.iter().filter(|host| self.is_direct(host)).filter_map(|host| host.host());
        let mut direct = self.direct.clone();
        for host in straight {
            if !direct.iter().any(|known| known == host) {
                direct.push(host.to_owned());
            }
        }
        variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name, direct.join(","))));
        variables
    }

    /// What was decided, a line each, without passwords.
    pub(crate) fn lines(&self) -> Vec<String> {
        let schemes = [("http://", &self.http), ("https://", &self.https)];
        let proxies = schemes.into_iter().filter_map(|(scheme, proxy)| Some((scheme, proxy.as_ref()?)));
        let mut lines: Vec<String> = proxies
            .map(|(scheme, proxy)| format!("proxy of {scheme} {} ({})", without_password(&proxy.value.given), proxy.by))
            .collect();
        if !lines.is_empty() && !self.direct.is_empty() {
            lines.push(format!("no proxy for {} (NO_PROXY)", self.direct.join(", ")));
        }
        lines
    }
}

impl Proxy {
    fn parse(given: &str) -> anyhow::Result<Self> {
        let shown = without_password(given);
        let (scheme, rest) = given.split_once("://").unwrap_or(("http", given));
        if !["http", "https"].contains(&scheme.to_lowercase().as_str()) {
            bail!("{shown} is a {scheme} proxy; only http and https proxies can be used");
        }
        // A password may have any character, also those that end a host.
        let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = if has_port { host.to_owned() } else { format!("{host}:{port}") };
        let address = format!("{}://{host}", scheme.to_lowercase());
        let address = address.parse::<Uri>().ok().filter(|address| address.host().is_some_and(|host| !host.is_empty()));
        let address =
            address.with_context(|| format!("{shown} is not the address of a proxy, such as http://proxy:8080"))?;
        let given = format!(
            "{scheme}://{}{host}",
            user.map(|user| format!("{}@", utf8_percent_encode(user, IN_USER))).unwrap_or_default()
        );
        let user = user.map(|user| {
            let coded = aws_smithy_types::base64::encode(percent_decode_str(user).collect::<Vec<u8>>());
            let mut value = HeaderValue::try_from(format!("Basic {coded}")).expect("base64 is plain text");
            value.set_sensitive(true);
            value
        });
        Ok(Self { address, user, given })
    }
}

/// The address of a proxy without the password that it may have.
pub(crate) fn without_password(given: &str) -> String {
    let (scheme, rest) = given.split_once("://").map_or(("", given), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("***@{host}"));
    if scheme.is_empty() { host } else { format!("{scheme}://{host}") }
}

/// The characters that are written as `%40` in a user and a password: those with a meaning in an address. `%` is not
/// among them, so that what is written so already stays as it is.
const IN_USER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Whether an entry of `NO_PROXY` stands for a host: `*`, an address, a network, or a domain with all below it, each with
/// a port or without.
fn covers(rule: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if rule == "*" {
        return true;
    }
    if let (Some((network, bits)), Some(address)) = (rule.split_once('/'), address) {
        let network = network.trim_matches(['[', ']']).parse::<IpAddr>();
        return network.is_ok_and(|network| bits.parse().is_ok_and(|bits| is_within(address, network, bits)));
    }
    // An address of IPv6 has colons of its own.
    let bare = rule.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_ok() {
        return address.is_some() && bare.parse().ok() == address;
    }
    let (name, of_port) = match rule.rsplit_once(':').map(|(name, port)| (name, port.parse::<u16>())) {
        Some((name, Ok(port))) => (name.trim_matches(['[', ']']), Some(port)),
        _ => (rule, None),
    };
    let name = name.trim_start_matches("*.").trim_start_matches('.');
    let is_of = host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    !name.is_empty() && is_of && of_port.is_none_or(|of_port| of_port == port)
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, all) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= all && (address ^ network).checked_shr(all - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(env: &[(&str, &str)], to: &str) -> Option<String> {
        let env = env.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
        let proxies = Proxies::of(&env).unwrap();
        proxies.of_request(&to.parse().unwrap()).map(|proxy| proxy.value.address.to_string())
    }

    #[test]
    fn entries_of_no_proxy() {
        for (rule, to, direct) in [
            ("*", "https://s3.us-east-1.amazonaws.com", true),
            ("amazonaws.com", "https://s3.us-east-1.amazonaws.com", true),
            (".amazonaws.com", "https://s3.us-east-1.amazonaws.com", true),
            ("*.amazonaws.com", "https://b.s3.us-east-1.amazonaws.com", true),
            ("AMAZONAWS.COM", "https://s3.us-east-1.amazonaws.com", true),
            ("aws.com", "https://s3.us-east-1.amazonaws.com", false),
            ("other.example, s3.us-east-1.amazonaws.com:443", "https://s3.us-east-1.amazonaws.com", true),
            ("s3.us-east-1.amazonaws.com:8443", "https://s3.us-east-1.amazonaws.com", false),
            ("10.0.0.0/8", "https://10.1.2.3:4566", true),
            ("10.0.0.0/8", "https://11.1.2.3:4566", false),
            ("0.0.0.0/0", "https://11.1.2.3", true),
            ("10.1.2.3", "https://10.1.2.3:4566", true),
            ("10.1.2.3:4567", "https://10.1.2.3:4566", false),
            ("fd00::/8", "https://[fd00::1]:4566", true),
            ("fd00::1", "https://[fd00::1]:4566", true),
            ("[fd00::1]", "https://[fd00::1]", true),
            ("", "https://10.1.2.3", false),
            (",.,", "https://10.1.2.3", false),
            ("", "https://localhost:4566", true),
            ("", "https://127.0.0.9", true),
            ("", "http://169.254.169.254", true),
        ] {
            let env = [("HTTPS_PROXY", "http://p:1"), ("HTTP_PROXY", "http://p:1"), ("NO_PROXY", rule)];
            assert_eq!(way(&env, to).is_none(), direct, "{rule:?} for {to}");
        }
    }

    #[test]
    fn which_proxy_counts() {
        let to = "https://sts.us-east-1.amazonaws.com";
        assert_eq!(way(&[("HTTPS_PROXY", "http://p:1")], to).unwrap(), "http://p:1/");
        assert_eq!(
            way(&[("https_proxy", "p.corp:8080"), ("HTTPS_PROXY", "http://q:1")], to).unwrap(),
            "http://p.corp:8080/"
        );
        assert_eq!(way(&[("ALL_PROXY", "https://p/")], to).unwrap(), "https://p:443/");
        assert_eq!(way(&[("HTTP_PROXY", "http://p:1"), ("https_proxy", "")], to), None);
        assert_eq!(way(&[("ALL_PROXY", "socks5h://127.0.0.1:1080")], to), None);
        assert!(Proxies::of(&Env::from([("HTTPS_PROXY", "socks5://p:1")])).is_err());
        let error = Proxies::of(&Env::from([("HTTPS_PROXY", "http://me:s3cret@")])).unwrap_err();
        assert!(!format!("{error:#}").contains("s3cret"), "{error:#}");
    }

    #[test]
    fn a_password_may_have_any_character() {
        let proxies = Proxies::of(&Env::from([("HTTPS_PROXY", "http://me:p@ss#1/x%2F@proxy:3128/")])).unwrap();
        let proxy = &proxies.https.as_ref().unwrap().value;
        let sent = proxy.user.as_ref().unwrap().to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(aws_smithy_types::base64::decode(sent).unwrap(), b"me:p@ss#1/x/");
        assert_eq!(
            (proxy.address.to_string().as_str(), proxy.given.as_str()),
            ("http://proxy:3128/", "http://me:p%40ss%231%2Fx%2F@proxy:3128")
        );
        assert_eq!(proxies.lines(), ["proxy of https:// http://***@proxy:3128 (HTTPS_PROXY)"]);
    }

    #[test]
    fn a_password_is_sent_as_it_is_and_never_shown() {
        let env = Env::from([("HTTPS_PROXY", "http://me:p%40ss%zz@proxy:3128"), ("NO_PROXY", "10.0.0.0/8")]);
        let proxies = Proxies::of(&env).unwrap();
        let user = proxies.https.as_ref().unwrap().value.user.as_ref().unwrap();
        let sent = user.to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(aws_smithy_types::base64::decode(sent).unwrap(), b"me:p@ss%zz");
        let lines = proxies.lines().join("\n");
        assert!(lines.contains("proxy:3128") && lines.contains("10.0.0.0/8") && !lines.contains("p%40ss"), "{lines}");
        let hosts = ["https://10.1.2.3:4566".parse().unwrap(), "https://11.1.2.3".parse().unwrap()];
        let variables = proxies.variables(&hosts);
        assert!(variables.contains(&("NO_PROXY", "10.0.0.0/8,10.1.2.3".to_owned())), "{variables:?}");
        assert!(variables.contains(&("https_proxy", "http://me:p%40ss%zz@proxy:3128".to_owned())), "{variables:?}");
    }
}
