//! Emptying a bucket to the last version, delete marker and unfinished upload.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{Delete, EncodingType, ObjectIdentifier},
};
use backon::{BackoffBuilder, Retryable};
use futures_util::{TryStreamExt, stream};

use crate::aws::{
    clients::Clients,
    faults::{self, Fault},
};

/// What emptying a bucket took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Emptied {
    /// Versions and delete markers that were deleted.
    pub versions: u64,
    /// Multipart uploads that were aborted.
    pub uploads: u64,
    /// Listings of the whole bucket; the last one found nothing that can be deleted.
    pub passes: u32,
    /// What is left because S3 refuses to delete it.
    pub undeletable: Undeletable,
}

/// The key and the version (or the upload's id) of what S3 refuses to delete, with the reason that it gives: a legal
/// hold, or a policy.
pub type Undeletable = BTreeMap<(String, String), String>;

/// The result of one pass, or of a part of it.
#[derive(Default)]
struct Pass {
    deleted: u64,
    refused: Undeletable,
}

/// Delete calls of 1,000 keys in flight. A prefix takes 3,500 writes a second, so more would only be throttled.
const IN_FLIGHT: usize = 4;

/// A bucket that still fills after this many passes has a writer that nothing stops.
const MOST_PASSES: usize = 30;

/// Deletes everything in a bucket that S3 lets go, pass after pass until one finds nothing of the kind.
/// `prove` is asked between the listing of a page and its deletion, so that what
/// took the bucket's place is not deleted. `progress` hears of every batch, with
/// the total so far. A bucket that is not there is empty.
///
/// # Errors
/// When the bucket can't be listed or keeps filling, or `prove` fails.
pub async fn empty(
    clients: &Clients,
    bucket: &str,
    prove: impl AsyncFn() -> anyhow::Result<()>,
    progress: &dyn Fn(u64),
) -> anyhow::Result<Emptied> {
    let mut emptied = Emptied::default();
    for pause in faults::polling().with_max_times(MOST_PASSES).build() {
        emptied.passes += 1;
        let reported = |n| progress(emptied.versions + n);
        let (versions, uploads) = tokio::try_join!(
            delete_versions(clients, bucket, &emptied.undeletable, &prove, &reported),
            abort_uploads(clients, bucket, &emptied.undeletable, &prove)
        )?;
        emptied.versions += versions.deleted;
        emptied.uploads += uploads.deleted;
        emptied.undeletable.extend(versions.refused.into_iter().chain(uploads.refused));
        if versions.deleted == 0 && uploads.deleted == 0 {
            return Ok(emptied);
        }
        if emptied.passes > 2 {
            tokio::time::sleep(pause).await;
        }
    }
    bail!("bucket {bucket} was emptied {MOST_PASSES} times and is still not empty: something is still writing to it");
}

/// Whether nothing is in a bucket: no version and no delete marker.
///
/// # Errors
/// When the bucket can't be listed.
pub async fn is_empty(clients: &Clients, bucket: &str) -> anyhow::Result<bool> {
    list_page(clients, bucket, Marker::default()).await.map(|(objects, _)| objects.is_empty())
}

/// One pass over all but the objects that are `known` to stay: listing runs ahead while up to [`IN_FLIGHT`] batches
/// are deleted.
async fn delete_versions(
    clients: &Clients,
    bucket: &str,
    known: &Undeletable,
    prove: &impl AsyncFn() -> anyhow::Result<()>,
    progress: &dyn Fn(u64),
) -> anyhow::Result<Pass> {
    let pages = stream::try_unfold(Some(Marker::default()), |from| async move {
        let Some(from) = from else { return Ok(None) };
        let (mut objects, next) = list_page(clients, bucket, from).await?;
        objects.retain(|object| !known.contains_key(&name_of(object)));
        Ok::<_, anyhow::Error>(Some((objects, next)))
    });
    pages
        .try_filter(|page| std::future::ready(!page.is_empty()))
        .map_ok(|page| async move {
            prove().await?;
            delete_page(clients, bucket, page).await
        })
        .try_buffer_unordered(IN_FLIGHT)
        .try_fold(Pass::default(), |mut pass, batch| {
            pass.deleted += batch.deleted;
            pass.refused.extend(batch.refused);
            progress(pass.deleted);
            std::future::ready(Ok(pass))
        })
        .await
}

/// The key and the version.
fn name_of(object: &ObjectIdentifier) -> (String, String) {
    (object.key().to_owned(), object.version_id().unwrap_or_default().to_owned())
}

/// Where a listing continues: S3 has no paginator for versions, so both markers have to be followed.
#[derive(Default)]
struct Marker {
    key: Option<String>,
    version: Option<String>,
}

async fn list_page(
    clients: &Clients,
    bucket: &str,
    from: Marker,
) -> anyhow::Result<(Vec<ObjectIdentifier>, Option<Marker>)> {
    let request = clients.s3.list_object_versions().bucket(bucket).max_keys(1000).encoding_type(EncodingType::Url);
    let request = request.set_key_marker(from.key).set_version_id_marker(from.version);
    let again = faults::retrying(TRIES - 1);
    let page = match (|| request.clone().send()).retry(again).when(faults::is_transient).await {
        Err(error) if faults::is_absent(&error) => return Ok((Vec::new(), None)),
        page => page.map_err(faults::as_error).and_then(|page| read_page(&page)),
    };
    page.with_context(|| format!("listing the versions in bucket {bucket}"))
}

fn read_page(page: &ListObjectVersionsOutput) -> anyhow::Result<(Vec<ObjectIdentifier>, Option<Marker>)> {
    let decoded = |text: &str| listed(text, page.encoding_type());
    let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
    let markers = page.delete_markers().iter().map(|m| (m.key(), m.version_id()));
    let objects = versions
        .chain(markers)
        .map(|(key, version)| identifier(key.map(decoded).transpose()?, version))
        .collect::<Result<_, _>>()?;
    if page.is_truncated() != Some(true) {
        return Ok((objects, None));
    }
    let key = page.next_key_marker().map(decoded).transpose()?;
    Ok((objects, Some(Marker { key, version: page.next_version_id_marker().map(str::to_owned) })))
}

fn identifier(key: Option<String>, version: Option<&str>) -> anyhow::Result<ObjectIdentifier> {
    let key = key.context("an object without a key")?;
    // Objects from before versioning have the version "null", which must be named to be deleted.
    ObjectIdentifier::builder().key(key).version_id(version.unwrap_or("null")).build().context("an object's name")
}

/// How often one call, or the keys that it left over, are tried.
const TRIES: usize = 10;

/// Deletes one page's objects by one call, but for those whose key would make
/// that call's XML malformed; S3 refuses it as a whole then.
async fn delete_page(clients: &Clients, bucket: &str, objects: Vec<ObjectIdentifier>) -> anyhow::Result<Pass> {
    let total = objects.len() as u64;
    let (batch, single): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| fits_xml(object.key()));
    let mut refused = delete_batch(clients, bucket, batch).await?;
    for object in single {
        if let Some(why) = delete_one(clients, bucket, &object).await? {
            refused.insert(name_of(&object), why);
        }
    }
    Ok(Pass { deleted: total - refused.len() as u64, refused })
}

/// The key is in the address here, where every character can be. Gives the reason for which it is refused.
async fn delete_one(clients: &Clients, bucket: &str, object: &ObjectIdentifier) -> anyhow::Result<Option<String>> {
    let request = clients.s3.delete_object().bucket(bucket).key(object.key());
    match request.set_version_id(object.version_id().map(str::to_owned)).send().await {
        Err(error) if faults::of(&error) == Fault::Denied => Ok(Some(reason(error.message(), error.code()))),
        Err(error) if !faults::is_absent(&error) => {
            Err(faults::as_error(error).context(format!("deleting {:?} in bucket {bucket}", object.key())))
        }
        _ => Ok(None),
    }
}

/// S3 reports refused keys inside HTTP 200, which no retry of the SDK sees:
/// keys that may pass later are asked for again. Gives what stays.
async fn delete_batch(
    clients: &Clients,
    bucket: &str,
    mut objects: Vec<ObjectIdentifier>,
) -> anyhow::Result<Undeletable> {
    let mut refused = Undeletable::new();
    for (attempt, pause) in (1..).zip(faults::retrying(TRIES).build()) {
        if objects.is_empty() {
            break;
        }
        let delete =
            Delete::builder().set_objects(Some(objects.clone())).quiet(true).build().context("a delete call")?;
        match clients.s3.delete_objects().bucket(bucket).delete(delete).send().await {
            Ok(answer) => {
                let left = LeftOver::of(answer.errors()).with_context(|| format!("in bucket {bucket}"))?;
                refused.extend(left.refused);
                objects = left.again;
            }
            Err(error) if faults::is_absent(&error) => return Ok(Undeletable::new()),
            Err(error) if faults::is_transient(&error) && attempt < TRIES => {}
            Err(error) => return Err(faults::as_error(error).context(format!("deleting objects in bucket {bucket}"))),
        }
        if !objects.is_empty() {
            tokio::time::sleep(pause).await;
        }
    }
    let tired = |object| (name_of(object), format!("S3 was busy in {TRIES} tries"));
    refused.extend(objects.iter().map(tired));
    Ok(refused)
}

/// What a delete call did not delete.
#[derive(Debug, Default)]
struct LeftOver {
    /// What may be deleted later.
    again: Vec<ObjectIdentifier>,
    refused: Undeletable,
}

impl LeftOver {
    fn of(errors: &[aws_sdk_s3::types::Error]) -> anyhow::Result<Self> {
        let mut left = Self::default();
        for error in errors {
            let object = identifier(error.key().map(str::to_owned), error.version_id())?;
            match faults::by_code(error.code().unwrap_or_default()) {
                Fault::Absent => {}
                Fault::Transient => left.again.push(object),
                _ => _ = left.refused.insert(name_of(&object), reason(error.message(), error.code())),
            }
        }
        Ok(left)
    }
}

fn reason(message: Option<&str>, code: Option<&str>) -> String {
    format!("{} ({})", message.unwrap_or("no message"), code.unwrap_or("no code"))
}

async fn abort_uploads(
    clients: &Clients,
    bucket: &str,
    known: &Undeletable,
    prove: &impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<Pass> {
    let mut pass = Pass::default();
    let (mut key, mut id) = (None, None);
    loop {
        let request = clients.s3.list_multipart_uploads().bucket(bucket).encoding_type(EncodingType::Url);
        let page = match request.set_key_marker(key).set_upload_id_marker(id).send().await {
            Ok(page) => page,
            Err(error) if faults::is_absent(&error) => return Ok(pass),
            Err(error) => {
                return Err(faults::as_error(error).context(format!("listing the uploads to bucket {bucket}")));
            }
        };
        if !page.uploads().is_empty() {
            prove().await?;
        }
        for upload in page.uploads() {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
            let key = listed(key, page.encoding_type())?;
            let name = (key.clone(), id.to_owned());
            if known.contains_key(&name) {
                continue;
            }
            match clients.s3.abort_multipart_upload().bucket(bucket).key(&key).upload_id(id).send().await {
                Ok(_) => pass.deleted += 1,
                Err(error) if faults::is_absent(&error) => {}
                Err(error) if faults::of(&error) == Fault::Denied => {
                    pass.refused.insert(name, reason(error.message(), error.code()));
                }
                Err(error) => {
                    return Err(faults::as_error(error).context(format!("aborting the upload of s3://{bucket}/{key}")));
                }
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(pass);
        }
        key = page.next_key_marker().map(|text| listed(text, page.encoding_type())).transpose()?;
        id = page.next_upload_id_marker().map(str::to_owned);
    }
}

/// A key or a marker as a listing gave it: encoded like a form's field where
/// the listing says so. S3 does as it is asked; an emulator may not.
fn listed(text: &str, encoding: Option<&EncodingType>) -> anyhow::Result<String> {
    match encoding {
        Some(EncodingType::Url) => decoded(text).with_context(|| format!("a listing has the key {text:?}")),
        _ => Ok(text.to_owned()),
    }
}

/// Decodes a form's field. `form_urlencoded` would take what is badly encoded for plain text, and another key
/// would be deleted.
fn decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let hex = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).context("it is badly encoded");
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (hex(rest.next())? * 16 + hex(rest.next())?) as u8,
            plain => plain,
        });
    }
    String::from_utf8(bytes).context("it is badly encoded")
}

/// Whether XML 1.0 has all of a key's characters. It lacks most control
/// characters, even escaped.
fn fits_xml(key: &str) -> bool {
    key.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> aws_sdk_s3::types::Error {
        aws_sdk_s3::types::Error::builder().key("k").version_id("v").code(code).build()
    }

    #[test]
    fn refused_keys_are_asked_for_again_ignored_or_kept_by_code() {
        let errors = ["SlowDown", "NoSuchVersion", "InternalError", "AccessDenied"].map(error);
        let left = LeftOver::of(&errors).unwrap();
        assert_eq!(left.again.len(), 2);
        let kept = left.refused.into_iter().collect::<Vec<_>>();
        assert_eq!(kept, [(("k".to_owned(), "v".to_owned()), "no message (AccessDenied)".to_owned())]);
    }

    #[test]
    fn keys_are_decoded_where_the_listing_says_so() {
        let url = Some(&EncodingType::Url);
        assert_eq!(listed("a+b/%2B%25/%C3%BC%01", url).unwrap(), "a b/+%/ü\u{1}");
        assert_eq!(listed("a+b%2B", None).unwrap(), "a+b%2B");
        for bad in ["%", "%1", "%zz", "%+1", "%FF"] {
            assert!(listed(bad, url).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn control_characters_but_tabs_and_line_ends_are_not_in_xml() {
        for key in ["a b\t\n\r", "&<>\"'", "ü\u{85}\u{2028}", "日本語/🎬"] {
            assert!(fits_xml(key), "{key:?}");
        }
        for key in ["a\u{0}", "a\u{1}", "\u{b}a", "a\u{1f}b", "\u{fffe}"] {
            assert!(!fits_xml(key), "{key:?}");
        }
    }
}
