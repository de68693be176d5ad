//! The filters that compare a picture with its baseline's, as text. Pure.

use std::ops::Range;

use crate::measure::{
    Decibels,
    probe::MediaShape,
    psnr::LEVEL,
    showinfo::{self, Video},
};

/// Every frame of the render against the baseline's of its index, for PSNR and
/// SSIM; those below `least` against the one before and the one after that as well.
pub(super) fn comparing(shape: &MediaShape, least: Decibels) -> String {
    let (same, opaque) = (same_terms(shape), opaque(&shape.pixel_format));
    let (before, after) = (printed("before"), printed("after"));
    // SSIM knows no alpha, which the others must see.
    format!(
        "[0:V:0]{same}[r1];[1:V:0]{same},split=4[b1][b2][bb][ba];\
         [bb]tpad=start=1:start_mode=clone,setpts=N[b3];[ba]trim=start_frame=1,tpad=stop=1:stop_mode=clone,setpts=N[b4];\
         [r1][b1]psnr=stats_file=psnr:shortest=1,split[r2][r3];[r2]{opaque}[r4];[b2]{opaque}[b5];\
         [r4][b5]ssim=stats_file=ssim:shortest=1[end];\
         [r3]{}[low];[low][b3]psnr=shortest=1,{before}[low2];[low2][b4]psnr=shortest=1,{after},nullsink",
        below(least)
    )
}

/// A video's own frames, which ffmpeg's log describes.
pub(super) fn own_frames(shape: &MediaShape, video: Video) -> String {
    format!("{},{}", showinfo::filters(video), by_index(shape))
}

/// How many frames in a row are left out of the comparison with neighbours at
/// most: the baseline's wait in memory until one of the render's comes.
const IN_A_ROW: u32 = 7;

/// Passes on frames whose PSNR is below a level, and some others.
fn below(least: Decibels) -> String {
    // The statistics, in which a frame's level is looked up, round to a hundredth.
    let least = least.db() + 0.01;
    let passes = format!("if(lt(VALUE1,{least:.6})+gte(ld(0),{IN_A_ROW}),1+0*st(0,0),0*st(0,ld(0)+1))");
    format!("metadata=mode=select:key={LEVEL}:value=0:function=expr:expr='{passes}'")
}

/// Writes each frame's index and PSNR into a file.
fn printed(file: &str) -> String {
    format!("metadata=mode=print:key={LEVEL}:file={file}")
}

/// A stretch of a video against that which begins `distance` frames later, of two inputs that
/// are the same: one that went to both ends would wait in memory for as many frames.
pub(super) fn stretches(shape: &MediaShape, stretch: &Range<u64>, distance: u64) -> String {
    let same = same_terms(shape);
    let cut =
        |later: u64| format!("trim=start_frame={}:end_frame={},{same}", stretch.start + later, stretch.end + later);
    format!("[0:V:0]{}[a];[1:V:0]{}[b];[a][b]psnr=stats_file=psnr:shortest=1", cut(0), cut(distance))
}

/// Times by index, so that frames pair by decode order, and so that ffmpeg
/// reads both files and fills all outputs at one pace: else it would keep one file's
/// frames in memory.
pub(super) fn by_index(shape: &MediaShape) -> String {
    // At the frames' rate: sound goes out beside them, by the clock.
    format!("settb={},setpts=N", shape.fps.inverted())
}

/// The format in which a picture with alpha is compared: one that the psnr filter
/// takes with its alpha plane. Others are taken as they are.
pub(super) fn with_alpha(pixel_format: &str) -> Option<String> {
    let packed = ["rgba", "bgra", "argb", "abgr"].iter().any(|name| pixel_format.starts_with(name));
    match pixel_format {
        _ if packed && pixel_format.contains("64") => Some("gbrap16le".to_owned()),
        _ if packed || pixel_format == "ya8" => Some("gbrap".to_owned()),
        _ if pixel_format.starts_with("ya16") => Some("gbrap16le".to_owned()),
        _ if pixel_format.starts_with("gbrap") => Some(pixel_format.to_owned()),
        _ if pixel_format.starts_with("yuva") => Some(pixel_format.replace("p12", "p16")),
        _ => None,
    }
}

/// The filter that takes the alpha plane away.
fn opaque(pixel_format: &str) -> String {
    let format = with_alpha(pixel_format).map(|format| format.replace("yuva", "yuv").replace("gbrap", "gbrp"));
    format.map_or("null".to_owned(), |format| format!("format={format}"))
}

/// Filters that put both videos on the same terms. Color tags alike: where they
/// differ, which is only where one has none, ffmpeg would convert one of the pictures first.
fn same_terms(shape: &MediaShape) -> String {
    let full = shape.color.range.as_deref() == Some("pc") || shape.pixel_format.starts_with("yuvj");
    let range = if full { "full" } else { "limited" };
    let rgb = ["rgb", "bgr", "gbr", "argb", "abgr"].iter().any(|prefix| shape.pixel_format.starts_with(prefix));
    let space = if rgb { "gbr" } else { "bt709" };
    let format = with_alpha(&shape.pixel_format).map_or_else(String::new, |format| format!("format={format},"));
    let by_index = by_index(shape);
    format!("{format}{by_index},setparams=range={range}:color_primaries=bt709:color_trc=bt709:colorspace={space}")
}
