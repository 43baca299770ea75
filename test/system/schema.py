# SPDX-License-Identifier: Apache-2.0
"""JSON schema 2020-12, as much of it as the console's OpenAPI document uses.
# not-a-test: what the tests of the console share
"""
import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KNOWN = {"type", "enum", "properties", "required", "additionalProperties", "items", "anyOf", "$ref",
         "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "format"}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Schema:
    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    def faults(self, value, schema, at="$"):
        """Why the value has not this shape: texts."""
        schema = self.resolve(schema)
        for key in set(schema) - KNOWN:
            yield f"{at}: the schema says '{key}', which this checker does not know"
        if "anyOf" in schema:
            tries = [list(self.faults(value, s, at)) for s in schema["anyOf"]]
            if all(tries):
                yield from min(tries, key=len)
            return
        types = schema.get("type")
        if types is not None:
            types = types if isinstance(types, list) else [types]
            if not any(is_type(value, t) for t in types):
                yield f"{at}: {str(value)[:60]!r} is no {types}"
                return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at}: {value!r} is none of {schema['enum']}"
        if schema.get("format") == "date-time" and isinstance(value, str) and not TIME.match(value):
            yield f"{at}: {value!r} is no time"
        if isinstance(value, dict):
            yield from self.object_faults(value, schema, at)
        elif isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                yield from self.faults(item, schema["items"], f"{at}[{i}]")

    def object_faults(self, value, schema, at):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}: '{name}' is missing"
        for name, item in value.items():
            more = schema.get("additionalProperties", True)
            if name in properties:
                yield from self.faults(item, properties[name], f"{at}.{name}")
            elif more is False:
                yield f"{at}: '{name}' is not in the schema"
            elif isinstance(more, dict):
                yield from self.faults(item, more, f"{at}.{name}")
