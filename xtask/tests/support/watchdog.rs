//! Waiting for a run's end.

use std::{
    process::{Child, Output},
    sync::mpsc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Waits for a run's end; one that hangs is killed.
pub(super) fn wait(child: Child) -> Output {
    let pid = Pid::from_child(&child);
    let (ended, waiting) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watchdog.join().unwrap();
    output
}
