//! One client for each service that the tool calls, their keys, and the log of their calls.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use aws_credential_types::{
    Credentials,
    provider::{
        ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future::ProvideCredentials as Answer,
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, SharedInterceptor,
            context::{
                BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
                FinalizerInterceptorContextRef,
            },
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::{
    aws::{access::Access, region::Region, settings::Settings, signed_request::error_in},
    console::Console,
};

/// The SDK clients of one target.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Buckets.
    pub s3: aws_sdk_s3::Client,
    /// The account that has to own all buckets.
    owner: BucketOwner,
    /// Executions.
    pub sfn: aws_sdk_sfn::Client,
    /// Identity.
    pub sts: aws_sdk_sts::Client,
    /// The region of all calls.
    pub(crate) region: Region,
    /// Where the calls of [`crate::aws::signed_calls`] go, and how.
    pub(crate) settings: Settings,
    /// What they are signed with.
    pub keys: Keys,
    /// The longest pause between two looks at a running execution.
    pub(crate) notice: Duration,
    /// Where calls and transfers are reported.
    pub(crate) console: Console,
}

/// An account may describe 10 to 15 executions a second, all of its users together.
const NOTICE_ON_AWS: Duration = Duration::from_millis(800);

/// An emulator has one user, but renders on the same processors.
const NOTICE_HERE: Duration = Duration::from_millis(150);

impl Clients {
    /// Clients for `access` that report their calls and transfers to `console`.
    pub async fn new(access: &Access, console: &Console) -> Self {
        let config = access.sdk_config().await;
        let mut s3 = aws_sdk_s3::config::Builder::from(&config);
        let mut sfn = aws_sdk_sfn::config::Builder::from(&config);
        let mut sts = aws_sdk_sts::config::Builder::from(&config);
        let endpoint_of = |service| access.settings.endpoint_of(service).map(str::to_owned);
        s3.set_endpoint_url(endpoint_of("s3"));
        sfn.set_endpoint_url(endpoint_of("sfn"));
        sts.set_endpoint_url(endpoint_of("sts"));
        // As botocore: the name of a bucket is part of the host's at AWS's own endpoints alone.
        s3.set_force_path_style(endpoint_of("s3").map(|_| true));
        let owner = BucketOwner::default();
        s3.push_interceptor(SharedInterceptor::new(owner.clone()));
        let logger = SharedInterceptor::new(RequestLogger { console: console.clone() });
        s3.push_interceptor(logger.clone());
        sfn.push_interceptor(logger.clone());
        sts.push_interceptor(logger);
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            owner,
            sfn: aws_sdk_sfn::Client::from_conf(sfn.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            keys: Keys::of(config.credentials_provider()),
            settings: access.settings.clone(),
            region: access.region.clone(),
            notice: if access.target.host_on_this_machine().is_some() { NOTICE_HERE } else { NOTICE_ON_AWS },
            console: console.clone(),
        }
    }

    /// From now on S3 refuses calls on buckets that another account owns.
    pub fn expect_bucket_owner(&self, account: &str) {
        self.owner.set(account);
    }
}

/// Credentials from the caller's chain. Each question may be a call of STS or SSO, so the answer is kept until it
/// expires. Signed calls and `sam` use them.
#[derive(Debug, Clone)]
pub struct Keys {
    provider: Option<SharedCredentialsProvider>,
    kept: Arc<Mutex<Option<Credentials>>>,
}

/// Keys that expire sooner are renewed, as a child that gets them has to end in time.
const SPARE: Duration = Duration::from_secs(5 * 60);

impl Keys {
    /// Keys of a chain of credentials, where there is one.
    pub fn of(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, kept: Arc::default() }
    }

    /// Keys that are valid now.
    ///
    /// # Errors
    /// When the chain has none.
    pub async fn now(&self) -> anyhow::Result<Credentials> {
        let kept = self.kept.lock().expect("no holder panics").clone();
        if let Some(keys) = kept.filter(|keys| lasts(keys, SystemTime::now())) {
            return Ok(keys);
        }
        let provider = self.provider.as_ref().context("no credentials")?;
        let keys = provider.provide_credentials().await.context("no credentials")?;
        *self.kept.lock().expect("no holder panics") = Some(keys.clone());
        Ok(keys)
    }
}

/// A chain of credentials that refuses a key with a space or a line break, as at the end of one that was read from a
/// file: the SDK panics when it puts such a key into a header.
#[derive(Debug)]
pub(crate) struct Printable(pub SharedCredentialsProvider);

impl ProvideCredentials for Printable {
    fn provide_credentials<'a>(&'a self) -> Answer<'a>
    where
        Self: 'a,
    {
        Answer::new(async {
            let keys = self.0.provide_credentials().await?;
            let token = keys.session_token().unwrap_or_default();
            let parts = [
                ("access key ID", keys.access_key_id()),
                ("secret access key", keys.secret_access_key()),
                ("session token", token),
            ];
            let wrong = parts.into_iter().find(|(_, text)| !text.chars().all(|c| c.is_ascii_graphic()));
            match wrong.map(|(part, _)| part) {
                Some(part) => Err(CredentialsError::invalid_configuration(format!(
                    "the {part} contains a space, a line break, or another character that no key has"
                ))),
                None => Ok(keys),
            }
        })
    }
}

fn lasts(keys: &Credentials, now: SystemTime) -> bool {
    keys.expiry().is_none_or(|expiry| expiry > now + SPARE)
}

/// An attempt that took so long and got no answer is reported to everyone: what follows is another wait.
const LONG: Duration = Duration::from_secs(5);

/// Reports one attempt.
pub(crate) fn report_call(
    console: &Console,
    operation: &str,
    started: Instant,
    answer: impl FnOnce() -> Result<(u16, String), String>,
) {
    if console.logs_calls() {
        let answer = answer();
        let answer = answer.as_ref().map(|(status, body)| (*status, body.as_str())).map_err(Clone::clone);
        console.call(&call_line(operation, started, answer));
    } else if started.elapsed() >= LONG && answer().is_err() {
        console.step("network", &format!("no answer to {operation} within {} s", started.elapsed().as_secs()));
    }
}

/// The line for one attempt: operation, status, time, and the error's code.
pub(crate) fn call_line(operation: &str, started: Instant, answer: Result<(u16, &str), String>) -> String {
    let ms = started.elapsed().as_millis();
    match answer {
        Ok((status, _)) if status < 400 => format!("{operation} {status} in {ms} ms"),
        Ok((status, body)) => {
            let code = error_in(body).map(|(code, _)| format!(" {code}")).unwrap_or_default();
            format!("{operation} {status}{code} in {ms} ms")
        }
        Err(error) => format!("{operation} without an answer in {ms} ms: {error}"),
    }
}

/// Reports every call of the SDK, attempt by attempt.
#[derive(Debug)]
struct RequestLogger {
    console: Console,
}

#[derive(Debug)]
struct Started(Instant);

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

impl Intercept for RequestLogger {
    fn name(&self) -> &'static str {
        "RequestLogger"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Started(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("call", Metadata::name);
        let started = config.load::<Started>().map_or_else(Instant::now, |started| started.0);
        report_call(&self.console, operation, started, || match context.response() {
            Some(response) => {
                let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
                Ok((response.status().as_u16(), body.into_owned()))
            }
            None => {
                let error = context.output_or_error().and_then(Result::err).map(|error| format!("{error:?}"));
                Err(error.unwrap_or_default().chars().take(200).collect())
            }
        });
        Ok(())
    }
}

// Lets S3 refuse every call on a bucket that another account owns (`ExpectedBucketOwner`).

/// The account that has to own every bucket, once it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct BucketOwner(Arc<OnceLock<String>>);

impl BucketOwner {
    /// Sets the account; the first one stays.
    pub(crate) fn set(&self, account: &str) {
        self.0.get_or_init(|| account.to_owned());
    }
}

/// The calls that take no owner.
const WITHOUT_OWNER: [&str; 2] = ["ListBuckets", "CreateBucket"];

impl Intercept for BucketOwner {
    fn name(&self) -> &'static str {
        "BucketOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let takes_none = config.load::<Metadata>().is_some_and(|call| WITHOUT_OWNER.contains(&call.name()));
        if let Some(account) = self.0.get()
            && !takes_none
        {
            context.request_mut().headers_mut().insert("x-amz-expected-bucket-owner", account.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider;

    use super::*;

    #[derive(Debug)]
    struct Chain {
        asked: Arc<AtomicU32>,
        lasts: Option<Duration>,
    }

    impl ProvideCredentials for Chain {
        fn provide_credentials<'a>(&'a self) -> Answer<'a>
        where
            Self: 'a,
        {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let expiry = self.lasts.map(|lasts| SystemTime::now() + lasts);
            Answer::ready(provider::Result::Ok(Credentials::new("id", "secret", None, expiry, "test")))
        }
    }

    fn asked(lasts: Option<Duration>) -> u32 {
        let asked = Arc::new(AtomicU32::new(0));
        let keys = Keys::of(Some(SharedCredentialsProvider::new(Chain { asked: Arc::clone(&asked), lasts })));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..3 {
            runtime.block_on(keys.now()).unwrap();
        }
        asked.load(Ordering::SeqCst)
    }

    #[test]
    fn a_chain_is_asked_again_only_when_keys_run_out() {
        assert_eq!(asked(None), 1);
        assert_eq!(asked(Some(Duration::from_secs(3600))), 1);
        assert_eq!(asked(Some(Duration::from_secs(60))), 3);
    }

    #[test]
    fn an_attempt_is_reported_with_its_error_code() {
        let line = |answer| super::call_line("DescribeExecution", Instant::now(), answer);
        assert!(line(Ok((200, "{}"))).starts_with("DescribeExecution 200 in "));
        let throttled = line(Ok((400, r#"{"__type":"a#ThrottlingException","message":"slow"}"#)));
        assert!(throttled.starts_with("DescribeExecution 400 ThrottlingException in "), "{throttled}");
        assert!(line(Err("refused".into())).contains("without an answer in "));
    }
}
