//! Child processes: every program that this tool starts is a line of shell, handed to one [`Runner`].

use std::{
    ffi::OsString,
    fs::File,
    future::IntoFuture,
    io::{self, Write},
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use xshell::{Cmd, Shell};

use crate::{
    console::Console,
    tools::{
        children::{Children, Lines, Output, Service, command_line, copy, short},
        env::{Child, Env},
        folder,
    },
};

// The one place that starts programs.

/// Runs programs in one environment:
/// `runner.run(cmd!(runner.sh, "zip -q {file}")).limit(LIMIT).await?`.
#[derive(Debug, Clone)]
pub struct Runner {
    /// Reads the text of a command.
    pub sh: Shell,
    /// Where programs are looked for, and of which a child sees [`Env::for_child`].
    pub env: Env,
    /// Shows what the children do.
    pub console: Console,
    /// The children that are alive.
    pub children: Children,
}

/// A program that is about to run; `.await` runs it, and fails unless it exits with 0.
#[derive(Debug)]
#[must_use = "a program runs when it is awaited"]
pub struct Run<'a> {
    runner: &'a Runner,
    command: Command,
    shown: String,
    log: Option<PathBuf>,
    input: Option<PathBuf>,
    limit: Duration,
}

impl Runner {
    const DEFAULT_LIMIT: Duration = Duration::from_secs(120);

    /// A runner without children.
    ///
    /// # Errors
    /// When the current folder is gone.
    pub fn new(env: &Env, console: &Console) -> anyhow::Result<Self> {
        let sh = Shell::new()?;
        Ok(Self { sh, env: env.clone(), console: console.clone(), children: Children::default() })
    }

    /// The same runner, with the same children, in another environment.
    #[must_use]
    pub fn with_env(&self, env: &Env) -> Self {
        Self { env: env.clone(), ..self.clone() }
    }

    /// Where a program is, if it is on PATH.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        which::which_in(program, self.env.os("PATH"), ".").ok()
    }

    /// A program to run to its end, which works on files: see [`Child::Tool`].
    pub fn run(&self, command: Cmd<'_>) -> Run<'_> {
        self.run_as(Child::Tool, command)
    }

    /// A program of some kind to run to its end. It sees [`Env::for_child`] and the variables of the command.
    pub fn run_as(&self, child: Child, command: Cmd<'_>) -> Run<'_> {
        let command = self.prepare(child, command);
        let shown = short(&command);
        Run { runner: self, command, shown, log: None, input: None, limit: Self::DEFAULT_LIMIT }
    }

    /// Starts an emulator, which works until its standard input is closed, and then cleans up
    /// after itself; `log` gets what it prints.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&self, command: Cmd<'_>, log: &Path) -> anyhow::Result<Service> {
        let mut command = self.prepare(Child::Emulator, command);
        let log = File::create(log).with_context(|| format!("{}", log.display()))?;
        // Without the parent's death signal, which would leave the program no time to clean up.
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        Ok(Service::new(spawn(command)?))
    }

    /// The command with its environment, as the leader of a process group of its own.
    fn prepare(&self, child: Child, command: Cmd<'_>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::from(command);
        let own = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let own: Vec<(OsString, OsString)> = own.collect();
        command.env_clear().envs(self.env.for_child(child).iter()).envs(own).process_group(0);
        command
    }
}

impl<'a> Run<'a> {
    /// The folder that the program runs in.
    pub fn cwd(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// A file that gets everything the program prints, line by line.
    pub fn log(mut self, path: &Path) -> Self {
        self.log = Some(path.to_owned());
        self
    }

    /// A file that the program reads as its standard input, which is empty otherwise.
    pub fn input(mut self, path: &Path) -> Self {
        self.input = Some(path.to_owned());
        self
    }

    /// How long the program may take; after that its process group is stopped.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the program to its end, whatever its exit status.
    ///
    /// # Errors
    /// When it can't be started or takes too long.
    pub async fn any_status(self) -> anyhow::Result<Output> {
        self.finish(Stdio::piped()).await
    }

    /// Runs the program; its standard output goes to `stdout`.
    ///
    /// # Errors
    /// When it can't be started, takes too long, or fails.
    pub async fn into(self, stdout: impl Into<Stdio>) -> anyhow::Result<()> {
        self.finish(stdout.into()).await?.successful().map(drop)
    }

    /// What the program left.
    async fn finish(self, stdout: Stdio) -> anyhow::Result<Output> {
        let Self { runner: Runner { console, children, .. }, mut command, shown, log, input, limit } = self;
        console.command(&format!("$ {}", command_line(&command)));
        console.now(&shown);
        let started = Instant::now();
        let spawned = open_input(input.as_deref()).and_then(|stdin| {
            command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
            die_with_parent(&mut command);
            spawn(command)
        });
        let mut child = spawned.with_context(|| format!("{shown} can't be started"))?;
        let registered = children.register(child.id().expect("it is not yet waited for"));
        let log_file = log.as_deref().and_then(|log| open_log(log, &shown));
        let (mut all, mut tail) = (Lines::all(), Lines::tail());
        // Programs with a log print for people; rules and empty lines say nothing.
        let show = |line: &str| {
            if log.is_some() && line.contains(char::is_alphanumeric) {
                console.now(line);
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let done = async {
            let copy_stdout = copy(stdout, &mut all, log_file.as_ref(), &show);
            tokio::try_join!(copy_stdout, copy(stderr, &mut tail, log_file.as_ref(), &show))?;
            child.wait().await
        };
        tokio::select! {
            status = done => {
                registered.ended();
                let status = status.with_context(|| format!("waiting for {shown}"))?;
                console.command(&format!("  {shown}: {:.1} s, {status}", started.elapsed().as_secs_f64()));
                return Ok(Output { status, stdout: all.text(), stderr_tail: tail.text(), command: shown, log });
            }
            () = tokio::time::sleep(limit) => {}
        }
        // At the same time, because a child that nobody waits for stays in its group.
        let _ = tokio::join!(registered.stop(), child.wait());
        let hint = log.map(|log| format!("; its log is {}", log.display())).unwrap_or_default();
        bail!("{shown} took more than {} s and was stopped{hint}", limit.as_secs());
    }
}

impl<'a> IntoFuture for Run<'a> {
    type Output = anyhow::Result<Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.any_status().await?.successful() })
    }
}

fn open_input(path: Option<&Path>) -> io::Result<Stdio> {
    path.map_or_else(|| Ok(Stdio::null()), |path| File::open(path).map(Stdio::from))
}

/// A log that can't be written, on a full disk, must not keep `sam deploy` from running.
fn open_log(path: &Path, shown: &str) -> Option<File> {
    let mut log = folder::open_log(path).ok()?;
    let _ = writeln!(log, "$ {shown}");
    Some(log)
}

#[expect(clippy::disallowed_methods, reason = "every other program of this tool comes through here")]
fn spawn(command: Command) -> io::Result<tokio::process::Child> {
    tokio::process::Command::from(command).spawn()
}

/// On Linux the child is killed when this process is: even SIGKILL leaves no `sam deploy` behind that goes on creating
/// things. Elsewhere, and for the child's own children, the watcher does the same from the moment that it knows them.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that was killed before that call sends no signal.
        match getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::Error::from(rustix::io::Errno::SRCH)),
        }
    };
    // SAFETY: prctl and getppid are async-signal-safe, and the closure allocates nothing.
    #[expect(unsafe_code, reason = "the one way to run prctl in the child")]
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(command, before_exec);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use xshell::cmd;

    use super::*;

    fn runner() -> Runner {
        let env = Env::from([("PATH", "/usr/bin:/bin"), ("AWS_PROFILE", "mine")]);
        Runner::new(&env, &Console::default()).unwrap()
    }

    fn block_on<T>(future: impl IntoFuture<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future.into_future())
    }

    #[test]
    fn a_failure_names_status_tail_and_log() {
        let (runner, dir) = (runner(), tempfile::tempdir().unwrap());
        let log = dir.path().join("x.log");
        let command = cmd!(runner.sh, "sh -c 'echo out; echo broken >&2; exit 3'");
        let error = block_on(runner.run(command).log(&log)).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("broken") && error.contains("x.log"), "{error}");
        let logged = std::fs::read_to_string(log).unwrap();
        assert!(logged.contains("out\n") && logged.contains("broken\n"), "{logged}");
    }

    #[test]
    fn standard_output_may_go_into_a_pipe() {
        let (mut reader, writer) = io::pipe().unwrap();
        let runner = runner();
        block_on(runner.run(cmd!(runner.sh, "echo gone")).into(writer)).unwrap();
        // It ends, because nothing here holds the pipe open.
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "gone\n");
    }

    #[test]
    fn standard_error_is_kept_apart() {
        let runner = runner();
        let output = block_on(runner.run(cmd!(runner.sh, "sh -c 'echo out; echo err >&2'"))).unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr_tail.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_full_disk_does_not_stop_a_program() {
        let runner = runner();
        let output = block_on(runner.run(cmd!(runner.sh, "echo gone")).log(Path::new("/dev/full"))).unwrap();
        assert_eq!(output.stdout, "gone\n");
    }

    #[test]
    fn a_program_over_its_limit_is_stopped_with_its_children() {
        let (runner, dir) = (runner(), tempfile::tempdir().unwrap());
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", pid_file.display());
        let run = runner.run(cmd!(runner.sh, "sh -c {script}")).limit(Duration::from_millis(500));
        let error = block_on(run).unwrap_err().to_string();
        assert!(error.contains("was stopped"), "{error}");
        let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "the grandchild is alive: {state}");
    }

    #[test]
    fn a_program_sees_only_what_it_is_given() {
        let runner = runner();
        let command = cmd!(runner.sh, "env").env("TZ", "UTC");
        assert_eq!(block_on(runner.run(command)).unwrap().stdout, "PATH=/usr/bin:/bin\nTZ=UTC\n");
    }

    #[test]
    fn an_argument_arrives_byte_for_byte() {
        let (mut reader, writer) = io::pipe().unwrap();
        let (runner, path) = (runner(), Path::new(OsStr::from_bytes(b"a \xff'$x")));
        block_on(runner.run(cmd!(runner.sh, "printf %s file:{path}")).into(writer)).unwrap();
        let mut printed = Vec::new();
        io::Read::read_to_end(&mut reader, &mut printed).unwrap();
        assert_eq!(printed, b"file:a \xff'$x");
    }
}
