"""`make up`: the same in containers, by docker compose."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from api.endpoints import ENDPOINTS
from common.settings import (
    GROUPS,
    AddressSettings,
    AuthSettings,
    CronSettings,
    DatabaseSettings,
    SettingsError,
    check,
    load,
)
from cron.schedule import check_schedule
from tools import env_file, ports
from tools.console import announce, say, warn
from tools.errors import StartError

_ROOT = Path(__file__).resolve().parents[1]
_SCHEMA = Path("init.sql")
_SECRETS = Path(".data/secrets")
_WAIT_SECONDS = 180
_LOCALHOST = "127.0.0.1"
_INTERRUPTED = 130  # as a shell says of Ctrl-C
_USER = "image_api"

# The password becomes that of the secret, which may be a new one.
_RENEW_PASSWORD = rf"""
\set password `cat /run/secrets/POSTGRES_PASSWORD`
ALTER ROLE {_USER} PASSWORD :'password';
"""


def main() -> int:
    """Return once all of it is healthy: 0, or 1 where something is in the way, 2 where a setting is bad."""
    os.chdir(_ROOT)
    if env_file.create(Path(".env.example"), Path(".env")):
        say("up", "made .env, with a token of your own in it")
    try:
        env_file.check(Path(".env"))
        check(*GROUPS)
        up()
    except SettingsError as error:
        warn(f"These settings, from the environment or .env, are not valid:\n{error}")
        return 2
    except StartError as error:
        warn(f"Image API cannot start: {error}")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def up() -> None:
    """Build and start all of it, wait until it is healthy, print where it is; StartError, SettingsError say why not."""
    began = time.monotonic()
    check_schedule()  # here, because a container that cannot start would only be started again and again
    address = load(AddressSettings)
    own_ports = {function: address.functions_port + i for i, function in enumerate(ENDPOINTS)}
    environment = {f"{function.name.upper()}_PORT": str(port) for function, port in own_ports.items()}
    changed = "SECRETS_DIR" not in os.environ and _write_secrets()
    renewal = ["--force-recreate"] if changed else []  # nobody reads a secret twice
    patience = ["--wait", "--wait-timeout", str(_WAIT_SECONDS)]
    _compose(environment, "up", *patience, *renewal, "database")
    _upgrade_schema(environment, load(DatabaseSettings).database_url)
    _compose(environment, "up", "--build", "--remove-orphans", *patience, *renewal)
    say("up", f"ready in {time.monotonic() - began:.1f} s; `make down` stops everything")
    own_urls = {function: f"http://{_LOCALHOST}:{port}" for function, port in own_ports.items()}
    announce(ports.public_url(address.app_host, address.app_port), own_urls, load(AuthSettings).api_tokens)


def _upgrade_schema(environment: Mapping[str, str], given_url: str) -> None:
    """Run init.sql on the database that the functions will use, while those of the release before still run.

    psql reads all of it from stdin. A container keeps the file that it was started with, even if a newer one has
    replaced it, and a URL among the arguments would stand in the process list.
    """
    psql = ["psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-U", _USER]
    quoted = given_url.replace("\\", "\\\\").replace("'", "''")
    connect = f"\\connect '{quoted}'\n" if given_url else ""
    quiet = "SET client_min_messages = warning;\n"  # not a line for each table that exists already
    script = _RENEW_PASSWORD + connect + quiet + _SCHEMA.read_text()
    _compose(environment, "exec", "-T", "database", *psql, typed=script)


def _write_secrets() -> bool:
    """Write the files docker-compose.yml names; return whether one of them is new."""
    _SECRETS.mkdir(parents=True, exist_ok=True)
    _SECRETS.chmod(0o700)  # nobody else gets to the files, which have to be open to a container's user
    password = _existing_secret("POSTGRES_PASSWORD") or secrets.token_urlsafe(24)
    cron_token = load(CronSettings).cron_token or _existing_secret("CRON_TOKEN") or secrets.token_urlsafe(32)
    wanted = {
        "POSTGRES_PASSWORD": password,
        "DATABASE_URL": load(DatabaseSettings).database_url or f"postgresql://{_USER}:{password}@database:5432/{_USER}",
        "API_TOKENS": ",".join(load(AuthSettings).api_tokens),
        "CRON_TOKEN": cron_token,
    }
    changed = {_SECRETS / name: value for name, value in wanted.items() if not _holds(_SECRETS / name, value)}
    for path, value in changed.items():
        path.write_text(value)
        path.chmod(0o644)
    return bool(changed)


def _existing_secret(name: str) -> str:
    """Return a secret that an earlier start made, nothing where there was none."""
    path = _SECRETS / name
    return path.read_text() if path.exists() else ""


def _holds(path: Path, value: str) -> bool:
    return path.is_file() and path.read_text() == value


def _compose(environment: Mapping[str, str], *arguments: str, typed: str = "") -> None:
    """Run docker compose to its end; StartError where it fails: it has said why."""
    command = ["docker", "compose", *arguments]
    try:
        done = subprocess.run(command, env={**os.environ, **environment}, input=typed, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise StartError("there is no `docker`: install Docker, or use `make run`, which needs none") from error
    if done.returncode:
        raise StartError(f"`docker compose {arguments[0]}` failed; its lines above say why")


if __name__ == "__main__":
    sys.exit(main())
