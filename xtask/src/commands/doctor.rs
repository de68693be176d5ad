//! `lambda-doctor`: checks everything that a run needs, without a run.

use std::{io::Write, path::Path, time::Duration};

use anyhow::Context;
use xshell::cmd;

use crate::{
    aws::{access::Target, region::Region, signed_calls},
    cli::small::DoctorOptions,
    commands::real,
    console::text::counted,
    context::{self, Connection, Session},
    exit::{ExitCode, Failure, OrExit},
    project::{
        fixture::Fixture,
        plan::Concurrency,
        repo::{Layout, Repo},
        template::{Template, machine::OfferedProtocols},
    },
    teardown::journal::StateFolder,
    tools::{
        env::{Child, Env},
        handler,
        preflight::{self, Purpose},
        runner::Runner,
    },
};

/// Less free space than this may be too little for a run: tools, ZIPs and renders, bytes.
const ENOUGH_SPACE: u64 = 2 << 30;

/// Checks everything and prints the results; exit 1 when a run would fail.
///
/// # Errors
/// When there is no repository to look at.
pub async fn run(session: &Session, options: &DoctorOptions) -> Result<ExitCode, Failure> {
    let repo = session.repo().or_exit(ExitCode::Preflight)?;
    let prepared = context::prepare(session, &options.target.aws.choice()).await;
    let mut checkups = Vec::new();
    let (target, embedded) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            checkups.push(Checkup::of("target", Err(error)));
            (Target::Account { profile: None }, None)
        }
    };
    let env = context::tool_env(session, &target);
    let template = Template::read(&repo.template());
    if checkups.is_empty() {
        let connected = context::connect(session, target, &options.target.region).await;
        checkups.push(Checkup::of("target", connected.as_ref().map(Connection::describe).map_err(copied)));
        if let Ok(connection) = connected {
            let decided = connection.access.settings.lines(&connection.access.region);
            checkups.push(Checkup::of("settings", Ok(decided.join("; "))));
            checkups.extend(quotas(&connection, options, &options.target.region).await);
            if options.real {
                checkups.extend(real::checkups(&connection, &repo, template.as_ref().ok()).await);
            }
        }
    }
    let runner = session.runner.with_env(&env);
    match preflight::check(Purpose::BuildAndRender, &runner).await {
        Ok(tools) => {
            checkups.extend(renderer(&repo, tools.path("bun"), &runner).await);
            let versions = tools.versions.iter().map(|(name, version)| Checkup::of(name, Ok(short(name, version))));
            checkups.extend(versions);
        }
        Err(problems) => {
            checkups.extend(problems.into_iter().map(|problem| Checkup::of("tools", Err(anyhow::anyhow!(problem)))));
        }
    }
    checkups.push(Checkup::of("template", template.as_ref().map(describe).map_err(copied)));
    if let Ok(template) = &template {
        checkups.push(handler_zip(template));
    }
    if let Err(error) = handler::check_scripts(&repo) {
        checkups.push(Checkup::note("handler", format!("{error:#}")));
    }
    checkups.extend(fixtures(&repo));
    checkups.extend(journals(session));
    checkups.push(temporary(&session.env));
    checkups.push(space(repo.root()));
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    session.console.result(&report(&checkups));
    Ok(if checkups.iter().any(Checkup::is_bad) { ExitCode::Preflight } else { ExitCode::Success })
}

fn copied(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// What the account's quotas allow; nothing where they can't be read.
async fn quotas(connection: &Connection, options: &DoctorOptions, region: &Region) -> Option<Checkup> {
    let what = format!("quota in {region}");
    match signed_calls::unreserved_concurrency(&connection.clients).await {
        Ok(Some(unreserved)) => {
            let for_chunks = options.reserved_concurrency.get();
            let reserved = for_chunks.unwrap_or_default().into();
            let concurrency = Concurrency { unreserved, reserved, for_chunks };
            Some(Checkup { what, health: concurrency.check().map_or_else(Health::Bad, Health::Good) })
        }
        Ok(None) => None,
        Err(error) => Some(Checkup::note(&what, format!("not readable: {error:#}"))),
    }
}

const HANDLER: &str = Repo::HANDLER;

/// The registry is waited for no longer.
const REGISTRY_LIMIT: Duration = Duration::from_secs(15);

/// The version of the handler that this repository pins, and whether the package registry has a newer one. A checkout has
/// its own.
async fn renderer(repo: &Repo, bun: &Path, runner: &Runner) -> Option<Checkup> {
    let list = repo.handler_package().join("package.json");
    let pinned = repo.handler_version().filter(|_| repo.layout() == Layout::Own)?;
    let sh = &runner.sh;
    let asked = runner.run_as(Child::PackageManager, cmd!(sh, "{bun} info {HANDLER} version"));
    let newest = asked.limit(REGISTRY_LIMIT).await.map(|output| output.stdout.trim().to_owned()).unwrap_or_default();
    Some(Checkup { what: "renderer".to_owned(), health: compared(&pinned, &newest, &list) })
}

fn compared(pinned: &str, newest: &str, list: &Path) -> Health {
    match (parts(pinned), parts(newest)) {
        (Some(ours), Some(theirs)) if theirs > ours => Health::Note(format!(
            "{HANDLER} {pinned} is pinned, the registry has {newest}; another version is pinned in {}, and then \
             `lambda-baseline NAME --update` renders each fixture's baseline again",
            list.display()
        )),
        (Some(_), Some(_)) => Health::Good(format!("{HANDLER} {pinned}, the newest version in the registry")),
        _ => Health::Good(format!("{HANDLER} {pinned}; the registry was not reached")),
    }
}

/// The numbers of a version without a suffix.
fn parts(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}

/// What a run would find in a template.
fn describe(template: &Template) -> String {
    let Template { path, machine, .. } = template;
    let protocols = match &machine.protocols {
        OfferedProtocols::Chosen(offered) => {
            let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
            format!("plan protocol {} by choice", names.join(" or "))
        }
        OfferedProtocols::Fixed(Some(protocol)) => format!("plan protocol {protocol}, no choice"),
        OfferedProtocols::Fixed(None) => "no choice of plan protocol".to_owned(),
    };
    let states = counted(machine.states.len(), "state");
    let defaults = template.values(template.parameters.defaults());
    let functions = template.functions_of(&defaults).map(|function| {
        let size = function.size(&defaults);
        format!("{} with {} MB, {}", function.logical_id, size.memory_mb, size.architecture)
    });
    let functions: Vec<String> = functions.collect();
    format!("{}: {states} from {}, {protocols}; {}", path.display(), machine.start_at, functions.join("; "))
}

fn handler_zip(template: &Template) -> Checkup {
    let path = &template.code;
    if !path.is_file() {
        return Checkup::note("handler ZIP", "not built yet; a run builds it".to_owned());
    }
    Checkup::of("handler ZIP", handler::existing(path).map(|zip| zip.path.display().to_string()))
}

/// Fixtures that a run would refuse, or how many it would take.
fn fixtures(repo: &Repo) -> Vec<Checkup> {
    let names: Vec<String> = repo.fixtures().into_iter().map(|(name, _)| name).collect();
    let load = |name: &String| {
        let fixture = Fixture::load(repo, name)?;
        fixture.check_renderable()?;
        fixture.check_baseline()?;
        fixture.read_known_good().map(drop)
    };
    let mut checkups: Vec<Checkup> = Vec::new();
    let mut good = Vec::new();
    for name in &names {
        match load(name) {
            Ok(()) => good.push(name.as_str()),
            // The others can be rendered all the same.
            Err(error) => checkups.push(Checkup::note(&format!("fixture {name}"), format!("{error:#}"))),
        }
    }
    let all = match good.as_slice() {
        [] => Err(anyhow::anyhow!("no fixture can be rendered in {}", repo.root().display())),
        good => Ok(good.join(", ")),
    };
    checkups.push(Checkup::of("fixtures", all));
    checkups
}

/// Whether journals can be written, and which runs did not clean up.
fn journals(session: &Session) -> Vec<Checkup> {
    let states = match StateFolder::of(&session.env) {
        Ok(states) => states,
        Err(error) => return vec![Checkup::of("journals", Err(error))],
    };
    let mut checkups = vec![Checkup::of("journals", states.check_writable().map(|()| "can be written".to_owned()))];
    let unfinished = states.unfinished();
    if !unfinished.is_empty() {
        let stacks: Vec<String> = unfinished.iter().map(|known| known.state.begin.stack.to_string()).collect();
        let runs = counted(unfinished.len(), "run");
        let text = format!("{runs} did not clean up ({}); cargo xtask lambda-teardown --unfinished", stacks.join(", "));
        checkups.push(Checkup::note("earlier runs", text));
    }
    checkups
}

/// What a program writes to learn whether a folder has room, bytes.
const PROBE: usize = 1 << 20;

/// Whether temporary files can be written: measurements, audio, and what other programs put there.
fn temporary(env: &Env) -> Checkup {
    let dir = env.path("TMPDIR").unwrap_or_else(|| "/tmp".into());
    let write = tempfile::tempfile_in(&dir).and_then(|mut file| file.write_all(&[0; PROBE]));
    let written = write.map(|()| format!("{} can be written", dir.display()));
    let what =
        || format!("no file can be written to {}; make room in it, or set TMPDIR to another folder", dir.display());
    Checkup::of("temporary files", written.with_context(what))
}

fn space(root: &Path) -> Checkup {
    let free = rustix::fs::statvfs(root).with_context(|| format!("{}", root.display()));
    let text = match free.map(|volume| volume.f_bavail * volume.f_frsize) {
        Ok(free) if free >= ENOUGH_SPACE => return Checkup::of("disk", Ok(format!("{} GiB free", free >> 30))),
        Ok(free) => format!(
            "{} MiB free in {}: tools, ZIPs and renders may take {} GiB",
            free >> 20,
            root.display(),
            ENOUGH_SPACE >> 30
        ),
        Err(error) => format!("{error:#}"),
    };
    Checkup::note("disk", text)
}

/// One thing that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkup {
    pub(super) what: String,
    pub(super) health: Health,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// As it must be.
    Good(String),
    /// A run works, but something is worth knowing.
    Note(String),
    /// A run would fail.
    Bad(String),
}

impl Checkup {
    /// The result of looking at `what`; an error says what to do.
    pub(super) fn of(what: &str, result: anyhow::Result<String>) -> Self {
        let health = match result {
            Ok(text) => Health::Good(text),
            Err(error) => Health::Bad(format!("{error:#}")),
        };
        Self { what: what.to_owned(), health }
    }

    pub(super) fn note(what: &str, text: String) -> Self {
        Self { what: what.to_owned(), health: Health::Note(text) }
    }

    /// Whether it would make a run fail.
    fn is_bad(&self) -> bool {
        matches!(self.health, Health::Bad(_))
    }
}

/// A line for each, the state first, then the verdict.
fn report(checkups: &[Checkup]) -> String {
    let width = checkups.iter().map(|checkup| checkup.what.chars().count()).max().unwrap_or(0);
    let line = |checkup: &Checkup| {
        let (mark, text) = match &checkup.health {
            Health::Good(text) => ("ok  ", text),
            Health::Note(text) => ("note", text),
            Health::Bad(text) => ("BAD ", text),
        };
        // What goes on over several lines stays in its column.
        let text = text.replace('\n', &format!("\n{}", " ".repeat(width + 8)));
        format!("{mark}  {:<width$}  {text}", checkup.what)
    };
    let bad = checkups.iter().filter(|checkup| checkup.is_bad()).count();
    let verdict = match bad {
        0 => "ready: everything that a run needs is there".to_owned(),
        1 => "not ready: one problem must be fixed".to_owned(),
        several => format!("not ready: {several} problems must be fixed"),
    };
    let lines: Vec<String> = checkups.iter().map(line).collect();
    format!("{}\n\n{verdict}", lines.join("\n"))
}

/// A tool's version without the rest of what it prints.
fn short(name: &str, version: &str) -> String {
    let plain = [name, " version", "SAM CLI,", "This is"]
        .iter()
        .fold(version.trim(), |text, before| text.strip_prefix(before).map_or(text, str::trim_start));
    let plain = plain.strip_prefix("version").map_or(plain, str::trim_start);
    let end = [" Copyright", " (", ","].iter().filter_map(|mark| plain.find(mark)).min();
    plain[..end.unwrap_or(plain.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_its_state() {
        let checkups = [
            Checkup::of("tools", Ok("sam 1.167".into())),
            Checkup::note("earlier runs", "one is unfinished".into()),
            Checkup::of("zip", Err(anyhow::anyhow!("zip is not on PATH:\nget it"))),
        ];
        insta::assert_snapshot!(report(&checkups), @r"
        ok    tools         sam 1.167
        note  earlier runs  one is unfinished
        BAD   zip           zip is not on PATH:
                            get it

        not ready: one problem must be fixed
        ");
        assert!(report(&checkups[..2]).ends_with("ready: everything that a run needs is there"));
    }

    #[test]
    fn a_newer_renderer_is_noted() {
        let of = |newest| compared("0.8.31", newest, Path::new("package.json"));
        assert!(matches!(of("0.8.100"), Health::Note(text) if text.contains("the registry has 0.8.100")));
        assert!(matches!(of("0.8.31"), Health::Good(text) if text.contains("the newest")));
        for unknown in ["", "error: 404", "0.9.0-beta.1"] {
            assert!(matches!(of(unknown), Health::Good(text) if text.contains("not reached")), "{unknown}");
        }
    }

    #[test]
    fn versions_are_short() {
        assert_eq!(short("ffmpeg", "ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers"), "n8.1.2");
        assert_eq!(short("sam", "SAM CLI, version 1.167.0"), "1.167.0");
        assert_eq!(short("zip", "This is Zip 3.0 (July 5th 2008), by Info-ZIP."), "Zip 3.0");
        assert_eq!(short("bun", "1.4.4"), "1.4.4");
    }
}
