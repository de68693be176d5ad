"""One Node process that serves invocations, and the pipes to it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

RUNTIME = Path(__file__).with_name("lambda_runtime.mjs")
SUPERVISOR = Path(__file__).with_name("lambda_supervisor.py")

# How long to wait for log lines that were written before an answer but not yet read.
LOG_PATIENCE_SECONDS = 1.0


class RuntimeProcess:
    """Requests go down one pipe and answers come up another, one JSON text a line; output is the log."""

    def __init__(self, node: Path, folder: Path, environment: dict):
        request_read, request_write = os.pipe()
        answer_read, answer_write = os.pipe()
        self._supervisor = subprocess.Popen(
            # Isolated and without site: it starts in 10 ms and reads no PYTHON* setting of the function's.
            [sys.executable, "-I", "-S", str(SUPERVISOR)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(request_read, answer_write),
            start_new_session=True,
        )
        order = {
            "argv": [str(node), str(RUNTIME)],
            "env": {**environment, "_EMBEDDED_AWS_PIPES": f"{request_read},{answer_write}"},
        }
        self._supervisor.stdin.write(json.dumps(order).encode() + b"\n")
        self._supervisor.stdin.flush()
        os.close(request_read)
        os.close(answer_write)
        self._requests = os.fdopen(request_write, "wb", buffering=0)
        self._answers: queue.Queue = queue.Queue()
        self._log: queue.Queue = queue.Queue()
        self._ending = threading.Lock()
        self._asked_to_end = False
        _start_thread(self._read_answers, os.fdopen(answer_read, "rb"))
        _start_thread(self._read_log, self._supervisor.stdout)

    @property
    def running(self) -> bool:
        return self._supervisor.poll() is None

    def send(self, request: dict) -> None:
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
        except OSError:
            pass  # The process is gone; the missing answer says so.

    def receive(self, timeout: float) -> dict | None:
        """The next answer, or None once the process has ended. Raises queue.Empty at the time-out."""
        return self._answers.get(timeout=timeout)

    def log_until(self, mark: str) -> str:
        """The lines written so far: the runtime writes `mark` to its output before each answer."""
        lines, deadline = [], time.monotonic() + LOG_PATIENCE_SECONDS
        while True:
            try:
                line = self._log.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                break
            text, marked, name = line.partition("\0")
            if text:
                lines.append(text)
            if marked and name == mark:
                break
        return "\n".join(lines)

    def end(self) -> None:
        """Kill the process and everything it started."""
        self._asked_to_end = True
        with self._ending:
            for pipe in (self._supervisor.stdin, self._requests):
                try:
                    pipe.close()
                except OSError:
                    pass
            try:
                self._supervisor.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self._supervisor.pid, signal.SIGKILL)
                self._supervisor.wait()

    def exit_code(self) -> int:
        """What the process ended with, once it has ended; negative for a signal."""
        try:
            code = self._supervisor.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.end()
        return -signal.SIGKILL if self._asked_to_end else code

    def _read_answers(self, pipe) -> None:
        with pipe:
            for line in pipe:
                self._answers.put(json.loads(line))
        self._answers.put(None)

    def _read_log(self, pipe) -> None:
        for line in pipe:
            self._log.put(line.decode("utf-8", "replace").rstrip("\n"))
        self._log.put(None)


def _start_thread(target, *arguments) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()
