//! What people see while they wait: lines on stderr, results on stdout, and on a
//! terminal, below them, the activities in progress.
//!
//! A terminal that has gone away, or a pipe that nobody reads, must not end a run
//! before its clean-up, so printing never fails.

pub(crate) mod live;
pub(crate) mod terminal;
pub mod text;

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{
    console::{
        live::{Id, Live, Now},
        terminal::{Drawn, Paint, Terminal, When},
    },
    tools::env::Env,
};

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Results, errors and warnings.
    Quiet,
    /// Every transition too.
    #[default]
    Normal,
    /// Every command that is run too.
    Commands,
    /// Every call of AWS too.
    Calls,
}

/// The terminal. Clones share the clock and what is on the screen.
#[derive(Debug, Clone)]
pub struct Console(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Instant,
    verbosity: Verbosity,
    /// Where live lines go; `None` where there are none.
    terminal: Option<Terminal>,
    on_stdout: Paint,
    on_stderr: Paint,
    screen: Mutex<Screen>,
}

#[derive(Debug, Default)]
struct Screen {
    live: Live,
    drawn: Drawn,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// The widest live line, in columns. A terminal that is resized but stays wider than this does not wrap the live
/// lines, so they can be redrawn correctly.
const WIDEST: usize = 100;

tokio::task_local! {
    /// The activity to which the running code belongs.
    static CURRENT: Id;
}

impl Default for Console {
    /// One that has no terminal.
    fn default() -> Self {
        Self::new(Verbosity::default(), None, Paint::OFF, Paint::OFF)
    }
}

impl Console {
    /// This process's.
    pub fn of_process(verbosity: Verbosity, color: When, env: &Env) -> Self {
        let terminal = Terminal::of_process(env).filter(|_| verbosity > Verbosity::Quiet);
        let paint = |is_terminal| Paint::of(color, env, is_terminal);
        let (stdout, stderr) = (paint(terminal::is_stdout()), paint(terminal::is_stderr()));
        let console = Self::new(verbosity, terminal, stdout, stderr);
        console.0.keep_drawing();
        console
    }

    fn new(verbosity: Verbosity, terminal: Option<Terminal>, on_stdout: Paint, on_stderr: Paint) -> Self {
        let (started, screen) = (Instant::now(), Mutex::default());
        Self(Arc::new(Shared { started, verbosity, terminal, on_stdout, on_stderr, screen }))
    }

    /// A line of progress, with the seconds since the start.
    pub fn step(&self, stage: &str, text: &str) {
        if self.0.verbosity > Verbosity::Quiet {
            let (clock, stage) = (self.0.started.elapsed().as_secs_f64(), format!("{stage:<9}"));
            let text = text::harmless(text);
            self.0.print(Stream::Stderr, &format!("[{clock:7.1}s] {} {text}", self.0.on_stderr.stage(&stage)));
        }
    }

    /// A line of progress for those who want to see every command.
    pub fn command(&self, text: &str) {
        if self.0.verbosity >= Verbosity::Commands {
            self.step("command", text);
        }
    }

    /// A line of progress for those who want to see every call of AWS.
    pub fn call(&self, text: &str) {
        if self.0.verbosity >= Verbosity::Calls {
            self.step("call", text);
        }
    }

    /// Whether [`Console::call`] shows anything.
    pub fn logs_calls(&self) -> bool {
        self.0.verbosity >= Verbosity::Calls
    }

    /// A message: an error, a warning, a question.
    pub fn say(&self, text: &str) {
        self.0.print(Stream::Stderr, &self.0.on_stderr.line(&text::harmless(text)));
    }

    /// A message that a quiet run leaves out.
    pub fn note(&self, text: &str) {
        if self.0.verbosity > Verbosity::Quiet {
            self.say(&format!("note: {text}"));
        }
    }

    /// A result, on stdout.
    pub fn result(&self, text: &str) {
        self.0.print(Stream::Stdout, &self.0.on_stdout.line(&text::harmless(text)));
    }

    /// How many columns a result may have: those of the terminal that stdout is; elsewhere any number.
    pub fn width(&self) -> usize {
        terminal::columns_of_stdout().unwrap_or(usize::MAX)
    }

    /// Begins a group of lines that GitHub Actions folds, after the end of the one before; `None` only ends it.
    pub fn group(&self, title: Option<&str>) {
        let begins = title.map(|title| format!("\n::group::{title}")).unwrap_or_default();
        self.0.print(Stream::Stderr, &format!("::endgroup::{begins}"));
    }

    /// An error that GitHub Actions shows next to the step. This and [`Console::group`] are the only commands to a CI
    /// that are ever printed.
    pub fn annotation(&self, title: &str, text: &str) {
        self.0.print(Stream::Stdout, &text::annotation(title, &text::harmless(text)));
    }

    /// Shows the phase of the run above all activities, until the next one.
    pub fn phase(&self, phase: Option<&str>) {
        let mut screen = self.0.screen();
        screen.live.set_phase(phase);
        self.0.clear_if_done(&mut screen);
    }

    /// Adds renders that are to be done. The line of the run shows how many of them are.
    pub fn expect_renders(&self, renders: u64) {
        self.0.screen().live.expect(renders, Instant::now());
    }

    /// One of these renders is over, whatever became of it.
    pub fn render_ended(&self) {
        self.0.screen().live.advance(Instant::now());
    }

    /// Whether anybody sees [`Console::now`].
    pub fn is_live(&self) -> bool {
        self.0.terminal.is_some()
    }

    /// Shows `work` as going on until it ends.
    pub async fn during<T>(&self, stage: &str, work: impl Future<Output = T>) -> T {
        let shown = Shown { shared: &self.0, id: self.0.screen().live.begin(stage, Instant::now()) };
        CURRENT.scope(shown.id, work).await
    }

    /// Shows how far the current activity is; the next call replaces this text.
    pub fn now(&self, text: &str) {
        self.now_at(text, None);
    }

    /// [`Console::now`] with the share that is done, 0 to 1.
    pub fn now_at(&self, text: &str, share: Option<f64>) {
        if self.is_live() {
            self.reporter().now_at(text, share);
        }
    }

    /// Shows the current activity from anywhere, another thread too.
    pub fn reporter(&self) -> Reporter {
        let id = CURRENT.try_with(|id| *id).ok();
        Reporter(self.0.terminal.as_ref().and(id).map(|id| (self.clone(), id)))
    }
}

/// Shows how far one activity is.
#[derive(Debug, Clone)]
pub struct Reporter(Option<(Console, Id)>);

impl Reporter {
    /// Whether anybody sees what it shows.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// See [`Console::now_at`].
    pub fn now_at(&self, text: &str, share: Option<f64>) {
        if let Some((console, id)) = &self.0 {
            console.0.screen().live.update(*id, Now { text: text.to_owned(), share });
        }
    }
}

/// An activity that is shown until this value is dropped.
struct Shown<'a> {
    shared: &'a Shared,
    id: Id,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let mut screen = self.shared.screen();
        screen.live.end(self.id);
        self.shared.clear_if_done(&mut screen);
    }
}

impl Shared {
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints whole lines for good, above the live ones.
    fn print(&self, stream: Stream, text: &str) {
        let mut screen = self.screen();
        let text = format!("{text}\n");
        let shows_both = match stream {
            Stream::Stdout => self.terminal.as_ref().filter(|terminal| terminal.is_stdout_too),
            Stream::Stderr => self.terminal.as_ref(),
        };
        let bytes = match shows_both {
            Some(terminal) => screen.draw(&text, self.started, terminal, self.on_stderr),
            None => text,
        };
        write(stream, &bytes);
    }

    /// Takes the last live lines off the screen: what ends the process may follow at once.
    fn clear_if_done(&self, screen: &mut Screen) {
        if screen.live.is_empty() && !screen.drawn.is_empty() {
            self.redraw(screen);
        }
    }

    fn redraw(&self, screen: &mut Screen) {
        if let Some(terminal) = &self.terminal {
            write(Stream::Stderr, &screen.draw("", self.started, terminal, self.on_stderr));
        }
    }
}

impl Screen {
    fn draw(&mut self, permanent: &str, started: Instant, terminal: &Terminal, paint: Paint) -> String {
        let extent = terminal.extent();
        // A line as wide as the terminal would leave the cursor between two lines.
        let columns = extent.columns.saturating_sub(1).min(WIDEST);
        let lines = self.live.lines(started, Instant::now(), columns, extent.rows.saturating_sub(2));
        self.drawn.redraw(permanent, &lines, extent, paint)
    }
}

fn write(stream: Stream, bytes: &str) {
    let _ = match stream {
        Stream::Stdout => std::io::stdout().write_all(bytes.as_bytes()),
        Stream::Stderr => std::io::stderr().write_all(bytes.as_bytes()),
    };
}
