//! Hatchings, so that bars are told apart without their colors.

use maud::{Markup, html};

/// What fills refer to by `url(#...)`.
pub(super) fn definitions() -> Markup {
    html! {
        svg.definitions width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern #hatch-start width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.start-ground width="6" height="6" {}
                    rect.start-line width="2" height="6" {}
                }
                pattern #hatch-failed width="7" height="7" patternUnits="userSpaceOnUse" {
                    rect.failed-ground width="7" height="7" {}
                    path.failed-line d="M0 0L7 7M7 0L0 7" {}
                }
            }
        }
    }
}
