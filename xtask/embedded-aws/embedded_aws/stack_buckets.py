"""Buckets of CloudFormation stacks."""

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from .patching import after_create_and_update, wrap_resource_handler
from .settings import Settings


def install_suspended_versioning(settings: Settings) -> None:
    """VersioningConfiguration with Status Suspended makes a bucket with suspended versioning.

    AWS: deletes in it leave delete markers, which have to go before the bucket can.
    Emulator: the bucket is unversioned.
    """

    def suspend(name: str, properties: dict) -> None:
        if (properties.get("VersioningConfiguration") or {}).get("Status") == "Suspended":
            s3._bucket_versioning[name] = "Suspended"

    after_create_and_update("AWS::S3::Bucket", suspend)


def install_tags(settings: Settings) -> None:
    """A bucket has the tags of its template and of its stack.

    AWS: GetBucketTagging gives the template's Tags, the stack's tags and three aws:cloudformation: tags.
    Emulator: NoSuchTagSet.
    """
    provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")

    def tag(name: str, properties: dict) -> None:
        s3._bucket_tags[name] = provisioners._tag_map(properties.get("Tags"))

    after_create_and_update("AWS::S3::Bucket", tag)


def install_not_empty(settings: Settings) -> None:
    """Deleting a stack fails on a bucket that is not empty.

    AWS: DELETE_FAILED, for the bucket and the stack; object versions and delete markers count.
    Emulator: the bucket goes with everything in it, and its old versions come back with the next
    bucket of that name.
    """

    def delete(original, physical_id, properties):
        bucket = s3._buckets.get(physical_id)
        if bucket and s3._bucket_has_versions(physical_id):
            raise ValueError(
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
                " (Service: S3, Status Code: 409)"
            )
        if bucket and bucket["objects"]:
            raise ValueError("The bucket you tried to delete is not empty (Service: S3, Status Code: 409)")
        return original(physical_id, properties)

    wrap_resource_handler("AWS::S3::Bucket", "delete", delete)
