//! The files that `lambda-report` reads, and every report that it writes. The first byte
//! chooses a real folder and a report, the second a file: JSON is edited, CSV is replaced.
#![no_main]

use std::{fs, path::Path, sync::LazyLock};

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use xtask::report::{
    RunReport,
    files::Files,
    compare::SideBySide,
    junit, markdown,
    page::{frames::Pictures, page},
};

struct Folder {
    files: Vec<(String, String)>,
    report: RunReport,
}

static FOLDERS: LazyLock<Vec<Folder>> = LazyLock::new(|| {
    let root = format!("{}/../tests/data/artifacts", env!("CARGO_MANIFEST_DIR"));
    let of = |name: &str| {
        let mut files = Vec::new();
        collect(&Path::new(&root).join(name), "", &mut files);
        files.sort();
        let report = RunReport::of(&as_files(&files)).expect("a real folder can be read");
        Folder { files, report }
    };
    ["smoke", "eval", "eval-sweep"].map(of).into_iter().collect()
});

fn collect(dir: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).expect("artifacts").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path() {
            path if path.is_dir() => collect(&path, &format!("{name}/"), files),
            path => files.push((name, fs::read_to_string(path).expect("text"))),
        }
    }
}

fn as_files(all: &[(String, String)]) -> Files {
    let mut files = Files::default();
    all.iter().for_each(|(name, text)| files.add(name, Some(text.clone())));
    files
}

fuzz_target!(|bytes: &[u8]| {
    let [choice, file, rest @ ..] = bytes else { return };
    let folder = &FOLDERS[usize::from(*choice) % FOLDERS.len()];
    // Twice as likely: all figures are in these.
    let order = ["results.json", "run.json"].map(|name| folder.files.iter().position(|(known, _)| known == name));
    let nth = order.get(usize::from(*file) / 64).copied().flatten().unwrap_or(usize::from(*file) % folder.files.len());
    let mut files = folder.files.clone();
    let (name, text) = &mut files[nth];
    if name.ends_with(".json") {
        let json = serde_json::from_str(text).expect("JSON");
        let Ok(edited) = xtask_fuzz::edited(json, &mut Unstructured::new(rest)) else { return };
        *text = edited.to_string();
    } else {
        let header = text.lines().next().unwrap_or_default();
        *text = format!("{header}\n{}", String::from_utf8_lossy(rest));
    }
    files.push(("renders/N2-audio.csv".to_owned(), sound(rest)));
    let Ok(report) = RunReport::of(&as_files(&files)) else { return };
    draw(&report, &folder.report, choice / 64);
});

fn sound(rest: &[u8]) -> String {
    let rest = String::from_utf8_lossy(rest);
    let header = "track,atS,residualDbfs,baselineDbfs";
    match rest.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("{header}\n{rest}"),
        false => format!("{header}\n0,0.0,-90.0,-20.0\n"),
    }
}

/// Draws one of the reports, because each takes longer than reading the files does.
fn draw(report: &RunReport, before: &RunReport, which: u8) {
    report.ending();
    report.total_usd();
    match which {
        0 => drop(page(report, &Pictures::default())),
        1 => drop(markdown::markdown(report)),
        2 => drop(junit::junit(report)),
        _ => drop(SideBySide::of(report, before).markdown()),
    }
}
