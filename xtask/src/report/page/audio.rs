//! The level of the audio residual (the render minus the baseline) over time.

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
    render::{AudioSample, RenderReport},
};

const POINTS: usize = 500;

/// The quietest level that is drawn, dBFS: below the noise of 16 bits.
const FLOOR_DBFS: f64 = -100.0;

/// A plot for each track with audio levels.
pub(crate) fn figure(render: &RenderReport) -> Markup {
    let Some(gate) = &render.gate else { return html! {} };
    let tracks: Vec<usize> = (0..render.row.audio.len()).collect();
    html! {
        @for track in tracks {
            @let samples: Vec<&AudioSample> = render.audio.iter().filter(|sample| sample.track == track).collect();
            @if !samples.is_empty() {
                figure {
                    figcaption {
                        "Audio, track " (track + 1) ": level in every 100 ms, dBFS "
                        small { "(solid: the residual; dashed: the baseline)" }
                    }
                    (draw(render, gate, track, &samples))
                    (summary(render, track))
                }
            }
        }
    }
}

fn draw(render: &RenderReport, gate: &Limits, track: usize, samples: &[&AudioSample]) -> Markup {
    let end_s = samples.last().map_or(0.0, |last| last.at_s);
    let x = Scale::linear(0.0, end_s);
    let mut plot = Plot::new(x, Scale::linear(FLOOR_DBFS, 0.0), 130.0);
    plot.levels(5);
    plot.ticks(&x.labelled_ticks(6).into_iter().map(|(at, text)| (at, format!("{text} s"))).collect::<Vec<_>>());
    let curve = |level: fn(&AudioSample) -> Residual| {
        let levels: Vec<(f64, f64)> = samples.iter().map(|s| (s.at_s, level(s).db().max(FLOOR_DBFS))).collect();
        buckets(&levels, POINTS).into_iter().map(|bucket| (bucket.x, bucket.high)).collect::<Vec<_>>()
    };
    let window_label = format!("any 100 ms: {} dBFS", gate.value(&WINDOW_LIMIT));
    plot.limit(gate.value(&WINDOW_LIMIT), &window_label, Side::Above, "of-frame");
    let whole_label = format!("whole track: {} dBFS", gate.value(&RESIDUAL_LIMIT));
    plot.limit(gate.value(&RESIDUAL_LIMIT), &whole_label, Side::Below, "of-mean");
    plot.line(curve(|sample| sample.baseline), "of-baseline");
    plot.line(curve(|sample| sample.residual), "residual");
    if samples.iter().all(|sample| sample.residual == Residual::Silent) {
        plot.note((0.0, FLOOR_DBFS), "no difference: silent throughout", Side::Above);
    }
    plot.draw(&format!("Audio residual of {}, track {}, over {end_s:.1} s", render.label, track + 1))
}

fn summary(render: &RenderReport, track: usize) -> Markup {
    let sound = render.row.audio.get(track);
    html! {
        @if let Some(sound) = sound {
            table {
                tbody {
                    tr { th scope="row" { "Residual over the whole track" } td.number { (page::residual(sound.whole)) } }
                    tr {
                        th scope="row" { "Its loudest 100 ms" }
                        td.number {
                            (page::residual(sound.loudest))
                            @if sound.loudest != Residual::Silent { (format!(" at {:.1} s", sound.loudest_at_s)) }
                        }
                    }
                    @if let Some(lag) = &sound.lag {
                        tr { th scope="row" { "The render lags by" } td.number { (format!("{:+.2} ms", lag.ms)) } }
                    }
                    @if let Some(lost) = &sound.lost {
                        tr {
                            th scope="row" { "Residual as loud as the audio" }
                            td.number { (format!("{:.1} s to {:.1} s", lost.from_s, lost.to_s)) }
                        }
                    }
                }
            }
        }
        @if let Some(file) = &render.row.audio_levels { p { a href=(file) { "All levels (CSV)" } } }
    }
}
