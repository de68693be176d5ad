//! The worst frame: the baseline's, the render's, and what they differ by.

use maud::{Markup, html};

use super::pictures::Pictures;
use crate::story::RenderReport;

/// The three side by side; nothing where none were kept.
pub(super) fn figure(render: &RenderReport, pictures: &Pictures) -> Markup {
    let Some(images) = &render.row.worst_frame_images else { return html! {} };
    let of_frame =
        render.row.picture.as_ref().map_or_else(String::new, |picture| {
            format!(" #{}, {}", picture.worst_frame, picture.worst_frame_db.told())
        });
    let three = [
        (&images.baseline, "Baseline".to_owned()),
        (&images.render, "Render".to_owned()),
        (&images.difference, format!("Difference, {} times amplified", images.amplified_by)),
    ];
    html! {
        figure {
            figcaption { "The worst frame" (of_frame) }
            @if pictures.show(render) {
                div.side-by-side {
                    @for (name, caption) in &three {
                        @if let Some(uri) = pictures.data_uri(name) {
                            figure {
                                a href=(name) { img src=(uri) alt={ (caption) " of the worst frame of " (render.label) }; }
                                figcaption { (caption) }
                            }
                        }
                    }
                }
            } @else {
                p.small {
                    "In files, as another render shows this frame, or the page would grow large: "
                    @for (nth, (name, caption)) in three.iter().enumerate() {
                        @if nth > 0 { ", " }
                        a href=(name) { (caption) }
                    }
                }
            }
        }
    }
}
