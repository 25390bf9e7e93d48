"""Print a host's file, filled in for every function of api/endpoints.py: no host can miss one."""

import argparse
import json
import re
import sys
from pathlib import Path

from deploy.deployables import Deployable, Routing, deployables, most_specific_first

_FOLDER = Path(__file__).parent
_EACH = re.compile(r"^ *# each function\n(.*?)^ *# end\n", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"@(\w+)@")
_ROUTINGS = {
    "aws-lambda": Routing.ROUTE,
    "scaleway": Routing.ROUTE,  # it has no routes: each function has an address of its own
    "azure-container-apps": Routing.PREFIX,
    "cloud-run": Routing.PREFIX,
    "cloud-run-functions": Routing.PREFIX,
    "cloud-run-routes": Routing.PREFIX,
}  # the others: the Gateway API's


def hosts() -> dict[str, Path]:
    """Return each host's file by its name."""
    return {path.stem: path for path in sorted(_FOLDER.iterdir()) if path.suffix in {".sh", ".yaml"}}


def services_of(host: str) -> list[Deployable]:
    """Return what a host runs."""
    return deployables(_ROUTINGS.get(host, Routing.METHOD_AND_PREFIX))


def fill(host: str, settings: dict[str, str]) -> str:
    """Return the host's file with a block for each service. Raises KeyError if a setting is missing that it needs."""
    text = hosts()[host].read_text()
    services = services_of(host)
    each = [_values(service, services) | settings for service in most_specific_first(services)]
    blocks = _EACH.sub(lambda block: "".join(_replace(block[1], values) for values in each), text)
    return _replace(blocks, settings)


def _replace(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], text)


def _values(service: Deployable, services: list[Deployable]) -> dict[str, str]:
    """Return what the files say of a service: one worker on one CPU, because hosts add instances, not cores."""
    label = service.name.replace("_", "-")  # a DNS label
    fixed = service.fixed_path
    is_prefix = service.is_prefix or fixed == "/"  # index answers with 404 what no function answers
    is_first = service == next(other for other in services if other.address == service.address)
    replaced = "PrefixMatch" if is_prefix else "FullPath"
    path = {"type": "PathPrefix" if is_prefix else "Exact", "value": fixed}
    return {
        "service": label,
        "target": service.environment["FUNCTION_TARGET"],
        "source": service.environment["FUNCTION_SOURCE"],
        "functions": service.environment["FUNCTIONS"],
        "id": service.name.title().replace("_", ""),  # CloudFormation wants letters and digits
        "routes": ", ".join(endpoint.route for endpoint in service.endpoints),
        "fixed_path": fixed,
        "path_glob": f"{fixed}*" if service.is_prefix else fixed,
        "path_match": "prefix" if is_prefix else "path",
        "matches": json.dumps(_matches(service, path, is_first=is_first)),
        "rewrite": json.dumps({"type": f"Replace{replaced}", f"replace{replaced}": f"/function/{label}{fixed}"}),
        "events": json.dumps(_events(service, is_first=is_first)),
        "threads": str(service.threads),
        "memory_mib": str(service.memory_mib),
    }


def _matches(service: Deployable, path: dict[str, str], *, is_first: bool) -> list[dict[str, object]]:
    """Return an HTTPRoute's matches. The first service on a path also answers methods of no function, with a 405."""
    return [{"path": path}] if is_first else [{"path": path, "method": method} for method in service.methods]


def _events(service: Deployable, *, is_first: bool) -> dict[str, object]:
    """Return a SAM function's events, likewise. One without a path is the route of all that no other one knows."""
    api = {"ApiId": {"Ref": "Api"}}
    if service.path == "/":
        return {"Default": {"Type": "HttpApi", "Properties": api}}
    methods = ["ANY"] if is_first else service.methods
    paths = {method: api | {"Method": method, "Path": service.path} for method in methods}
    return {method.title(): {"Type": "HttpApi", "Properties": properties} for method, properties in paths.items()}


def main() -> None:
    """Print what the command line asks for; exit, naming it, if a setting is missing."""
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
