"""Lambda functions in execution environments."""

import threading
import time
import unittest
import uuid
from pathlib import Path

from parts import function_resource, zipped
from support import AwsCase, RepairCase, concurrently, processes_with, wait_for

NAMED_ERROR = """
export async function handler(event) {
  if (event.exit) process.exit(3);
  if (event.late) { setTimeout(() => { throw new Error("late"); }, 5); await new Promise(() => {}); }
  if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
  if (event.fail) throw Object.assign(new Error("no plan"), { name: "PLAN_HASH_MISMATCH" });
  return { pid: process.pid, environment: process.env };
}
"""

# The child is in a session of its own, as a browser that puppeteer starts is.
SPAWNING = """
import { spawn } from "node:child_process";
export async function handler({ mark, seconds }) {
  spawn("sleep", [mark], { detached: true, stdio: "ignore" }).unref();
  if (seconds) await new Promise((done) => setTimeout(done, seconds * 1000));
  return "spawned";
}
"""


def unique_seconds() -> str:
    """An argument for `sleep` that no other process has."""
    return f"{600 + uuid.uuid4().int % 100}.{uuid.uuid4().int % 10**9:09}"


class Environments(RepairCase):
    repair = "lambda-environments"

    def test_error_keeps_name_message_and_trace(self):
        self.function("named-error", NAMED_ERROR)
        error, failed = self.invoke("named-error", {"fail": True})
        self.assertTrue(failed)
        self.assertEqual((error["errorType"], error["errorMessage"]), ("PLAN_HASH_MISMATCH", "no plan"))
        self.assertIn("PLAN_HASH_MISMATCH: no plan", error["trace"][0])

    def test_process_exit_is_an_exit_error_and_the_next_invocation_starts_anew(self):
        self.function("exiting", NAMED_ERROR)
        first, _ = self.invoke("exiting")
        error, _ = self.invoke("exiting", {"exit": True})
        self.assertEqual(error["errorType"], "Runtime.ExitError")
        self.assertIn("exit status 3", error["errorMessage"])
        error, _ = self.invoke("exiting", {"late": True})
        self.assertEqual(error["errorType"], "Runtime.UncaughtException")
        second, failed = self.invoke("exiting")
        self.assertFalse(failed)
        self.assertNotEqual(first["pid"], second["pid"])

    def test_time_out(self):
        self.function("slow", NAMED_ERROR, timeout=1)
        error, _ = self.invoke("slow", {"sleep": 5000})
        self.assertEqual(error["errorType"], "Sandbox.Timedout")
        self.assertIn("Task timed out after 1.00 seconds", error["errorMessage"])

    def test_missing_module_and_missing_handler(self):
        self.function("no-module", 'import "nowhere"; export const handler = () => 1;')
        self.assertEqual(self.invoke("no-module")[0]["errorType"], "Runtime.ImportModuleError")
        self.function("no-handler", "export const other = () => 1;")
        self.assertEqual(self.invoke("no-handler")[0]["errorType"], "Runtime.HandlerNotFound")

    def test_package_keeps_modes_and_is_extracted_once(self):
        source = """
        import { execFileSync } from "node:child_process";
        export async function handler() {
          await new Promise((done) => setTimeout(done, 300));
          return [process.cwd(), execFileSync("bin/tool").toString(), process.env.TMPDIR];
        }
        """
        self.function("tool", source, {"bin/tool": ("#!/bin/sh\necho ran", 0o755)})
        answers = concurrently(2, lambda: self.invoke("tool")[0])
        self.assertEqual({answer[1] for answer in answers}, {"ran\n"})
        self.assertEqual(len({answer[0] for answer in answers}), 1, "one copy of the code")
        self.assertEqual(len({answer[2] for answer in answers}), 2, "a temporary folder each")

    def test_fonts_are_looked_for_in_the_environments_own_temporary_folder(self):
        source = """
        import fs from "node:fs";
        export const handler = async () => [
          fs.readFileSync(`${process.env.FONTCONFIG_PATH}/fonts.conf`, "utf8"), process.env.TMPDIR];
        """
        self.function("fonts", source)
        configuration, folder = self.invoke("fonts")[0]
        self.assertIn(f"<dir>{folder}/fonts</dir>", configuration)

    def test_commonjs_handler_with_a_callback(self):
        package = zipped({"index.js": "exports.handler = (event, context, done) => done(null, event.n + 1);"})
        self.client("lambda").create_function(
            FunctionName="callback", Runtime="nodejs22.x", Role=self.role(), Handler="index.handler",
            Code={"ZipFile": package},
        )
        self.assertEqual(self.invoke("callback", {"n": 1}), (2, False))

    def test_log_reaches_the_implicit_log_group(self):
        self.function("logging", "export const handler = async () => { console.log('a line of mine'); };")
        self.assertNotIn("/aws/lambda/logging", self.log_groups())
        self.invoke("logging")
        events = self.client("logs").filter_log_events(logGroupName="/aws/lambda/logging")["events"]
        lines = [event["message"] for event in events]
        self.assertTrue(any("\tINFO\ta line of mine" in line for line in lines), lines)

    def test_time_out_ends_what_the_handler_started(self):
        mark = unique_seconds()
        self.function("spawning-slow", SPAWNING, timeout=1)
        self.invoke("spawning-slow", {"mark": mark, "seconds": 5})
        self.assertEqual(processes_with(mark), [])


class Deletion(RepairCase):
    repair = "lambda-deletion"

    def test_stack_deletion_ends_a_running_invocation_and_its_processes(self):
        mark = unique_seconds()
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/doomed"}}
        source = f"""
        const {{ spawn }} = require("node:child_process");
        exports.handler = async () => {{
          spawn("sleep", ["{mark}"], {{ detached: true, stdio: "ignore" }}).unref();
          console.log("at work");
          await new Promise((done) => setTimeout(done, 4000));
        }};
        """
        self.assertEqual(self.stack("doomed", {
            "Logs": group, "Function": {**function_resource("doomed", source), "DependsOn": "Logs"},
        }), "CREATE_COMPLETE")
        answers = []
        invocation = threading.Thread(target=lambda: answers.append(self.invoke("doomed")))
        started = time.monotonic()
        invocation.start()
        wait_for(lambda: processes_with(mark))
        self.assertEqual(self.delete_stack("doomed"), "gone")
        invocation.join()
        self.assertLess(time.monotonic() - started, 3.5, "the invocation did not run to its end")
        self.assertEqual(answers[0][0]["errorType"], "Runtime.ExitError")
        self.assertEqual(processes_with(mark), [])
        self.assertNotIn("/aws/lambda/doomed", self.log_groups())


class Updates(RepairCase):
    repair = "lambda-updates"

    def test_a_function_gets_new_environments_and_loses_no_invocation(self):
        source = """
        export async function handler(event) {
          if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
          return [process.pid, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, process.env.OWN];
        }
        """
        self.function("updated", source, MemorySize=2048, Environment={"Variables": {"OWN": "kept"}})
        wait_for(lambda: self.update_status("updated") == "Successful")
        old = self.invoke("updated")[0]
        self.assertEqual(old[1:], ["2048", "kept"])
        answers = []
        invocation = threading.Thread(target=lambda: answers.append(self.invoke("updated", {"sleep": 1000})))
        invocation.start()
        time.sleep(0.3)
        update = self.client("lambda").update_function_configuration
        answer = update(FunctionName="updated", MemorySize=4096)
        self.assertEqual((answer["State"], answer["LastUpdateStatus"]), ("Active", "InProgress"))
        self.assert_refused("ResourceConflictException", update, FunctionName="updated", MemorySize=1024)
        wait_for(lambda: self.update_status("updated") == "Successful")
        new = self.invoke("updated")[0]
        self.assertEqual(new[1:], ["4096", "kept"])
        invocation.join()
        self.assertEqual(answers, [(old, False)], "what ran ended in its old environment")
        self.assertNotEqual(new[0], old[0])
        wait_for(lambda: not Path(f"/proc/{old[0]}").exists())
        self.assert_refused("ValidationException", update, FunctionName="updated", MemorySize=10241)

    def update_status(self, name: str) -> str:
        return self.client("lambda").get_function_configuration(FunctionName=name)["LastUpdateStatus"]


class Slots(AwsCase):
    arguments = ("--lambda-slots", "1")

    def test_invocations_share_the_environments(self):
        source = "export const handler = async () => { await new Promise((d) => setTimeout(d, 100)); return process.pid; };"
        self.function("one-at-a-time", source)
        answers = concurrently(3, lambda: self.invoke("one-at-a-time")[0])
        self.assertEqual(len(answers), 3)
        self.assertEqual(len(set(answers)), 1)


if __name__ == "__main__":
    unittest.main()
