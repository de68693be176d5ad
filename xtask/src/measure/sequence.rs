//! A rendered sequence of frames against its baseline's: what the files are first, then
//! every picture. Pure.

use anyhow::{Context, ensure};

use super::{
    Decibels, Level,
    comparison::Picture,
    frame_figures,
    frame_sequence::{Frame, FrameIndex, FrameSequence, ReferenceFrames},
    frames::FrameHashes,
    psnr::{self, BEST_DB, FramePsnr, Neighbours, PsnrSummary},
    shape::Difference,
    ssim::SsimSummary,
};

/// All differences that make PSNR meaningless: other frames, sizes or samples, or files
/// beside the frames that only one has.
pub fn differences(baseline: &ReferenceFrames, render: &FrameSequence) -> Vec<Difference> {
    let baseline = baseline.sequence();
    let mut found = Vec::new();
    let mut differ = |what: String, baseline: String, render: String| {
        found.push(Difference { what, baseline, render });
    };
    if baseline.len() != render.len() {
        differ("frames".to_owned(), baseline.len().to_string(), render.len().to_string());
    }
    let last = render.frames().keys().next_back();
    let lost = baseline.frames().keys().find(|index| !render.frames().contains_key(index));
    if let Some(lost) = lost.filter(|lost| last.is_some_and(|last| *lost < last)) {
        differ(format!("frame {lost}"), "there".to_owned(), "missing".to_owned());
    }
    for (what, told) in [("size", size as fn(&Frame) -> String), ("pixel format", format)] {
        let unlike = baseline.frames().iter().find_map(|(index, of_baseline)| {
            let (a, b) = (told(of_baseline), told(render.frames().get(index)?));
            (a != b).then_some((*index, a, b))
        });
        if let Some((index, a, b)) = unlike {
            differ(if index.get() == 0 { what.to_owned() } else { format!("{what} of frame {index}") }, a, b);
        }
    }
    let others = |of: &FrameSequence, beside: &FrameSequence| -> Vec<String> {
        of.others().keys().filter(|name| !beside.others().contains_key(*name)).cloned().collect()
    };
    for name in others(baseline, render) {
        differ(name, "there".to_owned(), "missing".to_owned());
    }
    for name in others(render, baseline) {
        differ(name, "none".to_owned(), "there".to_owned());
    }
    found
}

fn size(frame: &Frame) -> String {
    frame.header.size.to_string()
}

fn format(frame: &Frame) -> String {
    frame.header.format.to_string()
}

/// What was measured of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameFigures {
    /// Against the baseline's frame of its index.
    pub own: FramePsnr,
    /// The same as SSIM.
    pub ssim: f64,
    /// Against the baseline's frame before that, where it may matter.
    pub before: Option<Level>,
    /// Against the one after it.
    pub after: Option<Level>,
}

impl FrameFigures {
    /// Of a frame that is the baseline's to the byte.
    pub fn identical(alpha: bool) -> Self {
        Self { own: frame_figures::identical(alpha), ssim: 1.0, before: None, after: None }
    }

    /// Whether a frame with this level may show a neighbour of its own: one that is nearly
    /// its own can't be more like another by as much as it takes.
    pub fn may_be_misplaced(own: Level) -> bool {
        matches!(own, Level::Db(db) if db + psnr::MISPLACED_DB < BEST_DB)
    }
}

/// The picture of a render whose frames pair with its baseline's, at `fps` frames a second.
///
/// # Errors
/// When not every frame has its figures: a measurement with holes is none.
pub fn picture(figures: &[FrameFigures], render: &FrameSequence, fps: u32) -> anyhow::Result<Picture> {
    ensure!(figures.len() as u64 == render.len(), "{} of {} frames were compared", figures.len(), render.len());
    let own: Vec<FramePsnr> = figures.iter().map(|frame| frame.own.clone()).collect();
    let beside = |level: fn(&FrameFigures) -> Option<Level>| -> Neighbours {
        (0u64..).zip(figures).filter_map(|(index, frame)| Some((index, level(frame)?))).collect()
    };
    let nearly_its_own = Decibels::new(BEST_DB - psnr::MISPLACED_DB)?;
    let misplaced = psnr::misplaced(&own, &beside(|frame| frame.before), &beside(|frame| frame.after), nearly_its_own)?;
    let psnr = PsnrSummary::of(&own)?;
    let ssim: Vec<f64> = figures.iter().map(|frame| frame.ssim).collect();
    Ok(Picture {
        worst_at_s: FrameIndex::new(psnr.worst_frame).seconds(fps),
        psnr,
        ssim: SsimSummary::of(&ssim).context("no frame was compared")?,
        hashes: FrameHashes::of_files(render),
        frames_a_second: u64::from(fps),
        misplaced,
    })
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
