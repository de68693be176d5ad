"""Compares answers of the emulator with those that AWS recorded."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from recordings import answers, is_filled_in

# Of each call, of the account, and what AWS adds to every object and bucket since it is the default: nobody here asks.
LEFT_OUT = {"HTTPHeaders", "RequestId", "HostId", "RetryAttempts", "Owner", "Initiator", "message"}
LEFT_OUT |= {"ServerSideEncryption", "ChecksumType", "ChecksumAlgorithm", "ChecksumCRC32", "BucketArn", "AccessPointAlias"}


@dataclass(frozen=True)
class Scenario:
    """Calls whose answers are on record under a test's name, each under its own."""

    title: str
    source: str
    test: str
    calls: Callable

    def recorded(self) -> dict:
        (found,) = [answer for test, answer in answers(self.source).items() if test.split("::")[-1] == self.test]
        return found


def asked(call, **arguments) -> dict:
    """The answer, or the error's."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        answer = error.response
    return {key: value for key, value in answer.items() if key != "Body"}


def differences(name: str, expected, actual, known: dict) -> list[str]:
    """What is not as recorded; `known` has what each placeholder stands for in this scenario."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = []
        for key in sorted({*expected, *actual} - LEFT_OUT):
            if key in expected and key in actual:
                found += differences(f"{name}.{key}", expected[key], actual[key], known)
            else:
                found.append(f"{name}.{key}: {'absent' if key in expected else 'too much'}")
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(_sorted(expected), _sorted(actual)))
        return [line for at, pair in pairs for line in differences(f"{name}[{at}]", *pair, known)]
    return [] if _same(expected, actual, known) else [f"{name}: {expected!r}, {actual!r}"]


def _sorted(members: list) -> list:
    """Deleted keys and tags come in any order."""
    keyed = all(isinstance(member, dict) and "Key" in member and "IsLatest" not in member for member in members)
    return sorted(members, key=lambda member: member["Key"]) if keyed else members


def _same(expected, actual, known: dict) -> bool:
    if expected == "datetime" or expected == "timestamp":
        return True
    if not isinstance(expected, str) or not isinstance(actual, str):
        return expected == actual
    if re.fullmatch(r"<[^<>]+>", expected):
        return known.setdefault(expected, actual) == actual
    return is_filled_in(expected.replace("111111111111", "123456789012"), actual)
