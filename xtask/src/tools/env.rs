//! The environment: a snapshot of the caller's, and what of it each kind of child gets.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// A set of environment variables, as plain data. Values need not be Unicode, as paths need not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<String, OsString>);

/// A kind of child: what it does decides what it sees of the caller's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Works on files: ffmpeg, ffprobe, zip, a bundler, the question for a version.
    Tool,
    /// Reads a repository, which need not be the caller's own.
    Git,
    /// Downloads packages: pip, bun, apt-get, and the scripts of a checkout.
    PackageManager,
    /// Reaches AWS; its keys are added by the command.
    Sam,
    /// Runs functions, which see the same.
    Emulator,
    /// Renders a composition, which may load fonts.
    Renderer,
}

/// Variables that belong together; a name that ends in `*` stands for all that begin so.
type Group = &'static [&'static str];

/// Where programs and files are, and who and where the user is.
const PLACES: Group = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "XDG_*",
    "LANG",
    "LC_*",
    "TZ",
    "TERM",
    "CI",
    // Where libraries are, and what the shims of version managers look for.
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_*",
    "RBENV_*",
    "NODEBREW_*",
    "N_PREFIX",
    "BUN_INSTALL",
    "DEVBOX_*",
    "PIXI_*",
    "SPACK_*",
    "GUIX_*",
    "ASDF_*",
    "MISE_*",
    "PYENV_*",
    "NODENV_*",
    "NVM_*",
    "FNM_*",
    "VOLTA_*",
    "PROTO_*",
    "CONDA_*",
    "NIX_*",
];

/// Whom to trust in the network.
const TRUST: Group = &[
    "SSL_CERT_*",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NIX_SSL_CERT_FILE",
];

/// How the network is reached; a proxy's address may have a password.
const NETWORK: Group =
    &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// The settings of package managers, with their tokens.
const PACKAGES: Group =
    &["PIP_*", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "NPM_CONFIG_*", "npm_config_*", "BUN_CONFIG_*"];

/// The settings of HyperFrames' renderer and its browser.
const RENDERER: Group = &["PRODUCER_*", "PUPPETEER_*", "HYPERFRAMES_*", "HF_*", "FONTCONFIG_*"];

/// The names of further variables that every child sees, apart by commas: what a program needs that is not listed here.
pub(crate) const PASSED_ON: &str = "HYPERFRAMES_PASS_ENV";

/// What each kind of child sees. Credentials are not among it: a command that needs some adds them.
const SEEN: [(Child, &[Group]); 6] = [
    (Child::Tool, &[PLACES]),
    (Child::Git, &[PLACES]),
    (Child::PackageManager, &[PLACES, TRUST, NETWORK, PACKAGES]),
    (Child::Sam, &[PLACES, TRUST, NETWORK]),
    (Child::Emulator, &[PLACES, TRUST]),
    (Child::Renderer, &[PLACES, TRUST, NETWORK, RENDERER]),
];

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// A variable's value; an empty one counts as unset, as in the shell's `${X:-default}`, and so does one that is not
    /// Unicode.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.os(name)?.to_str()
    }

    /// A variable's value, whatever its bytes.
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable with a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).map(PathBuf::from)
    }

    /// What a child sees of this environment.
    pub fn for_child(&self, child: Child) -> Self {
        let groups = SEEN.iter().filter(|(kind, _)| *kind == child).flat_map(|(_, groups)| groups.iter());
        let seen = groups.flat_map(|group| {
            // A version manager may have a token too, which only downloads need.
            self.only(group).0.into_iter().filter(|(name, _)| *group == PACKAGES || !is_secret(name))
        });
        let named: Vec<&str> = self.get(PASSED_ON).unwrap_or_default().split(',').map(str::trim).collect();
        Self(seen.chain(self.only(&named).0).collect())
    }

    /// What a child does not see of this environment, apart from what may be secret.
    pub fn withheld_from(&self, child: Child) -> Self {
        let seen = self.for_child(child);
        let is_withheld = |name: &str| seen.os(name).is_none() && !is_secret(name) && !name.starts_with("AWS_");
        self.filtered(is_withheld)
    }

    /// The AWS settings and credentials of this environment.
    pub fn aws(&self) -> Self {
        self.only(&["AWS_*"])
    }

    /// The variables with these names; a name that ends in `*` stands for all that begin so.
    pub fn only(&self, names: &[&str]) -> Self {
        let wanted = |name: &str| {
            names.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == *wanted,
            })
        };
        self.filtered(wanted)
    }

    /// The variables whose names are `wanted`.
    pub fn filtered(&self, wanted: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| wanted(name)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// This environment and one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// This environment without one variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// This environment with `folder` first on PATH.
    #[must_use]
    pub fn with_path_first(self, folder: &Path) -> Self {
        let path = joined(Some(folder.as_os_str()), self.os("PATH"));
        self.with("PATH", path)
    }

    /// This environment with `folder` last on PATH.
    #[must_use]
    pub fn with_path_last(self, folder: &Path) -> Self {
        let path = joined(self.os("PATH"), Some(folder.as_os_str()));
        self.with("PATH", path)
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_os_str()))
    }
}

/// Two lists of folders as one.
fn joined(first: Option<&OsStr>, second: Option<&OsStr>) -> OsString {
    let parts: Vec<&OsStr> = first.into_iter().chain(second).collect();
    parts.join(OsStr::new(":"))
}

/// Whether a variable of this name may hold something that is not for everyone.
pub(crate) fn is_secret(name: &str) -> bool {
    ["SECRET", "TOKEN", "PASSWORD", "_auth", "ACCESS_KEY"].iter().any(|part| name.contains(part))
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn each_child_sees_what_it_needs_and_no_more() {
        let env = Env::from([
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("GITHUB_TOKEN", "t"),
            ("MISE_GITHUB_TOKEN", "t"),
            ("MISE_DATA_DIR", "/m"),
            ("LD_LIBRARY_PATH", "/lib"),
            ("HTTPS_PROXY", "http://me:pw@p"),
            ("NODE_EXTRA_CA_CERTS", "/ca"),
            ("PIP_INDEX_URL", "https://me:pw@i"),
            ("npm_config_//r/:_authToken", "t"),
        ]);
        let seen = |child| env.for_child(child).iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        let places = ["LD_LIBRARY_PATH", "MISE_DATA_DIR", "PATH"];
        assert_eq!(seen(Child::Tool), places);
        assert_eq!(seen(Child::Git), places);
        assert_eq!(seen(Child::Emulator), ["LD_LIBRARY_PATH", "MISE_DATA_DIR", "NODE_EXTRA_CA_CERTS", "PATH"]);
        let network = ["HTTPS_PROXY", "LD_LIBRARY_PATH", "MISE_DATA_DIR", "NODE_EXTRA_CA_CERTS", "PATH"];
        assert_eq!(seen(Child::Sam), network);
        assert_eq!(seen(Child::Renderer), network);
        let all = [&network[..], &["PIP_INDEX_URL", "npm_config_//r/:_authToken"]].concat();
        assert_eq!(seen(Child::PackageManager), all);
    }

    #[test]
    fn a_variable_that_is_named_reaches_every_child_and_others_are_withheld() {
        let env = Env::from([
            ("PATH", "/bin"),
            ("MY_LIBS", "/l"),
            ("OTHER", "x"),
            ("OTHER_TOKEN", "t"),
            ("AWS_PROFILE", "p"),
        ]);
        let names = |env: &Env| env.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&env.withheld_from(Child::Tool)), ["MY_LIBS", "OTHER"]);
        let env = env.with(PASSED_ON, " MY_LIBS,OTHER_T*");
        assert_eq!(names(&env.for_child(Child::Tool)), ["MY_LIBS", "OTHER_TOKEN", "PATH"]);
    }

    #[test]
    fn empty_counts_as_unset() {
        assert_eq!(Env::from([("FIXTURE", "")]).get("FIXTURE"), None);
    }

    #[test]
    fn a_path_need_not_be_unicode() {
        let cafe = OsStr::from_bytes(b"/caf\xe9");
        let env = Env::from([("PATH", "/bin")]).with("HOME", cafe);
        assert_eq!((env.get("HOME"), env.path("HOME")), (None, Some(PathBuf::from(cafe))));
        assert_eq!(env.for_child(Child::Tool).os("HOME"), Some(cafe));
        let path = env.with_path_first(Path::new(cafe)).with_path_last(Path::new("/last"));
        assert_eq!(path.os("PATH").unwrap().as_bytes(), b"/caf\xe9:/bin:/last");
    }
}
