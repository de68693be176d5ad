//! Frames are counted as they decode, not as headers promise them.

use crate::lab::{Lab, X264};

#[test]
fn frames_of_which_headers_say_nothing_are_counted() {
    let lab = Lab::new();
    // In Matroska, neither rate nor duration tells that frames are left out on the way.
    for (name, kept) in [("60.mkv", "1"), ("59.mkv", "not(eq(n\\,30))"), ("50.mkv", "not(between(n\\,30\\,39))")] {
        lab.make(name, &format!("-i base.mp4 -vf select={kept} -fps_mode passthrough {X264} -c:a copy"));
    }
    lab.fails("60.mkv", "59.mkv", "frames: 59 in the render, 60 in the baseline");
    lab.fails("50.mkv", "60.mkv", "frames: 60 in the render, 50 in the baseline");
    lab.passes("59.mkv", "59.mkv");
}
