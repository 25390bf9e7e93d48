"""The documents say what the code does: a name that stands in one stands in the other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import common
from api.endpoints import ENDPOINTS
from common.settings import Settings
from tests.servers import ROOT

README = (ROOT / "README.md").read_text()
DOTENV = (ROOT / ".env.example").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("benchmarks/*.md")])


def route(function: Path) -> str:
    """The route in a function's decorator, and its name must be the file's."""
    for node in ast.parse(function.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            decorator = node.decorator_list[0]
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "endpoint":
                assert node.name == function.stem
                return str(ast.literal_eval(decorator.args[0]))
    raise AssertionError(f"{function} has no endpoint")


ROUTES = {path.stem: route(path) for path in sorted((ROOT / "functions").glob("*.py"))}


def missing(name: str) -> Iterator[str]:
    """What a function still lacks, each as a thing to do."""
    method, path = ROUTES[name].split()
    test = ROOT / f"tests/functions/test_{name}.py"
    proxy = (ROOT / "proxy/image-api.conf.template").read_text()
    if not test.exists() or "\ndef test_" not in test.read_text():
        yield f"tests/functions/test_{name}.py with a test in it"
    if not re.search(rf"^\| `{re.escape(ROUTES[name])}[^|]*\|.*\(functions/{name}\.py\)", README, re.MULTILINE):
        yield "a row of README.md's table of endpoints"
    if ROUTES[name] not in {endpoint.route for endpoint in ENDPOINTS if endpoint.name == name}:
        yield "a row in api/endpoints.py"
    if f"${{{name.upper()}_ADDRESS}}" not in proxy:
        yield "an upstream in proxy/image-api.conf.template"
    for routed in (method, "HEAD") if method == "GET" else (method,):
        if not re.search(rf'(?m)^    "{routed} \w+" +{name};$', proxy):
            yield f"a line for {routed} {path} in the map $function of proxy/image-api.conf.template"


@pytest.mark.parametrize("name", ROUTES)
def test_a_function_has_all_that_it_takes(name: str) -> None:
    assert list(missing(name)) == []


def test_the_emulator_runs_every_function_under_its_route() -> None:
    assert {endpoint.name: endpoint.route for endpoint in ENDPOINTS} == ROUTES


@pytest.mark.parametrize("setting", [name.upper() for name in Settings.model_fields])
def test_a_setting_stands_in_the_example_and_the_readme(setting: str) -> None:
    assert re.search(rf"^{setting}=", DOTENV, re.MULTILINE), f".env.example lacks {setting}"
    assert f"| `{setting}` |" in README, f"README.md lacks {setting}"


def test_the_example_sets_nothing_that_is_no_setting() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", DOTENV, re.MULTILINE))
    assert named <= {name.upper() for name in Settings.model_fields} | {"FUNCTIONS_PORT"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_between_documents_and_code_is_not_dead(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    dead = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert dead == []


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z][a-z-]*)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_version_is_one() -> None:
    assert f'version = "{common.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## [{common.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
