"""Every host's file, filled in: each function is there, and each path reaches the one that answers it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import deploy.__main__ as deploy
from api.endpoints import ENDPOINTS, Endpoint
from deploy import deployables
from tests.servers import ROOT

SETTINGS = {"image": "registry.example.org/image-api:1.0", "domain": "images.example.org"}
UNKNOWN = ["/imagesque", "/nothing/here"]  # index answers 404
DELETE_IMAGE = Endpoint("delete_image", "DELETE /images/{id}", "A thing", scope="delete")
GET_METADATA = Endpoint("get_metadata", "GET /images/{id}/metadata", "A thing", scope="read")
GATEWAYS = ["kubernetes", "knative", "openfaas-routes"]
RUNS = [host for host in deploy.hosts() if host not in {"gateway", "cloud-run-routes", "openfaas-routes"}]


def documents(host: str) -> list[Any]:
    return [document for document in yaml.safe_load_all(deploy.fill(host, SETTINGS)) if document]


def of_kind(host: str, kind: str) -> list[Any]:
    return [document for document in documents(host) if document["kind"] == kind]


def service_of(host: str, name: str) -> str:
    """The service that runs a function."""
    (service,) = (each for each in deploy.services_of(host) if name in each.environment["FUNCTIONS"].split(":"))
    return service.name.replace("_", "-")


def sample(endpoint: Endpoint) -> str:
    return re.sub(r"\{\w+\}", "some-id", endpoint.path)


def environments(host: str) -> Iterator[dict[str, str]]:
    """What each container of a YAML host is told."""
    for document in documents(host):
        if host == "aws-lambda":
            shared = document["Globals"]["Function"]["Environment"]["Variables"]
            resources = document["Resources"].values()
            yield from (shared | r["Properties"]["Environment"]["Variables"] for r in resources if "Properties" in r)
        elif host == "openfaas":
            yield from (function["environment"] for function in document["functions"].values())
        elif document["kind"] in {"Deployment", "Service"} and "template" in document["spec"]:
            (container,) = document["spec"]["template"]["spec"]["containers"]
            yield {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("host", ["kubernetes", "knative", "openfaas", "aws-lambda"])
def test_a_host_runs_every_function_once_from_its_own_file(host: str) -> None:
    told = list(environments(host))
    names = [name for environment in told for name in environment["FUNCTIONS"].split(":")]
    assert sorted(names) == sorted(function.name for function in ENDPOINTS)
    for environment in told:
        assert (ROOT / environment["FUNCTION_SOURCE"]).stem == environment["FUNCTION_TARGET"]
        assert (ROOT / environment["FUNCTION_SOURCE"]).exists()
        assert environment["LOG_STORE"] == "database"
        assert environment["WORKERS"] == "1"


@pytest.mark.parametrize("host", RUNS)
def test_a_function_that_joins_the_list_joins_every_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    joined = Endpoint("get_thing", "GET /things/{id}", "A thing", scope="read")
    monkeypatch.setattr(deployables, "ENDPOINTS", (*ENDPOINTS, joined))
    filled = deploy.fill(host, SETTINGS)
    assert "functions/get_thing.py" in filled
    assert filled.count("get_thing") >= 2
    assert re.search(r"get-thing|GetThing", filled)


@pytest.mark.parametrize("host", deploy.hosts())
def test_a_filled_file_has_no_place_left_open_and_no_secret(host: str) -> None:
    filled = deploy.fill(host, SETTINGS)
    assert not re.search(r"@\w+@", filled)
    assert not re.search(r"^[^#]*postgres(ql)?://", filled, re.MULTILINE)


@pytest.mark.parametrize("host", GATEWAYS)
def test_the_gateway_sends_a_request_to_its_function(host: str) -> None:
    for endpoint in ENDPOINTS:
        assert routed(host, endpoint.method, sample(endpoint)) == (service_of(host, endpoint.name), sample(endpoint))
    for path in UNKNOWN:
        assert routed(host, "GET", path) == (service_of(host, "index"), path)


@pytest.mark.parametrize("host", GATEWAYS)
def test_the_gateway_sends_a_method_that_no_function_has_to_a_function_of_the_path(host: str) -> None:
    for endpoint in ENDPOINTS:
        name, _ = routed(host, "BREW", sample(endpoint))
        assert name in {service_of(host, each.name) for each in ENDPOINTS if each.path == endpoint.path}


@pytest.mark.parametrize("host", GATEWAYS)
def test_a_gateway_tells_methods_apart_and_gets_one_service_for_what_it_cannot_tell_apart(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployables, "ENDPOINTS", (*ENDPOINTS, DELETE_IMAGE, GET_METADATA))
    assert routed(host, "DELETE", "/images/some-id") == ("delete-image", "/images/some-id")
    reads = service_of(host, "get_image")
    assert reads == service_of(host, "get_metadata") == "get-images-item"
    assert routed(host, "HEAD", "/images/some-id") == (reads, "/images/some-id")
    assert routed(host, "GET", "/images/some-id/metadata") == (reads, "/images/some-id/metadata")
    assert routed(host, "PUT", "/images/some-id") == (reads, "/images/some-id")


@pytest.mark.parametrize("host", ["azure-container-apps", "cloud-run", "cloud-run-functions"])
def test_a_host_that_routes_by_path_alone_gets_one_service_for_a_path(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {service.name: service for service in deploy.services_of(host)}
    monkeypatch.setattr(deployables, "ENDPOINTS", (*ENDPOINTS, DELETE_IMAGE))
    (shared,) = (each for each in deploy.services_of(host) if DELETE_IMAGE in each.endpoints)
    (alone,) = (each for each in before.values() if "get_image" in each.environment["FUNCTIONS"].split(":"))
    assert shared.environment["FUNCTIONS"].endswith("get_image:delete_image")
    assert shared.threads == alone.threads + DELETE_IMAGE.threads
    assert shared.memory_mib == max(alone.memory_mib, DELETE_IMAGE.memory_mib)
    filled = deploy.fill(host, SETTINGS)
    assert "FUNCTIONS=get_image:delete_image" in filled
    assert f"THREADS={shared.threads}" in filled


def routed(host: str, method: str, path: str) -> tuple[str, str]:
    """The function that gets a request, and the path it sees, by the Gateway API's precedence of matches."""
    found = []
    for route in of_kind(host, "HTTPRoute"):
        (rule,) = route["spec"]["rules"]
        for match in rule["matches"]:
            value, exact = match["path"]["value"], match["path"]["type"] == "Exact"
            prefix = value.rstrip("/")
            under = path == prefix or path.startswith(f"{prefix}/")
            if (path == value if exact else under) and match.get("method", method) == method:
                found.append(((exact, len(prefix), "method" in match), route["metadata"]["name"], rule, value))
    _, name, rule, value = max(found, key=lambda each: each[0])
    if host == "openfaas-routes":
        return seen_by_openfaas(rule["filters"][0]["urlRewrite"]["path"], path, value)
    if host == "knative":
        assert rule["filters"][0]["urlRewrite"]["hostname"] == f"{name}.image-api.svc.cluster.local"
        return name, path
    assert rule["backendRefs"][0]["name"] == name
    return name, path


def seen_by_openfaas(rewrite: dict[str, str], path: str, prefix: str) -> tuple[str, str]:
    """The function whose name stands in the rewritten path, and what follows it."""
    if rewrite["type"] == "ReplaceFullPath":
        rewritten = rewrite["replaceFullPath"]
    else:
        rewritten = rewrite["replacePrefixMatch"].rstrip("/") + path.removeprefix(prefix.rstrip("/"))
    found = re.fullmatch(r"/function/([^/]+)(/.*)", rewritten)
    assert found
    return found[1], found[2]


def test_lambda_sends_every_path_to_its_function() -> None:
    (template,) = documents("aws-lambda")
    routes = {}
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            target = resource["Properties"]["Environment"]["Variables"]["FUNCTION_TARGET"]
            routes[target] = event["Properties"].get("Path", "/")
    assert routes == {function.name: function.path for function in ENDPOINTS}


def test_every_pod_may_write_to_tmp_alone_and_is_nobody() -> None:
    for document in of_kind("kubernetes", "Deployment"):
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108  the pod's, not ours
        graceful_seconds = 30 + container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] > graceful_seconds


def test_the_cron_job_calls_a_function_that_is_there() -> None:
    (job,) = of_kind("kubernetes", "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    called = re.search(r"http://([a-z-]+)(/\w+)", container["args"][0])
    assert called
    assert called.groups() == ("get-logs", "/logs")
    assert "get-logs" in {service["metadata"]["name"] for service in of_kind("kubernetes", "Service")}
    compile(container["args"][0], "cron", "exec")


@pytest.mark.parametrize("host", deploy.hosts().values(), ids=lambda path: path.name)
def test_a_host_says_what_was_tried_and_stands_in_the_table(host: Path) -> None:
    assert re.search(r"^# (Not tried|Tried) on ", host.read_text(), re.MULTILINE)
    assert f"]({host.name})" in (ROOT / "deploy/README.md").read_text()


@pytest.mark.parametrize("host", deploy.hosts())
def test_the_printed_commands_name_hosts_that_are_there(host: str) -> None:
    for named in re.findall(r"python3 -m deploy ([a-z-]+)", deploy.hosts()[host].read_text()):
        assert named in deploy.hosts()
