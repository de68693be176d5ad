//! The table of faults: small, named edits of the bundled handler of HyperFrames 0.8.31.

/// A fault, and the fixture that can show it.
pub(crate) struct Fault {
    /// Its name.
    pub(crate) name: &'static str,
    /// The part of the renderer that it is in.
    pub(crate) part: &'static str,
    /// The fixture.
    pub(crate) fixture: &'static str,
    /// A place in the bundled handler that occurs exactly once, and what takes its place.
    pub(crate) edit: (&'static str, String),
    /// The issue or pull request of HyperFrames that had it, or a fault of the same kind.
    pub(crate) history: Option<u16>,
}

pub(crate) const SDR: &str = "mp4-h264-sdr";
pub(crate) const TONE: &str = "tone-and-text";
pub(crate) const CUTS: &str = "many-cuts";
pub(crate) const CLIPS: &str = "clips-and-variables";
pub(crate) const WEBM: &str = "overlay-webm";
pub(crate) const MOV: &str = "overlay-mov";
pub(crate) const FRAMES: &str = "overlay-frames";
pub(crate) const LOTTIE: &str = "lottie-and-shader";
pub(crate) const LATE: &str = "late-parts";
pub(crate) const FINE: &str = "fine-print";
/// [`CLIPS`], but it accepts 25 dB.
pub(crate) const HIDDEN: &str = "hidden";

const SEEK: &str = "  const quantizedTime = quantizeTimeToFrame(time, fpsToNumber(options.fps));\n  const seekStart = Date.now();\n  const hasPendingComposite";
const PAGE: &str = "  await waitForPendingSeekCompletion(page);\n  await page.evaluate(async () => {\n    const runtime = window.__hf?.colorGrading;";
const WRITE: &str = "  writeFileSync(framePath, buffer);\n  return framePath;";
const JPEG: &str = "      quality: plan2.dimensions.format === \"mp4\" ? 80 : undefined,";
const ENCODE: &str = "  return args;\n}\nasync function encodeFramesFromDir(";
const PRORES: &str = "      codec: \"prores\",\n      pixelFormat: \"yuva444p10le\"";
const SLICE: &str = "    slices.push({ index: i, startFrame, endFrame });";
const CONCAT: &str = "      const concatBody = chunkPaths.map((path14) =>";
const CONCAT_ARGS: &str =
    "      const concatArgs = [\n        \"-r\",\n        fpsArg,\n        \"-f\",\n        \"concat\",";
const VARIABLES: &str = "      variables: encoder2.variables,\n";
const SHIM: &str = "buildVirtualTimeShim({ seedRandomFromFrame: true })";
const WARM: &str = "      lockWarmupTicks: true";
const KEYS: &str = "      framePaths.set(frameIndex, join46(outputDir, frameName));";
const SPARSE: &str = "v2Manifest === null ? \"dense-v1\" : \"sparse-v2\"";
const INDEX: &str =
    "  const frameIndex = Math.floor(localTime * normalizedPlaybackRate * extracted.fps + 0.000000001);";
const HOLD: &str = "    return loop || holdLastFrame ? extracted.totalFrames - 1 : null;";
const DROP: &str = "          if (!video || globalTime < video.start || globalTime > video.end) {";
const PAYLOADS: &str = "    const activePayloads = frameLookup.getActiveFramePayloads(time);";
const EXTRACTED: &str = "    vfFilters.push(SDR_TO_HDR_COLORSPACE_FILTER);\n  }\n";
const VISIBLE: &str = "    await syncVideoFrameVisibility(page, Array.from(activeIds));";
const INJECTOR: &str = "  return () => createVideoFrameInjector(frameLookup);";
const DELAY: &str = "    tracks.forEach((track, i) => {\n      const delayMs = Math.round(track.start * 1000);";
const TRIM: &str = "      const trimDuration = track.end - track.start + (track.tailSeconds ?? 0);\n      const volumeFilter = buildVolumeExpression(track, ignoreAutomation);";
const GAIN: &str = "    const compensatedGain = masterOutputGain * tracks.length;";
const POST: &str = "    const postMixGainFilter = `[mixed]volume=${formatFilterNumber(compensatedGain)}[out]`;";
const AAC: &str =
    "      \"-acodec\",\n      \"aac\",\n      \"-b:a\",\n      \"192k\",\n      \"-t\",\n      String(totalDuration),";
const VOLUME: &str = "  const staticVolume = clampVolume(track.volume);";
const AMIX: &str = ":duration=longest:dropout_transition=0[mixed]`;\n    const compensatedGain";
const PREPARED: &str = "    \"-ss\",\n    String(mediaStart),\n    \"-t\",\n    String(duration * normalizedPlaybackRate),\n    \"-i\",\n    srcPath,\n    \"-acodec\",\n    \"pcm_s16le\",\n    \"-ar\",\n    \"48000\",\n    ...outputArgs\n  ];\n  if (normalizedPlaybackRate";
const MONO: &str = "    if (channels === 1)\n      return [\"-af\", STEREO_CHANNEL_FILTER];";
const AUDIO: &str = "    if (audioPath !== null && existsSync33(audioPath)) {\n      const paddedAudioPath";
const MUX: &str = "  const args = [\"-i\", videoPath, \"-i\", audioPath, \"-c:v\", \"copy\"];";
const FASTSTART: &str = "  const args = [\"-i\", inputPath, \"-c\", \"copy\", \"-movflags\", \"+faststart\"];";
const TARGET: &str = "  const targetDurationSeconds = videoInfo.frameCount * videoInfo.fpsDen / videoInfo.fpsNum;\n  const plan2 = buildPadTrim";

/// The time of a frame by an expression over `n` (the frame within its chunk, from 0), `k` (within the whole), `first`
/// (the chunk's first frame), `time`, and `step` (both in seconds).
fn seek(name: &'static str, fixture: &'static str, expression: &str, history: Option<u16>) -> Fault {
    let to = format!(
        "  const step = options.fps.den / options.fps.num, n = frameIndex, k = Math.round(time / step), first = k - n;\n  \
         const faulty = Math.max(0, {expression});\n  const quantizedTime = \
         quantizeTimeToFrame(faulty, fpsToNumber(options.fps));\n  const seekStart = Date.now();\n  \
         const hasPendingComposite"
    );
    Fault { name, part: "time", fixture, edit: (SEEK, to), history }
}

/// A change of the page before a frame is captured, where a condition over `n`, `k` and `first` holds.
fn page(name: &'static str, fixture: &'static str, holds: &str, script: &str, history: Option<u16>) -> Fault {
    let to = format!(
        "  {{ const k = Math.round(time * options.fps.num / options.fps.den), n = frameIndex, first = k - n;\n  \
         if ({holds}) await page.evaluate(() => {{ {script} }}); }}\n{PAGE}"
    );
    Fault { name, part: "page", fixture, edit: (PAGE, to), history }
}

/// A style sheet that is added to the page, in every chunk but the first.
fn style(name: &'static str, fixture: &'static str, css: &str, history: Option<u16>) -> Fault {
    let script = format!(
        "if (!document.getElementById('fault')) {{ const s = document.createElement('style'); s.id = 'fault'; \
         s.textContent = `{css}`; document.head.append(s); }}"
    );
    page(name, fixture, "first > 0", &script, history)
}

/// A change of the encoder's arguments `args` by a statement, where a condition over `later` (whether it is another chunk
/// than the first) holds.
fn encoder(name: &'static str, fixture: &'static str, statement: &str) -> Fault {
    let to = format!(
        "  {{ const later = !/chunk-0000/.test(outputPath); const set = (flag, value) => {{ args[args.indexOf(flag) + 1] = value; }}; \
         const filter = (more) => set(\"-vf\", args[args.indexOf(\"-vf\") + 1] + \",\" + more); {statement} }}\n{ENCODE}"
    );
    Fault { name, part: "encoder", fixture, edit: (ENCODE, to), history: None }
}

/// One more filter of ffmpeg before encoding, in every chunk but the first.
fn filter(name: &'static str, fixture: &'static str, filter: &str) -> Fault {
    encoder(name, fixture, &format!("if (later) filter(\"{filter}\");"))
}

fn replaced(
    part: &'static str,
    name: &'static str,
    fixture: &'static str,
    from: &'static str,
    to: &str,
    history: Option<u16>,
) -> Fault {
    Fault { name, part, fixture, edit: (from, to.to_owned()), history }
}

/// A filter over the whole mix.
fn mix(name: &'static str, fixture: &'static str, filter: &str) -> Fault {
    let to = format!(
        "    const postMixGainFilter = `[mixed]volume=${{formatFilterNumber(compensatedGain)}},{filter}[out]`;"
    );
    Fault { name, part: "audio", fixture, edit: (POST, to), history: None }
}

/// All faults.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(crate) fn faults() -> Vec<Fault> {
    let audio = |name, fixture, from, to: &str, history| replaced("audio", name, fixture, from, to, history);
    let video = |name, from, to: &str, history| replaced("video", name, CLIPS, from, to, history);
    let plan = |name, to: &str, history| replaced("chunks", name, SDR, SLICE, to, history);
    let assembly = |name, fixture, from, to: &str, history| replaced("assembly", name, fixture, from, to, history);
    vec![
        // Which moment a frame shows.
        seek("later chunks are a frame early", SDR, "time - (first > 0 ? step : 0)", None),
        seek("later chunks are a frame late", SDR, "time + (first > 0 ? step : 0)", None),
        seek("everything is a frame late", SDR, "time + step", None),
        seek("everything is a frame early", CUTS, "time - step", None),
        seek("a chunk's first frame is the one before", SDR, "n === 0 ? time - step : time", Some(906)),
        seek("a chunk's first frame is that of the whole", SDR, "n === 0 ? 0 : time", Some(2007)),
        seek("a chunk's first two frames are alike", SDR, "n === 1 && first > 0 ? time - step : time", None),
        seek("each tenth frame is the one before", SDR, "k % 10 === 9 ? time - step : time", Some(3612)),
        seek("one frame is that of a third of a second before", SDR, "k === 40 ? time - 10 * step : time", Some(3612)),
        seek("frames are swapped in pairs", SDR, "k % 2 ? time - step : time + step", None),
        seek("two frames are swapped once", SDR, "k === 40 ? time + step : k === 41 ? time - step : time", None),
        seek("half of the frame rate", SDR, "Math.floor(k / 2) * 2 * step", None),
        seek("the second half of a chunk is frozen", SDR, "Math.min(n, 15) * step + first * step", Some(3793)),
        seek("time goes a hundredth too fast", SDR, "time * 1.02", None),
        seek("each chunk begins at zero", SDR, "n * step", None),
        seek("each chunk of a composition of cuts begins at zero", CUTS, "n * step", None),
        seek("frame 40 is that of frame 0", CUTS, "k === 100 ? 0 : time", Some(3767)),
        // What the page looks like.
        style("the text has another weight", SDR, "h1 { font-weight: 500 !important; }", None),
        style("the web font is lost", SDR, "* { font-family: serif !important; }", None),
        style("letters are wider apart", TONE, "h1 { letter-spacing: .3px !important; }", None),
        style("a line of text is missing", CLIPS, "li:nth-child(3) { visibility: hidden !important; }", Some(2809)),
        style("a label is missing", SDR, ".eyebrow { visibility: hidden !important; }", Some(1903)),
        style("a bar is missing", TONE, "i:nth-child(5) { visibility: hidden !important; }", Some(2809)),
        style("an element is half transparent", SDR, ".dial { opacity: .5 !important; }", None),
        style("a small element is half transparent", CLIPS, "#hand { opacity: .6 !important; }", None),
        style("everything is 2 pixels to the right", SDR, "#root { translate: 2px 0 !important; }", None),
        style("everything is a pixel down", CLIPS, "#root { translate: 0 1px !important; }", None),
        style("everything is half a pixel to the right", TONE, "#root { translate: .5px 0 !important; }", None),
        style("a line of text is a pixel down", CLIPS, "li:nth-child(2) { translate: 0 1px !important; }", None),
        style("shadows are lost", SDR, "* { box-shadow: none !important; }", Some(3094)),
        style("corners are square", CLIPS, "* { border-radius: 0 !important; }", Some(3094)),
        style("the background is brighter", CLIPS, "body, #root { background: #f8f5ee !important; }", None),
        style("everything is brighter", SDR, "#root { filter: brightness(1.03) !important; }", None),
        style("everything is dimmed", CLIPS, "#root { opacity: .27 !important; }", Some(1924)),
        style("colors are turned by 5 degrees", CLIPS, "#root { filter: hue-rotate(5deg) !important; }", None),
        style("colors are paler", CLIPS, "#root { filter: saturate(.9) !important; }", None),
        filter("a blurred chunk", TONE, "gblur=sigma=0.7"),
        style("everything is half a percent larger", SDR, "#root { scale: 1.005 !important; }", None),
        style(
            "a cursor is in the corner",
            SDR,
            "#root::after { content: ''; position: absolute; right: 6px; bottom: 6px; width: 6px; height: 10px; background: #fff; }",
            None,
        ),
        style("the ending scene stays visible", SDR, ".scene { opacity: 1 !important; }", Some(3767)),
        // What only formats with alpha show.
        style("a background behind VP9", WEBM, "html { background: rgba(0, 0, 0, .1) !important; }", None),
        style("shadows are lost in VP9", WEBM, ".panel { box-shadow: none !important; }", None),
        encoder("VP9 loses its alpha", WEBM, "if (later) set(\"-pix_fmt\", \"yuv420p\");"),
        style("a background behind ProRes", MOV, "html { background: rgba(0, 0, 0, .1) !important; }", None),
        style("shadows are lost in ProRes", MOV, ".panel { box-shadow: none !important; }", None),
        replaced("encoder", "ProRes loses its alpha", MOV, PRORES, &PRORES.replace("yuva", "yuv"), None),
        style("a background behind frames", FRAMES, "html { background: rgba(0, 0, 0, .1) !important; }", None),
        seek("the first of a chunk's frames is the one before", FRAMES, "n === 0 ? time - step : time", None),
        // What only 60 frames a second, Lottie, WebGL, sub-compositions, and 1080p show.
        seek("more than 30 frames a second are not rendered", LOTTIE, "Math.floor(k / 2) * 2 * step", None),
        page(
            "a chunk's Lottie animation stands still",
            LOTTIE,
            "first > 0",
            "lottie.getRegisteredAnimations().forEach((animation) => animation.goToAndStop(500, false));",
            None,
        ),
        page(
            "a chunk's WebGL canvas is cleared",
            LOTTIE,
            "first > 0",
            "const gl = document.getElementById('shader').getContext('webgl'); gl.clear(gl.COLOR_BUFFER_BIT);",
            None,
        ),
        page(
            "a random generator begins a frame early",
            LOTTIE,
            "first > 0",
            "drawCells(Math.round(scene.seconds * FPS) - 1);",
            None,
        ),
        page("a chunk's sub-composition stands still", LATE, "first > 0", "window.__timelines.board.time(0.1);", None),
        style("hairlines are lost", FINE, "td { border-color: transparent !important; }", None),
        filter("a 1080p chunk at 720p", FINE, "scale=1280:720,scale=1920:1080"),
        encoder(
            "a bit rate for small pictures",
            FINE,
            "if (later) args.splice(args.length - 1, 0, \"-maxrate\", \"800k\", \"-bufsize\", \"800k\");",
        ),
        page(
            "a frame lacks a word",
            CUTS,
            "true",
            "window.__seen = (window.__seen ?? 0) + 1; document.querySelectorAll('.word').forEach((e) => { e.style.visibility = window.__seen === 9 ? 'hidden' : ''; });",
            Some(2809),
        ),
        page(
            "two frames lack the fine text",
            CLIPS,
            "k === 40 || k === 41",
            "document.querySelector('ul').style.visibility = 'hidden';",
            None,
        ),
        // What is captured and encoded.
        replaced(
            "capture",
            "JPEGs of the lowest quality",
            SDR,
            JPEG,
            "      quality: plan2.dimensions.format === \"mp4\" ? 10 : undefined,",
            None,
        ),
        replaced(
            "capture",
            "JPEGs of a lower quality",
            TONE,
            JPEG,
            "      quality: plan2.dimensions.format === \"mp4\" ? 35 : undefined,",
            None,
        ),
        replaced(
            "capture",
            "a frame is not written",
            SDR,
            WRITE,
            "  if (fileIndex !== 7) writeFileSync(framePath, buffer);\n  return framePath;",
            None,
        ),
        replaced(
            "capture",
            "a frame is the picture of the one before",
            SDR,
            WRITE,
            "  writeFileSync(framePath, fileIndex === 7 ? session.faulty : buffer);\n  session.faulty = buffer;\n  return framePath;",
            Some(3612),
        ),
        replaced("capture", "the warm-up is not locked", SDR, WARM, "      lockWarmupTicks: false", None),
        replaced("capture", "the virtual clock is missing", SDR, SHIM, "\"\"", None),
        encoder("a chunk of a much lower quality", SDR, "if (later) set(\"-crf\", \"40\");"),
        encoder("a chunk of a lower quality", TONE, "if (later) set(\"-crf\", \"30\");"),
        encoder("a lower quality everywhere", CUTS, "set(\"-crf\", \"40\");"),
        encoder("the range is not converted", SDR, "set(\"-vf\", \"scale=in_range=pc:out_range=pc\");"),
        encoder(
            "the range is not converted in a chunk",
            TONE,
            "if (later) set(\"-vf\", \"scale=in_range=pc:out_range=pc\");",
        ),
        encoder("the matrix is BT.601", CLIPS, "filter(\"scale=out_color_matrix=bt601\");"),
        encoder(
            "the matrix is another in a chunk",
            SDR,
            "if (later) filter(\"scale=out_color_matrix=bt709\"); else filter(\"scale=out_color_matrix=bt601\");",
        ),
        encoder(
            "the color tags are those of BT.601",
            SDR,
            "set(\"-colorspace:v\", \"smpte170m\"); set(\"-x264-params\", args[args.indexOf(\"-x264-params\") + 1].replace(\"colormatrix=bt709\", \"colormatrix=smpte170m\"));",
        ),
        encoder("the chroma is not subsampled", SDR, "set(\"-pix_fmt\", \"yuv444p\");"),
        encoder("a frame rate of 29.97", SDR, "set(\"-r\", \"30000/1001\");"),
        filter("a chunk at half of the size", SDR, "scale=iw/2:ih/2,scale=iw*2:ih*2"),
        filter("a chunk at nine tenths of the size", TONE, "scale=iw*9/10:ih*9/10,scale=320:180"),
        filter("a mirrored chunk", SDR, "hflip"),
        filter("a sharpened chunk", SDR, "unsharp=5:5:0.8"),
        filter("a noisy chunk", SDR, "noise=alls=12:allf=t"),
        filter("chroma is 2 pixels off", CLIPS, "chromashift=cbh=2:crh=2"),
        filter("a chunk with another gamma", SDR, "eq=gamma=1.04"),
        filter("a chunk with less contrast", CLIPS, "eq=contrast=0.97"),
        filter("a chunk with less saturation", CLIPS, "eq=saturation=0.93"),
        filter("a chunk 2 levels brighter", SDR, "lutyuv=y=val+2"),
        filter("edges are cut off", CLIPS, "crop=iw-4:ih-4,scale=640:360"),
        filter("a line at the edge", SDR, "drawbox=x=0:y=0:w=2:h=ih:color=black:t=fill"),
        filter("banding", SDR, "lutyuv=y=floor(val/6)*6"),
        filter("interlacing", CUTS, "interlace=lowpass=0,fps=30"),
        // Where chunks begin and end.
        plan(
            "a chunk's end is inclusive",
            "    slices.push({ index: i, startFrame, endFrame: i === chunkCount - 1 ? endFrame : endFrame + 1 });",
            Some(658),
        ),
        plan(
            "a chunk begins a frame late",
            "    slices.push({ index: i, startFrame: i ? startFrame + 1 : 0, endFrame });",
            None,
        ),
        plan(
            "the last chunk is a frame short",
            "    slices.push({ index: i, startFrame, endFrame: i === chunkCount - 1 ? endFrame - 1 : endFrame });",
            Some(580),
        ),
        plan(
            "later chunks are shifted by a frame",
            "    slices.push({ index: i, startFrame: i ? startFrame - 1 : 0, endFrame: i ? endFrame - 1 : endFrame });",
            Some(658),
        ),
        // The frames of video clips.
        video(
            "frames are counted from 1",
            KEYS,
            "      framePaths.set(frameIndex + 1, join46(outputDir, frameName));",
            Some(1731),
        ),
        video(
            "frames are counted from -1",
            KEYS,
            "      framePaths.set(frameIndex - 1, join46(outputDir, frameName));",
            Some(1731),
        ),
        video("a sparse plan is read as a dense one", SPARSE, "\"dense-v1\"", Some(1730)),
        video(
            "a clip's frame is rounded",
            INDEX,
            "  const frameIndex = Math.round(localTime * normalizedPlaybackRate * extracted.fps + 0.000000001);",
            None,
        ),
        video(
            "a clip is a frame ahead",
            INDEX,
            "  const frameIndex = 1 + Math.floor(localTime * normalizedPlaybackRate * extracted.fps + 0.000000001);",
            None,
        ),
        video(
            "a clip is a frame behind",
            INDEX,
            "  const frameIndex = Math.max(0, Math.floor(localTime * normalizedPlaybackRate * extracted.fps + 0.000000001) - 1);",
            None,
        ),
        video("the last frame is not held", HOLD, "    return null;", None),
        video("the last frame but one is held", HOLD, "    return extracted.totalFrames - 2;", None),
        video(
            "a clip's end is exclusive",
            DROP,
            "          if (!video || globalTime < video.start || globalTime >= video.end - 0.034) {",
            None,
        ),
        video(
            "the first frame is not injected",
            PAYLOADS,
            "    const activePayloads = frameLookup.started ? frameLookup.getActiveFramePayloads(time) : new Map;\n    frameLookup.started = true;",
            Some(2007),
        ),
        video(
            "clips are injected a frame late",
            PAYLOADS,
            "    const activePayloads = frameLookup.getActiveFramePayloads(Math.max(0, time - 1 / 30));",
            None,
        ),
        video(
            "a stale clip stays",
            VISIBLE,
            "    if (time < 2) await syncVideoFrameVisibility(page, Array.from(activeIds));",
            Some(3431),
        ),
        video("nothing is injected", INJECTOR, "  return () => null;", None),
        video("variables are lost", VARIABLES, "", Some(2141)),
        video(
            "one variable is lost",
            VARIABLES,
            "      variables: { title: encoder2.variables?.title },\n",
            Some(2725),
        ),
        // What a threshold of 25 dB hides.
        replaced(
            "video",
            "clips are a frame late in one chunk",
            HIDDEN,
            PAYLOADS,
            "    const activePayloads = frameLookup.getActiveFramePayloads(time < 1.5 ? time : time - 1 / 30);",
            None,
        ),
        replaced(
            "video",
            "a clip with a part of the color metadata has another matrix",
            HIDDEN,
            EXTRACTED,
            &format!(
                "{EXTRACTED}  if (metadata.colorSpace && !metadata.colorSpace.colorSpace)\n    \
                 vfFilters.push(\"scale=in_color_matrix=bt709:out_color_matrix=bt601\");\n"
            ),
            None,
        ),
        style(
            "a bright edge is 23 levels darker",
            HIDDEN,
            "#edge { border-right: 3px solid #e8e8e8 !important; }",
            None,
        ),
        // The sound.
        audio(
            "1,024 samples late",
            TONE,
            DELAY,
            "    tracks.forEach((track, i) => {\n      const delayMs = Math.round(track.start * 1000) + 21;",
            None,
        ),
        audio(
            "tracks begin at once",
            CLIPS,
            DELAY,
            "    tracks.forEach((track, i) => {\n      const delayMs = i ? 0 : Math.round(track.start * 1000);",
            None,
        ),
        audio(
            "one track is 40 ms late",
            CLIPS,
            DELAY,
            "    tracks.forEach((track, i) => {\n      const delayMs = Math.round(track.start * 1000) + (i ? 40 : 0);",
            None,
        ),
        audio(
            "tracks end 100 ms early",
            CLIPS,
            TRIM,
            "      const trimDuration = track.end - track.start + (track.tailSeconds ?? 0) - 0.1;\n      const volumeFilter = buildVolumeExpression(track, ignoreAutomation);",
            None,
        ),
        audio(
            "a hidden gain",
            TONE,
            GAIN,
            "    const compensatedGain = 1.35 * masterOutputGain * tracks.length;",
            Some(362),
        ),
        audio("1 dB down", TONE, GAIN, "    const compensatedGain = 0.891 * masterOutputGain * tracks.length;", None),
        audio("the mix is not made up for", CLIPS, GAIN, "    const compensatedGain = masterOutputGain;", None),
        audio("volumes are ignored", CLIPS, VOLUME, "  const staticVolume = 1;", Some(362)),
        audio(
            "tracks swell as others end",
            CLIPS,
            AMIX,
            ":duration=longest:dropout_transition=2[mixed]`;\n    const compensatedGain",
            None,
        ),
        audio(
            "a bit rate of 32 kbit/s",
            TONE,
            AAC,
            "      \"-acodec\",\n      \"aac\",\n      \"-b:a\",\n      \"32k\",\n      \"-t\",\n      String(totalDuration),",
            None,
        ),
        audio(
            "mono",
            CLIPS,
            AAC,
            "      \"-ac\",\n      \"1\",\n      \"-acodec\",\n      \"aac\",\n      \"-b:a\",\n      \"192k\",\n      \"-t\",\n      String(totalDuration),",
            None,
        ),
        audio(
            "half of the sample rate",
            TONE,
            AAC,
            "      \"-ar\",\n      \"24000\",\n      \"-acodec\",\n      \"aac\",\n      \"-b:a\",\n      \"192k\",\n      \"-t\",\n      String(totalDuration),",
            None,
        ),
        audio(
            "the beginning of the media is skipped",
            CLIPS,
            PREPARED,
            &PREPARED.replace("String(mediaStart)", "String(mediaStart + 0.05)"),
            None,
        ),
        audio(
            "a mono track is on one side",
            CLIPS,
            MONO,
            "    if (channels === 1)\n      return [\"-af\", \"pan=stereo|c0=c0\"];",
            None,
        ),
        mix("the sides are swapped", CLIPS, "pan=stereo|c0=c1|c1=c0"),
        mix("one side is inverted", CLIPS, "pan=stereo|c0=c0|c1=-1*c1"),
        mix("one side is 3 dB down", CLIPS, "pan=stereo|c0=c0|c1=0.708*c1"),
        mix("a low pass", CLIPS, "lowpass=f=600"),
        mix("clipping", TONE, "volume=4,alimiter=limit=0.5:level=false"),
        mix("compressed", TONE, "acompressor=threshold=0.05:ratio=9"),
        mix("20 ms of silence", TONE, "volume=0:enable='between(t,1,1.02)'"),
        mix("a fade-out", CLIPS, "afade=t=out:st=2.3:d=0.4"),
        mix("a slower tempo", CLIPS, "atempo=0.98"),
        assembly("no audio", TONE, AUDIO, "    if (false) {\n      const paddedAudioPath", Some(1117)),
        assembly(
            "the audio ends a frame early",
            CLIPS,
            TARGET,
            "  const targetDurationSeconds = (videoInfo.frameCount - 12) * videoInfo.fpsDen / videoInfo.fpsNum;\n  const plan2 = buildPadTrim",
            Some(580),
        ),
        assembly(
            "the audio is muxed 40 ms late",
            TONE,
            MUX,
            "  const args = [\"-i\", videoPath, \"-itsoffset\", \"0.04\", \"-i\", audioPath, \"-c:v\", \"copy\"];",
            None,
        ),
        assembly(
            "the shortest stream decides",
            CLIPS,
            MUX,
            "  const args = [\"-i\", videoPath, \"-t\", \"2.8\", \"-i\", audioPath, \"-shortest\", \"-c:v\", \"copy\"];",
            Some(580),
        ),
        // What is joined.
        assembly(
            "the first chunk comes twice",
            SDR,
            CONCAT,
            "      const concatBody = chunkPaths.map((_, i) => chunkPaths[i === 1 ? 0 : i]).map((path14) =>",
            None,
        ),
        assembly(
            "two chunks are swapped",
            SDR,
            CONCAT,
            "      const concatBody = chunkPaths.map((_, i) => chunkPaths[i < 2 ? 1 - i : i]).map((path14) =>",
            None,
        ),
        assembly(
            "the last chunk is left out",
            SDR,
            CONCAT,
            "      const concatBody = chunkPaths.slice(0, -1).map((path14) =>",
            Some(658),
        ),
        assembly(
            "no exact frame rate",
            SDR,
            CONCAT_ARGS,
            "      const concatArgs = [\n        \"-f\",\n        \"concat\",",
            Some(1040),
        ),
        assembly(
            "half of the frame rate in the container",
            SDR,
            CONCAT_ARGS,
            "      const concatArgs = [\n        \"-r\",\n        \"15\",\n        \"-f\",\n        \"concat\",",
            None,
        ),
        assembly(
            "the picture is turned",
            SDR,
            FASTSTART,
            "  const args = [\"-display_rotation\", \"90\", \"-i\", inputPath, \"-c\", \"copy\", \"-movflags\", \"+faststart\"];",
            None,
        ),
        assembly(
            "the index is at the end",
            SDR,
            FASTSTART,
            "  const args = [\"-i\", inputPath, \"-c\", \"copy\"];",
            None,
        ),
        assembly(
            "the video begins 100 ms late",
            SDR,
            FASTSTART,
            "  const args = [\"-itsoffset\", \"0.1\", \"-i\", inputPath, \"-c\", \"copy\", \"-movflags\", \"+faststart\"];",
            None,
        ),
    ]
}
