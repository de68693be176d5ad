//! All children that are alive, each the leader of a process group of its own.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::console::Console;

/// A register of the process groups that this process started and that have
/// not ended. A terminal's Ctrl-C does not reach them, as each group is its own.
#[derive(Debug, Clone, Default)]
pub struct Children {
    groups: Rc<RefCell<BTreeMap<i32, String>>>,
    /// Where it is told what they do.
    pub(super) console: Console,
}

impl Children {
    /// How long a group may take to end after SIGTERM before it gets SIGKILL.
    const GRACE: Duration = Duration::from_secs(5);
    const COLLECT: Duration = Duration::from_secs(1);
    const POLL: Duration = Duration::from_millis(20);

    /// No children yet; `console` tells what they do.
    pub fn new(console: &Console) -> Self {
        Self { groups: Rc::default(), console: console.clone() }
    }

    pub(super) fn register(&self, pid: u32, name: &str) -> Registered {
        let pid = i32::try_from(pid).expect("process ids are positive i32");
        self.groups.borrow_mut().insert(pid, name.to_owned());
        Registered { pid, children: self.clone() }
    }

    /// Ends all groups, grandchildren included: SIGTERM, a grace period,
    /// SIGKILL. Returns the names of those that were still alive.
    pub async fn stop_all(&self) -> Vec<String> {
        let groups: Vec<(i32, String)> = self.groups.borrow().iter().map(|(p, n)| (*p, n.clone())).collect();
        for (pid, _) in &groups {
            stop_group(*pid).await;
        }
        let mut register = self.groups.borrow_mut();
        groups.into_iter().map(|(pid, name)| (register.remove(&pid), name).1).collect()
    }

    /// Ends all groups at once, without grace.
    pub fn kill_all(&self) {
        for (pid, _) in std::mem::take(&mut *self.groups.borrow_mut()) {
            signal(pid, Signal::KILL);
        }
    }
}

async fn stop_group(pid: i32) {
    signal(pid, Signal::TERM);
    let mut waited = Duration::ZERO;
    while alive(pid) && waited < Children::GRACE {
        tokio::time::sleep(Children::POLL).await;
        waited += Children::POLL;
    }
    signal(pid, Signal::KILL);
    // Nothing survives SIGKILL, but what init has not collected yet still counts as alive.
    let mut collected = Duration::ZERO;
    while alive(pid) && collected < Children::COLLECT {
        tokio::time::sleep(Children::POLL).await;
        collected += Children::POLL;
    }
}

/// Sends a signal to a whole group. A group that has ended is fine.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process_group(pid, signal);
    }
}

fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process_group(pid).is_ok())
}

/// A child in the register. When its future is dropped, it stays there for
/// [`Children::stop_all`]; when it has ended, call [`Registered::ended`].
pub(super) struct Registered {
    pid: i32,
    children: Children,
}

impl Registered {
    /// The child has been waited for: what is left of its group ends now.
    pub(super) fn ended(self) {
        signal(self.pid, Signal::KILL);
        self.children.groups.borrow_mut().remove(&self.pid);
    }

    /// Ends the group, politely first.
    pub(super) async fn stop(self) {
        stop_group(self.pid).await;
        self.children.groups.borrow_mut().remove(&self.pid);
    }
}
