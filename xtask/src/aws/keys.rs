//! Keys of objects in XML, which can't hold every key.

use anyhow::Context;
use aws_sdk_s3::types::EncodingType;

/// A key or a marker as a listing gave it: encoded like a form's field where
/// the listing says so. S3 does as it is asked; an emulator may not.
///
/// # Errors
/// When it is said to be encoded, and is not.
pub(super) fn listed(text: &str, encoding: Option<&EncodingType>) -> anyhow::Result<String> {
    match encoding {
        Some(EncodingType::Url) => decoded(text).with_context(|| format!("a listing has the key {text:?}")),
        _ => Ok(text.to_owned()),
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let hex = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).context("it is badly encoded");
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (hex(rest.next())? * 16 + hex(rest.next())?) as u8,
            plain => plain,
        });
    }
    String::from_utf8(bytes).context("it is badly encoded")
}

/// Whether XML 1.0 has all of a key's characters. It lacks most control
/// characters, even escaped.
pub(super) fn fits_xml(key: &str) -> bool {
    key.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_where_the_listing_says_so() {
        let url = Some(&EncodingType::Url);
        assert_eq!(listed("a+b/%2B%25/%C3%BC%01", url).unwrap(), "a b/+%/ü\u{1}");
        assert_eq!(listed("a+b%2B", None).unwrap(), "a+b%2B");
        for bad in ["%", "%1", "%zz", "%+1", "%FF"] {
            assert!(listed(bad, url).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn control_characters_but_tabs_and_line_ends_are_not_in_xml() {
        for key in ["a b\t\n\r", "&<>\"'", "ü\u{85}\u{2028}", "日本語/🎬"] {
            assert!(fits_xml(key), "{key:?}");
        }
        for key in ["a\u{0}", "a\u{1}", "\u{b}a", "a\u{1f}b", "\u{fffe}"] {
            assert!(!fits_xml(key), "{key:?}");
        }
    }
}
