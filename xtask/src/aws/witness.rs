//! Tells of every call of the SDK, attempt by attempt, for those who asked to see them.

use std::time::Instant;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, SharedInterceptor,
            context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::signed_request::told_in;
use crate::console::Console;

/// An interceptor for a client; `None` when nobody wants to see calls.
pub(super) fn interceptor(console: &Console) -> Option<SharedInterceptor> {
    console.tells_calls().then(|| SharedInterceptor::new(Witness { console: console.clone() }))
}

/// What is said of one attempt: operation, status, time, and the error's code.
pub(super) fn told(operation: &str, started: Instant, answer: Result<(u16, &str), String>) -> String {
    let ms = started.elapsed().as_millis();
    match answer {
        Ok((status, _)) if status < 400 => format!("{operation} {status} in {ms} ms"),
        Ok((status, body)) => {
            let code = told_in(body).map(|(code, _)| format!(" {code}")).unwrap_or_default();
            format!("{operation} {status}{code} in {ms} ms")
        }
        Err(error) => format!("{operation} without an answer in {ms} ms: {error}"),
    }
}

#[derive(Debug)]
struct Witness {
    console: Console,
}

#[derive(Debug)]
struct Started(Instant);

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Witness {
    fn name(&self) -> &'static str {
        "Witness"
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
        let answer = match context.response() {
            Some(response) => {
                let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
                told(operation, started, Ok((response.status().as_u16(), &body)))
            }
            None => {
                let error = context.output_or_error().and_then(Result::err).map(|error| format!("{error:?}"));
                let error: String = error.unwrap_or_default().chars().take(200).collect();
                told(operation, started, Err(error))
            }
        };
        self.console.call(&answer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_told_with_its_error_code() {
        let told = |answer| super::told("DescribeExecution", Instant::now(), answer);
        assert!(told(Ok((200, "{}"))).starts_with("DescribeExecution 200 in "));
        let throttled = told(Ok((400, r#"{"__type":"a#ThrottlingException","message":"slow"}"#)));
        assert!(throttled.starts_with("DescribeExecution 400 ThrottlingException in "), "{throttled}");
        assert!(told(Err("refused".into())).contains("without an answer in "));
    }
}
