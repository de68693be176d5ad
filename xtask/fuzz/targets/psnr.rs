//! What ffmpeg's psnr filter writes, and what its levels come to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render_verdict::{
    decibels::{Decibels, Level},
    picture::psnr::{VideoPsnr, frames, misplaced, neighbors, worst_stretch},
};

fuzz_target!(|text: &str| {
    let (stats, printed) = text.split_once('\0').unwrap_or((text, text));
    let levels = neighbors(printed);
    let Ok(frames) = frames(stats) else { return };
    let summary = VideoPsnr::of(&frames).expect("there are frames");
    let json = serde_json::to_value(&summary).expect("a summary is JSON");
    assert!(json["meanDb"].is_number(), "the mean is none");
    for level in ["worst", "percentile1", "fromMeanMse"] {
        assert!(serde_json::from_value::<Level>(json[level].clone()).is_ok(), "{level} is none");
    }
    assert!(summary.worst <= summary.percentile_1 && summary.worst <= summary.from_mean_mse_rounded());
    assert_eq!(summary.levels[summary.worst_frame as usize], summary.worst);
    let (start, level) = worst_stretch(&summary.levels, 30);
    assert!(start < summary.frames);
    assert!(serde_json::from_value::<Level>(serde_json::to_value(level).expect("JSON")).is_ok());
    summary.from_mean_mse_of(start, 30);
    if let (Ok(levels), Ok(least)) = (levels, Decibels::new(40.0)) {
        let _ = misplaced(&frames, &levels, &levels, least);
    }
});

/// Taking logarithms costs a last digit.
trait Rounded {
    fn from_mean_mse_rounded(&self) -> Level;
}

impl Rounded for VideoPsnr {
    fn from_mean_mse_rounded(&self) -> Level {
        match self.from_mean_mse {
            Level::Db(db) => Level::Db(db + 1e-6 + db.abs() * 1e-12),
            Level::Identical => Level::Identical,
        }
    }
}
