"""What CreateChangeSet, and so `sam deploy`, refuses."""

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers
from ministack.services.cloudformation.helpers import _error, _p

from .patching import replace
from .settings import Settings

UPDATABLE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
}


def install_updatable(settings: Settings) -> None:
    """A stack that failed, or is being worked on, takes no update.

    AWS: ValidationError, "is in ROLLBACK_COMPLETE state and can not be updated".
    Emulator: it takes the update; deploying again over a failed creation seems to succeed.
    """
    stock_create = changesets._create_change_set

    def create_change_set(params):
        stack = handlers._resolve_stack(_p(params, "StackName"))
        status = stack and stack["StackStatus"]
        updating = _p(params, "ChangeSetType", "UPDATE") == "UPDATE"
        if updating and stack and status not in UPDATABLE:
            return _error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
        return stock_create(params)

    replace(changesets, "_create_change_set", create_change_set)


def install_capabilities(settings: Settings) -> None:
    """A template with IAM resources has to be acknowledged.

    AWS: InsufficientCapabilitiesException without CAPABILITY_IAM, or CAPABILITY_NAMED_IAM for named ones.
    Emulator: asks for them under IAM enforcement only.
    """
    replace(handlers, "_capabilities_enforced", lambda: True)


def install_review(settings: Settings) -> None:
    """A change set of type CREATE makes a stack in REVIEW_IN_PROGRESS, or joins the one that is there.

    AWS: further change sets keep that stack and its ID. Its tags come with the execution. Any other stack of the
    name refuses it: "already exists and cannot be created again with the changeSet".
    Emulator: each change set makes the stack again, with another ID, and tags it; one takes the place of a stack in
    ROLLBACK_COMPLETE.
    """
    stock_create = changesets._create_change_set

    def create_change_set(params):
        name = _p(params, "StackName")
        if _p(params, "ChangeSetType", "UPDATE") != "CREATE":
            return stock_create(params)
        before = cloudformation._stacks.get(name)
        if before and before["StackStatus"] == "DELETE_COMPLETE":
            before = None
        if before and before["StackStatus"] != "REVIEW_IN_PROGRESS":
            refused = f"Stack [{name}] already exists and cannot be created again with the changeSet"
            return _error("ValidationError", f"{refused} [{_p(params, 'ChangeSetName')}].")
        status, headers, body = stock_create(params)
        made = cloudformation._stacks.get(name)
        if before and made is not before:
            cloudformation._stacks[name] = before
        if status != 200:
            return status, headers, body
        if not before:
            made["Tags"] = []
            return status, headers, body
        cloudformation._stack_events.pop(made["StackId"], None)
        for change_set in cloudformation._change_sets.values():
            if change_set["StackId"] == made["StackId"]:
                change_set["StackId"] = before["StackId"]
        return status, headers, body.replace(made["StackId"].encode(), before["StackId"].encode())

    replace(changesets, "_create_change_set", create_change_set)
