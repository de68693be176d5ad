//! Comparing the shapes of a render and its baseline, before any decibel.

use std::fmt;

use super::probe::MediaShape;

/// One way in which a render's shape differs from its baseline's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    what: &'static str,
    baseline: String,
    render: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} in the render, {} in the baseline", self.what, self.render, self.baseline)
    }
}

/// All differences that make PSNR meaningless. Durations may differ by less
/// than half a frame, as container time bases round.
pub fn differences(baseline: &MediaShape, render: &MediaShape) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut check = |what, equal: bool, baseline: String, render: String| {
        if !equal {
            found.push(Difference { what, baseline, render });
        }
    };
    let size = |s: &MediaShape| format!("{}x{}", s.width, s.height);
    check("frames", baseline.frames == render.frames, baseline.frames.to_string(), render.frames.to_string());
    check("size", size(baseline) == size(render), size(baseline), size(render));
    check("frames a second", baseline.fps == render.fps, baseline.fps.to_string(), render.fps.to_string());
    check(
        "pixel format",
        baseline.pixel_format == render.pixel_format,
        baseline.pixel_format.clone(),
        render.pixel_format.clone(),
    );
    let half_frame = 0.5 / baseline.fps.value();
    check(
        "duration",
        (baseline.duration_s - render.duration_s).abs() < half_frame,
        format!("{:.3} s", baseline.duration_s),
        format!("{:.3} s", render.duration_s),
    );
    let tracks = |s: &MediaShape| s.audio.len().to_string();
    check("audio tracks", baseline.audio.len() == render.audio.len(), tracks(baseline), tracks(render));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Fraction, probe::AudioShape};

    fn shape() -> MediaShape {
        MediaShape {
            frames: 60,
            width: 640,
            height: 360,
            fps: Fraction::new(30, 1).unwrap(),
            pixel_format: "yuv420p".into(),
            duration_s: 2.0,
            audio: vec![AudioShape { sample_rate: 48_000, channels: 2 }],
        }
    }

    #[test]
    fn equal_shapes_have_no_differences() {
        assert_eq!(differences(&shape(), &shape()), []);
        assert_eq!(differences(&shape(), &MediaShape { duration_s: 2.002, ..shape() }), []);
    }

    #[test]
    fn each_difference_is_named() {
        let cases = [
            ("frames", MediaShape { frames: 31, ..shape() }),
            ("size", MediaShape { height: 361, ..shape() }),
            ("frames a second", MediaShape { fps: Fraction::new(30_000, 1001).unwrap(), ..shape() }),
            ("pixel format", MediaShape { pixel_format: "yuv444p".into(), ..shape() }),
            ("duration", MediaShape { duration_s: 1.98, ..shape() }),
            ("audio tracks", MediaShape { audio: vec![], ..shape() }),
        ];
        for (what, render) in cases {
            let found = differences(&shape(), &render);
            assert_eq!(found.iter().map(|d| d.what).collect::<Vec<_>>(), [what]);
        }
    }
}
