"""The lines of `.env`: each is read, or named."""

from pathlib import Path

import pytest

from common.settings import SettingsError
from tests.system.emulators import ROOT
from tools import env_file


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('API_TOKENS="abc\nAPP_PORT=18999\n', [1]),
        ("API_TOKENS: abc\nAPP_PORT: 18999\n", [1, 2]),
        ("API_TOKEN=abc\n\n# a comment\nMAX_PIXEL=5\n", [1, 4]),
        ("APP_PORT=1\n\nAPI_TOKENS\n", [3]),
        ("APP_PORT=1\nAPI_TOKENS='a' b\n", [2]),
    ],
)
def test_each_line_that_cannot_be_read_is_named_by_its_number(tmp_path: Path, text: str, lines: list[int]) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(SettingsError) as error:
        env_file.check(tmp_path / ".env")
    faults = str(error.value).splitlines()
    assert [fault.partition(": ")[0].rpartition("line ")[2] for fault in faults] == [str(line) for line in lines]
    assert "abc" not in str(error.value)


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"API_TOKENS=\xff\n")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        env_file.check(tmp_path / ".env")


def test_the_example_and_settings_of_docker_compose_are_read(tmp_path: Path) -> None:
    extra = "\nexport COMPOSE_PROJECT_NAME=other\nSECRETS_DIR='a b'\nUPLOAD_IMAGE_CPUS=2 # two\nMAX_PIXELS=\n"
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text() + extra)
    env_file.check(tmp_path / ".env")
    env_file.check(tmp_path / "none")
