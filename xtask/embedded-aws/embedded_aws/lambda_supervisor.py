"""Runs one execution environment's process and ends everything that process ever started.

Started as a script. The first line of stdin is JSON `{"argv": [...], "env": {...}}`; the end of
stdin is the order to end, and comes by itself when the launcher dies, even by SIGKILL. Exits as
the process did: same status, or by the same signal.

A process group is not enough here: a browser started by puppeteer is the leader of a group of
its own. A subreaper inherits every orphan below it, whatever its group or session.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = start(order["argv"], order["env"])
    status = wait_for_end(child)
    kill_descendants()
    leave_with(status)


def prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def start(argv: list, env: dict) -> int:
    pipes = [int(fd) for fd in env["_EMBEDDED_AWS_PIPES"].split(",")]
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for fd in pipes:
            os.set_inheritable(fd, True)
        try:
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)
    for fd in pipes:
        # The launcher reads end-of-file as the process's death, so no copy may stay here.
        os.close(fd)
    return pid


def wait_for_end(child: int) -> int | None:
    """The child's wait status once it has ended, or None when asked to end first."""
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        status = reap(child)
        if status is not None:
            return status
        readable, _, _ = select.select([0, wakeup], [], [])
        if 0 in readable and not os.read(0, 4096):
            return None
        if wakeup in readable:
            os.read(wakeup, 4096)


def reap(child: int) -> int | None:
    """Collect every dead child; the status of `child` if it was among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = status


def kill_descendants(patience: float = 5.0) -> None:
    """SIGKILL the tree below until nothing is left: a killed parent's children arrive here in turn."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        pids = descendants(os.getpid())
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap(0)
        time.sleep(0.005)


def descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                # The command may hold spaces and brackets; the fields go on after the last one.
                parent = int(stat.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, pending = [], [ancestor]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def leave_with(status: int | None) -> None:
    if status is None:
        os._exit(0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
