"""The history of a Step Functions execution."""

import contextvars
import json
import threading

from ministack.core.responses import get_region, new_uuid, now_iso
from ministack.services import stepfunctions

from .patching import replace
from .settings import Settings

INVOKE = "arn:aws:states:::lambda:invoke"

_appending = threading.Lock()
_previous = contextvars.ContextVar("previous_event_id", default=0)
_entered = contextvars.ContextVar("entered_state", default=("", 0))
_parameters = contextvars.ContextVar("task_parameters", default=None)
_limit = contextvars.ContextVar("task_timeout", default=None)


def previous_event_id() -> int:
    return _previous.get()


def follow(event_id: int) -> None:
    """Make `event_id` the predecessor of this branch's next event."""
    _previous.set(event_id)


def entered_state() -> str:
    """The name of the state that this branch entered last."""
    return _entered.get()[0]


def runtime_error(message: str) -> stepfunctions._ExecutionError:
    """What ends an execution whose definition and data do not fit, in AWS's words."""
    name, event_id = _entered.get()
    where = f"An error occurred while executing the state '{name}' (entered at the event id #{event_id})."
    return stepfunctions._ExecutionError("States.Runtime", f"{where} {message}")


def install(settings: Settings) -> None:
    """Histories have the events and members of AWS's.

    AWS: every event names its previousEventId, which tells parallel branches apart, and which is 0
    for the first state and for ExecutionAborted; TaskStarted follows TaskScheduled; a task of
    lambda:invoke has resource "invoke" and resourceType "lambda", its parameters, region and
    time-out; a task that names a function's ARN has LambdaFunction* events; a task that outlives its
    TimeoutSeconds ends in TaskTimedOut, with an empty cause; the output of lambda:invoke carries
    the HTTP metadata; states inside a Map have events too; what is not known, such as the error of
    an abort without one, is not a member.
    Emulator: none of these; ids follow the order of arrival.
    """
    stock_parameters = stepfunctions._apply_parameters
    stock_invoke = stepfunctions._invoke_resource
    stock_invoke_with_timeout = stepfunctions._invoke_resource_with_timeout
    stock_start = stepfunctions._start_execution
    stock_fail_field = stepfunctions._fail_state_field

    def apply_parameters(state, data, context=None):
        result = stock_parameters(state, data, context)
        _parameters.set(result)
        _limit.set(state.get("TimeoutSeconds"))
        return result

    def invoke_with_timeout(resource, data, timeout):
        try:
            return stock_invoke_with_timeout(resource, data, timeout)
        except stepfunctions._ExecutionError as error:
            if error.error != "States.Timeout":
                raise
            raise stepfunctions._ExecutionError(error.error, "") from None

    def fail_field(state, field, default, data, context):
        return stock_fail_field(state, field, "", data, context)

    def invoke_resource(resource, data):
        result = stock_invoke(resource, data)
        return _invoke_output(result["Payload"]) if resource.startswith(INVOKE) else result

    def start_execution(data):
        response = stock_start(data)
        if response[0] == 200:
            arn = json.loads(response[2])["executionArn"]
            first = stepfunctions._executions[arn]["events"][0]
            first["previousEventId"] = 0
            _complete(first["executionStartedEventDetails"])
        return response

    replace(stepfunctions, "_apply_parameters", apply_parameters)
    replace(stepfunctions, "_invoke_resource", invoke_resource)
    replace(stepfunctions, "_invoke_resource_with_timeout", invoke_with_timeout)
    replace(stepfunctions, "_fail_state_field", fail_field)
    replace(stepfunctions, "_start_execution", start_execution)
    replace(stepfunctions, "_add_event", _add_event)
    replace(stepfunctions, "_run_sub_machine", _run_sub_machine)


def _invoke_output(payload) -> dict:
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": new_uuid()},
        "StatusCode": 200,
    }


def _add_event(execution: dict, event_type: str, details: dict | None = None) -> dict | None:
    details = details or {}
    if event_type.startswith("Task") and "taskFailedEventDetails" in details:
        failed = details["taskFailedEventDetails"]
        if failed["error"] == "States.Runtime":
            # Not the task's failure: what came before and after it did not fit.
            return None
        if failed["error"] == "States.Timeout":
            event_type, details = "TaskTimedOut", {"taskTimedOutEventDetails": failed}
    for member in details.values():
        _complete(member)
    if event_type.startswith("Task") and ":function:" in str(next(iter(details.values()), {}).get("resource", "")):
        return _add_function_event(execution, event_type, details)
    if event_type == "TaskScheduled":
        scheduled = details["taskScheduledEventDetails"]
        scheduled |= {"region": get_region(), "parameters": json.dumps(_parameters.get()), **_time_limit()}
    event = _append(execution, event_type, details)
    if event_type == "TaskScheduled":
        started = {key: scheduled[key] for key in ("resource", "resourceType")}
        _append(execution, "TaskStarted", {"taskStartedEventDetails": started})
    return event


def _add_function_event(execution: dict, event_type: str, details: dict) -> dict:
    """The event of a task whose resource is a function's ARN: it has types and members of its own."""
    what = event_type.removeprefix("Task")
    (member,) = details.values()
    resource = member.pop("resource")
    member.pop("resourceType", None)
    if what == "Scheduled":
        member |= {"resource": resource, "input": json.dumps(_parameters.get()), **_time_limit()}
        _complete(member)
    event = _append(execution, f"LambdaFunction{what}", {f"lambdaFunction{what}EventDetails": member})
    if what == "Scheduled":
        _append(execution, "LambdaFunctionStarted", {})
    return event


def _time_limit() -> dict:
    return {} if _limit.get() is None else {"timeoutInSeconds": _limit.get()}


def _complete(details: dict) -> None:
    resource = str(details.get("resource", ""))
    if resource.startswith(INVOKE):
        details |= {"resource": "invoke" + resource.removeprefix(INVOKE), "resourceType": "lambda"}
    for payload in ("input", "output"):
        if payload in details:
            details[f"{payload}Details"] = {"truncated": False}
    for text in ("error", "cause"):
        if details.get(text) in ("", None):
            details.pop(text, None)


def _append(execution: dict, event_type: str, details: dict) -> dict:
    with _appending:
        events = execution["events"]
        event = {
            "id": len(events) + 1,
            "previousEventId": previous_event_id(),
            "type": event_type,
            "timestamp": now_iso(),
            **details,
        }
        events.append(event)
    follow(event["id"])
    if event_type.endswith("StateEntered"):
        _entered.set((details["stateEnteredEventDetails"]["name"], event["id"]))
    return event


def _run_sub_machine(states: dict, start_at: str, data, execution: dict, context: dict):
    """The states of a Map iteration or a Parallel branch; the emulator's own loop records none of them."""
    name, data = start_at, stepfunctions.copy.deepcopy(data)
    while name:
        state = states.get(name)
        if state is None:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        kind = state.get("Type")
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        entered = {"name": name, "input": json.dumps(data)}
        stepfunctions._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
        data, following = _run_state(kind, state, data, execution, context)
        exited = {"name": name, "output": json.dumps(data)}
        stepfunctions._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited})
        name = following
    return data


def _run_state(kind: str, state: dict, data, execution: dict, context: dict) -> tuple:
    """The state's output and the name of the next state."""
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, context))
    if kind == "Succeed":
        effective = stepfunctions._apply_input_path(state, data, context)
        return stepfunctions._apply_output_path(state, effective, context), None
    if kind in ("Task", "Parallel", "Map"):
        run = getattr(stepfunctions, f"_execute_{kind.lower()}")
        return run(state, data, execution, context)
    if kind in ("Pass", "Choice", "Wait"):
        run = getattr(stepfunctions, f"_execute_{kind.lower()}")
        return run(state, data, context)
    raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
