"""Print one line for everything that this account holds, sorted."""
import boto3

client = boto3.client


def names(service, operation, key, name):
    for page in client(service).get_paginator(operation).paginate():
        for item in page[key]:
            yield f"{service} {item[name] if name else item}"


found = [
    *names("cloudformation", "describe_stacks", "Stacks", "StackName"),
    *names("stepfunctions", "list_state_machines", "stateMachines", "name"),
    *names("lambda", "list_functions", "Functions", "FunctionName"),
    *names("logs", "describe_log_groups", "logGroups", "logGroupName"),
    *names("iam", "list_roles", "Roles", "RoleName"),
    *names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    *(f"s3 {bucket['Name']}" for bucket in client("s3").list_buckets()["Buckets"]),
]
print("\n".join(sorted(found)))
