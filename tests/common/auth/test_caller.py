"""Who may call."""

from pathlib import Path

import httpx
import pytest

from tests import servers

REALM = 'Bearer realm="image-api"'


def ask(url: httpx.URL, authorization: str | bytes | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.get(url.join("/logs"), headers=headers)  # type: ignore[arg-type]  # httpx takes bytes values


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Basic dXNlcjpwYXNz", servers.TOKEN, f"Token {servers.TOKEN}"])
def test_no_token_is_401_with_a_challenge(get_logs: httpx.Client, sent: str | None) -> None:
    response = ask(get_logs.base_url, sent)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"
    assert response.headers["WWW-Authenticate"] == REALM


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer wrong",
        f"Bearer {servers.TOKEN}x",
        f"Bearer {servers.TOKEN[:-1]}",
        "Bearer \xff\xfe".encode("latin-1"),
        f"Bearer {servers.TOKEN}\xa0".encode("latin-1"),
    ],
)
def test_a_wrong_token_is_401_and_says_so(get_logs: httpx.Client, sent: str | bytes) -> None:
    response = ask(get_logs.base_url, sent)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == f'{REALM}, error="invalid_token"'


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_matched_without_regard_to_case(get_logs: httpx.Client, scheme: str) -> None:
    assert ask(get_logs.base_url, f"{scheme} {servers.TOKEN}").status_code == 200


def test_each_of_several_tokens_is_good_and_none_is_logged(tmp_path: Path) -> None:
    for tokens in ("first-token,second-token", '["first-token", "second-token"]'):
        with servers.function("get_logs", tmp_path, API_TOKENS=tokens) as function:
            url = function.client.base_url
            assert ask(url, "Bearer first-token").status_code == 200
            assert ask(url, "Bearer second-token").status_code == 200
            assert ask(url, "Bearer third-token").status_code == 401
        servers.wait_for_line(tmp_path / "app.log", "status=401")
        assert "-token" not in (tmp_path / "app.log").read_text() + function.output()


def test_without_tokens_every_token_is_refused(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path, API_TOKENS="") as function:
        for sent in ("Bearer x", "Bearer None", "Bearer ,", None):
            assert ask(function.client.base_url, sent).status_code == 401
