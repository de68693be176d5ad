"""Print one line for everything that this account holds, sorted."""
import boto3

client = boto3.client


def names(service, operation, key, name):
    for page in client(service).get_paginator(operation).paginate():
        for item in page[key]:
            yield f"{service} {item[name] if name else item}"


def bounded(role):
    """A role with the policy that limits it, if one does."""
    boundary = client("iam").get_role(RoleName=role)["Role"].get("PermissionsBoundary")
    return f"{role} within {boundary['PermissionsBoundaryArn']}" if boundary else role


found = [
    *names("cloudformation", "describe_stacks", "Stacks", "StackName"),
    *names("stepfunctions", "list_state_machines", "stateMachines", "name"),
    *names("lambda", "list_functions", "Functions", "FunctionName"),
    *names("logs", "describe_log_groups", "logGroups", "logGroupName"),
    *(f"iam {bounded(role['RoleName'])}" for role in client("iam").list_roles()["Roles"]),
    *names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    *(f"s3 {bucket['Name']}" for bucket in client("s3").list_buckets()["Buckets"]),
]
print("\n".join(sorted(found)))
