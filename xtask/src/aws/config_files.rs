//! The AWS configuration files, and the profile in them that counts.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use aws_config::profile::{Profile as Section, ProfileSet};
use aws_runtime::env_config::{
    file::{Builder, EnvConfigFileKind, EnvConfigFiles},
    property::PropertiesKey,
};
use aws_types::os_shim_internal;
use futures_util::FutureExt;

use crate::{
    aws::{
        region::Profile,
        settings::{Named, in_home},
    },
    tools::env::Env,
};

/// The configuration files, and the profile in them that counts.
#[derive(Debug, Clone)]
pub struct ConfigFiles {
    sections: ProfileSet,
    /// What names the profile, where anything does.
    profile: Option<Named<String>>,
    paths: [PathBuf; 2],
    config: String,
    credentials: String,
}

impl ConfigFiles {
    /// Reads the files that `env` names, for the profile of the flag or of `env`.
    ///
    /// # Errors
    /// When a file can't be read or is not of the format.
    pub fn read(env: &Env, flag: Option<&Profile>) -> anyhow::Result<Self> {
        let profile = flag
            .map(|profile| Named { value: profile.as_str().to_owned(), by: "--profile".to_owned() })
            .or_else(|| Named::of_variable(env, "AWS_PROFILE"))
            .or_else(|| Named::of_variable(env, "AWS_DEFAULT_PROFILE"));
        let path = |name: &str, usual: &str| {
            let home = env.path("HOME").unwrap_or_default();
            env.path(name).map_or_else(|| home.join(usual), |path| in_home(&path, &home))
        };
        let paths = [path("AWS_CONFIG_FILE", ".aws/config"), path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")];
        let [config, credentials] = [read(&paths[0])?, read(&paths[1])?];
        let (config, credentials) = (config.unwrap_or_default(), credentials.unwrap_or_default());
        let files = for_sdk(&config, &credentials).build();
        let name = profile.as_ref().map_or("default", |profile| profile.value.as_str()).to_owned();
        let sections = parsed(&files, &name).or_else(|error| {
            // The parser does not say which of the two it is.
            let is_config = parsed(&for_sdk(&config, "").build(), &name).is_err();
            Err(error).with_context(|| format!("{} is not valid", paths[usize::from(!is_config)].display()))
        })?;
        Ok(Self { sections, profile, paths, config, credentials })
    }

    /// What names the profile, where anything does.
    pub(crate) fn profile(&self) -> Option<&Named<String>> {
        self.profile.as_ref()
    }

    /// The files for the SDK, which reads in them alone where the keys of a role are asked for: at `sts`, the address that
    /// was decided here.
    pub(crate) fn with_sts_at(&self, sts: &str) -> EnvConfigFiles {
        let name = self.sections.selected_profile();
        let section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        let decided = format!("[{section}]\nservices = decided\n[services decided]\nsts =\n  endpoint_url = {sts}\n");
        for_sdk(&self.config, &self.credentials).with_contents(EnvConfigFileKind::Config, decided).build()
    }

    /// The files for the SDK, as they are.
    pub(crate) fn unchanged(&self) -> EnvConfigFiles {
        for_sdk(&self.config, &self.credentials).build()
    }

    /// A setting of the profile; an empty one counts as unset.
    pub(super) fn setting(&self, key: &str) -> Option<Named<String>> {
        let section = self.section()?;
        let value = section.get(key).map(str::trim).filter(|value| !value.is_empty())?;
        Some(Named { value: value.to_owned(), by: format!("{key} of profile {}", section.name()) })
    }

    fn section(&self) -> Option<&Section> {
        self.sections.get_profile(self.sections.selected_profile())
    }

    /// The endpoint of a service in the `services` section that the profile names.
    pub(super) fn of_service(&self, service: &str) -> Option<Named<String>> {
        let name = self.setting("services")?.value;
        let key = PropertiesKey::builder().section_key("services").section_name(&name).property_name(service);
        let key = key.sub_property_name("endpoint_url").build().ok()?;
        let value = self.sections.other_sections().get(&key)?.trim();
        (!value.is_empty()).then(|| Named { value: value.to_owned(), by: format!("services {name}") })
    }

    /// Refuses a profile whose `services` section is not there.
    pub(super) fn check_services(&self) -> anyhow::Result<()> {
        let Some(Named { value: name, by }) = self.setting("services") else { return Ok(()) };
        let is_it = |line: &str| {
            let title = line.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(title, _)| title);
            title.is_some_and(|title| title.split_whitespace().eq(["services", &name]))
        };
        ensure!(
            self.config.lines().any(is_it),
            "{by} is {name}, but {} has no [services {name}]",
            self.paths[0].display()
        );
        Ok(())
    }

    /// Refuses a profile that is not there.
    pub(super) fn check_profile(&self) -> anyhow::Result<()> {
        let Some(Named { value: name, by }) = self.profile.as_ref().filter(|_| self.section().is_none()) else {
            return Ok(());
        };
        let [config, credentials] = &self.paths;
        let bare = format!("[{name}]");
        if self.config.lines().any(|line| line.trim() == bare) {
            bail!(
                "{} has [{name}], but the section of a profile in that file must be [profile {name}]",
                config.display()
            );
        }
        ensure!(
            !name.contains(char::is_whitespace),
            "{by} is {name:?}, and the AWS SDK reads no profile with a space in its name; rename it"
        );
        let mut known: Vec<&str> = self.sections.profiles().collect();
        known.sort_unstable();
        ensure!(
            !known.is_empty(),
            "there is no AWS configuration, so no profile {name} ({by}): neither {} nor {} has a profile; \
             create it with `aws configure sso --profile {name}`, or use --local, which needs no account",
            config.display(),
            credentials.display()
        );
        bail!(
            "there is no profile {name} ({by}) in {} or {}; they have {}",
            config.display(),
            credentials.display(),
            known.join(", ")
        )
    }
}

fn parsed(files: &EnvConfigFiles, profile: &str) -> anyhow::Result<ProfileSet> {
    let (no_files, no_env) = (os_shim_internal::Fs::from_slice(&[]), os_shim_internal::Env::from_slice(&[]));
    let parsed = aws_config::profile::load(&no_files, &no_env, files, Some(profile.to_owned().into())).now_or_never();
    Ok(parsed.context("the AWS configuration could not be read at once")??)
}

fn for_sdk(config: &str, credentials: &str) -> Builder {
    EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .with_contents(EnvConfigFileKind::Credentials, credentials)
}

/// A file's text; none where there is no file. Text that is not UTF-8 is read as far as it is.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            // Editors of other systems leave a mark in front.
            Ok(Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}
