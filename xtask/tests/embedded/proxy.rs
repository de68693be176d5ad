//! A proxy in front of an emulator, which causes faults and sends signals at chosen calls.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// What happens at a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// HTTP 503 SlowDown, unforwarded.
    SlowDown,
    /// The connection ends without an answer, unforwarded.
    Reset,
    /// The answer breaks off in the middle.
    Truncate,
    /// HTTP 200 that refuses a key of DeleteObjects with this code, unforwarded.
    KeyError(&'static str),
    /// The process under test gets this signal, then the call is forwarded.
    Signal(Signal),
}

/// At which call what happens.
struct Rule {
    operation: &'static str,
    left: AtomicUsize,
    fault: Fault,
    hit: AtomicUsize,
}

/// The proxy; it serves until the test process ends.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    rules: Mutex<Vec<Arc<Rule>>>,
    process: AtomicI32,
    calls: Mutex<Vec<String>>,
}

impl Proxy {
    pub(crate) fn new(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            rules: Mutex::default(),
            process: AtomicI32::new(0),
            calls: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { endpoint, shared }
    }

    /// The next `times` calls of `operation` meet `fault`.
    pub(crate) fn at(&self, operation: &'static str, times: usize, fault: Fault) {
        let rule = Rule { operation, left: AtomicUsize::new(times), fault, hit: AtomicUsize::new(0) };
        self.shared.rules.lock().unwrap().push(Arc::new(rule));
    }

    /// The process that signals go to.
    pub(crate) fn watch(&self, pid: u32) {
        self.shared.process.store(pid as i32, Ordering::SeqCst);
    }

    /// The operations of rules that have not happened as often as they should.
    pub(crate) fn unmet(&self) -> Vec<&'static str> {
        let rules = self.shared.rules.lock().unwrap();
        rules.iter().filter(|rule| rule.left.load(Ordering::SeqCst) > 0).map(|rule| rule.operation).collect()
    }

    /// Every operation that was called, and how often.
    pub(crate) fn counted(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for operation in self.shared.calls.lock().unwrap().iter() {
            *counted.entry(operation.clone()).or_default() += 1;
        }
        counted
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.shared.calls.lock().unwrap().iter().filter(|call| *call == operation).count()
    }
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        while let Some(request) = read_request(&mut reader, &mut client) {
            let operation = operation(&request);
            self.calls.lock().unwrap().push(operation.clone());
            let fault = self.fault_for(&operation);
            let answered = match fault {
                Some(Fault::SlowDown) => answer(&mut client, "503 Slow Down", &error_xml("SlowDown")),
                Some(Fault::KeyError(code)) => answer(&mut client, "200 OK", &key_error_xml(&request, code)),
                Some(Fault::Reset) => false,
                Some(Fault::Truncate) => {
                    let bytes = self.forward(&request);
                    let _ = client.write_all(&bytes[..bytes.len() / 2]);
                    false
                }
                Some(Fault::Signal(signal)) => {
                    self.send(signal);
                    client.write_all(&self.forward(&request)).is_ok()
                }
                None => client.write_all(&self.forward(&request)).is_ok(),
            };
            if !answered {
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn fault_for(&self, operation: &str) -> Option<Fault> {
        let rules = self.rules.lock().unwrap();
        let take = |left: usize| left.checked_sub(1);
        let rule = rules.iter().find(|rule| {
            rule.operation == operation && rule.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
        })?;
        rule.hit.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault)
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.load(Ordering::SeqCst)).expect("a process is watched");
        let _ = kill_process(pid, signal);
        // The signal arrives before the answer does.
        std::thread::sleep(Duration::from_millis(100));
    }

    /// Sends the request on, on a connection of its own, and gives the whole answer.
    fn forward(&self, request: &Request) -> Vec<u8> {
        let Ok(mut upstream) = TcpStream::connect(&self.upstream) else { return Vec::new() };
        let mut head = format!("{}\r\n", request.line);
        for (name, value) in &request.headers {
            if !["connection", "expect", "transfer-encoding", "content-length"].contains(&name.as_str()) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len()));
        let sent = upstream.write_all(head.as_bytes()).and_then(|()| upstream.write_all(&request.body));
        let mut bytes = Vec::new();
        if sent.is_ok() {
            let _ = upstream.read_to_end(&mut bytes);
        }
        keep_alive(bytes, request.line.starts_with("HEAD "))
    }
}

/// The answer of a closed connection, with its length told, for one that stays open.
fn keep_alive(bytes: Vec<u8>, head_only: bool) -> Vec<u8> {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return bytes };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(&bytes[end + 4..]) } else { bytes[end + 4..].to_vec() };
    let mut out = Vec::new();
    for line in head.split("\r\n") {
        let lower = line.to_ascii_lowercase();
        let replaced = ["connection:", "transfer-encoding:"].iter().any(|h| lower.starts_with(h))
            || (lower.starts_with("content-length:") && !head_only);
        if !replaced {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    let bodiless = head_only || head.contains(" 204 ");
    if !bodiless {
        out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    if !bodiless {
        out.extend_from_slice(&body);
    }
    out
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&bytes[..end]).trim(), 16).unwrap_or(0);
        let start = end + 2;
        if size == 0 || bytes.len() < start + size {
            break;
        }
        body.extend_from_slice(&bytes[start..start + size]);
        bytes = &bytes[(start + size + 2).min(bytes.len())..];
    }
    body
}

fn read_request(reader: &mut BufReader<TcpStream>, client: &mut TcpStream) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if header("expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = Vec::new();
    if let Some(length) = header("content-length") {
        body.resize(length.parse().ok()?, 0);
        reader.read_exact(&mut body).ok()?;
    } else if header("transfer-encoding").is_some() {
        let mut raw = Vec::new();
        while !raw.ends_with(b"0\r\n\r\n") {
            let mut byte = [0];
            reader.read_exact(&mut byte).ok()?;
            raw.push(byte[0]);
        }
        body = unchunk(&raw);
    }
    Some(Request { line: line.trim_end().to_owned(), headers, body })
}

/// The API's name of a call.
fn operation(request: &Request) -> String {
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if let Some(target) = header("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = String::from_utf8_lossy(&request.body[..request.body.len().min(200)]).into_owned();
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has = |name: &str| query.split('&').any(|pair| pair == name || pair.starts_with(&format!("{name}=")));
    let object = path.trim_matches('/').contains('/');
    match method {
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

fn answer(client: &mut TcpStream, status: &str, body: &str) -> bool {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).and_then(|()| client.write_all(body.as_bytes())).is_ok()
}

fn error_xml(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>asked for by a test</Message></Error>")
}

/// Refuses every key of a DeleteObjects call, inside an answer that says 200.
fn key_error_xml(request: &Request, code: &str) -> String {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let refused: String = body
        .split("<Object>")
        .skip(1)
        .map(|object| {
            let field = |tag: &str| {
                let rest = object.split(&format!("<{tag}>")).nth(1)?;
                rest.split(&format!("</{tag}>")).next().map(str::to_owned)
            };
            format!(
                "<Error><Key>{}</Key><VersionId>{}</VersionId><Code>{code}</Code><Message>asked for</Message></Error>",
                field("Key").unwrap_or_default(),
                field("VersionId").unwrap_or_default()
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{refused}</DeleteResult>"
    )
}
