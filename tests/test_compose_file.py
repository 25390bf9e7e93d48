"""docker-compose.yml knows what the code knows: every function, every setting."""

import re

import pytest

from api.endpoints import ENDPOINTS, Endpoint
from common.settings import Settings
from tests.servers import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize("function", ENDPOINTS, ids=lambda function: function.name)
def test_a_function_is_a_service_of_its_name_with_a_port_and_a_place_behind_the_proxy(function: Endpoint) -> None:
    name, variable, number = function.name, function.name.upper(), ENDPOINTS.index(function)
    (block,) = re.findall(rf"(?m)^  {name}:\n((?:    .*\n)+)", COMPOSE)
    assert "<<: *function" in block
    assert f'ports: ["127.0.0.1:${{{variable}_PORT:-{8081 + number}}}:8080"]' in block
    assert re.search(rf"\bFUNCTION_TARGET: {name}\b", block)
    assert re.search(rf"\bFUNCTION_SOURCE: functions/{name}\.py\b", block)
    assert f"\n      {name}: *healthy\n" in COMPOSE
    assert f"\n      {variable}_ADDRESS: {name}:8080 resolve\n" in COMPOSE


@pytest.mark.parametrize("setting", [name.upper() for name in Settings.model_fields])
def test_a_setting_reaches_a_service_or_is_a_secret_or_a_port(setting: str) -> None:
    assert re.search(rf"(?m)^ +{setting}:|\$\{{{setting}:-", COMPOSE)
