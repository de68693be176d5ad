//! What a file is that can't be read as a video, by its first bytes, and what to do about it.

use std::{fs::File, io::Read, path::Path};

/// How many bytes are read from the beginning of a file.
const HEAD: u64 = 512;

/// Where in a file which bytes stand, and what it is then.
const KINDS: [(usize, &[u8], &str); 5] = [
    (0, b"\x89PNG", PICTURE),
    (0, b"\xff\xd8\xff", PICTURE),
    (
        0,
        b"\x1f\x8b",
        "it is an archive; an archive of PNG frames is compared with a folder of PNG frames as the baseline",
    ),
    (0, b"PK\x03\x04", "it is a ZIP archive; unpack it first"),
    (4, b"ftyp", "it is an MP4 file that is damaged or not complete; render or copy it again"),
];

const PICTURE: &str = "it is a single picture; PNG frames are compared as folders, both of them";

/// What the file is; nothing if that is not known.
pub(super) fn what_it_is(file: &Path) -> Option<&'static str> {
    let mut head = Vec::new();
    File::open(file).and_then(|file| file.take(HEAD).read_to_end(&mut head)).ok()?;
    of_head(&head)
}

fn of_head(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        return Some("it is empty (0 bytes); look for the error of what should have written it");
    }
    let kind = KINDS.iter().find(|(at, bytes, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    let is_text = || head.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    kind.map(|(.., what)| *what).or_else(|| {
        is_text().then_some("it is text, perhaps an error message in place of a video; open it to see which")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_video_is_recognized_by_its_first_bytes() {
        let starts = |head: &[u8]| of_head(head).map(|what| what.split(';').next().unwrap().to_owned());
        let lines: Vec<String> = [
            &b""[..],
            b"<?xml version=\"1.0\"?>\n<Error>AccessDenied</Error>",
            "Zugriff verweigert f\u{fc}r".as_bytes(),
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"\x1f\x8b\x08",
            b"PK\x03\x04",
            b"\0\0\0 ftypisom",
        ]
        .map(|head| starts(head).unwrap())
        .to_vec();
        insta::assert_snapshot!(lines.join("\n"), @r"
        it is empty (0 bytes)
        it is text, perhaps an error message in place of a video
        it is text, perhaps an error message in place of a video
        it is a single picture
        it is a single picture
        it is an archive
        it is a ZIP archive
        it is an MP4 file that is damaged or not complete
        ");
        assert_eq!(of_head(b"\x1aE\xdf\xa3\x01\0\0"), None);
    }
}
