"""Calls of CloudFormation, CloudWatch Logs, Step Functions and STS whose answers AWS recorded."""

import json

from parts import ACCOUNT
from recorded_calls import Scenario, asked
from support import Aws, wait_for

SETS = "cloudformation/api/test_changesets.json"
STACKS = "cloudformation/api/test_stacks.json"
GROUPS = "logs/test_logs_groups.json"
MACHINES = "stepfunctions/v2/test_sfn_api.json"
PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "one"}}
TEMPLATE = json.dumps({"Resources": {"SimpleParam": PARAMETER}})


class Stacks:
    """One emulator's stacks, with names for a scenario's own."""

    def __init__(self, aws: Aws, name: str):
        self.ask = aws.client("cloudformation")
        self.name = name

    def change(self, name: str, kind: str = "CREATE", stack: str = "", template: str = TEMPLATE, **more) -> dict:
        call = {"StackName": stack or self.name, "ChangeSetName": name, "ChangeSetType": kind}
        return asked(self.ask.create_change_set, **call, TemplateBody=template, **more)

    def described(self, name: str, stack: str = "") -> dict:
        def settled():
            found = asked(self.ask.describe_change_set, StackName=stack or self.name, ChangeSetName=name)
            return None if "PROGRESS" in found.get("Status", "") or found.get("Status") == "CREATE_PENDING" else found

        return wait_for(settled)

    def execute(self, name: str) -> str:
        """Execute a change set of type CREATE; the stack's id."""
        self.described(name)
        asked(self.ask.execute_change_set, StackName=self.name, ChangeSetName=name)
        return self.settled("CREATE_COMPLETE")

    def settled(self, status: str, stack: str = "") -> str:
        def found():
            stacks = asked(self.ask.describe_stacks, StackName=stack or self.name).get("Stacks", [])
            return stacks[0]["StackId"] if stacks and stacks[0]["StackStatus"] == status else None

        return wait_for(found)

    def delete(self, stack_id: str) -> None:
        self.ask.delete_stack(StackName=stack_id)
        self.settled("DELETE_COMPLETE", stack_id)

    def stacks(self, stack: str) -> dict:
        return asked(self.ask.describe_stacks, StackName=stack)


def text_of(answer: dict, operation: str) -> str:
    """An error as boto3 words it, which is how some are on record."""
    error = answer["Error"]
    return f"An error occurred ({error['Code']}) when calling the {operation} operation: {error['Message']}"


def no_changes(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stacks.execute("first")
    stacks.change("again", "UPDATE")
    yield "change-set-description", stacks.described("again")


def failed_change_set_is_not_executed(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stacks.execute("first")
    yield "nochange_changeset", stacks.change("again", "UPDATE")
    stacks.described("again")
    refused = asked(stacks.ask.execute_change_set, StackName=name, ChangeSetName="again")
    yield "error_execute_failed", text_of(refused, "ExecuteChangeSet")


def update_without_change(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stacks.execute("first")
    yield "no_change_exception", asked(stacks.ask.update_stack, StackName=name, TemplateBody=TEMPLATE)


def change_of_deleted_stack(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stack_id = stacks.execute("first")
    stacks.delete(stack_id)
    yield "ErrorForCreate", stacks.change("test", stack=stack_id)
    yield "ErrorForUpdate", stacks.change("test", "UPDATE", stack=stack_id)


def review_of_a_name_that_was_deleted(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stack_id = stacks.execute("first")
    yield "create_changeset_existingstack_exc", stacks.change("first")
    yield "initial_changeset_id_desc", asked(stacks.ask.describe_change_set, StackName=name, ChangeSetName="first")
    stacks.delete(stack_id)
    yield "stack_id_desc", stacks.stacks(stack_id)
    stacks.change("first")
    yield "second_initial_changeset_id_desc", stacks.described("first")
    yield "new_stack_desc", stacks.stacks(name)


def names_of_stacks(aws, name):
    stacks = Stacks(aws, name)
    asked(stacks.ask.create_stack, StackName=name, TemplateBody=TEMPLATE)
    first = stacks.settled("CREATE_COMPLETE")
    yield "create_stack_already_exists_exc", asked(stacks.ask.create_stack, StackName=name, TemplateBody=TEMPLATE)
    stacks.delete(first)
    yield "deleted_stack_not_found_exc", stacks.stacks(name)
    yield "deleted_stack_desc", stacks.stacks(first)
    yield "deleted_stack_events_not_found_by_name", asked(stacks.ask.describe_stack_events, StackName=name)
    asked(stacks.ask.create_stack, StackName=name, TemplateBody=TEMPLATE)
    second = stacks.settled("CREATE_COMPLETE")
    yield "new_stack_desc", stacks.stacks(name)
    yield "new_stack_id_desc", stacks.stacks(second)
    yield "stack_id_desc", stacks.stacks(first)
    stacks.delete(second)
    yield "deleted_second_stack_desc", stacks.stacks(second)


def no_stack(aws, name):
    yield "Error", Stacks(aws, name).stacks(name)


def events_of_no_stack(aws, name):
    call = aws.client("cloudformation").describe_stack_events
    yield "describe_stack_events_stack_not_found", asked(call, StackName="does-not-exist")


def no_resource(aws, name):
    stacks = Stacks(aws, name)
    stacks.change("first")
    stacks.execute("first")
    call = stacks.ask.describe_stack_resource
    yield "Error", asked(call, StackName=name, LogicalResourceId="NonExistentResource")


def no_change_set(aws, name):
    call = aws.client("cloudformation").describe_change_set
    answer = asked(call, StackName="somestack", ChangeSetName="DoesNotExist")
    yield "exception", text_of(answer, "DescribeChangeSet")


def deletion_of_no_change_set(aws, name):
    call = aws.client("cloudformation").delete_change_set
    yield "e1", asked(call, StackName="nostack", ChangeSetName="DoesNotExist")
    yield "e2", asked(call, ChangeSetName="DoesNotExist")


def deleted_change_set(aws, name):
    stacks = Stacks(aws, name)
    created = stacks.change("first")
    yield "create", created
    stacks.described("first")
    stacks.ask.delete_change_set(StackName=name, ChangeSetName="first")
    answer = asked(stacks.ask.describe_change_set, ChangeSetName=created["Id"])
    yield "postdelete_changeset_notfound", text_of(answer, "DescribeChangeSet")


def parameters_without_values(aws, name):
    template = json.dumps({"Parameters": {"Input": {"Type": "String"}}, "Resources": {"SimpleParam": PARAMETER}})
    yield "deploy-error", text_of(Stacks(aws, name).change("first", template=template), "CreateChangeSet")


def life_of_a_stack_with_tags(aws, name):
    stacks = Stacks(aws, name)
    template = {"Description": "test test.test.net", "Resources": {"TestResource": PARAMETER}}
    stacks.change("first", template=json.dumps(template), Tags=[{"Key": "foo", "Value": "bar"}])
    yield "change-set-pre-execute", stacks.described("first")
    yield "stack-pre-execute", stacks.stacks(name)["Stacks"][0]
    stacks.execute("first")
    yield "stack-post-execute", stacks.stacks(name)["Stacks"][0]


def retained_resource(aws, name):
    stacks = Stacks(aws, name)
    kept = {**PARAMETER, "DeletionPolicy": "Retain"}
    stacks.change("first", template=json.dumps({"Resources": {"MyParameter": kept}}))
    stack_id = stacks.execute("first")
    stacks.delete(stack_id)
    members = ("LogicalResourceId", "PhysicalResourceId", "ResourceStatus", "ResourceType", "Timestamp")
    found = {}
    for event in reversed(stacks.ask.describe_stack_events(StackName=stack_id)["StackEvents"]):
        which = "Stack" if event["LogicalResourceId"] == name else event["LogicalResourceId"]
        # The start of a resource's creation is there twice, and once on record.
        if event["PhysicalResourceId"]:
            found.setdefault(which, []).append({member: event[member] for member in members})
    yield "per-resource-events", found


def log_group_that_is_there(aws, name):
    aws.client("logs").create_log_group(logGroupName=name)
    stacks = Stacks(aws, name)
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
    asked(stacks.ask.create_stack, StackName=name, TemplateBody=json.dumps({"Resources": {"Group": group}}))
    stacks.settled("ROLLBACK_COMPLETE")
    found = stacks.stacks(name)["Stacks"][0]
    yield "failed-stack-describe", found


def log_group_twice(aws, name):
    aws.client("logs").create_log_group(logGroupName=name)
    yield "error-duplicate-log-group", asked(aws.client("logs").create_log_group, logGroupName=name)


def log_groups(aws, name):
    for group in (name, f"{name}-2", f"{name}-3"):
        aws.client("logs").create_log_group(logGroupName=group)
    yield "describe-log-groups-prefix", asked(aws.client("logs").describe_log_groups, logGroupNamePrefix=name)


def tags_of_a_log_group(aws, name):
    logs, resource = aws.client("logs"), f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    logs.create_log_group(logGroupName=name, tags={"env": "testing1"})
    yield "list-tags-after-create", asked(logs.list_tags_log_group, logGroupName=name)
    logs.tag_resource(resourceArn=resource, tags={"test1": "val1", "test2": "val2"})
    yield "list-tags-for-resource-after-tag-resource", asked(logs.list_tags_for_resource, resourceArn=resource)
    logs.untag_resource(resourceArn=resource, tagKeys=["env", "test1"])
    yield "list-tags-for-resource-after-untag", asked(logs.list_tags_for_resource, resourceArn=resource)


def no_execution(aws, name):
    missing = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{name}:none"
    answer = asked(aws.client("stepfunctions").get_execution_history, executionArn=missing)
    yield "exception", {"exception_typename": answer["Error"]["Code"], "exception_value": text_of(answer, "GetExecutionHistory").replace(missing, "invalid_execution_arn")}


def no_machine(aws, name):
    missing = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}"
    answer = asked(aws.client("stepfunctions").describe_state_machine, stateMachineArn=missing)
    yield "describe_nonexistent_sm", text_of(answer, "DescribeStateMachine").replace(missing, "sm_nonexistent_arn")


def execution_twice(aws, name):
    states = aws.client("stepfunctions")
    definition = {"StartAt": "State_1", "States": {"State_1": {"Type": "Wait", "Seconds": 60, "End": True}}}
    machine = asked(
        states.create_state_machine, name=name, definition=json.dumps(definition), roleArn=f"arn:aws:iam::{ACCOUNT}:role/any"
    )
    yield "creation_resp", machine
    start = {"stateMachineArn": machine["stateMachineArn"], "name": f"{name}-once"}
    first = asked(states.start_execution, **start, input="{}")
    yield "exec_resp", first
    yield "exec_resp_idempotent", asked(states.start_execution, **start, input="{}")
    yield "stop_res", asked(states.stop_execution, executionArn=first["executionArn"])
    yield "start_exec_already_exists", asked(states.start_execution, **start, input="{}")


def empty_execution_input(aws, name):
    states = aws.client("stepfunctions")
    definition = {"StartAt": "State_1", "States": {"State_1": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=f"arn:aws:iam::{ACCOUNT}:role/any"
    )["stateMachineArn"]
    yield "start_exec_str_inp", asked(states.start_execution, stateMachineArn=machine, input="not some json")
    yield "start_res_num", asked(states.start_execution, stateMachineArn=machine, input="2")
    yield "start_res_null", asked(states.start_execution, stateMachineArn=machine, input="null")


SCENARIOS = [
    Scenario("a change set without changes fails", SETS, "test_create_change_set_no_changes", no_changes),
    Scenario("a failed change set is not executed", SETS, "test_empty_changeset", failed_change_set_is_not_executed),
    Scenario("an update without changes", STACKS, "test_update_stack_with_same_template_withoutchange", update_without_change),
    Scenario("a change set of a deleted stack", SETS, "test_create_changeset_for_deleted_stack", change_of_deleted_stack),
    Scenario("a change set for a name that is taken, or was", SETS, "test_name_conflicts", review_of_a_name_that_was_deleted),
    Scenario("the name of a stack, taken, deleted, and again", STACKS, "test_name_conflicts", names_of_stacks),
    Scenario("no such stack", STACKS, "test_non_existing_stack_message", no_stack),
    Scenario("events of no stack", STACKS, "test_describe_stack_events_errors", events_of_no_stack),
    Scenario("no such resource", STACKS, "test_stack_resource_not_found", no_resource),
    Scenario("no such change set", SETS, "test_describe_change_set_nonexisting", no_change_set),
    Scenario("a change set of no stack is not deleted", SETS, "test_delete_change_set_exception", deletion_of_no_change_set),
    Scenario("a deleted change set", SETS, "test_deleted_changeset", deleted_change_set),
    Scenario("a parameter without a value", STACKS, "test_no_parameters_given", parameters_without_values),
    Scenario("a stack from review to creation, with tags", STACKS, "test_stack_description_lifecycle[with-tags]", life_of_a_stack_with_tags),
    Scenario("Retain", "cloudformation/engine/test_deletion_policy.json", "test_deletion_policy_with_retain", retained_resource),
    Scenario("a log group that was there first", "cloudformation/resources/test_logs.json", "test_handle_existing_log_group", log_group_that_is_there),
    Scenario("a log group twice", GROUPS, "test_create_log_group_duplicate_error", log_group_twice),
    Scenario("log groups by prefix", GROUPS, "test_describe_log_groups_with_prefix", log_groups),
    Scenario("tags of a log group", GROUPS, "test_tag_resource_api", tags_of_a_log_group),
    Scenario("the history of no execution", MACHINES, "test_get_execution_history_no_such_execution", no_execution),
    Scenario("no such state machine", MACHINES, "test_describe_nonexistent_sm", no_machine),
    Scenario("an execution's name twice", MACHINES, "test_start_execution_idempotent", execution_twice),
    Scenario("inputs that are JSON or not", MACHINES, "test_invalid_start_execution_input", empty_execution_input),
]
