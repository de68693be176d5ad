"""Roles of CloudFormation stacks."""

from ministack.services import iam

from .patching import after_create_and_update, wrap_resource_handler
from .settings import Settings


def install(settings: Settings) -> None:
    """A role has the PermissionsBoundary of its template.

    AWS: GetRole gives it. A policy that is not there fails the creation.
    Emulator: the property is dropped.
    """

    def create(original, logical_id, properties, *of_stack, **named):
        boundary = properties.get("PermissionsBoundary")
        if boundary and not iam._policy_exists(boundary):
            raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable. (Service: Iam, Status Code: 404)")
        return original(logical_id, properties, *of_stack, **named)

    def bound(role: str, properties: dict) -> None:
        iam._roles[role]["PermissionsBoundary"] = properties.get("PermissionsBoundary")

    wrap_resource_handler("AWS::IAM::Role", "create", create)
    after_create_and_update("AWS::IAM::Role", bound)
