//! The children that are alive, each the leader of a process group of its own.

use std::{cell::RefCell, collections::BTreeSet, process::ExitStatus, rc::Rc, time::Duration};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStdin};

/// The process groups that this process started and that have not ended. A terminal's
/// Ctrl-C does not reach them, because each is a group of its own.
#[derive(Debug, Clone, Default)]
pub struct Children(Rc<RefCell<BTreeSet<u32>>>);

/// How long a group may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// How long init may take to collect what SIGKILL ended.
const COLLECT: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);

impl Children {
    pub(super) fn register(&self, pid: u32) -> Registered {
        self.0.borrow_mut().insert(pid);
        Registered { pid, children: self.clone() }
    }

    /// Ends all groups, grandchildren included: SIGTERM, a grace period, SIGKILL.
    pub async fn stop_all(&self) {
        let groups: Vec<u32> = self.0.borrow().iter().copied().collect();
        for pid in &groups {
            stop_group(*pid).await;
        }
        self.0.borrow_mut().retain(|pid| !groups.contains(pid));
    }

    /// Ends all groups at once, without a grace period.
    pub fn kill_all(&self) {
        for pid in std::mem::take(&mut *self.0.borrow_mut()) {
            signal(pid, Signal::KILL);
        }
    }
}

async fn stop_group(pid: u32) {
    signal(pid, Signal::TERM);
    wait_for_end(pid, GRACE).await;
    signal(pid, Signal::KILL);
    wait_for_end(pid, COLLECT).await;
}

async fn wait_for_end(pid: u32, at_most: Duration) {
    let mut waited = Duration::ZERO;
    while group(pid).is_some_and(|group| test_kill_process_group(group).is_ok()) && waited < at_most {
        tokio::time::sleep(POLL).await;
        waited += POLL;
    }
}

/// Sends a signal to a whole group. A group that has ended is fine.
fn signal(pid: u32, signal: Signal) {
    if let Some(group) = group(pid) {
        let _ = kill_process_group(group, signal);
    }
}

fn group(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// A registered child. When its future is dropped, it stays registered for
/// [`Children::stop_all`]; when it has ended, call [`Registered::ended`].
pub(super) struct Registered {
    pid: u32,
    children: Children,
}

impl Registered {
    /// The child has been waited for: what is left of its group ends now.
    pub(super) fn ended(self) {
        signal(self.pid, Signal::KILL);
        self.children.0.borrow_mut().remove(&self.pid);
    }

    /// Ends the group, politely first.
    pub(super) async fn stop(self) {
        stop_group(self.pid).await;
        self.children.0.borrow_mut().remove(&self.pid);
    }
}

/// A program that works until its standard input is closed, which the end of this process
/// does too. It is not among the [`Children`]: cleaning up after them may need it.
#[derive(Debug)]
pub struct Service {
    child: Child,
    // Kept apart, because `Child::wait` would close it.
    stdin: Option<ChildStdin>,
}

impl Service {
    pub(super) fn new(mut child: Child) -> Self {
        Self { stdin: child.stdin.take(), child }
    }

    /// Closes its standard input, and kills its group if it has not ended within `limit`.
    pub async fn stop(mut self, limit: Duration) {
        drop(self.stdin.take());
        let pid = self.child.id();
        if tokio::time::timeout(limit, self.child.wait()).await.is_err() {
            pid.into_iter().for_each(|pid| signal(pid, Signal::KILL));
            let _ = self.child.wait().await;
        }
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().await.context("waiting for a child")
    }

    /// How it ended; `None` while it works.
    ///
    /// # Errors
    /// When the system can't say.
    pub fn status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("looking for a child")
    }
}
