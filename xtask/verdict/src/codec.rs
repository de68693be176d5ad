//! The codecs that an mp4 can be asked for.

use crate::probe::MediaShape;

/// A codec that an mp4 can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// `h264`
    H264,
    /// `h265`
    H265,
}

impl Codec {
    /// Each codec with its name in meta.json.
    pub const WORDS: [(&str, Self); 2] = [("h264", Self::H264), ("h265", Self::H265)];

    /// The handler's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
        }
    }

    /// The shape that a render must have, given its baseline's. The in-process renderer has no codec
    /// option, so the baseline of an h265 fixture is h264. The handler encodes 4:2:0 with 8 bits, which is
    /// HEVC's profile Main.
    pub fn expected(self, baseline: &MediaShape) -> MediaShape {
        match (self, baseline.codec.as_str()) {
            (Self::H265, "h264") => {
                MediaShape { codec: "hevc".to_owned(), codec_profile: Some("Main".to_owned()), ..baseline.clone() }
            }
            _ => baseline.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{differences, tests::shape};

    #[test]
    fn only_the_codec_of_an_h265_render_may_differ_from_an_h264_baseline() {
        let hevc = |profile: &str| MediaShape { codec: "hevc".into(), codec_profile: Some(profile.into()), ..shape() };
        let expected = Codec::H265.expected(&shape());
        assert_eq!(differences(&expected, &hevc("Main")), []);
        assert_eq!(differences(&expected, &hevc("Main 10")).len(), 1);
        assert_eq!(differences(&expected, &MediaShape { frames: 59, ..hevc("Main") }).len(), 1);
        // A render as h264 is not what was requested.
        assert_eq!(differences(&expected, &shape()).len(), 2);
        // If an in-process renderer supports the codec one day, the baseline is authoritative.
        assert_eq!(Codec::H265.expected(&hevc("Main 10")), hevc("Main 10"));
        assert_eq!(Codec::H264.expected(&shape()), shape());
    }
}
