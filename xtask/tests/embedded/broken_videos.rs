//! Measuring with the real ffmpeg: what must pass, and what must not.

use render_verdict::decibels::Level;

use crate::lab::{Lab, VP9, X264};

#[test]
fn equal_enough_videos_pass() {
    let lab = Lab::new();
    lab.passes("base.mp4", "base.mp4");
    lab.make("good.mp4", &format!("-i base.mp4 {X264} -crf 14 -c:a copy"));
    lab.passes("base.mp4", "good.mp4");
    lab.make("re-encoded sound.mp4", "-i base.mp4 -c:v copy -c:a aac -b:a 192k");
    lab.passes("base.mp4", "re-encoded sound.mp4");
    // Colors without tags hold the same samples.
    lab.make("tagged.mp4", "-i base.mp4 -c copy -bsf:v h264_metadata=video_full_range_flag=0:colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1");
    lab.passes("base.mp4", "tagged.mp4");
    // A picture of the file, and names that a filter would take apart.
    lab.make("cover.png", "-f lavfi -i color=red:s=64x64 -frames:v 1 -c:v mjpeg -f image2");
    lab.make("[1];x,'%d:.mp4", "-i good.mp4 -i cover.png -map 0 -map 1 -c copy -disposition:v:1 attached_pic");
    lab.passes("base.mp4", "[1];x,'%d:.mp4");
    // Chunks, put together as Assemble does.
    for (i, range) in ["end_frame=20", "start_frame=20:end_frame=40", "start_frame=40"].iter().enumerate() {
        lab.make(&format!("chunk{i}.mp4"), &format!("-i base.mp4 -an -vf trim={range},setpts=N/30/TB -r 30 {X264}"));
    }
    std::fs::write(lab.path("list"), "file chunk0.mp4\nfile chunk1.mp4\nfile chunk2.mp4\n").unwrap();
    lab.make("video.mp4", "-r 30 -f concat -safe 0 -i list -c copy");
    lab.make("joined.mp4", "-i video.mp4 -i base.mp4 -map 0:v -map 1:a -c copy -r 30 -movflags +faststart");
    lab.passes("base.mp4", "joined.mp4");
    // What distributed renders of other formats are.
    lab.make("base.webm", &format!("-i base.mp4 {VP9} -c:a libopus"));
    lab.make("good.webm", &format!("-i base.mp4 {VP9} -crf 12 -c:a libopus"));
    lab.passes("base.webm", "good.webm");
    lab.make("base.mov", "-i base.mp4 -an -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le");
    lab.make("good.mov", "-i base.mov -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -qscale:v 6");
    lab.passes("base.mov", "good.mov");
}

#[test]
fn what_a_viewer_would_see_fails() {
    let lab = Lab::new();
    let cases = [
        ("frozen.mp4", "-vf loop=loop=1:size=1:start=30,setpts=N/30/TB -frames:v 60", "frames below 30.00 dB: "),
        ("short.mp4", "-frames:v 31", "frames: 31 in the render, 60 in the baseline"),
        ("wide.mp4", "-vf setsar=2/1", "pixel aspect: 2:1 in the render, 1:1"),
        ("deep.mp4", "-pix_fmt yuv420p10le", "pixel format: yuv420p10le"),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=error", "codec: hevc in the render, h264"),
    ];
    for (name, change, finding) in cases {
        lab.make(name, &format!("-i base.mp4 {X264} -c:a copy {change}"));
        lab.fails("base.mp4", name, finding);
    }
    let copies = [
        ("turned.mp4", "-display_rotation 90 -i base.mp4 -c copy", "rotation: 90 in the render"),
        ("flipped.mp4", "-display_vflip -i base.mp4 -c copy", "display matrix: 65536 0 0 / 0 -65536 0"),
        ("mirrored.mp4", "-display_hflip -i base.mp4 -c copy", "rotation: -180 in the render"),
        ("two.mp4", "-i base.mp4 -i frozen.mp4 -map 0 -map 1:v -c copy", "video tracks: 2 in the render"),
        ("late.mp4", "-itsoffset 0.2 -i base.mp4 -i base.mp4 -map 0:v -map 1:a -c copy", "time of frame 0: 0.200 s"),
        (
            "other tags.mp4",
            "-i base.mp4 -c copy -bsf:v h264_metadata=video_full_range_flag=1",
            "yuvj420p in the render",
        ),
    ];
    for (name, args, finding) in copies {
        lab.make(name, args);
        lab.fails("base.mp4", name, finding);
    }
    std::fs::write(lab.path("text.srt"), "1\n00:00:00,000 --> 00:00:01,000\nhidden\n").unwrap();
    lab.make("subtitles.mp4", "-i base.mp4 -i text.srt -map 0 -map 1 -c copy -c:s mov_text");
    lab.fails("base.mp4", "subtitles.mp4", "subtitle tracks: 1 in the render, 0 in the baseline");
    // Its header is that of the first chunk.
    lab.make("first.mp4", &format!("-i base.mp4 -an -vf trim=end_frame=30 -r 30 {X264}"));
    lab.make(
        "later.mp4",
        &format!("-i base.mp4 -an -vf trim=start_frame=30,setpts=N/30/TB -r 30 {X264} -x264opts bff=1"),
    );
    std::fs::write(lab.path("list"), "file first.mp4\nfile later.mp4\n").unwrap();
    lab.make("later fields.mp4", "-r 30 -f concat -safe 0 -i list -i base.mp4 -map 0:v -map 1:a -c copy");
    lab.fails("base.mp4", "later fields.mp4", "yuv420p interlaced, bottom field first in the render");
    let hurry = "settb=1/15360,setpts='if(between(N,20,39),(N-20)*25+20*512,N*512)'";
    lab.make(
        "hurried.mp4",
        &format!("-i base.mp4 -vf {hurry} -fps_mode passthrough -enc_time_base 1/15360 {X264} -c:a copy"),
    );
    lab.fails("base.mp4", "hurried.mp4", "time of frame 2");
}

#[test]
fn a_video_is_held_against_itself_where_it_stands_still() {
    let lab = Lab::new();
    // Frames 0 to 19 are one picture, 20 to 39 another, and from 40 on it moves.
    let still = "-vf loop=loop=19:size=1:start=0,loop=loop=19:size=1:start=21,setpts=N/30/TB -frames:v 60";
    lab.make("still.mkv", &format!("-i base.mp4 -an {still} -c:v ffv1"));
    let [still, too, cut, moves] = lab.apart("still.mkv", &[0, 20, 10, 40], 10, 10)[..] else { panic!() };
    assert_eq!((still, too), (Level::Identical, Level::Identical));
    let db = |level: Level| if let Level::Db(db) = level { db } else { panic!("identical") };
    assert!(db(cut) < 40.0 && db(moves) < 40.0, "{cut:?}, {moves:?}");
    // As one stretch alone.
    assert_eq!(lab.apart("still.mkv", &[40], 10, 10), [moves]);
}

#[test]
fn an_alpha_plane_is_measured() {
    let lab = Lab::new();
    let alpha = |value: &str| {
        let planes = format!("format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='{value}'");
        format!("-i base.mp4 -an -vf {planes} {VP9} -pix_fmt yuva420p -metadata:s:v:0 alpha_mode=1")
    };
    lab.make("alpha.webm", &alpha("255*X/W"));
    lab.make("clear.webm", &alpha("0"));
    lab.make("opaque.webm", &format!("-i base.mp4 -an {VP9}"));
    lab.passes("alpha.webm", "alpha.webm");
    lab.fails("alpha.webm", "clear.webm", "dB is below 40.00 dB");
    lab.fails("alpha.webm", "opaque.webm", "alpha plane: false in the render, true in the baseline");
}

#[test]
fn the_alpha_plane_of_every_format_is_measured() {
    let lab = Lab::new();
    for (name, format, codec) in [
        ("prores.mov", "yuva444p10le", "-c:v prores_ks -profile:v 4444 -alpha_bits 16"),
        ("animation.mov", "argb", "-c:v qtrle"),
        ("ffv1.mkv", "bgra", "-c:v ffv1"),
        ("vp9.webm", "yuva420p", "-c:v libvpx-vp9 -crf 10 -b:v 0 -auto-alt-ref 0 -metadata:s:v:0 alpha_mode=1"),
    ] {
        let with = |value: &str| {
            let alpha =
                format!("format=yuva444p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='{value}',format={format}");
            format!("-i base.mp4 -an -vf {alpha} -frames:v 10 {codec}")
        };
        lab.make(name, &with("255*X/W"));
        let clear = format!("clear {name}");
        lab.make(&clear, &with("40"));
        lab.passes(name, name);
        lab.fails(name, &clear, "of plane a is below");
    }
}

#[test]
fn sound_is_on_the_clock_of_the_picture() {
    let lab = Lab::new();
    let stream = "-muxdelay 0 -muxpreload 0 -output_ts_offset 1.4";
    lab.make("base.ts", &format!("-i base.mp4 -c copy {stream}"));
    let early = format!(
        "-itsoffset -0.5 -i base.mp4 -i base.mp4 -map 1:v -map 0:a -c copy -avoid_negative_ts disabled {stream}"
    );
    lab.make("early.ts", &early);
    lab.passes("base.ts", "base.ts");
    lab.fails("base.ts", "early.ts", "duration of the file");
}

#[test]
fn what_a_listener_would_hear_fails() {
    let lab = Lab::new();
    let cases = [
        ("noise.mp4", "-af volume=0.9", "the residual of"),
        ("silent.mp4", "-af volume=0", "is missing from the render"),
        ("dropout.mp4", "-af volume=0:enable='between(t,1,1.1)'", "for any 100 ms"),
        ("delayed.mp4", "-af adelay=33:all=1 -t 2", "the residual of"),
        ("mono.mp4", "-ac 1", "channels of audio track 0: 1 in the render, 2"),
        ("44.mp4", "-ar 44100", "sample rate of audio track 0: 44100"),
    ];
    for (name, change, finding) in cases {
        lab.make(name, &format!("-i base.mp4 -c:v copy -c:a aac -b:a 192k {change}"));
        lab.fails("base.mp4", name, finding);
    }
    lab.make("none.mp4", "-i base.mp4 -c:v copy -an");
    lab.fails("base.mp4", "none.mp4", "audio tracks: 0 in the render, 1 in the baseline");
    lab.make("gap.mp4", "-i base.mp4 -c copy -bsf:a setts=ts='if(gt(PTS,48000),PTS+2400,PTS)'");
    lab.fails("base.mp4", "gap.mp4", "for any 100 ms");
    // Quiet sound of which one channel is gone, or a second across two.
    lab.make("low.mov", "-i base.mp4 -af volume=-33dB -c:v copy -c:a pcm_s16le");
    lab.make("left.mov", "-i low.mov -af pan=stereo|c0=c0|c1=0*c1 -c:v copy -c:a pcm_s16le");
    lab.make("drop.mov", "-i low.mov -af volume=0:enable='between(t,0.55,1.45)' -c:v copy -c:a pcm_s16le");
    lab.fails("low.mov", "left.mov", "is missing from the render");
    lab.fails("low.mov", "drop.mov", "is missing from the render");
    // As loud as a residual may be, and all that there is.
    lab.make("quiet.mp4", "-i base.mp4 -c:v copy -af volume=-40dB -c:a aac");
    lab.make("quiet, lost.mp4", "-i quiet.mp4 -c:v copy -af volume=0 -c:a aac");
    lab.fails("quiet.mp4", "quiet, lost.mp4", "is missing from the render");
}

#[test]
fn every_track_is_what_a_listener_gets() {
    let lab = Lab::new();
    let two =
        |volume: &str| format!("-i base.mp4 -map 0:v -map 0:a -map 0:a -c:v copy -c:a pcm_s16le -filter:a:1 {volume}");
    lab.make("two.mov", &two("volume=0.5"));
    lab.make("other second.mov", &two("volume=0.4"));
    lab.make("none.mov", "-i base.mp4 -an -c:v copy");
    let [two, other, none] = ["two.mov", "other second.mov", "none.mov"].map(|video| lab.semantics(video).pcm);
    assert_eq!(none, None);
    let (two, other) = (two.unwrap(), other.unwrap());
    // Two seconds of two tracks of 48 kHz stereo s16 and more.
    assert!(two.bytes >= 2 * 2 * 48_000 * 4 && two.bytes == other.bytes, "{two:?}, {other:?}");
    assert_ne!(two.sha256, other.sha256);
}

#[test]
fn what_does_not_decode_is_not_measured() {
    let lab = Lab::new();
    lab.make("fast.mp4", "-i base.mp4 -c copy -movflags +faststart");
    let whole = std::fs::read(lab.path("fast.mp4")).unwrap();
    let cut = |name: &str, length: usize| std::fs::write(lab.path(name), &whole[..length]).unwrap();
    cut("60.mp4", whole.len() * 6 / 10);
    cut("97.mp4", whole.len() * 97 / 100);
    cut("head.mp4", 100);
    cut("nothing.mp4", 0);
    let mut zeroed = whole.clone();
    zeroed[whole.len() / 2..whole.len() / 2 + 2000].fill(0);
    std::fs::write(lab.path("zeroed.mp4"), zeroed).unwrap();
    std::fs::write(lab.path("text.mp4"), "no video").unwrap();
    for name in ["60.mp4", "97.mp4", "head.mp4", "nothing.mp4", "zeroed.mp4", "text.mp4"] {
        lab.does_not_decode("base.mp4", name);
    }
    // Nor is anything measured against it.
    let error = lab.judge("97.mp4", "base.mp4").expect_err("a truncated baseline");
    assert!(error.contains("97.mp4 does not decode"), "{error}");
}
