//! Frames that are looked for among their neighbors, at the ends and in the middle of a video.

use crate::lab::{Lab, X264};

#[test]
fn swapped_frames_are_found_at_either_end() {
    let lab = Lab::new();
    lab.make("three.mp4", &format!("-i base.mp4 -an -frames:v 3 {X264}"));
    for (name, order) in [("first two.mp4", "1 0 2"), ("last two.mp4", "0 2 1")] {
        lab.make(name, &format!("-i three.mp4 -vf shuffleframes={} {X264}", order.replace(' ', "|")));
        lab.fails("three.mp4", name, "frames are repeated, dropped or swapped, 2 in all");
    }
}

#[test]
fn videos_of_few_frames_are_compared_all_the_same() {
    let lab = Lab::new();
    for count in 1..=3 {
        let (whole, negated) = (format!("{count}.mp4"), format!("negated {count}.mp4"));
        lab.make(&whole, &format!("-i base.mp4 -an -frames:v {count} {X264}"));
        lab.passes(&whole, &whole);
        lab.make(&negated, &format!("-i {whole} -vf negate {X264}"));
        lab.fails(&whole, &negated, &format!("frames below 30.00 dB: {count}, allowed: 0"));
    }
}
