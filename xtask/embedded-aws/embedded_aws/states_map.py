"""Map states."""

import contextvars
import json
import queue
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from ministack.services import stepfunctions

from .patching import replace
from .settings import Settings
from .states_branches import Abandoned, BranchFailed
from .states_history import follow, previous_event_id, runtime_error

# The Maps this branch runs in; one that is set has failed without waiting for the branch.
_failed_maps: contextvars.ContextVar[tuple[threading.Event, ...]] = contextvars.ContextVar("failed_maps", default=())


def install(settings: Settings) -> None:
    """An inline Map runs as on AWS: it honours MaxConcurrencyPath, records iterations and fails at once.

    AWS: MapStateStarted, MapIterationStarted/Succeeded/Failed/Aborted and MapStateSucceeded are in
    the history; an iteration that had to wait follows the last state of the one that made room;
    MaxConcurrencyPath bounds the iterations; the first failed iteration fails the Map, and the
    others are abandoned.
    Emulator: no such events, MaxConcurrencyPath is ignored, and a failed Map waits for every iteration.
    """
    stock_run = stepfunctions._run_map_items
    stock_add_event = stepfunctions._add_event

    def run(state, raw_input, execution, context):
        processor = state.get("Iterator") or state.get("ItemProcessor", {})
        distributed = (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
        if distributed or stepfunctions._state_query_language(state, context) == "JSONata":
            return stock_run(state, raw_input, execution, context)
        return _InlineMap(state, processor, raw_input, execution, context).run()

    def add_event(execution, event_type, details=None):
        if any(failed.is_set() for failed in _failed_maps.get()):
            raise Abandoned
        return stock_add_event(execution, event_type, details)

    replace(stepfunctions, "_run_map_items", run)
    replace(stepfunctions, "_add_event", add_event)


class _InlineMap:
    def __init__(self, state, processor, raw_input, execution, context):
        self._state = state
        self._processor = processor
        self._raw_input = raw_input
        self._execution = execution
        self._context = context
        self._name = context["State"]["Name"]
        self._input = stepfunctions._apply_input_path(state, raw_input, context)
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._failure: tuple[int, stepfunctions._ExecutionError] | None = None
        self._failed = threading.Event()
        self._last_event_id = 0
        # What the next iteration follows, once for each that may run at the same time.
        self._room: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(self) -> tuple:
        items = self._items()
        concurrency = self._concurrency() or len(items) or 1
        self._results = [None] * len(items)
        self._record("MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
        self._iterate(items, concurrency)
        if self._failure:
            self._fail()
        last = self._last_event_id or previous_event_id()
        follow(last)
        self._record("MapStateSucceeded")
        # Nothing follows MapStateSucceeded: MapStateExited comes from where it comes from.
        follow(last)
        result = stepfunctions._apply_result_selector(self._state, self._results)
        output = stepfunctions._apply_result_path(self._state, self._raw_input, result)
        output = stepfunctions._apply_output_path(self._state, output, self._context)
        return output, stepfunctions._next_or_end(self._state)

    def _items(self) -> list:
        path = self._state.get("ItemsPath", "$")
        items = stepfunctions._resolve_path_or_ctx(path, self._input, self._context)
        if not isinstance(items, list):
            raise stepfunctions._ExecutionError("States.Runtime", f'Reference path "{path}" must point to array.')
        return items

    def _concurrency(self) -> int:
        path = self._state.get("MaxConcurrencyPath")
        if path is None:
            return int(self._state.get("MaxConcurrency", 0))
        value = stepfunctions._resolve_path_or_ctx(path, self._input, self._context)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            text = value if isinstance(value, str) else json.dumps(value)
            problem = f'The MaxConcurrencyPath field refers to value "{text}" which is not a valid integer: {path}'
            raise runtime_error(problem)
        return value

    def _iterate(self, items: list, concurrency: int) -> None:
        pool = ThreadPoolExecutor(max_workers=concurrency)
        for _ in range(concurrency):
            self._room.put(previous_event_id())
        pending = {
            pool.submit(contextvars.copy_context().run, self._iteration, index, item)
            for index, item in enumerate(items)
        }
        try:
            while pending and not self._failure:
                _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                if self._execution["status"] != "RUNNING":
                    raise Abandoned
        finally:
            if pending:
                self._failed.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _iteration(self, index: int, item) -> None:
        _failed_maps.set((*_failed_maps.get(), self._failed))
        context = stepfunctions.copy.deepcopy(self._context)
        context["Map"] = {"Item": {"Index": index, "Value": item}}
        follow(self._room.get())
        try:
            self._record_iteration("Started", index)
            with self._lock:
                self._running.add(index)
            self._results[index] = self._run_states(item, context)
            with self._lock:
                self._room.put(previous_event_id())
                self._record_iteration("Succeeded", index)
                self._running.discard(index)
                self._last_event_id = max(self._last_event_id, previous_event_id())
        except Exception as problem:
            self._iteration_failed(index, problem)

    def _run_states(self, item, context):
        selector = self._state.get("ItemSelector") or self._state.get("Parameters")
        data = stepfunctions._resolve_params_obj(selector, self._input, context) if selector else item
        states, start = self._processor.get("States", {}), self._processor.get("StartAt")
        return stepfunctions._run_sub_machine(states, start, data, self._execution, context)

    def _iteration_failed(self, index: int, problem: Exception) -> None:
        if not isinstance(problem, stepfunctions._ExecutionError):
            problem = stepfunctions._ExecutionError("States.Runtime", str(problem))
        with self._lock:
            self._running.discard(index)
            first = self._failure is None
        if first:
            failed_at = previous_event_id()
            # Before the failure is made known: the Map may end the moment it is.
            self._record_iteration("Failed", index)
            with self._lock:
                self._last_event_id = failed_at
                self._failure = self._failure or (index, problem)

    def _fail(self) -> None:
        index, problem = self._failure
        with self._lock:
            aborted = sorted(self._running - {index})
        for other in aborted:
            follow(self._last_event_id)
            self._record_iteration("Aborted", other)
        follow(self._last_event_id)
        raise BranchFailed(problem.error, problem.cause)

    def _record_iteration(self, what: str, index: int) -> None:
        details = {f"mapIteration{what}EventDetails": {"name": self._name, "index": index}}
        self._record(f"MapIteration{what}", details)

    def _record(self, event_type: str, details: dict | None = None) -> None:
        stepfunctions._add_event(self._execution, event_type, details)
