use std::{fs, path::Path};

use super::*;
use crate::picture::raster;

/// A picture of 16x16 pixels with samples from `sample` upwards.
fn frame(sample: u8, note: &str) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 16, 16);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.add_text_chunk("note".into(), note.into()).unwrap();
    let samples: Vec<u8> =
        (0..16 * 16 * 4).map(|i| if i % 4 == 3 { 255 } else { sample.wrapping_add((i / 64) as u8) }).collect();
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
    file
}

fn write(dir: &Path, frames: &[Vec<u8>]) {
    fs::create_dir(dir).unwrap();
    for (i, frame) in frames.iter().enumerate() {
        fs::write(dir.join(format!("frame_{:06}.png", i + 1)), frame).unwrap();
    }
}

/// A folder of frames as the handler delivers it.
pub(super) fn tar_gz(dir: &Path) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    archive.append_dir_all(".", dir)?;
    Ok(archive.into_inner()?.finish()?)
}

/// Measures frames, as a folder and as an archive with the same result, against five frames that differ by 40.
fn measured(render: &[Vec<u8>]) -> Picture {
    let dir = tempfile::tempdir().unwrap();
    let (baseline, folder, archive) = (dir.path().join("b"), dir.path().join("r"), dir.path().join("r.tar.gz"));
    write(&baseline, &[0, 40, 80, 120, 160].map(|sample| frame(sample, "")));
    write(&folder, render);
    fs::write(&archive, tar_gz(&folder).unwrap()).unwrap();
    let baseline = BaselineFrames::read(FrameFolder::at(&baseline)).unwrap();
    let of = |path: &Path| *baseline.measure(&FrameSource::at(path), 30).unwrap().compared.unwrap();
    let picture = of(&archive);
    assert_eq!(picture, of(&folder));
    picture
}

#[test]
fn frames_with_the_same_pixels_are_identical_whatever_their_bytes() {
    let picture =
        measured(&[frame(0, ""), frame(40, "another encoder"), frame(80, ""), frame(120, ""), frame(160, "")]);
    assert_eq!((picture.psnr.identical_frames, picture.psnr.worst, picture.ssim.worst), (5, Level::Identical, 1.0));
    assert!(picture.misplaced.is_empty());
}

#[test]
fn a_frame_that_differs_does_not_affect_the_others() {
    let picture = measured(&[frame(0, ""), frame(40, ""), frame(81, ""), frame(120, ""), frame(160, "")]);
    // Each of three planes of four is off by one: alpha has no error.
    let db = 10.0 * (255.0f64 * 255.0 / 0.75).log10();
    let Level::Db(found) = picture.psnr.levels[2] else { panic!("{:?}", picture.psnr.levels) };
    assert!((found - db).abs() < 1e-9, "{found} is not {db}");
    assert_eq!((picture.psnr.worst_frame, picture.psnr.identical_frames), (2, 4));
    assert_eq!(picture.psnr.planes.iter().map(|plane| plane.plane).collect::<String>(), "rgba");
}

#[test]
fn frames_that_show_their_neighbors_are_found() {
    let picture = measured(&[frame(0, ""), frame(80, ""), frame(40, "re-encoded"), frame(119, ""), frame(160, "")]);
    let shown: Vec<_> = picture.misplaced.iter().map(|frame| (frame.frame, frame.shows, frame.neighbor)).collect();
    assert_eq!(shown, [(1, 2, Level::Identical), (2, 1, Level::Identical)]);
}

/// A frame with complete chunks whose pixels are not deflated data.
fn undecodable() -> Vec<u8> {
    let mut file = frame(0, "");
    let at = file.windows(4).position(|kind| kind == b"IDAT").unwrap();
    let end = at + 4 + u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    file[at + 4..end].fill(0);
    let mut crc = flate2::Crc::new();
    crc.update(&file[at..end]);
    file[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
    file
}

#[test]
fn a_frame_whose_pixels_do_not_decode_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error_of = |baseline: [Vec<u8>; 2], render: [Vec<u8>; 2]| {
        let (b, r) = (dir.path().join("b"), dir.path().join("r"));
        for (folder, frames) in [(&b, baseline), (&r, render)] {
            let _ = fs::remove_dir_all(folder);
            write(folder, &frames);
        }
        let baseline = BaselineFrames::read(FrameFolder::at(&b)).unwrap();
        format!("{:#}", baseline.measure(&FrameSource::at(&r), 30).unwrap_err())
    };
    let good = || [frame(0, ""), frame(40, "")];
    let error = error_of(good(), [frame(0, ""), undecodable()]);
    assert!(error.starts_with("frame_000002.png does not decode: "), "{error}");
    let error = error_of([undecodable(), frame(40, "")], good());
    assert!(error.starts_with("the baseline: frame_000001.png does not decode: "), "{error}");
}

#[test]
fn stretches_of_the_baseline_are_compared_with_each_other() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("b"),
        &[frame(0, ""), frame(9, ""), frame(0, "x"), frame(9, ""), frame(0, ""), frame(19, "")],
    );
    let baseline = BaselineFrames::read(FrameFolder::at(&dir.path().join("b"))).unwrap();
    assert_eq!(baseline.between_stretches((0, 2), 2).unwrap(), Level::Identical);
    let Level::Db(db) = baseline.between_stretches((0, 4), 2).unwrap() else { panic!("identical") };
    // One of two frames is off by 10 in three of four planes.
    assert!((db - 10.0 * (255.0f64 * 255.0 / 37.5).log10()).abs() < 1e-9, "{db}");
    let (of_baseline, of_render) = baseline.stills(&FrameSource::at(baseline.folder.dir()), 1).unwrap();
    assert_eq!(of_baseline, of_render);
    assert_ne!(of_baseline, raster::Raster::over_gray(&Pixels::decode(&frame(0, "")).unwrap()).unwrap());
    assert!(baseline.stills(&FrameSource::at(baseline.folder.dir()), 6).is_err());
}

/// A wide wave that moves a little from frame to frame, with fine stripes of this height over it.
fn wave(at: f32, stripes: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 96, 96);
    encoder.set_color(::png::ColorType::Rgb);
    let sample = |i: u32| {
        let (x, y) = ((i / 3 % 96) as f32, (i / 3 / 96) as f32);
        let level = 120.0 + 60.0 * ((x + y) / 20.0 + at / 25.0).sin();
        level.round() as u8 + if i / 3 % 4 < 2 { stripes } else { 0 }
    };
    let samples: Vec<u8> = (0..96 * 96 * 3).map(sample).collect();
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
    file
}

/// What the gates say of a sequence of 30 frames that shows those of `shown`, with stripes of this height.
fn gates(shown: impl Fn(usize) -> f32, stripes: impl Fn(usize) -> u8) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let (baseline, render) = (dir.path().join("b"), dir.path().join("r"));
    write(&baseline, &(0..30).map(|i| wave(i as f32, 20)).collect::<Vec<_>>());
    write(&render, &(0..30).map(|i| wave(shown(i), stripes(i))).collect::<Vec<_>>());
    let baseline = BaselineFrames::read(FrameFolder::at(&baseline)).unwrap();
    let measured = baseline.measure(&FrameSource::at(&render), 30).unwrap();
    let compared = crate::Comparison::Alike { picture: measured.compared.unwrap(), audio: Vec::new() };
    let findings = compared.findings(&crate::gates::Limits::default());
    findings.into_iter().map(|finding| finding.gate.into_owned()).collect()
}

#[test]
fn frames_that_are_late_or_less_sharp_are_found_by_gates_of_their_own() {
    assert_eq!(gates(|i| i as f32, |_| 20), [""; 0]);
    assert!(gates(|i| i.saturating_sub(1) as f32, |_| 20).contains(&"timing".to_owned()));
    // From the middle on: the frames before, which are identical, are evidence too.
    assert!(gates(|i| if i < 20 { i } else { i - 1 } as f32, |_| 20).contains(&"timing".to_owned()));
    assert!(gates(|i| i as f32, |i| if i == 8 { 10 } else { 20 }).contains(&"sharpness".to_owned()));
}
