//! The environment: a snapshot of the caller's, and what of it children get.

use std::collections::BTreeMap;

/// A set of environment variables, as plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<String, String>);

/// What every child sees of the caller's environment; a name that ends in `*` stands for
/// all that begin so. Credentials are not among them: a command that needs some adds them.
#[rustfmt::skip]
const FOR_CHILDREN: [&str; 30] = [
    // Where programs and files are, who and where the user is.
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    "LANG", "LC_*", "TZ", "TERM", "CI",
    // How the network is reached, and whom to trust there.
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_*", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    // Settings of the package clients.
    "PIP_*", "NPM_CONFIG_*", "npm_config_*", "BUN_CONFIG_*",
];

impl Env {
    /// The environment of this process; variables that are not Unicode are left out.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// A variable's value; an empty one counts as unset, as in the shell's `${X:-default}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What every child sees of this environment.
    pub fn for_child(&self) -> Self {
        self.only(&FOR_CHILDREN)
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
        Self(self.0.iter().filter(|(name, _)| wanted(name)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// This environment and one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
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
    pub fn with_path_first(self, folder: &std::path::Path) -> Self {
        let path = match self.get("PATH") {
            Some(path) => format!("{}:{path}", folder.display()),
            None => folder.display().to_string(),
        };
        self.with("PATH", path)
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_see_no_credentials() {
        let env = Env::from([
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("GITHUB_TOKEN", "t"),
            ("HTTPS_PROXY", "http://p"),
            ("LC_ALL", "C"),
        ]);
        let names: Vec<String> = env.for_child().iter().map(|(k, _)| k.to_owned()).collect();
        assert_eq!(names, ["HTTPS_PROXY", "LC_ALL", "PATH"]);
    }

    #[test]
    fn empty_counts_as_unset() {
        assert_eq!(Env::from([("FIXTURE", "")]).get("FIXTURE"), None);
    }
}
