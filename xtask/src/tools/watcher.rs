//! What ends the children of a run that was killed: no signal handler runs after a SIGKILL.

use std::{
    ffi::OsStr,
    io::Write,
    process::{ChildStdin, Command, Stdio},
};

/// A shell that reads which process groups live, and kills those that are left when its input ends with this process.
/// The system can end a direct child with its parent on Linux alone, and never the programs that the child started.
#[derive(Debug, Default)]
pub(crate) struct Watcher(Option<ChildStdin>);

const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"#;

impl Watcher {
    /// A group was started. Where no watcher can be started, the run continues without one.
    pub(crate) fn begins(&mut self, group: u32) {
        if self.0.is_none() {
            self.0 = start();
        }
        self.write('+', group);
    }

    pub(crate) fn ended(&mut self, group: u32) {
        self.write('-', group);
    }

    fn write(&mut self, sign: char, group: u32) {
        if let Some(input) = &mut self.0 {
            // By one call, so that the shell reads no half of a line.
            let _ = input.write_all(format!("{sign} {group}\n").as_bytes());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it has to outlive this process, unlike what the runner starts")]
fn start() -> Option<ChildStdin> {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("/bin/sh");
    shell.args([OsStr::new("-c"), OsStr::new(SCRIPT)]).env_clear().process_group(0);
    let started = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.ok()?.stdin.take()
}

#[cfg(test)]
mod tests {
    use std::{process::Child, time::Duration};

    use super::*;

    /// A group of a shell and the program that it started.
    #[expect(clippy::disallowed_methods, reason = "what is to be killed")]
    fn group() -> Child {
        use std::os::unix::process::CommandExt;
        Command::new("/bin/sh").args(["-c", "sleep 60 & wait"]).process_group(0).spawn().unwrap()
    }

    fn ends(child: &mut Child) -> bool {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            child.try_wait().unwrap().is_some()
        })
    }

    #[test]
    fn at_the_end_of_this_process_only_the_groups_that_live_are_killed() {
        let mut watcher = Watcher::default();
        let (mut first, mut over, mut last) = (group(), group(), group());
        [&first, &over, &last].iter().for_each(|child| watcher.begins(child.id()));
        watcher.ended(over.id());
        drop(watcher);
        assert!(ends(&mut first) && ends(&mut last));
        assert!(over.try_wait().unwrap().is_none(), "a group that had ended was killed");
        over.kill().unwrap();
        over.wait().unwrap();
    }
}
