"""What the real AWS answered, where ../shared/recorded-aws is: its executions and their state machines."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

# Next to the repository, and next to each of its worktrees.
FOLDER = Path(__file__).resolve().parents[4] / "shared" / "recorded-aws"
MISSING = f"no recordings of AWS in {FOLDER}: nothing was compared"


@dataclass(frozen=True)
class Recording:
    """One execution that AWS ran."""

    source: str
    test: str
    events: list[dict]

    @property
    def name(self) -> str:
        return f"{self.source} {self.test}"

    @property
    def input(self):
        return self.events[0]["executionStartedEventDetails"]["input"]

    def states(self) -> list[tuple[str, str]]:
        """(name, type) of each state that was entered, in order."""
        entered = [event for event in self.events if "stateEnteredEventDetails" in event]
        return [(event["stateEnteredEventDetails"]["name"], event["type"].removesuffix("StateEntered")) for event in entered]


def answers(source: str) -> dict[str, dict]:
    """The answers of one file: test -> name -> answer."""
    tests = json.loads((FOLDER / source).read_text())
    return {test: recorded["responses"] for test, recorded in tests.items()}


def executions() -> list[Recording]:
    """Every complete history that begins with its start."""
    found = []
    for path in sorted((FOLDER / "stepfunctions" / "v2").rglob("*.json")):
        source = str(path.relative_to(FOLDER / "stepfunctions" / "v2"))
        for test, recorded in answers(str(path.relative_to(FOLDER))).items():
            for events in _histories(recorded):
                if "executionStartedEventDetails" in events[0] and len(events) > 2:
                    found.append(Recording(source, test, events))
    return found


def _histories(value):
    if isinstance(value, list) and value and isinstance(value[0], dict) and "previousEventId" in value[0]:
        yield value
    elif isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _histories(member)


def state_machines() -> dict[tuple[str, str], dict]:
    """The recorded definitions, by folder and by their file's name without ending."""
    found = {}
    folder = FOLDER / "stepfunctions" / "templates"
    for path in sorted(folder.rglob("*.json5")):
        try:
            found[path.relative_to(folder).parts[0], path.stem] = json.loads(plain_json(path.read_text()))
        except ValueError:
            # One has unquoted keys, and is of a service that is out of scope.
            continue
    return found


def plain_json(text: str) -> str:
    """JSON5 without its comments and trailing commas."""
    kept = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL)
    return re.sub(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', lambda match: match[1] or "", kept)


def is_filled_in(expected: str, actual: str) -> bool:
    """Whether a text is the recorded one, with anything in place of each `<placeholder>`."""
    parts = re.split(r"(<[^<>]+>)", expected)
    pattern = "".join(".+" if part.startswith("<") else re.escape(part) for part in parts)
    return bool(re.fullmatch(pattern, actual, re.DOTALL))


def states_of(definition: dict):
    """(name, state) of a definition, and of what is inside its Maps and Parallels."""
    for name, state in definition.get("States", {}).items():
        yield name, state
        for inner in (state.get("Iterator"), state.get("ItemProcessor"), *state.get("Branches", [])):
            yield from states_of(inner or {})
