//! Special files: locks, which go with their process, and named pipes.

use std::{
    ffi::CString,
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::Duration,
};

use anyhow::Context;

/// Writes a path into JSON, whose strings are Unicode: other bytes become U+FFFD.
///
/// # Errors
/// Those of the format.
pub fn in_json<S: serde::Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

const POLL: Duration = Duration::from_millis(100);

/// Waits until no other process has the lock; says so first where it has to wait.
///
/// # Errors
/// When the file can't be made or locked.
pub async fn lock(path: &Path, say_waiting: impl FnOnce()) -> anyhow::Result<File> {
    let what = || format!("the lock {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(what)?;
    }
    let file = File::create(path).with_context(what)?;
    let mut say_waiting = Some(say_waiting);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::Error(error)) => return Err(error).with_context(what),
            // Asked again and again: a wait inside the system's call would not hear a signal.
            Err(fs::TryLockError::WouldBlock) => {
                if let Some(say) = say_waiting.take() {
                    say();
                }
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Makes a pipe with a name, which only its owner can open.
pub(crate) fn make_pipe(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the name is a C string that lives through the call.
    #[expect(unsafe_code, reason = "rustix makes no pipes on macOS")]
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    if made == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
