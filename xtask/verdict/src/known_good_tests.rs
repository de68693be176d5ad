use super::*;
use crate::{
    Picture,
    audio::{Sound, compare},
    picture::{
        hashes::FrameHashes,
        local::LocalPicture,
        psnr::{FramePsnr, VideoPsnr},
        ssim::VideoSsim,
    },
};

fn metrics(cpus: usize, ffmpeg: &str, psnr: f64, frames: &str) -> RenderMetrics {
    RenderMetrics {
        made_by: MadeBy {
            toolchain: Toolchain::new(Some("0.8.31"), Some(ffmpeg), Some("148")),
            machine: Machine::Emulator { cpus, cpu: "some model".into() },
            protocol: PlanProtocol::V2,
            chunk_count: ChunkCount::new(2).unwrap(),
            chunk_size: ChunkSize::new(30).unwrap(),
        },
        figures: Figures {
            psnr_avg_db: psnr,
            psnr_planes_db: [('y', psnr - 1.0), ('u', psnr + 2.0)].into(),
            worst_frame_db: psnr - 2.0,
            ssim: 0.99,
            audio_residual_dbfs: vec![-60.0],
        },
        frames_sha256: frames.repeat(64),
    }
}

/// The hashes of a fixture whose composition has this content.
fn of(content: &str) -> FixtureHashes {
    let files = [("src/index.html", content), ("output/output.mp4", "v")];
    let files = files.map(|(name, hash)| (name.to_owned(), hash.to_owned())).into();
    FixtureHashes { sha256: content.into(), files }
}

fn known_good() -> KnownGood {
    let renders = vec![metrics(2, "n8.1.2", 45.0, "a")];
    KnownGood {
        schema_version: KnownGood::SCHEMA_VERSION,
        fixture_sha256: "f".into(),
        fixture_files: of("f").files,
        renders,
    }
}

fn deviation(render: &RenderMetrics) -> Deviation {
    known_good().deviation(render, &of("f"))
}

fn messages(render: &RenderMetrics, strict: bool) -> (Vec<String>, Vec<String>) {
    let (found, notes) = deviation(render).findings(&render.made_by, strict);
    (found.iter().map(ToString::to_string).collect(), notes)
}

#[test]
fn a_reproduced_render_does_not_deviate() {
    assert_eq!(deviation(&metrics(2, "n8.1.2", 45.0, "a")), Deviation::None);
}

#[test]
fn one_other_frame_fails_where_renders_are_reproducible() {
    let (found, notes) = messages(&metrics(2, "n8.1.2", 45.0, "b"), false);
    insta::assert_snapshot!(found.join("\n"), @"the hash of all decoded frames is bbbbbbbbbbbb, known good is aaaaaaaaaaaa (from the same versions on the same kind of machine)");
    assert_eq!(notes, [""; 0]);
}

#[test]
fn known_good_frames_with_other_audio_fail() {
    let mut render = metrics(2, "n8.1.2", 45.0, "a");
    render.figures.audio_residual_dbfs = vec![-56.9];
    let (found, notes) = messages(&render, false);
    assert_eq!(found, ["residual of audio track 0 is -56.9 dBFS, known good is at most -57.0 dBFS"]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn frames_with_another_hash_algorithm_are_not_comparable() {
    let before = KnownGood { schema_version: 1, ..known_good() };
    let render = metrics(2, "n8.1.2", 45.0, "a");
    let deviation = before.deviation(&render, &of("f"));
    assert_eq!(deviation, Deviation::OlderFrameHash);
    assert_eq!(deviation.findings(&render.made_by, false).0.len(), 1);
    // Figures remain comparable where the band decides.
    assert_eq!(before.deviation(&metrics(8, "n8.1.2", 45.0, "b"), &of("f")), Deviation::Near(vec![]));
    let (updated, changes) = KnownGood::updated(Some(before), of("f"), &[render]);
    assert_eq!((updated, changes.len()), (known_good(), 2));
}

#[test]
fn on_another_machine_the_band_decides() {
    assert_eq!(messages(&metrics(8, "n8.1.2", 45.4, "b"), true), (vec![], vec![]));
    let (found, _) = messages(&metrics(8, "n8.1.2", 43.2, "b"), false);
    insta::assert_snapshot!(found.join("\n"), @r"
    mean PSNR is 43.20 dB, known good is 45.00 ± 0.5 dB
    mean PSNR of plane u is 45.20 dB, known good is 47.00 ± 0.5 dB
    mean PSNR of plane y is 42.20 dB, known good is 44.00 ± 0.5 dB
    PSNR of the worst frame is 41.20 dB, known good is 43.00 ± 1.5 dB
    ");
    let mut better = metrics(8, "n8.1.2", 45.0, "b");
    better.figures.psnr_planes_db.insert('u', 52.0);
    assert_eq!(
        messages(&better, false).0.len(),
        1,
        "a picture that is better than a known-good one is not right either"
    );
}

#[test]
fn an_unknown_plane_does_not_count_as_equal() {
    let mut render = metrics(8, "n8.1.2", 45.0, "b");
    render.figures.psnr_planes_db.insert('a', 60.0);
    insta::assert_snapshot!(messages(&render, false).0.join("\n"), @"mean PSNR of plane a is 60.00 dB, known good is NaN ± 0.5 dB");
}

#[test]
fn other_versions_only_warn_unless_asked_to_be_strict() {
    let other = metrics(2, "7.1", 38.0, "b");
    assert_eq!((messages(&other, false).0.len(), messages(&other, false).1.len()), (0, 4));
    assert_eq!((messages(&other, true).0.len(), messages(&other, true).1.len()), (4, 0));
}

#[test]
fn on_aws_the_band_warns_or_fails_when_strict() {
    let on_aws = |psnr| {
        let mut render = metrics(2, "n8.1.2", psnr, "b");
        render.made_by.machine = Machine::Aws;
        render
    };
    assert_eq!(messages(&on_aws(45.4), true), (vec![], vec![]));
    assert_eq!((messages(&on_aws(44.0), false).0.len(), messages(&on_aws(44.0), true).0.len()), (0, 3));
}

#[test]
fn a_louder_residual_deviates_and_a_quieter_one_does_not() {
    let with = |residual| {
        let mut render = metrics(8, "n8.1.2", 45.0, "b");
        render.figures.audio_residual_dbfs = vec![residual];
        messages(&render, false).0
    };
    assert_eq!(with(-200.0), [""; 0]);
    assert_eq!(with(-56.0), ["residual of audio track 0 is -56.0 dBFS, known good is at most -57.0 dBFS"]);
    assert_eq!(with(-57.0), [""; 0]);
}

#[test]
fn inaudible_residuals_are_equal_and_an_unknown_track_was_silent() {
    let mut inaudible = known_good();
    inaudible.renders[0].figures.audio_residual_dbfs = vec![-120.0];
    let with = |residuals: &[f64]| {
        let mut render = metrics(8, "n8.1.2", 45.0, "b");
        render.figures.audio_residual_dbfs = residuals.to_vec();
        let (found, _) = inaudible.deviation(&render, &of("f")).findings(&render.made_by, false);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(with(&[-77.1, -77.1]), [""; 0]);
    let message = |track| format!("residual of audio track {track} is -76.9 dBFS, known good is at most -77.0 dBFS");
    assert_eq!(with(&[-76.9, -76.9]), [message(0), message(1)]);
}

#[test]
fn a_deviation_fails_in_an_emulator_and_when_strict() {
    let deviations = || {
        let near = Deviation::Near(vec![not_comparable("are near")]);
        [near, Deviation::OtherFixture(vec![]), Deviation::OlderFrameHash]
    };
    let here = metrics(2, "n8.1.2", 45.0, "a").made_by;
    let on_aws = MadeBy { machine: Machine::Aws, ..here.clone() };
    for (made_by, strict, fails) in [(&here, false, 1), (&on_aws, true, 1), (&on_aws, false, 0)] {
        for deviation in deviations() {
            let (found, notes) = deviation.clone().findings(made_by, strict);
            assert_eq!((found.len(), notes.len()), (fails, 1 - fails), "{deviation:?} {strict}");
        }
    }
}

#[test]
fn the_figures_of_a_comparison_are_rounded() {
    let level = |db: f64| Level::Db(db);
    let frames: Vec<FramePsnr> = [level(45.123_456), Level::Identical]
        .map(|all| FramePsnr { all, planes: vec![('y', all), ('u', level(50.0))] })
        .to_vec();
    let track = pcm_track(100, 99);
    let comparison = Comparison::Alike {
        picture: Box::new(Picture {
            psnr: VideoPsnr::of(&frames).unwrap(),
            ssim: VideoSsim { mean: 0.987_654_321, worst: 0.9, worst_frame: 0 },
            hashes: FrameHashes::from_framehash("0, 0, 0, 1, 1, 00000000000000000000000000000000").unwrap(),
            worst_at_s: 0.0,
            frames_per_second: 30,
            misplaced: vec![],
            local: LocalPicture::default(),
        }),
        audio: vec![track, pcm_track(100, 100)],
    };
    let made_by = metrics(2, "n8.1.2", 45.0, "a").made_by;
    let of = RenderMetrics::of(made_by.clone(), &comparison).unwrap();
    assert_eq!((of.figures.psnr_avg_db, of.figures.worst_frame_db, of.figures.ssim), (72.562, 45.123, 0.987_654));
    assert_eq!(of.figures.psnr_planes_db, [('u', 50.0), ('y', 72.562)].into());
    // One of 32,768 is -90.3 dBFS.
    assert_eq!(of.figures.audio_residual_dbfs, [-90.3, -200.0]);
    assert_eq!((of.frames_sha256.len(), of.render().to_string().as_str()), (64, "N=2"));
    assert_eq!(RenderMetrics::of(made_by, &Comparison::Unlike(vec![])), None);
    let same = VideoPsnr::of(&[FramePsnr { all: Level::Identical, planes: vec![] }]).unwrap();
    let Comparison::Alike { mut picture, audio } = comparison else { panic!("alike") };
    picture.psnr = same;
    assert_eq!(Figures::of(&Comparison::Alike { picture, audio }).unwrap().worst_frame_db, 100.0);
}

fn pcm_track(baseline: i16, render: i16) -> Sound {
    let pcm = |sample: i16| sample.to_le_bytes().repeat(4800);
    compare(&pcm(baseline)[..], &pcm(render)[..], 1).unwrap()
}

#[test]
fn metrics_of_another_fixture_or_split_are_not_comparable() {
    let render = metrics(2, "n8.1.2", 45.0, "a");
    let stale = known_good().deviation(&render, &of("other"));
    let (found, _) = stale.findings(&render.made_by, false);
    let why = "the known-good metrics belong to another composition or baseline (src/index.html was changed); if all \
               other gates pass, lambda-smoke --update-expected rewrites them";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [why]);
    let mut other = render.clone();
    other.made_by.chunk_size = ChunkSize::new(20).unwrap();
    assert_eq!(deviation(&other), Deviation::NoSuchRender);
    assert_eq!(messages(&other, false).1.len(), 1);
    assert_eq!(messages(&other, true).0.len(), 1);
}

#[test]
fn the_files_that_changed_are_named() {
    let files = |names: &[(&str, &str)]| FixtureHashes {
        sha256: "g".into(),
        files: names.iter().map(|(n, h)| ((*n).to_owned(), (*h).to_owned())).collect(),
    };
    let changed = |known: &KnownGood, now: &FixtureHashes| {
        let Deviation::OtherFixture(files) = known.deviation(&metrics(2, "n8.1.2", 45.0, "a"), now) else { panic!() };
        listed(&files)
    };
    let now = files(&[("src/index.html", "f"), ("src/new.png", "n")]);
    assert_eq!(changed(&known_good(), &now), " (output/output.mp4 was removed, src/new.png is new)");
    let many: Vec<String> = (0..7).map(|i| format!("src/{i}")).collect();
    let now = files(&many.iter().map(|name| (name.as_str(), "n")).collect::<Vec<_>>());
    assert!(changed(&known_good(), &now).ends_with("src/3 is new, and 4 more)"), "{}", changed(&known_good(), &now));
    // Older metrics know only that something has.
    let older = KnownGood { fixture_files: BTreeMap::new(), ..known_good() };
    assert_eq!(changed(&older, &now), "");
}

#[test]
fn an_update_keeps_other_renders_and_lists_the_changes() {
    let mut of_v1 = metrics(2, "n8.1.2", 44.0, "c");
    of_v1.made_by.protocol = PlanProtocol::V1;
    let (updated, changes) = KnownGood::updated(Some(known_good()), of("f"), &[metrics(2, "n8.1.2", 46.0, "b"), of_v1]);
    assert_eq!(
        changes,
        [
            "N=2: mean PSNR 45.00 -> 46.00 dB, worst frame 43.00 -> 44.00 dB, mean SSIM 0.9900 -> 0.9900, other frames",
            "v1 N=2: new, mean PSNR 44.00 dB"
        ]
    );
    assert_eq!(updated.renders.len(), 2);
    let (again, changes) = KnownGood::updated(Some(updated.clone()), of("f"), &updated.renders);
    assert_eq!((again, changes), (updated.clone(), vec!["N=2: unchanged".into(), "v1 N=2: unchanged".into()]));
    let (fresh, changes) = KnownGood::updated(Some(updated), of("g"), &[metrics(2, "n8.1.2", 46.0, "b")]);
    let dropped =
        "the old metrics belonged to another composition or baseline (src/index.html was changed), and are dropped";
    assert_eq!((fresh.renders.len(), changes[0].as_str(), changes.len()), (1, dropped, 2));
}

#[test]
fn metrics_survive_json() {
    let text = serde_json::to_string(&known_good()).unwrap();
    assert_eq!(serde_json::from_str::<KnownGood>(&text).unwrap(), known_good());
}
