//! Every number in the table of report.md follows from the raw samples.

use std::fs;

use serde_json::Value;

use crate::support::Test;

/// The rows of the first table of report.md: the cells by the titles of their columns.
fn table(test: &Test) -> Vec<Vec<(String, String)>> {
    let text = fs::read_to_string(test.artifacts().join("report.md")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = lines.map(cells).collect();
    let row = |row: &Vec<String>| lines[0].iter().cloned().zip(row.iter().cloned()).collect();
    lines[2..].iter().map(row).collect()
}

/// The samples of a case, as other programs read them.
fn samples(test: &Test, memory: &str, chunks: &str) -> Vec<Value> {
    let text = fs::read_to_string(test.artifacts().join("samples.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_it = |sample: &Value| {
        memory.starts_with(&format!("{} ", sample["memoryMb"]))
            && chunks.parse() == Ok(sample["chunkCount"].as_u64().unwrap_or_default())
    };
    all.filter(is_it).collect()
}

/// One of the samples, or the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn values(samples: &[Value], start: &str, key: &str) -> Vec<f64> {
    samples.iter().filter(|sample| sample["start"] == start).map(|sample| sample[key].as_f64().unwrap()).collect()
}

#[test]
fn every_number_in_the_table_is_found_again_in_the_samples() {
    // The first execution of each block is cold, and no two take equally long.
    let mut test = Test::new();
    for nth in 1..=12 {
        test = test.nth_render(nth, |render| {
            render.ended += (nth * nth % 13) as f64 / 4.0;
            render.start = if nth % 2 == 1 { 1.5 } else { 0.0 };
        });
    }
    let args = ["--skip-local", "--memory-mb", "2048,4096", "--chunk-counts", "1,2", "--iterations", "3"];
    test.eval(&args).exit(0);
    let rows = table(&test);
    assert_eq!(rows.len(), 4);
    let of = |row: &[(String, String)], title: &str| {
        row.iter().find(|(name, _)| name == title).unwrap_or_else(|| panic!("no column {title}")).1.clone()
    };
    let steady = |row: &[(String, String)]| {
        let samples = samples(&test, &of(row, "memory"), &of(row, "chunks"));
        assert_eq!(samples.len(), 3);
        let start = if values(&samples, "warm", "wallMs").is_empty() { "cold" } else { "warm" };
        (values(&samples, start, "wallMs"), values(&samples, start, "usd"), samples)
    };
    let fastest = rows.iter().map(|row| median(steady(row).0)).fold(f64::INFINITY, f64::min);
    let seconds = |ms: f64| format!("{:.1} s", ms / 1000.0);
    let mut checked = 0;
    for row in &rows {
        let (ms, usd, samples) = steady(row);
        let (least, most) = (ms.iter().copied().fold(f64::INFINITY, f64::min), ms.iter().copied().fold(0.0, f64::max));
        let range = if ms.len() > 1 { format!("{:.1} - {}", least / 1000.0, seconds(most)) } else { "-".to_owned() };
        let (cold, cold_usd) = (values(&samples, "cold", "wallMs"), values(&samples, "cold", "usd"));
        let relative = median(ms.clone()) / fastest;
        let psnr = samples.iter().map(|sample| sample["psnrAvgDb"].as_f64().unwrap()).fold(f64::INFINITY, f64::min);
        let has_both = !cold.is_empty() && cold.len() < 3;
        let expected = [
            ("Lambda (median)", seconds(median(ms))),
            ("min - max", range),
            ("relative", if relative > 1.0 { format!("{relative:.2} x") } else { "fastest".to_owned() }),
            ("USD", format!("{:.5}", median(usd))),
            ("PSNR mean", format!("{psnr:.2} dB")),
        ];
        for (title, value) in &expected {
            assert_eq!(of(row, title), *value, "{title} of {row:?}");
        }
        if has_both {
            checked += 1;
            assert_eq!(of(row, "cold"), format!("{} ({} of 3)", seconds(median(cold.clone())), cold.len()), "{row:?}");
            assert_eq!(of(row, "USD cold"), format!("{:.5}", median(cold_usd)), "{row:?}");
        }
        let named = ["fixture", "memory", "chunks", "worst frame", "audio", "verdict", "cold", "USD cold"];
        let known =
            |title: &String| named.contains(&title.as_str()) || expected.iter().any(|(checked, _)| checked == title);
        assert!(row.iter().all(|(title, _)| known(title)), "a column that is not checked: {row:?}");
    }
    assert!(checked >= 2, "cases with cold and warm samples: {checked}");
}
