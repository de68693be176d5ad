//! Just enough HTTP/1.1: requests with a known length, and a connection that stays open.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::Value;

/// A request, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The next request on a connection; `None` at its end.
    pub(crate) fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let line = read_line(reader)?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        // A proxy is sent the whole address.
        let target = target.strip_prefix("http://").map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v)));
        let mut request = Self { method, path: decode(path), query: query.collect(), ..Self::default() };
        loop {
            let line = read_line(reader)?;
            let Some((name, value)) = line.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if request.header("expect").is_some() {
            reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        if let Some(length) = request.header("content-length") {
            request.body.resize(length.parse().ok()?, 0);
            reader.read_exact(&mut request.body).ok()?;
        }
        assert!(request.header("transfer-encoding").is_none(), "the fake AWS does not read chunked requests");
        Some(request)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body of the JSON protocols.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of the query protocol's form.
    pub(crate) fn field(&self, name: &str) -> String {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(decode));
        value.unwrap_or_default()
    }

    /// The bucket and the key of the path, empty where there is none.
    pub(crate) fn place(&self) -> (&str, &str) {
        let path = self.path.trim_start_matches('/');
        path.split_once('/').unwrap_or((path, ""))
    }

    /// The id of the key that it is signed with.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header("authorization")?.split("Credential=").nth(1)?.split('/').next()
    }

    /// The API's name of the call.
    pub(crate) fn operation(&self) -> &str {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next().unwrap_or_default();
        }
        for action in [
            "AssumeRoleWithWebIdentity",
            "AssumeRole",
            "GetCallerIdentity",
            "DescribeStacks",
            "DescribeStackResources",
            "DescribeStackEvents",
            "DeleteStack",
            "CreateChangeSet",
            "DescribeChangeSet",
            "ListChangeSets",
            "DeleteChangeSet",
        ] {
            if self.body.starts_with(format!("Action={action}").as_bytes()) {
                return action;
            }
        }
        let has = |name| self.param(name).is_some();
        let object = !self.place().1.is_empty();
        match self.method.as_str() {
            "GET" if self.path.starts_with("/2015-03-31/functions/") => "GetFunctionConfiguration",
            "PUT" if self.path.starts_with("/2015-03-31/functions/") => "UpdateFunctionConfiguration",
            "GET" if self.path.starts_with("/2016-08-19/account-settings") => "GetAccountSettings",
            "GET" if self.path == "/keys-of-the-container" => "ContainerCredentials",
            "PUT" if self.path == "/latest/api/token" => "InstanceToken",
            "GET" if self.path == "/latest/meta-data/iam/security-credentials/" => "InstanceRole",
            "GET" if self.path == "/latest/meta-data/iam/security-credentials/role" => "InstanceCredentials",
            "GET" if self.path == "/" => "ListBuckets",
            "GET" if has("versions") => "ListObjectVersions",
            "GET" if has("uploads") => "ListMultipartUploads",
            "GET" if has("tagging") => "GetBucketTagging",
            "PUT" if has("tagging") => "PutBucketTagging",
            "PUT" if has("publicAccessBlock") => "PutPublicAccessBlock",
            "POST" if has("delete") => "DeleteObjects",
            "DELETE" if has("uploadId") => "AbortMultipartUpload",
            "GET" if object => "GetObject",
            "PUT" if object => "PutObject",
            "PUT" => "CreateBucket",
            "HEAD" => "HeadBucket",
            "DELETE" if object => "DeleteObject",
            "DELETE" => "DeleteBucket",
            _ => "Unknown",
        }
    }
}

impl Response {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: Vec::new() }
    }

    /// An error in the words of the request's protocol.
    pub(crate) fn error(request: &Request, status: u16, code: &str) -> Self {
        let message = "said the fake AWS";
        let body = match request.operation() {
            "HeadBucket" => String::new(),
            "GetCallerIdentity"
            | "DescribeStacks"
            | "DescribeStackResources"
            | "DescribeStackEvents"
            | "DeleteStack"
            | "CreateChangeSet"
            | "DescribeChangeSet"
            | "ListChangeSets"
            | "DeleteChangeSet" => {
                return Self::coded(status, code, message);
            }
            _ if request.header("x-amz-target").is_some() || request.path.starts_with("/201") => {
                format!(r#"{{"__type":"{code}","message":"{message}"}}"#)
            }
            _ => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        };
        Self { status, body: body.into() }
    }

    /// An error of the query protocol.
    pub(crate) fn coded(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
        Self { status, body: format!("<ErrorResponse>{error}</ErrorResponse>").into() }
    }

    /// Writes the head and the first `keep` bytes of the body.
    pub(crate) fn write(&self, stream: &mut TcpStream, keep: usize) -> std::io::Result<()> {
        // What an instance's token must come with; nobody else minds it.
        let ttl = "x-aws-ec2-metadata-token-ttl-seconds: 21600";
        let mut bytes = format!("HTTP/1.1 {} Fake\r\n{ttl}\r\n", self.status).into_bytes();
        if self.status != 204 {
            bytes.extend(format!("content-length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body[..keep.min(self.body.len())]);
        stream.write_all(&bytes)
    }
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
    Some(line.trim_end().to_owned())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: String = [rest.next(), rest.next()].into_iter().flatten().map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two hex digits follow a percent sign"));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("paths are UTF-8")
}
