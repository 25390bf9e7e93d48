"""The schema: init.sql makes it in a new database, and upgrades the one of an earlier release."""

import re
from pathlib import Path

import psycopg

from tools.errors import StartError

_FILE = Path(__file__).resolve().parents[2] / "init.sql"
_STATEMENT = re.compile(r"(?>\$\$.*?\$\$|'[^']*'|--[^\n]*|[^;])++;?", re.DOTALL)


def upgrade(url: str, script: str = "") -> None:
    """Run init.sql, or a script instead of it. Raises StartError if the database cannot be reached or refuses it."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5, client_encoding="utf8") as connection:
            for statement in statements(script or _FILE.read_text()):
                connection.execute(statement.encode())
    except psycopg.Error as error:
        refused = f"refuses {_FILE.name}" if error.sqlstate else "cannot be reached"
        raise StartError(f"the database (DATABASE_URL) {refused}: {error}") from error


def statements(script: str) -> list[str]:
    """Return the statements of a script, which knows no quotes but '...' and $$...$$.

    Each is sent alone: of several in one message the server makes a transaction, where no index is built CONCURRENTLY.
    """
    return _STATEMENT.findall(script)
