"""Every setting: from the environment, then `.env`, then a secret's file, then the default."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_SECRETS_DIR = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))  # where Docker mounts them
# One @ at most, and before the first /: of a password that contains one of them, a part would become the host or the
# database, which libpq names in its errors.
_POSTGRES_URL = re.compile(r"postgres(ql)?://([^@/]*@)?[^@/?]*(/[^@/?]*)?(\?.*)?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 2.1: b64token, all that a header can carry


def _split(value: object) -> object:
    """Return the items of a comma-separated string or of a JSON array."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [item.strip() for item in value.split(",") if item.strip()]


def _token(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError("a token is one or more of A-Z a-z 0-9 - . _ ~ + / and may end in = (RFC 6750 2.1)")
    return value


def _http_url(value: str) -> str:
    if value and not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?(/[\w./~%-]*)?", value, re.ASCII):
        raise ValueError("must be like http://host:port")
    return value.rstrip("/")


def _postgres_url(value: str) -> str:
    """Return the URL without the white space around it. Raises ValueError if libpq cannot use it."""
    url = value.strip()
    if url and not (_POSTGRES_URL.fullmatch(url) and _can_be_parsed(url)):
        raise ValueError(
            "is not a URL that libpq takes. Write postgresql://user:password@host:port/database, "
            "and in the user and the password %25 for %, %40 for @, %2F for /"
        )
    return url


def _can_be_parsed(url: str) -> bool:
    """Return whether libpq knows all that the URL says. It quotes the URL in its own messages."""
    from psycopg import ProgrammingError  # noqa: PLC0415  # slow to import, and not every function has a database
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        ports = str(conninfo_to_dict(url).get("port") or "").split(",")
    except ProgrammingError:
        return False
    return all(re.fullmatch(r"\d{0,5}", port, re.ASCII) and int(port or 1) in range(1, 65536) for port in ports)


class SettingsError(Exception):
    """The environment says something that cannot be; the message names each setting, never a value."""


class Settings(BaseSettings):
    """What the service is told by its surroundings. Field names in capitals are the variables' names."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a bad DATABASE_URL or token must not reach a log
        secrets_dir=_SECRETS_DIR if _SECRETS_DIR.is_dir() else None,
    )

    app_host: str = "127.0.0.1"
    app_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    database_url: Annotated[str, AfterValidator(_postgres_url)] = ""
    api_tokens: Annotated[tuple[Annotated[str, AfterValidator(_token)], ...], NoDecode, BeforeValidator(_split)] = ()
    client_max_size_mb: Annotated[int, Field(ge=1, le=1024)] = 20
    max_image_mb: Annotated[int, Field(ge=1, le=1024)] = 20
    max_pixels: Annotated[int, Field(ge=1, le=500_000_000)] = 50_000_000
    default_quality: Annotated[int, Field(ge=1, le=95)] = 85
    conversion_slots: Annotated[int, Field(ge=1, le=64)] = 1
    queue_timeout_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    image_cache_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    database_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    log_store: Literal["file", "database"] = "file"
    log_path: Path = Path("logs/app.log")
    log_max_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    log_backups: Annotated[int, Field(ge=1, le=100)] = 5
    log_max_rows: Annotated[int, Field(ge=100)] = 50_000
    cron_base_url: Annotated[str, AfterValidator(_http_url)] = ""
    cron_token: Annotated[str, AfterValidator(lambda value: value and _token(value))] = ""
    log_fetch_cron: str = "* * * * *"
    log_fetch_path: Path = Path("logs/fetched")


@cache
def get_settings() -> Settings:
    """Return this process's settings, read once; SettingsError names every bad one."""
    try:
        return Settings()
    except ValidationError as error:
        bad = (f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError("\n".join(bad)) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f".env or a secret's file is no UTF-8: {error.reason} at byte {error.start}") from None
