"""JSONPaths that lead nowhere."""

import contextvars
import json

from ministack.services import stepfunctions

from .patching import replace
from .settings import Settings
from .states_history import runtime_error

_context = contextvars.ContextVar("context_object", default=None)


def install(settings: Settings) -> None:
    """A path that is not there fails the execution, and no Retry or Catch stops that.

    AWS: a missing path in Parameters, ItemSelector, ResultSelector, InputPath, OutputPath, ErrorPath
    or CausePath is States.Runtime, which neither States.ALL nor its own name matches; paths of a
    ResultSelector may begin with $$; $$.Execution has RoleArn and RedriveCount.
    Emulator: the value is null, so what fails on AWS succeeds here; a ResultSelector has no $$.
    """
    stock_resolve = stepfunctions._resolve_params_obj
    stock_matches = stepfunctions._error_matches
    stock_parameters = stepfunctions._apply_parameters
    stock_fail_field = stepfunctions._fail_state_field

    def resolve(template, data, context=None):
        context = context or _context.get()
        _check_template(template, data, context)
        return stock_resolve(template, data, context)

    def apply_parameters(state, data, context=None):
        _complete(context)
        _context.set(context)
        return stock_parameters(state, data, context)

    def matches(error_equals, error):
        return error != "States.Runtime" and stock_matches(error_equals, error)

    def fail_field(state, field, default, data, context):
        path = state.get(f"{field}Path")
        if path and path.startswith("$"):
            _check(path, f"{field}Path", data, context)
        return stock_fail_field(state, field, default, data, context)

    replace(stepfunctions, "_resolve_params_obj", resolve)
    replace(stepfunctions, "_apply_parameters", apply_parameters)
    replace(stepfunctions, "_error_matches", matches)
    replace(stepfunctions, "_fail_state_field", fail_field)
    for name, member in (("_apply_input_path", "InputPath"), ("_apply_output_path", "OutputPath")):
        replace(stepfunctions, name, _checked(member, getattr(stepfunctions, name)))


def _complete(context: dict | None) -> None:
    if context and "RoleArn" not in context.get("Execution", {"RoleArn": None}):
        machine = stepfunctions._state_machines[context["StateMachine"]["Id"]]
        context["Execution"] |= {"RoleArn": machine["roleArn"], "RedriveCount": 0}


def _checked(member: str, stock_apply):
    def apply(state, data, context=None):
        path = state.get(member)
        _complete(context)
        missing = isinstance(path, str) and _missing(path, data, context)
        if missing:
            raise runtime_error(f"Invalid path '{path}' : {missing}")
        return stock_apply(state, data, context)

    return apply


def _check_template(template, data, context) -> None:
    if isinstance(template, list):
        for member in template:
            _check_template(member, data, context)
    if isinstance(template, dict):
        for key, value in template.items():
            if key.endswith(".$") and isinstance(value, str) and value.startswith("$"):
                _check(value, key, data, context)
            else:
                _check_template(value, data, context)


def _check(path: str, field: str, data, context) -> None:
    if _missing(path, data, context):
        text = json.dumps(data, separators=(",", ":"))
        problem = f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{text}'"
        raise runtime_error(problem)


def _missing(path: str, data, context) -> str | None:
    """Where a path ends too early, in AWS's words; None where it leads somewhere, or may find many."""
    if path.startswith("$$"):
        path, data = path[1:], context or {}
    tokens = stepfunctions._parse_jsonpath_tokens(path) or []
    if any(kind == "wildcard" for kind, _ in tokens):
        return None
    for depth, (kind, key) in enumerate(tokens, 1):
        container = dict if kind == "field" else list
        found = isinstance(data, container) and (key in data if kind == "field" else key < len(data))
        if not found:
            steps = "".join(f"['{name}']" if of == "field" else f"[{name}]" for of, name in tokens[:depth])
            return f"No results for path: ${steps}" if depth == len(tokens) else f"Missing property in path ${steps}"
        data = data[key]
    return None
