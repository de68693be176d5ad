//! What the errors of an execution mean, and what to do about them. Pure.

/// What an error's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What happened, in a sentence.
    pub what: &'static str,
    /// What to try.
    pub advice: &'static str,
    /// Whether the state machine repeats an attempt that ends so.
    pub is_retried: bool,
}

/// What `error` means; `None` for a name that is not known.
pub fn meaning(error: &str) -> Option<Meaning> {
    let find = |table: &[Row], is_retried| {
        let found = table.iter().find(|(names, ..)| names.contains(&error));
        found.map(|(_, what, advice)| Meaning { what, advice, is_retried })
    };
    find(&FOR_GOOD, false).or_else(|| find(&RETRIED, true))
}

/// Names, what they mean, and what to try.
type Row = (&'static [&'static str], &'static str, &'static str);

/// Errors of the handler that come again with each attempt: the state machine makes only one.
const FOR_GOOD: [Row; 13] = [
    (
        &["FFMPEG_VERSION_MISMATCH"],
        "Plan and chunk ran different versions of ffmpeg.",
        "Build the handler ZIP anew and deploy a fresh stack: run without --skip-build.",
    ),
    (
        &["PLAN_HASH_MISMATCH"],
        "The chunk got another plan than Plan had made: the plan in S3 was changed or mixed up.",
        "Run again; if it comes again, the handler packs or reads plans differently in Plan and RenderChunk.",
    ),
    (
        &["PLAN_TOO_LARGE", "PlanTooLargeError"],
        "The plan with its extracted media is larger than the function can unpack.",
        "Shorten the composition's media or lower their resolution; --plan-protocol v2 loads only a chunk's own part.",
    ),
    (
        &["PLAN_PROTOCOL_UNSUPPORTED", "PlanProtocolUnsupportedError"],
        "The deployed handler or template does not know this plan protocol.",
        "Use another --plan-protocol, or deploy a handler and a template of the same version.",
    ),
    (
        &["PLAN_ARTIFACT_DIGEST_MISMATCH", "PLAN_V2_INTEGRITY_UNRECOVERABLE", "PlanV2IntegrityError"],
        "A part of the plan in S3 is not what its manifest says, and fetching it again did not help.",
        "Run again; if it comes again, compare with --plan-protocol v1, which has no parts.",
    ),
    (
        &["S3_URI_NOT_ALLOWED"],
        "The execution was given an address outside of the stack's own bucket.",
        "Look at ProjectS3Uri and OutputS3Uri in the saved execution: both must be in the render bucket.",
    ),
    (
        &["BROWSER_GPU_NOT_SOFTWARE"],
        "Chromium did not render in software, so that chunks would differ from each other.",
        "Check that the ZIP has the Chromium of ChromeSource=sparticuz, and that nothing sets GPU flags.",
    ),
    (
        &["INVALID_VIDEO_METADATA"],
        "The size, length or frame rate that the composition names can't be rendered.",
        "Check data-width, data-height and data-duration in index.html, and fps in meta.json.",
    ),
    (
        &["FONT_FETCH_FAILED"],
        "A font of the composition does not exist at its source, or its source refuses it.",
        "Check the names of the fonts, or bring the font files with the fixture.",
    ),
    (
        &["VIDEO_SOURCE_UNRENDERABLE"],
        "A video of the composition can't be decoded by the handler's ffmpeg.",
        "Play the file with ffmpeg, and convert it to H.264 in MP4; a git-LFS pointer needs `git lfs pull`.",
    ),
    (
        &["NOT_MEDIA_PAYLOAD", "NotMediaPayloadError"],
        "What the composition names as media is something else, such as a web page or a git-LFS pointer.",
        "Look at the file or address that the cause names; run `git lfs pull` in a checkout.",
    ),
    (
        &["FORMAT_NOT_SUPPORTED_IN_DISTRIBUTED"],
        "This format can't be rendered in chunks.",
        "Choose mp4, mov or png-sequence as the format in meta.json.",
    ),
    (
        &["ChromeBinaryUnavailableError"],
        "The function found no Chromium that it can start.",
        "Build the handler ZIP anew: run without --skip-build, and look for chromium.br among its parts.",
    ),
];

/// Errors that another attempt may do without: the state machine makes more of them.
const RETRIED: [Row; 16] = [
    (
        &["FONT_FETCH_UNAVAILABLE"],
        "A font could not be fetched: its source did not answer. Generic families such as sans-serif are fetched too.",
        "Check that the function reaches the internet, or bring the font files with the fixture.",
    ),
    (
        &["RenderChunkValidationError"],
        "The chunk's own check refused it, mostly because its ffmpeg is another than the plan's.",
        "Build the handler ZIP anew and deploy a fresh stack: run without --skip-build.",
    ),
    (
        &["Lambda.TooManyRequestsException", "TooManyRequestsException"],
        "Lambda refused the call: as many functions run as the stack or the account may run at once.",
        "Use fewer chunks than --reserved-concurrency, raise it, or wait for others in this account to end.",
    ),
    (
        &["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"],
        "Lambda itself had a fault, and kept it for all attempts.",
        "Run again later; https://health.aws.amazon.com tells of disturbances in the region.",
    ),
    (
        &["Lambda.ClientExecutionTimeoutException"],
        "Step Functions got no answer from Lambda in time.",
        "Run again; if it comes again, use more chunks, so that each call is shorter.",
    ),
    (
        &["Lambda.Unknown"],
        "The function ended without saying why, mostly out of memory or over its time limit.",
        "Look at the end of its log for `Max Memory Used` and `Task timed out`; use more chunks or more memory.",
    ),
    (
        &["Lambda.ResourceNotFoundException", "Lambda.ResourceNotReadyException", "ResourceNotFoundException"],
        "The function is not there, or not ready yet.",
        "Look whether someone deletes or updates the stack while it renders.",
    ),
    (
        &["Runtime.ExitError", "Runtime.OutOfMemory", "Extension.Crash"],
        "The function's process died, mostly out of memory.",
        "Look at the end of its log for `Max Memory Used`; use more chunks, or raise LambdaMemoryMb of the template.",
    ),
    (
        &["Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError"],
        "The handler can't be loaded: the ZIP lacks a module, or is of another layout.",
        "Build the handler ZIP anew: run without --skip-build.",
    ),
    (
        &["Sandbox.Timedout", "States.Timeout", "States.HeartbeatTimeout"],
        "A call took longer than the function or the state may take.",
        "Use more chunks, so that each is shorter; on an emulator a busy machine is slow enough for this.",
    ),
    (
        &["States.TaskFailed"],
        "A task failed with an error that has no name of its own.",
        "Look at the cause and at the function's log.",
    ),
    (
        &["States.DataLimitExceeded"],
        "An answer is larger than the 256 KiB that Step Functions passes on.",
        "Use fewer chunks, or look for what makes the handler's answers large.",
    ),
    (
        &["States.Runtime", "States.ParameterPathFailure", "States.ResultPathMatchFailure", "States.IntrinsicFailure"],
        "The state machine did not find what it expected in the input or in an answer.",
        "Deploy a template and a handler of the same version.",
    ),
    (
        &["States.Permissions", "Lambda.AccessDeniedException", "AccessDenied", "AccessDeniedException"],
        "The state machine's or the function's role may not do this.",
        "Compare the roles of the template with what the cause names; a boundary or an organization may forbid it.",
    ),
    (
        &["ExecutionTimedOut"],
        "The execution took longer than its state machine allows.",
        "Use more chunks, so that each is shorter.",
    ),
    (
        &["ExecutionAborted"],
        "The execution was stopped: by this tool after its own limit, or by someone else.",
        "Use more chunks if it takes too long; else look who stops executions in this account.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &'static [Row]) -> impl Iterator<Item = &'static str> {
        table.iter().flat_map(|(names, ..)| names.iter().copied())
    }

    /// The names that a state of the template repeats no attempt for.
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
    fn every_error_that_the_template_does_not_retry_is_known_and_no_other_is_called_so() {
        let mut known: Vec<String> = names(&FOR_GOOD).map(str::to_owned).collect();
        known.sort();
        assert_eq!(known.len(), 18);
        assert_eq!(known, not_retried_by_the_template());
    }

    #[test]
    fn no_name_is_there_twice_and_all_say_what_to_try() {
        let mut all: Vec<&str> = names(&FOR_GOOD).chain(names(&RETRIED)).collect();
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
    fn what_services_name_is_known_and_what_nobody_names_is_not() {
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
