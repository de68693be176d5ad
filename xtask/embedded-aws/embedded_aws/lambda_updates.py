"""Changes of a function's configuration."""

import threading

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc

from .patching import replace, wrap_resource_handler
from .settings import Settings

_this_thread = threading.local()


def install(settings: Settings) -> None:
    """UpdateFunctionConfiguration ends no invocation, and does not overlap with another update.

    AWS: the function stays Active; what runs ends in its old environment, and what is called later
    gets a new one; a call during an update is refused; the memory is 128 to 10,240 MB.
    Emulator: the function is Pending, running invocations are killed, an update overtakes another
    one, and any memory is taken. A stack's own update is left as it is: it changes code and
    configuration one right after the other.
    """
    stock_update, stock_kill = lambda_svc._update_config, lambda_runtime.kill_workers

    def update(name: str, data: dict):
        config = lambda_svc._functions[name]["config"] if name in lambda_svc._functions else None
        if config is None or getattr(_this_thread, "deploys", False):
            return stock_update(name, data)
        if config.get("LastUpdateStatus") == "InProgress":
            message = f"An update is in progress for resource: {config['FunctionArn']}"
            return error_response_json(
                "ResourceConflictException", f"The operation cannot be performed at this time. {message}", 409
            )
        memory = data.get("MemorySize", 128)
        if not 128 <= memory <= 10240:
            bound = "less than or equal to 10240" if memory > 128 else "greater than or equal to 128"
            message = f"Value '{memory}' at 'memorySize' failed to satisfy constraint: Member must have value {bound}"
            return error_response_json("ValidationException", f"1 validation error detected: {message}", 400)
        before = {key: config.get(key) for key in ("State", "StateReason", "StateReasonCode")}
        _this_thread.updates = True
        try:
            answer = stock_update(name, data)
        finally:
            _this_thread.updates = False
        config.update(before)
        return json_response(config) if answer[0] == 200 else answer

    def kill_workers(workers) -> None:
        if not getattr(_this_thread, "updates", False):
            return stock_kill(workers)
        busy = [worker for worker in workers if worker is not None and worker.in_use]
        stock_kill([worker for worker in workers if worker not in busy])
        for worker in busy:
            threading.Thread(target=_end_later, args=(worker, stock_kill), daemon=True).start()

    def deploy(original, *arguments, **named):
        _this_thread.deploys = True
        try:
            return original(*arguments, **named)
        finally:
            _this_thread.deploys = False

    replace(lambda_svc, "_update_config", update)
    replace(lambda_runtime, "kill_workers", kill_workers)
    wrap_resource_handler("AWS::Lambda::Function", "update", deploy)


def _end_later(worker, kill) -> None:
    """End a worker after the invocation that it is busy with."""
    with worker._lock:
        pass
    kill([worker])
