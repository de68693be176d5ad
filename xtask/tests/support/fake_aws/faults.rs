//! Faults at chosen calls.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{
        Mutex,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// What happens at a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// This HTTP status with this error code; nothing is done.
    Error(u16, &'static str),
    /// HTTP 200, but DeleteObjects refuses every key with this code.
    EveryKey(&'static str),
    /// The call is done, but the connection ends without an answer.
    Reset,
    /// The call is done, but the answer breaks off in the middle.
    Truncate,
    /// The call is done, then the process under test gets this signal.
    Signal(Signal),
}

impl Fault {
    pub(crate) const SLOW_DOWN: Self = Self::Error(503, "SlowDown");
}

/// The faults to come.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    counts: Mutex<BTreeMap<String, usize>>,
    process: AtomicI32,
}

struct Rule {
    operation: &'static str,
    calls: RangeInclusive<usize>,
    fault: Fault,
    met: bool,
}

impl Faults {
    /// Calls of `operation` from now on, counted from 1, meet `fault`.
    pub(crate) fn add(&self, operation: &'static str, calls: RangeInclusive<usize>, fault: Fault) {
        let done = self.counts.lock().unwrap().get(operation).copied().unwrap_or(0);
        let calls = done + calls.start()..=calls.end().saturating_add(done);
        self.rules.lock().unwrap().push(Rule { operation, calls, fault, met: false });
    }

    pub(super) fn next(&self, operation: &str) -> Option<Fault> {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(operation.to_owned()).or_default();
        *count += 1;
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| rule.operation == operation && rule.calls.contains(count))?;
        rule.met = true;
        Some(rule.fault)
    }

    /// The operations whose faults have never happened: a test of them tests nothing.
    pub(crate) fn unmet(&self) -> Vec<&'static str> {
        self.rules.lock().unwrap().iter().filter(|rule| !rule.met).map(|rule| rule.operation).collect()
    }

    /// From now on nothing goes wrong.
    pub(crate) fn clear(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// The process that signals go to.
    pub(crate) fn watch(&self, pid: u32) {
        self.process.store(i32::try_from(pid).unwrap(), Ordering::SeqCst);
    }

    pub(super) fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.load(Ordering::SeqCst)).expect("a process is watched");
        let _ = kill_process(pid, signal);
        // The signal arrives before the answer does.
        std::thread::sleep(Duration::from_millis(50));
    }
}
