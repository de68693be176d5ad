"""How much data a state may hand on."""

import json

from ministack.services import stepfunctions

from .patching import replace
from .settings import Settings
from .states_history import INVOKE

MOST_BYTES = 256 * 1024


def install(settings: Settings) -> None:
    """A result of more than 256 KiB is States.DataLimitExceeded.

    AWS: a task's result is a failure of the task, which Retry and Catch see; any other state's
    output ends the execution.
    Emulator: there is no limit.
    """
    stock_invoke = stepfunctions._invoke_resource
    stock_add_event = stepfunctions._add_event

    def invoke_resource(resource, data):
        result = stock_invoke(resource, data)
        _check(result, "lambda" if resource.startswith(INVOKE) else resource)
        return result

    def add_event(execution, event_type, details=None):
        if exited := (details or {}).get("stateExitedEventDetails"):
            _check(json.loads(exited["output"]), exited["name"])
        return stock_add_event(execution, event_type, details)

    replace(stepfunctions, "_invoke_resource", invoke_resource)
    replace(stepfunctions, "_add_event", add_event)


def _check(value, name: str) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        problem = f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", problem)
