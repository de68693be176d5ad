"""What CreateChangeSet, and so `sam deploy`, refuses."""

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
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        updating = _p(params, "ChangeSetType", "UPDATE") == "UPDATE"
        if updating and status not in UPDATABLE | {"DELETE_COMPLETE"}:
            return _error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
        return stock_create(params)

    replace(changesets, "_create_change_set", create_change_set)


def install_capabilities(settings: Settings) -> None:
    """A template with IAM resources has to be acknowledged.

    AWS: InsufficientCapabilitiesException without CAPABILITY_IAM, or CAPABILITY_NAMED_IAM for named ones.
    Emulator: asks for them under IAM enforcement only.
    """
    replace(handlers, "_capabilities_enforced", lambda: True)
