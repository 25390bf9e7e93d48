"""The machine under the database: a disk that is full, a server that is killed and cannot start again at once."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from emulator.postgres import server as postgres
from tests import pictures, servers
from tests.conftest import database_server
from tools.errors import StartError

PICTURE = pictures.saved(pictures.noise((1000, 1000)), "JPEG", quality=95)
DISK_MIB = 128  # the server's own files take about 50


def upload(client: httpx.Client) -> httpx.Response:
    return client.post("/images", files={"file": ("a.png", PICTURE)})


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of its own."""
    with tempfile.TemporaryDirectory(prefix="image-api-disk-") as folder:
        options = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", folder]
        try:
            mounted = subprocess.run(options, capture_output=True, check=False)  # noqa: S603  # our own command
        except FileNotFoundError:
            pytest.skip("there is no `mount`")
        if mounted.returncode:
            pytest.skip("only root may mount a disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607  # our own command


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no room on a disk, until the end."""
    fill = disk / "fill"
    with fill.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    try:
        yield
    finally:
        fill.unlink()


def test_a_full_disk_is_503_for_uploads_alone_and_then_all_is_well(tmp_path: Path, disk: Path) -> None:
    with (
        postgres.running(disk / "postgres") as server,
        servers.function("upload_image", tmp_path, DATABASE_URL=server.url) as uploading,
        servers.function("get_image", tmp_path, DATABASE_URL=server.url) as reading,
    ):
        paths = [upload(uploading.client).headers["Location"] for _ in range(3)]
        for _ in range(3):
            with full(disk):
                for _ in range(10):
                    refusal = upload(uploading.client)
                    assert (refusal.status_code, refusal.json()["code"]) == (503, "storage_unavailable")
                    assert refusal.headers["Retry-After"]
                    assert [reading.client.get(path).status_code for path in paths] == [200] * 3
            assert upload(uploading.client).status_code == 201


def test_a_server_that_was_killed_is_started_again_as_soon_as_it_can_be() -> None:
    with database_server() as server:
        main = psutil.Process(server.pid)
        (data,) = server.home.glob("pg*")
        main.kill()
        while main.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        aside = data.rename(server.home / "aside")
        for _ in range(2):
            with pytest.raises(StartError):
                server.revive()
        aside.rename(data)
        assert server.revive()
        assert not server.revive()
