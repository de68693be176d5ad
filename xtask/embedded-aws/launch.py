#!/usr/bin/env python3
"""Start the embedded AWS on a loopback port and serve until asked to stop."""

import argparse
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.scratch import ScratchError, private_scratch
from embedded_aws.settings import HOST, MINISTACK, Settings


def main() -> None:
    arguments = parse_arguments()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    # A ready file that exists at the start was left by a launcher that has ended.
    arguments.ready_file.unlink(missing_ok=True)
    found = importlib.metadata.version("ministack")
    if found != MINISTACK:
        sys.exit(f"embedded AWS: its repairs fit ministack {MINISTACK}, found {found}")
    try:
        with private_scratch(arguments.scratch) as scratch, listening(arguments.port) as listener:
            launch(arguments, scratch, listener)
    except (ScratchError, OSError) as problem:
        sys.exit(f"embedded AWS: {problem}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add(
        "--ready-file", type=Path, required=True, metavar="FILE",
        help="JSON with endpoint, port, pid and ministack, written once requests are answered, removed at exit",
    )
    add(
        "--scratch", type=Path, required=True, metavar="DIR",
        help="private folder, created if need be, emptied at start and exit",
    )
    add("--port", type=int, default=0, help="port on 127.0.0.1 (default: 0, the kernel's choice)")
    add(
        "--node", type=Path, default=shutil.which("node"), metavar="PATH",
        help="node for the functions (default: the one in PATH)",
    )
    add("--account-id", default="123456789012", metavar="ID", help="default: %(default)s")
    add("--region", default="us-east-1", help="region of requests that name none (default: %(default)s)")
    add(
        "--enforce-iam", action="store_true",
        help="refuse unknown access keys and enforce policies; the account's root is test, secret test",
    )
    add(
        "--watch-stdin", action="store_true",
        help="stop at the end of stdin, which a dying parent brings about",
    )
    add(
        "--lambda-slots", type=int, metavar="N",
        help="execution environments at work at once; further invocations wait (default: no limit)",
    )
    add("--log-level", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"], help="default: %(default)s")
    # For the tests, which show with it that each repair is needed.
    add("--without", action="append", default=[], metavar="REPAIR", help=argparse.SUPPRESS)
    # For the tests that repeat recorded executions: the factor by which waits and retry intervals are multiplied.
    add("--wait-scale", type=float, default=1, metavar="FACTOR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.node is None or not os.access(arguments.node, os.X_OK):
        parser.error("no node to run functions with: pass --node PATH")
    if arguments.lambda_slots is not None and arguments.lambda_slots < 1:
        parser.error("--lambda-slots is at least 1")
    if not arguments.ready_file.absolute().parent.is_dir():
        parser.error(f"no folder for --ready-file {arguments.ready_file}")
    return arguments


@contextmanager
def listening(port: int):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as problem:
            raise OSError(f"cannot listen on {HOST}:{port}: {problem.strerror}") from None
        listener.listen(128)
        yield listener


def launch(arguments: argparse.Namespace, scratch: Path, listener: socket.socket) -> None:
    settings = Settings(
        port=listener.getsockname()[1],
        scratch=scratch,
        node=Path(os.path.abspath(arguments.node)),
        account_id=arguments.account_id,
        region=arguments.region,
        enforce_iam=arguments.enforce_iam,
        lambda_slots=arguments.lambda_slots,
    )
    prepare(settings)
    replace_environment(settings, arguments.log_level, arguments.wait_scale)
    # Imported late: the emulator reads its environment as it is imported.
    from embedded_aws import lambda_environments, repairs, server

    repairs.install(settings, arguments.without)
    if arguments.watch_stdin:
        server.stop_at_end_of_stdin()
    try:
        server.run(listener, settings, on_ready=lambda: announce(arguments.ready_file, settings))
    finally:
        lambda_environments.end_all()
        arguments.ready_file.unlink(missing_ok=True)


def prepare(settings: Settings) -> None:
    for folder in (settings.temp, settings.code, settings.runtime_bin):
        folder.mkdir(parents=True)
    (settings.runtime_bin / "node").symlink_to(settings.node)
    tempfile.tempdir = str(settings.temp)


def replace_environment(settings: Settings, log_level: str, wait_scale: float) -> None:
    """Replaces the caller's environment, so that neither the emulator nor a function sees it."""
    path = os.environ.get("PATH", os.defpath)
    os.environ.clear()
    os.environ.update(
        PATH=path,
        HOME=str(settings.scratch),
        TMPDIR=str(settings.temp),
        GATEWAY_PORT=str(settings.port),
        BIND_HOST=HOST,
        MINISTACK_HOST=HOST,
        MINISTACK_ACCOUNT_ID=settings.account_id,
        MINISTACK_REGION=settings.region,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AUTH="true" if settings.enforce_iam else "false",
        LAMBDA_EXECUTOR="local",
        STATE_DIR=str(settings.scratch / "state"),
        S3_DATA_DIR=str(settings.scratch / "s3"),
        LOG_LEVEL=log_level,
        SFN_WAIT_SCALE=str(wait_scale),
        # No listeners but ours, and no look at the Docker daemon of the machine.
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        DOCKER_HOST=f"unix://{settings.scratch}/no-docker.sock",
    )


def announce(ready_file: Path, settings: Settings) -> None:
    ready = {"endpoint": settings.endpoint, "port": settings.port, "pid": os.getpid(), "ministack": MINISTACK}
    partial = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
    partial.write_text(json.dumps(ready))
    partial.replace(ready_file)


if __name__ == "__main__":
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    # End at once: the interpreter's own exit would wait for threads that still serve invocations.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)
