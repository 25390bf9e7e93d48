"""Settings, in groups: from the environment, then `.env`, then a file in SECRETS_DIR, then the default.

A function loads and validates only the groups that it uses. Each default and each description stands here alone:
`make generate` writes `.env.example` and the table of settings in docs/ from these classes and the strings below
their fields.
"""

import json
import os
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.endpoints import ENDPOINTS
from common.cores import usable_cores
from common.once import once

MEBIBYTE = 1024 * 1024

_SECRETS_DIR = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))  # where Docker mounts them
# One @ at most, and before the first /: of a password that contains one of them, a part would become the host or the
# database, which libpq names in its errors.
_POSTGRES_URL = re.compile(r"postgres(ql)?://([^@/]*@)?[^@/?]*(/[^@/?]*)?(\?.*)?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 2.1: b64token, all that a header can carry
_FORM_BYTES = MEBIBYTE  # what a form may add to its file
_LAST_FUNCTIONS_PORT = 65535 - len(ENDPOINTS) + 1


class SettingsError(Exception):
    """Settings are not valid. The message names each of them and never contains a value."""


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


class Group(BaseSettings):
    """Settings that are used together. A field's name in capitals is the variable's name."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a bad DATABASE_URL or token must not reach a log
        secrets_dir=_SECRETS_DIR if _SECRETS_DIR.is_dir() else None,
    )


class AddressSettings(Group):
    """Where the API is reached."""

    app_host: str = "127.0.0.1"
    """The address on which the proxy listens."""
    app_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """The proxy's port."""
    functions_port: Annotated[int, Field(ge=1, le=_LAST_FUNCTIONS_PORT)] = 8081
    """The port of the first function. The others have the ports after it."""


class AuthSettings(Group):
    """Who may call."""

    api_tokens: Annotated[tuple[Annotated[str, AfterValidator(_token)], ...], NoDecode, BeforeValidator(_split)] = ()
    """Tokens that may do everything, comma-separated or as a JSON array. `make run` makes a random one. Without any,
    every request that needs a token is refused."""
    cron_token: str = ""  # CronSettings validates it: a bad one matches no request, and must not stop a function
    """The token of the schedule, which may read the log and do maintenance. Empty: the schedule uses the first of
    API_TOKENS; in containers `make up` makes a random one."""


class DatabaseSettings(Group):
    """PostgreSQL."""

    database_url: Annotated[str, AfterValidator(_postgres_url)] = ""
    """A PostgreSQL to use, such as postgresql://user:password@host:5432/name. Empty: `make run` and `make up` start
    their own."""
    database_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """How many seconds a request waits for a connection before it is refused with 503."""


class BodySettings(Group):
    """How large a request may be."""

    max_image_mb: Annotated[int, Field(ge=1, le=1024)] = 20
    """The largest file of an upload, MiB."""
    client_max_size_mb: Annotated[int | None, Field(ge=1, le=1025)] = None
    """The largest request body, MiB. Empty: MAX_IMAGE_MB and one more for the form around the file."""

    @property
    def max_image_bytes(self) -> int:
        """The largest file of an upload, bytes."""
        return self.max_image_mb * MEBIBYTE

    @property
    def max_body_bytes(self) -> int:
        """The largest request body, bytes."""
        return (
            self.max_image_bytes + _FORM_BYTES
            if self.client_max_size_mb is None
            else self.client_max_size_mb * MEBIBYTE
        )


class ConversionSettings(Group):
    """How images are converted."""

    max_pixels: Annotated[int, Field(ge=1, le=500_000_000)] = 52_000_000
    """The most pixels (width x height) that an uploaded image may have."""
    default_quality: Annotated[int, Field(ge=1, le=95)] = 85
    """The JPEG quality, 1 to 95, if a request names none."""
    conversion_slots: int = Field(ge=1, le=64, default_factory=usable_cores)
    """How many images a process converts at once. Empty: one on each core that it may use, up to 8."""
    queue_timeout_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """How many seconds an upload waits for a conversion slot before it is refused with 503."""


class ImageCacheSettings(Group):
    """How long our proxy may answer for an image that it just fetched for the same token."""

    behind_our_proxy: ClassVar[int] = 5  # the default of `make run` and `make up`: another proxy might ignore the token

    image_cache_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """The longest time, seconds. 0 or 1: never. Empty: 5 in `make run` and `make up`, 0 in a deployment."""

    @property
    def seconds_behind_our_proxy(self) -> int:
        """The same for `make run` and `make up`, which start our proxy."""
        is_set = "image_cache_seconds" in self.model_fields_set
        return self.image_cache_seconds if is_set else self.behind_our_proxy


class LogSettings(Group):
    """The log."""

    log_store: Literal["file", "database"] = "file"
    """`file`, or `database` for hosts whose functions share no files."""
    log_path: Path = Path("logs/app.log")
    """The log file. Every line goes to stdout too."""
    log_max_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    """The size, bytes, at which the log file is rotated."""
    log_backups: Annotated[int, Field(ge=1, le=100)] = 5
    """How many rotated log files are kept."""
    log_max_rows: Annotated[int, Field(ge=100)] = 50_000
    """How many lines are kept if LOG_STORE is `database`."""


class CronSettings(Group):
    """The schedule."""

    cron_base_url: Annotated[str, AfterValidator(_http_url)] = ""
    """Where the schedule calls the API. Empty: at the proxy's address."""
    cron_token: Annotated[str, AfterValidator(lambda value: value and _token(value))] = ""
    log_fetch_cron: str = "* * * * *"
    """When the log is fetched: minute, hour, day, month, weekday (UTC)."""
    log_fetch_path: Path = Path("logs/fetched")
    """The folder of the fetched log, one file for each day."""
    log_fetch_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """How many days of the fetched log are kept: the files of the newest days."""


class ServerSettings(Group):
    """What a function needs to know of its server. runtime/settings.py documents these settings."""

    threads: Annotated[int, Field(ge=1, le=9999)] = 16


GROUPS: tuple[type[Group], ...] = (
    AddressSettings,
    AuthSettings,
    DatabaseSettings,
    BodySettings,
    ConversionSettings,
    ImageCacheSettings,
    LogSettings,
    CronSettings,
)

Settings = TypeVar("Settings", bound=Group)


def load(group: type[Settings]) -> Settings:
    """Return this process's settings of a group, read once. Raises SettingsError, which names every bad one."""
    loaded = _load(group)
    assert isinstance(loaded, group)  # noqa: S101  # what _load made of it
    return loaded


def check(*groups: type[Group]) -> None:
    """Load groups. Raises SettingsError, which names every bad setting of all of them."""
    bad = []
    for group in groups:
        try:
            load(group)
        except SettingsError as error:
            bad.append(str(error))
    if bad:
        raise SettingsError("\n".join(dict.fromkeys("\n".join(bad).splitlines())))


@once
def _load(group: type[Group]) -> Group:
    try:
        return group()
    except ValidationError as error:
        bad = (f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError("\n".join(bad)) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f".env or a secret's file is not UTF-8: {error.reason} at byte {error.start}") from None
