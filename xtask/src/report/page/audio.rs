//! What is left of the sound when the baseline's is taken from it, over time.

use maud::{Markup, html};
use render_verdict::{
    audio::residual::Residual,
    gates::{Limits, RESIDUAL_LIMIT, WINDOW_LIMIT},
};

use crate::report::{
    page::{
        self,
        plot::{Plot, Side},
        scale::{Scale, buckets},
    },
    render::{RenderReport, SoundSample},
};

const POINTS: usize = 500;

/// The quietest level that is told from silence, dBFS: below 16 bits' own noise.
const FLOOR_DBFS: f64 = -100.0;

/// A plot for each track; nothing where nothing sounds.
pub(crate) fn figure(render: &RenderReport) -> Markup {
    let Some(gate) = &render.gate else { return html! {} };
    let tracks: Vec<usize> = (0..render.row.audio.len()).collect();
    html! {
        @for track in tracks {
            @let samples: Vec<&SoundSample> = render.sound.iter().filter(|sample| sample.track == track).collect();
            @if !samples.is_empty() {
                figure {
                    figcaption {
                        "Sound, track " (track + 1) ": level in every 100 ms, dBFS "
                        small { "(solid: what differs; dashed: the baseline itself)" }
                    }
                    (drawn(render, gate, track, &samples))
                    (summary(render, track))
                }
            }
        }
    }
}

fn drawn(render: &RenderReport, gate: &Limits, track: usize, samples: &[&SoundSample]) -> Markup {
    let end_s = samples.last().map_or(0.0, |last| last.at_s);
    let x = Scale::linear(0.0, end_s);
    let mut plot = Plot::new(x, Scale::linear(FLOOR_DBFS, 0.0), 130.0);
    plot.levels(5);
    plot.ticks(&x.labelled_ticks(6).into_iter().map(|(at, text)| (at, format!("{text} s"))).collect::<Vec<_>>());
    let curve = |level: fn(&SoundSample) -> Residual| {
        let levels: Vec<(f64, f64)> = samples.iter().map(|s| (s.at_s, level(s).db().max(FLOOR_DBFS))).collect();
        buckets(&levels, POINTS).into_iter().map(|bucket| (bucket.x, bucket.high)).collect::<Vec<_>>()
    };
    let of_window = format!("any 100 ms: {} dBFS", gate.value(&WINDOW_LIMIT));
    plot.limit(gate.value(&WINDOW_LIMIT), &of_window, Side::Above, "of-frame");
    let of_whole = format!("the whole: {} dBFS", gate.value(&RESIDUAL_LIMIT));
    plot.limit(gate.value(&RESIDUAL_LIMIT), &of_whole, Side::Below, "of-mean");
    plot.line(curve(|sample| sample.baseline), "of-baseline");
    plot.line(curve(|sample| sample.residual), "residual");
    if samples.iter().all(|sample| sample.residual == Residual::Silent) {
        plot.note((0.0, FLOOR_DBFS), "nothing differs: silent throughout", Side::Above);
    }
    plot.draw(&format!("Residual of the sound of {}, track {}, over {end_s:.1} s", render.label, track + 1))
}

fn summary(render: &RenderReport, track: usize) -> Markup {
    let sound = render.row.audio.get(track);
    html! {
        @if let Some(sound) = sound {
            table {
                tbody {
                    tr { th scope="row" { "Residual over the whole length" } td.number { (page::residual(sound.whole)) } }
                    tr {
                        th scope="row" { "Its loudest 100 ms" }
                        td.number {
                            (page::residual(sound.loudest))
                            @if sound.loudest != Residual::Silent { (format!(" at {:.1} s", sound.loudest_at_s)) }
                        }
                    }
                    @if let Some(lag) = &sound.lag {
                        tr { th scope="row" { "The render is late by" } td.number { (format!("{:+.2} ms", lag.ms)) } }
                    }
                    @if let Some(lost) = &sound.lost {
                        tr {
                            th scope="row" { "Lost" }
                            td.number { (format!("{:.1} s to {:.1} s", lost.from_s, lost.to_s)) }
                        }
                    }
                }
            }
        }
        @if let Some(file) = &render.row.audio_levels { p { a href=(file) { "All levels (CSV)" } } }
    }
}
