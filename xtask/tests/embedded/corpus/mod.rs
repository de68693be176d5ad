//! A corpus of damaged videos and of good ones, made from scenes by a seed: the damages are caught, and what is as
//! good as the baseline passes. `cargo test -p xtask --test embedded corpus -- --ignored --nocapture` measures all of
//! it and prints the tables in docs/verdict.md; `CORPUS_SEED` chooses other places, frames, and encodings, and
//! `CORPUS_DAMAGES='name,name'` tries only some damages.

mod audio;
mod damages;
mod scenes;
mod visible;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
};

use damages::{Damage, GOOD, PICTURE};
use render_verdict::{finding::Finding, gates::Limits, picture::local::LocalFigures, probe::MediaShape};
use scenes::{SCENES, Scene};

use crate::lab::Lab;

const TAGS: &str = "-pix_fmt yuv420p -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";

/// A frame below this, in dB, differs from the lossless picture.
const DIFFERENT_DB: f64 = 60.0;

/// What became of one video of the corpus.
struct Row {
    scene: &'static str,
    class: &'static str,
    name: String,
    /// Whether a person sees it in the lossless picture, in the frame that differs most.
    visible: bool,
    findings: Vec<Finding>,
    figures: Option<LocalFigures>,
}

/// A scene, rendered without loss and as a baseline.
struct Stage {
    lab: Lab,
    scene: &'static Scene,
    seed: u64,
    region: [usize; 4],
    shape: MediaShape,
}

impl Stage {
    fn new(scene: &'static Scene, seed: u64) -> Self {
        let lab = Lab::new();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
        let input = scene.input.replace("{fixtures}", fixtures.to_str().unwrap());
        let filter = format!("{},format=yuv420p,setsar=1", scene.filter);
        lab.make(
            "scene.mkv",
            &format!("{input} -filter_complex [0:v]{filter} -an -frames:v 60 -r {} -c:v ffv1 -threads 1", scene.rate),
        );
        let encode = format!("-i scene.mkv -c:v libx264 -crf 14 {TAGS} -threads 1");
        lab.make("base.mp4", &encode);
        let (shape, region) = (lab.shape("base.mp4"), region_with_most_detail(&lab));
        Self { lab, scene, seed, region, shape }
    }

    /// A number below `below` that depends on the seed, the scene, and `what`.
    fn random(&self, what: &str, below: u64) -> u64 {
        let text = format!("{} {} {what}", self.seed, self.scene.name);
        let mixed = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (mixed >> 20) % below
    }

    fn filled(&self, (_, name, filter): Damage) -> String {
        let [x, y, w, h] = self.region;
        let chunk = [10, 12, 15, 20][self.random("chunk", 4) as usize];
        let mid = chunk * (60 / chunk / 2).max(1);
        let numbers = [
            ("{x}", x as u64),
            ("{y}", y as u64),
            ("{w}", w as u64),
            ("{h}", h as u64),
            ("{n}", 12 + self.random(name, 30)),
            ("{mid}", mid),
            ("{chunk}", chunk),
            ("{rate}", self.scene.rate.into()),
        ];
        let (sx, sy) = (self.shape.width, self.shape.height);
        numbers.iter().fold(filter.to_owned(), |filter, (place, number)| {
            let number = match *place {
                "{x}" | "{w}" => number * sx / 320 / 2 * 2,
                "{y}" | "{h}" => number * sy / 180 / 2 * 2,
                _ => *number,
            };
            filter.replace(place, &number.to_string())
        })
    }

    /// Encodes what a filter makes of the scene, and says whether it differs from the lossless picture, and visibly.
    fn encode(&self, name: &str, filter: &str, encoder: &str) -> (bool, bool) {
        let rate = self.scene.rate;
        let at = format!("settb=1/{rate},setpts=N");
        self.lab.make(
            name,
            &format!(
                "-i scene.mkv -i scene.mkv -filter_complex [0:v]{filter},format=yuv420p,setsar=1,{at},fps={rate},\
                 setparams=color_primaries=bt709:color_trc=bt709,split=3[d][e][f];[1:v]{at},split[s][t];\
                 [e][s]psnr=stats_file=different:shortest=1[p];[f][t]vstack=shortest=1[both] -map [p] -f null /dev/null \
                 -map [both] -f rawvideo both.yuv -map [d] {encoder} {TAGS} -threads 1"
            ),
        );
        let stats = std::fs::read_to_string(self.lab.path("different")).unwrap();
        let levels = stats.split_ascii_whitespace().filter_map(|word| word.strip_prefix("psnr_avg:"));
        let levels: Vec<f64> = levels.map(|level| level.parse().unwrap_or(f64::INFINITY)).collect();
        let (worst, db) = levels.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        (*db < DIFFERENT_DB, self.is_visible(worst))
    }

    /// Whether a person sees how a frame differs, where both pictures stand one above the other.
    fn is_visible(&self, frame: usize) -> bool {
        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        let mut both = vec![0; width * height * 3];
        let mut frames = File::open(self.lab.path("both.yuv")).unwrap();
        frames.seek(SeekFrom::Start((frame * both.len()) as u64)).unwrap();
        frames.read_exact(&mut both).unwrap();
        let (luma, chroma) = both.split_at(2 * width * height);
        let halves = [luma, &chroma[..chroma.len() / 2], &chroma[chroma.len() / 2..]]
            .map(|plane| plane.split_at(plane.len() / 2));
        let [damaged, scene] = [halves.map(|half| half.0).concat(), halves.map(|half| half.1).concat()];
        visible::differs(&damaged, &scene, (width, height))
    }

    fn row(&self, class: &'static str, name: String, file: &str, visible: bool) -> Row {
        let compared = self.lab.compare_with(&self.shape, "base.mp4", file);
        let comparison = compared.unwrap_or_else(|error| panic!("{} {name}: {error}", self.scene.name));
        let figures = comparison.picture().map(|picture| picture.local.figures());
        let row = Row {
            scene: self.scene.name,
            class,
            name,
            visible,
            findings: comparison.findings(&Limits::default()),
            figures,
        };
        // A structure that differs shows nothing of the other gates.
        let unlike = row.findings.first().is_some_and(|finding| finding.gate == "structure");
        if (class == "good") != row.findings.is_empty() || unlike {
            println!("{}", row.line());
        }
        row
    }

    fn damaged(&self, damage: Damage) -> Option<Row> {
        let (class, name, _) = damage;
        let crf = if name == "CRF 40" { 40 } else { 12 + self.random(name, 5) };
        let (differs, visible) = self.encode("damaged.mp4", &self.filled(damage), &format!("-c:v libx264 -crf {crf}"));
        let coarse = name == "CRF 40";
        (differs || coarse).then(|| self.row(class, name.to_owned(), "damaged.mp4", visible || coarse))
    }

    fn good(&self, encoder: &str) -> Row {
        self.encode("good.mp4", "null", encoder);
        self.row("good", encoder.to_owned(), "good.mp4", false)
    }
}

impl Row {
    fn line(&self) -> String {
        let what = match (self.class, self.findings.is_empty()) {
            ("good", _) => "FALSE ALARM",
            (_, true) if self.visible => "MISSED",
            (_, true) => "MISSED, NOT VISIBLE",
            (_, false) => "UNLIKE",
        };
        let found = self.findings.first().map_or("", |finding| &finding.message);
        format!("{what}: {}: {}: {found} {:?}", self.scene, self.name, self.figures)
    }
}

/// The place of 48x18 samples of a picture scaled to 320x180 that have the most edges.
fn region_with_most_detail(lab: &Lab) -> [usize; 4] {
    let (width, height) = (320, 180);
    lab.make(
        "still.gray",
        &format!("-i scene.mkv -vf select=eq(n\\,30),scale={width}:{height},format=gray -frames:v 1 -f rawvideo"),
    );
    let still = std::fs::read(lab.path("still.gray")).unwrap();
    let (w, h) = (48, 18);
    let detail = |x: usize, y: usize| -> u64 {
        let row = |y: usize| &still[y * width + x..][..w];
        (y..y + h).map(|y| row(y).windows(2).map(|pair| u64::from(pair[0].abs_diff(pair[1]))).sum::<u64>()).sum()
    };
    let places = (1..(height - h) / 6).flat_map(|y| (1..(width - w) / 8).map(move |x| (8 * x, 6 * y)));
    let (x, y) = places.max_by_key(|&(x, y)| detail(x, y)).unwrap();
    [x, y, w, h]
}

/// Measures scenes on all processors.
fn measure(scenes: &'static [Scene], damages: &[Damage], good: &[&str], seed: u64) -> Vec<Row> {
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let stage = Stage::new(scene, seed);
                    let of_scene: Vec<Row> = damages
                        .iter()
                        .filter_map(|&damage| stage.damaged(damage))
                        .chain(good.iter().map(|encoder| stage.good(encoder)))
                        .collect();
                    rows.lock().unwrap().extend(of_scene);
                }
            });
        }
    });
    rows.into_inner().unwrap()
}

fn print(rows: &[Row]) {
    let mut classes: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.class != "good") {
        classes.entry((row.class, &row.name)).or_default().push(row);
    }
    println!("| class | damage | caught | of | first gates |\n|---|---|---|---|---|");
    for ((class, name), rows) in classes {
        let caught = rows.iter().filter(|row| !row.findings.is_empty()).count();
        let mut gates: BTreeMap<&str, usize> = BTreeMap::new();
        for gate in rows.iter().filter_map(|row| row.findings.first()) {
            *gates.entry(&gate.gate).or_default() += 1;
        }
        let gates: Vec<String> = gates.iter().map(|(gate, count)| format!("{gate} {count}")).collect();
        println!("| {class} | {name} | {caught} | {} | {} |", rows.len(), gates.join(", "));
    }
    for (title, good) in [("good", true), ("damaged", false)] {
        for (scene, figures) in worst_figures(rows.iter().filter(|row| (row.class == "good") == good)) {
            println!("{title} {scene:<10} {figures}");
        }
    }
}

/// The greatest figures of each scene.
fn worst_figures<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<&'static str, String> {
    let mut worst: BTreeMap<&'static str, [f64; 7]> = BTreeMap::new();
    for row in rows {
        let Some(of) = row.figures else { continue };
        let picture = [of.region_levels, of.tone_levels, of.detail_levels];
        let values =
            picture.into_iter().chain([of.sharpness_db, of.histogram_levels, of.shift_frames, of.displacement_samples]);
        for (worst, value) in worst.entry(row.scene).or_default().iter_mut().zip(values) {
            *worst = worst.max(value);
        }
    }
    let shown = |[region, tone, detail, sharpness, levels, shift, aside]: [f64; 7]| {
        format!(
            "region {region:.2} tone {tone:.2} detail {detail:.2} sharpness {sharpness:.2} levels {levels:.2} shift {shift:.2} aside {aside:.2}"
        )
    };
    worst.into_iter().map(|(scene, figures)| (scene, shown(figures))).collect()
}

#[test]
#[ignore = "some minutes; the figures of docs/verdict.md"]
fn corpus() {
    let seed = std::env::var("CORPUS_SEED").map_or(1, |seed| seed.parse().unwrap());
    let some = std::env::var("CORPUS_DAMAGES").ok();
    let tried = |damage: &Damage| some.as_ref().is_none_or(|some| some.split(',').any(|name| name == damage.1));
    let damages: Vec<Damage> = PICTURE.into_iter().filter(tried).collect();
    let rows = measure(&SCENES, &damages, &GOOD, seed);
    print(&rows);
    let (good, damaged): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.class == "good");
    let alarms = good.iter().filter(|row| !row.findings.is_empty()).count();
    let caught = damaged.iter().filter(|row| !row.findings.is_empty()).count();
    let visible: Vec<_> = damaged.iter().filter(|row| row.visible).collect();
    let of_visible = visible.iter().filter(|row| !row.findings.is_empty()).count();
    println!("{of_visible} of {} visible damages caught", visible.len());
    println!("{caught} of {} damages caught, {alarms} false alarms in {} good variants", damaged.len(), good.len());
    assert_eq!(alarms, 0);
    assert!(some.is_some() || caught * 100 >= damaged.len() * 95, "{caught} of {}", damaged.len());
}

#[test]
fn a_glow_that_pulses_at_the_seams_is_found() {
    let lab = Lab::new();
    let of = |channel: &str, base: u32, more: u32| {
        format!("{channel}='{base}+{more}*exp(-((X-160)*(X-160)+(Y-90)*(Y-90))/6000)'")
    };
    let glow = [of("r", 40, 90), of("g", 44, 70), of("b", 60, 80)].join(":");
    let source = format!(
        "-f lavfi -i color=s=320x180:r=30:d=1,format=gbrp,geq={glow},loop=loop=2:size=30,noise=alls=2:allf=t:all_seed=1"
    );
    let encoded = |name: &str, filter: &str| {
        lab.make(name, &format!("{source} -vf {filter},format=yuv420p -c:v libx264 -crf 14"));
    };
    encoded("glow.mp4", "null");
    encoded("pulse.mp4", "lutrgb=r=val+2:g=val+2:b=val+2:enable='mod(floor(n/15),2)'");
    let found = lab.judge("glow.mp4", "pulse.mp4").unwrap();
    let tone = found.iter().find(|finding| finding.gate == "tone").unwrap_or_else(|| panic!("{found:#?}"));
    let (first, last) = tone.place.frames.unwrap();
    assert!(first % 15 == 0 && (last + 1) % 15 == 0, "{tone:?}");
}

#[test]
fn levels_and_fine_detail_that_are_lost_are_found() {
    let lab = Lab::of_fixture("tone-and-text");
    let encoded = |name: &str, filter: &str, crf: u8| {
        lab.make(name, &format!("-i base.mp4 -vf {filter} -c:v libx264 -crf {crf} -c:a copy {TAGS}"));
    };
    encoded("good.mp4", "null", 18);
    lab.passes("base.mp4", "good.mp4");
    for (filter, finding) in [
        ("lutyuv=y=min(val\\,215)", "the highest levels of luma are"),
        ("lutyuv=y=floor(val/4)*4+2", "the levels of luma differ by"),
        ("gblur=sigma=0.8", "less sharp than in the baseline"),
    ] {
        encoded("damaged.mp4", filter, 14);
        lab.fails("base.mp4", "damaged.mp4", finding);
    }
}

#[test]
fn what_is_faint_but_lasts_is_found() {
    let lab = Lab::new();
    let encoded = |name: &str, filter: &str, crf: u8| {
        let source = "-f lavfi -i mandelbrot=s=320x176:r=24:start_scale=0.5";
        lab.make(name, &format!("{source} -vf {filter} -frames:v 60 -c:v libx264 -crf {crf} {TAGS}"));
    };
    encoded("plain.mp4", "null", 14);
    encoded("good.mp4", "null", 18);
    lab.passes("plain.mp4", "good.mp4");
    encoded("marked.mp4", "drawbox=72:34:48:16:white@0.05:t=fill", 14);
    lab.fails("plain.mp4", "marked.mp4", "in the mean over frames");
}

#[test]
fn what_is_small_in_space_and_time_is_found() {
    let lab = Lab::new();
    let encoded = |name: &str, filter: &str, crf: u8| {
        let source = "-f lavfi -i testsrc2=s=320x180:r=30:d=2";
        let filter = format!("[0:v]format=yuv420p,settb=1/30,setpts=N,{filter}");
        lab.make(name, &format!("{source} -filter_complex {filter} -c:v libx264 -crf {crf} {TAGS}"));
    };
    encoded("plain.mp4", "null", 14);
    encoded("good.mp4", "null", 18);
    lab.passes("plain.mp4", "good.mp4");
    for (filter, finding) in [
        (
            "split[a][b];[b]tpad=start=1:start_mode=clone,trim=end_frame=60,setpts=N,crop=64:48:80:16[c];\
             [a][c]overlay=80:16:format=yuv420",
            "as if it were 1.0 frames late",
        ),
        ("chromashift=cbh=1:crh=1", "samples farther to the right than in the baseline"),
        (
            "split[a][b];[b]crop=64:40:16:64,lutyuv=y=val+3[c];[a][c]overlay=16:64:format=yuv420:enable='mod(n,2)'",
            "flickers by",
        ),
        ("drawbox=60:10:2:2:white:t=fill:enable='eq(n,31)'", "and not before, after, or around it"),
    ] {
        encoded("damaged.mp4", filter, 14);
        lab.fails("plain.mp4", "damaged.mp4", finding);
    }
}

#[test]
fn a_padded_opus_packet_is_no_difference() {
    let lab = Lab::new();
    lab.make("v.webm", "-f lavfi -i testsrc2=s=160x96:r=30:d=2 -c:v libvpx-vp9 -b:v 800k -pix_fmt yuv420p");
    for (name, pad) in [("one.webm", "anull"), ("two.webm", "apad=pad_dur=0.02")] {
        lab.make(
            name,
            &format!("-i v.webm -f lavfi -i sine=440:d=2:r=48000,afade=t=out:st=1.9:d=0.1 -af {pad},aformat=channel_layouts=stereo -map 0:v -map 1:a -c:v copy -c:a libopus"),
        );
    }
    lab.passes("one.webm", "two.webm");
}
