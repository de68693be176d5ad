"""Calls whose answers AWS recorded: the emulator gives the same answers."""

import re
import sys
import unittest
from collections import Counter

import recorded_buckets
import recorded_stacks
from recorded_calls import differences
from recordings import FOLDER, MISSING
from support import AwsCase

# (difference, what it means for a run). Each row must still be needed.
ACCEPTED = [
    (r"\.Error\.(BucketName|Key|VersionId|UploadId|Condition|Method|ResourceType): absent|\.Error\.Resource: too much",
     "an S3 error names what it is about in another member: the tool reads code and message"),
    (r"\.Next(KeyMarker|UploadIdMarker): absent", "markers of a list that is not truncated: the tool looks at IsTruncated"),
    (r"Error\.Message: 'The (specified upload does not exist|bucket you tried)", "shorter texts of S3: the codes are equal"),
    (r"^delete-objects?-wrong-version-id|^delete-nonexistent-object-versionid",
     "a version that never was is deleted: the tool deletes only versions that were listed"),
    (r"\.(NotificationARNs|RollbackConfiguration|IncludeNestedStacks|ChangeSetId|DeletionTime): absent"
     r"|post-execute\.Description: absent|\.LastUpdatedTime: too much|\.EnableTerminationProtection: too much"
     r"|failed-stack-describe\.(Capabilities|Parameters): absent|\.StackStatusReason: absent",
     "members of a stack that neither the tool nor sam reads, or that this scenario's stack has not"),
    (r"^per-resource-events\.MyParameter:", "no second CREATE_IN_PROGRESS with the physical ID: creations take milliseconds"),
    (r"^ErrorForCreate|^deploy-error|^Error\.Error\.Message: 'Resource|^error-duplicate-log-group"
     r"|^exception\.exception_value|^error_execute_failed|^describe_nonexistent_sm|^start_exec_already_exists|^start_exec_str_inp",
     "other texts: the codes are equal, and the tool decides by them"),
    (r"\.deletionProtectionEnabled: absent", "a log group's protection, which templates of HyperFrames do not ask for"),
    (r"^exception: .*\[somestack\]", "a change set of no stack is ChangeSetNotFound, not ValidationError: sam makes the stack first"),
    (r"^e2\.", "a change set without a stack's name is deleted: sam and the tool name the stack"),
]


@unittest.skipUnless(FOLDER.is_dir(), MISSING)
class RecordedCalls(AwsCase):
    def test_answers_are_as_recorded(self):
        used, compared, equal = Counter(), 0, 0
        for scenario, title, answers in self.scenarios():
            recorded, known = scenario.recorded(), {}
            for label, answer in answers:
                found = differences(label, recorded[label], answer, known)
                compared, equal = compared + 1, equal + (not found)
                for line in found:
                    reason = next((reason for pattern, reason in ACCEPTED if re.search(pattern, line)), None)
                    used[reason] += 1
                    with self.subTest(title):
                        self.assertIsNotNone(reason, line)
        self.assertEqual([reason for _, reason in ACCEPTED if reason not in used], [], "as recorded by now")
        self.assertGreater(compared, 130)
        self.assertGreater(equal, 80)
        print(f"\n{compared} recorded answers asked for again: {equal} equal", file=sys.stderr)
        for reason, count in used.most_common():
            print(f"{count:5} {reason}", file=sys.stderr)

    def scenarios(self):
        """(scenario, its title, its answers under their labels)."""
        s3 = self.client("s3")
        for number, scenario in enumerate(recorded_buckets.SCENARIOS):
            bucket = f"recorded-{number}"
            s3.create_bucket(Bucket=bucket)
            yield scenario, scenario.title, scenario.calls(s3, bucket)
        for number, scenario in enumerate(recorded_stacks.SCENARIOS):
            yield scenario, scenario.title, scenario.calls(self.aws, f"recorded-{number}-stack")


if __name__ == "__main__":
    unittest.main()
