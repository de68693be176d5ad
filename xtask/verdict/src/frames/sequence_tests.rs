use super::*;
use crate::frames::{
    png::tests::{png, rgba, transparent_black, with_chunk},
    sequence::frame_sequence_tests::read,
};

const NAMES: [&str; 4] = ["frame_000001.png", "frame_000002.png", "frame_000003.png", "frame_000004.png"];

fn messages(render: &[(&str, &[u8])]) -> Vec<String> {
    let frame = rgba(&[1; 8], "");
    let baseline = read(&[(NAMES[0], &frame), (NAMES[1], &frame), (NAMES[2], &frame), ("audio.m4a", b"sound")]);
    let baseline = GaplessFrames::new(baseline.unwrap()).unwrap();
    differences(&baseline, &read(render).unwrap()).iter().map(ToString::to_string).collect()
}

#[test]
fn each_difference_of_sequences_is_named() {
    let frame = rgba(&[2; 8], "other pixels");
    let sound = ("audio.m4a", b"other bytes" as &[u8]);
    let of = |numbers: &[usize]| -> Vec<(&str, &[u8])> {
        numbers.iter().map(|n| (NAMES[*n], frame.as_slice())).chain([sound]).collect()
    };
    assert_eq!(messages(&of(&[0, 1, 2])), [""; 0]);
    assert_eq!(messages(&of(&[0, 1])), ["frames: 2 in the render, 3 in the baseline"]);
    assert_eq!(messages(&of(&[0, 1, 2, 3])), ["frames: 4 in the render, 3 in the baseline"]);
    let missing = "frame 1: missing in the render, present in the baseline";
    assert_eq!(messages(&of(&[0, 2])), ["frames: 2 in the render, 3 in the baseline", missing]);
    assert_eq!(messages(&of(&[0, 2, 3])), [missing]);
    assert_eq!(messages(&of(&[0, 1, 2])[..3]), ["audio.m4a: missing in the render, present in the baseline"]);
    let cover = [of(&[0, 1, 2]), vec![("notes.txt", b"" as &[u8])]].concat();
    assert_eq!(messages(&cover), ["notes.txt: present in the render, none in the baseline"]);
    let tall = png(png::ColorType::Rgba, png::BitDepth::Eight, &[0; 16], "");
    let one_tall = [(NAMES[0], frame.as_slice()), (NAMES[1], &tall), (NAMES[2], &tall), sound];
    assert_eq!(messages(&one_tall), ["size of frame 1: 2x2 in the render, 2x1 in the baseline"]);
    let opaque = png(png::ColorType::Rgb, png::BitDepth::Eight, &[0; 6], "");
    let all_opaque = [(NAMES[0], opaque.as_slice()), (NAMES[1], &opaque), (NAMES[2], &opaque), sound];
    assert_eq!(messages(&all_opaque), ["pixel format: 8-bit rgb in the render, 8-bit rgba in the baseline"]);
}

#[test]
fn what_changes_the_display_is_a_difference() {
    let (plain, gamma) = (rgba(&[1; 8], ""), with_chunk(b"gAMA", &100_000u32.to_be_bytes()));
    let baseline = GaplessFrames::new(read(&[(NAMES[0], &plain), (NAMES[1], &plain)]).unwrap()).unwrap();
    let render = read(&[(NAMES[0], &plain), (NAMES[1], &gamma)]).unwrap();
    let messages: Vec<_> = differences(&baseline, &render).iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["display of frame 1: gAMA 100000 in the render, as sRGB in the baseline"]);
}

#[test]
fn transparency_of_only_one_is_a_difference() {
    let [clear, opaque] =
        [true, false].map(|transparent| read(&[(NAMES[0], &transparent_black(transparent))]).unwrap());
    let messages = |baseline: &FrameSequence, render| {
        let baseline = GaplessFrames::new(baseline.clone()).unwrap();
        differences(&baseline, render).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (with, without) = ("8-bit rgb, some of it transparent", "8-bit rgb");
    assert_eq!(messages(&opaque, &clear), [format!("pixel format: {with} in the render, {without} in the baseline")]);
    assert_eq!(messages(&clear, &opaque), [format!("pixel format: {without} in the render, {with} in the baseline")]);
    assert_eq!(messages(&clear, &clear), [""; 0]);
}

fn figures(own: Level, before: Option<Level>, after: Option<Level>) -> FrameFigures {
    let planes = ['r', 'g', 'b'].map(|plane| (plane, own)).to_vec();
    let own = FramePsnr { all: own, planes };
    FrameFigures { own, ssim: 0.5, before, after, ..FrameFigures::identical(false) }
}

#[test]
fn a_picture_summarizes_its_frames() {
    let frame = rgba(&[1; 8], "");
    let render = read(&NAMES[..3].iter().map(|name| (*name, frame.as_slice())).collect::<Vec<_>>()).unwrap();
    let of = [
        FrameFigures::identical(false),
        figures(Level::Db(20.0), Some(Level::Identical), Some(Level::Db(21.0))),
        figures(Level::Db(95.0), None, None),
    ];
    let picture = picture(&of, LocalPicture::default(), &render, 2).unwrap();
    assert_eq!((picture.psnr.frames, picture.psnr.identical_frames, picture.psnr.worst_frame), (3, 1, 1));
    assert_eq!((picture.worst_at_s, picture.frames_per_second, picture.ssim.worst), (0.5, 2, 0.5));
    assert_eq!(picture.psnr.mean_db, (100.0 + 20.0 + 95.0) / 3.0);
    assert_eq!(picture.psnr.planes.len(), 3);
    let shown: Vec<_> = picture.misplaced.iter().map(|frame| (frame.frame, frame.shows)).collect();
    assert_eq!(shown, [(1, 0)]);
    assert!(
        super::picture(&of[..2], LocalPicture::default(), &render, 2)
            .unwrap_err()
            .to_string()
            .contains("2 of 3 frames were compared")
    );
    let alone = [of[0].clone(), figures(Level::Db(20.0), None, None), of[2].clone()];
    let error = super::picture(&alone, LocalPicture::default(), &render, 2).unwrap_err().to_string();
    assert_eq!(error, "frame 1 was not compared with the one before");
}

#[test]
fn neighbors_matter_only_if_they_could_match_better() {
    let may = FrameFigures::may_be_misplaced;
    assert_eq!([may(Level::Identical), may(Level::Db(94.5)), may(Level::Db(93.9))], [false, false, true]);
}
