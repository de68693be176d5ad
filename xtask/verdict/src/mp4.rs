//! What an MP4 file says to players that its decoded samples do not show: tracks that are off, a volume, a rate, a size.
//!
//! Boxes and fields are those of ISO/IEC 14496-12. ffmpeg ignores them when it decodes.

use std::io::{self, Read, Seek, SeekFrom};

/// The greatest header of a file that is read, in bytes. An hour of video has less than a tenth of it.
const MOST_BYTES: u64 = 64 << 20;

/// Everything unusual that a file asks of players, in words, in the order of the tracks. Empty for a usual file, and for
/// one that is no MP4 file.
///
/// # Errors
/// When the file can't be read.
pub fn instructions(mut file: impl Read + Seek) -> io::Result<Vec<String>> {
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head)?;
        let Some((kind, header, size)) = box_head(&head) else { return Ok(Vec::new()) };
        if kind == *b"moov" {
            file.seek(SeekFrom::Start(at + header))?;
            let mut movie = Vec::new();
            file.take(size.saturating_sub(header).min(MOST_BYTES)).read_to_end(&mut movie)?;
            return Ok(of_movie(&movie));
        }
        // What begins otherwise is no MP4 file, whose numbers could lead anywhere.
        if size < header || !kind.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Ok(Vec::new());
        }
        let Some(next) = at.checked_add(size) else { return Ok(Vec::new()) };
        at = next;
    }
}

/// The kind of a box, the size of its header, and its own size.
fn box_head(bytes: &[u8]) -> Option<([u8; 4], u64, u64)> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    Some(match number(bytes, 0)? {
        // To the end of the file.
        0 => (kind, 8, u64::MAX),
        1 => (kind, 16, (u64::from(number(bytes, 8)?) << 32) | u64::from(number(bytes, 12)?)),
        size => (kind, 8, size.into()),
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The boxes in a box, each with its content.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while let Some((kind, header, size)) = box_head(bytes) {
        let (header, size) = (header as usize, size.min(bytes.len() as u64) as usize);
        let Some(content) = bytes.get(header..size) else { break };
        found.push((kind, content));
        bytes = &bytes[size..];
    }
    found
}

fn inside<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| boxes(bytes).into_iter().find(|(of, _)| of == *kind).map(|(_, content)| content))
}

fn of_movie(movie: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    // Version 1 has times of 64 bits.
    let rate = inside(movie, &[b"mvhd"]).and_then(|mvhd| number(mvhd, if mvhd.first() == Some(&1) { 32 } else { 20 }));
    if let Some(rate) = rate.filter(|&rate| rate != 1 << 16) {
        found.push(format!("the movie is played at a rate of {}", fixed(rate)));
    }
    for (track, (_, trak)) in boxes(movie).into_iter().filter(|(kind, _)| kind == b"trak").enumerate() {
        found.extend(of_track(trak).into_iter().flatten().map(|what| format!("track {track} {what}")));
    }
    found
}

fn of_track(trak: &[u8]) -> Option<Vec<String>> {
    let kind = inside(trak, &[b"mdia", b"hdlr"])?.get(8..12)?;
    let header = inside(trak, &[b"tkhd"])?;
    let later = if *header.first()? == 1 { 12 } else { 0 };
    let mut found = Vec::new();
    if !matches!(kind, b"vide" | b"soun") {
        return Some(found);
    }
    if number(header, 0)? & 1 == 0 {
        found.push("is not enabled".to_owned());
    }
    let volume = number(header, 36 + later)? >> 16;
    if kind == b"soun" && volume != 0x100 {
        found.push(format!("has a volume of {:.2}", f64::from(volume) / 256.0));
    }
    let shown = (fixed(number(header, 76 + later)?), fixed(number(header, 80 + later)?));
    let coded = inside(trak, &[b"mdia", b"minf", b"stbl", b"stsd"]).and_then(coded_size);
    if let (b"vide", Some((width, height))) = (kind, coded)
        && ((shown.0 - width).abs() > 1.0 || (shown.1 - height).abs() > 1.0)
    {
        found.push(format!("is shown at {}x{}", shown.0, shown.1));
    }
    let edits = inside(trak, &[b"edts", b"elst"]).unwrap_or_default();
    let size = if edits.first() == Some(&1) { 20 } else { 12 };
    for edit in edits.get(8..).unwrap_or_default().chunks_exact(size) {
        let rate = number(edit, size - 4)?;
        if rate != 1 << 16 {
            found.push(format!("has a part that is played at a rate of {}", fixed(rate)));
        }
    }
    Some(found)
}

/// The size at which a video track is shown by its pixels' number and aspect.
fn coded_size(stsd: &[u8]) -> Option<(f64, f64)> {
    let (_, entry) = boxes(stsd.get(8..)?).into_iter().next()?;
    let size = number(entry, 24)?;
    let (width, height) = (f64::from(size >> 16), f64::from(size & 0xffff));
    let aspect = inside(entry.get(78..)?, &[b"pasp"]);
    let aspect = aspect.and_then(|pasp| Some(f64::from(number(pasp, 0)?) / f64::from(number(pasp, 4)?.max(1))));
    Some((width * aspect.unwrap_or(1.0), height))
}

/// A number with 16 binary places.
fn fixed(number: u32) -> f64 {
    f64::from(number) / 65_536.0
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, &content].concat()
    }

    struct Track {
        kind: &'static [u8; 4],
        flags: u32,
        volume: u16,
        shown: (u16, u16),
        edit_rate: u16,
    }

    const VIDEO: Track = Track { kind: b"vide", flags: 3, volume: 0, shown: (320, 180), edit_rate: 1 };
    const AUDIO: Track = Track { kind: b"soun", flags: 3, volume: 0x100, shown: (0, 0), edit_rate: 1 };

    fn file(rate: u32, tracks: &[Track]) -> Vec<u8> {
        let track = |track: &Track| {
            let mut tkhd = [0; 84];
            tkhd[..4].copy_from_slice(&track.flags.to_be_bytes());
            tkhd[36..38].copy_from_slice(&track.volume.to_be_bytes());
            tkhd[76..78].copy_from_slice(&track.shown.0.to_be_bytes());
            tkhd[80..82].copy_from_slice(&track.shown.1.to_be_bytes());
            let mut edit = [0; 20];
            edit[7] = 1;
            edit[16..18].copy_from_slice(&track.edit_rate.to_be_bytes());
            let mut entry = [0; 78];
            entry[24..28].copy_from_slice(&[1, 64, 0, 180]);
            let stsd = boxed(b"stsd", &[&[0; 8], &boxed(b"avc1", &[&entry])]);
            let mdia = boxed(
                b"mdia",
                &[&boxed(b"hdlr", &[&[0; 8], track.kind]), &boxed(b"minf", &[&boxed(b"stbl", &[&stsd])])],
            );
            boxed(b"trak", &[&boxed(b"tkhd", &[&tkhd]), &boxed(b"edts", &[&boxed(b"elst", &[&edit])]), &mdia])
        };
        let mut mvhd = [0; 100];
        mvhd[20..24].copy_from_slice(&rate.to_be_bytes());
        let tracks: Vec<u8> = tracks.iter().flat_map(track).collect();
        let moov = boxed(b"moov", &[&boxed(b"mvhd", &[&mvhd]), &tracks]);
        [boxed(b"ftyp", &[b"isom"]), boxed(b"mdat", &[&[0; 100]]), moov].concat()
    }

    fn of(rate: u32, tracks: &[Track]) -> Vec<String> {
        instructions(Cursor::new(file(rate, tracks))).unwrap()
    }

    #[test]
    fn a_usual_file_has_no_instructions() {
        assert_eq!(of(1 << 16, &[VIDEO, AUDIO]), Vec::<String>::new());
        let matroska = [&[0x1a, 0x45, 0xdf, 0xa3][..], &[7; 60]].concat();
        for other in [&b""[..], b"RIFF", &matroska, &[0; 40]] {
            assert_eq!(instructions(Cursor::new(other)).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn everything_unusual_is_said() {
        assert_eq!(of(2 << 16, &[VIDEO]), ["the movie is played at a rate of 2"]);
        assert_eq!(of(1 << 16, &[Track { flags: 2, ..VIDEO }]), ["track 0 is not enabled"]);
        assert_eq!(of(1 << 16, &[VIDEO, Track { volume: 0, ..AUDIO }]), ["track 1 has a volume of 0.00"]);
        assert_eq!(of(1 << 16, &[Track { shown: (160, 180), ..VIDEO }]), ["track 0 is shown at 160x180"]);
        let played = ["track 0 has a part that is played at a rate of 0"];
        assert_eq!(of(1 << 16, &[Track { edit_rate: 0, ..VIDEO }]), played);
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(at in 0usize..900, value: u8, length in 0usize..900) {
            let mut damaged = file(1 << 16, &[VIDEO, AUDIO]);
            let at = at % damaged.len();
            damaged[at] = value;
            damaged.truncate(length);
            let _ = instructions(Cursor::new(damaged));
        }
    }
}
