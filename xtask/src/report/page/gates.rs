//! Every gate of a render in a table: what was measured, the limit, and how it came out.

use maud::{Markup, html};
use render_verdict::{
    audio::{
        Sound,
        moments::{Moment, Moments},
    },
    decibels::Level,
    gates::{Gate, MEAN_PSNR, PSNR_PLANE},
    protocols::SemanticComparison,
};

use crate::report::{
    gates::GateOutcome,
    page::{
        self,
        Head::{Name, Number},
    },
    render::RenderReport,
};

/// The table, folded away where the render passed.
pub(crate) fn table(render: &RenderReport, protocols: &[SemanticComparison]) -> Markup {
    let gates = render.gates(protocols);
    let rows = page::rows(&gates, |(id, outcome)| {
        html! {
            @let figures = figures(id, render);
            th scope="row" { (id) }
            td.number { (figures.as_ref().map_or("–", |(measured, _)| measured)) }
            td.number { (figures.as_ref().map_or("–", |(_, limit)| limit)) }
            td {
                @match outcome {
                    GateOutcome::Passed => (page::passed(true)),
                    GateOutcome::Failed(_) => (page::passed(false)),
                    GateOutcome::NotApplied(why) => (why),
                }
            }
        }
    });
    let head = [Name("Gate"), Number("Measured"), Number("Limit"), Name("Result")];
    let failed = gates.iter().filter(|(_, outcome)| matches!(outcome, GateOutcome::Failed(_))).count();
    let summary = match failed {
        0 => format!("All {} gates with their limits", gates.len()),
        _ => format!("All {} gates with their limits, {failed} of which failed", gates.len()),
    };
    html! { details { summary { (summary) } (page::table("Gates", "", &head, &rows)) } }
}

/// The figure that a gate holds against its first limit, and that limit, both with their unit; `None` where a gate has
/// none, or where the figure is not kept.
fn figures(id: &str, render: &RenderReport) -> Option<(String, String)> {
    let limit = if id == PSNR_PLANE.id { &MEAN_PSNR } else { Gate::named(id)?.limits.first()? };
    let (limits, row) = (render.gate.as_ref()?, &render.row);
    let picture = row.picture.as_ref();
    let shown = |measured: f64| Some((limit.shown(measured), limit.shown(limits.value(limit))));
    let of_level = |level: Level| Some((level.with_unit(), limit.shown(limits.value(limit))));
    let loudest = |of: fn(&Sound) -> f64| row.audio.iter().map(of).max_by(f64::total_cmp);
    let moment = |of: fn(&Moments) -> Option<Moment>| {
        row.audio.iter().filter_map(|sound| Some(of(&sound.moments)?.above_db)).max_by(f64::total_cmp)
    };
    match id {
        "psnr-mean" => shown(row.psnr_avg_db?),
        "psnr-plane" => shown(picture?.planes.iter().map(|plane| plane.mean_db).min_by(f64::total_cmp)?),
        "psnr-second" => of_level(picture?.worst_second_db?),
        "psnr-frame" => of_level(picture?.worst_frame_db),
        "audio-residual" => shown(row.audio_residual_dbfs.iter().map(|it| it.db()).max_by(f64::total_cmp)?),
        "audio-window" => shown(loudest(|sound| sound.loudest.db())?),
        "audio-moment" => shown(moment(|moments| moments.level)?),
        "audio-click" => shown(moment(|moments| moments.peak)?),
        "audio-band" => shown(moment(|moments| moments.band)?),
        // The local figures have the names of their limits.
        _ => shown(serde_json::to_value(picture?.local?).ok()?.get(limit.key)?.as_f64()?),
    }
}
