//! A history of 25,000 events to timeline, report.html, report.md and junit.xml.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    emulator::XTASK,
    generated::{Execution, write_artifacts},
    printed::{Printed, Whose, cpu_s, peak_kib},
};

const ROUNDS: usize = 5;

/// 25,000 events is the most that Step Functions keeps of an execution.
const SHAPES: [(&str, Execution); 3] = [
    ("25,000 events: 3,568 chunks", Execution { chunks: 3_568, attempts: 1 }),
    ("25,000 events: 256 chunks, 31 attempts", Execution { chunks: 256, attempts: 31 }),
    ("12,500 events: 1,784 chunks", Execution { chunks: 1_784, attempts: 1 }),
];

pub(crate) fn measure(printed: &mut Printed) {
    let dirs = SHAPES.map(|(_, execution)| {
        let dir = tempfile::tempdir().unwrap();
        let written = write_artifacts(dir.path(), &[execution]);
        (dir, written)
    });
    // By turns, so that what else the machine does is shared.
    let mut ran: [Vec<Ran>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (ran, (dir, _)) in ran.iter_mut().zip(&dirs) {
            ran.push(remake(dir.path()));
        }
    }
    for (((name, _), (_, (bytes, events))), ran) in SHAPES.iter().zip(&dirs).zip(&ran) {
        // The fastest run was least disturbed by other work on the machine.
        let least = |of: fn(&Ran) -> f64| ran.iter().map(of).fold(f64::INFINITY, f64::min);
        let (took, cpu) = (least(|ran| ran.took_s), least(|ran| ran.cpu_s));
        let peak = ran.iter().map(|ran| ran.peak_kib).max().unwrap_or(0) as f64 / 1024.0;
        let size = *bytes as f64 / 1024.0 / 1024.0;
        assert!(*events <= 25_000, "{events} events");
        printed.add(
            name,
            "<= 1 s",
            &format!("{took:.2} s"),
            &format!("{cpu:.2} s of processor"),
            took / cpu,
            Some(took <= 1.0),
        );
        let (peak_text, size_text) = (format!("{peak:.0} MiB"), format!("{size:.1} MiB of JSON"));
        // What the process takes anyway weighs more on short ones.
        let met = (*events > 20_000).then_some(peak <= 10.0 * size);
        printed.add("  memory", met.map_or("", |_| "<= 10 x"), &peak_text, &size_text, peak / size, met);
    }
}

/// The figures of one `lambda-report` that regenerates all reports.
struct Ran {
    took_s: f64,
    cpu_s: f64,
    peak_kib: u64,
}

fn remake(dir: &Path) -> Ran {
    let (cpu, started) = (cpu_s(Whose::Children), Instant::now());
    let mut child = Command::new(XTASK).arg("lambda-report").arg(dir).stdout(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak = peak.max(peak_kib(&pid).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    let took_s = started.elapsed().as_secs_f64();
    assert!(status.success());
    for name in ["report.html", "report.md", "junit.xml"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    Ran { took_s, cpu_s: cpu_s(Whose::Children) - cpu, peak_kib: peak }
}
