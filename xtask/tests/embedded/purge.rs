//! Emptying a bucket of 100,000 versions and delete markers.

use std::time::Instant;

use xtask::{
    aws::{Access, Clients, Target, emptying},
    process::Env,
};

use crate::{account::python, emulator::Emulator};

/// 50,000 objects by 16 threads, then a delete marker on each.
const FILL: &str = r#"
import boto3, sys
from concurrent.futures import ThreadPoolExecutor
bucket, count = sys.argv[1], int(sys.argv[2])
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
with ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda i: s3.put_object(Bucket=bucket, Key=f"renders/{i:06}", Body=b""), range(count)))
for start in range(0, count, 1000):
    keys = [{"Key": f"renders/{i:06}"} for i in range(start, min(start + 1000, count))]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
"#;

/// What the bash scripts' users do by hand: list 1,000, delete 1,000, one after the other.
const SEQUENTIAL: &str = r#"
import boto3, sys, time
s3, bucket, started, total = boto3.client("s3"), sys.argv[1], time.monotonic(), 0
while True:
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=1000)
    found = page.get("Versions", []) + page.get("DeleteMarkers", [])
    if not found:
        break
    keys = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    total += len(keys)
print(total, time.monotonic() - started)
"#;

fn clients(emulator: &Emulator) -> Clients {
    let target = Target::Endpoint { url: emulator.endpoint.clone() };
    let access = Access::new(target, "us-east-1".parse().unwrap(), &Env::default());
    runtime().block_on(Clients::new(&access))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Fills two buckets alike, empties one sequentially and one by us, and prints both rates.
fn compare(objects: &str) {
    let emulator = Emulator::start();
    python(&emulator, FILL, &["ours", objects]);
    python(&emulator, FILL, &["sequential", objects]);
    let versions = 2 * objects.parse::<u64>().unwrap();

    let clients = clients(&emulator);
    let started = Instant::now();
    let emptied = runtime().block_on(emptying::empty(&clients, "ours", &|_| ())).unwrap();
    let ours = started.elapsed().as_secs_f64();
    assert_eq!((emptied.versions, emptied.uploads), (versions, 1));
    assert_eq!(emptied.passes, 2, "the second pass finds nothing");
    runtime().block_on(xtask::aws::objects::delete_bucket(&clients, "ours")).unwrap();

    let told = python(&emulator, SEQUENTIAL, &["sequential"]).join("");
    let (total, seconds) = told.split_once(' ').unwrap();
    assert_eq!(total.parse::<u64>().unwrap(), versions);
    let sequential: f64 = seconds.parse().unwrap();
    println!(
        "{versions} versions and markers: {:.0}/s in {ours:.1} s; sequential batches of 1,000: {:.0}/s in {sequential:.1} s",
        versions as f64 / ours,
        versions as f64 / sequential
    );
}

#[test]
fn a_bucket_of_versions_markers_and_uploads_is_emptied() {
    compare("2500");
}

#[test]
fn a_hundred_thousand_versions_and_markers_are_emptied() {
    compare("50000");
}
