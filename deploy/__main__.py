"""Print a host's file, filled in for every function of api/endpoints.py: no host can miss one."""

import argparse
import json
import re
import sys
from pathlib import Path

from api.endpoints import ENDPOINTS, Endpoint

_FOLDER = Path(__file__).parent
_EACH = re.compile(r"^ *# each function\n(.*?)^ *# end\n", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"@(\w+)@")
_MEMORY_MIB = {"upload_image": 1536}  # decoded pictures: 1.1 GB at the peak, measured; the others need 50 MB
_ROUTE_BY_PATH_ALONE = {"azure-container-apps", "cloud-run-routes"}


def hosts() -> dict[str, Path]:
    """Return each host's file by its name."""
    return {path.stem: path for path in sorted(_FOLDER.iterdir()) if path.suffix in {".sh", ".yaml"}}


def fill(host: str, settings: dict[str, str]) -> str:
    """Return the host's file with a block for each function; KeyError for a setting that it needs and lacks."""
    text = hosts()[host].read_text()
    if host in _ROUTE_BY_PATH_ALONE:
        _check_that_paths_differ(host)
    by_function = [_values(function) | settings for function in _most_specific_first()]
    blocks = _EACH.sub(lambda block: "".join(_replace(block[1], values) for values in by_function), text)
    return _replace(blocks, settings)


def _most_specific_first() -> list[Endpoint]:
    """Return the functions in the order in which a host that takes the first match must try their paths."""
    return sorted(ENDPOINTS, key=lambda function: len(function.path.partition("{")[0]), reverse=True)


def _replace(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], text)


def _values(function: Endpoint) -> dict[str, str]:
    """Return what the files say of a function: one worker on one CPU, because hosts add instances, not cores."""
    fixed, has_parameter, _ = function.path.partition("{")
    service = function.name.replace("_", "-")  # a DNS label
    is_prefix = bool(has_parameter) or function.path == "/"  # index answers what is nobody's: with a 404
    replaced = "PrefixMatch" if is_prefix else "FullPath"
    return {
        "function": function.name,
        "service": service,
        "id": function.name.title().replace("_", ""),  # CloudFormation wants letters and digits
        "method": function.method,
        "path": function.path,
        "fixed_path": fixed,
        "path_glob": f"{fixed}*" if has_parameter else fixed,
        "path_match": "prefix" if is_prefix else "path",
        "matches": json.dumps(_matches(function, {"type": "PathPrefix" if is_prefix else "Exact", "value": fixed})),
        "rewrite": json.dumps({"type": f"Replace{replaced}", f"replace{replaced}": f"/function/{service}{fixed}"}),
        "events": json.dumps(_events(function)),
        "threads": str(function.threads),
        "memory_mib": str(_MEMORY_MIB.get(function.name, 512)),
    }


def _matches(function: Endpoint, path: dict[str, str]) -> list[dict[str, object]]:
    """Return an HTTPRoute's matches: a path alone, or with the methods of a function that is not its path's first."""
    return [{"path": path}] if _is_first(function) else [{"path": path, "method": m} for m in _methods(function)]


def _events(function: Endpoint) -> dict[str, object]:
    """Return a SAM function's events, likewise; without a path it is the route of all that no other one knows."""
    api = {"ApiId": {"Ref": "Api"}}
    if function.path == "/":
        return {"Default": {"Type": "HttpApi", "Properties": api}}
    methods = ["ANY"] if _is_first(function) else _methods(function)
    paths = {method: api | {"Method": method, "Path": function.path} for method in methods}
    return {method.title(): {"Type": "HttpApi", "Properties": properties} for method, properties in paths.items()}


def _methods(function: Endpoint) -> list[str]:
    return ["GET", "HEAD"] if function.method == "GET" else [function.method]


def _is_first(function: Endpoint) -> bool:
    """Tell whether no function before it has its path: it also answers the methods of nobody, with a 405."""
    return function == next(other for other in ENDPOINTS if other.path == function.path)


def _check_that_paths_differ(host: str) -> None:
    for function in ENDPOINTS:
        if sum(other.path == function.path for other in ENDPOINTS) > 1:
            sys.exit(f"{host} routes by path alone, and {function.path} has several functions: see deploy/README.md.")


def main() -> None:
    """Print what the command line asks for; exit, naming it, where a setting is missing."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy", description=__doc__)
    parser.add_argument("host", choices=hosts())
    parser.add_argument("--image", help="the image, as the host pulls it: registry/name:tag")
    parser.add_argument("--domain", help="the API's own domain")
    arguments = vars(parser.parse_args())
    host = arguments.pop("host")
    try:
        sys.stdout.write(fill(host, {name: value for name, value in arguments.items() if value}))
    except KeyError as error:
        parser.error(f"{host} needs --{error.args[0]}")


if __name__ == "__main__":
    main()
