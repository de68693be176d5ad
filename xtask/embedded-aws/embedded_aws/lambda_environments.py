"""Lambda execution environments for the nodejs runtimes."""

import queue
import shutil
import signal
import tempfile
import threading
import time
import weakref
import zipfile
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from .lambda_code import extracted
from .lambda_process import RuntimeProcess
from .patching import replace
from .settings import Settings

INIT_TIMEOUT_SECONDS = 60

# Access keys handed to environments. On AWS the Lambda service renews them behind the function's back.
environment_access_keys: set[str] = set()
_closing = threading.Event()
_workers: "weakref.WeakSet[NodeWorker]" = weakref.WeakSet()


def install(settings: Settings) -> None:
    """Functions run as on AWS: errors keep their names, packages their modes, deletion ends the environment.

    AWS: a handler's error arrives with its own errorType, message and trace; files of the
    package keep their executable bits; each environment has a private /tmp and none of the
    host's environment; an environment ends with everything its handler started.
    Emulator: every failure is Runtime.HandlerError, modes are dropped, the package is extracted
    again for each environment, the server's own environment leaks in, and only the Node process
    itself is ended.
    """
    stock_class_for = lambda_runtime._worker_class_for
    stock_kill = lambda_runtime.kill_workers

    def class_for(config: dict):
        if not str(config.get("Runtime", "")).startswith("nodejs"):
            return stock_class_for(config)
        return lambda name, config, package: NodeWorker(name, config, package, settings)

    def kill_workers(workers) -> None:
        workers = [worker for worker in workers if worker is not None]
        ours = [worker for worker in workers if isinstance(worker, NodeWorker)]
        _retire_all(ours)
        stock_kill([worker for worker in workers if worker not in ours])

    slots = threading.BoundedSemaphore(settings.lambda_slots) if settings.lambda_slots else None
    replace(lambda_runtime, "_worker_class_for", class_for)
    replace(lambda_runtime, "kill_workers", kill_workers)
    stock_execute = lambda_svc._execute_function_warm

    def execute(func: dict, event, request_id: str) -> dict:
        config = func.get("config") or func
        if not str(config.get("Runtime", "")).startswith("nodejs"):
            return stock_execute(func, event, request_id)
        if slots is None:
            return _execute(func, config, event, request_id)
        # Before an environment is taken, so that no more than the slots ever exist.
        with slots:
            return _execute(func, config, event, request_id)

    replace(lambda_svc, "_execute_function_warm", execute)


def _execute(func: dict, config: dict, event, request_id: str) -> dict:
    if not func.get("code_zip"):
        return _failure({"errorType": "Runtime.ImportModuleError", "errorMessage": "The function has no code"})
    lambda_svc._ensure_reaper_thread()
    worker, _ = lambda_runtime.acquire_worker(
        config["FunctionName"], config, func["code_zip"], qualifier=config.get("Version", "$LATEST")
    )
    try:
        return worker.invoke(
            event,
            request_id,
            trace_id=lambda_svc._xray_trace_id_for_invocation(config),
            invoked_function_arn=config["FunctionArn"],
        )
    except (OSError, zipfile.BadZipFile) as problem:
        return _failure({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": str(problem)})
    finally:
        lambda_runtime.release_worker(worker)


def end_all() -> None:
    """End every environment; one that is still asked for ends as it starts."""
    _closing.set()
    _retire_all(list(_workers))


def _retire_all(workers) -> None:
    """Side by side: a mass teardown takes as long as the slowest, not as their sum."""
    threads = [threading.Thread(target=worker.retire, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)


class NodeWorker(lambda_runtime.Worker):
    """An execution environment as the emulator's pool knows it: invoked, reused, ended."""

    def __init__(self, name: str, config: dict, package: bytes, settings: Settings):
        super().__init__(name, config, package)
        self._settings = settings
        self._process: RuntimeProcess | None = None
        self._folder: str | None = None
        self._retired = False
        self._guard = threading.Lock()
        _workers.add(self)

    def invoke(self, event, request_id: str, *, trace_id=None, invoked_function_arn=None, **_) -> dict:
        context = {
            "requestId": request_id,
            "functionArn": invoked_function_arn or self.config["FunctionArn"],
            "traceId": trace_id,
        }
        with self._lock:
            process = self._process
            answer = None
            if process is None or not process.running:
                process, answer = self._initialize(request_id)
            if answer is None:
                answer = self._answer(process, event, context)
            log = process.log_until(request_id)
            if "error" not in answer:
                return {"body": answer.get("result"), "log": log}
            if answer.get("fatal"):
                self._end_process()
            return _failure(answer["error"], log)

    def retire(self) -> None:
        """End the environment for good, in the middle of an invocation if there is one."""
        with self._guard:
            self._retired = True
        self._end_process()

    def _initialize(self, request_id: str) -> tuple[RuntimeProcess, dict | None]:
        """A process that has imported the handler; with the failure that answers the invocation, if it has not."""
        self._end_process()
        folder = tempfile.mkdtemp(prefix=f"{self.func_name}-", dir=self._settings.temp)
        code = extracted(self.code_zip, self._settings.code)
        process = RuntimeProcess(self._settings.node, code, self._environment(code, folder))
        with self._guard:
            self._process, self._folder = process, folder
            retired = self._retired or _closing.is_set()
        if retired:
            self._end_process()
        try:
            ready = process.receive(INIT_TIMEOUT_SECONDS)
        except queue.Empty:
            return process, _fatal(_timeout_error(request_id, INIT_TIMEOUT_SECONDS))
        if ready is None:
            return process, _fatal(_exit_error(request_id, process.exit_code()))
        return process, _fatal(ready["initError"]) if "initError" in ready else None

    def _answer(self, process: RuntimeProcess, event, context: dict) -> dict:
        timeout = float(self.config.get("Timeout", 3))
        request_id = context["requestId"]
        context["deadlineMs"] = int((time.time() + timeout) * 1000)
        process.send({"event": event, "context": context})
        try:
            answer = process.receive(timeout)
        except queue.Empty:
            process.end()
            return _fatal(_timeout_error(request_id, timeout))
        return _fatal(_exit_error(request_id, process.exit_code())) if answer is None else answer

    def _end_process(self) -> None:
        with self._guard:
            process, self._process = self._process, None
            folder, self._folder = self._folder, None
        if process is not None:
            process.end()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _environment(self, code: Path, folder: str) -> dict:
        config, settings = self.config, self._settings
        _, region = lambda_runtime._account_region_from_function_config(config)
        name, version = config["FunctionName"], config.get("Version", "$LATEST")
        variables = (config.get("Environment") or {}).get("Variables") or {}
        credentials = {k: v for k, v in lambda_runtime.execution_credentials(config).items() if v}
        environment_access_keys.add(credentials["AWS_ACCESS_KEY_ID"])
        return {
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            # The system folders of Lambda's own PATH: tools the package does not bring are not there either.
            "PATH": f"{settings.runtime_bin}:/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "AWS_ENDPOINT_URL": settings.endpoint,
            "FONTCONFIG_PATH": _fonts_of(folder),
            **{k: v for k, v in variables.items() if k not in lambda_runtime._RESERVED_RUNTIME_ENV_VARS},
            **credentials,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{version}]{new_uuid().replace('-', '')}",
            "LAMBDA_TASK_ROOT": str(code),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": config.get("Handler", ""),
            # Lambda gives each environment a /tmp of its own; processes that shared one would race in it.
            "TMPDIR": folder,
            "HOME": folder,
        }


def _fonts_of(folder: str) -> str:
    """A font configuration for an environment whose temporary folder is not /tmp.

    On Lambda it is, and packages count on it: @sparticuz/chromium unpacks fonts there, and its own
    configuration names /tmp/fonts. Without one font Chromium drops web fonts too, at random.
    """
    configuration = Path(folder, "fontconfig")
    configuration.mkdir()
    (configuration / "fonts.conf").write_text(
        f"<fontconfig><dir>{folder}/fonts</dir><cachedir>{configuration}/cache</cachedir></fontconfig>\n"
    )
    return str(configuration)


def _failure(error: dict, log: str = "") -> dict:
    return {"body": error, "error": True, "log": log}


def _fatal(error: dict) -> dict:
    """An answer after which the environment cannot be used again."""
    return {"error": error, "fatal": True}


def _timeout_error(request_id: str, seconds: float) -> dict:
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _exit_error(request_id: str, code: int) -> dict:
    how = f"exit status {code}" if code >= 0 else f"signal: {_signal_text(-code)}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def _signal_text(number: int) -> str:
    return (signal.strsignal(number) or str(number)).lower()
