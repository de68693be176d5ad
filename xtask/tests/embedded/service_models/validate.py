"""Validates requests, and their answers, by the models that AWS publishes of its services, as botocore has them.

Takes a file of exchanges, a line of JSON each; prints what does not fit, and the counts; exits with 1 if anything does not.
"""

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import botocore.session
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

# The names that requests are signed for, where botocore's differ.
SERVICES = {"states": "stepfunctions", "servicequotas": "service-quotas", "monitoring": "cloudwatch"}
SIGNED = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
NAMESPACE = re.compile(r"^\{[^}]*\}")
# What AWS does itself and its models do not have: a stack's first event, as it is on record.
EXCEPTION = ("DescribeStackEventsOutput.StackEvents[].ResourceStatus", "REVIEW_IN_PROGRESS")
# Parts of HTTP that no model has.
QUERY_OF_EVERY_CALL = {"x-id"}


@dataclass
class Exchange:
    method: str
    path: str
    query: list
    headers: dict
    body: bytes
    answer: bytes

    @classmethod
    def of(cls, line: str) -> "Exchange":
        read = json.loads(line)
        method, target, _ = read["line"].split(" ")
        path, _, query = target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        headers = {name.lower(): value for name, value in read["headers"]}
        return cls(method, path, pairs, headers, bytes.fromhex(read["body"]), bytes.fromhex(read["answer"]))

    def service(self) -> str | None:
        signed = SIGNED.search(self.headers.get("authorization", ""))
        return SERVICES.get(signed[1], signed[1]) if signed else None

    def answered(self) -> dict:
        """The answer as botocore's parsers take it."""
        head, _, body = self.answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return {"status_code": int(status.split(" ")[1]), "headers": headers, "body": body}


class Unfit(Exception):
    """A request or an answer that its model does not have."""


# Requests: which operation, and its parameters


def operation_of(model, exchange: Exchange):
    protocol = model.metadata["protocol"]
    if protocol == "json":
        return model.operation_model(exchange.headers["x-amz-target"].rpartition(".")[2])
    if protocol == "query":
        return model.operation_model(dict(parse_qsl(exchange.body.decode()))["Action"])
    fitting = [(fit, name) for name in model.operation_names if (fit := _fit(model.operation_model(name), exchange))]
    if not fitting:
        raise Unfit(f"no operation of {model.service_name} is {exchange.method} {exchange.path} {exchange.query}")
    return model.operation_model(max(fitting)[1])


def _fit(operation, exchange: Exchange) -> int:
    """How well an operation of a REST protocol fits; 0 if not at all."""
    uri, _, constants = operation.http["requestUri"].partition("?")
    given = dict(exchange.query)
    wanted = dict(parse_qsl(constants, keep_blank_values=True))
    if operation.http["method"] != exchange.method or not _in_path(uri, exchange.path):
        return 0
    if any(given.get(name) != value for name, value in wanted.items() if name not in QUERY_OF_EVERY_CALL):
        return 0
    members = operation.input_shape.members if operation.input_shape else {}
    required = operation.input_shape.required_members if operation.input_shape else []
    fit, known = 1, set(wanted) | QUERY_OF_EVERY_CALL
    for name, shape in members.items():
        place, wire = shape.serialization.get("location"), shape.serialization.get("name", name)
        known |= {wire} if place == "querystring" else set()
        if name in required and place in ("querystring", "header"):
            there = wire in given if place == "querystring" else wire.lower() in exchange.headers
            if not there:
                return 0
            fit += 1
    return 0 if set(given) - known else fit + len(wanted) * 2


def _in_path(uri: str, path: str) -> re.Match | None:
    """What a path has in place of a URI's names; the slash at its end may be there or not."""
    return _uri_pattern(uri).fullmatch(path) or _uri_pattern(uri.rstrip("/")).fullmatch(path.rstrip("/"))


def _uri_pattern(uri: str) -> re.Pattern:
    parts = re.split(r"(\{\w+\+?\})", uri)
    pattern = "".join(
        f"(?P<{part[1:-1].rstrip('+')}>{'.+' if part.endswith('+}') else '[^/]+'})" if part.startswith("{") else re.escape(part)
        for part in parts
    )
    return re.compile(pattern)


def parameters_of(operation, exchange: Exchange) -> dict:
    shape = operation.input_shape
    protocol = operation.service_model.metadata["protocol"]
    if protocol == "json":
        return _of_json(shape, json.loads(exchange.body or b"{}"))
    if protocol == "query":
        pairs = dict(parse_qsl(exchange.body.decode(), keep_blank_values=True))
        for name in ("Action", "Version"):
            pairs.pop(name)
        return _of_query(shape, pairs, "") if shape else pairs
    return _of_rest(operation, shape, exchange) if shape else {}


def _of_query(shape, pairs: dict, prefix: str):
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            wire = f"{prefix}{member.serialization.get('name', name)}"
            if member.type_name == "list":
                wire = wire if member.serialization.get("flattened") else f"{wire}.{member.member.serialization.get('name', 'member')}"
            if wire in pairs or any(key.startswith(f"{wire}.") for key in pairs):
                found[name] = _of_query(member, pairs, wire if member.type_name != "structure" else f"{wire}.")
        if not prefix and pairs:
            # What no member took.
            found |= pairs
        return found
    if shape.type_name == "list":
        numbers = sorted({int(key[len(prefix) + 1:].split(".")[0]) for key in pairs if key.startswith(f"{prefix}.")})
        nested = "." if shape.member.type_name == "structure" else ""
        return [_of_query(shape.member, pairs, f"{prefix}.{number}{nested}") for number in numbers]
    return _scalar(shape, pairs.pop(prefix, ""))


def _of_rest(operation, shape, exchange: Exchange) -> dict:
    uri = operation.http["requestUri"].partition("?")[0]
    in_path = _in_path(uri, exchange.path).groupdict()
    in_query, found, in_body = dict(exchange.query), {}, {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri":
            found[name] = _scalar(member, unquote(in_path[wire]))
        elif place == "querystring" and wire in in_query:
            found[name] = _scalar(member, in_query[wire])
        elif place == "header" and wire.lower() in exchange.headers:
            found[name] = _scalar(member, exchange.headers[wire.lower()])
        elif place is None:
            in_body[name] = member
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in ("blob", "string"):
        return found | {payload: exchange.body} if exchange.body else found
    if not exchange.body:
        return found
    if operation.service_model.metadata["protocol"] == "rest-json":
        read = json.loads(exchange.body)
        return found | ({payload: _of_json(shape.members[payload], read)} if payload else _of_json(shape, read))
    root = ElementTree.fromstring(exchange.body)
    return found | ({payload: _of_xml(shape.members[payload], root)} if payload else _of_xml(shape, root))


def _of_xml(shape, element):
    if shape.type_name == "structure":
        found, known = {}, set()
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            flat = member.type_name == "list" and member.serialization.get("flattened")
            if flat:
                wire = member.member.serialization.get("name", wire) if not member.serialization.get("name") else wire
            known.add(wire)
            children = [child for child in element if NAMESPACE.sub("", child.tag) == wire]
            if children:
                found[name] = [_of_xml(member.member, child) for child in children] if flat else _of_xml(member, children[0])
        return found | {NAMESPACE.sub("", child.tag): child.text for child in element if NAMESPACE.sub("", child.tag) not in known}
    if shape.type_name == "list":
        return [_of_xml(shape.member, child) for child in element]
    return _scalar(shape, element.text or "")


def _of_json(shape, value):
    """As it is sent, but for what JSON has no type of its own for."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {key: _of_json(shape.members[key], member) if key in shape.members else member for key, member in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_of_json(shape.member, member) for member in value]
    return str(value).encode() if shape.type_name == "blob" else value


def _scalar(shape, text: str):
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except ValueError:
        return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if shape.type_name == "blob":
        return text.encode()
    return text


# Both: the constraints


def check(shape, value: dict) -> list[str]:
    """What a model forbids: types, missing and unknown members, kinds, patterns, and limits."""
    report = ParamValidator().validate(value, shape)
    return [line for line in report.generate_report().splitlines() if line] + _limits(shape, value, shape.name)


def _limits(shape, value, where: str) -> list[str]:
    if shape.type_name == "structure" and isinstance(value, dict):
        unknown = [f"{where}.{key} is no member" for key in value if key not in shape.members]
        return unknown + [
            line for key, member in value.items() if key in shape.members
            for line in _limits(shape.members[key], member, f"{where}.{key}")
        ]
    if shape.type_name == "list" and isinstance(value, list):
        of_members = [line for member in value for line in _limits(shape.member, member, f"{where}[]")]
        return _size(shape, len(value), where) + of_members
    if shape.type_name == "string" and isinstance(value, str):
        found = _size(shape, len(value), where)
        if shape.enum and value not in shape.enum and (where, value) != EXCEPTION:
            found.append(f"{where} is none of {', '.join(shape.enum)}: {value}")
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            found.append(f"{where} does not match {pattern}: {value}")
        return found
    if shape.type_name in ("integer", "long") and isinstance(value, int):
        return _size(shape, value, where)
    return []


def _size(shape, size: int, where: str) -> list[str]:
    least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
    return [] if least <= size <= most else [f"{where} is {size}, and not within {least} and {most}"]


def _matches(pattern: str, value: str) -> bool:
    try:
        return bool(re.search(pattern, value))
    except re.error:
        # Java's, which Python does not read.
        return True


def problems(model, exchange: Exchange, counts: Counter) -> list[str]:
    try:
        operation = operation_of(model, exchange)
        sent = parameters_of(operation, exchange)
    except (Unfit, KeyError, ValueError, ElementTree.ParseError) as problem:
        return [f"{model.service_name}: {problem!r}"]
    name = f"{model.service_name}:{operation.name}"
    counts[name] += 1
    found = [f"{name} request: {line}" for line in (check(operation.input_shape, sent) if operation.input_shape else [])]
    answer = exchange.answered()
    if operation.has_streaming_output and answer["status_code"] < 300:
        # An object's own bytes.
        answer["body"] = b""
    parsed = create_parser(model.metadata["protocol"]).parse(answer, operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    if answer["status_code"] >= 300:
        counts["errors"] += 1
        error = parsed.get("Error", {})
        return found if error.get("Code") else found + [f"{name} answer: an error without a code: {answer}"]
    if operation.output_shape:
        parsed.pop(operation.output_shape.serialization.get("payload") if operation.has_streaming_output else None, None)
        found += [f"{name} answer: {line}" for line in check(operation.output_shape, parsed)]
    return found


def main() -> None:
    session, models, counts, unsigned, found = botocore.session.get_session(), {}, Counter(), 0, Counter()
    for line in open(sys.argv[1], encoding="utf-8"):
        exchange = Exchange.of(line)
        service = exchange.service()
        if service is None:
            unsigned += 1
            continue
        if service not in models:
            models[service] = session.get_service_model(service)
        found.update(problems(models[service], exchange, counts))
    errors = counts.pop("errors", 0)
    for problem, times in found.most_common():
        print(f"{times} times: {problem}")
    print(
        f"{counts.total()} requests and answers of {len(counts)} operations of {len(models)} services: "
        f"{found.total()} do not fit; {errors} answers are errors, {unsigned} requests were not signed"
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
