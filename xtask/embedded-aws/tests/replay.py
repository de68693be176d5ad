"""Runs on the emulator what AWS ran: a recorded execution's state machine, input, and function."""

import itertools
import json
import re

from parts import ACCOUNT
from recordings import Recording, states_of
from support import AwsCase, wait_for

OUT_OF_SCOPE = {
    "JSONata": re.compile(r'JSONata|"Assign"|\{%'),
    "distributed Map": re.compile(r"DISTRIBUTED|ItemReader|ResultWriter|Tolerated|ItemBatcher|Label"),
}
MARKS = (
    ("MapRun", "distributed Map"),
    ("MaxItems", "distributed Map"),
    ("assignedVariables", "variables"),
    ("QueryEval", "JSONata"),
)
# Answers what AWS's function answered to the same event, attempt by attempt.
SOURCE = """
const sorted = (value) => value && typeof value === "object" && !Array.isArray(value)
  ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value;
const answers = new Map(%s);
const inOrder = [...answers.values()].flat();
const attempts = new Map();
export const handler = async (event) => {
  const key = answers.has(JSON.stringify(sorted(event))) ? JSON.stringify(sorted(event)) : "any";
  const known = answers.get(key) ?? inOrder;
  const attempt = attempts.get(key) ?? 0;
  attempts.set(key, attempt + 1);
  const { value, error, sleep, size } = known[Math.min(attempt, known.length - 1)];
  if (sleep) await new Promise((done) => setTimeout(done, sleep));
  if (size) return "\\u00f6".repeat(size);
  if (error) throw Object.assign(new Error(error.errorMessage), { name: error.errorType });
  return value;
};
"""
_numbers = itertools.count()


def scope(recording: Recording, definitions: dict[tuple[str, str], dict]) -> str | list[dict]:
    """The definitions that may have made the recording, best first; or why none of them is replayed."""
    text = json.dumps(recording.events)
    for mark, reason in MARKS:
        if mark in text:
            return reason
    if "timestamp" in json.dumps(recording.input).lower():
        return "time of the input not on record"
    entered, start = set(recording.states()), recording.states()[0][0]
    fitting = [
        (folder, name) for (folder, name), definition in definitions.items()
        if definition.get("StartAt") == start and entered <= {(n, s.get("Type")) for n, s in states_of(definition)}
    ]
    asked = {word.lower().removeprefix("st.") for word in re.findall(r"[\w.]+", recording.test.split("::")[1])}
    asked |= {word.removeprefix("test_") for word in asked}
    own = recording.source.split("/")[0].replace("_", "").rstrip("s")
    preferred = (
        [(folder, name) for folder, name in fitting if name in asked],
        [(folder, name) for folder, name in fitting if folder.replace("_", "").startswith(own)],
        fitting,
    )
    names = next((found for found in preferred if found), [])
    kept = [name for name in names if not _out_of_scope(definitions[name])]
    if not kept:
        return sorted(_out_of_scope(definitions[name]) for name in names)[0] if names else "no definition on record"
    return [_with_parameter(definitions[name], recording.test) for name in kept]


def _out_of_scope(definition: dict) -> str | None:
    text = json.dumps(definition)
    for reason, pattern in OUT_OF_SCOPE.items():
        if pattern.search(text):
            return reason
    resources = [state.get("Resource", "") for _, state in states_of(definition) if state.get("Type") == "Task"]
    return None if all("lambda" in r.lower() or "tb" in r for r in resources) else "other services"


def _with_parameter(definition: dict, test: str) -> dict:
    """The definition with the path that the test's name has between brackets, where it takes one."""
    given = re.search(r"\[(\$.*)\]$", test)
    text = json.dumps(definition)
    if given and "$.items[0]" in text:
        return json.loads(text.replace("$.items[0]", given[1]))
    return json.loads(text.replace("%CONTEXT_OBJECT_LITERAL_PLACEHOLDER%", given[1] if given else "$$.Execution.Input"))


class Replay:
    """One recording on one emulator."""

    def __init__(self, case: AwsCase, recording: Recording):
        self._case = case
        self._name = f"replay-{next(_numbers)}"
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self._name}"
        text = json.dumps(recording.events)
        text = re.sub(r"<lambda_function(_\d)?_name>|\blambda_function(_\d)?_name\b|\bfunction_name_branch\d", self._name, text)
        text = text.replace("<partition>", "aws").replace("<region>", "us-east-1").replace("111111111111", ACCOUNT)
        self.recorded = json.loads(text)
        self._arn = arn

    def run(self, definition: dict) -> list[dict]:
        """The history of the execution."""
        text = json.dumps(definition)
        calls = "Task" in text
        text = re.sub(r'"Resource": "(_*tb[dc]_*|arn:aws:lambda:your-[^"]*)"', f'"Resource": "{self._arn}"', text)
        text = text.replace('"ErrorEquals": []', f'"ErrorEquals": {json.dumps(self._errors())}')
        text = text.replace("%LAMBDA_FUNCTION_ARN_LITERAL_PLACEHOLDER%", self._arn)
        if calls:
            self._case.function(self._name, SOURCE % json.dumps(self._answers()), timeout=60)
        try:
            machine = self._case.machine(f"{self._name}-{next(_numbers)}", json.loads(text))
            started = self.recorded[0]["executionStartedEventDetails"]["input"]
            started = started if isinstance(started, str) else json.dumps(started)
            execution = self._case.client("stepfunctions").start_execution(stateMachineArn=machine, input=started)
            arn = execution["executionArn"]
            if self.recorded[-1]["type"] == "ExecutionAborted":
                wait_for(lambda: len(self._case.history(arn)) > 1)
                self._case.client("stepfunctions").stop_execution(executionArn=arn)
            self._case.finished(arn, seconds=30)
            return self._case.history(arn)
        finally:
            if calls:
                self._case.client("lambda").delete_function(FunctionName=self._name)

    def _errors(self) -> list[str]:
        failed = [event.get("taskFailedEventDetails", {}).get("error") for event in self.recorded]
        return sorted(set(filter(None, failed))) or ["NoError"]

    def _answers(self) -> list:
        """(event, outcomes) of each call, in the order of the attempts."""
        by_id = {event["id"]: event for event in self.recorded if isinstance(event["id"], int)}
        found: dict[str, list] = {}
        for event in self.recorded:
            outcome = _outcome(event)
            if outcome is None:
                continue
            scheduled = by_id.get(event["previousEventId"], event)
            scheduled = by_id.get(scheduled["previousEventId"], scheduled)
            sent = scheduled.get("lambdaFunctionScheduledEventDetails", {}).get("input")
            if "taskScheduledEventDetails" in scheduled:
                sent = scheduled["taskScheduledEventDetails"]["parameters"].get("Payload")
            elif isinstance(sent, str):
                sent = json.loads(sent)
            key = json.dumps(sent, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            found.setdefault(key, []).append(outcome)
        return list(found.items())


def _outcome(event: dict) -> dict | None:
    for kind in ("lambdaFunction", "task"):
        if done := event.get(f"{kind}SucceededEventDetails"):
            output = done["output"]
            if kind == "task":
                return {"value": output["Payload"] if isinstance(output, dict) else output}
            return {"value": json.loads(output) if isinstance(output, str) else output}
        if event.get(f"{kind}TimedOutEventDetails"):
            return {"sleep": 20_000}
        if failed := event.get(f"{kind}FailedEventDetails"):
            if failed["error"] == "States.DataLimitExceeded":
                return {"size": 200_000}
            return {"error": failed["cause"]} if isinstance(failed["cause"], dict) else {"value": None}
    return None
