//! Uploads and downloads.

use std::path::Path;

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use xtask::{
    aws::{buckets, faults},
    tools::folder::Folder,
};

use super::{Case, Place};

pub(super) const CASES: &[Case] = &[
    Case::new(empty_file, "an empty file goes up and comes down"),
    Case::new(small_file, "a file of 1,000 bytes goes up and comes down"),
    Case::new(large_file, "a file of 20 MiB goes up and comes down"),
    Case::new(uploaded_again, "a second upload takes the first one's place"),
    Case::new(uploaded_in_parts, "an object that someone uploaded in parts comes down"),
    Case::new(missing_key, "a missing key is absent, and leaves no file"),
    Case::new(missing_bucket, "a missing bucket is absent, and leaves no file"),
];

/// Bytes that no two offsets share a period of.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * i / 7 + i / 251) as u8).collect()
}

fn empty_file(place: &Place) {
    up_and_down(place, "empty-file", 0);
}

fn small_file(place: &Place) {
    up_and_down(place, "small-file", 1000);
}

fn large_file(place: &Place) {
    up_and_down(place, "large-file", 20 << 20);
}

fn up_and_down(place: &Place, bucket: &str, length: usize) {
    let bucket = place.bucket(bucket);
    let bytes = content(length);
    place.run(buckets::upload(&place.clients, &bucket, "project.tar.gz", bytes.clone())).unwrap();
    let head = place.run(place.clients.s3.head_object().bucket(&bucket).key("project.tar.gz").send()).unwrap();
    assert_eq!((head.content_length(), head.content_type()), (Some(length as i64), Some("application/gzip")));
    assert!(comes_down(place, &bucket, "project.tar.gz") == bytes, "other bytes came down");
}

/// What a download leaves, which is the file alone.
fn comes_down(place: &Place, bucket: &str, key: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let length = place.run(buckets::download(&place.clients, bucket, key, &folder, "output.mp4")).unwrap();
    let bytes = folder.read("output.mp4").unwrap();
    assert_eq!((length, files(dir.path())), (bytes.len() as u64, 1));
    bytes
}

fn files(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

fn uploaded_again(place: &Place) {
    let bucket = place.bucket("uploaded-again");
    for length in [3000, 1000] {
        place.run(buckets::upload(&place.clients, &bucket, "key", content(length))).unwrap();
    }
    assert_eq!(comes_down(place, &bucket, "key"), content(1000));
}

/// As render functions upload what is large: the checksum is one of parts' checksums.
fn uploaded_in_parts(place: &Place) {
    let (s3, bucket) = (&place.clients.s3, place.bucket("in-parts"));
    let bytes = content((5 << 20) + 4321);
    let upload = place.run(s3.create_multipart_upload().bucket(&bucket).key("key").send()).unwrap();
    let id = upload.upload_id().unwrap();
    let parts = bytes.chunks(5 << 20).zip(1..).map(|(part, number)| {
        let body = ByteStream::from(part.to_vec());
        let request = s3.upload_part().bucket(&bucket).key("key").upload_id(id).part_number(number).body(body);
        let done = place.run(request.send()).unwrap();
        let part =
            CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).set_checksum_crc32(done.checksum_crc32);
        part.build()
    });
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
    let complete = s3.complete_multipart_upload().bucket(&bucket).key("key").upload_id(id).multipart_upload(parts);
    place.run(complete.send()).unwrap();
    assert!(comes_down(place, &bucket, "key") == bytes, "other bytes came down");
}

fn missing_key(place: &Place) {
    let bucket = place.bucket("without-the-key");
    refused(place, &bucket, "NoSuchKey");
}

fn missing_bucket(place: &Place) {
    refused(place, "no-such-bucket", "NoSuchBucket");
    let error = place.run(buckets::upload(&place.clients, "no-such-bucket", "key", content(10))).unwrap_err();
    assert!(format!("{error:#}").contains("NoSuchBucket"), "{error:#}");
}

fn refused(place: &Place, bucket: &str, code: &str) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let download = buckets::download(&place.clients, bucket, "renders/n2.mp4", &folder, "n2.mp4");
    let error = format!("{:#}", place.run(download).unwrap_err());
    assert!(error.contains(code) && error.contains(&format!("s3://{bucket}/renders/n2.mp4")), "{error}");
    assert!(!error.contains("was interrupted"), "{error}");
    assert_eq!(files(dir.path()), 0);
    let answer = place.run(place.clients.s3.get_object().bucket(bucket).key("renders/n2.mp4").send());
    assert!(faults::is_absent(&answer.unwrap_err()));
}
