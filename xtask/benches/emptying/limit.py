"""The delete calls with nothing between them, 16 at once: as fast as the emulator goes."""

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
