//! Buckets and the objects in them.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration, Tag, Tagging},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use backon::Retryable;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::AsyncWriteExt;

use crate::{
    aws::{
        access::transfers,
        clients::Clients,
        emptying,
        faults::{self, Fault, settling},
        region::Region,
    },
    console::Reporter,
    tools::folder::{Folder, Part},
};

/// Whether there is a bucket of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketState {
    /// No bucket of this name answers to these credentials.
    Absent,
    /// A bucket that these credentials may see.
    Ours,
    /// A bucket of someone else, or one that may not be seen.
    Forbidden,
}

/// Looks for a bucket.
///
/// # Errors
/// When the service gives no clear answer.
pub async fn bucket_state(clients: &Clients, bucket: &str) -> anyhow::Result<BucketState> {
    match clients.s3.head_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(BucketState::Ours),
        Err(error) => match faults::of(&error) {
            Fault::Absent => Ok(BucketState::Absent),
            Fault::Denied => Ok(BucketState::Forbidden),
            _ => Err(faults::as_error(error).context(format!("looking for bucket {bucket}"))),
        },
    }
}

/// Creates a private bucket, of a name that was proved unused, and tags it.
///
/// # Errors
/// When someone created it meanwhile, the name is taken or a call is refused.
pub async fn create_bucket(
    clients: &Clients,
    bucket: &str,
    region: &Region,
    tags: &[(&str, &str)],
) -> anyhow::Result<()> {
    let mut request = clients.s3.create_bucket().bucket(bucket);
    if region.as_str() != "us-east-1" {
        let place = BucketLocationConstraint::from(region.as_str());
        request = request
            .create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(place).build());
    }
    match (|| request.clone().send()).retry(settling()).when(conflicting).await {
        // The answer to an earlier try was lost, or someone else in this account created it. In us-east-1 S3 reports
        // neither.
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => {}
        created => {
            created.map_err(faults::as_error).with_context(|| format!("creating bucket {bucket}"))?;
        }
    }
    let (tagged, is_empty) = tokio::join!(bucket_tags(clients, bucket), emptying::is_empty(clients, bucket));
    // One that is not visible yet is new.
    ensure!(
        tagged?.is_none_or(|tags| tags.is_empty()) && is_empty?,
        "bucket {bucket} has tags or content, so someone else in this account created it; it is left alone: run this again"
    );
    let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
    let set = tags.iter().map(tag).collect::<Result<Vec<_>, _>>().context("tags")?;
    let tagging = Tagging::builder().set_tag_set(Some(set)).build().context("tags")?;
    let tagged = clients.s3.put_bucket_tagging().bucket(bucket).tagging(tagging);
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let closed = clients.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
    let (tagged, closed) = tokio::join!(
        (|| tagged.clone().send()).retry(settling()).when(not_settled),
        (|| closed.clone().send()).retry(settling()).when(not_settled),
    );
    tagged.map_err(faults::as_error).with_context(|| format!("tagging bucket {bucket}"))?;
    closed.map_err(faults::as_error).with_context(|| format!("blocking public access to bucket {bucket}"))?;
    Ok(())
}

/// A bucket's tags; `None` when the bucket is not there.
///
/// # Errors
/// When they can't be read.
pub async fn bucket_tags(clients: &Clients, bucket: &str) -> anyhow::Result<Option<Vec<(String, String)>>> {
    match clients.s3.get_bucket_tagging().bucket(bucket).send().await {
        Ok(answer) => Ok(Some(answer.tag_set().iter().map(|t| (t.key().to_owned(), t.value().to_owned())).collect())),
        Err(error) if faults::is_absent(&error) => match bucket_state(clients, bucket).await? {
            BucketState::Absent => Ok(None),
            _ => Ok(Some(Vec::new())),
        },
        Err(error) => Err(faults::as_error(error).context(format!("reading the tags of bucket {bucket}"))),
    }
}

/// How long a bucket that was just made may be missing in a list of all.
pub const LISTED: Duration = Duration::from_secs(3);

/// As many as a page may have: one call for nearly every account.
const BUCKETS_ON_A_PAGE: i32 = 10_000;

/// The names of the account's buckets that start with one of `prefixes`.
///
/// # Errors
/// When the buckets can't be listed.
pub async fn buckets_starting(clients: &Clients, prefixes: &[String]) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    // An account whose quota of buckets was raised must say how many it wants at once.
    let mut pages = clients.s3.list_buckets().into_paginator().page_size(BUCKETS_ON_A_PAGE).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(faults::as_error).context("listing the account's buckets")?;
        names.extend(page.buckets().iter().filter_map(|b| b.name()).map(str::to_owned));
    }
    names.retain(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    Ok(names)
}

/// The result of deleting a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// There is none of that name any more.
    Gone,
    /// Something is in it, or was a moment ago.
    NotEmpty,
}

/// Deletes an empty bucket. One that is gone is fine.
///
/// # Errors
/// When the call is refused.
pub async fn delete_bucket(clients: &Clients, bucket: &str) -> anyhow::Result<Deleted> {
    let delete = || clients.s3.delete_bucket().bucket(bucket).send();
    match delete.retry(settling()).when(conflicting).await {
        Ok(_) => Ok(Deleted::Gone),
        Err(error) if faults::is_absent(&error) => Ok(Deleted::Gone),
        Err(error) if error.code() == Some("BucketNotEmpty") => Ok(Deleted::NotEmpty),
        Err(error) => Err(faults::as_error(error).context(format!("deleting bucket {bucket}"))),
    }
}

/// Another change of the bucket that is under way passes; what is not there is gone.
fn conflicting<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("OperationAborted")
}

/// A bucket's configurations are eventually consistent.
fn not_settled<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(faults::of(error), Fault::Absent | Fault::Transient | Fault::Unanswered)
}

/// Uploads bytes.
///
/// # Errors
/// When the upload is refused.
pub async fn upload(clients: &Clients, bucket: &str, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
    let request = clients.s3.put_object().bucket(bucket).key(key).content_type("application/gzip");
    request
        .body(ByteStream::from(bytes))
        .customize()
        .interceptor(Outgoing { reporter: clients.console.reporter() })
        .config_override(aws_sdk_s3::config::Builder::new().timeout_config(transfers()))
        .send()
        .await
        .map_err(faults::as_error)
        .with_context(|| format!("uploading s3://{bucket}/{key}"))?;
    Ok(())
}

/// How often a download that broke off is tried.
const DOWNLOAD_TRIES: usize = 5;

/// Downloads an object; the file appears under its name only when it is whole.
///
/// # Errors
/// When the object is not there, or every try broke off.
pub async fn download(clients: &Clients, bucket: &str, key: &str, folder: &Folder, name: &str) -> anyhow::Result<u64> {
    let again = faults::retrying(DOWNLOAD_TRIES - 1);
    let once = || download_once(clients, bucket, key, folder, name);
    let downloaded = once.retry(again).when(|error| matches!(error, Broken::OnTheWay(_))).await;
    let (part, bytes) = downloaded.map_err(|error| match error {
        Broken::ForGood(error) => error.context(format!("downloading s3://{bucket}/{key}")),
        Broken::OnTheWay(error) => {
            error.context(format!("downloading s3://{bucket}/{key} was interrupted {DOWNLOAD_TRIES} times"))
        }
    })?;
    part.finish()?;
    Ok(bytes)
}

enum Broken {
    OnTheWay(anyhow::Error),
    ForGood(anyhow::Error),
}

async fn download_once(
    clients: &Clients,
    bucket: &str,
    key: &str,
    folder: &Folder,
    name: &str,
) -> Result<(Part, u64), Broken> {
    let answer =
        clients.s3.get_object().bucket(bucket).key(key).send().await.map_err(|error| match faults::of(&error) {
            Fault::Transient => Broken::OnTheWay(faults::as_error(error)),
            _ => Broken::ForGood(faults::as_error(error)),
        })?;
    let promised = answer.content_length();
    let reporter = clients.console.reporter();
    let shown = |done| show(&reporter, done, promised.and_then(|bytes| u64::try_from(bytes).ok()));
    let part = folder.begin(name).map_err(Broken::ForGood)?;
    let written = write_body(answer.body, &part, &shown).await;
    let written =
        written.map_err(|error| if is_disk(&error) { Broken::ForGood(error) } else { Broken::OnTheWay(error) })?;
    let whole = || {
        ensure!(
            promised.is_none_or(|p| u64::try_from(p) == Ok(written)),
            "only {written} of {promised:?} bytes arrived"
        );
        Ok(())
    };
    whole().map_err(Broken::OnTheWay)?;
    Ok((part, written))
}

async fn write_body(mut body: ByteStream, part: &Part, shown: &dyn Fn(u64)) -> anyhow::Result<u64> {
    let file = part.file.try_clone().with_context(|| format!("{}", part.path().display()))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut written = 0;
    loop {
        let next = tokio::time::timeout(Duration::from_secs(60), body.try_next()).await;
        let next = next.map_err(|_| anyhow!("no data arrived for a minute"))?;
        let Some(bytes) = next.map_err(|e| anyhow!(e))? else { break };
        file.write_all(&bytes).await.with_context(|| format!("{}", part.path().display()))?;
        written += bytes.len() as u64;
        shown(written);
    }
    file.flush().await.with_context(|| format!("{}", part.path().display()))?;
    Ok(written)
}

fn is_disk(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some()
}

/// Shows how many of `total` bytes have been transferred, as text and as a share.
fn show(reporter: &Reporter, done: u64, total: Option<u64>) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    match total {
        Some(total) => {
            let share = if total == 0 { 1.0 } else { done as f64 / total as f64 };
            reporter.now_at(&format!("{:.1} of {:.1} MiB", mib(done), mib(total)), Some(share));
        }
        None => reporter.now_at(&format!("{:.1} MiB", mib(done)), None),
    }
}

/// Shows how a request's body goes out. It changes the body after it was signed,
/// and gives the same bytes, in pieces.
#[derive(Debug)]
struct Outgoing {
    reporter: Reporter,
}

impl Intercept for Outgoing {
    fn name(&self) -> &'static str {
        "Outgoing"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        if !self.reporter.is_shown() {
            return Ok(());
        }
        // A body that is not in memory is left as it is.
        if let Some(bytes) = body.bytes().map(Bytes::copy_from_slice) {
            let (left, total) = (bytes.clone(), bytes.len() as u64);
            *body = SdkBody::from_body_1_x(InPieces { left, total, reporter: self.reporter.clone() });
        }
        Ok(())
    }
}

struct InPieces {
    left: Bytes,
    total: u64,
    reporter: Reporter,
}

const PIECE: usize = 64 << 10;

impl Body for InPieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.left.len().min(PIECE);
        let piece = self.left.split_to(length);
        show(&self.reporter, self.total - self.left.len() as u64, Some(self.total));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
