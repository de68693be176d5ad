"""Launchers for the tests, and short ways to put things into them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from parts import ACCOUNT, TRUST, zipped

LAUNCH = Path(__file__).resolve().parent.parent / "launch.py"
# Next to the virtual environment that runs the tests, or else the machine's.
NODE = shutil.which("node", path=str(Path(sys.prefix).parent / "bin")) or shutil.which("node")
REGION = "us-east-1"


class Aws:
    """A launcher, and clients for it."""

    def __init__(self, *arguments: str, scratch: Path | None = None, environment: dict | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="embedded-aws-test-"))
        self.ready_file = self.folder / "ready.json"
        self.scratch = scratch or self.folder / "scratch"
        self.log = self.folder / "log"
        command = [sys.executable, str(LAUNCH), "--ready-file", str(self.ready_file), "--scratch", str(self.scratch)]
        command += ["--node", NODE, "--watch-stdin", *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._clients: dict = {}

    def ready(self) -> "Aws":
        wait_for(lambda: self.ready_file.exists() or self.process.poll() is not None, 30)
        if self.process.poll() is not None:
            raise AssertionError(f"the launcher ended: {self.log.read_text()}")
        self.announced = json.loads(self.ready_file.read_text())
        self.endpoint = self.announced["endpoint"]
        return self

    def client(self, service: str, region: str = REGION, key: str = "test", secret: str = "test", token=None):
        identity = (service, region, key, token)
        if identity not in self._clients:
            self._clients[identity] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=region,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(retries={"max_attempts": 0}, max_pool_connections=20, read_timeout=60),
            )
        return self._clients[identity]

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


_shared: dict[tuple, Aws] = {}


def shared(arguments: tuple = ()) -> Aws:
    """One launcher for every test class that asks for the same arguments."""
    if arguments not in _shared:
        _shared[arguments] = Aws(*arguments).ready()
        unittest.addModuleCleanup(_stop_shared, arguments)
    return _shared[arguments]


def _stop_shared(arguments: tuple) -> None:
    _shared.pop(arguments).stop()


class AwsCase(unittest.TestCase):
    arguments: tuple = ()

    @classmethod
    def setUpClass(cls):
        cls.aws = shared(cls.arguments)

    def client(self, service: str, **named):
        return self.aws.client(service, **named)

    def assert_refused(self, code: str, call, **arguments) -> str:
        """The call fails with this AWS error code; its message."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    # Lambda

    def role(self, name: str = "function-role", policy: dict | None = None) -> str:
        iam = self.client("iam")
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        except iam.exceptions.EntityAlreadyExistsException:
            pass
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def function(self, name: str, source: str, files: dict | None = None, timeout: int = 20, **more) -> str:
        """Create a function whose handler is `source`'s export."""
        package = zipped({"index.mjs": source, **(files or {})})
        return self.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs22.x",
            Role=more.pop("role", None) or self.role(),
            Handler="index.handler",
            Timeout=timeout,
            Code={"ZipFile": package},
            **more,
        )["FunctionArn"]

    def invoke(self, name: str, event=None) -> tuple:
        """The payload of an invocation, and whether it is an error."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
        return json.loads(answer["Payload"].read()), "FunctionError" in answer

    # Step Functions

    def machine(self, name: str, definition: dict) -> str:
        return self.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role("machine-role")
        )["stateMachineArn"]

    def start(self, machine: str, data=None, **more) -> str:
        return self.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=json.dumps(data or {}), **more
        )["executionArn"]

    def finished(self, execution: str, seconds: float = 15) -> dict:
        def ended():
            found = self.client("stepfunctions").describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        return wait_for(ended, seconds)

    def history(self, execution: str) -> list[dict]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]

    # CloudFormation

    def start_stack(self, name: str, resources: dict, tags: dict | None = None) -> None:
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        self.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )

    def stack(self, name: str, resources: dict, tags: dict | None = None) -> str:
        """Create a stack; the status it settles in."""
        self.start_stack(name, resources, tags)
        return self.settled(name)

    def settled(self, name: str, seconds: float = 10) -> str:
        def status():
            found = self.stack_status(name)
            return None if found.endswith("_IN_PROGRESS") else found

        return wait_for(status, seconds)

    def stack_status(self, name: str) -> str:
        """The stack's status, or "gone"."""
        try:
            found = self.client("cloudformation").describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return "gone"
        return found["Stacks"][0]["StackStatus"]

    def delete_stack(self, name: str) -> str:
        self.client("cloudformation").delete_stack(StackName=name)
        return self.settled(name)

    def events(self, stack: str) -> list[tuple[str, str, str]]:
        """(logical id, status, reason), oldest first."""
        found = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return [
            (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed(found)
        ]

    def resource(self, stack: str, logical_id: str) -> str:
        return self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]

    def log_groups(self) -> set[str]:
        pages = self.client("logs").get_paginator("describe_log_groups").paginate()
        return {group["logGroupName"] for page in pages for group in page["logGroups"]}

    def buckets(self) -> set[str]:
        return {bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]}


class RepairCase(AwsCase):
    """Tests of one repair; `test_repairs_are_needed` runs them once more without it."""

    repair: str


def wait_for(probe, seconds: float = 10):
    """The probe's first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds} s: {probe}")
        time.sleep(0.02)
    return answer


def concurrently(times: int, call) -> list:
    """What `times` calls at once answer."""
    with ThreadPoolExecutor(times) as pool:
        return [answer.result() for answer in [pool.submit(call) for _ in range(times)]]


def processes_with(text: str) -> list[int]:
    """Processes, zombies aside, which have `text` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"):
                found.append(int(folder.name))
        except OSError:
            pass
    return found
