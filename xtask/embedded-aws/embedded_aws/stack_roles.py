"""Roles of CloudFormation stacks."""

from ministack.services import iam

from .patching import wrap_resource_handler
from .settings import Settings


def install(settings: Settings) -> None:
    """A role has the PermissionsBoundary of its template.

    AWS: GetRole gives it. A policy that is not there fails the creation.
    Emulator: the property is dropped.
    """

    def create(original, logical_id, properties, stack_name):
        boundary = properties.get("PermissionsBoundary")
        if boundary and not iam._policy_exists(boundary):
            raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable. (Service: Iam, Status Code: 404)")
        name, attributes = original(logical_id, properties, stack_name)
        _bound(name, boundary)
        return name, attributes

    def update(original, physical_id, old, new, *of_stack, **named):
        name, attributes = original(physical_id, old, new, *of_stack, **named)
        _bound(name, new.get("PermissionsBoundary"))
        return name, attributes

    wrap_resource_handler("AWS::IAM::Role", "create", create)
    wrap_resource_handler("AWS::IAM::Role", "update", update)


def _bound(role: str, boundary: str | None) -> None:
    iam._roles[role]["PermissionsBoundary"] = boundary
