//! Emptying a bucket of 100,000 versions and delete markers.

use std::time::Instant;

use xtask::{
    aws::{Access, Clients, Target, emptying},
    process::Env,
};

use crate::{account::python, emulator::Emulator};

/// A tenth as objects, by 16 threads; the rest as delete markers, which need
/// one call for 1,000.
const FILL: &str = r#"
import boto3, sys
from concurrent.futures import ThreadPoolExecutor
bucket, count = sys.argv[1], int(sys.argv[2])
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
keys = [f"renders/{i:06}" for i in range(count // 10)]
with ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
for _ in range(9):
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start:start + 1000]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
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

/// The same delete calls with nothing between them: as fast as the emulator goes.
const LIMIT: &str = r#"
import boto3, sys, time
from botocore.config import Config
from concurrent.futures import ThreadPoolExecutor
s3, bucket = boto3.client("s3", config=Config(max_pool_connections=16)), sys.argv[1]
batches = []
for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
    found = page.get("Versions", []) + page.get("DeleteMarkers", [])
    batches.append([{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found])
started = time.monotonic()
with ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda keys: s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}), batches))
print(sum(map(len, batches)), time.monotonic() - started)
"#;

fn clients(emulator: &Emulator) -> Clients {
    let target = Target::Endpoint { url: emulator.endpoint.clone() };
    let access = Access::new(target, "us-east-1".parse().unwrap(), &Env::default());
    runtime().block_on(Clients::new(&access, &xtask::console::Console::default()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_hundred_thousand_versions_and_markers_are_emptied() {
    const COUNT: u64 = 100_000;
    let emulator = Emulator::start();
    for bucket in ["ours", "sequential", "limit"] {
        python(&emulator, FILL, &[bucket, &COUNT.to_string()]);
    }
    let clients = clients(&emulator);
    let started = Instant::now();
    let emptied = runtime().block_on(emptying::empty(&clients, "ours", &|_| ())).unwrap();
    let ours = COUNT as f64 / started.elapsed().as_secs_f64();
    assert_eq!((emptied.versions, emptied.uploads), (COUNT, 1));
    assert_eq!(emptied.passes, 2, "the second pass finds nothing");
    runtime().block_on(xtask::aws::objects::delete_bucket(&clients, "ours")).unwrap();

    let rate = |script, bucket| {
        let told = python(&emulator, script, &[bucket]).join("");
        let (total, seconds) = told.split_once(' ').unwrap();
        assert_eq!(total.parse::<u64>().unwrap(), COUNT);
        COUNT as f64 / seconds.parse::<f64>().unwrap()
    };
    let (sequential, limit) = (rate(SEQUENTIAL, "sequential"), rate(LIMIT, "limit"));
    println!(
        "{COUNT} versions and markers, objects/s: {ours:.0}; sequential batches of 1,000: {sequential:.0} ({:.1} times slower); \
         the emulator's limit for the delete calls alone: {limit:.0}",
        ours / sequential
    );
}
