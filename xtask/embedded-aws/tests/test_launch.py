"""Starting and stopping."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import boto3
from support import LAUNCH, NODE, Aws, AwsCase, processes_with, wait_for
from test_lambda import SPAWNING, unique_seconds


class LaunchCase(unittest.TestCase):
    def launch(self, *arguments: str, **named) -> Aws:
        aws = Aws(*arguments, **named)
        self.addCleanup(aws.stop)
        return aws.ready()

    def busy(self, aws: Aws) -> str:
        """Have a function at work that has started a child; the child's mark."""
        mark = unique_seconds()
        case = AwsCase()
        case.aws = aws
        case.function("busy", SPAWNING, timeout=60)
        event = json.dumps({"mark": mark, "seconds": 30})
        client = aws.client("lambda")

        def invoke():
            try:
                client.invoke(FunctionName="busy", Payload=event)
            except Exception:
                pass  # The launcher goes away in the middle.

        threading.Thread(target=invoke, daemon=True).start()
        wait_for(lambda: processes_with(mark))
        return mark

    def refused(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, LAUNCH, "--node", NODE, *arguments], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1, done)
        return done.stderr


class Starting(LaunchCase):
    def test_ready_file_is_the_truth(self):
        aws = self.launch("--account-id", "210987654321", "--region", "eu-central-1")
        self.assertEqual(aws.announced, {
            "endpoint": f"http://127.0.0.1:{aws.announced['port']}", "port": aws.announced["port"],
            "pid": aws.process.pid, "ministack": "1.5.33",
        })
        identity = aws.client("sts").get_caller_identity()
        self.assertEqual(identity["Account"], "210987654321")
        self.assertEqual(os.listdir(aws.folder).count("ready.json"), 1)
        self.assertEqual([name for name in os.listdir(aws.folder) if name.startswith("ready.json.")], [])

    def test_only_loopback_listens(self):
        aws = self.launch()
        sockets = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        port = f":{aws.announced['port']:04X}"
        local = [line.split()[1] for line in sockets.splitlines()[1:] if port in line.split()[1] and line.split()[3] == "0A"]
        self.assertEqual(local, [f"0100007F{port}"])

    def test_chosen_port_and_a_taken_one(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            with tempfile.TemporaryDirectory() as folder:
                error = self.refused("--port", port, "--ready-file", f"{folder}/r", "--scratch", f"{folder}/s")
                self.assertIn(f"cannot listen on 127.0.0.1:{port}: Address already in use", error)
                self.assertEqual(os.listdir(folder), [])
        self.assertEqual(self.launch("--port", port).announced["port"], int(port))

    def test_scratch_of_a_killed_launcher_is_reused_and_any_other_folder_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder, "scratch")
            first = Aws(scratch=scratch).ready()
            mark = self.busy(first)
            error = self.refused("--ready-file", f"{folder}/other", "--scratch", str(scratch))
            self.assertIn("in use by another launcher", error)
            first.process.kill()
            first.process.wait()
            self.assertTrue(any(scratch.glob("tmp/busy-*")), "left behind")
            second = Aws(scratch=scratch).ready()
            self.assertFalse(any(scratch.glob("tmp/busy-*")), "removed")
            second.stop()
            first.stop()
            wait_for(lambda: not processes_with(mark))
            self.assertFalse(scratch.exists() and os.listdir(scratch))
            Path(folder, "thesis.txt").write_text("mine")
            self.assertIn("not empty", self.refused("--ready-file", f"{folder}/r", "--scratch", folder))
            self.assertEqual(Path(folder, "thesis.txt").read_text(), "mine")

    def test_caller_s_environment_stays_outside(self):
        with tempfile.TemporaryDirectory() as home:
            Path(home, ".aws").mkdir()
            Path(home, ".aws", "credentials").write_text("[default]\naws_access_key_id=REAL\naws_secret_access_key=REAL\n")
            secrets = {
                "AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "REAL", "AWS_ENDPOINT_URL": "http://10.0.0.1",
                "AWS_REGION": "ap-south-1", "HTTP_PROXY": "http://10.0.0.1", "SFN_WAIT_SCALE": "9", "GATEWAY_PORT": "1",
                "NODE_OPTIONS": "--require=/nowhere.js", "PERSIST_STATE": "1", "MY_TOKEN": "secret", "HOME": home,
            }
            aws = self.launch(environment={"PATH": os.environ["PATH"], **secrets})
            case = AwsCase()
            case.aws = aws
            case.function("looking", "export const handler = async () => process.env;")
            found, _ = case.invoke("looking")
        for name in secrets.keys() - {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION", "HOME"}:
            self.assertNotIn(name, found)
        self.assertEqual((found["AWS_REGION"], found["AWS_ENDPOINT_URL"]), ("us-east-1", aws.endpoint))
        self.assertNotIn("REAL", json.dumps(found))
        self.assertTrue(found["HOME"].startswith(str(aws.scratch)))

    def test_two_at_once_know_nothing_of_each_other(self):
        first, second = self.launch(), self.launch()
        first.client("s3").create_bucket(Bucket="only-here")
        self.assertEqual(second.client("s3").list_buckets()["Buckets"], [])


class Stopping(LaunchCase):
    def test_every_way_to_stop_ends_the_workers(self):
        def end_of_stdin(aws):
            aws.process.stdin.close()

        def signalled(number):
            return lambda aws: aws.process.send_signal(number)

        ways = {
            "SIGTERM": signalled(signal.SIGTERM), "SIGINT": signalled(signal.SIGINT),
            "SIGHUP": signalled(signal.SIGHUP), "stdin": end_of_stdin,
        }
        for name, stop in ways.items():
            with self.subTest(name):
                aws = Aws().ready()
                self.addCleanup(aws.stop)
                mark = self.busy(aws)
                started = time.monotonic()
                stop(aws)
                self.assertEqual(aws.process.wait(10), 0)
                self.assertLess(time.monotonic() - started, 3)
                self.assertEqual(processes_with(mark), [])
                self.assertEqual(processes_with(str(aws.scratch)), [])
                self.assertEqual(os.listdir(aws.folder), ["log"], "ready file and scratch are gone")

    def test_workers_do_not_outlive_a_killed_launcher(self):
        aws = self.launch()
        mark = self.busy(aws)
        aws.process.kill()
        wait_for(lambda: not processes_with(mark), 5)
        runtime = str(LAUNCH.with_name("embedded_aws") / "lambda_")
        wait_for(lambda: not [pid for pid in processes_with(runtime) if self.is_of(pid, aws)], 5)

    def is_of(self, pid: int, aws: Aws) -> bool:
        try:
            return str(aws.scratch) in os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
