"""Calls of S3 whose answers AWS recorded: the calls are not on record, and were written for the answers."""

from recorded_calls import Scenario, asked

FILE = "s3/test_s3.json"
API = "s3/test_s3_api.json"
# Of AWS's own form, but of no version.
NO_VERSION = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"


def delete_bucket_with_objects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"body")
    yield "delete-with-obj", asked(s3.delete_bucket, Bucket=bucket)
    yield "delete-obj", asked(s3.delete_object, Bucket=bucket, Key="key")
    yield "delete-bucket", asked(s3.delete_bucket, Bucket=bucket)


def delete_versioned_bucket(s3, bucket):
    versioned(s3, bucket)
    version = s3.put_object(Bucket=bucket, Key="key", Body=b"body")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    yield "delete-with-obj-and-delete-marker", asked(s3.delete_bucket, Bucket=bucket)
    yield "delete-obj-by-version", asked(s3.delete_object, Bucket=bucket, Key="key", VersionId=version)
    yield "delete-with-only-delete-marker", asked(s3.delete_bucket, Bucket=bucket)
    yield "delete-marker-by-version", asked(s3.delete_object, Bucket=bucket, Key="key", VersionId=marker)
    yield "success-delete-bucket", asked(s3.delete_bucket, Bucket=bucket)


def no_bucket(s3, bucket):
    yield "expected_error", asked(s3.delete_bucket, Bucket="does-not-exist-localstack-test")


def no_bucket_of_objects(s3, bucket):
    keys = {"Objects": [{"Key": "dummy1"}]}
    yield "error-non-existent-bucket", asked(s3.delete_objects, Bucket=f"no-{bucket}", Delete=keys)


def no_keys(s3, bucket):
    keys = {"Objects": [{"Key": "test-key-nonexistent"}, {"Key": "dummy1"}, {"Key": "dummy2"}]}
    yield "deleted-resp", asked(s3.delete_objects, Bucket=bucket, Delete=keys)


def delete_objects(s3, bucket):
    yield "put-object", asked(s3.put_object, Bucket=bucket, Key="test-delete", Body=b"test-delete")
    wrong = {"Objects": [{"Key": "test-delete", "VersionId": NO_VERSION}]}
    yield "delete-object-wrong-version-id", asked(s3.delete_objects, Bucket=bucket, Delete=wrong)
    keys = {"Objects": [{"Key": key} for key in ("c-wrong-key", "test-delete", "a-wrong-key")]}
    yield "delete-objects", asked(s3.delete_objects, Bucket=bucket, Delete=keys)


def delete_objects_versioned(s3, bucket):
    versioned(s3, bucket)
    put = asked(s3.put_object, Bucket=bucket, Key="test-delete", Body=b"test-delete")
    yield "put-object", put
    keys = {"Objects": [{"Key": key} for key in ("test-delete", "wrongkey", "wrongkey-x")]}
    deleted = asked(s3.delete_objects, Bucket=bucket, Delete=keys)
    yield "delete-objects-no-version-id", deleted
    marker = next(entry for entry in deleted["Deleted"] if entry["Key"] == "test-delete")["DeleteMarkerVersionId"]
    marked = {"Objects": [{"Key": "test-delete", "VersionId": marker}]}
    yield "delete-objects-marker", asked(s3.delete_objects, Bucket=bucket, Delete=marked)
    version = {"Objects": [{"Key": "test-delete", "VersionId": put["VersionId"]}]}
    yield "delete-objects-version-id", asked(s3.delete_objects, Bucket=bucket, Delete=version)
    wrong = {"Objects": [{"Key": key, "VersionId": NO_VERSION} for key in ("test-delete", "wrong-key-2")]}
    yield "delete-objects-wrong-version-id", asked(s3.delete_objects, Bucket=bucket, Delete=wrong)


def delete_object(s3, bucket):
    yield "put-object", asked(s3.put_object, Bucket=bucket, Key="test-delete", Body=b"test-delete")
    yield "delete-object", asked(s3.delete_object, Bucket=bucket, Key="test-delete")
    yield "delete-nonexistent-object", asked(s3.delete_object, Bucket=bucket, Key="test-delete")
    wrong = asked(s3.delete_object, Bucket=bucket, Key="test-delete", VersionId=NO_VERSION)
    yield "delete-nonexistent-object-versionid", wrong


def delete_object_versioned(s3, bucket):
    versioned(s3, bucket)
    key = {"Bucket": bucket, "Key": "test-delete"}
    put = asked(s3.put_object, **key, Body=b"test-delete")
    yield "put-object", put
    deleted = asked(s3.delete_object, **key)
    yield "delete-object", deleted
    yield "get-deleted-object", asked(s3.get_object, **key)
    yield "get-delete-marker", asked(s3.get_object, **key, VersionId=deleted["VersionId"])
    yield "delete-object-2", asked(s3.delete_object, **key)
    yield "list-object-versions", asked(s3.list_object_versions, Bucket=bucket, Prefix="test-delete")
    yield "delete-delete-marker", asked(s3.delete_object, **key, VersionId=deleted["VersionId"])
    yield "delete-object-version", asked(s3.delete_object, **key, VersionId=put["VersionId"])
    yield "get-deleted-object-with-version", asked(s3.get_object, **key, VersionId=put["VersionId"])
    yield "delete-wrong-key", asked(s3.delete_object, Bucket=bucket, Key="wrong-key")


def delete_on_suspended(s3, bucket):
    key = {"Bucket": bucket, "Key": "test-delete-suspended"}
    versioned(s3, bucket)
    yield "put-object-0", asked(s3.put_object, **key, Body=b"test-version-0")
    yield "put-object-1", asked(s3.put_object, **key, Body=b"test-version-1")
    versioned(s3, bucket, "Suspended")
    yield "list-suspended", asked(s3.list_object_versions, Bucket=bucket)
    yield "delete-object-no-version", asked(s3.delete_object, **key)
    yield "list-suspended-delete", asked(s3.list_object_versions, Bucket=bucket)
    yield "put-object-suspended", asked(s3.put_object, **key, Body=b"test-version-suspended-after-delete")
    yield "list-suspended-put", asked(s3.list_object_versions, Bucket=bucket)
    yield "delete-object-no-version-after-put", asked(s3.delete_object, **key)
    yield "list-suspended-after-put", asked(s3.list_object_versions, Bucket=bucket)


def put_on_suspended(s3, bucket):
    key = {"Bucket": bucket, "Key": "test-version"}
    versioned(s3, bucket)
    for number in range(3):
        yield f"put-object-{number}", asked(s3.put_object, **key, Body=f"test-version-{number}".encode())
    yield "list-enabled", asked(s3.list_object_versions, Bucket=bucket)
    versioned(s3, bucket, "Suspended")
    yield "list-suspended", asked(s3.list_object_versions, Bucket=bucket)
    yield "put-object-suspended", asked(s3.put_object, **key, Body=b"test-version-suspended")
    yield "list-suspended-after-put", asked(s3.list_object_versions, Bucket=bucket)
    yield "put-object-suspended-overwrite", asked(s3.put_object, **key, Body=b"test-version-suspended")
    yield "list-suspended-after-overwrite", asked(s3.list_object_versions, Bucket=bucket)


def versioning(s3, bucket):
    yield "get-versioning-before", asked(s3.get_bucket_versioning, Bucket=bucket)
    yield "put-versioning-suspended-before", versioned(s3, bucket, "Suspended")
    yield "put-versioning-enabled-capitalized", versioned(s3, bucket)
    yield "get-versioning-after-enabled", asked(s3.get_bucket_versioning, Bucket=bucket)
    yield "put-versioning-suspended-after", versioned(s3, bucket, "Suspended")
    yield "get-versioning-after-suspended", asked(s3.get_bucket_versioning, Bucket=bucket)
    yield "get-versioning-no-bucket", asked(s3.get_bucket_versioning, Bucket=f"no-{bucket}")
    yield "put-versioning-no-bucket", versioned(s3, f"no-{bucket}", "Suspended")


def tags(s3, bucket):
    def put(*pairs):
        members = [{"Key": key, "Value": value} for key, value in pairs]
        return asked(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": members})

    yield "get-bucket-tags-empty", asked(s3.get_bucket_tagging, Bucket=bucket)
    yield "put-bucket-tags", put(("tag1", "tag1"), ("tag2", ""))
    yield "get-bucket-tags", asked(s3.get_bucket_tagging, Bucket=bucket)
    yield "put-bucket-tags-overwrite", put(("tag3", "tag3"))
    yield "get-bucket-tags-overwritten", asked(s3.get_bucket_tagging, Bucket=bucket)
    yield "delete-bucket-tags", asked(s3.delete_bucket_tagging, Bucket=bucket)


def tags_of_no_bucket(s3, bucket):
    missing = {"Bucket": f"no-{bucket}"}
    yield "get-no-bucket-tags", asked(s3.get_bucket_tagging, **missing)
    yield "put-no-bucket-tags", asked(s3.put_bucket_tagging, **missing, Tagging={"TagSet": []})


def put_if_none_match(s3, bucket):
    key = {"Bucket": bucket, "Key": "test-precondition"}
    yield "put-obj", asked(s3.put_object, **key, IfNoneMatch="*")
    yield "put-obj-if-none-match", asked(s3.put_object, **key, IfNoneMatch="*")
    yield "del-obj", asked(s3.delete_object, **key)
    yield "put-obj-after-del", asked(s3.put_object, **key, IfNoneMatch="*")


def put_if_none_match_versioned(s3, bucket):
    versioned(s3, bucket)
    yield from put_if_none_match(s3, bucket)
    yield "list-object-versions", asked(s3.list_object_versions, Bucket=bucket)


def no_upload(s3, bucket):
    upload = {"Bucket": bucket, "Key": "test-multipart", "UploadId": "fakeid"}
    yield "upload-exc", asked(s3.upload_part, **upload, PartNumber=1, Body=b"part")
    yield "abort-exc", asked(s3.abort_multipart_upload, **upload)


def uploads(s3, bucket):
    key = {"Bucket": bucket, "Key": "test-list-parts"}
    created = asked(s3.create_multipart_upload, **key)
    yield "create-multipart", created | {"Bucket": "bucket"}
    yield "list-all-uploads", asked(s3.list_multipart_uploads, Bucket=bucket) | {"Bucket": "bucket"}
    upload = {**key, "UploadId": created["UploadId"]}
    yield "upload-part", asked(s3.upload_part, **upload, PartNumber=1, Body=b"upload-part-1" * 5)
    asked(s3.abort_multipart_upload, **upload)
    yield "list-all-uploads-completed", asked(s3.list_multipart_uploads, Bucket=bucket) | {"Bucket": "bucket"}
    yield "list-part-after-complete-exc", asked(s3.list_parts, **upload)


def bucket_twice(s3, bucket):
    # In us-east-1 the second creation of one's own bucket succeeds, unless it has tags.
    yield "create-bucket-with-no-tags", asked(s3.create_bucket, Bucket=bucket)


def head(s3, bucket):
    yield "create_bucket", asked(s3.create_bucket, Bucket=f"new-{bucket}")
    yield "head_bucket", asked(s3.head_bucket, Bucket=f"new-{bucket}")
    yield "head_bucket_not_exist", asked(s3.head_bucket, Bucket=f"no-{bucket}")


def versioned(s3, bucket, status="Enabled"):
    return asked(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": status})


SCENARIOS = [
    Scenario("a bucket with objects is not deleted", API, "test_delete_bucket_with_objects", delete_bucket_with_objects),
    Scenario("nor one with versions or markers", API, "test_delete_versioned_bucket_with_objects", delete_versioned_bucket),
    Scenario("a bucket that is not there is not deleted", FILE, "test_delete_bucket_no_such_bucket", no_bucket),
    Scenario("nor are objects in it", FILE, "test_delete_non_existing_keys_in_non_existing_bucket", no_bucket_of_objects),
    Scenario("keys that are not there are deleted", FILE, "test_delete_non_existing_keys", no_keys),
    Scenario("DeleteObjects: keys and wrong versions", API, "test_delete_objects", delete_objects),
    Scenario("DeleteObjects: versions, markers, wrong ones", API, "test_delete_objects_versioned", delete_objects_versioned),
    Scenario("DeleteObject: key and wrong version", API, "test_delete_object", delete_object),
    Scenario("DeleteObject: versions and markers", API, "test_delete_object_versioned", delete_object_versioned),
    Scenario("deletions with suspended versioning", API, "test_delete_object_on_suspended_bucket", delete_on_suspended),
    Scenario("objects with suspended versioning", API, "test_put_object_on_suspended_bucket", put_on_suspended),
    Scenario("versioning is turned on and suspended", API, "test_bucket_versioning_crud", versioning),
    Scenario("tags of a bucket", API, "test_bucket_tagging_crud", tags),
    Scenario("tags of no bucket", API, "test_bucket_tagging_exc", tags_of_no_bucket),
    Scenario("PutObject, if it is not there", API, "test_put_object_if_none_match", put_if_none_match),
    Scenario("the same with versions", API, "test_put_object_if_none_match_versioned_bucket", put_if_none_match_versioned),
    Scenario("parts of no upload", FILE, "test_multipart_no_such_upload", no_upload),
    Scenario("uploads, listed and aborted", FILE, "test_multipart_and_list_parts", uploads),
    Scenario("one's own bucket again", API, "test_create_bucket_with_tags_us_east_1_idempotency", bucket_twice),
    Scenario("a bucket is there or not", FILE, "test_create_bucket_head_bucket", head),
]
