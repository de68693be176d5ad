//! The filters that compare a picture with its baseline's, as text. Pure.

use std::ops::Range;

use render_verdict::{
    decibels::Decibels,
    picture::{
        blocks::{self, BlockFormat, is_rgb},
        luma,
        psnr::LEVEL,
    },
    probe::MediaShape,
    showinfo::{self, Video},
};

/// Every frame of the render against the baseline's of its index, for PSNR and
/// SSIM; those below `least` against the one before and the one after that as well.
pub(crate) fn comparing(shape: &MediaShape, least: Decibels) -> String {
    let (same, opaque) = (same_terms(shape), opaque(&shape.pixel_format));
    let (before, after) = (printed("before"), printed("after"));
    let planes = as_planes(&shape.pixel_format);
    let means = block_means(block_format(&shape.pixel_format));
    let luma = luma_of_some(&shape.pixel_format);
    // SSIM knows no alpha, which the others must see. PSNR of luma only ends both of its streams with the shorter video:
    // whoever reads them takes a frame of each in turn.
    format!(
        "[0:V:0]{same},split[r1][r5];[1:V:0]{same},split=5[b1][b2][b9][bb][ba];\
         [r5]{planes},split=3[r6][r7][rd];[b9]{planes},split=3[b6][b7][bd];\
         [r7][b7]blend=all_mode=difference:shortest=1,split=3[e7][ea][eb];[e7]{means}[e8];\
         [ea][eb]blend=all_mode=multiply:shortest=1,{means}[s8];\
         [r6]{means}[r8];[b6]{means}[b8];[r8][b8][e8][s8]vstack=inputs=4:shortest=1[blocks];\
         [rd]{luma},split[ra][rb];[bd]{luma},split[la][lb];[ra][la]psnr=shortest=1[rl];[lb][rb]psnr=shortest=1[bl];\
         [bb]tpad=start=1:start_mode=clone,setpts=N[b3];[ba]trim=start_frame=1,tpad=stop=1:stop_mode=clone,setpts=N[b4];\
         [r1][b1]psnr=stats_file=psnr:shortest=1,split[r2][r3];[r2]{opaque}[r4];[b2]{opaque}[b5];\
         [r4][b5]ssim=stats_file=ssim:shortest=1[end];\
         [r3]{}[low];[low][b3]psnr=shortest=1,{before}[low2];[low2][b4]psnr=shortest=1,{after},nullsink",
        below(least)
    )
}

/// The own frames of both videos, which ffmpeg's log describes. One thread filters both, because it would otherwise
/// mix the lines about a frame of one with those about a frame of the other.
pub(super) fn own_frames(shape: &MediaShape) -> String {
    let of = |video, name| format!("[{}:V:0]{},{}[{name}]", video as u8, showinfo::filters(video), by_index(shape));
    format!("{};{}", of(Video::Render, "of_render"), of(Video::Baseline, "of_baseline"))
}

/// The most frames in a row that are left out of the comparison with neighbors, because the frames of the baseline
/// wait in memory until the next frame of the render is compared.
const IN_A_ROW: u32 = 7;

/// Passes on frames whose PSNR is below a level, and some others.
fn below(least: Decibels) -> String {
    // The statistics, in which a frame's level is looked up, round to a hundredth.
    let least = least.db() + 0.01;
    let passes = format!("if(lt(VALUE1,{least:.6})+gte(ld(0),{IN_A_ROW}),1+0*st(0,0),0*st(0,ld(0)+1))");
    format!("metadata=mode=select:key={LEVEL}:value=0:function=expr:expr='{passes}'")
}

/// Relabels the planes of RGB as planes of YUV, because ffmpeg would otherwise convert RGB when it scales, and lose
/// precision.
fn as_planes(pixel_format: &str) -> String {
    if !is_rgb(&as_compared(pixel_format)) {
        return "null".to_owned();
    }
    let planar = with_alpha(pixel_format).unwrap_or_else(|| match pixel_format {
        _ if pixel_format.starts_with("gbrp") => pixel_format.to_owned(),
        _ if pixel_format.contains("48") => "gbrp16le".to_owned(),
        _ => "gbrp".to_owned(),
    });
    let map = if planar.starts_with("gbrap") { "0x00010203" } else { "0x000102" };
    let called = planar.replace("gbrap", "yuva444p").replace("gbrp", "yuv444p");
    format!("format={planar},mergeplanes={map}:{called}")
}

/// The format of the blocks of pictures in `pixel_format`, as they are compared.
pub(super) fn block_format(pixel_format: &str) -> BlockFormat {
    BlockFormat::of(&as_compared(pixel_format))
}

/// The means of the blocks of each plane in this format, see [`Layout`].
fn block_means(format: BlockFormat) -> String {
    let side = 2 * blocks::SIDE;
    format!("scale=2*ceil(iw/{side}):2*ceil(ih/{side}):flags=area,format={}", format.name)
}

/// The first plane of every few frames, with 8 bits per sample.
fn luma_of_some(pixel_format: &str) -> String {
    let compared = as_compared(pixel_format);
    let planar = is_rgb(&compared) || ["yuv", "gray"].iter().any(|name| compared.starts_with(name));
    // Scaling would stretch the limited range of others to the full one.
    let plane = if planar { "extractplanes=y," } else { "" };
    format!("select='not(mod(n,{}))',{plane}format={}", luma::EVERY, luma::FORMAT.name)
}

/// Writes each frame's index and PSNR into a file.
fn printed(file: &str) -> String {
    format!("metadata=mode=print:key={LEVEL}:file={file}")
}

/// Compares a range of a video's frames with the range that begins `distance` frames later. The video is given as two
/// inputs, because with a single input ffmpeg would keep `distance` frames in memory.
pub(crate) fn stretches(shape: &MediaShape, stretch: &Range<u64>, distance: u64) -> String {
    let same = same_terms(shape);
    let cut =
        |later: u64| format!("trim=start_frame={}:end_frame={},{same}", stretch.start + later, stretch.end + later);
    format!("[0:V:0]{}[a];[1:V:0]{}[b];[a][b]psnr=stats_file=psnr:shortest=1", cut(0), cut(distance))
}

/// Times by index, so that frames pair by decode order, and so that ffmpeg
/// reads both files and fills all outputs at one pace: else it would keep one file's
/// frames in memory.
pub(crate) fn by_index(shape: &MediaShape) -> String {
    // At the frames' rate: audio is written next to them, by the clock.
    format!("settb={},setpts=N", shape.fps.inverted())
}

/// The format in which a picture with alpha is compared: one that the psnr filter
/// accepts with its alpha plane. Other formats are compared as they are.
pub(crate) fn with_alpha(pixel_format: &str) -> Option<String> {
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

/// The format in which a picture is compared, with alpha or without.
fn as_compared(pixel_format: &str) -> String {
    with_alpha(pixel_format).unwrap_or_else(|| pixel_format.to_owned())
}

/// The filter that takes the alpha plane away.
fn opaque(pixel_format: &str) -> String {
    let format = with_alpha(pixel_format).map(|format| format.replace("yuva", "yuv").replace("gbrap", "gbrp"));
    format.map_or("null".to_owned(), |format| format!("format={format}"))
}

/// Filters that give both videos the same color tags. Where the tags differ, which can only be where one video has
/// none, ffmpeg would convert one of the pictures first.
fn same_terms(shape: &MediaShape) -> String {
    let full = shape.color.range.as_deref() == Some("pc") || shape.pixel_format.starts_with("yuvj");
    let range = if full { "full" } else { "limited" };
    let space = if is_rgb(&shape.pixel_format) { "gbr" } else { "bt709" };
    let format = with_alpha(&shape.pixel_format).map_or_else(String::new, |format| format!("format={format},"));
    let by_index = by_index(shape);
    format!("{format}{by_index},setparams=range={range}:color_primaries=bt709:color_trc=bt709:colorspace={space}")
}
