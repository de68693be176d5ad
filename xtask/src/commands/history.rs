//! `lambda-history`: the runs of a repository, and how their figures develop.

use serde_json::json;

use crate::{
    cli::small::HistoryOptions,
    commands::ab,
    context::Session,
    exit::{ExitCode, Failure, OrExit},
    report::{history, page},
    tools::folder::write_whole,
};

/// Lists the runs in the named artifact folders, or in those of the repository.
///
/// # Errors
/// With exit code 1 when there is no repository or no such folder, or the page can't be written.
pub fn run(session: &Session, args: &HistoryOptions) -> Result<ExitCode, Failure> {
    let folders = match args.artifacts.as_slice() {
        [] => {
            let repo = session.repo().or_exit(ExitCode::Preflight)?;
            let of_sides = ab::SIDES.map(|side| repo.artifacts(ab::COMMAND).join(side));
            ["lambda-smoke", "lambda-eval"].map(|command| repo.artifacts(command)).into_iter().chain(of_sides).collect()
        }
        named => named.to_vec(),
    };
    if let Some(missing) = args.artifacts.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::preflight(format!("there is no folder {}", missing.display())));
    }
    let (entries, unreadable) = history::all(&folders);
    for why in unreadable {
        session.console.note(&why);
    }
    let listed = match (args.json, args.csv) {
        (true, _) => format!("{:#}", json!(entries)),
        (_, true) => history::csv(&entries).trim_end().to_owned(),
        _ if entries.is_empty() => "there is no run yet".to_owned(),
        _ => history::table(&entries, session.console.width()),
    };
    session.console.result(&listed);
    if let Some(file) = &args.html {
        write_whole(file, page::history::page(&entries)).or_exit(ExitCode::Preflight)?;
        session.console.say(&format!("the trends are in {}", file.display()));
    }
    Ok(ExitCode::Success)
}
