"""Run scripts, each in a fork of this process, which has boto3, the services' models, and sam's modules ready.

It prints the path of a folder, with a socket and a program `sam` made of the first argument. A request is a line of JSON: the script, its arguments, its environment, and its folder;
with it come the standard streams, if the script is to have those of the caller. The answer is JSON: the exit status, and
what the script printed elsewhere. A script ends when its caller does, and this process when its standard input does.
"""
import contextlib
import io
import json
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import boto3
import samcli.cli.main
import samcli.commands.deploy.command
import samcli.commands.deploy.deploy_context

SERVICES = "cloudformation", "cloudwatch", "iam", "lambda", "logs", "s3", "stepfunctions", "sts"


def received(connection):
    request, streams, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while not request.endswith(b"\n"):
        request += connection.recv(1 << 16)
    return json.loads(request), streams


def end_with(connection):
    connection.recv(1)
    os._exit(1)


def run(script):
    try:
        exec(script, {"__name__": "__main__"})
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


def answer(connection):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams = received(connection)
    threading.Thread(target=end_with, args=(connection,), daemon=True).start()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    sys.argv = request["args"]
    printed = io.StringIO()
    if streams:
        for nth, stream in enumerate(streams):
            os.dup2(stream, nth)
        status = run(request["script"])
        sys.stdout.flush()
        sys.stderr.flush()
    else:
        # sam has made the root's log print what it does.
        logging.disable()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = run(request["script"])
    connection.sendall(json.dumps({"status": status, "printed": printed.getvalue()}).encode())


for service in SERVICES:
    boto3.client(service, endpoint_url="http://127.0.0.1")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
    listener.bind(f"{folder}/socket")
    listener.listen(64)
    sam = Path(folder, "sam")
    sam.write_text(f"#!{sys.executable} -IS\nSOCKET = {listener.getsockname()!r}\n{sys.argv[1]}")
    sam.chmod(0o755)
    print(folder, flush=True)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            try:
                answer(connection)
            finally:
                os._exit(1)
        connection.close()
