use super::*;
use crate::{
    Picture,
    audio::{Sound, compare},
    picture::{
        hashes::FrameHashes,
        psnr::{FramePsnr, PsnrSummary},
        ssim::SsimSummary,
    },
};

fn recorded(cpus: usize, ffmpeg: &str, psnr: f64, frames: &str) -> Recorded {
    Recorded {
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

fn record() -> Expected {
    let renders = vec![recorded(2, "n8.1.2", 45.0, "a")];
    Expected { schema_version: Expected::SCHEMA_VERSION, fixture_sha256: "f".into(), renders }
}

fn standing(render: &Recorded) -> Standing {
    record().standing(render, "f")
}

fn told(render: &Recorded, strict: bool) -> (Vec<String>, Vec<String>) {
    let (found, notes) = standing(render).findings(&render.made_by, strict);
    (found.iter().map(ToString::to_string).collect(), notes)
}

#[test]
fn the_recorded_frames_are_the_recorded_frames() {
    assert_eq!(standing(&recorded(2, "n8.1.2", 45.0, "a")), Standing::Same);
}

#[test]
fn where_renders_repeat_a_single_other_frame_fails() {
    let (found, notes) = told(&recorded(2, "n8.1.2", 45.0, "b"), false);
    insta::assert_snapshot!(found.join("\n"), @"the hash of all decoded frames is bbbbbbbbbbbb, recorded is aaaaaaaaaaaa (made by the same versions on a machine like this)");
    assert_eq!(notes, [""; 0]);
}

#[test]
fn the_recorded_frames_with_other_sound_fail() {
    let mut render = recorded(2, "n8.1.2", 45.0, "a");
    render.figures.audio_residual_dbfs = vec![-56.9];
    let (found, notes) = told(&render, false);
    assert_eq!(found, ["residual of audio track 0 is -56.9 dBFS, recorded is at most -57.0 dBFS"]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn frames_that_were_hashed_another_way_are_not_the_recorded_ones() {
    let before = Expected { schema_version: 1, ..record() };
    let render = recorded(2, "n8.1.2", 45.0, "a");
    let standing = before.standing(&render, "f");
    assert_eq!(standing, Standing::HashedOtherwise);
    assert_eq!(standing.findings(&render.made_by, false).0.len(), 1);
    // Where the band decides, figures are figures.
    assert_eq!(before.standing(&recorded(8, "n8.1.2", 45.0, "b"), "f"), Standing::Near(vec![]));
    let (updated, changes) = Expected::updated(Some(before), "f", &[render]);
    assert_eq!((updated, changes.len()), (record(), 2));
}

#[test]
fn elsewhere_the_band_decides() {
    assert_eq!(told(&recorded(8, "n8.1.2", 45.4, "b"), true), (vec![], vec![]));
    let (found, _) = told(&recorded(8, "n8.1.2", 43.2, "b"), false);
    insta::assert_snapshot!(found.join("\n"), @r"
    mean PSNR is 43.20 dB, recorded is 45.00 ± 0.5 dB
    mean PSNR of plane u is 45.20 dB, recorded is 47.00 ± 0.5 dB
    mean PSNR of plane y is 42.20 dB, recorded is 44.00 ± 0.5 dB
    PSNR of the worst frame is 41.20 dB, recorded is 43.00 ± 1.5 dB
    ");
    let mut better = recorded(8, "n8.1.2", 45.0, "b");
    better.figures.psnr_planes_db.insert('u', 52.0);
    assert_eq!(told(&better, false).0.len(), 1, "a picture that is better than a sound one is not sound");
}

#[test]
fn what_the_record_lacks_is_not_taken_for_equal() {
    let mut render = recorded(8, "n8.1.2", 45.0, "b");
    render.figures.psnr_planes_db.insert('a', 60.0);
    insta::assert_snapshot!(told(&render, false).0.join("\n"), @"mean PSNR of plane a is 60.00 dB, recorded is NaN ± 0.5 dB");
}

#[test]
fn other_versions_only_warn_unless_asked_to_be_strict() {
    let other = recorded(2, "7.1", 38.0, "b");
    assert_eq!((told(&other, false).0.len(), told(&other, false).1.len()), (0, 4));
    assert_eq!((told(&other, true).0.len(), told(&other, true).1.len()), (4, 0));
}

#[test]
fn on_aws_the_band_warns_or_fails_when_strict() {
    let on_aws = |psnr| {
        let mut render = recorded(2, "n8.1.2", psnr, "b");
        render.made_by.machine = Machine::Aws;
        render
    };
    assert_eq!(told(&on_aws(45.4), true), (vec![], vec![]));
    assert_eq!((told(&on_aws(44.0), false).0.len(), told(&on_aws(44.0), true).0.len()), (0, 3));
}

#[test]
fn a_louder_residual_leaves_the_record_and_a_quieter_does_not() {
    let with = |residual| {
        let mut render = recorded(8, "n8.1.2", 45.0, "b");
        render.figures.audio_residual_dbfs = vec![residual];
        told(&render, false).0
    };
    assert_eq!(with(-200.0), [""; 0]);
    assert_eq!(with(-56.0), ["residual of audio track 0 is -56.0 dBFS, recorded is at most -57.0 dBFS"]);
    assert_eq!(with(-57.0), [""; 0]);
}

#[test]
fn what_nobody_hears_is_the_same_and_what_is_not_recorded_was_silent() {
    let mut inaudible = record();
    inaudible.renders[0].figures.audio_residual_dbfs = vec![-120.0];
    let with = |residuals: &[f64]| {
        let mut render = recorded(8, "n8.1.2", 45.0, "b");
        render.figures.audio_residual_dbfs = residuals.to_vec();
        let (found, _) = inaudible.standing(&render, "f").findings(&render.made_by, false);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(with(&[-77.1, -77.1]), [""; 0]);
    let told = |track| format!("residual of audio track {track} is -76.9 dBFS, recorded is at most -77.0 dBFS");
    assert_eq!(with(&[-76.9, -76.9]), [told(0), told(1)]);
}

#[test]
fn what_fails_a_render_depends_on_where_it_was_made_and_on_what_was_asked() {
    let standings = || {
        let near = Standing::Near(vec![not_recorded("is near")]);
        [near, Standing::Stale, Standing::HashedOtherwise]
    };
    let here = recorded(2, "n8.1.2", 45.0, "a").made_by;
    let on_aws = MadeBy { machine: Machine::Aws, ..here.clone() };
    for (made_by, strict, fails) in [(&here, false, 1), (&on_aws, true, 1), (&on_aws, false, 0)] {
        for standing in standings() {
            let (found, notes) = standing.clone().findings(made_by, strict);
            assert_eq!((found.len(), notes.len()), (fails, 1 - fails), "{standing:?} {strict}");
        }
    }
}

#[test]
fn the_figures_of_a_comparison_are_rounded() {
    let level = |db: f64| Level::Db(db);
    let frames: Vec<FramePsnr> = [level(45.123_456), Level::Identical]
        .map(|all| FramePsnr { all, planes: vec![('y', all), ('u', level(50.0))] })
        .to_vec();
    let track = pcm_sound(100, 99);
    let comparison = Comparison::Alike {
        picture: Box::new(Picture {
            psnr: PsnrSummary::of(&frames).unwrap(),
            ssim: SsimSummary { mean: 0.987_654_321, worst: 0.9, worst_frame: 0 },
            hashes: FrameHashes::from_framehash("0, 0, 0, 1, 1, 00000000000000000000000000000000").unwrap(),
            worst_at_s: 0.0,
            frames_a_second: 30,
            misplaced: vec![],
        }),
        audio: vec![track, pcm_sound(100, 100)],
    };
    let made_by = recorded(2, "n8.1.2", 45.0, "a").made_by;
    let of = Recorded::of(made_by.clone(), &comparison).unwrap();
    assert_eq!((of.figures.psnr_avg_db, of.figures.worst_frame_db, of.figures.ssim), (72.562, 45.123, 0.987_654));
    assert_eq!(of.figures.psnr_planes_db, [('u', 50.0), ('y', 72.562)].into());
    // One of 32,768 is -90.3 dBFS.
    assert_eq!(of.figures.audio_residual_dbfs, [-90.3, -200.0]);
    assert_eq!((of.frames_sha256.len(), of.render().to_string().as_str()), (64, "N=2"));
    assert_eq!(Recorded::of(made_by, &Comparison::Unlike(vec![])), None);
    let same = PsnrSummary::of(&[FramePsnr { all: Level::Identical, planes: vec![] }]).unwrap();
    let Comparison::Alike { mut picture, audio } = comparison else { panic!("alike") };
    picture.psnr = same;
    assert_eq!(Figures::of(&Comparison::Alike { picture, audio }).unwrap().worst_frame_db, 100.0);
}

fn pcm_sound(baseline: i16, render: i16) -> Sound {
    let pcm = |sample: i16| sample.to_le_bytes().repeat(4800);
    compare(&pcm(baseline)[..], &pcm(render)[..], 1).unwrap()
}

#[test]
fn a_record_of_other_content_or_another_split_is_none() {
    let render = recorded(2, "n8.1.2", 45.0, "a");
    let stale = record().standing(&render, "other");
    assert_eq!(stale.clone().findings(&render.made_by, false).0.len(), 1, "{stale:?}");
    let mut other = render.clone();
    other.made_by.chunk_size = ChunkSize::new(20).unwrap();
    assert_eq!(standing(&other), Standing::NoRecord);
    assert_eq!(told(&other, false).1.len(), 1);
    assert_eq!(told(&other, true).0.len(), 1);
}

#[test]
fn an_update_keeps_what_it_did_not_render_and_tells_what_changed() {
    let mut of_v1 = recorded(2, "n8.1.2", 44.0, "c");
    of_v1.made_by.protocol = PlanProtocol::V1;
    let (updated, changes) = Expected::updated(Some(record()), "f", &[recorded(2, "n8.1.2", 46.0, "b"), of_v1]);
    assert_eq!(changes, ["N=2: mean PSNR 45.00 -> 46.00 dB, other frames", "v1 N=2: new, mean PSNR 44.00 dB"]);
    assert_eq!(updated.renders.len(), 2);
    let (again, changes) = Expected::updated(Some(updated.clone()), "f", &updated.renders);
    assert_eq!((again, changes), (updated.clone(), vec!["N=2: as recorded".into(), "v1 N=2: as recorded".into()]));
    let (fresh, changes) = Expected::updated(Some(updated), "g", &[recorded(2, "n8.1.2", 46.0, "b")]);
    assert_eq!((fresh.renders.len(), changes.len()), (1, 2));
}

#[test]
fn what_is_written_is_what_is_read() {
    let text = serde_json::to_string(&record()).unwrap();
    assert_eq!(serde_json::from_str::<Expected>(&text).unwrap(), record());
}
