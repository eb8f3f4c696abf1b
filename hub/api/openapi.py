"""The OpenAPI document: what FastAPI sees by itself, and the hot roads, which it does not."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from hub.api import hooks
from hub.api.event_schemas import EVENT_OPERATIONS, EVENT_SCHEMAS
from hub.sources.settings import FORM
from hub.xapi.completion import Completion
from hub.xapi.model import StatementModel

REF = "#/components/schemas/{model}"
JSON = "application/json"
Node = dict[str, Any]  # an OpenAPI document is whatever JSON it is


def describing(app: FastAPI) -> Callable[[], Node]:
    """Return what FastAPI calls for the document; it is made once."""

    def openapi() -> Node:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    return openapi


def _describe(app: FastAPI) -> Node:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    _, definitions = models_json_schema(
        [(StatementModel, "validation"), (Completion, "validation")], ref_template=REF
    )
    schemas = components.setdefault("schemas", {})
    schemas |= definitions["$defs"] | {"Problem": _PROBLEM, "Taken": _TAKEN} | EVENT_SCHEMAS
    components["securitySchemes"] = {
        "basic": {"type": "http", "scheme": "basic", "description": "userId and apiKey"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "apiKey"},
    }
    for path, operations in (_HOT | _BODIES).items():
        for method, operation in operations.items():
            document["paths"].setdefault(path, {}).setdefault(method, {}).update(operation)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    return document


def _complete(path: str, operation: MutableMapping[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = {"description": "A problem (RFC 9457)", "content": problem}
    if path not in _OPEN:
        operation["security"] = [{"basic": []}, {"bearer": []}]


def _body(model: str) -> Node:
    one = {"$ref": REF.format(model=model)}
    schema = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _parameter(name: str, place: str, words: str) -> Node:
    schema = {"type": "string"}
    return {"name": name, "in": place, "required": True, "description": words, "schema": schema}


def _operation(
    name: str, summary: str, responses: Mapping[str, object], *parameters: Node, body: bool = True
) -> Node:
    operation: Node = {
        "tags": ["Statements"],
        "operationId": name,
        "summary": summary,
        "parameters": [_parameter("integration_id", "path", "the integration"), *parameters],
        "responses": dict(responses),
    }
    if body:
        operation["requestBody"] = _body("StatementModel")
    return operation


def _answer(words: str, schema: Mapping[str, object]) -> Node:
    return {"description": words, "content": {JSON: {"schema": schema}}}


_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
_IDS: Node = {"type": "array", "items": {"type": "string", "format": "uuid"}}
_TAKEN: Node = {
    "type": "object",
    "properties": {"accepted": _IDS, "duplicates": _IDS},
    "required": ["accepted", "duplicates"],
}
_FLAW: Node = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "description": "a JSON pointer into the body"},
        "detail": {"type": "string"},
    },
    "required": ["pointer", "detail"],
}
_PROBLEM: Node = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": _FLAW},
    },
    "required": ["type", "title", "status"],
}
_VERSION = _parameter("X-Experience-API-Version", "header", "1.0.x or 2.0.x")
_HOT: Node = {
    "/api/integrations/{integration_id}/statements": {
        "post": _operation(
            "post_statements",
            "Take a statement or an array of them; from the answer on they will not be lost.",
            {"202": _answer("Taken", {"$ref": REF.format(model="Taken")})},
        )
    },
    "/xapi/{integration_id}/statements": {
        "post": _operation(
            "post_xapi_statements",
            "Take statements as an LRS does.",
            {"200": _answer("The ids, in order", _IDS)},
            _VERSION,
        ),
        "put": _operation(
            "put_xapi_statement",
            "Take one statement under the id that the address names.",
            {"204": {"description": "Taken"}},
            _VERSION,
            _parameter("statementId", "query", "the id of the statement"),
        ),
    },
    "/xapi/{integration_id}/about": {
        "get": _operation(
            "get_xapi_about",
            "Say which versions of xAPI are spoken here.",
            {"200": _answer("The versions", {"type": "object"})},
            body=False,
        )
    },
}
_HOT |= EVENT_OPERATIONS
_HOT[hooks.PATH] = {
    "post": {
        "tags": ["Webhooks"],
        "operationId": "take_webhook",
        "summary": "Take one delivery of a sender.",
        "parameters": [_parameter("source_id", "path", "the source")],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {}}, FORM: {"schema": {}}},
        },
        "responses": {
            "200": {"description": "This delivery was taken before, or a question is answered"},
            "202": {"description": "Taken"},
        },
    }
}
_BODIES: Node = {
    "/api/programs/{program_id}/completions": {"post": {"requestBody": _body("Completion")}}
}
