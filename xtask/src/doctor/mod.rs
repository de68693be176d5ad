//! `lambda-doctor`: everything that a run needs, looked at without a run.

mod checkup;

use std::path::Path;

use anyhow::Context;

use crate::{
    aws::{Target, signed_calls},
    cli::DoctorOptions,
    connect::{self, Connection},
    exit::{ExitCode, Failure, OrExit},
    fixture::Fixture,
    handler,
    journal::StateFolder,
    names::Region,
    plan::Concurrency,
    preflight::{self, Purpose},
    repo::Repo,
    session::Session,
    template::{OfferedProtocols, Template},
    wording::counted,
};
use checkup::{Checkup, Health};

/// Less free space than this may not do for a run: tools, ZIPs and renders, bytes.
const ENOUGH_SPACE: u64 = 2 << 30;

/// Looks at everything and says how it is; exit 1 when a run would fail.
///
/// # Errors
/// When there is no repository to look at.
pub async fn run(session: &Session, options: &DoctorOptions) -> Result<ExitCode, Failure> {
    let repo = session.repo().or_exit(ExitCode::Preflight)?;
    let prepared = connect::prepare(session, &options.target.aws.choice()).await;
    let mut checkups = Vec::new();
    let (target, embedded) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            checkups.push(Checkup::of("target", Err(error)));
            (Target::Account { profile: None }, None)
        }
    };
    let env = connect::tool_env(session, &target);
    if checkups.is_empty() {
        let connected = connect::connect(session, target, &options.target.region).await;
        checkups.push(Checkup::of("target", connected.as_ref().map(Connection::describe).map_err(told)));
        if let Ok(connection) = connected {
            checkups.extend(quotas(&connection, options, &options.target.region).await);
        }
    }
    match preflight::check(Purpose::BuildAndRender, &env, &session.children).await {
        Ok(tools) => {
            let versions =
                tools.versions.iter().map(|(name, version)| Checkup::of(name, Ok(checkup::short(name, version))));
            checkups.extend(versions);
        }
        Err(problems) => {
            checkups.extend(problems.into_iter().map(|problem| Checkup::of("tools", Err(anyhow::anyhow!(problem)))));
        }
    }
    let template = Template::read(&repo.template());
    checkups.push(Checkup::of("template", template.as_ref().map(told_of).map_err(told)));
    if let Ok(template) = &template {
        checkups.push(handler_zip(template));
    }
    if let Err(error) = handler::check_scripts(&repo) {
        checkups.push(Checkup { what: "handler".to_owned(), health: Health::Note(format!("{error:#}")) });
    }
    checkups.extend(fixtures(&repo));
    checkups.extend(journals(session));
    checkups.push(space(repo.root()));
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    session.console.result(&checkup::told(&checkups));
    Ok(if checkups.iter().any(Checkup::is_bad) { ExitCode::Preflight } else { ExitCode::Success })
}

fn told(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// What the account's quotas allow; nothing where they can't be read.
async fn quotas(connection: &Connection, options: &DoctorOptions, region: &Region) -> Option<Checkup> {
    let what = format!("quota in {region}");
    match signed_calls::unreserved_concurrency(&connection.clients).await {
        Ok(Some(unreserved)) => {
            let concurrency = Concurrency { unreserved, reserved: options.reserved_concurrency.get() };
            Some(Checkup { what, health: concurrency.check().map_or_else(Health::Bad, Health::Good) })
        }
        Ok(None) => None,
        Err(error) => Some(Checkup { what, health: Health::Note(format!("not readable: {error:#}")) }),
    }
}

/// What a run would find in a template.
fn told_of(template: &Template) -> String {
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
    format!("{}: {states} from {}, {protocols}, {} MB", path.display(), machine.start_at, template.memory_mb(None))
}

fn handler_zip(template: &Template) -> Checkup {
    let (what, path) = ("handler ZIP".to_owned(), &template.function.code);
    if !path.is_file() {
        return Checkup { what, health: Health::Note("not built yet; a run builds it".to_owned()) };
    }
    Checkup::of(&what, handler::existing(path).map(|zip| zip.path.display().to_string()))
}

/// Fixtures that a run would refuse, or how many it would take.
fn fixtures(repo: &Repo) -> Vec<Checkup> {
    let names: Vec<String> = repo.fixtures().into_iter().map(|(name, _)| name).collect();
    let load = |name: &String| {
        let fixture = Fixture::load(repo, name)?;
        fixture.check_renderable()?;
        fixture.check_baseline()?;
        fixture.read_expected().map(drop)
    };
    let mut checkups: Vec<Checkup> = Vec::new();
    let mut good = Vec::new();
    for name in &names {
        match load(name) {
            Ok(()) => good.push(name.as_str()),
            // Others can be rendered all the same.
            Err(error) => {
                checkups.push(Checkup { what: format!("fixture {name}"), health: Health::Note(format!("{error:#}")) });
            }
        }
    }
    let all = match good.as_slice() {
        [] => Err(anyhow::anyhow!("no fixture can be rendered in {}", repo.root().display())),
        good => Ok(good.join(", ")),
    };
    checkups.push(Checkup::of("fixtures", all));
    checkups
}

/// Whether runs can be noted, and which of them did not clean up.
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
        let told = format!("{runs} did not clean up ({}); cargo xtask lambda-teardown --unfinished", stacks.join(", "));
        checkups.push(Checkup { what: "earlier runs".to_owned(), health: Health::Note(told) });
    }
    checkups
}

fn space(root: &Path) -> Checkup {
    let what = "disk".to_owned();
    let free = rustix::fs::statvfs(root).with_context(|| format!("{}", root.display()));
    let health = match free.map(|volume| volume.f_bavail * volume.f_frsize) {
        Ok(free) if free >= ENOUGH_SPACE => Health::Good(format!("{} GiB free", free >> 30)),
        Ok(free) => Health::Note(format!(
            "{} MiB free in {}: tools, ZIPs and renders may take {} GiB",
            free >> 20,
            root.display(),
            ENOUGH_SPACE >> 30
        )),
        Err(error) => Health::Note(format!("{error:#}")),
    };
    Checkup { what, health }
}
