"""What the bash scripts' users do by hand: list 1,000, delete 1,000, one after the other."""

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
