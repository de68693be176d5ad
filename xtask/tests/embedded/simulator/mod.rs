//! AWS, where it differs from its emulator: slow, throttled, late, and now and then out of
//! order. A proxy on this machine between tool, sam and emulator, with a seed.

mod account;
mod mix;
mod rates;
mod runs;
mod service;
mod stack;

use std::{
    collections::BTreeMap,
    io::{BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::proxy::{
    http::{Request, forward, read_request},
    operation::operation,
};
use account::Account;
use mix::{Event, Mix, Passing};
use rates::Buckets;
use service::{Refusal, Service};
use stack::Stack;

/// The simulated AWS; it serves until the test process ends.
pub(crate) struct Simulator {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    mix: Mix,
    world: Mutex<World>,
}

/// What it remembers.
struct World {
    calls: usize,
    of_each: BTreeMap<String, usize>,
    buckets: Buckets,
    account: Account,
    stack: Stack,
    reported_not_empty: bool,
    /// New credentials came.
    renewed: bool,
    /// What was met how often.
    met: BTreeMap<&'static str, usize>,
    /// Calls that were done, whose answers were lost.
    lost: Vec<String>,
}

/// What becomes of a call.
enum Fate {
    Answered(Vec<u8>),
    /// The connection ends after these bytes.
    Ends(Vec<u8>),
}

impl Simulator {
    pub(crate) fn new(upstream: &str, mix: Mix) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let world = World {
            calls: 0,
            of_each: BTreeMap::new(),
            buckets: Buckets::new(mix.busy),
            account: Account::default(),
            stack: Stack::new(mix.event, mix.stack_takes),
            reported_not_empty: false,
            renewed: false,
            met: BTreeMap::new(),
            lost: Vec::new(),
        };
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let shared = Arc::new(Shared { upstream, mix, world: Mutex::new(world) });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { endpoint, shared }
    }

    /// What was met, how often.
    pub(crate) fn met(&self) -> BTreeMap<&'static str, usize> {
        self.shared.world.lock().unwrap().met.clone()
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.shared.world.lock().unwrap().calls
    }

    /// The calls whose answers were lost.
    pub(crate) fn lost(&self) -> Vec<String> {
        self.shared.world.lock().unwrap().lost.clone()
    }

    /// Whether the stack's change set was executed.
    pub(crate) fn stack_was_executed(&self) -> bool {
        self.shared.world.lock().unwrap().stack.was_executed()
    }

    /// The user logs in again, or sets the clock.
    pub(crate) fn renew(&self) {
        self.shared.world.lock().unwrap().renewed = true;
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        while let Some(request) = read_request(&mut reader, &mut client) {
            let (bytes, ends) = match self.fate(&request) {
                Fate::Answered(bytes) => (bytes, false),
                Fate::Ends(bytes) => (bytes, true),
            };
            if client.write_all(&bytes).is_err() || ends {
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn fate(&self, request: &Request) -> Fate {
        let (operation, service) = (operation(request), Service::of(request));
        let head = request.line.starts_with("HEAD ");
        let nth = self.world.lock().unwrap().count(&operation);
        thread::sleep(self.mix.delay(&operation, nth));
        let passing = self.mix.passing(&operation, nth);
        let refusal = self.world.lock().unwrap().refuses(&self.mix, &operation, request, passing);
        if let Some((refusal, reported)) = refusal {
            self.world.lock().unwrap().meet(reported);
            return Fate::Answered(refusal.answer(service, head));
        }
        if passing == Some(Passing::Reset) {
            self.world.lock().unwrap().meet("reset");
            return Fate::Ends(Vec::new());
        }
        let answer = self.answer(&operation, request);
        match passing {
            Some(Passing::Lost) => {
                let mut world = self.world.lock().unwrap();
                world.meet("lost answer");
                world.lost.push(operation);
                Fate::Ends(Vec::new())
            }
            Some(Passing::Truncated) => {
                let mut world = self.world.lock().unwrap();
                world.meet("truncated");
                world.lost.push(operation);
                Fate::Ends(answer[..answer.len() / 2].to_vec())
            }
            _ => Fate::Answered(answer),
        }
    }

    /// What the account answers, as much of it as it knows by now.
    fn answer(&self, operation: &str, request: &Request) -> Vec<u8> {
        let own = self.world.lock().unwrap().stack.answer_itself(operation);
        if let Some(body) = own {
            self.world.lock().unwrap().meet("CloudFormation failure");
            return with_body("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n", &body);
        }
        let bytes = forward(&self.upstream, request);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return bytes };
        let (head, body) = (String::from_utf8_lossy(&bytes[..end + 4]).into_owned(), &bytes[end + 4..]);
        let Ok(reported) = String::from_utf8(body.to_vec()) else { return bytes };
        let mut world = self.world.lock().unwrap();
        if !head.starts_with("HTTP/1.1 2") && operation != "DescribeStacks" {
            return bytes;
        }
        let instead = world.stack.instead(operation, reported.clone());
        let instead = if self.mix.stale { world.account.instead(operation, request, instead) } else { instead };
        if instead == reported {
            return bytes;
        }
        world.meet("outdated");
        // A stack that is still there is no error.
        let head = if operation == "DescribeStacks" {
            "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n".to_owned()
        } else {
            head
        };
        with_body(&head, &instead)
    }
}

impl World {
    /// The number of this call among those of its operation.
    fn count(&mut self, operation: &str) -> usize {
        self.calls += 1;
        let nth = self.of_each.entry(operation.to_owned()).or_default();
        *nth += 1;
        *nth
    }

    fn meet(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    fn refuses(
        &mut self,
        mix: &Mix,
        operation: &str,
        request: &Request,
        passing: Option<Passing>,
    ) -> Option<(Refusal, &'static str)> {
        match mix.event {
            Event::ClockOff(minutes) if !self.renewed => {
                return Some((Refusal::TooOld(Duration::from_secs(60 * minutes)), "clock"));
            }
            Event::Expires(calls) if !self.renewed && self.calls > calls => return Some((Refusal::Expired, "expired")),
            _ => {}
        }
        if !self.buckets.take(operation, Instant::now()) {
            return Some((Refusal::Throttled, "rate exceeded"));
        }
        match passing {
            Some(Passing::Throttled) => return Some((Refusal::Throttled, "throttled")),
            Some(Passing::InternalError) => return Some((Refusal::InternalError, "500")),
            Some(Passing::Unavailable) => return Some((Refusal::Unavailable, "503")),
            _ => {}
        }
        if mix.not_empty_again && operation == "DeleteBucket" && !self.reported_not_empty {
            self.reported_not_empty = true;
            return Some((Refusal::NotEmpty, "not empty"));
        }
        let late = mix.stale.then(|| self.account.refuses(operation, request)).flatten();
        late.map(|refusal| (refusal, "not visible yet"))
    }
}

/// An answer with another body than it had.
fn with_body(head: &str, body: &str) -> Vec<u8> {
    let kept = head.trim_end().split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let head: Vec<&str> = kept.collect();
    format!("{}\r\ncontent-length: {}\r\n\r\n{body}", head.join("\r\n"), body.len()).into_bytes()
}
