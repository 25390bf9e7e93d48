"""The table of endpoints, the settings, the documents and the files made from them say the same."""

import ast
import re
from pathlib import Path

import pytest
import yaml

import common
from api.endpoints import ENDPOINTS, Endpoint
from common.settings import GROUPS
from tests.servers import ROOT
from tools.generate import __main__ as generate

README = (ROOT / "README.md").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCUMENTS = sorted(path for pattern in ("*.md", "*/*.md") for path in ROOT.glob(pattern) if path.parts[-2][0] != ".")
SETTINGS = sorted({name.upper() for group in GROUPS for name in group.model_fields})


def test_every_generated_file_is_up_to_date() -> None:
    stale = [path.name for path, text in generate.generated().items() if path.read_text() != text]
    assert stale == []  # else run `make generate`


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_an_endpoint_has_a_function_and_a_test_of_its_name(endpoint: Endpoint) -> None:
    module = ast.parse((ROOT / f"functions/{endpoint.name}.py").read_text())
    assert (ast.get_docstring(module) or "").startswith(f"{endpoint.route}: ")
    assert endpoint.name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert "\ndef test_" in (ROOT / f"tests/functions/test_{endpoint.name}.py").read_text()


def test_every_file_in_functions_is_an_endpoint() -> None:
    assert {path.stem for path in (ROOT / "functions").glob("*.py")} == {endpoint.name for endpoint in ENDPOINTS}


def test_every_function_is_a_service_behind_the_proxy() -> None:
    for endpoint in ENDPOINTS:
        assert COMPOSE["services"][endpoint.name]["environment"]["FUNCTION_TARGET"] == endpoint.name
        assert COMPOSE["services"]["proxy"]["depends_on"][endpoint.name] == {"condition": "service_healthy"}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_reaches_a_service_or_is_a_secret_or_a_port(setting: str) -> None:
    in_environments = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    substituted = re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text())
    computed = {"FUNCTIONS_PORT"}  # by `make up`: a port for each function
    assert setting in in_environments | set(substituted) | set(COMPOSE["secrets"]) | computed


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_stands_in_the_example_and_the_documents(setting: str) -> None:
    assert re.search(rf"^#?{setting}=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert f"| `{setting}` |" in (ROOT / "docs/operations.md").read_text()


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
