"""How executions start and end."""

import contextvars
import json
import threading

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from .patching import replace, wrap_resource_handler
from .settings import Settings
from .states_branches import Abandoned

_ending = threading.Lock()


def install_timeout(settings: Settings) -> None:
    """A state machine's TimeoutSeconds ends its executions with status TIMED_OUT.

    AWS: and with ExecutionTimedOut as the last event.
    Emulator: ignores it.
    """
    stock_run = stepfunctions._run_execution

    def run(arn):
        execution = stepfunctions._executions.get(arn)
        limit = execution and _timeout_seconds(execution)
        if not limit:
            return stock_run(arn)
        timer = threading.Timer(limit, contextvars.copy_context().run, (_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            stock_run(arn)
        finally:
            timer.cancel()

    replace(stepfunctions, "_run_execution", run)


def _timeout_seconds(execution: dict) -> float | None:
    try:
        machine = stepfunctions._state_machines[execution["stateMachineArn"]]
        return json.loads(machine["definition"]).get("TimeoutSeconds")
    except (KeyError, ValueError):
        return None


def _time_out(execution: dict) -> None:
    if _end(execution, "TIMED_OUT", error="States.Timeout"):
        stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})


def install_ending(settings: Settings) -> None:
    """An execution that has ended stays as it ended.

    AWS: no event follows ExecutionAborted, ExecutionTimedOut or ExecutionFailed, the status does
    not change again, a failed execution has no output, and deleting the state machine terminates
    its executions. Running Lambda invocations do go on, till they end or their function is deleted.
    Emulator: branches still running add events, start further tasks and can turn ABORTED into
    FAILED; executions of a deleted state machine go on.
    """
    stock_add_event = stepfunctions._add_event
    stock_delete = stepfunctions._delete_state_machine

    def add_event(execution, event_type, details=None):
        if execution["status"] != "RUNNING" and not event_type.startswith("Execution"):
            raise Abandoned
        return stock_add_event(execution, event_type, details)

    def fail(execution, error, cause):
        if _end(execution, "FAILED", error=error, cause=cause):
            details = {"error": error, "cause": cause}
            stepfunctions._add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": details})
            stepfunctions._emit_execution_status_event(execution)

    def delete_state_machine(data):
        _abort_executions(data.get("stateMachineArn"))
        return stock_delete(data)

    def delete_with_stack(original, physical_id, properties):
        _abort_executions(physical_id)
        return original(physical_id, properties)

    replace(stepfunctions, "_add_event", add_event)
    replace(stepfunctions, "_fail_execution", fail)
    replace(stepfunctions, "_delete_state_machine", delete_state_machine)
    wrap_resource_handler("AWS::StepFunctions::StateMachine", "delete", delete_with_stack)


def _end(execution: dict, status: str, **members) -> bool:
    """Whether this call is the one that ended the execution."""
    with _ending:
        if execution["status"] != "RUNNING":
            return False
        execution.update(status=status, stopDate=now_iso(), **members)
        return True


def _abort_executions(state_machine_arn: str) -> None:
    for execution in stepfunctions._executions.values():
        if execution["stateMachineArn"] == state_machine_arn and _end(execution, "ABORTED"):
            stepfunctions._add_event(execution, "ExecutionAborted", {"executionAbortedEventDetails": {}})


def install_start(settings: Settings) -> None:
    """StartExecution is idempotent by name and input, and refuses input that is not JSON.

    AWS: a second start with the name and input of a running execution answers with that
    execution; input that does not parse is InvalidExecutionInput.
    Emulator: ExecutionAlreadyExists; and the execution runs with an empty input.
    """
    stock_start = stepfunctions._start_execution

    def start(data):
        text = data.get("input", "{}")
        try:
            json.loads(text)
        except ValueError as problem:
            message = f"Invalid State Machine Execution Input: '{problem}'"
            return error_response_json("InvalidExecutionInput", message, 400)
        running = _execution_named(data)
        if running and running["status"] == "RUNNING" and running["input"] == text:
            return json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return stock_start(data)

    replace(stepfunctions, "_start_execution", start)


def _execution_named(data: dict) -> dict | None:
    machine = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
    if not machine or not data.get("name"):
        return None
    return stepfunctions._executions.get(machine.replace(":stateMachine:", ":execution:") + ":" + data["name"])


def install_description(settings: Settings) -> None:
    """DescribeExecution leaves out what does not apply.

    AWS: a running execution has no stopDate and no output, a failed one no output.
    Emulator: those members are there, with the value null.
    """
    stock_describe = stepfunctions._describe_execution

    def describe(data):
        status, headers, body = stock_describe(data)
        if status == 200:
            members = {k: v for k, v in json.loads(body).items() if v is not None}
            if "output" not in members:
                members.pop("outputDetails", None)
            body = json.dumps(members).encode()
        return status, headers, body

    replace(stepfunctions, "_describe_execution", describe)
