//! What a program printed, and how it is shown to people.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    path::PathBuf,
    process::{Command, ExitStatus},
};

use anyhow::bail;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// What a program that ran to its end left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output, unless that went elsewhere.
    pub stdout: String,
    /// The last lines of its standard error.
    pub stderr_tail: String,
    pub(super) command: String,
    pub(super) log: Option<PathBuf>,
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
pub(super) struct Lines {
    lines: VecDeque<String>,
    most: usize,
}

const TAIL_LINES: usize = 15;

impl Lines {
    pub(super) fn all() -> Self {
        Self { lines: VecDeque::new(), most: usize::MAX }
    }

    pub(super) fn tail() -> Self {
        Self { lines: VecDeque::new(), most: TAIL_LINES }
    }

    pub(super) fn text(&self) -> String {
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
pub(super) async fn copy(
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

/// A command, shortened to what tells it from others.
pub(super) fn short(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut shown = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args().take(3) {
        shown.push(' ');
        shown.extend(arg.to_string_lossy().chars().take(60));
    }
    if command.get_args().len() > 3 { shown + " …" } else { shown }
}

/// A command as it can be pasted into a shell, without the secrets in its environment.
pub(super) fn command_line(command: &Command) -> String {
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

fn is_secret(name: &str) -> bool {
    ["SECRET", "TOKEN", "PASSWORD", "_auth", "ACCESS_KEY"].iter().any(|part| name.contains(part))
}

fn quoted(word: &str) -> String {
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
