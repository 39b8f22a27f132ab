"""The requests that an OpenAPI document allows."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fastoffload.doctor.running.samples import STRINGS, Samples

METHODS = ("get", "head", "options", "post", "put", "patch", "delete", "trace")
SOCKET = "WebSocket"
PARAMETER = re.compile(r"\{\w+(?::(\w+))?\}")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """A request to one route, with values that its schema allows."""

    method: str
    route: str
    """The path as the document has it, with names in braces."""
    path: str
    """With values, and the query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    secured: bool = False
    """The document says that it asks who calls."""
    cannot: str = ""
    """Why it cannot be made; empty when it can."""

    @property
    def name(self) -> str:
        """`GET /orders/{id}`."""
        return f"{self.method} {self.route}"


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Each that the document has, in its order."""
    samples = Samples(document)
    for route, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield _operation(samples, method.upper(), route, item, item[method])


def socket(route: str) -> Operation:
    """Opening a WebSocket; no document tells what its path takes."""
    path = PARAMETER.sub(lambda found: STRINGS.get(found[1] or "", "1"), route)
    return Operation(
        SOCKET, PARAMETER.sub(lambda found: found[0].split(":")[0].rstrip("}") + "}", route), path
    )


def _operation(
    samples: Samples, method: str, route: str, item: Mapping[str, Any], said: Mapping[str, Any]
) -> Operation:
    parameters = [
        samples.resolve(one) for one in [*item.get("parameters", ()), *said.get("parameters", ())]
    ]
    values = {
        (one["in"], one["name"]): _text(samples.of_parameter(one))
        for one in parameters
        if one.get("required") or one["in"] == "path"
    }
    path = route
    for (place, name), value in values.items():
        if place == "path":
            path = path.replace("{" + name + "}", quote(value, safe=""))
    query = urlencode(
        [(name, value) for (place, name), value in values.items() if place == "query"]
    )
    kind, body = _body(samples, samples.resolve(said.get("requestBody", {})))
    return Operation(
        method=method,
        route=route,
        path=f"{path}?{query}" if query else path,
        headers=_headers(values) | ({"content-type": kind} if body is not None else {}),
        body=body,
        secured=bool(said.get("security")),
        cannot=f"its body is {kind}" if kind and body is None else "",
    )


def _headers(values: Mapping[tuple[str, str], str]) -> dict[str, str]:
    headers = {name: value for (place, name), value in values.items() if place == "header"}
    cookies = [f"{name}={value}" for (place, name), value in values.items() if place == "cookie"]
    return headers | ({"cookie": "; ".join(cookies)} if cookies else {})


def _body(samples: Samples, said: Mapping[str, Any]) -> tuple[str, bytes | None]:
    """The media type and the bytes; no bytes for a type that cannot be made up, such as a file."""
    content = said.get("content", {})
    if JSON in content:
        return JSON, json.dumps(samples.of(content[JSON].get("schema", {}))).encode()
    if FORM in content:
        form = samples.of(content[FORM].get("schema", {}))
        return FORM, urlencode(form if isinstance(form, dict) else {}).encode()
    return next(iter(content), ""), None


def _text(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else json.dumps(value)
