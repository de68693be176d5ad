"""Compares an execution's history with the one that AWS recorded."""

import json
import re
from collections import Counter

from recordings import is_filled_in

# Replaced in the recordings by these words, whatever they were.
MASKED = {"timestamp", "date", "entered-time", "start-time", "snf_role_arn", "RequestId"}
# The functions of the recordings are Python's, whose errors have other traces; HTTP headers differ with each call.
LEFT_OUT = {"stackTrace", "trace", "requestId", "AllHttpHeaders", "HttpHeaders", "RequestId"}


def opened(value):
    """JSON inside strings as values, as the recordings have it, without what differs with each call."""
    if isinstance(value, dict):
        return {key: opened(member) for key, member in value.items() if key not in LEFT_OUT}
    if isinstance(value, list):
        return [opened(member) for member in value]
    if isinstance(value, str) and value.startswith(("[", "{", '"')):
        try:
            return opened(json.loads(value))
        except ValueError:
            return value
    return value


def differences(recorded: list[dict], ours: list[dict]) -> list[str]:
    """What is not as recorded, each as `Event.member: recorded, ours`; empty where the histories are equal."""
    if any(isinstance(event["id"], list) for event in recorded):
        # A recording of concurrent branches whose order was removed, and with it the end of the Parallel.
        kept = [event for event in ours if event["type"] != "ParallelStateSucceeded"]
        return _in_any_order([_label(event) for event in recorded], [_label(event) for event in kept])
    found = _one_by_one(recorded, ours)
    if not found or len(recorded) != len(ours) or not any(event["type"] == "MapStateStarted" for event in recorded):
        return found
    # Iterations may come in another order, but each as on AWS.
    return found if _in_any_order(_chains(recorded), _chains(ours)) else []


def _one_by_one(recorded: list[dict], ours: list[dict]) -> list[str]:
    types, our_types = [event["type"] for event in recorded], [event["type"] for event in ours]
    if types != our_types:
        at = next((i for i, (a, b) in enumerate(zip(types, our_types)) if a != b), min(len(types), len(our_types)))
        return [f"events: {' '.join(types[at:at + 4]) or 'no more'}, {' '.join(our_types[at:at + 4]) or 'no more'}"]
    found = []
    for expected, actual in zip(recorded, ours):
        found += _of_value(expected["type"], opened(expected), opened(actual))
    return found


def _of_value(where: str, expected, actual) -> list[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = []
        for key in {**expected, **actual}:
            if key == "timestamp":
                continue
            if key not in actual:
                found.append(f"{where}.{key}: {_short(expected[key])}, absent")
            elif key not in expected:
                found.append(f"{where}.{key}: absent, {_short(actual[key])}")
            else:
                found += _of_value(f"{where}.{key}", expected[key], actual[key])
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [line for pair in zip(expected, actual) for line in _of_value(f"{where}[]", *pair)]
    return [] if _same(expected, actual) else [f"{where}: {_short(expected)}, {_short(actual)}"]


def _same(expected, actual) -> bool:
    if isinstance(expected, str) and (expected in MASKED or "<" in expected):
        return expected in MASKED or is_filled_in(expected, str(actual))
    return expected == actual and isinstance(expected, bool) == isinstance(actual, bool)


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 240 else text[:237] + "..."


def _label(event: dict) -> str:
    plain = {key: value for key, value in opened(event).items() if key not in ("id", "previousEventId", "timestamp")}
    return re.sub(r'"(?:arn:[^"]*:role/[^"]*|snf_role_arn)"', '"role"', json.dumps(plain, sort_keys=True))


def _in_any_order(expected: list[str], actual: list[str]) -> list[str]:
    missing, more = Counter(expected) - Counter(actual), Counter(actual) - Counter(expected)
    return [f"missing: {label[:240]}" for label in missing] + [f"too much: {label[:240]}" for label in more]


def _chains(events: list[dict]) -> list[str]:
    """Each event with what comes before it in its branch; an event that joins branches follows what forked them."""
    by_id = {event["id"]: event for event in events}
    chains: dict[int, str] = {0: ""}
    for event in events:
        before = _fork_of(event, by_id) or event["previousEventId"]
        chains[event["id"]] = f"{_label(event)} after {hash(chains.get(before, 'nothing'))}"
    return list(chains.values())


def _fork_of(event: dict, by_id: dict) -> int | None:
    """The id of the event that began the Map or Parallel which this event ends."""
    kind = next((kind for kind in ("Map", "Parallel") if event["type"].startswith(f"{kind}State")), None)
    if kind is None or event["type"].endswith(("Entered", "Started")):
        return None
    begin = f"{kind}StateEntered" if event["type"].endswith("Exited") else f"{kind}StateStarted"
    name = event.get("stateExitedEventDetails", {}).get("name")
    before = by_id.get(event["previousEventId"])
    while before:
        if before["type"] == begin and name in (None, before.get("stateEnteredEventDetails", {}).get("name")):
            return before["id"]
        before = by_id.get(_fork_of(before, by_id) or before["previousEventId"])
    return None
