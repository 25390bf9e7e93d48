"""`make run` as its user sees it: it starts, it says where everything is, it survives, and it leaves nothing behind."""

import ast
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from api.endpoints import ENDPOINTS
from common.cores import usable_cores
from common.settings import ConversionSettings
from tests.system import emulators
from tests.system.emulators import ROOT, Emulator, gone

SAMPLE = (ROOT / "tools" / "sample.jpg").read_bytes()


@pytest.fixture
def root() -> Iterator[Path]:
    with emulators.copy_of_the_code() as folder:
        yield folder


def test_every_function_is_in_the_table_and_answers_there(emulator: Emulator) -> None:
    output = emulator.output()
    for i, function in enumerate(ENDPOINTS):
        own_url = f"http://127.0.0.1:{emulator.functions_port + i}{function.path}"
        columns = [function.method, emulator.url + function.path, function.name, own_url]
        assert re.search("(?m)^" + " +".join(map(re.escape, columns)) + "$", output)
        answer = httpx.options(own_url)
        assert answer.status_code == 204
        assert function.method in answer.headers["Allow"]


def test_each_core_converts_and_reads(emulator: Emulator) -> None:
    assert ConversionSettings().conversion_slots == usable_cores()
    assert emulator.function("upload_image").environ()["THREADS"] == str(4 * usable_cores())
    deadline = time.monotonic() + 10
    while len(workers := emulator.function("get_image").children()) < usable_cores():  # they start one after the other
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)
    assert len(workers) == usable_cores()


def test_conversion_slots_are_as_many_as_asked_for(root: Path) -> None:
    with emulators.started(root, CONVERSION_SLOTS="3") as emulator:
        emulator.wait_until_ready()
        assert emulator.function("upload_image").environ()["CONVERSION_SLOTS"] == "3"


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to paste to")
def test_the_printed_commands_store_a_picture_and_fetch_it_upright(emulator: Emulator, tmp_path: Path) -> None:
    commands = "".join(re.findall(r"(?m)^(?:stored=|curl).*\n", emulator.output()))
    subprocess.run(["sh", "-c", commands], cwd=tmp_path, check=True)  # noqa: S603, S607  # as a reader would
    with Image.open(tmp_path / "image.jpg") as image:
        assert image.size == (480, 640)  # in the file it lies on its side, as phones store it
        grey = image.convert("L")
        assert min(grey.crop((0, 220, 480, 230)).tobytes()) > max(
            grey.crop((0, 630, 480, 640)).tobytes()
        )  # sky, ground
    assert not image.getexif()


def test_the_first_run_makes_an_env_file_that_only_its_owner_reads(emulator: Emulator) -> None:
    made = emulator.root / ".env"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert len(emulator.token) >= 32
    assert made.read_text().replace(emulator.token, "") == (ROOT / ".env.example").read_text()


def test_a_variable_of_the_environment_wins_over_the_env_file(root: Path) -> None:
    (root / ".env").write_text("API_TOKENS=from-the-file\nCLIENT_MAX_SIZE_MB=1\n")
    with emulators.started(root, API_TOKENS="from-the-environment") as emulator:
        emulator.wait_until_ready()
        assert "Bearer from-the-environment'" in emulator.output()
        answers = {
            token: httpx.get(f"{emulator.url}/logs", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in ("from-the-file", "from-the-environment")
        }
        assert answers == {"from-the-file": 401, "from-the-environment": 200}
        too_large = httpx.post(f"{emulator.url}/images", content=b"x" * (1024 * 1024 + 1))
        assert too_large.json()["limit"] == 1024 * 1024


def test_bad_settings_stop_the_start_and_are_named(root: Path) -> None:
    with emulators.started(root, MAX_PIXELS="many", DEFAULT_QUALITY="0") as emulator:
        assert emulator.process.wait(30) == 2
        assert "MAX_PIXELS: " in emulator.output()
        assert "DEFAULT_QUALITY: " in emulator.output()
        assert "Traceback" not in emulator.output()


@pytest.mark.parametrize("module", ["emulator", "tools.call", "tools.compose", "tools.cron"])
def test_a_line_of_the_env_file_that_cannot_be_read_stops_every_command(root: Path, module: str) -> None:
    (root / ".env").write_text('\n# a comment\n\nAPI_TOKENS="secret\n')
    arguments = {"tools.call": ["health"], "tools.cron": ["--now"]}.get(module, [])
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    assert done.returncode == 2
    assert ".env, line 4: " in done.stderr
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("schedule", ["* * *", "0 0 31 2 *"])
def test_a_bad_schedule_stops_the_start_and_is_named(root: Path, schedule: str) -> None:
    with emulators.started(root, LOG_FETCH_CRON=schedule) as emulator:
        assert emulator.process.wait(30) == 2
        assert "LOG_FETCH_CRON: " in emulator.output()


@pytest.mark.parametrize("setting", ["APP_PORT", "FUNCTIONS_PORT"])
def test_a_taken_port_is_named_with_its_setting(root: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with emulators.started(root, **{setting: str(port)}) as emulator:
            assert emulator.process.wait(30) == 1
            assert f"port {port} of 127.0.0.1 is taken" in emulator.output()
            assert f"{setting}=" in emulator.output()
            assert "Traceback" not in emulator.output()


def test_a_database_that_cannot_be_reached_is_named(root: Path) -> None:
    url = f"postgresql://user:secret@127.0.0.1:{emulators.free_ports(1)}/name"
    with emulators.started(root, DATABASE_URL=url) as emulator:
        assert emulator.process.wait(30) == 1
        assert "DATABASE_URL" in emulator.output()
        assert "secret" not in emulator.output()
        assert "Traceback" not in emulator.output()


def test_data_of_another_major_version_stops_the_start_and_is_named(root: Path) -> None:
    other = root / ".data" / "postgres" / "pg9"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("9\n")
    with emulators.started(root) as emulator:
        assert emulator.process.wait(30) == 1
        assert f"the images are in {other}" in emulator.output()
        assert "pg_restore" in emulator.output()
        assert "Traceback" not in emulator.output()
    assert [folder.name for folder in other.parent.glob("pg*")] == ["pg9"]


def test_only_its_owner_reads_the_log_of_postgres(emulator: Emulator) -> None:
    log = emulator.database_home() / "postgres.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_second_run_beside_the_first_is_told_who_has_the_database(emulator: Emulator) -> None:
    with emulators.started(emulator.root) as second:
        assert second.process.wait(30) == 1
        assert f"process {emulator.process.pid} runs Image API in this folder" in second.output()


def test_a_function_that_does_not_start_ends_the_start(root: Path) -> None:
    (root / "functions" / "index.py").write_text("raise RuntimeError('broken on purpose')\n")
    with emulators.started(root) as emulator:
        assert emulator.process.wait(60) == 1
        assert "broken on purpose" in emulator.output()
        assert "index does not start" in emulator.output()


def test_a_folder_with_quotes_dollars_and_unicode_in_its_name_is_served() -> None:
    with emulators.copy_of_the_code("a 'b' \"c\" $HOME ${d} é日本 ") as root, emulators.started(root) as emulator:
        emulator.wait_until_ready()
        with emulator.client as client:
            path = client.post("/images", files={"file": SAMPLE}).headers["Location"]
            assert [client.get(path).status_code for _ in range(2)] == [200] * 2  # the second from nginx's cache


def test_the_schedule_runs_beside_the_functions(emulator: Emulator) -> None:
    assert re.search(r"cron +\| .*: fetch_logs: INFO: job scheduled: first=", emulator.wait_for_output("job scheduled"))


@pytest.mark.parametrize("name", [function.name for function in ENDPOINTS])
def test_a_killed_function_comes_back_and_no_caller_sees_it(emulator: Emulator, name: str) -> None:
    killed = emulator.function(name)
    path = next(function.path for function in ENDPOINTS if function.name == name).replace("{id}", "none")
    expected = {"upload_image": 415, "get_image": 404}.get(name, 200)
    killed.kill()
    killed.wait(10)
    with emulator.client as client:
        request = client.build_request("POST" if name == "upload_image" else "GET", path)
        assert client.send(request).status_code == expected
    emulator.successor(killed, name)


def test_the_killed_proxy_and_database_come_back(emulator: Emulator) -> None:
    for name in ("nginx", "postgres"):
        killed = emulator.program(name)
        killed.kill()
        killed.wait(10)
    deadline = time.monotonic() + 20
    with emulator.client as client:
        while True:
            assert time.monotonic() < deadline
            try:
                status = client.post("/images", files={"file": SAMPLE}).status_code
            except httpx.TransportError:
                time.sleep(0.1)  # no proxy yet
                continue
            if status == 201:
                return
            assert status in {502, 503}


def test_a_database_whose_revival_fails_is_revived_later() -> None:
    with emulators.running() as emulator:
        (data,) = (emulator.database_home()).glob("pg*")
        killed = emulator.program("postgres")
        aside = data.rename(data.with_name("aside"))
        killed.kill()
        emulator.wait_for_output("PostgreSQL did not start")
        aside.rename(data)
        emulator.wait_for_output("PostgreSQL ended by itself and was started again")
        with emulator.client as client:
            assert client.post("/images", files={"file": SAMPLE}).status_code == 201


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_request_under_way_finish_and_leaves_nothing(signum: int) -> None:
    with emulators.running() as emulator:
        everything = emulator.processes()
        head = (
            f"POST /images HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {emulator.token}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n"
        )
        part = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + SAMPLE + b"\r\n--b--\r\n"
        )
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: {len(part)}\r\n\r\n".encode() + part[:-10])
            time.sleep(0.2)
            emulator.process.send_signal(signum)
            emulator.wait_for_output("stopping")
            time.sleep(0.2)
            connection.sendall(part[-10:])
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201")
        began = time.monotonic()
        assert emulator.process.wait(30) == 0
        assert time.monotonic() - began < 5
        assert gone(everything, 0)


def test_a_second_wish_to_stop_waits_for_nobody() -> None:
    with emulators.running() as emulator:
        everything = emulator.processes()
        with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
            connection.sendall(b"POST /images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
            time.sleep(0.2)
            emulator.process.send_signal(signal.SIGINT)
            emulator.wait_for_output("stopping")
            emulator.process.send_signal(signal.SIGINT)
            assert emulator.process.wait(5) == 0
        assert gone(everything, 0)


@pytest.mark.parametrize("seconds", [0.4, 0.9])
def test_a_stop_during_the_start_leaves_nothing(root: Path, seconds: float) -> None:
    with emulators.started(root) as emulator:
        time.sleep(seconds)
        everything = emulator.processes()
        emulator.stop()
        assert "Traceback" not in emulator.output()
        assert gone(everything, 0)
    assert_nothing_of(root)


def test_after_kill_9_nothing_is_left_and_the_next_run_has_the_same_token_and_images(root: Path) -> None:
    with emulators.started(root) as first:
        first.wait_until_ready()
        token, everything = first.token, first.processes()
        with first.client as client:
            location = client.post("/images", files={"file": SAMPLE}).headers["Location"]
        first.process.kill()
        first.process.wait()
        assert gone(everything, 15)
    assert_nothing_of(root)
    with emulators.started(root) as second:
        second.wait_until_ready()
        assert second.token == token
        with second.client as client:
            assert client.get(location).status_code == 200


def test_a_run_at_once_after_kill_9_waits_for_what_is_left_and_comes_up(root: Path) -> None:
    with emulators.started(root) as first:
        first.wait_until_ready()
        with socket.create_connection(("127.0.0.1", first.functions_port)) as held:  # keeps its function busy
            head = f"POST /images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {first.token}\r\nContent-Length: 9\r\n"
            held.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b".encode())
            first.process.kill()
            first.process.wait()
            ports = {"APP_PORT": str(first.port), "FUNCTIONS_PORT": str(first.functions_port)}
            with emulators.started(root, **ports) as second:
                second.wait_until_ready()
                assert "waiting for the processes" in second.output()


def test_a_backend_that_outlives_its_server_does_not_keep_the_next_from_starting() -> None:
    with emulators.running() as emulator, emulator.client as client:
        assert client.post("/images", files={"file": SAMPLE}).status_code == 201
        killed = emulator.program("postgres")
        for backend in killed.children():
            backend.suspend()
        killed.kill()
        emulator.wait_for_output("PostgreSQL ended by itself and was started again")
        assert "PostgreSQL did not start" not in emulator.output()


def test_after_kill_9_during_the_start_nothing_is_left(root: Path) -> None:
    with emulators.started(root) as emulator:
        time.sleep(1)
        everything = emulator.processes()
        emulator.process.kill()
        emulator.process.wait()
        assert gone(everything, 15)
    assert_nothing_of(root)


def test_make_dev_starts_a_function_anew_when_its_code_or_what_it_shares_changes(root: Path) -> None:
    with emulators.started(root, "--reload") as emulator:
        emulator.wait_until_ready()
        handler, shared = root / "functions" / "index.py", root / "common" / "http" / "endpoint.py"
        handler.write_text(handler.read_text().replace("Image API", "Another API"))
        emulator.wait_for_answer(emulator.url, '"Another API"')
        time.sleep(2.5)  # gunicorn looks once a second, and takes what it sees first for unchanged
        shared.write_text(shared.read_text().replace("No endpoint has this path", "Nothing is here"))
        health = emulator.functions_port + [function.name for function in ENDPOINTS].index("health")
        emulator.wait_for_answer(f"http://127.0.0.1:{health}/nowhere", "Nothing is here")


def assert_nothing_of(root: Path) -> None:
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE:
            assert str(root) not in " ".join(process.info["cmdline"] or [])


def test_what_checks_the_python_is_understood_by_old_ones() -> None:
    source = (ROOT / "tools" / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 6))
