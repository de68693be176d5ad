"""Buckets of stacks, and their objects' versions."""

import unittest

from support import AwsCase, RepairCase


def bucket_resource(**properties) -> dict:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


class SuspendedVersioning(RepairCase):
    repair = "bucket-suspended-versioning"

    def test_deletes_leave_markers(self):
        self.stack("suspended", {"Bucket": bucket_resource(VersioningConfiguration={"Status": "Suspended"})})
        s3, bucket = self.client("s3"), self.resource("suspended", "Bucket")
        self.assertEqual(s3.get_bucket_versioning(Bucket=bucket).get("Status"), "Suspended")
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
        s3.delete_object(Bucket=bucket, Key="a")
        markers = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
        self.assertEqual([(marker["Key"], marker["VersionId"]) for marker in markers], [("a", "null")])
        self.assert_refused("BucketNotEmpty", s3.delete_bucket, Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="a", VersionId="null")
        s3.delete_bucket(Bucket=bucket)


class Tags(RepairCase):
    repair = "bucket-tags"

    def test_bucket_has_its_own_and_its_stack_s(self):
        own = [{"Key": "Own", "Value": "1"}]
        self.stack("tagged", {"Bucket": bucket_resource(Tags=own)}, tags={"Run": "run-7"})
        found = self.client("s3").get_bucket_tagging(Bucket=self.resource("tagged", "Bucket"))["TagSet"]
        tags = {tag["Key"]: tag["Value"] for tag in found}
        self.assertEqual((tags["Own"], tags["Run"]), ("1", "run-7"))
        self.assertEqual(tags["aws:cloudformation:stack-name"], "tagged")
        self.assertEqual(tags["aws:cloudformation:logical-id"], "Bucket")


class NotEmpty(RepairCase):
    repair = "bucket-not-empty"

    def test_stack_deletion_fails_until_the_bucket_is_empty(self):
        s3 = self.client("s3")
        self.stack("full", {"Bucket": bucket_resource(VersioningConfiguration={"Status": "Enabled"})})
        bucket = self.resource("full", "Bucket")
        version = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["VersionId"]
        marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
        self.assertEqual(self.delete_stack("full"), "DELETE_FAILED")
        for each in (version, marker):
            s3.delete_object(Bucket=bucket, Key="a", VersionId=each)
        self.assertEqual(self.delete_stack("full"), "gone")
        self.assertNotIn(bucket, self.buckets())


class VersionsCase(RepairCase):
    def versioned(self, bucket: str, keys: list[str]) -> None:
        """A bucket with two versions and a delete marker of each key."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            for key in keys:
                s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})

    def pages(self, bucket: str, **arguments):
        """Each page's (key, version id) pairs, in no particular order within the page."""
        markers = {}
        while True:
            page = self.client("s3").list_object_versions(Bucket=bucket, **arguments, **markers)
            yield [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
            ]
            if not page["IsTruncated"]:
                return
            markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


class Listing(VersionsCase):
    repair = "versions-listing"

    def test_every_version_is_on_one_page(self):
        self.versioned("paged", [f"{folder}/{number}" for folder in "ab" for number in range(7)])
        pages = list(self.pages("paged", MaxKeys=4))
        entries = [(entry["Key"], entry["VersionId"]) for page in pages for entry in page]
        self.assertEqual([len(page) for page in pages], [4] * 10 + [2])
        self.assertEqual(len(set(entries)), 42)
        keys = [max(entry["Key"] for entry in page) for page in pages]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual(sum(len(page) for page in self.pages("paged", MaxKeys=5, Prefix="b/")), 21)

    def test_newest_version_first(self):
        self.versioned("newest", ["a"])
        page = self.client("s3").list_object_versions(Bucket="newest")
        self.assertEqual([entry["IsLatest"] for entry in page["DeleteMarkers"]], [True])
        self.assertEqual([entry["IsLatest"] for entry in page["Versions"]], [False, False])

    def test_bucket_can_be_emptied_page_by_page(self):
        s3 = self.client("s3")
        self.versioned("emptied", [f"{number:02}" for number in range(10)])
        for page in self.pages("emptied", MaxKeys=4):
            s3.delete_objects(Bucket="emptied", Delete={"Quiet": True, "Objects": page})
        s3.delete_bucket(Bucket="emptied")

    def test_keys_that_xml_can_t_hold(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="control")
        keys = ["a\x01b", "a b+c%", "a&<b>/\n\r\u00fc"]
        for key in keys:
            s3.put_object(Bucket="control", Key=key, Body=b"x")
        # boto3 asks for encoded keys, and decodes them.
        pages = list(self.pages("control", MaxKeys=1))
        self.assertEqual([entry["Key"] for page in pages for entry in page], sorted(keys))

    def test_objects_older_than_the_versioning(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="older")
        s3.put_object(Bucket="older", Key="a & b", Body=b"x")
        s3.put_bucket_versioning(Bucket="older", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="older", Key="c", Body=b"x")
        versions = s3.list_object_versions(Bucket="older")["Versions"]
        self.assertEqual([version["Key"] for version in versions], ["a & b", "c"])
        self.assertEqual(versions[0]["VersionId"], "null")


class DeleteLimit(VersionsCase):
    repair = "delete-limit"

    def test_more_than_a_thousand_keys(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="limited")
        objects = [{"Key": str(number)} for number in range(1001)]
        self.assert_refused("MalformedXML", s3.delete_objects, Bucket="limited", Delete={"Objects": objects})
        s3.delete_objects(Bucket="limited", Delete={"Objects": objects[:1000]})


class Multipart(AwsCase):
    def test_uploads_are_listed_and_aborted(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="parts")
        upload = s3.create_multipart_upload(Bucket="parts", Key="video")["UploadId"]
        s3.upload_part(Bucket="parts", Key="video", UploadId=upload, PartNumber=1, Body=b"x")
        listed = s3.list_multipart_uploads(Bucket="parts")["Uploads"]
        self.assertEqual([(each["Key"], each["UploadId"]) for each in listed], [("video", upload)])
        s3.abort_multipart_upload(Bucket="parts", Key="video", UploadId=upload)
        self.assertNotIn("Uploads", s3.list_multipart_uploads(Bucket="parts"))
        s3.delete_bucket(Bucket="parts")


if __name__ == "__main__":
    unittest.main()
