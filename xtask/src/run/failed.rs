//! The message about an execution that did not succeed.

use anyhow::anyhow;
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};
use execution_history::failure::{self, Failed};
use serde_json::Value;

use crate::{
    aws::{
        executions::Ended,
        resources::{Resource, function_log_group},
        signed_calls,
    },
    console::text::{excerpt, one_line, visible},
    exit::{Detailed, ExitCode, Failure},
    report::render::facts,
    run::render::{Render, RenderNames},
};

impl Render<'_> {
    /// Saves the execution, and says where it failed, why, what that means and what to try.
    pub(crate) async fn failed(&self, names: &RenderNames, ended: &Ended, history: anyhow::Result<Value>) -> Failure {
        let (run, label, status) = (self.run, &names.label, ended.status.as_str());
        let file = format!("renders/{}-execution.json", names.file_stem);
        let see = match run.artifacts.save(&file, &ended.description) {
            Ok(()) => format!("see {}", run.artifacts.path(&file).display()),
            Err(error) => format!("{error:#}"),
        };
        let failed = match history {
            Ok(history) => failure::failed(&history),
            Err(error) => {
                let error = error.context(format!("render {label} {status}, and its history can't be read"));
                return Failure::new(ExitCode::Render, anyhow!("{error:#}; {see}"));
            }
        };
        run.record.borrow_mut().execution_failure.clone_from(&failed);
        let Some(failed) = failed else {
            let error = anyhow!("render {label} {status}; its history does not say why; {see}");
            return Failure::new(ExitCode::Render, error);
        };
        let log = self.log_of(&failed, ended, &names.file_stem).await;
        let lines = lines(&format!("render {label} {status}"), &failed, log.as_ref(), &see);
        let failed = Failed { error: excerpt(&failed.error), cause: excerpt(&failed.cause), ..failed };
        Failure::new(
            ExitCode::Render,
            Detailed {
                // Files may be read elsewhere.
                line: one_line(&format!("render {label} {status}: {failed}; see {file}")),
                lines,
            },
        )
    }

    /// The name of the function's log group, and its end around the attempt that failed. What it has of the whole
    /// execution is saved.
    async fn log_of(&self, failed: &Failed, ended: &Ended, stem: &str) -> Option<(String, Vec<String>)> {
        let function = self.run.resources.borrow().of(Resource::Function).next().cloned()?;
        let (scheduled, failed_at) = failed.attempted.as_ref()?;
        let group = function_log_group(&function);
        // Clocks of two services, and a last word after the failure.
        let (from_ms, to_ms) = (millis(scheduled)? - 2000, millis(failed_at)? + 5000);
        let began_ms = ended.description["startDate"].as_str().and_then(millis).map_or(from_ms, |began| began - 2000);
        let clients = &self.run.connection().clients;
        let lines = signed_calls::log(clients, &group, began_ms, to_ms).await;
        if !lines.is_empty() {
            let whole: String =
                lines.iter().map(|line| format!("{} {}\n", line.stream, line.text.trim_end())).collect();
            // A log that can't be saved is no reason to say less.
            let _ = self.run.artifacts.write(&format!("logs/{stem}-function.log"), visible(&whole).as_bytes());
        }
        let of_attempt: Vec<_> = lines.into_iter().filter(|line| line.at_ms >= from_ms).collect();
        let end = signed_calls::end_of_one(&of_attempt, &marks(failed));
        (!end.is_empty()).then_some((group, end))
    }
}

fn millis(time: &str) -> Option<i64> {
    DateTime::from_str(time, DateTimeFormat::DateTimeWithOffset).ok()?.to_millis().ok()
}

/// What distinguishes the log of a failed attempt from those of others, the most specific first.
fn marks(failed: &Failed) -> Vec<String> {
    let request = failed.cause.split("RequestId: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let cause = failed.cause.lines().next().filter(|line| !line.is_empty());
    let cause: Option<String> = cause.map(|line| line.chars().take(60).collect());
    request.map(str::to_owned).into_iter().chain(cause).chain([failed.error.clone()]).collect()
}

/// The failure for people: a headline, and under it a line for each thing to know. Pure.
fn lines(headline: &str, failed: &Failed, log: Option<&(String, Vec<String>)>, see: &str) -> String {
    let mut lines = vec![headline.to_owned()];
    let mut say = |name: &str, text: &str| {
        for (i, line) in text.lines().enumerate() {
            lines.push(format!("  {:<8} {line}", if i == 0 { name } else { "" }).trim_end().to_owned());
        }
    };
    for (name, text) in facts(failed) {
        say(name, &text);
    }
    if let Some((group, said)) = log {
        say("log", &format!("the end of {group}:\n{}", said.join("\n")));
    }
    say("more", see);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: &str, cause: &str) -> Failed {
        Failed {
            state: Some("RenderChunkV2".into()),
            error: error.into(),
            cause: cause.into(),
            chunk: Some(3),
            attempts: Some(5),
            attempted: None,
        }
    }

    #[test]
    fn a_failure_is_reported_line_by_line() {
        let log = ("/aws/lambda/f".to_owned(), vec!["START".to_owned(), "out of disk".to_owned()]);
        let reported =
            lines("render N=4 FAILED", &failure("Runtime.ExitError", "signal: killed\nat x"), Some(&log), "see y");
        insta::assert_snapshot!(reported, @r"
    render N=4 FAILED
      state    RenderChunkV2, chunk 3, attempt 5 of 5
      error    Runtime.ExitError
      cause    signal: killed
               at x
      meaning  The function's process died, usually because it ran out of memory.
      try      Search the end of its log for `Max Memory Used`; use more chunks, or raise LambdaMemoryMb in the template.
      log      the end of /aws/lambda/f:
               START
               out of disk
      more     see y
    ");
    }

    #[test]
    fn an_unknown_error_is_called_so_and_a_single_attempt_explained() {
        let reported =
            lines("render", &Failed { attempts: None, chunk: None, ..failure("TypeError", "x") }, None, "see y");
        assert!(
            reported.contains("  state    RenderChunkV2\n") && reported.contains("does not know this error"),
            "{reported}"
        );
        let once = Failed { attempts: Some(1), ..failure("PLAN_TOO_LARGE", "x") };
        assert_eq!(facts(&once)[0].1, "RenderChunkV2, chunk 3, attempt 1 of 1: this error is not retried");
    }

    #[test]
    fn a_request_id_finds_the_log_best() {
        let marks = marks(&failure("Sandbox.Timedout", "RequestId: 1-2 Error: Task timed out after 9.00 seconds"));
        assert_eq!(marks, ["1-2", "RequestId: 1-2 Error: Task timed out after 9.00 seconds", "Sandbox.Timedout"]);
    }
}
