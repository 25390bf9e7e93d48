"""The schema that this release needs, and whether a database has it."""

import psycopg
from psycopg.errors import UndefinedTable

NEEDED_VERSION = 2  # what init.sql records at the end of an upgrade
_FIRST_VERSION = 1  # release 0.1.0, which recorded none
_COMMAND = 'psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f init.sql'


def fault(connection: psycopg.Connection) -> str:
    """Return what is wrong with the database and what to do, or "". A newer schema is right. Raises psycopg.Error."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        return f"The encoding of the database is {encoding}. It must be UTF8: create another database, and move to it."
    version = _version(connection)
    if version < NEEDED_VERSION:
        return f"The database has schema {version}, this release needs {NEEDED_VERSION}. Upgrade it: {_COMMAND}"
    return ""


def _version(connection: psycopg.Connection) -> int:
    try:
        row = connection.execute("SELECT max(version) FROM schema_versions").fetchone()
    except UndefinedTable:
        return _FIRST_VERSION
    return (row and row[0]) or _FIRST_VERSION
