use super::*;
use crate::shape::differences;

const REPORT: &str = r#"{"streams":[
    {"index":0,"codec_type":"audio","codec_name":"aac","sample_rate":"48000","channels":2,"avg_frame_rate":"0/0"},
    {"index":1,"codec_type":"video","codec_name":"mjpeg","width":9,"height":9,"disposition":{"attached_pic":1}},
    {"index":2,"codec_type":"video","codec_name":"vp9","width":640,"height":360,"avg_frame_rate":"30/1","pix_fmt":"yuv420p",
     "duration":"0.066667","sample_aspect_ratio":"0:1","color_space":"unknown","color_range":"tv",
     "tags":{"ALPHA_MODE":"1"},"side_data_list":[{"side_data_type":"Display Matrix","rotation":-90}]}
  ],"format":{"duration":"2.002000"}}"#;

fn frame(time_s: f64, format: &str, space: Option<&str>) -> DecodedFrame {
    let color = Color { space: space.map(str::to_owned), ..Color::default() };
    DecodedFrame { time_s, format: format.to_owned(), color }
}

#[test]
fn headers_and_frames_make_a_shape() {
    let headers = Headers::from_ffprobe(REPORT).unwrap();
    let frames = [0.0, 0.033].map(|at_s| frame(at_s, "640x360 yuv420p", Some("smpte170m")));
    let shape = headers.with(&frames).unwrap();
    assert_eq!((shape.frames, shape.width, shape.height, shape.duration_s), (2, 640, 360, 0.066_667));
    assert_eq!((shape.fps.whole(), shape.rotation, shape.pixel_aspect.as_str()), (Some(30), -90, "1:1"));
    assert_eq!(shape.color, Color { range: Some("tv".into()), ..Color::default() });
    assert_eq!(shape.frame_color, Color { space: Some("smpte170m".into()), ..Color::default() });
    assert_eq!(shape.frame_format, "640x360 yuv420p");
    assert_eq!((shape.video_tracks, shape.frame_times_s.as_slice()), (1, [0.0, 0.033].as_slice()));
    assert_eq!(shape.audio, [AudioShape { codec: "aac".into(), sample_rate: 48000, channels: 2 }]);
    assert_eq!(shape.alpha_decoder(), Some("libvpx-vp9"));
    assert_eq!(headers.with_frames_of(&shape), shape);
}

#[test]
fn a_track_in_matroska_has_its_own_duration() {
    let of = |tag: &str| {
        let report = REPORT.replace(r#""duration":"0.066667","#, "");
        let report = report.replace(r#""tags":{"#, &format!(r#""tags":{{"DURATION":"{tag}","#));
        Headers::from_ffprobe(&report).unwrap().0.duration_s
    };
    assert_eq!(of("00:01:02.500000000"), 62.5);
    // The file's, for want of a better one.
    assert_eq!(of("62.5"), 2.002);
}

#[test]
fn all_values_of_a_property_that_changes_are_listed() {
    let frames = [frame(0.0, "640x360 yuv420p", Some("bt709")), frame(0.1, "320x180 yuv420p", Some("bt470bg"))];
    let shape = Headers::from_ffprobe(REPORT).unwrap().with(&frames).unwrap();
    assert_eq!(shape.frame_format, "320x180 yuv420p / 640x360 yuv420p");
    assert_eq!(shape.frame_color.space.as_deref(), Some("bt470bg/bt709"));
}

#[test]
fn subtitles_and_attached_files_count_and_data_does_not() {
    let of =
        |kinds: &str| Headers::from_ffprobe(&REPORT.replacen("[", &format!("[{kinds}"), 1)).unwrap().0.other_tracks;
    assert_eq!(of(r#"{"codec_type":"data"},"#), OtherTracks::default());
    let kinds = r#"{"codec_type":"subtitle"},{"codec_type":"attachment"},{"codec_type":"subtitle"},"#;
    assert_eq!(of(kinds), OtherTracks { subtitles: 2, attachments: 1 });
}

#[test]
fn an_upside_down_picture_is_recognized_by_its_matrix() {
    let of = |side_data: &str| {
        let report = REPORT.replace(r#""side_data_type":"Display Matrix","rotation":-90"#, side_data);
        Headers::from_ffprobe(&report).unwrap().0
    };
    let matrix = |second: &str| {
        let rows = [
            "\\n00000000:        65536           0           0",
            second,
            "\\n00000002:            0           0  1073741824\\n",
        ];
        of(&format!(r#""displaymatrix":"{}","rotation":0"#, rows.concat()))
    };
    let upright = matrix("\\n00000001:            0       65536           0");
    let flipped = matrix("\\n00000001:            0      -65536           0");
    assert_eq!(upright, of(r#""side_data_type":"Stereo 3D""#));
    assert_eq!(flipped.display_matrix.to_string(), "65536 0 0 / 0 -65536 0 / 0 0 1073741824");
    let found = differences(&upright, &flipped);
    assert_eq!(found.iter().map(|d| d.what.as_str()).collect::<Vec<_>>(), ["display matrix"]);
}

#[test]
fn a_tag_that_some_frames_lack_differs_from_one_that_all_have() {
    let space = |spaces: [Option<&str>; 3]| {
        let frames = spaces.map(|space| frame(0.0, "640x360 yuv420p", space));
        Headers::from_ffprobe(REPORT).unwrap().with(&frames).unwrap().frame_color.space
    };
    assert_eq!(space([Some("bt709"); 3]).as_deref(), Some("bt709"));
    assert_eq!(space([Some("bt709"), None, None]).as_deref(), Some("bt709/none"));
    assert_eq!(space([None; 3]), None);
}

#[test]
fn a_video_without_decodable_frames_has_no_shape() {
    let headers = Headers::from_ffprobe(REPORT).unwrap();
    assert!(headers.with(&[]).unwrap_err().to_string().contains("no frame"));
    assert!(Headers::from_ffprobe(r#"{"streams":[],"format":{}}"#).is_err());
}

proptest::proptest! {
    #[test]
    fn arbitrary_reports_never_panic(
        text in ".{0,60}", number in "-?[0-9./:]{0,12}", word in "[a-zA-Z0-9 :\"{}\\[\\],]{0,40}",
    ) {
        let _ = Headers::from_ffprobe(&text);
        for value in ["30/1", "0.066667", "0:1", "48000"] {
            let _ = Headers::from_ffprobe(&REPORT.replace(value, &number));
        }
        let _ = Headers::from_ffprobe(&REPORT.replace("vp9", &word));
    }
}

#[test]
fn sound_far_from_the_picture_is_refused_by_the_headers() {
    let error = |report: &str| Headers::from_ffprobe(report).unwrap_err().to_string();
    let late = REPORT.replace(r#""channels":2"#, r#""channels":2,"start_time":"40000.0""#);
    assert!(error(&late).starts_with("its audio track 0 begins at 40000.0 s"), "{}", error(&late));
    let long = REPORT.replace("2.002000", "40002.0");
    assert!(error(&long).starts_with("the file lasts 40002.0 s and its picture 0.1 s"), "{}", error(&long));
    let near = REPORT.replace(r#""channels":2"#, r#""channels":2,"start_time":"-0.021""#);
    assert!(Headers::from_ffprobe(&near).is_ok());
    let alone = r#"{"streams":[{"codec_type":"audio","codec_name":"aac","sample_rate":"48000","channels":2,
        "start_time":"40000.0"}],"format":{"duration":"40002"}}"#;
    assert!(Tracks::from_ffprobe(alone).is_err());
}

#[test]
fn audio_tracks_need_no_video() {
    let json = r#"{"streams":[{"index":0,"codec_type":"audio","codec_name":"aac","sample_rate":"48000","channels":2}],
        "format":{"duration":"2.005"}}"#;
    let tracks = Tracks::from_ffprobe(json).unwrap();
    assert_eq!((tracks.audio.len(), tracks.audio[0].channels, tracks.duration_s), (1, 2, 2.005));
    assert!(Tracks::from_ffprobe(&json.replace("2.005", "N/A")).is_err());
    assert!(Tracks::from_ffprobe(r#"{"streams":[],"format":{"duration":"1"}}"#).is_err());
}
