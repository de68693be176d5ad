"""What a Map or a Parallel makes of its branches' ends."""

import contextvars
import threading

from ministack.services import stepfunctions

from .patching import replace
from .settings import Settings
from .states_history import entered_state, follow, previous_event_id


class Abandoned(SystemExit):
    """Unwinds a branch that nobody waits for any more.

    A SystemExit, because the emulator turns every Exception of a branch into a failure of the
    execution, while a thread that raises SystemExit ends without a trace.
    """


class BranchFailed(stepfunctions._ExecutionError):
    """A Map or a Parallel that had begun, and failed in one of its branches."""


class _Branches:
    """Where the branches of one Parallel ended."""

    def __init__(self):
        self._lock = threading.Lock()
        self.last_event_id = 0
        self.failed_at = 0

    def ended(self, event_id: int, failed: bool) -> None:
        with self._lock:
            self.last_event_id = max(self.last_event_id, event_id)
            if failed:
                self.failed_at = self.failed_at or event_id


_branches: contextvars.ContextVar[_Branches | None] = contextvars.ContextVar("branches", default=None)


def install(settings: Settings) -> None:
    """The ends of Maps and Parallels are in the history.

    AWS: ParallelStateStarted, once for each attempt, and ParallelStateSucceeded; MapStateFailed and
    ParallelStateFailed once retries are exhausted, caught or not, after the last event of the branch
    that failed; a failed Task of a Parallel is followed by TaskStateAborted.
    Emulator: none of these.
    """
    stock_run_branches = stepfunctions._run_parallel_branches
    stock_run_states = stepfunctions._run_sub_machine

    def run_branches(state, raw_input, execution, context):
        stepfunctions._add_event(execution, "ParallelStateStarted")
        branches = _Branches()
        _branches.set(branches)
        try:
            result = stock_run_branches(state, raw_input, execution, context)
        except stepfunctions._ExecutionError as error:
            if not branches.failed_at:
                raise
            follow(branches.failed_at)
            raise BranchFailed(error.error, error.cause) from None
        finally:
            _branches.set(None)
        last = branches.last_event_id or previous_event_id()
        follow(last)
        stepfunctions._add_event(execution, "ParallelStateSucceeded")
        follow(last)
        return result

    def run_states(states, start_at, data, execution, context):
        branches = _branches.get()
        if branches is None:
            return stock_run_states(states, start_at, data, execution, context)
        _branches.set(None)
        try:
            result = stock_run_states(states, start_at, data, execution, context)
        except stepfunctions._ExecutionError:
            branches.ended(previous_event_id(), failed=True)
            if states.get(entered_state(), {}).get("Type") == "Task":
                stepfunctions._add_event(execution, "TaskStateAborted")
            raise
        branches.ended(previous_event_id(), failed=False)
        return result

    replace(stepfunctions, "_run_parallel_branches", run_branches)
    replace(stepfunctions, "_run_sub_machine", run_states)
    for kind in ("Map", "Parallel"):
        name = f"_execute_{kind.lower()}"
        replace(stepfunctions, name, _recording_failure(kind))


def _recording_failure(kind: str):
    runs = {"Map": "_run_map_items", "Parallel": "_run_parallel_branches"}

    def execute(state, raw_input, execution, context):
        failed = False

        def attempt():
            nonlocal failed
            failed = False
            try:
                return getattr(stepfunctions, runs[kind])(state, raw_input, execution, context)
            except BranchFailed:
                failed = True
                raise

        def record():
            if failed:
                stepfunctions._add_event(execution, f"{kind}StateFailed")

        try:
            result = stepfunctions._with_retry_and_catch(state, raw_input, context, attempt)
        except stepfunctions._ExecutionError:
            record()
            raise
        record()
        return result

    return execute
