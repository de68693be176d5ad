//! Hashes of decoded frames.

use xxhash_rust::xxh3::Xxh3;

/// XXH3 of 128 bits: it keeps up with a decoder, which no cryptographic hash
/// does. Frames are not made to collide.
#[derive(Default)]
pub struct Hasher(Xxh3);

impl Hasher {
    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far; the next ones begin another.
    pub fn finish(&mut self) -> u128 {
        let hash = self.0.digest128();
        self.0.reset();
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_its_own_bytes() {
        let mut hasher = Hasher::default();
        let mut of = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finish()
        };
        let whole = of(&[b"abc"]);
        // As the xxHash library has it.
        assert_eq!(format!("{whole:032x}"), "06b05ab6733a618578af5f94892f3950");
        assert_eq!(of(&[b"a", b"bc"]), whole);
        assert_ne!(of(&[b"abd"]), whole);
    }
}
