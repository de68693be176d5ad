//! Numbers of things in messages.

use std::fmt::Display;

/// "1 object", "2 objects": for nouns whose plural is made with an s.
pub fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2, 11].map(|n| counted(n, "object")), ["0 objects", "1 object", "2 objects", "11 objects"]);
    }
}
