"""The hosts that are told by commands: run with a stand-in for their command line tool, which writes down its call."""

import json
import os
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

import deploy.__main__ as deploy
from api.endpoints import ENDPOINTS
from tests.servers import ROOT

SETTINGS = {"image": "registry.example.org/image-api:1.0", "domain": "images.example.org"}
TOLD = {
    "REGION": "a-region",
    "PROJECT": "a-project",
    "GROUP": "a-group",
    "ENVIRONMENT": "an-environment",
    "NAMESPACE_ID": "a-namespace",
    "DATABASE_URL": "postgresql://user:password@host/name?options=a b",
    "API_TOKENS": "one,two",
}
STAND_IN = """
import json, pathlib, sys
call = {{"arguments": sys.argv[1:], "read": ""}}
if "import" in sys.argv:
    call["read"] = sys.stdin.read()
if "--yaml" in sys.argv:
    call["read"] = pathlib.Path(sys.argv[sys.argv.index("--yaml") + 1]).read_text()
with open({calls!r}, "a") as calls:
    calls.write(json.dumps(call) + "\\n")
sys.exit("describe" in sys.argv and "--format" not in sys.argv)
"""


def run(host: str, folder: Path, *, without: str = "") -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run a host's filled file where nothing exists yet, and return how it ended and each call of the tool."""
    calls = folder / "calls"
    stand_in = folder / "stand_in.py"
    stand_in.write_text(STAND_IN.format(calls=str(calls)))
    for tool in ("gcloud", "az", "scw"):  # by sh: where `#!` cannot start a path, a real tool would be found instead
        (folder / tool).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(stand_in))} "$@"\n')
        (folder / tool).chmod(0o755)
    script = folder / "script.sh"
    script.write_text(deploy.fill(host, SETTINGS))
    told = {name: value for name, value in TOLD.items() if name != without}
    ended = subprocess.run(  # noqa: S603  # what this project printed
        ["/bin/sh", str(script)],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder), **told},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


def options(arguments: list[str]) -> dict[str, str]:
    return dict(pairwise(arguments))


def variables(text: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in text.split(","))


@pytest.mark.parametrize("host", ["cloud-run", "cloud-run-functions"])
def test_cloud_run_gets_every_function(host: str, tmp_path: Path) -> None:
    ended, calls = run(host, tmp_path)
    assert ended.returncode == 0, ended.stderr
    deployed = {call["arguments"][2]: options(call["arguments"]) for call in calls}
    assert set(deployed) == {service.name.replace("_", "-") for service in deploy.services_of(host)}
    for service in deploy.services_of(host):
        sent = deployed[service.name.replace("_", "-")]
        told = variables(sent["--set-env-vars"]) | variables(sent.get("--set-build-env-vars", "a=b"))
        source = told.get("GOOGLE_FUNCTION_SOURCE") or told["FUNCTION_SOURCE"]
        assert source == service.environment["FUNCTION_SOURCE"]
        assert (sent.get("--function") or told["FUNCTION_TARGET"]) == service.environment["FUNCTION_TARGET"]
        assert told["FUNCTIONS"] == service.environment["FUNCTIONS"]
        assert sent["--concurrency"] == told["THREADS"]
        assert set(variables(sent["--set-secrets"])) == {"DATABASE_URL", "API_TOKENS"}


def test_the_load_balancer_sends_every_path_to_its_function(tmp_path: Path) -> None:
    ended, calls = run("cloud-run-routes", tmp_path)
    assert ended.returncode == 0, ended.stderr
    (url_map,) = [yaml.safe_load(call["read"]) for call in calls if call["read"]]
    (matcher,) = url_map["pathMatchers"]
    sent = {path: rule["service"].rsplit("/")[-1] for rule in matcher["pathRules"] for path in rule["paths"]}
    wanted = {
        f"{service.fixed_path}*" if service.is_prefix else service.fixed_path: service.name.replace("_", "-")
        for service in deploy.services_of("cloud-run-routes")
    }
    assert sent == wanted
    assert matcher["defaultService"].endswith("/index")
    made = {call["arguments"][3] for call in calls if call["arguments"][1:3] == ["backend-services", "create"]}
    assert made == set(wanted.values())


def test_container_apps_get_every_function_and_its_path(tmp_path: Path) -> None:
    ended, calls = run("azure-container-apps", tmp_path)
    assert ended.returncode == 0, ended.stderr
    created = [call["arguments"] for call in calls if call["arguments"][:2] == ["containerapp", "create"]]
    services = deploy.services_of("azure-container-apps")
    assert {f"FUNCTIONS={service.environment['FUNCTIONS']}" for service in services} == {
        argument for arguments in created for argument in arguments if argument.startswith("FUNCTIONS=")
    }
    assert all(f"database-url={TOLD['DATABASE_URL']}" in arguments for arguments in created)
    (routes,) = [yaml.safe_load(call["read"]) for call in calls if call["read"]]
    matches = [(rule["routes"][0]["match"], rule["targets"][0]["containerApp"]) for rule in routes["rules"]]
    assert matches[-1] == ({"prefix": "/"}, "index")  # the first match wins
    for service in services:
        path = service.path.replace("{id}", "some-id")
        won = next(
            app
            for match, app in matches
            if match.get("path") == path or path.startswith(match.get("prefix", path + " "))
        )
        assert won == service.name.replace("_", "-")


def test_scaleway_gets_every_function(tmp_path: Path) -> None:
    ended, calls = run("scaleway", tmp_path)
    assert ended.returncode == 0, ended.stderr
    created = [dict(argument.split("=", 1) for argument in call["arguments"][3:]) for call in calls]
    assert [sent["environment-variables.FUNCTION_TARGET"] for sent in created] == [
        sent["environment-variables.FUNCTION_SOURCE"].removeprefix("functions/").removesuffix(".py") for sent in created
    ]
    assert {sent["name"] for sent in created} == {function.name.replace("_", "-") for function in ENDPOINTS}
    assert all(sent["secret-environment-variables.DATABASE_URL"] == TOLD["DATABASE_URL"] for sent in created)


@pytest.mark.parametrize(
    ("host", "missing"), [("cloud-run", "REGION"), ("azure-container-apps", "API_TOKENS"), ("scaleway", "DATABASE_URL")]
)
def test_a_script_that_lacks_a_setting_says_so_and_calls_nobody(host: str, missing: str, tmp_path: Path) -> None:
    ended, calls = run(host, tmp_path, without=missing)
    assert ended.returncode != 0
    assert missing in ended.stderr
    assert calls == []


def test_the_command_names_the_setting_that_a_host_needs() -> None:
    command = [sys.executable, "-m", "deploy", "kubernetes", "--image", "image-api"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603  # our own
    assert ended.returncode == 2
    assert ended.stderr.endswith("kubernetes needs --domain\n")
