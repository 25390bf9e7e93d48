"""`make up` upgrades the database that the functions use, wherever it is."""

from tests.compose.stacks import Stack
from tests.schemas.databases import RELEASED
from tests.system.emulators import ROOT

SAMPLE = (ROOT / "tools" / "sample.jpg").read_bytes()
EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
VERSIONS = "SELECT version FROM schema_versions WHERE completed_at IS NOT NULL"


def psql(stack: Stack, database: str, *statements: str) -> str:
    """What the container's psql prints."""
    commands = [part for statement in statements for part in ("-c", statement)]
    command = ("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "image_api", database, *commands)
    return stack.compose("exec", "-T", "database", *command)


def upload(stack: Stack) -> int:
    with stack.client as client:
        return client.post("/images", files={"file": SAMPLE}).status_code


def test_an_old_volume_is_upgraded_by_the_file_that_is_there_now(stack: Stack) -> None:
    psql(stack, "image_api", EMPTY, RELEASED[-1].read_text())
    file = stack.root / "init.sql"
    text = file.read_text()
    file.unlink()  # as git does: the container goes on with the file that it was started with
    file.write_text(f"{text}\nCREATE TABLE of_a_later_release ();\n")
    stack.up()
    assert psql(stack, "image_api", VERSIONS, "SELECT count(*) FROM of_a_later_release") == "2\n0\n"
    assert upload(stack) == 201
    file.write_text(text)


def test_a_database_of_ones_own_is_upgraded_too(stack: Stack) -> None:
    psql(stack, "image_api", "CREATE DATABASE elsewhere")
    settings = stack.root / ".env"
    text = settings.read_text()
    password = stack.secret("POSTGRES_PASSWORD")
    settings.write_text(f"{text}\nDATABASE_URL=postgresql://image_api:{password}@database:5432/elsewhere\n")
    stack.up()
    assert upload(stack) == 201
    assert psql(stack, "elsewhere", VERSIONS, "SELECT count(*) FROM images") == "2\n1\n"
    settings.write_text(text)
    stack.up()
