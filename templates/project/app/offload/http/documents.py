"""What OpenAPI says of bodies that FastAPI does not read itself."""

from collections.abc import Mapping
from typing import Any

from fastapi.openapi.models import Response

from ..kinds import Input, Kind
from .problems import MEDIA_TYPE, SCHEMA

FILE = {"type": "string", "format": "binary"}


def form(kind: Kind[Any, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a kind with inputs: a form; the file itself if there is one input."""
    parts = {name: _part(limits) for name, limits in kind.inputs.items()}
    needed = [name for name, limits in kind.inputs.items() if limits.required]
    params = inlined(kind.params.model_json_schema())
    schema = {
        "type": "object",
        "properties": {"params": params, **parts},
        "required": [*(["params"] if params.get("required") else []), *needed],
        "additionalProperties": False,
    }
    encoding = {"params": {"contentType": "application/json"}} | {
        name: {"contentType": ", ".join(limits.media_types)} for name, limits in kind.inputs.items()
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": schema, "encoding": encoding}}
    if not needed:
        content["application/json"] = {"schema": params}
    extra: dict[str, Any] = {"requestBody": {"required": bool(needed), "content": content}}
    if len(parts) == 1:
        [limits] = kind.inputs.values()
        content |= {media_type: {"schema": FILE} for media_type in limits.media_types}
        extra["parameters"] = [
            {
                "name": "params",
                "in": "query",
                "description": "The parameters as JSON, where the body is the file itself.",
                "content": {"application/json": {"schema": params}},
            }
        ]
    return extra


def brings_the_problem() -> dict[str, Any]:
    """The `openapi_extra` of a route whose 503 has the model of problem documents.

    The one way to have a schema among the components without reaching into the application. FastAPI
    would say that it comes as application/json; a whole Response takes the place of what it says.
    """
    content = {MEDIA_TYPE: {"schema": SCHEMA}}
    return {"responses": {"503": Response(description="Not now", content=content)}}


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema with what it refers to in its place, since OpenAPI's root is another one.

    A model within itself is any object there.
    """
    definitions = schema.get("$defs", {})

    def resolve(node: Any, within: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [resolve(each, within) for each in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name in within:
            return {"type": "object"}
        if name in definitions:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return resolve({**definitions[name], **rest}, (*within, name))
        return {key: resolve(value, within) for key, value in node.items() if key != "$defs"}

    resolved: dict[str, Any] = resolve(dict(schema), ())
    return resolved


def _part(limits: Input) -> dict[str, Any]:
    if limits.many == 1:
        return dict(FILE)
    fewest = 1 if limits.required else 0
    return {"type": "array", "items": FILE, "minItems": fewest, "maxItems": limits.many}
