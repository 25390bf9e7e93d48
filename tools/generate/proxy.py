"""What nginx has to know of the table of endpoints and of the problem documents."""

import json
import re
from collections.abc import Iterator

from api.endpoints import ENDPOINTS, Endpoint, most_specific
from common.errors import DETAILS, RETRY_AFTER_SECONDS, Problem

_HEAD = "# Made by `make generate`, included by image-api.conf: change {} instead."
_ITS_OWN = r"/(robots\.txt|favicon\.ico)"  # what the proxy answers itself
_NOT_ENCODED_SLASH = "(?!.*%2[Ff])"  # a function sees it as a further segment


def routes() -> str:
    """Return an upstream for each function, and the maps from a request's path and method to it."""
    paths = most_specific(endpoint.path for endpoint in ENDPOINTS)
    width = max(len(endpoint.name) for endpoint in ENDPOINTS)
    return "\n".join(
        [
            _HEAD.format("api/endpoints.py"),
            "",
            "# max_fails=0: there is no other server to use instead. The second one is for the second try of a GET",
            "# whose connection broke while the function was restarting: nginx sends no POST twice. keepalive_timeout",
            "# is below the functions' 75 s: no function closes a connection on which nginx begins a request.",
            *(_upstream(endpoint, width) for endpoint in ENDPOINTS),
            "",
            "map $path $resource {  # patterns only, because nginx compares plain words without regard to case",
            '    default  "";',
            *(f'    "~^{_pattern(path)}$"  "{path}";' for path in paths),
            f'    "~^{_ITS_OWN}$"  page;',
            "}",
            "map $resource $allow {",
            '    default  "";',
            *(f'    "{path}"  "{", ".join([*_methods(path), "OPTIONS"])}";' for path in paths),
            '    page  "GET, HEAD";',
            "}",
            'map "$request_method $resource" $function {',
            '    default  "";',
            *(f'    "{method} {each.path}"  {each.name};' for each in ENDPOINTS for method in each.methods),
            '    "GET page"  itself;',
            '    "HEAD page"  itself;',
            "}",
            "",
        ]
    )


def _upstream(endpoint: Endpoint, width: int) -> str:
    server = f"server ${{{endpoint.name.upper()}_ADDRESS}} max_fails=0;"
    zone = f"zone {endpoint.name} 64k;"
    return f"upstream {endpoint.name:<{width}} {{ {zone} {server} {server} keepalive 32; keepalive_timeout 60s; }}"


def _pattern(path: str) -> str:
    """Return the regular expression of a path as it is sent: no fragment, no encoded slash in a parameter."""
    literals = [re.escape(text) for text in re.split(r"\{\w+\}", path)]
    return (_NOT_ENCODED_SLASH if len(literals) > 1 else "") + "[^/#]+".join(literals)


def _methods(path: str) -> Iterator[str]:
    return (method for endpoint in ENDPOINTS if endpoint.path == path for method in endpoint.methods)


def problems() -> str:
    """Return the map from a status that nginx answers itself to the members of its problem document."""
    names = {500: "default"}  # of any status that is not in the list
    return "\n".join(
        [
            _HEAD.format("common/errors.py"),
            "",
            "map $status $problem {",
            *(f"    {names.get(status, status)}  '{_members(status)}';" for status in DETAILS),
            "}",
            "map $status $retry_after {",
            '    default  "";',
            *(f'    {status}  "{seconds}";' for status, seconds in RETRY_AFTER_SECONDS.items()),
            "}",
            "",
        ]
    )


def _members(status: int) -> str:
    """Return the members of the document as JSON without braces, in an nginx string."""
    problem = Problem.of_status(status)
    limit = "${CLIENT_MAX_SIZE_BYTES}"
    document = problem.document("")
    members = {name: document[name] for name in ("title", "status", "detail", "code")}
    text = json.dumps(members)[1:-1].replace("{limit}", limit).replace("'", "\\'")
    return f'{text}, "limit": {limit}$actual_size' if "{limit}" in problem.detail else text
