//! The scenes of the corpus: what is filmed before anything is damaged.

/// A scene of a few seconds.
pub(super) struct Scene {
    pub(super) name: &'static str,
    /// ffmpeg's arguments for its inputs; `{fixtures}` is the folder of the fixtures.
    pub(super) input: &'static str,
    /// The filter that makes the picture.
    pub(super) filter: &'static str,
    /// Frames in a second.
    pub(super) rate: u32,
}

const FRAMES_OF: &str = "trim=end_frame=60,setpts=PTS-STARTPTS,scale=480:-2";

pub(super) const SCENES: [Scene; 12] = [
    // Text and motion, as HyperFrames draws them.
    scene("text", "-i {fixtures}/tone-and-text/output/output.mp4", FRAMES_OF, 30),
    scene("dashboard", "-i {fixtures}/mp4-h264-sdr/output/output.mp4", FRAMES_OF, 30),
    scene("cuts", "-i {fixtures}/many-cuts/output/output.mp4", FRAMES_OF, 30),
    scene("letters", "-i {fixtures}/gsap-letters-render-compat/output/output.mp4", FRAMES_OF, 30),
    scene("cards", "-ss 10 -i {fixtures}/heygen-promo-preview-assets/output/output.mp4", FRAMES_OF, 30),
    // The same, almost dark.
    scene(
        "dark",
        "-i {fixtures}/mp4-h264-sdr/output/output.mp4",
        "trim=end_frame=60,setpts=PTS-STARTPTS,scale=480:-2,lutyuv=y=18+(val-16)*0.15:u=128+(val-128)*0.3:v=128+(val-128)*0.3",
        30,
    ),
    // A picture that stands still.
    scene(
        "still",
        "-ss 12 -i {fixtures}/heygen-promo-preview-assets/output/output.mp4",
        "trim=end_frame=1,scale=480:-2,loop=loop=59:size=1,setpts=N/30/TB",
        30,
    ),
    // A picture that almost stands still.
    scene(
        "slow",
        "-ss 12 -i {fixtures}/heygen-promo-preview-assets/output/output.mp4",
        "trim=end_frame=1,scale=1280:-2,zoompan=z=1+on/1200:d=60:x=iw/2-iw/zoom/2:y=ih/2-ih/zoom/2:s=480x270:fps=30",
        30,
    ),
    // Smooth colors. Without names, ffmpeg draws other ones each time, whatever the seed.
    scene(
        "gradient",
        "-f lavfi -i gradients=s=320x180:r=30:d=2:speed=0.02:seed=5:n=3:c0=0x2B4C7E:c1=0xD98C5F:c2=0x5FA777",
        FRAMES_OF,
        30,
    ),
    // Grain over all.
    scene("grain", "-f lavfi -i testsrc2=s=320x180:r=24:d=2.5", "trim=end_frame=60,noise=alls=7:allf=t:all_seed=3", 24),
    scene("fast", "-f lavfi -i testsrc2=s=426x240:r=60:d=1", "trim=end_frame=60", 60),
    scene("fractal", "-f lavfi -i mandelbrot=s=320x176:r=24:start_scale=0.5", "trim=end_frame=60", 24),
];

const fn scene(name: &'static str, input: &'static str, filter: &'static str, rate: u32) -> Scene {
    Scene { name, input, filter, rate }
}
