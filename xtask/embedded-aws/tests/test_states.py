"""Step Functions executions."""

import json
import time
import unittest

from parts import invoke_state
from support import RepairCase, wait_for

ECHO = """
export async function handler(event) {
  const { index, fail, sleep } = event;
  if (sleep) await new Promise((done) => setTimeout(done, sleep));
  if (fail) throw Object.assign(new Error("chunk lost"), { name: "ChunkError" });
  return { index, at: Date.now() };
}
"""


class StatesCase(RepairCase):
    def machine_of(self, name: str, state, **more) -> str:
        """A machine of one state; `state` is given the ARN of a function that echoes, sleeps and fails."""
        function = f"{name}-echo"
        arn = self.function(function, ECHO)
        return self.machine(name, {"StartAt": "Only", "States": {"Only": {**state(arn), "End": True}}, **more})

    def ran(self, machine: str, data=None) -> str:
        """An execution that has ended."""
        execution = self.start(machine, data)
        self.finished(execution)
        return execution

    def chain(self, events: list[dict]) -> list[str]:
        """The types from the last event back to the first, along previousEventId."""
        by_id = {event["id"]: event for event in events}
        event, types = events[-1], []
        while event:
            types.append(event["type"])
            event = by_id.get(event["previousEventId"])
        return types


class History(StatesCase):
    repair = "states-history"

    def test_task_events(self):
        machine = self.machine_of("history", invoke_state)
        events = self.history(self.ran(machine, {"index": 7}))
        self.assertEqual([event["type"] for event in events], [
            "ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded",
            "TaskStateExited", "ExecutionSucceeded",
        ])
        self.assertEqual([event["previousEventId"] for event in events], [0, 0, 2, 3, 4, 5, 6])
        scheduled, succeeded = events[2]["taskScheduledEventDetails"], events[4]["taskSucceededEventDetails"]
        self.assertEqual((scheduled["resourceType"], scheduled["resource"]), ("lambda", "invoke"))
        self.assertEqual(scheduled["region"], "us-east-1")
        self.assertEqual(json.loads(scheduled["parameters"])["Payload"], {"index": 7})
        self.assertEqual(json.loads(succeeded["output"])["Payload"]["index"], 7)
        self.assertEqual(json.loads(succeeded["output"])["StatusCode"], 200)

    def test_attempts_follow_each_other(self):
        retry = {"ErrorEquals": ["ChunkError"], "IntervalSeconds": 1, "MaxAttempts": 1}
        machine = self.machine_of("retried", lambda arn: invoke_state(arn, Retry=[retry]))
        execution = self.ran(machine, {"fail": True})
        attempt = ["TaskFailed", "TaskStarted", "TaskScheduled"]
        self.assertEqual(self.chain(self.history(execution)), [
            "ExecutionFailed", *attempt, *attempt, "TaskStateEntered",
        ])

    def test_function_events(self):
        machine = self.machine_of("direct", lambda arn: {"Type": "Task", "Resource": arn, "TimeoutSeconds": 9})
        events = self.history(self.ran(machine, {"index": 7}))
        types = [event["type"] for event in events[2:5]]
        self.assertEqual(types, ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"])
        scheduled = events[2]["lambdaFunctionScheduledEventDetails"]
        self.assertEqual((json.loads(scheduled["input"]), scheduled["timeoutInSeconds"]), ({"index": 7}, 9))

    def test_task_timeout(self):
        machine = self.machine_of("task-timeout", lambda arn: invoke_state(arn, TimeoutSeconds=1))
        execution = self.ran(machine, {"sleep": 2000})
        self.assertEqual(self.history(execution)[-2]["type"], "TaskTimedOut")
        self.assertEqual(self.finished(execution)["error"], "States.Timeout")


class Map(StatesCase):
    repair = "states-map"

    def mapping(self, **more):
        return lambda arn: {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Chunk", "States": {"Chunk": invoke_state(arn)}},
            **more,
        }

    def test_iterations_are_kept_apart(self):
        machine = self.machine_of("map", self.mapping(MaxConcurrencyPath="$.limit"))
        execution = self.start(machine, {"items": [{"index": 0}, {"index": 1}], "limit": 2})
        self.assertEqual(self.finished(execution)["status"], "SUCCEEDED")
        events = self.history(execution)
        self.assertEqual(self.chain(events), [
            "ExecutionSucceeded", "MapStateExited", "MapIterationSucceeded",
            "TaskStateExited", "TaskSucceeded", "TaskStarted", "TaskScheduled", "TaskStateEntered",
            "MapIterationStarted", "MapStateStarted", "MapStateEntered",
        ])
        by_id = {event["id"]: event for event in events}
        for event in events:
            if event["type"] == "TaskSucceeded":
                index = json.loads(event["taskSucceededEventDetails"]["output"])["Payload"]["index"]
                while event["type"] != "MapIterationStarted":
                    event = by_id[event["previousEventId"]]
                self.assertEqual(event["mapIterationStartedEventDetails"], {"name": "Only", "index": index})

    def test_concurrency_path_bounds_the_iterations(self):
        machine = self.machine_of("bounded", self.mapping(MaxConcurrencyPath="$.limit"))
        items = [{"index": index, "sleep": 200} for index in range(3)]
        execution = self.start(machine, {"items": items, "limit": 1})
        output = json.loads(self.finished(execution)["output"])
        ends = [result["payload"]["at"] for result in output]
        self.assertEqual(ends, sorted(ends))
        self.assertGreaterEqual(ends[-1] - ends[0], 390)

    def test_iteration_that_waited_follows_what_made_room(self):
        machine = self.machine_of("one-by-one", self.mapping(MaxConcurrency=1))
        events = self.history(self.ran(machine, {"items": [{"index": 0}, {"index": 1}]}))
        by_id = {event["id"]: event for event in events}
        second = [event for event in events if event["type"] == "MapIterationStarted"][1]
        self.assertEqual(by_id[second["previousEventId"]]["type"], "TaskStateExited")

    def test_first_failure_fails_the_map_at_once(self):
        machine = self.machine_of("failing", self.mapping())
        execution = self.start(machine, {"items": [{"index": 0, "sleep": 6000}, {"index": 1, "fail": True}]})
        ended = self.finished(execution, seconds=4)
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "ChunkError"))
        self.assertEqual(json.loads(ended["cause"])["errorMessage"], "chunk lost")
        self.assertEqual([event["type"] for event in self.history(execution)][-4:], [
            "MapIterationFailed", "MapIterationAborted", "MapStateFailed", "ExecutionFailed",
        ])


class Branches(StatesCase):
    repair = "states-branches"

    def test_parallel_events(self):
        branches = [{"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("A", "B")]
        machine = self.machine_of("parallel", lambda _: {"Type": "Parallel", "Branches": branches})
        events = self.history(self.ran(machine))
        chain = ["ParallelStateExited", "PassStateExited", "PassStateEntered", "ParallelStateStarted", "ParallelStateEntered"]
        self.assertEqual(self.chain(events), ["ExecutionSucceeded", *chain])
        self.assertEqual(events[-3]["type"], "ParallelStateSucceeded")

    def test_failure_is_recorded_once_retries_are_exhausted(self):
        retry = [{"ErrorEquals": ["ChunkError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
        branch = lambda arn: {"StartAt": "Call", "States": {"Call": invoke_state(arn)}}
        machine = self.machine_of("retried-parallel", lambda arn: {"Type": "Parallel", "Branches": [branch(arn)], "Retry": retry})
        events = self.history(self.ran(machine, {"fail": True}))
        attempt = ["TaskFailed", "TaskStarted", "TaskScheduled", "TaskStateEntered", "ParallelStateStarted"]
        self.assertEqual(self.chain(events), ["ExecutionFailed", "ParallelStateFailed", *attempt, *attempt, "ParallelStateEntered"])
        self.assertEqual([event["type"] for event in events].count("TaskStateAborted"), 2)


class Paths(StatesCase):
    repair = "states-paths"

    def test_missing_path_fails_the_execution(self):
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "Only"}]
        payload = {"Payload": {"asked.$": "$.chunk.index"}}
        machine = self.machine_of("missing", lambda arn: {
            **invoke_state(arn, Catch=catch), "Parameters": {"FunctionName": arn, **payload},
        })
        ended = self.finished(self.start(machine, {"chunk": {}}))
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.Runtime"))
        self.assertEqual(ended["cause"], (
            "An error occurred while executing the state 'Only' (entered at the event id #2). The JSONPath "
            "'$.chunk.index' specified for the field 'asked.$' could not be found in the input '{\"chunk\":{}}'"
        ))

    def test_null_is_not_missing(self):
        machine = self.machine_of("null", lambda _: {"Type": "Pass", "Parameters": {"audio.$": "$.audio"}})
        self.assertEqual(json.loads(self.finished(self.start(machine, {"audio": None}))["output"]), {"audio": None})

    def test_result_selector_has_the_context(self):
        machine = self.machine_of("selected", lambda arn: {**invoke_state(arn), "ResultSelector": {"of.$": "$$.Execution.Name"}})
        ended = self.finished(self.start(machine, {}, name="known"))
        self.assertEqual(json.loads(ended["output"]), {"of": "known"})


class DataLimit(StatesCase):
    repair = "states-data-limit"

    def test_output_is_limited(self):
        machine = self.machine_of("large", lambda _: {"Type": "Pass", "Parameters": {"one.$": "$", "two.$": "$"}})
        self.assertEqual(self.finished(self.start(machine, "x" * 130_000))["status"], "SUCCEEDED")
        ended = self.finished(self.start(machine, "x" * 132_000))
        self.assertEqual((ended["status"], ended["error"]), ("FAILED", "States.DataLimitExceeded"))
        self.assertIn("'Only' returned a result with a size exceeding", ended["cause"])


class Ending(StatesCase):
    repair = "states-ending"

    def test_nothing_follows_an_abort(self):
        retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}
        machine = self.machine_of("aborted", lambda arn: invoke_state(arn, Retry=[retry]))
        execution = self.start(machine, {"sleep": 800, "fail": True})
        wait_for(lambda: len(self.history(execution)) >= 3)
        self.client("stepfunctions").stop_execution(executionArn=execution, error="Stopped", cause="by the test")
        time.sleep(1.5)
        ended = self.finished(execution)
        self.assertEqual((ended["status"], ended["error"], ended["cause"]), ("ABORTED", "Stopped", "by the test"))
        self.assertEqual(self.history(execution)[-1]["type"], "ExecutionAborted")

    def test_failure_has_no_output(self):
        machine = self.machine_of("failed", invoke_state)
        ended = self.finished(self.start(machine, {"fail": True}))
        self.assertEqual(ended["status"], "FAILED")
        self.assertNotIn("output", ended)

    def test_stack_deletion_terminates_executions(self):
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 2, "Next": "End"}, "End": {"Type": "Pass", "End": True}}}
        self.stack("machines", {"Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"RoleArn": self.role("machine-role"), "DefinitionString": json.dumps(definition)},
        }})
        execution = self.start(self.resource("machines", "Machine"))
        self.assertEqual(self.delete_stack("machines"), "gone")
        self.assertEqual(self.finished(execution)["status"], "ABORTED")


class Timeout(StatesCase):
    repair = "states-timeout"

    def test_machine_timeout(self):
        machine = self.machine_of("machine-timeout", invoke_state, TimeoutSeconds=1)
        execution = self.start(machine, {"sleep": 2500})
        self.assertEqual(self.finished(execution)["status"], "TIMED_OUT")
        time.sleep(1.8)
        self.assertEqual(self.history(execution)[-1]["type"], "ExecutionTimedOut")


class Start(StatesCase):
    repair = "states-start"

    def test_same_name_and_input_is_the_same_execution(self):
        machine = self.machine_of("started-twice", invoke_state)
        first = self.start(machine, {"sleep": 700}, name="once")
        self.assertEqual(self.start(machine, {"sleep": 700}, name="once"), first)
        self.assert_refused("ExecutionAlreadyExists", self.client("stepfunctions").start_execution,
                            stateMachineArn=machine, name="once", input='{"other": 1}')

    def test_input_must_be_json(self):
        machine = self.machine_of("bad-input", invoke_state)
        self.assert_refused("InvalidExecutionInput", self.client("stepfunctions").start_execution,
                            stateMachineArn=machine, input="{")


class Description(StatesCase):
    repair = "states-description"

    def test_absent_members(self):
        # The client library drops null members, so this looks at the answer itself.
        machine = self.machine_of("described", invoke_state)
        execution = self.start(machine, {"sleep": 500})
        answers = []
        client = self.client("stepfunctions")
        client.meta.events.register("before-parse.sfn.DescribeExecution", lambda response_dict, **_: answers.append(response_dict["body"]))
        client.describe_execution(executionArn=execution)
        self.assertEqual({"output", "stopDate"} & set(json.loads(answers[0])), set())


if __name__ == "__main__":
    unittest.main()
