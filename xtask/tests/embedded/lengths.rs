//! Frames are counted as they decode, not as headers promise them.

use crate::lab::{Lab, X264};

#[test]
fn frames_of_which_headers_say_nothing_are_counted() {
    let lab = Lab::new();
    // In Matroska, neither rate nor duration shows that frames are left out on the way.
    for (name, kept) in [("60.mkv", "1"), ("59.mkv", "not(eq(n\\,30))"), ("50.mkv", "not(between(n\\,30\\,39))")] {
        lab.make(name, &format!("-i base.mp4 -vf select={kept} -fps_mode passthrough {X264} -c:a copy"));
    }
    lab.fails("60.mkv", "59.mkv", "frames: 59 in the render, 60 in the baseline");
    lab.fails("50.mkv", "60.mkv", "frames: 60 in the render, 50 in the baseline");
    lab.passes("59.mkv", "59.mkv");
}

#[test]
fn a_padded_packet_of_audio_is_no_difference_of_the_picture() {
    let lab = Lab::new();
    lab.make("v.webm", &format!("-f lavfi -i testsrc2=s=160x96:r=30:d=2 {} -pix_fmt yuv420p", crate::lab::VP9));
    for (name, pad) in [("one.webm", "anull"), ("two.webm", "apad=pad_dur=0.02")] {
        let audio = format!("-f lavfi -i sine=440:d=2:r=48000,afade=t=out:st=1.9:d=0.1 -af {pad}");
        lab.make(name, &format!("-i v.webm {audio} -map 0:v -map 1:a -c:v copy -c:a libopus"));
    }
    lab.passes("one.webm", "two.webm");
}

#[test]
fn what_a_file_says_players_is_compared() {
    let lab = Lab::new();
    let mut file = std::fs::read(lab.path("base.mp4")).unwrap();
    let header = file.windows(4).position(|bytes| bytes == b"mvhd").unwrap() + 4;
    assert_eq!(file[header + 20..header + 24], [0, 1, 0, 0]);
    file[header + 21] = 2;
    std::fs::write(lab.path("fast.mp4"), file).unwrap();
    lab.fails("base.mp4", "fast.mp4", "the movie is played at a rate of 2 in the render, none in the baseline");
}
