//! The same packets in another container, whose times begin later.

use crate::lab::Lab;

/// Three seconds with frames that are decoded ahead, and audio that repeats nothing.
fn lab_at(rate: u32) -> Lab {
    let lab = Lab::new();
    lab.make(
        "b.mp4",
        &format!("-f lavfi -i testsrc2=s=160x96:r={rate}:d=3 -f lavfi -i aevalsrc=0.4*sin(2*PI*(200+150*t)*t)|0.3*sin(2*PI*(900-90*t)*t):d=3:s=48000 -c:v libx264 -bf 2 -crf 16 -pix_fmt yuv420p -c:a aac -b:a 192k"),
    );
    lab
}

/// Containers, each with the arguments of their muxers. The last ones can't express what is not shown or heard.
const CONTAINERS: [(&str, &str); 6] = [
    ("b.mov", "-f mov"),
    ("delayed.mp4", "-movflags frag_keyframe+delay_moov"),
    ("b.mkv", "-f matroska"),
    ("fragments.mp4", "-movflags frag_keyframe+empty_moov"),
    ("no-edits.mp4", "-use_editlist 0"),
    ("moved.mp4", "-use_editlist 0 -avoid_negative_ts make_zero"),
];

#[test]
fn a_change_of_container_passes() {
    for rate in [24, 30] {
        let lab = lab_at(rate);
        for (name, muxer) in CONTAINERS {
            lab.make(name, &format!("-i b.mp4 -c copy {muxer}"));
            lab.passes("b.mp4", name);
        }
    }
}

#[test]
fn audio_that_moved_against_the_picture_fails_in_any_container() {
    let lab = lab_at(30);
    for (name, muxer) in CONTAINERS {
        let name = format!("late-{name}");
        lab.make(&name, &format!("-itsoffset 0.02 -i b.mp4 -i b.mp4 -map 1:v -map 0:a -c copy {muxer}"));
        lab.fails("b.mp4", &name, "residual");
    }
}

#[test]
fn a_picture_that_begins_late_fails_at_low_rates_too() {
    let lab = lab_at(10);
    lab.make("late.mp4", "-itsoffset 0.021 -i b.mp4 -i b.mp4 -map 0:v -map 1:a -c copy");
    lab.fails("b.mp4", "late.mp4", "residual");
    lab.make("later.mp4", "-itsoffset 0.5 -i b.mp4 -i b.mp4 -map 0:v -map 1:a -c copy");
    lab.fails("b.mp4", "later.mp4", "time of frame 0");
}

#[test]
fn the_alpha_of_gray_pictures_is_compared_by_regions() {
    let lab = Lab::new();
    for format in ["ya8", "ya16le"] {
        let with = |alpha: &str| {
            format!(
                "-i base.mp4 -an -vf format=yuva444p,geq=lum='lum(X,Y)':cb=128:cr=128:a='{alpha}',format={format} -frames:v 5 -c:v ffv1"
            )
        };
        lab.make("gray.mkv", &with("200"));
        lab.make("box.mkv", &with("200-6*between(X,40,79)*between(Y,20,51)"));
        lab.passes("gray.mkv", "gray.mkv");
        lab.fails("gray.mkv", "box.mkv", "levels lower in plane a");
    }
}
