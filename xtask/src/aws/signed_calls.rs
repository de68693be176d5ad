//! Whether a function or a log group is gone, and removing a log group that
//! outlived its stack.
//!
//! The SDK crates of Lambda and CloudWatch Logs would add minutes of build for
//! three calls. These are the calls, signed by the SDK's own signer.

use std::time::SystemTime;

use anyhow::{Context, anyhow, bail};
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::Clients;

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The service says that there is none.
    Absent,
    /// It is there.
    Present,
}

/// Looks for a function (Lambda GetFunctionConfiguration).
///
/// # Errors
/// When the service gives no clear answer.
pub async fn function(clients: &Clients, name: &str) -> anyhow::Result<Presence> {
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let call = Call { service: "lambda", method: "GET", path: &path, target: None, body: String::new() };
    let (status, body) = call.send(clients).await.with_context(|| format!("looking for function {name}"))?;
    match status {
        200 => Ok(Presence::Present),
        404 => Ok(Presence::Absent),
        _ => bail!("looking for function {name}: HTTP {status}: {}", short(&body)),
    }
}

/// Looks for a log group of exactly this name (Logs DescribeLogGroups).
///
/// # Errors
/// When the service gives no clear answer.
pub async fn log_group(clients: &Clients, name: &str) -> anyhow::Result<Presence> {
    let mut token = Value::Null;
    loop {
        let mut input = json!({ "logGroupNamePrefix": name });
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let target = Some("Logs_20140328.DescribeLogGroups");
        let call = Call { service: "logs", method: "POST", path: "/", target, body: input.to_string() };
        let (status, body) = call.send(clients).await.with_context(|| format!("looking for log group {name}"))?;
        if status != 200 {
            bail!("looking for log group {name}: HTTP {status}: {}", short(&body));
        }
        let answer: Value = serde_json::from_str(&body).with_context(|| format!("looking for log group {name}"))?;
        let groups = answer["logGroups"].as_array().context("DescribeLogGroups gave no list")?;
        if groups.iter().any(|group| group["logGroupName"] == name) {
            return Ok(Presence::Present);
        }
        token = answer["nextToken"].clone();
        if token.is_null() {
            return Ok(Presence::Absent);
        }
    }
}

/// Deletes a log group (Logs DeleteLogGroup). One that is gone is fine.
///
/// # Errors
/// When the call is refused.
pub async fn delete_log_group(clients: &Clients, name: &str) -> anyhow::Result<()> {
    let body = json!({ "logGroupName": name }).to_string();
    let target = Some("Logs_20140328.DeleteLogGroup");
    let call = Call { service: "logs", method: "POST", path: "/", target, body };
    let (status, body) = call.send(clients).await.with_context(|| format!("deleting log group {name}"))?;
    match status {
        200 => Ok(()),
        400 if body.contains("ResourceNotFoundException") => Ok(()),
        _ => bail!("deleting log group {name}: HTTP {status}: {}", short(&body)),
    }
}

struct Call<'a> {
    service: &'static str,
    method: &'static str,
    path: &'a str,
    target: Option<&'static str>,
    body: String,
}

/// Throttled or failing reads are tried this often.
const TRIES: u32 = 5;

impl Call<'_> {
    async fn send(&self, clients: &Clients) -> anyhow::Result<(u16, String)> {
        let mut backoff = crate::backoff::Backoff::retrying();
        for attempt in 1.. {
            match self.send_once(clients).await {
                Ok((status, body)) if status != 429 && status < 500 && !body.contains("Throttling") => {
                    return Ok((status, body));
                }
                result if attempt == TRIES => return result,
                _ => tokio::time::sleep(backoff.next_delay()).await,
            }
        }
        unreachable!("the last try returns")
    }

    async fn send_once(&self, clients: &Clients) -> anyhow::Result<(u16, String)> {
        let region = clients.config.region().context("no region")?.to_string();
        let endpoint = match clients.config.endpoint_url() {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("https://{}.{region}.{}", self.service, partition_suffix(&region)),
        };
        let url = format!("{endpoint}{}", self.path);
        let mut headers =
            vec![("host", host_of(&endpoint)?), ("content-type", "application/x-amz-json-1.1".to_owned())];
        headers.extend(self.target.map(|target| ("x-amz-target", target.to_owned())));

        let provider = clients.config.credentials_provider().context("no credentials")?;
        let identity = provider.provide_credentials().await.context("no credentials")?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            self.method,
            &url,
            headers.iter().map(|(name, value)| (*name, value.as_str())),
            SignableBody::Bytes(self.body.as_bytes()),
        )?;
        let (instructions, _) = sign(signable, &params)?.into_parts();

        let mut request = http::Request::builder().method(self.method).uri(url);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        let request = HttpRequest::try_from(request.body(SdkBody::from(self.body.clone()))?)?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(std::time::Duration::from_secs(5))
            .read_timeout(std::time::Duration::from_secs(30))
            .build();
        let sleep = aws_smithy_async::rt::sleep::default_async_sleep();
        let connector = aws_smithy_http_client::default_connector(&settings, sleep).context("no HTTP connector")?;
        let response = connector.call(request).await.map_err(|e| anyhow!(e))?;
        let status = response.status().as_u16();
        let body = read_all(response.into_body()).await?;
        Ok((status, body))
    }
}

async fn read_all(body: SdkBody) -> anyhow::Result<String> {
    let bytes = aws_sdk_s3::primitives::ByteStream::new(body).collect().await.context("reading an answer")?;
    Ok(String::from_utf8_lossy(&bytes.into_bytes()).into_owned())
}

fn host_of(endpoint: &str) -> anyhow::Result<String> {
    let host = endpoint.split_once("://").map(|(_, rest)| rest).context("an endpoint without a scheme")?;
    Ok(host.to_owned())
}

fn partition_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

fn short(body: &str) -> String {
    body.chars().take(300).collect()
}
