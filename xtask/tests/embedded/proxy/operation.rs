//! What a request asks for.

use super::http::Request;

/// The API's name of a call.
pub(crate) fn operation(request: &Request) -> String {
    if let Some(target) = request.header("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = String::from_utf8_lossy(&request.body[..request.body.len().min(200)]).into_owned();
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let (method, target) = request.method_and_target();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has = |name: &str| query.split('&').any(|pair| pair == name || pair.starts_with(&format!("{name}=")));
    let object = path.trim_matches('/').contains('/');
    match method {
        "PUT" if path.starts_with("/2015-03-31/functions") => "UpdateFunctionConfiguration",
        _ if path.starts_with("/2015-03-31/functions") => "GetFunctionConfiguration",
        _ if path.starts_with("/2016-08-19/account-settings") => "GetAccountSettings",
        "POST" if has("delete") => "DeleteObjects",
        "GET" if has("versions") => "ListObjectVersions",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if has("tagging") => "GetBucketTagging",
        "PUT" if has("tagging") => "PutBucketTagging",
        "PUT" if has("publicAccessBlock") => "PutPublicAccessBlock",
        "GET" if path == "/" => "ListBuckets",
        "GET" if object => "GetObject",
        "POST" if object && has("uploads") => "CreateMultipartUpload",
        "PUT" if object && has("partNumber") => "UploadPart",
        "POST" if object && has("uploadId") => "CompleteMultipartUpload",
        "PUT" if object => "PutObject",
        "GET" if has("location") => "GetBucketLocation",
        "GET" if has("list-type") => "ListObjectsV2",
        "PUT" => "CreateBucket",
        "HEAD" if object => "HeadObject",
        "HEAD" => "HeadBucket",
        "DELETE" if object => "DeleteObject",
        "DELETE" => "DeleteBucket",
        _ => return format!("{method} {target}"),
    }
    .to_owned()
}
