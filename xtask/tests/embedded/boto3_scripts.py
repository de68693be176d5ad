"""Run scripts that use boto3, each in a fork of this process, which has boto3 and the services' models ready.

It prints the path of a socket. A request is a line of JSON: the endpoint, the script, and its arguments. The answer is JSON:
what the script printed, and its error or null. The process ends when its standard input does.
"""
import contextlib
import io
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback

import boto3

SERVICES = "cloudformation", "cloudwatch", "iam", "lambda", "logs", "s3", "stepfunctions", "sts"


def answer(request):
    os.environ["AWS_ENDPOINT_URL"] = request["endpoint"]
    sys.argv = ["-c", *request["args"]]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(request["script"], {"__name__": "__main__"})
    except BaseException:
        return {"printed": printed.getvalue(), "error": traceback.format_exc()}
    return {"printed": printed.getvalue(), "error": None}


for service in SERVICES:
    boto3.client(service, endpoint_url="http://127.0.0.1")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
    listener.bind(f"{folder}/socket")
    listener.listen(64)
    print(listener.getsockname(), flush=True)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            with connection.makefile("rw") as stream:
                json.dump(answer(json.loads(stream.readline())), stream)
            os._exit(0)
        connection.close()
