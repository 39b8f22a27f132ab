"""The smallest value that a JSON schema allows, or the example that it gives."""

import math
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
DEPTH = 6  # a schema that contains itself ends somewhere

STRINGS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "doctor@example.com",
    "uri": "http://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


class Samples:
    """Values for the schemas of one OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a `$ref` within the document leads to; anything else as it is."""
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
            node = found
        return node

    def of_parameter(self, parameter: Mapping[str, Any]) -> object:
        """A parameter's own example first, then its schema's."""
        examples = [entry.get("value") for entry in parameter.get("examples", {}).values()]
        for example in (parameter.get("example"), *examples):
            if example is not None:
                return example
        return self.of(parameter.get("schema", {}))

    def of(self, schema: Schema, depth: int = 0) -> object:
        """The example, the default or the smallest value of a schema."""
        schema = self.resolve(schema)
        given = _given(schema)
        if given is not None or depth > DEPTH:
            return given
        for alternatives in ("anyOf", "oneOf"):
            if schema.get(alternatives):
                return self.of(schema[alternatives][0], depth + 1)
        if schema.get("allOf"):
            return self._merged(schema["allOf"], depth)
        return self._of_type(schema, depth)

    def _merged(self, schemas: list[Schema], depth: int) -> object:
        values = [self.of(schema, depth + 1) for schema in schemas]
        parts = [value for value in values if isinstance(value, dict)]
        return {key: part[key] for part in parts for key in part} if parts else values[0]

    def _of_type(self, schema: Schema, depth: int) -> object:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) else kind:
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
            case "array":
                item = schema.get("items", {})
                return [self.of(item, depth + 1)] * int(schema.get("minItems", 0))
            case "object":
                properties = schema.get("properties", {})
                required = [name for name in schema.get("required", ()) if name in properties]
                return {name: self.of(properties[name], depth + 1) for name in required}
            case "null":
                return None
        return _string(schema)


def _given(schema: Schema) -> object:
    """What a schema itself names, if it names anything."""
    several = [*schema.get("examples", ()), *schema.get("enum", ())]
    named = [schema.get(key) for key in ("const", "example", "default")]
    return next((value for value in (*named, *several) if value is not None), None)


def _number(schema: Schema) -> float:
    """1, or the nearest to it that is allowed."""
    step = schema.get("multipleOf", 1)
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + step)
    most = schema.get("maximum", schema.get("exclusiveMaximum", least + step) - step)
    nearest: float = max(least, min(1, most))
    if "multipleOf" in schema:
        nearest = math.ceil(nearest / step) * step
    return math.ceil(nearest) if schema.get("type") == "integer" else nearest


def _string(schema: Schema) -> str:
    text = STRINGS.get(schema.get("format", ""), "1")
    return text.ljust(int(schema.get("minLength", 0)), "1")
