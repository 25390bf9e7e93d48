"""openapi.json (OpenAPI 3.1.1): from the table of endpoints and from what the handlers' decorators say."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter

import common
from api.endpoints import ENDPOINTS
from common import errors
from common.errors import Problem
from common.http.endpoint import Declared, declared_by
from common.http.form_model import Form
from common.http.json_body import JsonBody
from common.settings import DatabaseSettings

Object = dict[str, Any]

_PROBLEM = "Problem"
_PATH_PARAMETERS: Mapping[str, Object] = {"id": {"type": "string", "format": "uuid"}}


_PROBLEM_SCHEMA: Object = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "For a person"},
        "code": {"type": "string", "pattern": "^[a-z_]+$", "description": "For a program: it does not change"},
        "request_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "limit": {"type": "integer", "description": "The largest value that is accepted"},
        "actual": {"type": "integer", "description": "The value of the request"},
        "errors": {
            "type": "array",
            "description": "Every field that is wrong",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def document() -> Object:
    """Return the document."""
    declared = [_declared(endpoint.name) for endpoint in ENDPOINTS]
    schemas: Object = {_PROBLEM: _PROBLEM_SCHEMA}
    paths: Object = {}
    for each in declared:
        operation = _operation(each, schemas)
        paths.setdefault(each.endpoint.path, {})[each.endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Image API",
            "version": common.__version__,
            "description": "Upload, convert, compress, store and serve images.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _declared(name: str) -> Declared:
    (declared,) = declared_by(getattr(import_module(f"functions.{name}"), name))
    return declared


def _operation(declared: Declared, schemas: Object) -> Object:
    endpoint = declared.endpoint
    operation: Object = {"operationId": endpoint.name, "summary": endpoint.summary}
    if endpoint.scope:
        operation["security"] = [{"token": []}]
        operation["description"] = f"The token needs the scope `{endpoint.scope}`."
    else:
        operation["security"] = []
    if parameters := [*_path_parameters(declared), *_query_parameters(declared)]:
        operation["parameters"] = parameters
    if declared.body:
        operation["requestBody"] = _request_body(declared, schemas)
    operation["responses"] = {**_answers(declared, schemas), **_problems(declared)}
    return operation


def _path_parameters(declared: Declared) -> Iterator[Object]:
    sample = declared.endpoint.path.replace("{", "").replace("}", "")
    for name in declared.endpoint.parameters(sample) or {}:
        yield {"name": name, "in": "path", "required": True, "schema": _PATH_PARAMETERS.get(name, {"type": "string"})}


def _query_parameters(declared: Declared) -> Iterator[Object]:
    if not declared.query:
        return
    schema = _schema_of(declared.query)
    required = schema.get("required", [])
    for name, property_ in schema["properties"].items():
        yield {"name": name, "in": "query", "required": name in required, "schema": property_}


def _request_body(declared: Declared, schemas: Object) -> Object:
    model = declared.body
    assert model  # noqa: S101  # the caller looked
    media_type = model.media_type if issubclass(model, JsonBody) else "multipart/form-data"
    return {"required": True, "content": {media_type: {"schema": _add_schema(schemas, model.__name__, model)}}}


def _answers(declared: Declared, schemas: Object) -> Object:
    """Return the responses of requests that are not refused."""
    responses: Object = {}
    for status, answer in declared.answers.items():
        response: Object = {"description": HTTPStatus(status).phrase}
        if isinstance(answer, type):
            schema = _add_schema(schemas, answer.__name__, answer)
            response["content"] = {"application/json": {"schema": schema}}
        elif answer:
            response["content"] = {answer: {}}
        responses[str(status)] = response
    return responses


def _problems(declared: Declared) -> Object:
    """Return a response for each status of a refusal, with the codes that it may have."""
    codes: dict[int, list[str]] = {}
    for problem in _raised(declared):
        codes.setdefault(problem.status, []).append(problem.code)
    return {
        str(int(status)): {
            "description": " or ".join(f"`{code}`" for code in dict.fromkeys(codes[status])),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "allOf": [
                            {"$ref": f"#/components/schemas/{_PROBLEM}"},
                            {"properties": {"code": {"enum": list(dict.fromkeys(codes[status]))}}},
                        ]
                    }
                }
            },
        }
        for status in sorted(codes)
    }


def _raised(declared: Declared) -> Iterator[type[Problem]]:
    """Yield the problems that a request to an endpoint may have, on its way to the handler and in it."""
    if declared.endpoint.scope:
        yield from (errors.Unauthorized, errors.InsufficientScope)
    if declared.body:
        yield from (errors.MalformedRequest, errors.RequestTooLarge, errors.UnsupportedMediaType)
    if declared.body and issubclass(declared.body, Form):
        yield errors.ImageTooLarge
    if declared.body or declared.query:
        yield errors.InvalidRequest
    yield from declared.raises
    if DatabaseSettings in declared.settings:
        yield errors.StorageUnavailable
    yield Problem


def _schema_of(model: Any) -> Object:  # noqa: ANN401  # whatever pydantic can describe
    adapter = TypeAdapter(model)
    schema: Object = adapter.json_schema(ref_template="#/components/schemas/{model}", mode="validation")
    for property_ in schema.get("properties", {}).values():
        if property_.get("default", "") is None:  # absent, which JSON Schema says by not requiring it
            del property_["default"]
    return schema


def _add_schema(schemas: Object, name: str, model: Any) -> Object:  # noqa: ANN401  # see _schema_of
    """Add a model and what it refers to; return the reference to it."""
    schema = _schema_of(model)
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}
