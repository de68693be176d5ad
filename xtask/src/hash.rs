//! SHA-256 of files, and hashes as text.

use std::{fs::File, io::Read, path::Path};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// A file's SHA-256 in hex.
///
/// # Errors
/// When it can't be read.
pub fn sha256_of_file(path: &Path) -> anyhow::Result<String> {
    let context = || format!("{}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).with_context(context)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
