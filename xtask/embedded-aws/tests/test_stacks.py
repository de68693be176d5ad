"""CloudFormation stacks."""

import json
import time
import unittest
import urllib.request

from parts import ROLE, function_resource, waiting_resources
from support import AwsCase, RepairCase, wait_for

RETAINED = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}


def machine_resource(name: str) -> dict:
    definition = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": name,
            "RoleArn": "arn:aws:iam::123456789012:role/any",
            "DefinitionString": json.dumps(definition),
        },
    }


def alarm_resource(name: str) -> dict:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name, "Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
        },
    }


class Names(RepairCase):
    repair = "stack-names"

    def test_taken_names_roll_the_second_stack_back(self):
        kinds = {
            "function": function_resource("taken"),
            "machine": machine_resource("taken"),
            "logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "taken"}},
            "role": {**ROLE, "Properties": {**ROLE["Properties"], "RoleName": "taken"}},
            "alarm": alarm_resource("taken"),
        }
        for kind, resource in kinds.items():
            with self.subTest(kind):
                self.assertEqual(self.stack(f"first-{kind}", {"Named": resource}), "CREATE_COMPLETE")
                self.assertEqual(self.stack(f"second-{kind}", {"Named": resource}), "ROLLBACK_COMPLETE")
                failed = next(event for event in self.events(f"second-{kind}") if event[1] == "CREATE_FAILED")
                self.assertIn("already exists", failed[2])

    def test_rolled_back_creation_keeps_what_is_to_be_retained(self):
        self.stack("owner", {"Named": function_resource("contended")})
        second = {"Bucket": RETAINED, "Named": {**function_resource("contended"), "DependsOn": "Bucket"}}
        before = self.buckets()
        self.assertEqual(self.stack("contender", second), "ROLLBACK_COMPLETE")
        self.assertEqual(len(self.buckets() - before), 1)
        self.assertEqual(self.invoke("contended"), (1, False), "the owner's function is untouched")
        self.assertEqual(self.delete_stack("contender"), "gone")
        self.assertEqual(len(self.buckets() - before), 1)


class Roles(RepairCase):
    repair = "stack-roles"

    def test_roles_keep_their_boundary(self):
        iam = self.client("iam")

        def role(boundary):
            properties = {**ROLE["Properties"], "RoleName": "limited", "PermissionsBoundary": boundary}
            return {"Limited": {**ROLE, "Properties": properties}}

        def boundary():
            return iam.get_role(RoleName="limited")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]

        first, second = "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"
        self.assertEqual(self.stack("bounded", role(first)), "CREATE_COMPLETE")
        self.assertEqual(boundary(), first)
        template = json.dumps({"Resources": role(second)})
        self.client("cloudformation").update_stack(
            StackName="bounded", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        self.assertEqual(self.settled("bounded"), "UPDATE_COMPLETE")
        self.assertEqual(boundary(), second)

    def test_a_policy_that_is_not_there_fails_the_stack(self):
        properties = {**ROLE["Properties"], "PermissionsBoundary": "arn:aws:iam::123456789012:policy/none"}
        self.assertEqual(self.stack("unbounded", {"Role": {**ROLE, "Properties": properties}}), "ROLLBACK_COMPLETE")
        failed = next(event for event in self.events("unbounded") if event[1] == "CREATE_FAILED")
        self.assertIn("does not exist or is not attachable", failed[2])


class DeletionDuringCreation(RepairCase):
    repair = "stack-deletion"

    def test_creation_stops_and_what_it_made_goes(self):
        function = {**function_resource("half-made"), "DependsOn": "Bucket"}
        before = self.buckets()
        self.start_stack("half-made", {"Bucket": RETAINED, "Function": function, **waiting_resources("Function", 3)})
        self.assertEqual(self.stack_status("half-made"), "CREATE_IN_PROGRESS")
        wait_for(lambda: ("Wait", "CREATE_IN_PROGRESS", "") in self.events("half-made"))
        started = time.monotonic()
        self.assertEqual(self.delete_stack("half-made"), "gone")
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(len(self.buckets() - before), 1, "the retained bucket")
        self.assert_refused("ResourceNotFoundException", self.client("lambda").get_function, FunctionName="half-made")
        time.sleep(3)
        self.assertEqual(self.stack_status("half-made"), "gone", "and it does not come back")


class DeletedResources(RepairCase):
    repair = "stack-resources"

    def test_a_deleted_stack_lists_what_it_had_by_its_id(self):
        self.stack("listed", {"Bucket": RETAINED, "Function": function_resource("listed")})
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.describe_stacks(StackName="listed")["Stacks"][0]["StackId"]
        bucket = self.resource("listed", "Bucket")
        self.assertEqual(self.delete_stack("listed"), "gone")
        found = cloudformation.describe_stack_resources(StackName=stack_id)["StackResources"]
        self.assertEqual(
            {(resource["PhysicalResourceId"], resource["ResourceStatus"]) for resource in found},
            {(bucket, "DELETE_SKIPPED"), ("listed", "DELETE_COMPLETE")},
        )


class Identity(RepairCase):
    repair = "stack-identity"

    def test_deleted_stack_has_only_its_id(self):
        ask = self.client("cloudformation")
        self.stack("named", {"Bucket": RETAINED})
        first = ask.describe_stacks(StackName="named")["Stacks"][0]["StackId"]
        self.assertEqual(self.delete_stack("named"), "gone")
        self.assert_refused("ValidationError", ask.describe_stack_events, StackName="named")
        self.stack("named", {"Bucket": RETAINED})
        self.assertEqual(self.stack_status(first), "DELETE_COMPLETE")
        ask.delete_stack(StackName=first)
        self.assertEqual(self.stack_status("named"), "CREATE_COMPLETE")


class Description(RepairCase):
    repair = "stack-description"

    def test_absent_members(self):
        self.stack("described", {"Bucket": RETAINED})
        found = self.client("cloudformation").describe_stacks(StackName="described")["Stacks"][0]
        self.assertEqual({"Outputs", "Parameters", "Description", "StackStatusReason"} & set(found), set())
        ask, empty = self.client("cloudformation"), json.dumps({"Resources": {"Bucket": RETAINED}})
        ask.create_change_set(StackName="listed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=empty)
        self.assertNotIn("Description", ask.list_change_sets(StackName="listed")["Summaries"][0])


class ChangeSets(RepairCase):
    def change_set(self, stack: str, resources: dict, kind: str = "CREATE", name: str = "first", **more) -> str:
        return self.client("cloudformation").create_change_set(
            StackName=stack, ChangeSetName=name, ChangeSetType=kind,
            TemplateBody=json.dumps({"Resources": resources}), **more,
        )["Id"]


class Updatable(ChangeSets):
    repair = "stack-updatable"

    def test_rolled_back_stack_takes_no_update(self):
        self.stack("holder", {"Named": function_resource("held")})
        self.assertEqual(self.stack("failed", {"Named": function_resource("held")}), "ROLLBACK_COMPLETE")
        message = self.assert_refused(
            "ValidationError", self.change_set, stack="failed", resources={"Bucket": RETAINED}, kind="UPDATE"
        )
        self.assertTrue(message.endswith("is in ROLLBACK_COMPLETE state and can not be updated."), message)
        self.change_set("holder", {"Bucket": RETAINED}, kind="UPDATE")


class Review(ChangeSets):
    repair = "stack-review"

    def described(self, stack: str) -> dict:
        return self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]

    def test_further_change_sets_keep_the_stack_and_its_id(self):
        tags = [{"Key": "k", "Value": "v"}]
        self.change_set("taken", {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, Tags=tags)
        taken = self.described("taken")
        self.assertEqual((taken["StackStatus"], taken["Tags"]), ("REVIEW_IN_PROGRESS", []))
        self.assert_refused("ValidationError", self.change_set, stack="taken", resources={"A": {"Type": "No::Such::Type"}}, name="bad")
        second = self.change_set("taken", {"Bucket": RETAINED}, name="second", Tags=tags)
        cloudformation = self.client("cloudformation")
        self.assertEqual(cloudformation.describe_change_set(ChangeSetName=second)["StackId"], taken["StackId"])
        listed = cloudformation.list_change_sets(StackName="taken")["Summaries"]
        self.assertEqual({each["StackId"] for each in listed}, {taken["StackId"]})
        self.assertEqual(len(listed), 2)
        cloudformation.execute_change_set(ChangeSetName=second)
        self.assertEqual(self.settled("taken"), "CREATE_COMPLETE")
        self.assertEqual((self.described("taken")["StackId"], self.described("taken")["Tags"]), (taken["StackId"], tags))
        self.assertEqual(cloudformation.list_change_sets(StackName="taken")["Summaries"][0]["ChangeSetName"], "second")

    def test_a_stack_that_is_there_is_not_created_again(self):
        self.stack("standing", {"Named": function_resource("standing")})
        self.assertEqual(self.stack("rolled-back", {"Named": function_resource("standing")}), "ROLLBACK_COMPLETE")
        for stack in ("standing", "rolled-back"):
            before = self.described(stack)
            message = self.assert_refused("ValidationError", self.change_set, stack=stack, resources={"Bucket": RETAINED})
            self.assertEqual(message, f"Stack [{stack}] already exists and cannot be created again with the changeSet [first].")
            self.assertEqual(self.described(stack), before)


class Capabilities(ChangeSets):
    repair = "stack-capabilities"

    def test_iam_resources_are_to_be_acknowledged(self):
        message = self.assert_refused("InsufficientCapabilitiesException", self.change_set, stack="bold", resources={"Role": ROLE})
        self.assertEqual(message, "Requires capabilities : [CAPABILITY_IAM]")
        self.assertEqual(self.stack_status("bold"), "gone")


class NoRepairNeeded(AwsCase):
    """What the tool relies on and the emulator does by itself."""

    change_set = ChangeSets.change_set

    def test_retained_bucket_stays_after_deletion(self):
        self.stack("retaining", {"Bucket": RETAINED})
        bucket = self.resource("retaining", "Bucket")
        self.client("s3").put_object(Bucket=bucket, Key="kept", Body=b"x")
        self.assertEqual(self.delete_stack("retaining"), "gone")
        self.assertEqual(self.client("s3").get_object(Bucket=bucket, Key="kept")["Body"].read(), b"x")

    def test_declared_log_group_goes_with_the_stack(self):
        self.stack("logs", {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/declared"}}})
        self.assertIn("/aws/lambda/declared", self.log_groups())
        self.delete_stack("logs")
        self.assertNotIn("/aws/lambda/declared", self.log_groups())

    def test_stack_in_review_can_be_deleted(self):
        self.change_set("reviewed", {"Bucket": RETAINED})
        self.assertEqual(self.stack_status("reviewed"), "REVIEW_IN_PROGRESS")
        self.client("cloudformation").delete_stack(StackName="reviewed")
        wait_for(lambda: self.stack_status("reviewed") == "gone")

    def test_creation_goes_on_without_the_client(self):
        change_set = self.change_set("abandoned", {"Function": function_resource("abandoned"), **waiting_resources("Function", 30)})
        self.client("cloudformation").execute_change_set(ChangeSetName=change_set)
        self.client("cloudformation").close()
        self.aws._clients.clear()
        wait_for(lambda: ("Wait", "CREATE_IN_PROGRESS", "") in self.events("abandoned"))
        signal = {"Status": "SUCCESS", "UniqueId": "1", "Data": "", "Reason": ""}
        request = urllib.request.Request(self.resource("abandoned", "Handle"), json.dumps(signal).encode(), {"Content-Type": ""}, method="PUT")
        urllib.request.urlopen(request).close()
        self.assertEqual(self.settled("abandoned"), "CREATE_COMPLETE")

    def test_missing_stack(self):
        message = self.assert_refused("ValidationError", self.client("cloudformation").describe_stacks, StackName="never-was")
        self.assertEqual(message, "Stack with id never-was does not exist")


if __name__ == "__main__":
    unittest.main()
