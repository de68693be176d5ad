//! As much of HTTP as a proxy needs that waits for whole requests and whole answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// A request, whole.
pub(crate) struct Request {
    /// Method, target and version.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Method, and path with query.
    pub(crate) fn method_and_target(&self) -> (&str, &str) {
        let mut words = self.line.split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }
}

/// The next request of a connection; `None` when there is none.
pub(crate) fn read_request(reader: &mut BufReader<TcpStream>, client: &mut TcpStream) -> Option<Request> {
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

/// Sends a request on, on a connection of its own, and gives the whole answer; nothing when nobody answers.
pub(crate) fn forward(upstream: &str, request: &Request) -> Vec<u8> {
    let Ok(mut upstream) = TcpStream::connect(upstream) else { return Vec::new() };
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

/// The answer of a closed connection, with its length, for one that stays open.
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
