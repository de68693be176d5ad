"""Prints, as JSON, the state machines and the roles' policies of a SAM template, with examples in place of references."""

import json
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ACCOUNT = "eu-west-1:111122223333"
ARNS = {
    "AWS::Logs::LogGroup": f"arn:aws:logs:{ACCOUNT}:log-group:name:*",
    "AWS::S3::Bucket": "arn:aws:s3:::name",
    "AWS::Serverless::Function": f"arn:aws:lambda:{ACCOUNT}:function:name",
}


def resolved(value, resources: dict):
    """`value` with each reference to a resource as an ARN of its kind."""
    if isinstance(value, list):
        return [resolved(member, resources) for member in value]
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value:
        target = value["Fn::GetAtt"]
        return ARNS[resources[target[0] if isinstance(target, list) else target.split(".")[0]]["Type"]]
    if "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
        return substituted(value["Fn::Sub"], {f"{name}.Arn": ARNS.get(of["Type"], "") for name, of in resources.items()})
    return {key: resolved(member, resources) for key, member in value.items()}


def substituted(text: str, names: dict) -> str:
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


def main() -> None:
    resources = yaml_parse(Path(sys.argv[1]).read_text())["Resources"]
    machines, policies = [], []
    for resource in resources.values():
        properties = resource.get("Properties", {})
        if "Definition" in properties:
            names = {name: ARNS["AWS::Serverless::Function"] for name in properties.get("DefinitionSubstitutions", {})}
            machines.append(json.loads(substituted(json.dumps(properties["Definition"]), names | {"Partition": "aws"})))
        if resource["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            policies += resolved([properties["AssumeRolePolicyDocument"], *documents], resources)
    print(json.dumps({"machines": machines, "policies": policies}))


main()
