"""What stacks, state machines and functions of the tests are made of."""

import io
import stat
import zipfile

ACCOUNT = "123456789012"

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": TRUST},
}


def function_resource(name: str, source: str = "exports.handler = async () => 1;", **properties) -> dict:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "nodejs22.x",
            "Handler": "index.handler",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/any",
            "Timeout": 30,
            "Code": {"ZipFile": source},
            **properties,
        },
    }


def waiting_resources(after: str, seconds: int) -> dict:
    """Resources that delay the end of a stack's creation by `seconds`, after the resource `after` was created."""
    return {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": after,
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": str(seconds)},
        },
    }


def invoke_state(function_arn: str, **more) -> dict:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
        "ResultSelector": {"payload.$": "$.Payload"},
        "End": True,
        **more,
    }


def zipped(files: dict) -> bytes:
    """A ZIP; a value (text, mode) sets the file's mode."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            text, mode = content if isinstance(content, tuple) else (content, 0o644)
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, text)
    return packed.getvalue()
