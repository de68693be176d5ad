use render_verdict::{frames::png::PictureSize, picture::raster::Raster};

use super::*;
use crate::{
    report::tests::{changed, files, killed},
    tools::folder::Folder,
};

fn page_of(files: &crate::report::files::Files) -> String {
    page(&RunReport::of(files).unwrap(), &Pictures::default())
}

#[test]
fn a_page_has_each_section_once() {
    for (name, sections) in [
        ("smoke", "overview scaling protocols renders cost stages environment files"),
        ("eval", "overview legs scaling renders cost stages environment files"),
    ] {
        let page = page_of(&files(name));
        for id in sections.split(' ') {
            assert_eq!(page.matches(&format!("<section id=\"{id}\"")).count(), 1, "{name}: {id}");
        }
        assert_eq!(page.matches("<h1>").count(), 1);
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    }
}

#[test]
fn a_failing_page_begins_with_the_renders_that_fail() {
    let fails = changed("smoke", "results.json", |rows| rows[1]["passed"] = false.into());
    let mut report = RunReport::of(&fails).unwrap();
    report.run.verdict.as_mut().unwrap().findings = (0..9).map(|nth| format!("reason {nth}")).collect();
    let page = page(&report, &Pictures::default());
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(at("<section id=\"renders\"") < at("<section id=\"overview\""));
    let labels: Vec<_> = report.renders.iter().map(|render| format!("</span> {}</h3>", render.label)).collect();
    assert!(at(&labels[1]) < at(&labels[0]), "the render that fails comes first");
    assert!(at("reason 5") < at("3 more</summary>") && at("3 more</summary>") < at("reason 6"));
}

#[test]
fn the_page_requests_nothing() {
    for name in ["smoke", "eval", "eval-sweep"] {
        let page = page_of(&files(name));
        for outside in ["http://", "https://", "src=\"/", "@import", "<script src", "url(http", "fetch(", "import("] {
            assert!(!page.contains(outside), "{name} has {outside}");
        }
        assert_eq!(page.matches("<script").count(), 1);
        // Every id occurs once, so that links and labels are unambiguous.
        let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}

#[test]
fn text_from_others_is_escaped() {
    let evil = "<script>alert(1)</script>";
    let files = changed("smoke", "run.json", |run| {
        run["failure"] = evil.into();
        run["exitCode"] = 4.into();
    });
    let page = page_of(&files);
    assert!(!page.contains(evil) && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_killed_run_has_a_page_too() {
    for name in ["smoke", "eval"] {
        let page = page_of(&killed(name));
        assert!(page.contains("UNFINISHED") && page.contains("not measured"), "{name}");
        assert!(!page.contains("id=\"renders\"") && !page.contains("id=\"cost\""), "{name}");
    }
}

#[test]
fn a_failed_execution_is_shown_with_its_history() {
    let path = format!("{}/tests/data/histories/failed-chunk.json", env!("CARGO_MANIFEST_DIR"));
    let mut files = killed("smoke");
    files.add("renders/N2-execution.json", Some("{}".to_owned()));
    files.add("renders/N2-history.json", Some(std::fs::read_to_string(path).unwrap()));
    let page = page_of(&files);
    assert!(page.contains("chunk 1 is broken on purpose") && page.contains("failed with TypeError"), "{page}");
}

#[test]
fn audio_and_worst_frames_are_shown_when_they_were_kept() {
    let mut files = changed("smoke", "results.json", |rows| {
        rows[1]["audioLevels"] = "renders/N2-audio.csv".into();
        rows[1]["worstFrameImages"] = serde_json::json!({
            "frame": 25, "baseline": "renders/N2-worst-baseline.png", "render": "renders/N2-worst-render.png",
            "difference": "renders/N2-worst-difference.png", "amplifiedBy": 8,
        });
    });
    let levels = "track,atS,residualDbfs,baselineDbfs\n0,0.0,-inf,-12.5\n0,0.1,-63.0,-20.0\n";
    files.add("renders/N2-audio.csv", Some(levels.to_owned()));
    for part in ["baseline", "render", "difference"] {
        files.add(format!("renders/N2-worst-{part}.png"), None);
    }
    let report = RunReport::of(&files).unwrap();
    let linked = page(&report, &Pictures::default());
    assert!(linked.contains("Audio residual of N=2, track 1") && linked.contains("any 100 ms: -40 dBFS"));
    assert!(linked.contains("Difference, amplified 8 times") && linked.contains("#25, 47.2"));
    assert!(linked.contains("href=\"renders/N2-worst-render.png\"") && !linked.contains("data:image"));

    let picture = Raster::new(PictureSize { width: 2, height: 1 }, vec![7; 6]).unwrap().png().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("renders")).unwrap();
    for part in ["baseline", "render", "difference"] {
        std::fs::write(dir.path().join(format!("renders/N2-worst-{part}.png")), &picture).unwrap();
    }
    let embedded = page(&report, &Pictures::read(&Folder::open(dir.path()).unwrap(), &report.renders));
    assert_eq!(embedded.matches("src=\"data:image/png;base64,").count(), 3);
}

#[test]
fn many_renders_are_collapsed_except_those_that_fail() {
    let files = changed("eval", "results.json", |results| {
        results["lambdaSamples"][2]["render"]["passed"] = false.into();
    });
    let page = page_of(&files);
    let tags = page.split("<details class=\"render\"").skip(1).filter_map(|rest| rest.split('>').next());
    let open: Vec<bool> = tags.map(|tag| tag.ends_with(" open")).collect();
    assert_eq!((open.len(), open.iter().filter(|open| **open).count()), (8, 1));
}

#[test]
fn a_page_runs_its_own_script_alone() {
    let page = page_of(&files("smoke"));
    let (_, script) = page.split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = aws_smithy_types::base64::encode(Sha256::digest(script.as_bytes()));
    assert!(page.contains(&format!("default-src 'none'; script-src 'sha256-{hash}';")), "the policy has another hash");
}

#[test]
fn videos_are_shown_in_step_where_both_are_there() {
    let mut files = files("smoke");
    let without = page_of(&files);
    assert!(!without.contains("class=\"player\""));
    let fixture = RunReport::of(&files).unwrap().renders[0].fixture.clone();
    files.add(format!("renders/baseline-{fixture}.mp4"), None);
    files.add("renders/N4-output.mp4", None);
    let page = page_of(&files);
    assert_eq!(page.matches("class=\"player\"").count(), 1, "one render has its video");
    assert!(
        page.contains("src=\"./renders/N4-output.mp4\"") && page.contains("data-fps=\"30\" data-frames=\"120\""),
        "{page}"
    );
    assert!(page.contains("preload=\"none\""), "the page reads videos before anyone asks");
}

#[test]
fn every_gate_is_shown_with_its_figure_and_its_limit() {
    let row = |page: &str, gate: &str| {
        let (_, rest) = page.split_once(&format!("<th scope=\"row\">{gate}</th>")).unwrap();
        let cells = rest.split("</tr>").next().unwrap().replace("</td>", "|");
        let texts: String = cells.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
        texts.trim_matches('|').to_owned()
    };
    let page = page_of(&files("smoke"));
    assert_eq!(row(&page, "psnr-mean"), "49.68 dB|40.00 dB|pass");
    assert_eq!(row(&page, "structure"), "–|–|pass");
    assert!(page.contains("gates with their limits</summary>"));
    let failing = changed("smoke", "results.json", |rows| {
        rows[0]["passed"] = false.into();
        rows[0]["findings"] = serde_json::json!([
            { "gate": "psnr-mean", "value": "30 dB", "limit": "40 dB", "message": "m" }
        ]);
    });
    let page = page_of(&failing);
    assert_eq!(row(&page, "psnr-mean"), "49.68 dB|40.00 dB|FAIL");
    assert!(page.contains("gates with their limits, 1 of which failed</summary>"));
}
