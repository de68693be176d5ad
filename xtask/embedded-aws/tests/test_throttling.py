"""Reserved concurrency."""

import json
import threading
import unittest

from parts import function_resource, invoke_state
from support import RepairCase

SLOW = "export const handler = async () => { await new Promise((done) => setTimeout(done, 1500)); };"


class ReservedConcurrency(RepairCase):
    repair = "lambda-reserved-concurrency"

    def test_template_reserves_and_lifts(self):
        function = function_resource("reserving", ReservedConcurrentExecutions=2)
        self.stack("reserving", {"Function": function})
        concurrency = self.client("lambda").get_function_concurrency
        self.assertEqual(concurrency(FunctionName="reserving").get("ReservedConcurrentExecutions"), 2)
        template = {"Resources": {"Function": function_resource("reserving")}}
        self.client("cloudformation").update_stack(StackName="reserving", TemplateBody=json.dumps(template))
        self.assertEqual(self.settled("reserving"), "UPDATE_COMPLETE")
        self.assertNotIn("ReservedConcurrentExecutions", concurrency(FunctionName="reserving"))


class ThrottleError(RepairCase):
    repair = "lambda-throttle-error"

    def test_retry_matches_a_throttle(self):
        arn = self.function("throttled", SLOW)
        self.client("lambda").put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=1)
        retry = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 1}
        machine = self.machine("throttled", {"StartAt": "Call", "States": {"Call": invoke_state(arn, Retry=[retry])}})
        busy = threading.Thread(target=self.invoke, args=("throttled",))
        busy.start()
        execution = self.start(machine)
        self.assertEqual(self.finished(execution)["status"], "SUCCEEDED")
        busy.join()
        failures = [event["taskFailedEventDetails"] for event in self.history(execution) if event["type"] == "TaskFailed"]
        self.assertEqual({failure["error"] for failure in failures}, {"Lambda.TooManyRequestsException"})
        self.assertIn("Status Code: 429", failures[0]["cause"])


if __name__ == "__main__":
    unittest.main()
