"""`make up` as its user sees it: it says where everything is, keeps its secrets, and survives."""

import hashlib
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.compose import stacks
from tests.compose.stacks import SERVICES, Stack
from tests.system.emulators import ROOT
from tests.system.test_emulator import (  # noqa: F401  # pytest runs them here too, on the stack
    test_every_function_is_in_the_table_and_answers_there,
    test_the_first_run_makes_an_env_file_that_only_its_owner_reads,
    test_the_printed_commands_store_a_picture_and_fetch_it_upright,
)
from tests.system.test_hostile_callers import (  # noqa: F401  # these too
    test_a_refused_upload_is_answered_whatever_its_size,
    test_an_empty_path_is_the_root,
    test_an_image_with_the_longest_name_is_served_too,
    test_an_odd_request_is_refused_with_a_problem_whoever_refuses_it,
    test_what_only_looks_odd_is_served,
)

SAMPLE = (ROOT / "tools" / "sample.jpg").read_bytes()
UPLOADERS = 4


@contextmanager
def uploads(stack: Stack) -> Iterator[dict[str, str]]:
    """Upload without a pause; yield the ETag of each picture whose 201 has arrived, by its path."""
    acknowledged: dict[str, str] = {}
    stop = threading.Event()

    def upload() -> None:
        with stack.client as client:
            while not stop.is_set():
                try:
                    answer = client.post("/images", files={"file": SAMPLE})
                except httpx.TransportError:
                    continue
                if answer.status_code == 201:
                    acknowledged[answer.headers["Location"]] = answer.headers["ETag"]
                else:
                    assert answer.status_code in {502, 503, 504}
                    time.sleep(0.1)

    threads = [threading.Thread(target=upload) for _ in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_schedule_fires_by_itself_and_when_asked_and_fetches_each_line_once(stack: Stack) -> None:
    with stack.client as client:
        client.get("/health")
        client.get("/logs?limit=1", headers={"X-Request-Id": "to-be-fetched"})
    said = stack.compose("exec", "-T", "cron", "python", "-m", "cron", "--now")
    assert "fetch_logs: INFO: job finished: status=ok" in said
    deadline = time.monotonic() + 70
    while "job finished: status=ok" not in (own := stack.compose("logs", "cron")):
        assert time.monotonic() < deadline, own
        time.sleep(1)
    fetched = stack.compose("exec", "-T", "cron", "sh", "-c", "cat /var/log/image-api/fetched/*.log")
    assert fetched.count("request_id=to-be-fetched") == 1
    lines = fetched.splitlines()
    assert len(set(lines)) == len(lines)


def wait_for_more(acknowledged: dict[str, str], count: int = 20) -> None:
    deadline, wanted = time.monotonic() + 60, len(acknowledged) + count
    while len(acknowledged) < wanted:
        assert time.monotonic() < deadline, "the service did not come back"
        time.sleep(0.05)


def test_one_log_holds_the_lines_of_all_functions(stack: Stack) -> None:
    with stack.client as client:
        client.post("/images", files={"file": SAMPLE})
        client.get("/images/none")
        client.get("/")
        lines = client.get("/logs?limit=50").text
    assert all(f": {name}: INFO: request finished" in lines for name in ("upload_image", "get_image", "index"))


def test_the_proxy_answers_for_a_hot_image(stack: Stack) -> None:
    with stack.client as client:
        path = client.post("/images", files={"file": SAMPLE}).headers["Location"]
        cold, hot = (client.get(path, headers={"X-Request-Id": name}) for name in ("for-the-function", "for-the-proxy"))
        lines = client.get("/logs?limit=50").text
    assert hot.content == cold.content
    assert hot.headers["Cache-Control"] == cold.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "request_id=for-the-function" in lines
    assert "request_id=for-the-proxy" not in lines


def test_no_secret_stands_in_what_docker_tells(stack: Stack) -> None:
    told = stack.compose("config") + stack.compose("logs")
    told += "".join(stacks.docker("inspect", stack.container(service)) for service in SERVICES)
    for secret in ("API_TOKENS", "POSTGRES_PASSWORD", "DATABASE_URL"):
        assert len(stack.secret(secret)) >= 32
        assert stack.secret(secret) not in told


def test_only_its_owner_gets_to_the_secrets(stack: Stack) -> None:
    assert stat.S_IMODE((stack.root / ".data" / "secrets").stat().st_mode) == 0o700


def test_only_this_machine_gets_in_and_nobody_to_the_database(stack: Stack) -> None:
    for service in SERVICES:
        bound = stack.inspect(service, "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}")
        assert bound == ("" if service == "database" else "127.0.0.1")


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_locked_down(stack: Stack, service: str) -> None:
    config = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"
    assert stack.inspect(service, config) == "true [ALL] [no-new-privileges:true]"
    limits = stack.inspect(service, "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}").split()
    assert all(int(limit) > 0 for limit in limits)
    if service != "database":
        assert stack.compose("exec", "-T", service, "id", "-u").strip() != "0"


def test_a_body_over_the_limit_is_refused_with_the_limit_in_bytes(stack: Stack) -> None:
    with stack.client as client:
        answer = client.post("/images", content=b"x" * (21 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["limit"]) == (413, 21 * 1024 * 1024)


@pytest.mark.parametrize("service", ["upload_image", "database", "proxy"])
def test_what_is_killed_under_load_comes_back_and_nothing_acknowledged_is_lost(stack: Stack, service: str) -> None:
    with uploads(stack) as acknowledged:
        wait_for_more(acknowledged)
        stack.kill(service)
        wait_for_more(acknowledged)
    assert int(stack.inspect(service, "{{.RestartCount}}")) == 1
    with stack.client as client:
        for path, etag in acknowledged.items():
            picture = client.get(path).raise_for_status().content
            assert etag == f'"{hashlib.sha256(picture).hexdigest()}"'


def test_the_proxy_finds_functions_that_were_made_anew(stack: Stack) -> None:
    stack.compose("rm", "--stop", "--force", "health", "index")
    for service in ("index", "health"):  # the other way round: each gets the other's address
        stack.compose("up", "--detach", "--no-deps", service)
        stack.wait_until_healthy(service)
    stack.wait_until_healthy("proxy")
    assert httpx.get(f"{stack.url}/").json()["name"] == "Image API"
    assert httpx.get(f"{stack.url}/health").json() == {"status": "ok"}


def test_images_outlive_a_down_and_lost_secrets(stack: Stack) -> None:
    with stack.client as client:
        path = client.post("/images", files={"file": SAMPLE}).headers["Location"]
        stack.compose("down", "--timeout", "5")
        shutil.rmtree(stack.root / ".data")
        stack.up()
        assert client.get(path).status_code == 200
        assert client.post("/images", files={"file": SAMPLE}).status_code == 201
