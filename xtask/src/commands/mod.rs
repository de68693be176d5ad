//! Each command's way from parsed flags to an exit code.

pub mod ab;
pub mod baseline;
pub mod compare;
pub mod doctor;
pub mod history;
mod real;
pub mod report;

use std::{ffi::OsString, path::Path};

use clap::error::ErrorKind;
use serde_json::json;

use crate::{
    aws::holder,
    cli::{
        Command,
        environment::parse,
        help::{CompletionsOptions, script},
        small::LocalAwsOptions,
    },
    console::{Console, text::harmless},
    context::{self, Session},
    eval,
    exit::{ExitCode, Failure, OrExit, Signals},
    local::emulator::{EmbeddedAws, Options},
    smoke, teardown,
    tools::{env::Env, folder::write_whole},
};

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let env = Env::of_process();
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match parse(&args, &env) {
        Ok(cli) => cli,
        Err(error) => {
            refuse(&error);
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked_for { ExitCode::Success } else { ExitCode::Preflight };
        }
    };
    // One thread: children die with the thread that started them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime of one thread needs nothing that can be missing");
    let (console, repo) = (cli.output.console(&env), cli.repo.choice(&env));
    let session = Session::of_process(env, console.clone(), repo).or_exit(ExitCode::Preflight);
    match session.and_then(|session| runtime.block_on(dispatch(&session, cli.command))) {
        Ok(code) => code,
        Err(failure) => {
            console.say(&format!("error: {failure}"));
            failure.code
        }
    }
}

/// Prints what clap says, which quotes the command line and the environment.
fn refuse(error: &clap::Error) {
    let text = error.render().to_string();
    let shown = harmless(&text);
    if shown == text {
        // In color.
        let _ = error.print();
    } else {
        Console::default().say(shown.trim_end());
    }
}

async fn dispatch(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    if session.repo.is_demanded() {
        // A wrong repository is reported by commands that need none, too.
        session.repo().or_exit(ExitCode::Preflight)?;
    }
    match command {
        Command::LambdaSmoke(options) => {
            options.check().or_exit(ExitCode::Preflight)?;
            smoke::run(session, &options).await
        }
        Command::LambdaEval(options) => {
            options.check().or_exit(ExitCode::Preflight)?;
            eval::run(session, &options).await
        }
        Command::LambdaAb(options) => {
            options.check().or_exit(ExitCode::Preflight)?;
            ab::run(session, &options).await
        }
        Command::LambdaTeardown(args) => interruptible(session, teardown::run(session, &args)).await,
        Command::LambdaBaseline(args) => {
            interruptible(session, session.console.during("baseline", baseline::run(session, &args))).await
        }
        Command::LambdaCompare(args) => {
            interruptible(session, session.console.during("compare", compare::run(session, &args))).await
        }
        Command::LambdaDoctor(options) => interruptible(session, doctor::run(session, &options)).await,
        Command::LambdaPolicy(options) => {
            session.console.result(&format!("{:#}", holder::policy(&options.holder())));
            Ok(ExitCode::Success)
        }
        Command::LambdaReport(args) => report::run(session, &args),
        Command::LambdaHistory(args) => history::run(session, &args),
        Command::LocalAws(args) => local_aws(session, &args).await,
        Command::Completions(args) => completions(session, &args),
        Command::Setup => interruptible(session, setup(session)).await,
    }
}

/// Runs a command that may be stopped at any point and simply be repeated.
async fn interruptible(
    session: &Session,
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    let signal = tokio::select! {
        result = work => return result,
        signal = signals.next() => signal,
    };
    session.console.say(&format!("{}: stopping; the same command can be run again", signal.name));
    session.runner.children.stop_all().await;
    Ok(ExitCode::Signal(signal.number))
}

fn completions(session: &Session, args: &CompletionsOptions) -> Result<ExitCode, Failure> {
    // Anywhere else they complete everything but the names of fixtures.
    let repo = session.repo().ok();
    // A shell evaluates the script, and a folder may have any name.
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let fixtures = repo.map(|repo| repo.fixtures().into_iter().map(|(name, _)| name).filter(is_plain).collect());
    let fixtures = fixtures.unwrap_or_default();
    session.console.result(&script(args.shell, fixtures));
    Ok(ExitCode::Success)
}

async fn setup(session: &Session) -> Result<ExitCode, Failure> {
    let console = &session.console;
    console.during("setup", context::provision(session)).await.or_exit(ExitCode::Preflight)?;
    console.result(&format!("tools are in {}", session.toolbox.bin().display()));
    Ok(ExitCode::Success)
}

async fn local_aws(session: &Session, args: &LocalAwsOptions) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().or_exit(ExitCode::Preflight)?;
    let start = async {
        context::provision(session).await?;
        let options = Options { port: args.port, enforce_iam: args.enforce_iam, lambda_slots: None };
        EmbeddedAws::start(&session.toolbox, &options, &session.runner).await
    };
    let mut embedded = tokio::select! {
        started = start => started.or_exit(ExitCode::Preflight)?,
        signal = signals.next() => {
            session.runner.children.stop_all().await;
            return Ok(ExitCode::Signal(signal.number));
        }
    };
    if let Some(file) = &args.ready_file {
        write_ready_file(file, &embedded).or_exit(ExitCode::Preflight)?;
    }
    session.console.result(&exports(&embedded.endpoint));
    session.console.say("The embedded AWS is running; Ctrl-C ends it and everything in it.");
    let code = tokio::select! {
        status = embedded.ended() => {
            let status = status.or_exit(ExitCode::Render)?;
            session.console.say(&format!("error: the embedded AWS ended ({status})"));
            ExitCode::Render
        }
        signal = signals.next() => ExitCode::Signal(signal.number),
    };
    embedded.stop().await;
    if let Some(file) = &args.ready_file {
        let _ = std::fs::remove_file(file);
    }
    Ok(code)
}

fn write_ready_file(file: &Path, embedded: &EmbeddedAws) -> anyhow::Result<()> {
    let content = json!({ "endpoint": embedded.endpoint, "pid": embedded.pid });
    write_whole(file, format!("{content}\n"))
}

/// What a second terminal needs to use the emulator, with any AWS client.
fn exports(endpoint: &str) -> String {
    [
        format!("export AWS_ENDPOINT_URL={endpoint}"),
        "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
            .into(),
        "export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true".into(),
        format!("# then: cargo xtask lambda-smoke --endpoint-url {endpoint}"),
    ]
    .join("\n")
}
