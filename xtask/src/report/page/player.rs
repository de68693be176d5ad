//! The render and its baseline as videos, in step, with a slider over their frames. The files are next to the page, and
//! are not read before someone asks for a frame.

use std::path::Path;

use maud::{Markup, html};

use crate::report::{page::sections::href, render::RenderReport};

/// The extension of a file that browsers play.
pub(crate) fn playable_extension(file: &Path) -> Option<String> {
    let extension = file.extension()?.to_str()?.to_lowercase();
    ["mp4", "webm"].contains(&extension.as_str()).then_some(extension)
}

/// The player; empty where a browser can't play the files, or they were not kept.
pub(crate) fn figure(render: &RenderReport, baseline: &str, files: &[String]) -> Markup {
    let has = |name: &str| files.iter().any(|file| file == name);
    let plays = |name: &str| has(name) && playable_extension(Path::new(name)).is_some();
    let Some(media) = &render.row.media else { return html! {} };
    if !plays(baseline) || !plays(&render.row.output) {
        return html! {};
    }
    let videos = [(baseline, "Baseline"), (render.row.output.as_str(), "Render")];
    let (label, frames) = (&render.label, render.frames.len());
    html! {
        figure.player data-fps=(media.fps.value()) data-frames=(frames) {
            figcaption { "The baseline and the render, in step" }
            div.pair {
                @for (file, name) in videos {
                    figure {
                        video src=(href(file)) controls muted playsinline preload="none" aria-label={ (name) " of " (label) } {}
                        figcaption { (name) " (" a href=(href(file)) { "file" } ")" }
                    }
                }
            }
            p.controls hidden {
                button type="button" data-do="play" { "Play" } " "
                button type="button" data-do="back" { "Frame back" } " "
                button type="button" data-do="on" { "Frame on" } " "
                label { input type="checkbox" data-do="difference"; " Difference, 8 times" } " "
                input type="range" min="0" max=(frames.saturating_sub(1)) value="0" aria-label={ "Frame of " (label) };
                " " output {}
            }
            p.small.unplayable { "This browser can't play these videos; open the files." }
        }
    }
}

/// The name of a render in links to it.
pub(crate) fn id(render: &RenderReport) -> String {
    render.label.replace(|char: char| !char.is_ascii_alphanumeric() && char != '=', "-")
}
