"""Which stack a name or an ID means, and how it is described."""

import re

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers
from ministack.services.cloudformation.helpers import _p

from .patching import replace
from .settings import Settings

STACK = "StackStatusReason|Description|LastUpdatedTime|Capabilities|Parameters|Outputs"
CHANGE_SET = "StatusReason|Description|Parameters|Tags"


def install(settings: Settings) -> None:
    """A deleted stack has only its ID.

    AWS: what asks for it by name gets the answer that it does not exist; its ID means it even when there is
    another stack of the name.
    Emulator: DescribeStackEvents and others find it by name; it is forgotten when the name is used again.
    """
    stock_resolve = handlers._resolve_stack

    def resolve(name):
        stack = stock_resolve(name)
        return None if stack and _is_deleted(stack) and name != stack["StackId"] else stack

    replace(handlers, "_resolve_stack", resolve)
    for owner, operation in ((handlers, "_create_stack"), (changesets, "_create_change_set")):
        replace(owner, operation, _remembering(getattr(owner, operation)))


def _remembering(stock_create):
    def create(params):
        before = cloudformation._stacks.get(_p(params, "StackName"))
        if before and _is_deleted(before):
            cloudformation._stacks[before["StackId"]] = before
        return stock_create(params)

    return create


def _is_deleted(stack: dict) -> bool:
    return stack["StackStatus"] == "DELETE_COMPLETE"


def install_description(settings: Settings) -> None:
    """Stacks and change sets are described without empty members.

    AWS: leaves out a description, reason, or output that there is not.
    Emulator: answers with an empty one, which clients take for a text.
    """
    for owner, operation, members in (
        (handlers, "_describe_stacks", STACK),
        (changesets, "_describe_change_set", CHANGE_SET),
        (changesets, "_list_change_sets", CHANGE_SET),
    ):
        replace(owner, operation, _without_empty(members, getattr(owner, operation)))


def _without_empty(members: str, stock_describe):
    empty = re.compile(f"<({members})></\\1>".encode())

    def describe(params):
        status, headers, body = stock_describe(params)
        text = body if isinstance(body, bytes) else body.encode()
        return status, headers, empty.sub(b"", text)

    return describe
