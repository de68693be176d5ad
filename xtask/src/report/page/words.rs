//! Verdicts as words with shapes: neither color nor shape has to be seen.

use maud::{Markup, html};

use crate::story::Word;

/// A render's verdict.
pub(super) fn passed(passed: bool) -> Markup {
    let (word, class) = if passed { ("pass", "good") } else { ("FAIL", "bad") };
    html! { span.verdict.(class) { (icon(if passed { Word::Pass } else { Word::Fail })) (word) } }
}

/// How a run ended, in CSS.
pub(super) fn class(word: Word) -> &'static str {
    match word {
        Word::Pass => "good",
        Word::Fail => "bad",
        Word::Leak | Word::Stopped | Word::Unfinished => "odd",
    }
}

/// A shape for each word; the word itself stands beside it.
pub(super) fn icon(word: Word) -> Markup {
    let (outline, inside) = match word {
        // A circle with a tick.
        Word::Pass => ("M12 2A10 10 0 1 1 11.99 2Z", "M7 12.5L10.5 16L17 8.5"),
        // An octagon with a cross.
        Word::Fail => ("M8 2H16L22 8V16L16 22H8L2 16V8Z", "M8 8L16 16M16 8L8 16"),
        // A triangle with an exclamation mark.
        Word::Leak => ("M12 2L23 21H1Z", "M12 9V14M12 17V18"),
        // A square with two bars.
        Word::Stopped => ("M3 3H21V21H3Z", "M9 8V16M15 8V16"),
        // A square on its corner with a dash.
        Word::Unfinished => ("M12 1L23 12L12 23L1 12Z", "M7 12H17"),
    };
    html! {
        svg.icon viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false" {
            path.outline d=(outline) {}
            path.inside d=(inside) {}
        }
    }
}
