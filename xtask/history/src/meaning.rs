//! What the errors of an execution mean, and what to try. Pure.

/// The meaning of an error's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What happened, in a sentence.
    pub what: &'static str,
    /// What to try.
    pub advice: &'static str,
    /// Whether the state machine retries an attempt that ends with it.
    pub is_retried: bool,
}

/// The meaning of `error`; `None` if the name is not known.
pub fn meaning(error: &str) -> Option<Meaning> {
    let find = |table: &[Row], is_retried| {
        let found = table.iter().find(|(names, ..)| names.contains(&error));
        found.map(|(_, what, advice)| Meaning { what, advice, is_retried })
    };
    find(&NOT_RETRIED, false).or_else(|| find(&RETRIED, true))
}

/// Names, what they mean, and what to try.
type Row = (&'static [&'static str], &'static str, &'static str);

/// Errors of the handler that every attempt would repeat, so the state machine makes only one.
const NOT_RETRIED: [Row; 13] = [
    (
        &["FFMPEG_VERSION_MISMATCH"],
        "Plan and chunk ran different versions of ffmpeg.",
        "Rebuild the handler ZIP and deploy a new stack: run without --skip-build.",
    ),
    (
        &["PLAN_HASH_MISMATCH"],
        "The chunk received another plan than the one that Plan made: the plan in S3 was changed or mixed up.",
        "Run again; if it happens again, the handler packs and reads plans differently in Plan and RenderChunk.",
    ),
    (
        &["PLAN_TOO_LARGE", "PlanTooLargeError"],
        "The plan with its extracted media is larger than the function can unpack.",
        "Shorten the composition's media or lower its resolution; --plan-protocol v2 loads only a chunk's own part.",
    ),
    (
        &["PLAN_PROTOCOL_UNSUPPORTED", "PlanProtocolUnsupportedError"],
        "The deployed handler or template does not know this plan protocol.",
        "Use another --plan-protocol, or deploy a handler and a template of the same version.",
    ),
    (
        &["PLAN_ARTIFACT_DIGEST_MISMATCH", "PLAN_V2_INTEGRITY_UNRECOVERABLE", "PlanV2IntegrityError"],
        "A part of the plan in S3 does not match its manifest, and fetching it again did not help.",
        "Run again; if it happens again, compare with --plan-protocol v1, which has no parts.",
    ),
    (
        &["S3_URI_NOT_ALLOWED"],
        "The execution was given an address outside the stack's own bucket.",
        "Check ProjectS3Uri and OutputS3Uri in the saved execution: both must be in the render bucket.",
    ),
    (
        &["BROWSER_GPU_NOT_SOFTWARE"],
        "Chromium did not render in software, so chunks would differ from each other.",
        "Check that the ZIP has the Chromium of ChromeSource=sparticuz, and that nothing sets GPU flags.",
    ),
    (
        &["INVALID_VIDEO_METADATA"],
        "The size, length, or frame rate of the composition cannot be rendered.",
        "Check data-width, data-height, and data-duration in index.html, and fps in meta.json.",
    ),
    (
        &["FONT_FETCH_FAILED"],
        "A font of the composition does not exist at its source, or its source refuses it.",
        "Check the names of the fonts, or add the font files to the fixture.",
    ),
    (
        &["VIDEO_SOURCE_UNRENDERABLE"],
        "The handler's ffmpeg cannot decode a video of the composition.",
        "Play the file with ffmpeg, and convert it to H.264 in MP4; a git-LFS pointer needs `git lfs pull`.",
    ),
    (
        &["NOT_MEDIA_PAYLOAD", "NotMediaPayloadError"],
        "A media file of the composition is something else, such as a web page or a git-LFS pointer.",
        "Check the file or address that the cause names; run `git lfs pull` in a checkout.",
    ),
    (
        &["FORMAT_NOT_SUPPORTED_IN_DISTRIBUTED"],
        "This format cannot be rendered in chunks.",
        "Choose mp4, mov, or png-sequence as the format in meta.json.",
    ),
    (
        &["ChromeBinaryUnavailableError"],
        "The function did not find a Chromium that it can start.",
        "Rebuild the handler ZIP: run without --skip-build, and check that it contains chromium.br.",
    ),
];

/// Errors that another attempt may avoid, so the state machine retries.
const RETRIED: [Row; 16] = [
    (
        &["FONT_FETCH_UNAVAILABLE"],
        "A font could not be fetched: its source did not answer. Generic families such as sans-serif are fetched, too.",
        "Check that the function can reach the internet, or add the font files to the fixture.",
    ),
    (
        &["RenderChunkValidationError"],
        "The chunk failed its own check, usually because its ffmpeg differs from the plan's.",
        "Rebuild the handler ZIP and deploy a new stack: run without --skip-build.",
    ),
    (
        &["Lambda.TooManyRequestsException", "TooManyRequestsException"],
        "Lambda refused the call: the stack or the account already runs as many functions as it may.",
        "Use fewer chunks than --reserved-concurrency, raise it, or wait until others in this account have ended.",
    ),
    (
        &["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"],
        "Lambda itself failed in every attempt.",
        "Run again later; see https://health.aws.amazon.com for incidents in the region.",
    ),
    (
        &["Lambda.ClientExecutionTimeoutException"],
        "Step Functions did not get an answer from Lambda in time.",
        "Run again; if it happens again, use more chunks, so that each call is shorter.",
    ),
    (
        &["Lambda.Unknown"],
        "The function ended without an error message, usually because it ran out of memory or time.",
        "Search the end of its log for `Max Memory Used` and `Task timed out`; use more chunks or more memory.",
    ),
    (
        &["Lambda.ResourceNotFoundException", "Lambda.ResourceNotReadyException", "ResourceNotFoundException"],
        "The function does not exist, or it is not ready yet.",
        "Find out whether someone deletes or updates the stack while it renders.",
    ),
    (
        &["Runtime.ExitError", "Runtime.OutOfMemory", "Extension.Crash"],
        "The function's process died, usually because it ran out of memory.",
        "Search the end of its log for `Max Memory Used`; use more chunks, or raise LambdaMemoryMb in the template.",
    ),
    (
        &["Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError"],
        "The handler cannot be loaded: a module is missing from the ZIP, or its layout is different.",
        "Rebuild the handler ZIP: run without --skip-build.",
    ),
    (
        &["Sandbox.Timedout", "States.Timeout", "States.HeartbeatTimeout"],
        "A call exceeded the timeout of the function or of the state.",
        "Use more chunks, so that each is shorter; on an emulator, a busy machine can be the reason.",
    ),
    (
        &["States.TaskFailed"],
        "A task failed with an error that has no specific name.",
        "Read the cause and the function's log.",
    ),
    (
        &["States.DataLimitExceeded"],
        "An answer is larger than 256 KiB, the limit of Step Functions.",
        "Use fewer chunks, or find out what makes the handler's answers large.",
    ),
    (
        &["States.Runtime", "States.ParameterPathFailure", "States.ResultPathMatchFailure", "States.IntrinsicFailure"],
        "The state machine did not find what it expected in the input or in an answer.",
        "Deploy a template and a handler of the same version.",
    ),
    (
        &["States.Permissions", "Lambda.AccessDeniedException", "AccessDenied", "AccessDeniedException"],
        "The role of the state machine or of the function lacks a permission.",
        "Compare the template's roles with the cause; a permissions boundary or an organization may forbid it.",
    ),
    (
        &["ExecutionTimedOut"],
        "The execution exceeded the timeout of its state machine.",
        "Use more chunks, so that each is shorter.",
    ),
    (
        &["ExecutionAborted"],
        "The execution was stopped, by this tool at its time limit or by someone else.",
        "Use more chunks if it takes too long; otherwise find out who stops executions in this account.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &'static [Row]) -> impl Iterator<Item = &'static str> {
        table.iter().flat_map(|(names, ..)| names.iter().copied())
    }

    /// The errors for which the template does not retry.
    fn not_retried_by_the_template() -> Vec<String> {
        let path = format!("{}/../../examples/aws-lambda/template.yaml", env!("CARGO_MANIFEST_DIR"));
        let template = std::fs::read_to_string(path).unwrap();
        let lists = template.split("- ErrorEquals:\n").skip(1);
        let listed = lists.flat_map(|list| list.lines().map_while(|line| line.trim().strip_prefix("- ")));
        let mut names: Vec<String> = listed.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn the_errors_that_are_not_retried_are_those_of_the_template() {
        let mut known: Vec<String> = names(&NOT_RETRIED).map(str::to_owned).collect();
        known.sort();
        assert_eq!(known.len(), 18);
        assert_eq!(known, not_retried_by_the_template());
    }

    #[test]
    fn names_are_unique_and_all_have_advice() {
        let mut all: Vec<&str> = names(&NOT_RETRIED).chain(names(&RETRIED)).collect();
        let many = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), many);
        for name in all {
            let meaning = meaning(name).unwrap();
            for sentence in [meaning.what, meaning.advice] {
                assert!(sentence.ends_with('.') && sentence.len() <= 120, "{name}: {sentence}");
            }
        }
    }

    #[test]
    fn the_errors_of_aws_services_are_known_and_others_are_not() {
        for name in [
            "Lambda.TooManyRequestsException",
            "Lambda.ServiceException",
            "Lambda.Unknown",
            "Runtime.ExitError",
            "Sandbox.Timedout",
            "States.Timeout",
            "States.TaskFailed",
            "States.DataLimitExceeded",
            "FONT_FETCH_UNAVAILABLE",
            "RenderChunkValidationError",
        ] {
            assert!(meaning(name).unwrap().is_retried, "{name}");
        }
        assert_eq!(meaning("TypeError"), None);
    }
}
