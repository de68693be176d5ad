//! Emptying buckets: all versions, all markers, all uploads, whatever their names.

use std::{cell::Cell, collections::BTreeSet};

use aws_sdk_s3::{primitives::ByteStream, types::BucketVersioningStatus};
use xtask::{
    aws::{
        buckets,
        emptying::{self, Emptied},
    },
    tools::folder::Folder,
};

use super::{Case, Exception, Place};

pub(super) const CASES: &[Case] = &[
    Case::new(absent, "an absent bucket is empty"),
    Case::new(nothing_in_it, "a bucket with nothing in it is empty after one listing"),
    Case::new(many_versions, "1,380 versions and 920 delete markers on several pages go"),
    Case::new(null_versions, "objects from before, during and after versioning go"),
    Case::new(unfinished_uploads, "1,020 unfinished uploads, four to each key, go"),
    Case::new(odd_keys, "keys with any printable character go up, come down and go"),
    Case::but(
        keys_of_lines,
        "keys with line ends go up, come down and go",
        Exception("moto", "finds no object by a key with a line feed"),
    ),
    Case::but(keys_in_xml, "keys with characters that XML lacks go", Exception("moto", "lists them in what is no XML")),
];

fn absent(place: &Place) {
    assert_eq!(place.empty("was-never-there"), Emptied { passes: 1, ..Emptied::default() });
}

fn nothing_in_it(place: &Place) {
    let bucket = place.bucket("nothing-in-it");
    assert_eq!(place.empty(&bucket), Emptied { passes: 1, ..Emptied::default() });
}

fn many_versions(place: &Place) {
    let bucket = place.bucket("many-versions");
    place.set_versioning(&bucket, BucketVersioningStatus::Enabled);
    let keys: Vec<String> = (0..460).map(|i| format!("renders/{i:04}/chunk.mp4")).collect();
    for _ in 0..2 {
        place.put(&bucket, &keys);
        place.mark_deleted(&bucket, &keys);
    }
    place.put(&bucket, &keys);
    let reported = Cell::new(0);
    let emptied = place.run(emptying::empty(&place.clients, &bucket, async || Ok(()), &|n| reported.set(n))).unwrap();
    assert_eq!((emptied.versions, emptied.uploads, reported.get()), (2300, 0, 2300));
    is_gone(place, &bucket);
}

/// Nothing is left, by another listing than the tool's, and the bucket can go.
fn is_gone(place: &Place, bucket: &str) {
    assert_eq!(place.left(bucket), 0);
    place.run(buckets::delete_bucket(&place.clients, bucket)).unwrap();
}

fn null_versions(place: &Place) {
    let bucket = place.bucket("null-versions");
    let keys: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    place.put(&bucket, &keys);
    place.set_versioning(&bucket, BucketVersioningStatus::Enabled);
    place.put(&bucket, &keys[..2]);
    place.set_versioning(&bucket, BucketVersioningStatus::Suspended);
    // Takes the place of the object from before versioning, as its version is "null" too.
    place.put(&bucket, &keys[..1]);
    place.mark_deleted(&bucket, &keys[2..]);
    let there = place.left(&bucket) as u64;
    assert_eq!(place.empty(&bucket).versions, there);
    is_gone(place, &bucket);
}

fn unfinished_uploads(place: &Place) {
    let bucket = place.bucket("unfinished-uploads");
    let keys: Vec<String> = (0..1020).map(|i| format!("renders/{:04}.mp4", i / 4)).collect();
    let ids = place.begin_uploads(&bucket, &keys);
    let part = place.clients.s3.upload_part().bucket(&bucket).key(&keys[0]).upload_id(&ids[0]).part_number(1);
    place.run(part.body(ByteStream::from_static(b"a part that arrived")).send()).unwrap();
    place.put(&bucket, &["whole".to_owned()]);
    let emptied = place.empty(&bucket);
    assert_eq!((emptied.versions, emptied.uploads), (1, 1020));
    is_gone(place, &bucket);
}

fn odd_keys(place: &Place) {
    up_down_and_away(place, "odd-keys", ODD.map(str::to_owned).into_iter().chain(["long/".repeat(204)]).collect());
}

fn keys_of_lines(place: &Place) {
    up_down_and_away(place, "keys-of-lines", ["new\nline", "carriage\r\nreturn", "a\r"].map(str::to_owned).into());
}

fn up_down_and_away(place: &Place, bucket: &str, keys: BTreeSet<String>) {
    let bucket = place.bucket(bucket);
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    for key in &keys {
        place.run(buckets::upload(&place.clients, &bucket, key, key.as_bytes().to_vec())).unwrap();
    }
    for key in &keys {
        place.run(buckets::download(&place.clients, &bucket, key, &folder, "file")).unwrap();
        assert_eq!(folder.read("file").unwrap(), key.as_bytes(), "{key:?}");
    }
    place.begin_uploads(&bucket, &Vec::from_iter(keys.iter().cloned()));
    let emptied = place.empty(&bucket);
    assert_eq!((emptied.versions, emptied.uploads), (keys.len() as u64, keys.len() as u64));
    is_gone(place, &bucket);
}

fn keys_in_xml(place: &Place) {
    let bucket = place.bucket("keys-in-xml");
    place.set_versioning(&bucket, BucketVersioningStatus::Enabled);
    let keys: Vec<String> = ["a\u{1}", "b\u{1b}[0m", "c\u{fffe}", "plain"].map(str::to_owned).into();
    place.put(&bucket, &keys);
    place.put(&bucket, &keys);
    assert_eq!(place.empty(&bucket).versions, 8);
    is_gone(place, &bucket);
}

/// Two forms of one accented letter are two keys.
const ODD: [&str; 23] = [
    " a ",
    "a b",
    "a+b",
    "a%2Bb",
    "a%20b",
    "100%",
    "&<>\"'",
    "&amp;",
    "]]>",
    "<Key>k</Key>",
    "/leading",
    "//doubled//",
    "trailing/",
    ".",
    "..",
    "a/../b",
    "a/./b",
    "a?versions=b#c",
    "~!*()@:,;=$",
    "tab\there",
    "\u{e9}",
    "e\u{301}",
    "日本語/🎬",
];
