"""Executions that AWS recorded, run once more on the emulator: their histories are the same."""

import sys
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from histories import differences
from recordings import FOLDER, MISSING, executions, state_machines
from replay import Replay, scope
from support import AwsCase

# (part of the recording's name, what differs, and what that means for a run). Each row must still be needed.
ACCEPTED = [
    ("[1:", "slices of a JSONPath are null: HyperFrames' templates have none"),
    ("items[:1]", "slices of a JSONPath are null: HyperFrames' templates have none"),
    ("regex_json_path_base", "filters of a JSONPath are null: HyperFrames' templates have none"),
    ("ESCAPE_SEQUENCES_JSONPATH", "escapes in a JSONPath's name are not read: HyperFrames' templates have none"),
    ("test_query_context_object_values", "the whole context object, $$, is null: HyperFrames' templates name its members"),
    ("put_path[$$]", "the whole context object, $$, is null: HyperFrames' templates name its members"),
    ("test_base_wait_seconds_path[-1", "a Wait with wrong seconds does not fail: HyperFrames' templates have no Wait"),
    ("test_base_wait_seconds_path[1.5]", "a Wait with wrong seconds does not fail: HyperFrames' templates have no Wait"),
    ("with_retry_extended_input", "$$ is null, and $$.State.RetryCount is there without a retry: no template has either"),
    ("test_invoke_unsupported_param", "lambda:invoke ignores LogType: HyperFrames' templates have none"),
    ("test_invoke_json_values[0.0]", "JavaScript has no 0.0: the functions here are Node's"),
    ("test_no_such_function", "the error is equal, its cause shorter: the tool shows the cause, and decides by the error"),
    ("test_parallel_state_nested", "not on record: two of the three ends of the Parallels were left out"),
    ("test_parallel_state_lambda", "not on record: two functions that answer differently to the same event"),
    ("test_start_large_input", "not on record: the input of 256 KiB; test_states.DataLimit has one"),
    ("test_state_pass_result_jsonpaths", "not on record: the definition of this one was altered"),
    ("TestSnfBase::test_variable", "not on record: the path that the definition was given"),
    ("TestSnfBase::test_items_path", "not on record: the path that the definition was given"),
]


@unittest.skipUnless(FOLDER.is_dir(), MISSING)
class RecordedExecutions(AwsCase):
    arguments = ("--wait-scale", "0.02")

    def test_histories_are_as_recorded(self):
        self.role()
        self.role("machine-role")
        definitions, left_out, todo = state_machines(), Counter(), []
        for recording in executions():
            found = scope(recording, definitions)
            if isinstance(found, str):
                left_out[found] += 1
            else:
                todo.append((recording, found))
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda item: (item[0].name, self.best(*item)), todo))
        reasons = {name: self.reason(name) for name, found in results if found}
        for name, found in results:
            with self.subTest(name):
                if found and reasons[name] is None:
                    self.fail("\n".join(found))
        self.assertGreater(len(results), 150)
        self.assertEqual([row for row in ACCEPTED if not any(row[0] in name for name in reasons)], [], "as recorded by now")
        print(f"\n{len(results)} recorded executions run again: {len(results) - len(reasons)} equal", file=sys.stderr)
        for reason, count in [*Counter(reasons.values()).most_common(), *((f"out of scope: {why}", n) for why, n in left_out.most_common())]:
            print(f"{count:5} {reason}", file=sys.stderr)

    def reason(self, name: str) -> str | None:
        return next((why for part, why in ACCEPTED if part in name), None)

    def best(self, recording, definitions: list[dict]) -> list[str]:
        """What differs with the definition that fits best, for AWS's own is not named in the recording."""
        tried = []
        for definition in definitions[:8]:
            replay = Replay(self, recording)
            tried.append(differences(replay.recorded, replay.run(definition)))
            if not tried[-1]:
                return []
        return min(tried, key=lambda found: (any(line.startswith("events:") for line in found), len(found)))


if __name__ == "__main__":
    unittest.main()
