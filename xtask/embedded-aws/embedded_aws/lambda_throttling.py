"""Reserved concurrency and the errors of exceeding it."""

import json

from ministack.services import lambda_svc, stepfunctions

from .patching import replace, wrap_resource_handler
from .settings import Settings


def install_reserved_concurrency(settings: Settings) -> None:
    """A template's ReservedConcurrentExecutions limits its function.

    AWS: the property reserves, and by that caps, the function's concurrency; removing it lifts the cap.
    Emulator: CloudFormation ignores the property, on create and on update.
    """

    def create(original, logical_id, properties, stack_name):
        name, attributes = original(logical_id, properties, stack_name)
        _reserve(name, properties)
        return name, attributes

    def update(original, physical_id, old, new, stack_name, logical_id=None):
        name, attributes = original(physical_id, old, new, stack_name, logical_id)
        _reserve(name, new)
        return name, attributes

    wrap_resource_handler("AWS::Lambda::Function", "create", create)
    wrap_resource_handler("AWS::Lambda::Function", "update", update)


def _reserve(name: str, properties: dict) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)


def install_throttle_error(settings: Settings) -> None:
    """A throttled Lambda task fails with an error that Retry lists can match.

    AWS: Error is Lambda.TooManyRequestsException, Cause names the service and status code 429.
    Emulator: Error is Lambda.Unknown, Cause the JSON of the HTTP answer.
    """
    original = stepfunctions._call_lambda

    def call_lambda(function, event):
        try:
            return original(function, event)
        except stepfunctions._ExecutionError as error:
            throttle = _throttle(error)
            if throttle is None:
                raise
            cause = f"{throttle['message']} (Service: Lambda, Status Code: 429)"
            raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", cause) from None

    replace(stepfunctions, "_call_lambda", call_lambda)


def _throttle(error) -> dict | None:
    if error.error != "Lambda.Unknown":
        return None
    try:
        body = json.loads(error.cause)
    except ValueError:
        return None
    is_throttle = isinstance(body, dict) and body.get("__type") == "TooManyRequestsException"
    return body if is_throttle else None
