//! The damages of the corpus, and the variants that are none.

/// A damage: its class, its name, and a filter with places to fill in.
///
/// `{x}`, `{y}`, `{w}`, `{h}`: the region with the most detail; `{n}` a frame, `{mid}` the frame in the middle,
/// `{chunk}` the frames of a chunk.
pub(super) type Damage = (&'static str, &'static str, &'static str);

pub(super) const PICTURE: [Damage; 47] = [
    ("region", "word missing", "delogo={x}:{y}:{w}:{h}"),
    ("region", "word missing from the middle on", "delogo={x}:{y}:{w}:{h}:enable='gte(n,{mid})'"),
    ("region", "word missing on every tenth frame", "delogo={x}:{y}:{w}:{h}:enable='not(mod(n+5,10))'"),
    (
        "region",
        "word moved by 1 px",
        "split[a][b];[b]crop={w}:{h}:{x}:{y}[c];[a][c]overlay=x={x}+1:y={y}:format=yuv420",
    ),
    (
        "region",
        "word moved by 3 px",
        "split[a][b];[b]crop={w}:{h}:{x}:{y}[c];[a][c]overlay=x={x}+3:y={y}:format=yuv420",
    ),
    (
        "region",
        "region stands still",
        "split[a][b];[b]trim=end_frame=1,loop=loop=999:size=1,setpts=N/{rate}/TB,crop={w}:{h}:{x}:{y}[c];[a][c]overlay={x}:{y}:shortest=1:format=yuv420",
    ),
    ("region", "black block on one frame", "drawbox={x}:{y}:32:32:black:t=fill:enable='eq(n,{n})'"),
    ("region", "red square on two frames", "drawbox={x}:{y}:24:24:red:t=fill:enable='between(n,{n},{n}+1)'"),
    ("region", "white square on one frame", "drawbox=16:16:16:16:white:t=fill:enable='eq(n,{n})'"),
    ("region", "gray box on five frames", "drawbox=8:8:40:24:gray:t=fill:enable='between(n,{n},{n}+4)'"),
    ("region", "corner cut off", "drawbox=0:0:16:16:black:t=fill"),
    ("region", "thin line", "drawbox=0:ih/2:iw:2:white:t=fill"),
    ("time", "one frame late", "tpad=start=1:start_mode=clone,trim=end_frame=60"),
    ("time", "five frames late", "tpad=start=5:start_mode=clone,trim=end_frame=60"),
    ("time", "one frame early", "trim=start_frame=1,tpad=stop=1:stop_mode=clone,setpts=N/{rate}/TB"),
    (
        "time",
        "one frame late from the middle on",
        "split[a][b];[a]trim=end_frame={mid}[c];[b]trim=start_frame={mid}-1:end_frame=59,setpts=PTS-STARTPTS[d];[c][d]concat",
    ),
    ("time", "every two frames swapped", "shuffleframes=1|0"),
    ("time", "frames in pairs", "shuffleframes=0|0"),
    ("time", "frames in threes", "shuffleframes=0|0|0"),
    (
        "time",
        "last half second stands still",
        "split[a][b];[a][b]freezeframes=first=60-{rate}/2:last=59:replace=60-{rate}/2-1",
    ),
    ("time", "a frame repeated", "split[a][b];[a][b]freezeframes=first={n}:last={n}:replace={n}-1"),
    (
        "time",
        "a frame shown early at the seam",
        "split[a][b];[a][b]freezeframes=first={mid}:last={mid}:replace={mid}+1",
    ),
    ("time", "a frame blended at the seam", "tmix=frames=2:enable='eq(n,{mid})'"),
    ("time", "all frames blended", "tmix=frames=2"),
    (
        "time",
        "chroma one frame late",
        "split[a][b];[b]tpad=start=1:start_mode=clone,trim=end_frame=60,extractplanes=u+v[u][v];[a]extractplanes=y[y];[y][u][v]mergeplanes=0x001020:yuv420p",
    ),
    ("tone", "luma 2 up", "lutyuv=y=val+2"),
    ("tone", "luma 2 down", "lutyuv=y=val-2"),
    ("tone", "chroma 2 up", "lutyuv=u=val+2"),
    ("tone", "luma 3 up in one chunk", "lutyuv=y=val+3:enable='gte(n,{mid})'"),
    ("tone", "every other chunk 2 up", "lutyuv=y=val+2:enable='mod(floor(n/{chunk}),2)'"),
    ("tone", "flash of 8 levels", "lutyuv=y=val+8:enable='eq(n,{n})'"),
    ("tone", "saturation 90%", "eq=saturation=0.9"),
    ("tone", "contrast 97%", "lutyuv=y=16+(val-16)*0.97"),
    ("tone", "gamma 1.06", "eq=gamma=1.06"),
    ("tone", "hue 4 degrees", "hue=h=4"),
    ("tone", "blacks lifted", "lutyuv=y=max(val\\,26)"),
    ("tone", "whites clipped", "lutyuv=y=min(val\\,215)"),
    ("tone", "banding in steps of 8", "lutyuv=y=floor(val/8)*8+4"),
    ("tone", "banding in steps of 4", "lutyuv=y=floor(val/4)*4+2"),
    ("tone", "full range in a limited file", "scale=out_range=full,setparams=range=limited"),
    ("detail", "blurred", "gblur=sigma=0.8"),
    ("detail", "half resolution", "scale=iw/2:ih/2,scale=2*iw:2*ih"),
    ("detail", "noise", "noise=alls=14:allf=t:all_seed=9"),
    (
        "detail",
        "word blurred",
        "split[a][b];[b]crop={w}:{h}:{x}:{y},gblur=sigma=2[c];[a][c]overlay={x}:{y}:format=yuv420",
    ),
    (
        "detail",
        "word in mosaic",
        "split[a][b];[b]crop={w}:{h}:{x}:{y},pixelize=4:4[c];[a][c]overlay={x}:{y}:format=yuv420",
    ),
    ("detail", "sharpened", "unsharp=5:5:1.2"),
    ("detail", "CRF 40", "null"),
];

/// Encodings that are all as good as the baseline.
pub(super) const GOOD: [&str; 14] = [
    "-c:v libx264 -crf 10",
    "-c:v libx264 -crf 12 -preset slow",
    "-c:v libx264 -crf 14 -threads 1",
    "-c:v libx264 -crf 15 -preset faster",
    "-c:v libx264 -crf 16",
    "-c:v libx264 -crf 18",
    "-c:v libx264 -crf 18 -preset slow",
    "-c:v libx264 -crf 17 -g 15",
    "-c:v libx264 -crf 16 -bf 0 -refs 1",
    "-c:v libx264 -crf 16 -tune animation",
    "-c:v libx264 -crf 18 -tune grain",
    "-c:v libx264 -crf 14 -preset veryfast",
    "-c:v libx264 -crf 18 -g 20 -keyint_min 20 -sc_threshold 0",
    "-c:v libx264 -crf 13 -x264-params aq-mode=3",
];
