//! Damaged audio, and audio that is as good as the baseline's.

use render_verdict::{Comparison, gates::Limits};

use crate::lab::Lab;

/// Four seconds of audio: a name, a source in stereo, and its peak.
const TRACKS: [(&str, &str, f64); 5] = [
    ("tones", "aevalsrc=0.3*sin(2*PI*330*t)*(1+0.5*sin(2*PI*2*t))|0.4*sin(2*PI*495*t):d=4:s=48000", 0.4),
    ("quiet bed", "aevalsrc=0.025*sin(2*PI*330*t)|0.025*sin(2*PI*331*t):d=4:s=48000", 0.025),
    (
        "plucked",
        "aevalsrc=0.6*exp(-5*mod(t\\,0.5))*(sin(2*PI*220*t)+0.5*sin(2*PI*1320*t)+0.2*sin(2*PI*5280*t))/1.7|0.5*exp(-5*mod(t+0.25\\,0.5))*(sin(2*PI*277*t)+0.4*sin(2*PI*2770*t)):d=4:s=48000",
        0.5,
    ),
    (
        "noise",
        "anoisesrc=d=4:a=0.1:r=48000:seed=3:c=pink[l];anoisesrc=d=4:a=0.1:r=48000:seed=4:c=pink[r];[l][r]amerge",
        0.08,
    ),
    (
        "quiet voice",
        "anoisesrc=d=4:a=0.1:r=48000:seed=5:c=brown,bandpass=f=700:w=900,tremolo=f=3:d=0.9,volume=20dB,pan=stereo|c0=c0|c1=0.8*c0",
        0.02,
    ),
];

/// What is done to each channel, as an expression of `v`, its samples, or a filter. Tracks that it does not change
/// audibly are left out.
const DAMAGES: [(&str, &str, &[&str]); 22] = [
    ("a click of one sample", "v+0.5*eq(n\\,96000)", &[]),
    ("5 ms of silence", "v*(1-between(t\\,2.02\\,2.025))", &["quiet voice"]),
    ("20 ms of silence", "v*(1-between(t\\,2.02\\,2.04))", &[]),
    ("21 ms of silence each second", "v*gte(mod(t\\,1)\\,0.0213)", &[]),
    ("half a second of silence", "v*(1-between(t\\,1.5\\,2))", &[]),
    ("the last 200 ms missing", "v*lt(t\\,3.8)", &[]),
    ("hum", "v+0.00355*sin(2*PI*50*t)", &[]),
    ("whine", "v+0.00355*sin(2*PI*7000*t)", &[]),
    ("hiss", "v+0.00435*(2*random(0)-1)", &["noise"]),
    ("8 bits", "round(v*128)/128", &["noise"]),
    ("clipped", "clip(v\\,-0.6*{peak}\\,0.6*{peak})", &["quiet voice"]),
    ("channels swapped", "pan=stereo|c0=c1|c1=c0", &[]),
    ("mono", "pan=stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0+0.5*c1", &["quiet voice"]),
    ("one channel 3 dB down", "pan=stereo|c0=0.708*c0|c1=c1", &[]),
    ("one channel inverted", "pan=stereo|c0=c0|c1=-1*c1", &[]),
    ("low-pass", "lowpass=f=500:p=2,lowpass=f=500:p=2", &["tones", "quiet bed"]),
    ("5 ms late", "adelay=5|5,atrim=end=4", &[]),
    ("an echo after 1 ms", "aecho=1:1:1:0.3", &[]),
    ("reverberation", "aecho=1:1:40|60:0.2|0.15", &[]),
    ("faded in", "afade=t=in:d=0.3", &["quiet voice"]),
    ("half a percent higher", "asetrate=48240,aresample=48000,apad=whole_dur=4", &[]),
    ("50 ms shorter", "atempo=1.0125,apad=whole_dur=4", &[]),
];

/// The encoder of the renderer.
const ENCODER: &str = "-c:a aac -b:a 192k";

/// The same samples up to their rounding. Only quiet tracks are as good after that: ffmpeg's encoder answers to the
/// last bit of loud ones with another noise, at about -46 dBFS, which a distributed render, whose samples are those
/// of the baseline, does not have.
const GOOD: [&str; 4] = [
    "anull",
    "aformat=sample_fmts=s16",
    "aeval=val(0)+0.00002*(2*random(0)-1)|val(1)+0.00002*(2*random(1)-1)",
    "volume=0.01dB",
];

#[test]
fn damaged_audio_is_caught_and_good_audio_passes() {
    let lab = Lab::new();
    let (mut missed, mut alarms, mut caught, mut good) = (Vec::new(), Vec::new(), 0, 0);
    for (track, source, peak) in TRACKS {
        lab.make("scene.wav", &format!("-filter_complex {source},aformat=channel_layouts=stereo -c:a pcm_f32le"));
        let with_picture = |name: &str, filter: &str, encoder: &str| {
            lab.make(name, &format!("-f lavfi -i testsrc2=s=64x64:r=10:d=4 -i scene.wav -af {filter},aformat=channel_layouts=stereo -map 0:v -map 1:a -c:v libx264 -pix_fmt yuv420p {encoder}"));
        };
        with_picture("base.mp4", "anull", ENCODER);
        let shape = lab.shape("base.mp4");
        let judged = |name: &str| {
            let comparison = lab.compare_with(&shape, "base.mp4", name).unwrap_or_else(|error| panic!("{error}"));
            let Comparison::Alike { audio, .. } = &comparison else { panic!("{comparison:?}") };
            let moments = audio[0].moments;
            let above = [moments.level, moments.peak, moments.band]
                .map(|m| m.map_or(f64::NAN, |m| (m.above_db * 10.0).round() / 10.0));
            (comparison.audio_findings(&Limits::default()), above)
        };
        for (damage, change, inaudible) in DAMAGES {
            if inaudible.contains(&track) {
                continue;
            }
            let filter = match change.contains('=') {
                true => change.to_owned(),
                false => {
                    let change = change.replace("{peak}", &peak.to_string());
                    format!("aeval={}|{}", change.replace('v', "val(0)"), change.replace('v', "val(1)"))
                }
            };
            with_picture("damaged.mp4", &filter, ENCODER);
            let (found, above) = judged("damaged.mp4");
            println!("{track}: {damage}: {above:?} {}", found.first().map_or("MISSED", |finding| &finding.gate));
            match found.is_empty() {
                true => missed.push(format!("{track}: {damage} {above:?}")),
                false => caught += 1,
            }
        }
        for filter in GOOD.into_iter().filter(|filter| *filter == "anull" || track.starts_with("quiet")) {
            with_picture("good.mp4", filter, ENCODER);
            let (found, above) = judged("good.mp4");
            println!("{track}: good: {filter}: {above:?} {}", found.first().map_or("", |finding| &finding.gate));
            good += 1;
            alarms.extend(found.into_iter().map(|finding| format!("{track}: {filter}: {finding}")));
        }
    }
    println!("{caught} damages caught, {} missed, {} false alarms in {good}", missed.len(), alarms.len());
    assert_eq!((missed, alarms), (Vec::<String>::new(), Vec::<String>::new()));
}
