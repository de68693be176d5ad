//! Running one child to its end.

use std::{
    fmt,
    fs::File,
    future::pending,
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    Children,
    printed::{Keep, copy, indent, last_lines},
    told::command_line,
};
use crate::env::Env;

/// A program, its arguments and all that it may see.
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    args: Vec<String>,
    env: Env,
    cwd: Option<PathBuf>,
    log: Option<PathBuf>,
    input: Option<PathBuf>,
    limit: Duration,
}

/// What a child that was run to its end left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output, unless it went elsewhere.
    pub stdout: String,
    /// The last lines of its standard error.
    pub stderr_tail: String,
}

impl Command {
    const DEFAULT_LIMIT: Duration = Duration::from_secs(120);

    /// A child that sees `env` and nothing else of the caller's environment.
    pub fn new(program: impl Into<PathBuf>, env: &Env) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: env.clone(),
            cwd: None,
            log: None,
            input: None,
            limit: Self::DEFAULT_LIMIT,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The folder that the child runs in.
    #[must_use]
    pub fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = Some(dir.to_owned());
        self
    }

    /// A file that gets everything the child prints, line by line.
    #[must_use]
    pub fn log(mut self, path: &Path) -> Self {
        self.log = Some(path.to_owned());
        self
    }

    /// A file that the child reads as its standard input; else it has none.
    #[must_use]
    pub fn input(mut self, path: &Path) -> Self {
        self.input = Some(path.to_owned());
        self
    }

    /// How long the child may take; after that its group is stopped.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the child; an exit status but 0 is an error with the tail of what
    /// it printed and its log's path.
    ///
    /// # Errors
    /// When it can't be started, takes too long, or fails.
    pub async fn run(&self, children: &Children) -> anyhow::Result<Output> {
        self.successful(self.run_any(children).await?)
    }

    /// Runs the child as [`Command::run`]; its standard output goes to `stdout`.
    ///
    /// # Errors
    /// As of [`Command::run`].
    pub async fn run_into(&self, children: &Children, stdout: impl Into<Stdio>) -> anyhow::Result<Output> {
        self.successful(self.run_with(children, stdout.into(), pending()).await?.expect("nothing else ends it"))
    }

    /// Runs the child as [`Command::run`], but no longer than until `enough`: then it is stopped.
    ///
    /// # Errors
    /// As of [`Command::run`].
    pub async fn run_until(&self, children: &Children, enough: impl Future<Output = ()>) -> anyhow::Result<()> {
        match self.run_with(children, Stdio::piped(), enough).await? {
            Some(output) => self.successful(output).map(drop),
            None => Ok(()),
        }
    }

    fn successful(&self, output: Output) -> anyhow::Result<Output> {
        if output.status.success() {
            return Ok(output);
        }
        bail!("{}", self.complaint(&output));
    }

    /// Runs the child to its end, whatever its exit status.
    ///
    /// # Errors
    /// When it can't be started or takes too long.
    pub async fn run_any(&self, children: &Children) -> anyhow::Result<Output> {
        Ok(self.run_with(children, Stdio::piped(), pending()).await?.expect("nothing else ends it"))
    }

    /// What the child came to; `None` where there was `enough` before.
    async fn run_with(
        &self,
        children: &Children,
        stdout: Stdio,
        enough: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Output>> {
        let console = &children.console;
        console.command(&format!("$ {}", command_line(&self.program, &self.args, &self.env)));
        console.now(&self.to_string());
        let started = Instant::now();
        let mut child = self.spawn(stdout).with_context(|| format!("{self} can't be started"))?;
        let registered = children.register(child.id().expect("not yet waited for"), &self.name());
        let log = self.open_log();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take().expect("piped");
        let (mut all, mut tail) = (Keep::all(), Keep::tail());
        // What has a log is meant for people.
        let shown = |line: &str| {
            if self.log.is_some() && !line.trim().is_empty() {
                console.now(line);
            }
        };
        let done = async {
            let copy_stdout = async {
                match stdout {
                    Some(stdout) => copy(stdout, &mut all, log.as_ref(), &shown).await,
                    None => Ok(()),
                }
            };
            tokio::try_join!(copy_stdout, copy(stderr, &mut tail, log.as_ref(), &shown))?;
            child.wait().await
        };
        let too_long = tokio::select! {
            status = done => {
                registered.ended();
                let status = status.with_context(|| format!("waiting for {self}"))?;
                console.command(&format!("  {self}: {:.1} s, {status}", started.elapsed().as_secs_f64()));
                return Ok(Some(Output { status, stdout: all.text(), stderr_tail: tail.text() }));
            }
            () = tokio::time::sleep(self.limit) => true,
            () = enough => false,
        };
        // Waited for at the same time: a child that nobody waits for stays in its group.
        let _ = tokio::join!(registered.stop(), child.wait());
        if too_long {
            bail!("{self} took more than {} s and was stopped{}", self.limit.as_secs(), self.log_hint());
        }
        console.command(&format!(
            "  {self}: {:.1} s, stopped: it had nothing more to do",
            started.elapsed().as_secs_f64()
        ));
        Ok(None)
    }

    /// What to say of a child that failed.
    pub fn complaint(&self, output: &Output) -> String {
        let printed =
            if output.stderr_tail.trim().is_empty() { last_lines(&output.stdout) } else { output.stderr_tail.clone() };
        format!("{self} failed ({}){}\n{}", output.status, self.log_hint(), indent(&printed))
    }

    fn log_hint(&self) -> String {
        self.log.as_ref().map(|path| format!("; its log is {}", path.display())).unwrap_or_default()
    }

    /// A log that can't be written, on a full disk, must not keep `sam delete` from running.
    fn open_log(&self) -> Option<File> {
        let mut log = File::options().create(true).append(true).open(self.log.as_ref()?).ok()?;
        let _ = writeln!(log, "$ {self}");
        Some(log)
    }

    fn spawn(&self, stdout: Stdio) -> std::io::Result<tokio::process::Child> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter());
        let input = self.input.as_ref().map(File::open).transpose()?;
        command.stdin(input.map_or_else(Stdio::null, Stdio::from)).stdout(stdout).stderr(Stdio::piped());
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        own_group(&mut command);
        tokio::process::Command::from(command).spawn()
    }

    fn name(&self) -> String {
        self.program.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Makes the child the leader of a group of its own, which ends when this
/// process is killed: even SIGKILL leaves no `sam deploy` behind that goes on
/// creating things.
pub(super) fn own_group(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
    #[cfg(target_os = "linux")]
    {
        let parent = rustix::process::getpid();
        let die_with_parent = move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // Of one that was killed before this no signal comes.
            match rustix::process::getppid() == Some(parent) {
                true => Ok(()),
                false => Err(std::io::Error::from(rustix::io::Errno::SRCH)),
            }
        };
        // SAFETY: prctl and getppid are async-signal-safe, and the closure allocates nothing.
        #[expect(unsafe_code, reason = "the one way to run prctl in the child")]
        unsafe {
            command.pre_exec(die_with_parent);
        }
    }
}

/// The command line, shortened to what tells children apart.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        for arg in self.args.iter().take(3) {
            let shown: String = arg.chars().take(60).collect();
            write!(f, " {shown}")?;
        }
        if self.args.len() > 3 { f.write_str(" …") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn sh(script: &str) -> Command {
        Command::new("/bin/sh", &Env::from([("PATH", "/usr/bin:/bin")])).args(["-c", script])
    }

    #[test]
    fn a_failure_tells_status_tail_and_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("x.log");
        let error =
            run(sh("echo out; echo broken >&2; exit 3").log(&log).run(&Children::default())).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("broken") && error.contains("x.log"), "{error}");
        let logged = std::fs::read_to_string(log).unwrap();
        assert!(logged.contains("out\n") && logged.contains("broken\n"), "{logged}");
    }

    #[test]
    fn standard_output_may_go_elsewhere() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let output = run(sh("echo gone; echo told >&2").run_into(&Children::default(), writer)).unwrap();
        // It ends: nothing of it is left open here.
        assert_eq!(std::io::read_to_string(&mut reader).unwrap(), "gone\n");
        assert_eq!((output.stdout.as_str(), output.stderr_tail.as_str()), ("", "told\n"));
    }

    #[test]
    fn a_full_disk_does_not_stop_a_child() {
        let output = run(sh("echo gone").log(Path::new("/dev/full")).run(&Children::default())).unwrap();
        assert_eq!(output.stdout, "gone\n");
    }

    #[test]
    fn a_child_over_its_limit_is_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", pid_file.display());
        let error =
            run(sh(&script).limit(Duration::from_millis(500)).run(&Children::default())).unwrap_err().to_string();
        assert!(error.contains("was stopped"), "{error}");
        let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "the grandchild is alive: {state}");
    }

    #[test]
    fn a_child_sees_only_what_it_is_given() {
        let output =
            run(sh("env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=").run(&Children::default())).unwrap();
        assert_eq!(output.stdout, "PATH=/usr/bin:/bin\n");
    }
}
