"""Deleting a stack: while it is still being created, and what is listed of it afterwards."""

import asyncio

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks, wait_conditions

from .patching import replace
from .settings import Settings


def install_resources(settings: Settings) -> None:
    """DescribeStackResources lists the resources that a deleted stack had.

    AWS: for 90 days, by the stack's ID, each with the status in which its deletion ended.
    Emulator: a resource is dropped from the list as soon as it is deleted or retained.
    """
    stock_delete = stacks._delete_stack_async

    async def delete(stack_name, stack_id, *arguments, **named):
        stack = cloudformation._stacks.get(stack_name)
        had = dict(stack["_resources"]) if stack and stack.get("_resources") else {}
        await stock_delete(stack_name, stack_id, *arguments, **named)
        if stack and stack["StackStatus"] == "DELETE_COMPLETE":
            ended = {
                event["LogicalResourceId"]: event["ResourceStatus"]
                for event in cloudformation._stack_events.get(stack_id, [])
                if event["ResourceStatus"] in ("DELETE_COMPLETE", "DELETE_SKIPPED")
            }
            stack["_resources"] = {
                name: {**resource, "ResourceStatus": ended[name]} for name, resource in had.items() if name in ended
            }

    replace(stacks, "_delete_stack_async", delete)


def install(settings: Settings) -> None:
    """DeleteStack stops a creation in progress and removes what it has made so far.

    AWS: the stack goes from CREATE_IN_PROGRESS to DELETE_IN_PROGRESS and is gone in the end;
    resources whose DeletionPolicy is Retain stay.
    Emulator: the creation goes on during the deletion, and brings the stack back when it is done.
    """
    stock_deploy = stacks._deploy_stack_async
    stock_delete = stacks._delete_stack_async
    creations: dict[str, asyncio.Task] = {}

    async def deploy(stack_name, stack_id, template, parameters, *arguments, is_update=False, **named):
        if is_update:
            return await stock_deploy(
                stack_name, stack_id, template, parameters, *arguments, is_update=True, **named
            )
        # The emulator notes these once the creation has succeeded; a deletion before that needs
        # them for its order and the deletion policies.
        stack = cloudformation._stacks[stack_name]
        stack["_template"], stack["_resolved_params"] = template, parameters
        creations[stack_id] = asyncio.current_task()
        try:
            return await stock_deploy(stack_name, stack_id, template, parameters, *arguments, **named)
        finally:
            del creations[stack_id]

    async def delete(stack_name, stack_id, *arguments, **named):
        creation = creations.get(stack_id)
        # A creation with OnFailure=DELETE deletes from within itself.
        if creation and creation is not asyncio.current_task():
            creation.cancel()
            _cancel_wait_conditions(stack_id)
            await asyncio.wait([creation])
        return await stock_delete(stack_name, stack_id, *arguments, **named)

    replace(stacks, "_deploy_stack_async", deploy)
    replace(stacks, "_delete_stack_async", delete)


def _cancel_wait_conditions(stack_id: str) -> None:
    """The one kind of resource that can hold up a creation for long, and so its cancellation."""
    cancelled = {"Status": "FAILURE", "Reason": "Resource creation cancelled", "Data": ""}
    with wait_conditions._changed:
        for (owner, _), waiting in wait_conditions._waiting.items():
            if owner == stack_id:
                wait_conditions._handles[waiting["token"]]["signals"]["cancelled"] = cancelled
        wait_conditions._changed.notify_all()
