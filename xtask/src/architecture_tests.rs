//! What docs/architecture.md says of the source, held against the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const DOC: &str = include_str!("../../docs/architecture.md");
const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// What makes a file impure: files, processes, network, threads, the clock, chance.
const EFFECTS: [&str; 16] = [
    "fs::",
    "File::",
    "std::process",
    "tokio::",
    "SystemTime::now",
    "Instant::now",
    "std::net",
    "std::env",
    ".send()",
    "clock::",
    "process::",
    "thread::",
    "which::",
    "getrandom",
    "println!",
    "async fn",
];

/// A file of the crate without comments and without its tests.
struct Source {
    /// Below `src`, such as `measure/psnr.rs`.
    path: String,
    code: String,
    /// The comment at its top.
    about: String,
}

impl Source {
    /// The module of the crate that it belongs to.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().expect("a path has a first part");
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn effects(&self) -> Vec<&'static str> {
        EFFECTS.into_iter().filter(|effect| self.code.contains(effect)).collect()
    }

    /// Modules of the crate that it names: `crate::a::...` and `crate::{a::..., b}`.
    fn names(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, root) in self.code.match_indices("crate::") {
            let rest = &self.code[at + root.len()..];
            match rest.strip_prefix('{') {
                None => found.extend(first_word(rest)),
                Some(list) => found.extend(of_list(list)),
            }
        }
        found
    }
}

fn first_word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// The first words of a list's entries, up to the brace that closes it.
fn of_list(list: &str) -> Vec<String> {
    let (mut depth, mut entries, mut entry) = (0, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => entries.push(std::mem::take(&mut entry)),
            _ if depth == 0 => entry.push(c),
            _ => {}
        }
    }
    entries.push(entry);
    entries.iter().filter_map(|entry| first_word(entry)).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(rust_files(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

fn sources() -> Vec<Source> {
    let src = Path::new(CRATE).join("src");
    let is_test = |path: &Path| path.to_str().is_some_and(|p| p.ends_with("tests.rs"));
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let (about, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("//!"));
        let code = rest.join("\n");
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        Source { path: path.strip_prefix(&src).unwrap().display().to_string(), code, about: about.join("\n") }
    };
    rust_files(&src).into_iter().filter(|path| !is_test(path)).map(source).collect()
}

/// The crate's modules, without its two roots.
fn modules(sources: &[Source]) -> BTreeSet<&str> {
    sources.iter().map(Source::module).filter(|module| !matches!(*module, "lib" | "main")).collect()
}

/// The lines of "What may depend on what", from the highest.
fn layers() -> Vec<Vec<&'static str>> {
    let (_, section) = DOC.split_once("## What may depend on what").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(|line| line.split(", ").collect()).collect()
}

/// Each module, and those that it names in the file that is given.
fn dependencies(sources: &[Source]) -> BTreeMap<&str, BTreeMap<String, &str>> {
    let modules = modules(sources);
    let mut of: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| modules.contains(source.module())) {
        let named =
            source.names().into_iter().filter(|name| modules.contains(name.as_str()) && name != source.module());
        of.entry(source.module()).or_default().extend(named.map(|name| (name, source.path.as_str())));
    }
    of
}

#[test]
fn every_module_is_in_one_layer() {
    let sources = sources();
    let mut listed: Vec<&str> = layers().concat();
    listed.sort_unstable();
    assert_eq!(listed, modules(&sources).into_iter().collect::<Vec<_>>());
}

#[test]
fn dependencies_go_downwards() {
    let (sources, layers) = (sources(), layers());
    let layer = |module: &str| layers.iter().position(|layer| layer.contains(&module)).unwrap();
    let dependencies = dependencies(&sources);
    assert!(dependencies["smoke"].contains_key("run"), "dependencies are not found at all");
    for (module, named) in &dependencies {
        for (name, path) in named {
            assert!(layer(name) >= layer(module), "{path} uses {name}, which is above {module}");
        }
    }
}

#[test]
fn no_modules_know_each_other() {
    let sources = sources();
    let dependencies = dependencies(&sources);
    let mut left: BTreeSet<&str> = dependencies.keys().copied().collect();
    // Those that need nothing of what is left are taken away, until none is left.
    loop {
        let free: Vec<&str> = left
            .iter()
            .copied()
            .filter(|module| dependencies[module].keys().all(|name| !left.contains(name.as_str())))
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|module| !free.contains(module));
    }
    assert!(left.is_empty(), "these are in a ring, or above one: {left:?}");
}

/// Folders and files that the table of folders calls pure, with what it excepts.
fn told_pure() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    let (_, table) = DOC.split_once("## Folders of").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('|').collect();
        cells[2].trim().starts_with("pure").then(|| (quoted(cells[1]), quoted(cells[2])))
    };
    rows.filter_map(row).collect()
}

#[test]
fn what_is_called_pure_has_no_effects() {
    let (sources, pure) = (sources(), told_pure());
    let called_pure = |source: &Source| {
        let path = source.path.strip_suffix(".rs").unwrap();
        let excepted = |excepted: &[&str]| excepted.iter().any(|name| path.ends_with(name));
        let by_table = pure.iter().any(|(modules, but)| modules.contains(&source.module()) && !excepted(but));
        by_table || source.about.ends_with("Pure.")
    };
    let (held, free): (Vec<&Source>, Vec<&Source>) = sources.iter().partition(|source| called_pure(source));
    assert!(held.len() > 150 && free.iter().any(|source| !source.effects().is_empty()), "{}", held.len());
    let told = |source: &Source| format!("{}: {:?}", source.path, source.effects());
    let impure: Vec<String> = held.into_iter().filter(|source| !source.effects().is_empty()).map(told).collect();
    assert!(impure.is_empty(), "called pure, but with effects: {impure:#?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let folder = Path::new(CRATE);
    for path in ["src", "tests", "benches", "kernels"].into_iter().flat_map(|part| rust_files(&folder.join(part))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines: take it apart", path.display());
    }
}
