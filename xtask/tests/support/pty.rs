//! Runs of the binary on a terminal, recorded to be replayed.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use super::{Test, screen::Screen, watchdog};

/// What happened at a terminal.
enum Event {
    Printed(Vec<u8>),
    Resized(u16),
}

/// A run on a terminal.
pub(crate) struct OnTerminal {
    child: Child,
    terminal: OwnedFd,
    columns: u16,
    events: Arc<Mutex<Vec<Event>>>,
    reader: std::thread::JoinHandle<()>,
}

const ROWS: u16 = 24;

impl Test {
    /// Starts the binary on a terminal; `lambda-smoke` as [`Test::smoke`] does.
    pub(crate) fn smoke_on_terminal(&self, columns: u16, args: &[&str]) -> OnTerminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::io::fcntl_setfd(&terminal, rustix::io::FdFlags::CLOEXEC).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        resize(&terminal, columns);
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let side = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let side = File::from(side);
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(self.smoke_args(&[&["--skip-build"], args].concat()))
            .env_clear()
            .envs(super::coverage())
            .envs(&self.env);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(side.try_clone().unwrap()).stderr(side);
        let child = command.spawn().unwrap();
        // The command holds the other side of the terminal open.
        drop(command);
        self.aws.faults().watch(child.id());
        let events = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (File::from(terminal.try_clone().unwrap()), Arc::clone(&events));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The terminal gives an error when the last process has closed it.
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap().push(Event::Printed(bytes[..n].to_vec()));
            }
        });
        OnTerminal { child, terminal, columns, events, reader }
    }

    /// The lines that a run prints to pipes, as they would follow on each other in one.
    pub(crate) fn smoke_into_one_pipe(&self, args: &[&str]) -> Vec<String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$@\" 2>&1", "sh", env!("CARGO_BIN_EXE_xtask")]);
        let child = self.spawn_by(command, &self.smoke_args(&[&["--skip-build"], args].concat()));
        self.finish(child).stdout.lines().map(str::to_owned).collect()
    }
}

fn resize(terminal: &OwnedFd, columns: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

impl OnTerminal {
    /// Waits until a text is printed.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.printed().contains(text) {
            assert!(Instant::now() < deadline, "{text:?} was not printed:\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn printed(&self) -> String {
        let mut bytes = Vec::new();
        for event in &*self.events.lock().unwrap() {
            if let Event::Printed(printed) = event {
                bytes.extend_from_slice(printed);
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends the binary a signal.
    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Resizes the terminal at a moment at which all that was written to it has been read.
    pub(crate) fn resize(&self, columns: u16) {
        self.send(Signal::STOP);
        std::thread::sleep(Duration::from_millis(200));
        resize(&self.terminal, columns);
        self.events.lock().unwrap().push(Event::Resized(columns));
        self.send(Signal::CONT);
    }

    /// Waits for the end; gives the exit status and the recording.
    pub(crate) fn finish(self) -> (Option<i32>, Recording) {
        let output = watchdog::wait(self.child);
        drop(self.terminal);
        self.reader.join().unwrap();
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        (output.status.code(), Recording { columns: self.columns, events })
    }
}

/// Everything that happened at a terminal.
pub(crate) struct Recording {
    columns: u16,
    events: Vec<Event>,
}

impl Recording {
    /// Replays it on a screen; `seen` looks at the screen whenever live lines are complete.
    pub(crate) fn replay(&self, reflows: bool, mut seen: impl FnMut(&Screen, usize)) -> Screen {
        let mut columns = self.columns;
        let mut screen = Screen::new(columns.into(), ROWS.into(), reflows);
        let (mut bytes, mut written) = (Vec::new(), String::new());
        for event in &self.events {
            match event {
                Event::Resized(to) => {
                    screen.resize(usize::from(*to));
                    columns = *to;
                }
                Event::Printed(printed) => {
                    bytes.extend_from_slice(printed);
                    // A character may be cut in two.
                    let whole = std::str::from_utf8(&bytes).map_or_else(|e| e.valid_up_to(), str::len);
                    let text: String = String::from_utf8(bytes.drain(..whole).collect()).unwrap();
                    for c in text.chars() {
                        screen.put(c);
                        written.push(c);
                        if written.ends_with("\x1b[?7h\r\n\x1b[J") {
                            seen(&screen, columns.into());
                        }
                    }
                }
            }
        }
        screen
    }
}
