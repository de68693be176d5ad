//! A call of a service, signed by the SDK's own signer.
//!
//! The SDK crates of Lambda, CloudWatch Logs and CloudFormation would add 38 %
//! to the build for a handful of calls (docs/performance.md); this makes those calls.

use std::time::{Instant, SystemTime};

use anyhow::{Context, anyhow};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::body::SdkBody;
use backon::BackoffBuilder;
use serde_json::Value;

use crate::aws::{
    access::{ATTEMPT, CALL},
    clients::{Clients, report_call},
    faults::{self, Fault, Refused},
    network::{Obstacle, as_error},
    region::Region,
    settings::SERVICES,
};

pub(crate) struct Call<'a> {
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    None,
    Json {
        target: &'static str,
        input: Value,
    },
    /// The query protocol: fields of a form.
    Form(Vec<(String, String)>),
    /// JSON for what method and path name.
    Rest(Value),
}

impl Body {
    pub(crate) fn form(fields: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self::Form(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Throttled or failing reads are tried this often.
const TRIES: usize = 5;

/// Calls without an answer are tried this often, for 20 s where connections are refused at once.
const TRIES_UNANSWERED: usize = 7;

impl Call<'_> {
    /// A call whose operation is in its body.
    pub(crate) fn post(service: &'static str, body: Body) -> Call<'static> {
        Call { service, method: "POST", path: "/", body }
    }

    /// A call of CloudFormation about a stack; fields without a value are left out.
    pub(crate) fn cloudformation(action: &str, stack: &str, more: &[(&str, &str)]) -> Call<'static> {
        let named = [("Action", action), ("Version", "2010-05-15"), ("StackName", stack)];
        let fields = named.iter().chain(more).copied();
        Call::post("cloudformation", Body::form(fields.filter(|(_, value)| !value.is_empty())))
    }

    /// Sends the call, again where that may help; gives status and body.
    pub(crate) async fn send(&self, clients: &Clients) -> anyhow::Result<(u16, String)> {
        let started = Instant::now();
        let mut answer = self.send_once(clients).await;
        for (tried, pause) in (1..).zip(faults::retrying(TRIES_UNANSWERED - 1).build()) {
            let again = match &answer {
                Ok((status, body)) => passes(*status, body) && tried < TRIES,
                Err(error) => Obstacle::behind(error.as_ref()).is_none() && started.elapsed() + ATTEMPT <= CALL,
            };
            if !again {
                break;
            }
            tokio::time::sleep(pause).await;
            answer = self.send_once(clients).await;
        }
        answer.with_context(|| format!("calling {}", self.operation()))
    }

    async fn send_once(&self, clients: &Clients) -> anyhow::Result<(u16, String)> {
        let started = Instant::now();
        let answer = self.answer(clients).await;
        report_call(&clients.console, self.operation(), started, || match &answer {
            Ok(answer) => Ok(answer.clone()),
            Err(error) => Err(format!("{error:#}")),
        });
        answer
    }

    /// The operation's name, where the call has one.
    fn operation(&self) -> &str {
        match &self.body {
            Body::None | Body::Rest(_) => self.path,
            Body::Json { target, .. } => target.rsplit('.').next().unwrap_or(target),
            Body::Form(fields) => fields.iter().find(|(name, _)| name == "Action").map_or("call", |(_, value)| value),
        }
    }

    async fn answer(&self, clients: &Clients) -> anyhow::Result<(u16, String)> {
        let region = &clients.region;
        // Signatures have the host's name, settings may have another.
        let named = SERVICES.into_iter().find(|(_, host)| *host == self.service).map_or(self.service, |(name, _)| name);
        let endpoint = clients.settings.address_of(named, region);
        let url = format!("{endpoint}{}", self.path);
        let (content, headers) = self.content(&endpoint)?;

        let identity = clients.keys.now().await?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region_of(self.service, region))
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            self.method,
            &url,
            headers.iter().map(|(name, value)| (*name, value.as_str())),
            SignableBody::Bytes(content.as_bytes()),
        )?;
        let (instructions, _) = sign(signable, &params)?.into_parts();

        let mut request = http::Request::builder().method(self.method).uri(url);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        let request = HttpRequest::try_from(request.body(SdkBody::from(content))?)?;
        let connector = clients.settings.network.connector();
        let answer = async {
            let response = connector.call(request).await.map_err(as_error)?;
            let status = response.status().as_u16();
            Ok((status, read_all(response.into_body()).await?))
        };
        // The body may stop coming, which the connector does not see.
        let answer = tokio::time::timeout(ATTEMPT, answer).await;
        answer.map_err(|_| anyhow!("no answer within {} s", ATTEMPT.as_secs()))?
    }

    fn content(&self, endpoint: &str) -> anyhow::Result<(String, Vec<(&'static str, String)>)> {
        let host = ("host", host_of(endpoint)?);
        let kind = |kind: &str| ("content-type", kind.to_owned());
        Ok(match &self.body {
            Body::None => (String::new(), vec![host]),
            Body::Json { target, input } => {
                // Step Functions has an older protocol than the other services.
                let version = if target.starts_with("AWSStepFunctions") { "1.0" } else { "1.1" };
                let headers = vec![
                    host,
                    kind(&format!("application/x-amz-json-{version}")),
                    ("x-amz-target", (*target).to_owned()),
                ];
                (input.to_string(), headers)
            }
            Body::Rest(input) => (input.to_string(), vec![host, kind("application/json")]),
            Body::Form(fields) => {
                let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                (form, vec![host, kind("application/x-www-form-urlencoded")])
            }
        })
    }
}

/// Whether the same call may succeed later. Only an error is looked into: what a
/// function logged may name any error.
fn passes(status: u16, body: &str) -> bool {
    let passing = || error_in(body).is_some_and(|(code, _)| faults::by_code(&code) == Fault::Transient);
    status == 429 || status >= 500 || (status >= 400 && passing())
}

async fn read_all(body: SdkBody) -> anyhow::Result<String> {
    let bytes = aws_sdk_s3::primitives::ByteStream::new(body).collect().await.context("reading an answer")?;
    Ok(String::from_utf8_lossy(&bytes.into_bytes()).into_owned())
}

/// The region that a service's requests are signed for: IAM has one for each partition.
fn region_of<'a>(service: &str, region: &'a Region) -> &'a str {
    if service == "iam" { region.of_iam() } else { region.as_str() }
}

fn host_of(endpoint: &str) -> anyhow::Result<String> {
    let host = endpoint.split_once("://").map(|(_, rest)| rest).context("an endpoint without a scheme")?;
    Ok(host.to_owned())
}

/// The body of an answer; one of any status but 200 is an error.
pub(crate) fn accepted((status, body): (u16, String)) -> anyhow::Result<String> {
    if status == 200 { Ok(body) } else { Err(refusal(status, &body).into()) }
}

/// An answer that is an error, as in `AccessDenied: not allowed (HTTP 403)`.
pub(crate) fn refusal(status: u16, body: &str) -> Refused {
    match error_in(body) {
        Some((code, message)) => Refused::new(status, Some(&code), Some(&message)),
        None => Refused::new(status, None, Some(&body.chars().take(300).collect::<String>())),
    }
}

/// Code and message of an answer that is an error.
pub(crate) fn error_in(body: &str) -> Option<(String, String)> {
    error_in_xml(body).or_else(|| error_in_json(body))
}

fn error_in_xml(body: &str) -> Option<(String, String)> {
    let document = roxmltree::Document::parse(body).ok()?;
    let text = |name| document.descendants().find(|n| n.tag_name().name() == name)?.text();
    Some((text("Code")?.to_owned(), text("Message").unwrap_or_default().to_owned()))
}

fn error_in_json(body: &str) -> Option<(String, String)> {
    let error: Value = serde_json::from_str(body).ok()?;
    let text = |names: [&str; 2]| names.iter().find_map(|name| error[name].as_str());
    let code = text(["__type", "Type"])?;
    let code = code.rsplit('#').next().unwrap_or(code);
    Some((code.to_owned(), text(["message", "Message"]).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_repeated_by_its_error_code_and_not_by_its_words() {
        let throttled = "<ErrorResponse xmlns='u'><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        assert!(passes(400, throttled) && passes(429, "") && passes(502, "Bad Gateway"));
        assert!(passes(400, r#"{"__type":"OperationAbortedException","message":"m"}"#));
        assert!(!passes(400, r#"{"__type":"ResourceNotFoundException","message":"no group Throttling"}"#));
        assert!(!passes(200, r#"{"events":[{"message":"ThrottlingException"}]}"#));
    }

    #[test]
    fn refusals_have_code_and_message() {
        let xml =
            "<ErrorResponse xmlns='u'><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        assert_eq!(refusal(403, xml).to_string(), "AccessDenied: no (HTTP 403)");
        assert_eq!(refusal(400, r#"{"__type":"a#Gone","message":"it is"}"#).to_string(), "Gone: it is (HTTP 400)");
        assert_eq!(
            refusal(404, r#"{"Type":"User","Message":"Function not found"}"#).to_string(),
            "User: Function not found (HTTP 404)"
        );
        assert_eq!(refusal(502, "Bad Gateway").to_string(), "Bad Gateway (HTTP 502)");
    }
}
