"""Fills a bucket: fill_bucket.py BUCKET COUNT.

A twentieth as objects, by 16 threads; the rest as delete markers, which need one call for 1,000.
"""

import boto3, sys
from concurrent.futures import ThreadPoolExecutor
bucket, count = sys.argv[1], int(sys.argv[2])
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
keys = [f"renders/{i:06}" for i in range(count // 20)]
with ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
for _ in range(19):
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start:start + 1000]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
