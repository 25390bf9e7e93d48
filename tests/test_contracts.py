"""The import contracts of pyproject.toml catch a module that has no place in the house."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT

PACKAGES = ("api", "benchmarks", "common", "cron", "deploy", "emulator", "functions", "runtime", "tools")


def test_a_new_module_that_imports_everything_breaks_the_contracts(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "common/thumbs.py").write_text("import flask\nimport psycopg\nfrom PIL import Image\n")
    done = subprocess.run(  # noqa: S603  # our own command
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for expected in ("common.thumbs -> PIL", "common.thumbs -> psycopg", "common.thumbs -> flask", "- common.thumbs\n"):
        assert expected in done.stdout
