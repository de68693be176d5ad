//! A proxy in front of an emulator, which causes faults and sends signals at chosen calls.

pub(crate) mod http;
pub(crate) mod operation;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::python::python_at;
use http::{Request, forward, read_request};
use operation::operation;

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
    /// Someone runs this boto3 script, then the call is forwarded.
    Someone(&'static str),
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
    exchanges: Option<Mutex<File>>,
}

impl Proxy {
    pub(crate) fn new(upstream: &str) -> Self {
        Self::over(upstream, None)
    }

    /// A proxy that writes each request with its answer to `file`, as a line of JSON with bodies in hexadecimal.
    pub(crate) fn recording(upstream: &str, file: &Path) -> Self {
        Self::over(upstream, Some(Mutex::new(File::create(file).unwrap())))
    }

    fn over(upstream: &str, exchanges: Option<Mutex<File>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            rules: Mutex::default(),
            process: AtomicI32::new(0),
            calls: Mutex::default(),
            exchanges,
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
                    let bytes = forward(&self.upstream, &request);
                    let _ = client.write_all(&bytes[..bytes.len() / 2]);
                    false
                }
                Some(Fault::Signal(signal)) => {
                    self.send(signal);
                    client.write_all(&forward(&self.upstream, &request)).is_ok()
                }
                Some(Fault::Someone(script)) => {
                    python_at(&format!("http://{}", self.upstream), script, &[]);
                    client.write_all(&forward(&self.upstream, &request)).is_ok()
                }
                None => {
                    let bytes = forward(&self.upstream, &request);
                    self.write_down(&operation, &request, &bytes);
                    client.write_all(&bytes).is_ok()
                }
            };
            if !answered {
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn write_down(&self, operation: &str, request: &Request, answer: &[u8]) {
        let Some(file) = &self.exchanges else { return };
        let exchange = json!({
            "operation": operation,
            "line": request.line,
            "headers": request.headers,
            "body": hexadecimal(&request.body),
            "answer": hexadecimal(answer),
        });
        writeln!(file.lock().unwrap(), "{exchange}").unwrap();
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
}

/// Bytes in hexadecimal; of more than a mebibyte, which only objects have, the first ones.
fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(&bytes[..bytes.len().min(1 << 20)])
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
