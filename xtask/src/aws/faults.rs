//! Which errors of AWS pass by themselves, and what a user can do about the others.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::{DateTime, date_time::Format};
use backon::{BackoffBuilder, ExponentialBuilder};

use crate::{
    aws::{access::Target, network::Obstacle},
    console::text::{excerpt, one_line},
};

/// What an error means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The thing is not there.
    Absent,
    /// Throttled, or a 5xx: the same call may succeed later.
    Transient,
    /// A connection that is refused or dropped, or a time-out, several times in a row.
    Unanswered,
    /// A certificate that is not trusted, or a proxy that refuses: a setting of the network has to change.
    Network,
    /// Keys that are missing, wrong or out of date.
    Credentials,
    /// The caller's clock is further off than the service takes.
    Clock,
    /// The caller may not do this.
    Denied,
    /// Anything else.
    Other,
}

const ABSENT: [&str; 10] = [
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchVersion",
    "NoSuchUpload",
    "NoSuchTagSet",
    "NotFound",
    "StateMachineDoesNotExist",
    "ExecutionDoesNotExist",
    // Step Functions' name of it, and that of Lambda and Logs.
    "ResourceNotFound",
    "ResourceNotFoundException",
];

const TRANSIENT: [&str; 17] = [
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalFailure",
    // S3's name of it, and that of Logs: another change of the same thing is under way.
    "OperationAborted",
    "OperationAbortedException",
    "ServiceUnavailableException",
    "KmsThrottlingException",
    "InternalServerError",
    "BandwidthLimitExceeded",
];

const CREDENTIALS: [&str; 10] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// What a service says of a request that was signed by a clock that is off: S3 by its own
/// code, with HTTP 403 as if it were forbidden; others by the code of any wrong signature.
const CLOCK: &str = "RequestTimeTooSkewed";

const CLOCK_WORDS: [&str; 2] = ["Signature expired", "Signature not yet current"];

const DENIED: [&str; 4] = ["AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation"];

/// Classifies an error by its code, as AWS documents them.
pub fn by_code(code: &str) -> Fault {
    if ABSENT.contains(&code) {
        Fault::Absent
    } else if TRANSIENT.contains(&code) {
        Fault::Transient
    } else if CREDENTIALS.contains(&code) {
        Fault::Credentials
    } else if code == CLOCK {
        Fault::Clock
    } else if DENIED.contains(&code) {
        Fault::Denied
    } else {
        Fault::Other
    }
}

/// Classifies an answer that is an error.
fn of_answer(status: u16, code: Option<&str>, message: Option<&str>) -> Fault {
    if CLOCK_WORDS.iter().any(|words| message.is_some_and(|message| message.starts_with(words))) {
        return Fault::Clock;
    }
    match by_code(code.unwrap_or_default()) {
        Fault::Other if status == 404 => Fault::Absent,
        Fault::Other if status == 403 => Fault::Denied,
        Fault::Other if status == 429 || status >= 500 => Fault::Transient,
        fault => fault,
    }
}

/// Classifies any error of any operation.
pub fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Fault {
    match error {
        SdkError::ConstructionFailure(_) => Fault::Other,
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => Fault::Unanswered,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => Fault::Unanswered,
        SdkError::DispatchFailure(failure) if of_network(failure) => Fault::Network,
        SdkError::DispatchFailure(_) => Fault::Credentials,
        SdkError::ServiceError(service) => {
            of_answer(service.raw().status().as_u16(), service.err().code(), service.err().message())
        }
        _ => Fault::Other,
    }
}

fn of_network(failure: &DispatchFailure) -> bool {
    failure.as_connector_error().is_some_and(|error| Obstacle::behind(error).is_some())
}

/// Delays before calls that a service may refuse for a moment, as it does not know yet what was just made, or as
/// another change is under way: five, 9 s in all.
pub(crate) fn settling() -> ExponentialBuilder {
    retrying(5)
}

/// Whether the error says that the thing is not there.
pub fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    of(error) == Fault::Absent
}

/// Whether the same call may succeed later. What was not answered was repeated by the SDK, for as long as it is worth it.
pub fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    of(error) == Fault::Transient
}

/// What to say of an error: the service's code and message, or else the innermost cause, as the others only say that
/// there is one.
pub fn reported<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match error.as_service_error().map(|e| (e.code(), e.message())) {
        Some((Some(code), Some(message))) => format!("{code}: {}", without_request(message)),
        Some((Some(code), None)) => code.to_owned(),
        _ => {
            let mut cause: &dyn std::error::Error = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            // A program that a profile names may have printed it.
            one_line(&excerpt(&cause.to_string())).trim_end_matches('.').to_owned()
        }
    }
}

/// A service's message in one line, up to where it quotes the request as it was signed, with the session's
/// token: a refusal of a signature may.
fn without_request(message: &str) -> String {
    one_line(&excerpt(message.split("The Canonical String").next().unwrap_or_default()))
}

/// [`reported`] as an error, to put context on: a [`Refused`].
pub fn as_error<E>(error: SdkError<E, HttpResponse>) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    Refused { fault: of(&error), reported: reported(&error) }.into()
}

/// What a service, or the way to it, refused, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reported}")]
pub struct Refused {
    /// What it means.
    pub fault: Fault,
    /// Code and message.
    pub reported: String,
}

impl Refused {
    /// An answer that is an error.
    pub fn new(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        let message = message.map(without_request);
        let words: Vec<&str> = code.into_iter().chain(message.as_deref()).filter(|words| !words.is_empty()).collect();
        Self {
            fault: of_answer(status, code, message.as_deref()),
            reported: format!("{} (HTTP {status})", words.join(": ")),
        }
    }

    /// The refusal at the bottom of an error.
    pub fn behind(error: &anyhow::Error) -> Option<&Self> {
        error.chain().find_map(|cause| cause.downcast_ref())
    }

    /// Whether the same call will be refused again, whatever is done here.
    pub fn for_good(error: &anyhow::Error) -> bool {
        Self::behind(error)
            .is_some_and(|refused| matches!(refused.fault, Fault::Credentials | Fault::Clock | Fault::Network))
    }
}

/// What a user can do about the refusal behind an error that occurred `now`; `None` where another try may help.
pub fn remedy(error: &anyhow::Error, target: &Target, now: SystemTime) -> Option<String> {
    let refused = Refused::behind(error)?;
    match refused.fault {
        Fault::Clock => Some(clock_remedy(&refused.reported, now)),
        Fault::Credentials => Some(match target.profile() {
            Some(profile) => {
                format!("the credentials of profile {profile} are no longer accepted; renew them, for example with `aws sso login --profile {profile}`")
            }
            _ => "the credentials are no longer accepted; renew them, for example with `aws sso login` or new keys in the environment".to_owned(),
        }),
        Fault::Denied => Some("these credentials lack a permission; `cargo xtask lambda-policy` prints all that a run needs".to_owned()),
        Fault::Network | Fault::Absent | Fault::Transient | Fault::Unanswered | Fault::Other => None,
    }
}

/// How far this machine's clock is off, where the refusal says what time it is at AWS.
pub(crate) fn clock_remedy(reported: &str, now: SystemTime) -> String {
    let off = time_at_aws(reported).map(|there| match there.duration_since(now) {
        Ok(behind) => format!("{} min behind", minutes(behind)),
        Err(ahead) => format!("{} min ahead of", minutes(ahead.duration())),
    });
    let off = off.map_or("wrong by more than AWS accepts".to_owned(), |off| format!("{off} AWS's"));
    format!("this machine's clock is {off}; set it, as with `timedatectl set-ntp true`, and run it again")
}

fn minutes(off: Duration) -> u64 {
    (off.as_secs() + 30) / 60
}

/// The time in messages such as `Signature expired: ... (20261121T223444Z - 15 min.)`.
fn time_at_aws(reported: &str) -> Option<SystemTime> {
    let compact = reported.rsplit_once('(')?.1.split_whitespace().next()?;
    let (date, time) = compact.strip_suffix('Z')?.split_once('T')?;
    let parts = |text: &str, at: [usize; 2], sep: &str| {
        Some([text.get(..at[0])?, text.get(at[0]..at[1])?, text.get(at[1]..)?].join(sep))
    };
    let text = format!("{}T{}Z", parts(date, [4, 6], "-")?, parts(time, [2, 4], ":")?);
    DateTime::from_str(&text, Format::DateTime).ok()?.try_into().ok()
}

// How long to wait before asking again.

/// For watching something that may end soon or late: 0.2 s, growing by a tenth, 3 s at most. The end is
/// noticed late by a tenth of the time waited, or less.
pub fn polling() -> ExponentialBuilder {
    let delays = ExponentialBuilder::new().with_factor(1.1).without_max_times();
    delays.with_min_delay(Duration::from_millis(200)).with_max_delay(Duration::from_secs(3))
}

/// For an end that is to be noticed soon: 0.1 s, growing by a tenth, `most` at most.
pub fn watching(most: Duration) -> ExponentialBuilder {
    polling().with_min_delay(Duration::from_millis(100).min(most)).with_max_delay(most)
}

/// For asking again after a refusal, `times` times: 0.3 s, doubling, 10 s at most.
pub fn retrying(times: usize) -> ExponentialBuilder {
    let delays = ExponentialBuilder::new().with_factor(2.0).with_max_times(times);
    delays.with_min_delay(Duration::from_millis(300)).with_max_delay(Duration::from_secs(10))
}

/// Asks until there is an answer, with `delays` in between. Dropping it drops the question.
pub async fn until<T>(delays: ExponentialBuilder, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut delays = delays.without_max_times().build();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(delays.next().unwrap_or_default()).await;
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn codes_fall_into_one_class_each() {
        assert_eq!(by_code("SlowDown"), Fault::Transient);
        assert_eq!(by_code("AccessDenied"), Fault::Denied);
        assert_eq!(by_code("ExpiredToken"), Fault::Credentials);
        assert_eq!(by_code("NoSuchBucket"), Fault::Absent);
        assert_eq!(by_code("MalformedXML"), Fault::Other);
        // Each service has a name of its own for the same.
        for absent in ["ResourceNotFound", "ResourceNotFoundException"] {
            assert_eq!(by_code(absent), Fault::Absent);
        }
        for passing in ["OperationAborted", "OperationAbortedException", "KmsThrottlingException"] {
            assert_eq!(by_code(passing), Fault::Transient);
        }
        assert_eq!(by_code("RequestTimeTooSkewed"), Fault::Clock);
        assert_eq!(of_answer(403, Some("SignatureDoesNotMatch"), Some("Signature expired: x")), Fault::Clock);
        assert_eq!(of_answer(403, Some("SignatureDoesNotMatch"), Some("The request signature")), Fault::Credentials);
        assert_eq!(of_answer(403, None, None), Fault::Denied);
    }

    #[test]
    fn no_refusal_quotes_the_signed_request() {
        let quoted = "The signature does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:s3cret'";
        let reported = Refused::new(403, Some("InvalidSignatureException"), Some(quoted)).to_string();
        assert_eq!(reported, "InvalidSignatureException: The signature does not match. (HTTP 403)");
    }

    fn refused(code: &str, message: &str) -> anyhow::Error {
        let refused: Result<(), _> = Err(Refused::new(403, Some(code), Some(message)));
        refused.context("looking for stack s").context("clean-up").unwrap_err()
    }

    #[test]
    fn a_wrong_clock_is_reported_with_its_difference() {
        let there = DateTime::from_str("2026-11-21T22:34:44Z", Format::DateTime).unwrap();
        let there = SystemTime::try_from(there).unwrap();
        let reported = "SignatureDoesNotMatch: Signature expired: 20261121T211544Z is now earlier than 20261121T221944Z (20261121T223444Z - 15 min.)";
        assert!(clock_remedy(reported, there - Duration::from_secs(79 * 60)).contains("79 min behind AWS's"));
        let reported = "Signature not yet current: 20261121T230000Z is still later than 20261121T223944Z (20261121T223444Z + 5 min.)";
        assert!(clock_remedy(reported, there + Duration::from_secs(1526)).contains("25 min ahead of AWS's"));
        for odd in ["", "(", "(2026Z - 15", "(20261121T2234é4Z -", "(20269921T223444Z - 15 min.)"] {
            assert!(clock_remedy(odd, there).contains("more than AWS accepts"), "{odd}");
        }
    }

    #[test]
    fn only_what_no_repetition_mends_has_a_remedy() {
        let profile = Target::Account { profile: Some("dev".parse().unwrap()) };
        let remedy_for = |code, message| remedy(&refused(code, message), &profile, SystemTime::UNIX_EPOCH);
        assert!(remedy_for("ExpiredToken", "it is").unwrap().contains("aws sso login --profile dev"));
        assert!(remedy_for("InvalidSignatureException", "Signature expired: x").unwrap().contains("clock"));
        assert!(remedy_for("AccessDenied", "no").unwrap().contains("lambda-policy"));
        assert_eq!(remedy_for("SlowDown", "wait"), None);
        assert_eq!(remedy(&anyhow::anyhow!("the disk is full"), &profile, SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn grows_to_its_limit() {
        let delays: Vec<u128> = retrying(8).build().map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [300, 600, 1200, 2400, 4800, 9600, 10_000, 10_000]);
    }

    #[test]
    fn polling_never_lags_more_than_a_tenth_and_a_moment() {
        let mut waited = 0.0;
        for delay in polling().build().take(100) {
            let delay = delay.as_secs_f64();
            assert!(delay <= 0.2 + 0.1 * waited + 1e-6 && delay <= 3.0);
            waited += delay;
        }
    }
}
