//! The children that are alive, each the leader of a process group of its own.

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    fs::File,
    io::Write,
    path::PathBuf,
    process::{Command, ExitStatus},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, ChildStdin},
};

use crate::tools::{env::is_secret, watcher::Watcher};

/// The process groups that this process started and that have not ended. A terminal's
/// Ctrl-C does not reach them, because each is a group of its own.
#[derive(Debug, Clone, Default)]
pub struct Children(Rc<RefCell<Alive>>);

#[derive(Debug, Default)]
struct Alive {
    groups: BTreeSet<u32>,
    watcher: Watcher,
}

impl Alive {
    fn remove(&mut self, group: u32) {
        if self.groups.remove(&group) {
            self.watcher.ended(group);
        }
    }
}

/// How long a group may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How long init may take to collect what SIGKILL ended.
const COLLECT: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(20);

impl Children {
    pub(crate) fn register(&self, pid: u32) -> Registered {
        let mut alive = self.0.borrow_mut();
        alive.groups.insert(pid);
        alive.watcher.begins(pid);
        Registered { pid, children: self.clone() }
    }

    /// Ends all groups, grandchildren included: SIGTERM, a grace period, SIGKILL.
    pub async fn stop_all(&self) {
        let groups = self.0.borrow().groups.clone();
        for pid in groups {
            stop_group(pid).await;
            self.0.borrow_mut().remove(pid);
        }
    }

    /// Ends all groups at once, without a grace period.
    pub fn kill_all(&self) {
        let mut alive = self.0.borrow_mut();
        for pid in alive.groups.clone() {
            signal(pid, Signal::KILL);
            alive.remove(pid);
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
pub(crate) struct Registered {
    pid: u32,
    children: Children,
}

impl Registered {
    /// The child has been waited for: what is left of its group ends now.
    pub(crate) fn ended(self) {
        signal(self.pid, Signal::KILL);
        self.children.0.borrow_mut().remove(self.pid);
    }

    /// Ends the group, politely first.
    pub(crate) async fn stop(self) {
        stop_group(self.pid).await;
        self.children.0.borrow_mut().remove(self.pid);
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
    pub(crate) fn new(mut child: Child) -> Self {
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

// What a program printed, and how it is shown to people.

/// What a program that ran to its end left.
#[derive(Debug, Clone)]
pub struct Output {
    pub status: ExitStatus,
    /// All of its standard output, unless that went elsewhere.
    pub stdout: String,
    /// The last lines of its standard error.
    pub stderr_tail: String,
    pub(crate) command: String,
    pub(crate) log: Option<PathBuf>,
}

impl Output {
    /// The same output, of a program that exited with 0.
    ///
    /// # Errors
    /// With any other status: what the program printed last, and where its log is.
    pub fn successful(self) -> anyhow::Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        let lines: Vec<&str> = self.stdout.lines().collect();
        let last = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        let printed = if self.stderr_tail.trim().is_empty() { &last } else { &self.stderr_tail };
        let printed: Vec<String> = printed.trim_end().lines().map(|line| format!("    {line}")).collect();
        let log = self.log.map(|path| format!("; its log is {}", path.display())).unwrap_or_default();
        bail!("{} failed ({}){log}\n{}", self.command, self.status, printed.join("\n"));
    }
}

/// Lines that a program printed: all of them, or the last ones.
pub(crate) struct Lines {
    lines: VecDeque<String>,
    most: usize,
}

const TAIL_LINES: usize = 15;

impl Lines {
    pub(crate) fn all() -> Self {
        Self { lines: VecDeque::new(), most: usize::MAX }
    }

    pub(crate) fn tail() -> Self {
        Self { lines: VecDeque::new(), most: TAIL_LINES }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn push(&mut self, line: String) {
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// Reads `source` to its end and passes each line to `show`; a log that can't be written is ignored.
pub(crate) async fn copy(
    source: Option<impl AsyncRead + Unpin>,
    lines: &mut Lines,
    mut log: Option<&File>,
    show: &dyn Fn(&str),
) -> std::io::Result<()> {
    let Some(source) = source else { return Ok(()) };
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).await? > 0 {
        if let Some(log) = &mut log {
            let _ = log.write_all(&line);
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        show(&text);
        lines.push(text);
        line.clear();
    }
    Ok(())
}

/// A command, shortened to what distinguishes it from others.
pub(crate) fn short(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut shown = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args().take(3) {
        shown.push(' ');
        shown.extend(arg.to_string_lossy().chars().take(60));
    }
    if command.get_args().len() > 3 { shown + " …" } else { shown }
}

/// A command as it can be pasted into a shell, without the secrets in its environment.
pub(crate) fn command_line(command: &Command) -> String {
    // A short value would be found by chance.
    let secrets = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
    let secrets: Vec<&str> =
        secrets.filter(|(name, value)| is_secret(name) && value.len() >= 8).map(|(_, value)| value).collect();
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| {
        let word = word.to_string_lossy().into_owned();
        quoted(&secrets.iter().fold(word, |word, secret| word.replace(secret, "***")))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%*".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_and_has_no_secrets() {
        let (sh, spaced, quote, empty) = (Shell::new().unwrap(), "a b", "it's", "");
        let command = cmd!(sh, "/bin/sam deploy {spaced} {quote} {empty} --key=wJalrSECRET /usr/bin");
        let command = command.env("AWS_SECRET_ACCESS_KEY", "wJalrSECRET").env("PATH", "/usr/bin").env("X_TOKEN", "1");
        let command = Command::from(command);
        assert_eq!(command_line(&command), r"/bin/sam deploy 'a b' 'it'\''s' '' --key=*** /usr/bin");
        assert_eq!(short(&command), "sam deploy a b it's …");
    }
}
