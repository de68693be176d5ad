//! A fixture's meta.json, as text or an edited one of this repository's.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use serde_json::Value;
use xtask::project::fixture::meta::Meta;

static FIXTURES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let root = format!("{}/../../fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<_> = std::fs::read_dir(root).expect("fixtures").flatten().map(|entry| entry.path()).collect();
    found.sort();
    let texts = found.iter().filter_map(|dir| std::fs::read(dir.join("meta.json")).ok());
    texts.map(|text| serde_json::from_slice(&text).expect("JSON")).collect()
});

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((choice @ 0..=31, rest)) => {
            let fixture = &FIXTURES[usize::from(*choice) % FIXTURES.len()];
            let Ok(edited) = xtask_fuzz::edited(fixture.clone(), &mut Unstructured::new(rest)) else { return };
            read(&edited.to_string());
        }
        _ => read(&String::from_utf8_lossy(bytes)),
    }
});

fn read(text: &str) {
    let Ok(meta) = Meta::parse(text) else { return };
    let _ = meta.check_distributed();
    assert_eq!(Meta::parse(text).expect("it was read before"), meta);
}
