//! Corruptions of a real render: each is caught, for the right reason, and what
//! is no corruption passes. `--nocapture` prints the table, with what the bash
//! script's computation says of the same.

use std::{fs, process::Command};

use render_verdict::{
    decibels::Level,
    known_good::{Deviation, FixtureHashes, KnownGood, Machine, MadeBy, RenderMetrics, Toolchain},
};

use crate::{emulator::tool, lab::Lab};

/// Two seconds of 320x180 with a tone, rendered in-process by HyperFrames.
const FIXTURE: &str = "tone-and-text";

/// Near to lossless, so that the corruption alone counts.
const CLEAN: &str =
    "-c:v libx264 -preset veryfast -crf 6 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";

/// Name, ffmpeg's arguments with `{clean}` for the video encoder, and the gate that must catch it.
const VIDEO: [(&str, &str, &str); 24] = [
    ("missing last frame", "-i base.mp4 -vf trim=end_frame=59 {clean} -c:a copy", "structure"),
    ("half length", "-i base.mp4 -t 1 {clean} -c:a copy", "structure"),
    ("one black frame", "-i base.mp4 -vf drawbox=t=fill:c=black:enable='eq(n,31)' {clean} -c:a copy", "psnr-frame"),
    (
        "one frame repeated",
        "-i base.mp4 -filter_complex [0:v]split[a][b];[a][b]freezeframes=first=8:last=8:replace=7 {clean} -map 0:a -c:a copy",
        "frame-order",
    ),
    (
        "two chunks swapped",
        "-i base.mp4 -filter_complex [0:v]split[a][b];[a]trim=start_frame=30,setpts=PTS-STARTPTS[c];[b]trim=end_frame=30[d];[c][d]concat {clean} -map 0:a -c:a copy",
        "psnr-mean",
    ),
    (
        "a chunk of another render",
        "-i base.mp4 -i other.mp4 -filter_complex [0:v]trim=end_frame=30[a];[1:v]scale=320:180,setsar=1,trim=start_frame=30,setpts=PTS-STARTPTS[b];[a][b]concat {clean} -map 0:a -c:a copy",
        "psnr-frame",
    ),
    (
        "shift by one pixel",
        "-i base.mp4 -vf format=yuv444p,crop=319:180:1:0,pad=320:180,format=yuv420p {clean} -c:a copy",
        "psnr-mean",
    ),
    (
        "full range in a limited file",
        "-i base.mp4 -vf scale=out_range=full,setparams=range=limited {clean} -c:a copy",
        "psnr-mean",
    ),
    ("flagged as full range", "-i base.mp4 -c copy -bsf:v h264_metadata=video_full_range_flag=1", "structure"),
    (
        "bt601 matrix in a bt709 file",
        "-i base.mp4 -vf scale=in_color_matrix=bt709:out_color_matrix=bt601 {clean} -c:a copy",
        "psnr-plane",
    ),
    (
        "flagged as bt601",
        "-i base.mp4 -c copy -bsf:v h264_metadata=matrix_coefficients=6:colour_primaries=6",
        "structure",
    ),
    ("10% brighter", "-i base.mp4 -vf lutyuv=y=val*1.1 {clean} -c:a copy", "psnr-mean"),
    ("other size", "-i base.mp4 -vf scale=640:360 {clean} -c:a copy", "structure"),
    ("other rate, same frames", "-i base.mp4 -vf setpts=N/24/TB -r 24 {clean} -c:a copy", "structure"),
    ("other pixel format", "-i base.mp4 -pix_fmt yuv444p {clean} -c:a copy", "structure"),
    ("other codec", "-i base.mp4 -c:v libx265 -x265-params log-level=error -c:a copy", "structure"),
    (
        "variable frame rate",
        "-i base.mp4 -vf settb=1/15360,setpts='N*512+if(gt(mod(N,4),1),300,0)' -fps_mode passthrough -enc_time_base 1/15360 {clean} -c:a copy",
        "structure",
    ),
    ("judder by 8 ms", "-i base.mp4 -c copy -bsf:v setts=ts='PTS+mod(N\\,2)*lt(N\\,58)*120'", "structure"),
    (
        "color tags lost",
        "-i base.mp4 -c copy -bsf:v h264_metadata=matrix_coefficients=2:colour_primaries=2:transfer_characteristics=2",
        "structure",
    ),
    (
        "flagged as interlaced",
        "-i base.mp4 -vf setfield=tff {clean} -flags +ilme+ildct -x264opts tff=1 -c:a copy",
        "structure",
    ),
    (
        "a box in the second half",
        "-i base.mp4 -vf drawbox=x=150:y=70:w=24:h=24:color=red:t=fill:enable='gte(n,30)' {clean} -crf 1 -c:a copy",
        "psnr-second",
    ),
    ("sound goes on for five seconds", "-i base.mp4 -af apad=pad_dur=5 -c:v copy -c:a aac -b:a 192k", "structure"),
    ("no audio", "-i base.mp4 -c copy -an", "structure"),
    ("two audio tracks", "-i base.mp4 -map 0 -map 0:a -c copy", "structure"),
];

/// Name, audio filter and further arguments, and the gate that must catch it.
const SOUND: [(&str, &str, &str); 8] = [
    ("silent audio", "-af volume=0", "audio-lost"),
    ("audio 21 ms late", "-af adelay=21:all=1 -t 2", "audio-residual"),
    ("audio 500 ms late", "-af adelay=500:all=1 -t 2", "audio-residual"),
    ("audio 10% louder", "-af volume=1.1", "audio-residual"),
    ("mono", "-ac 1", "structure"),
    ("other sample rate", "-ar 44100", "structure"),
    ("noise in the first 75%", "noise=1.5", "audio-residual"),
    ("noise in 100 ms", "noise=0.1", "audio-window"),
];

/// What stays above 40 dB on a mostly flat composition.
const MILD: [(&str, &str); 4] = [
    ("a slight blur", "-vf gblur=sigma=0.45"),
    ("half resolution scaled up", "-vf scale=iw/2:ih/2:flags=lanczos,scale=320:180:flags=lanczos"),
    ("a hue shift", "-vf hue=h=4"),
    ("CRF 40", "-crf 40"),
];

struct Row {
    name: String,
    ours: String,
    scripts: String,
}

fn corrupt(lab: &Lab, name: &str, args: &str) -> String {
    let file = format!("{name}.mp4");
    lab.make(&file, &args.replace("{clean}", CLEAN));
    file
}

fn caught(lab: &Lab, name: &str, file: &str, gate: &str) -> Row {
    let found = lab.judge("base.mp4", file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let reason = found.iter().find(|finding| finding.gate == gate);
    let reason = reason.unwrap_or_else(|| panic!("{name}: no finding of {gate} in {found:#?}"));
    Row { name: name.to_owned(), ours: reason.message.clone(), scripts: script_says(lab, file) }
}

/// The smoke script's figure: the mean of the psnr filter's per-frame levels,
/// with nothing compared before; gawk takes `inf` as 0.
fn script_says(lab: &Lab, file: &str) -> String {
    let (render, baseline) = (lab.path(file), lab.path("base.mp4"));
    let measured = Command::new(tool("ffmpeg"))
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(render)
        .arg("-i")
        .arg(baseline)
        .args(["-lavfi", "psnr=stats_file=-", "-f", "null", "-"])
        .output()
        .unwrap();
    let stats = String::from_utf8_lossy(&measured.stdout).into_owned();
    let levels: Vec<f64> = stats
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix("psnr_avg:"))
        .map(|level| level.parse().ok().filter(|db: &f64| db.is_finite()).unwrap_or(0.0))
        .collect();
    match levels.len() {
        0 => "no figure".to_owned(),
        count => {
            let mean = levels.iter().sum::<f64>() / count as f64;
            format!("{} {mean:.2} dB", if mean >= 40.0 { "PASS" } else { "FAIL" })
        }
    }
}

fn print(title: &str, rows: &[Row]) {
    println!("\n{title:<30}  {:<16}  ours", "the bash script");
    for row in rows {
        println!("{:<30}  {:<16}  {}", row.name, row.scripts, row.ours);
    }
}

#[test]
fn every_corruption_of_the_picture_is_caught_for_its_reason() {
    let lab = Lab::of_fixture(FIXTURE);
    let other = Lab::of_fixture("mp4-h264-sdr");
    fs::copy(other.path("base.mp4"), lab.path("other.mp4")).unwrap();
    let rows = VIDEO.map(|(name, args, gate)| caught(&lab, name, &corrupt(&lab, name, args), gate));
    print("corruption of the picture", &rows);
}

#[test]
fn every_corruption_of_the_sound_is_caught_for_its_reason() {
    let lab = Lab::of_fixture(FIXTURE);
    let rows = SOUND.map(|(name, change, gate)| {
        let args = match change.strip_prefix("noise=") {
            Some(seconds) => format!(
                "-i base.mp4 -f lavfi -i anoisesrc=d={seconds}:a=0.2:r=48000:seed=1 -filter_complex \
                 [1:a]aformat=channel_layouts=stereo,apad=whole_dur=2[n];[0:a][n]amix=normalize=0:duration=first[m] \
                 -map 0:v -map [m] -c:v copy -c:a aac -b:a 192k"
            ),
            None => format!("-i base.mp4 -c:v copy -c:a aac -b:a 192k {change}"),
        };
        caught(&lab, name, &corrupt(&lab, name, &args), gate)
    });
    print("corruption of the sound", &rows);
    assert!(rows[1].ours.contains("late by 21.0 ms"), "{}", rows[1].ours);
    assert!(rows[2].ours.contains("late by 500.0 ms"), "{}", rows[2].ours);
}

#[test]
fn what_is_no_video_is_not_measured() {
    let lab = Lab::of_fixture(FIXTURE);
    let whole = fs::read(lab.path("base.mp4")).unwrap();
    fs::write(lab.path("truncated.mp4"), &whole[..whole.len() * 9 / 10]).unwrap();
    fs::write(lab.path("empty.mp4"), "").unwrap();
    fs::write(lab.path("text.mp4"), "<Error>NoSuchKey</Error>").unwrap();
    let rows = ["truncated.mp4", "empty.mp4", "text.mp4"].map(|file| {
        let error = lab.judge("base.mp4", file).expect_err(file);
        assert!(error.contains(file), "{error}");
        let ours = error.lines().last().unwrap_or_default().trim().to_owned();
        Row { name: file.to_owned(), ours, scripts: script_says(&lab, file) }
    });
    print("no video", &rows);
}

#[test]
fn what_is_no_corruption_passes() {
    let lab = Lab::of_fixture(FIXTURE);
    let same = [
        ("identical", "-i base.mp4 -c copy"),
        ("re-encoded at CRF 18", "-i base.mp4 -c:v libx264 -crf 18 -c:a copy"),
        ("re-muxed", "-i base.mp4 -map 0 -c copy -movflags +faststart"),
        ("other metadata", "-i base.mp4 -map 0 -c copy -metadata title=other -metadata:s:v:0 language=deu"),
    ];
    let rows = same.map(|(name, args)| {
        let file = corrupt(&lab, name, args);
        assert_eq!(lab.judge("base.mp4", &file), Ok(vec![]), "{name}");
        Row { name: name.to_owned(), ours: "PASS".to_owned(), scripts: script_says(&lab, &file) }
    });
    print("no corruption", &rows);
}

#[test]
fn mild_damage_leaves_the_record_of_a_sound_render() {
    let lab = Lab::of_fixture(FIXTURE);
    let made_by = |cpus| MadeBy {
        toolchain: Toolchain::new(Some("0.8.31"), Some("n8.1.2"), Some("148")),
        machine: Machine::Emulator { cpus, cpu: "this".into() },
        protocol: "v2".parse().unwrap(),
        chunk_count: "2".parse().unwrap(),
        chunk_size: "30".parse().unwrap(),
    };
    let sound = "-i base.mp4 -c:v libx264 -preset medium -crf 16 -c:a copy";
    lab.make("sound.mp4", sound);
    let recorded = RenderMetrics::of(made_by(2), &lab.compare("base.mp4", "sound.mp4").unwrap()).unwrap();
    let of = FixtureHashes { sha256: "f".into(), ..FixtureHashes::default() };
    let expected = KnownGood {
        schema_version: 1,
        fixture_sha256: of.sha256.clone(),
        fixture_files: of.files.clone(),
        renders: vec![recorded.clone()],
    };
    let again = RenderMetrics::of(made_by(8), &lab.compare("base.mp4", "sound.mp4").unwrap()).unwrap();
    assert_eq!(expected.deviation(&again, &of), Deviation::Near(vec![]));
    println!("\nrecorded: {:?}", recorded.figures);
    let rows = MILD.map(|(name, change)| {
        let file = corrupt(&lab, name, &sound.replace("-c:a", &format!("{change} -c:a")));
        let comparison = lab.compare("base.mp4", &file).unwrap();
        // On another machine, where only the band decides.
        let render = RenderMetrics::of(made_by(8), &comparison).unwrap();
        let Deviation::Near(found) = expected.deviation(&render, &of) else { panic!("{name}") };
        assert!(!found.is_empty(), "{name} stays within the record: {:?}", render.figures);
        let (fails, _) = Deviation::Near(found.clone()).findings(&render.made_by, false);
        assert_eq!(fails.len(), found.len(), "the embedded AWS fails on it");
        Row { name: name.to_owned(), ours: found[0].to_string(), scripts: script_says(&lab, &file) }
    });
    print("mild damage", &rows);
    assert!(rows.iter().any(|row| row.scripts.starts_with("PASS")), "none of it is mild");
}

#[test]
fn the_figures_are_ffmpegs_own() {
    let lab = Lab::of_fixture(FIXTURE);
    for (crf, blur) in [("18", "0.2"), ("28", "1.5"), ("40", "0.2")] {
        let file = corrupt(&lab, crf, &format!("-i base.mp4 -vf gblur=sigma={blur} -c:v libx264 -crf {crf} -c:a copy"));
        let reported = Command::new(tool("ffmpeg"))
            .args(["-nostdin", "-hide_banner", "-i"])
            .args([lab.path(&file).as_os_str(), "-i".as_ref(), lab.path("base.mp4").as_os_str()])
            .args(["-lavfi", "psnr", "-f", "null", "-"])
            .output()
            .unwrap();
        let reported = String::from_utf8_lossy(&reported.stderr).into_owned();
        let average = reported.split("average:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let average: f64 = average.parse().unwrap();
        let Level::Db(ours) = lab.compare("base.mp4", &file).unwrap().picture().unwrap().psnr.from_mean_mse else {
            panic!("finite")
        };
        assert!((ours - average).abs() < 0.01, "CRF {crf}: {ours} dB, ffmpeg's summary says {average} dB");
    }
}
