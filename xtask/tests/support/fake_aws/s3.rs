//! The calls of S3 that the tool makes.

use super::{
    account::{Account, Bucket, Rival},
    http::{Request, Response},
};

/// Entries on a page of any listing: few, so that every listing has several pages.
const PAGE: usize = 2;

/// The ID of the run that gets in the way.
const RIVAL_RUN: &str = "ffffffffffff";

/// A character that keys can have and XML can't.
const CONTROL: char = '\u{1}';

/// Answers a call; `None` when S3 has no such operation.
pub(super) fn answer(account: &mut Account, request: &Request) -> Option<Response> {
    let (bucket, key) = request.place();
    match request.operation() {
        "ListBuckets" => return Some(list_buckets(account, request)),
        "CreateBucket" => return Some(create_bucket(account, request)),
        _ => {}
    }
    let name = bucket;
    let Some(bucket) = account.buckets.get_mut(bucket) else {
        let known = ["Unknown", "GetFunctionConfiguration", "GetCallerIdentity"].contains(&request.operation());
        return (!known).then(|| Response::error(request, 404, "NoSuchBucket"));
    };
    Some(match request.operation() {
        "HeadBucket" | "PutPublicAccessBlock" => Response::empty(200),
        "PutBucketTagging" => {
            let body = text(request);
            bucket.tags = elements(&body, "Tag").map(|tag| (element(tag, "Key"), element(tag, "Value"))).collect();
            Response::empty(204)
        }
        "GetBucketTagging" if bucket.tags.is_empty() => Response::error(request, 404, "NoSuchTagSet"),
        "GetBucketTagging" => {
            let tag = |(key, value): &(String, String)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
            let tags: String = bucket.tags.iter().map(tag).collect();
            Response::ok(format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"))
        }
        "PutObject" => {
            bucket.put(key, "null", &request.body);
            Response::empty(200)
        }
        "GetObject" => match bucket.objects.get(&(key.to_owned(), "null".to_owned())) {
            Some(Some(content)) => Response::ok(content.clone()),
            _ => Response::error(request, 404, "NoSuchKey"),
        },
        "ListObjectVersions" => list_versions(bucket, request),
        // XML has no such character, not even escaped.
        "DeleteObjects" if text(request).contains(CONTROL) => Response::error(request, 400, "MalformedXML"),
        "DeleteObjects" => delete_objects(bucket, &text(request)),
        "DeleteObject" => {
            let version = request.param("versionId").unwrap_or_default();
            bucket.objects.remove(&(key.to_owned(), version.to_owned()));
            Response::empty(204)
        }
        "ListMultipartUploads" => list_uploads(bucket, request),
        "AbortMultipartUpload" => {
            let id = request.param("uploadId").unwrap_or_default();
            bucket.uploads.remove(&(key.to_owned(), id.to_owned()));
            Response::empty(204)
        }
        "DeleteBucket" if !bucket.objects.is_empty() || !bucket.uploads.is_empty() => {
            Response::error(request, 409, "BucketNotEmpty")
        }
        "DeleteBucket" => {
            account.buckets.remove(name);
            Response::empty(204)
        }
        _ => return None,
    })
}

fn create_bucket(account: &mut Account, request: &Request) -> Response {
    let (bucket, _) = request.place();
    match account.rival {
        Some(Rival::Fills) => account.buckets.entry(bucket.to_owned()).or_default().put("precious", "null", b"data"),
        Some(Rival::Tags) => {
            let tags = vec![("Owner".to_owned(), "someone".to_owned())];
            account.buckets.entry(bucket.to_owned()).or_default().tags = tags;
        }
        _ => {}
    }
    // In us-east-1 one's own bucket may be created again.
    if account.buckets.contains_key(bucket) && !request.body.is_empty() {
        return Response::error(request, 409, "BucketAlreadyOwnedByYou");
    }
    account.buckets.entry(bucket.to_owned()).or_default();
    match account.rival {
        Some(Rival::TakesTheName) => {
            let rival = format!("{}{RIVAL_RUN}", &bucket[..bucket.len() - RIVAL_RUN.len()]);
            account.buckets.insert(rival, Bucket::default());
        }
        Some(Rival::Deploys(stack)) => account.add_foreign(stack, "theirs"),
        _ => {}
    }
    Response::empty(200)
}

fn list_buckets(account: &Account, request: &Request) -> Response {
    // As in an account whose quota of buckets was raised: S3 rejects a listing of all of them at once.
    if request.param("max-buckets").is_none() {
        return Response::error(request, 400, "InvalidRequest");
    }
    let after = request.param("continuation-token").unwrap_or_default();
    let names: Vec<&String> = account.buckets.keys().filter(|name| name.as_str() > after).collect();
    let page = &names[..names.len().min(PAGE)];
    let shown: String = page.iter().map(|name| format!("<Bucket><Name>{name}</Name></Bucket>")).collect();
    let next = match page.last() {
        Some(last) if names.len() > page.len() => format!("<ContinuationToken>{last}</ContinuationToken>"),
        _ => String::new(),
    };
    Response::ok(format!("<ListAllMyBucketsResult><Buckets>{shown}</Buckets>{next}</ListAllMyBucketsResult>"))
}

fn list_versions(bucket: &Bucket, request: &Request) -> Response {
    let marker = |name| request.param(name).unwrap_or_default().to_owned();
    let after = (marker("key-marker"), marker("version-id-marker"));
    let rest: Vec<_> = bucket.objects.iter().filter(|(name, _)| **name > after).collect();
    let page = &rest[..rest.len().min(PAGE)];
    let shown: String = page
        .iter()
        .map(|((key, version), content)| {
            let kind = if content.is_some() { "Version" } else { "DeleteMarker" };
            format!("<{kind}><Key>{}</Key><VersionId>{version}</VersionId></{kind}>", listed(request, key))
        })
        .collect();
    let next = match page.last() {
        Some(((key, version), _)) if rest.len() > page.len() => format!(
            "<IsTruncated>true</IsTruncated><NextKeyMarker>{}</NextKeyMarker><NextVersionIdMarker>{version}</NextVersionIdMarker>",
            listed(request, key)
        ),
        _ => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    Response::ok(format!("<ListVersionsResult>{}{shown}{next}</ListVersionsResult>", encoding(request)))
}

/// A key in a listing: where the request asks for that, encoded so that XML can hold it.
fn listed(request: &Request, key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.*/".contains(&b);
    let encoded = |b: u8| match b {
        b' ' => "+".to_owned(),
        b if plain(b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    if encoding(request).is_empty() { escaped(key) } else { key.bytes().map(encoded).collect() }
}

fn encoding(request: &Request) -> String {
    request.param("encoding-type").map(|kind| format!("<EncodingType>{kind}</EncodingType>")).unwrap_or_default()
}

fn list_uploads(bucket: &Bucket, request: &Request) -> Response {
    let marker = |name| request.param(name).unwrap_or_default().to_owned();
    let after = (marker("key-marker"), marker("upload-id-marker"));
    let rest: Vec<_> = bucket.uploads.iter().filter(|upload| **upload > after).collect();
    let page = &rest[..rest.len().min(1)];
    let shown: String = page
        .iter()
        .map(|(key, id)| format!("<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>", listed(request, key)))
        .collect();
    let next = match page.last() {
        Some((key, id)) if rest.len() > page.len() => format!(
            "<IsTruncated>true</IsTruncated><NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>",
            listed(request, key)
        ),
        _ => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    Response::ok(format!("<ListMultipartUploadsResult>{}{shown}{next}</ListMultipartUploadsResult>", encoding(request)))
}

fn delete_objects(bucket: &mut Bucket, body: &str) -> Response {
    for object in elements(body, "Object") {
        bucket.objects.remove(&(element(object, "Key"), element(object, "VersionId")));
    }
    Response::ok("<DeleteResult></DeleteResult>")
}

/// A DeleteObjects answer that refuses every key, inside HTTP 200.
pub(super) fn every_key_refused(request: &Request, code: &str) -> Response {
    let body = text(request);
    let refused = elements(&body, "Object").map(|object| {
        let (key, version) = (element(object, "Key"), element(object, "VersionId"));
        let key = escaped(&key);
        format!(
            "<Error><Key>{key}</Key><VersionId>{version}</VersionId><Code>{code}</Code><Message>no</Message></Error>"
        )
    });
    Response::ok(format!("<DeleteResult>{}</DeleteResult>", refused.collect::<String>()))
}

fn text(request: &Request) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

/// The contents of all elements of a name; they don't nest.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let content = &rest[start..end];
        rest = &rest[end..];
        Some(content)
    })
}

fn element(xml: &str, name: &str) -> String {
    let mut text = elements(xml, name).next().unwrap_or_default().to_owned();
    for (escape, plain) in ESCAPES {
        text = text.replace(escape, plain);
    }
    text
}

fn escaped(text: &str) -> String {
    ESCAPES.iter().rev().fold(text.to_owned(), |text, (escape, plain)| text.replace(plain, escape))
}

const ESCAPES: [(&str, &str); 4] = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
