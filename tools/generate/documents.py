"""The tables of README and docs/, and .env.example."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from api.endpoints import ENDPOINTS
from common.settings import GROUPS, Group
from runtime.settings import SETTINGS

_FILLED_IN = frozenset(("API_TOKENS",))  # by `make run` and `make up`, when they make .env
_WIDTH = 118


def endpoints() -> Iterator[str]:
    """Yield the table of endpoints."""
    yield "| Route | Answers | Scope | Function |"
    yield "| --- | --- | --- | --- |"
    for each in ENDPOINTS:
        scope = f"`{each.scope}`" if each.scope else "no token"
        yield f"| `{each.route}` | {each.summary} | {scope} | [{each.name}](functions/{each.name}.py) |"


def settings() -> Iterator[str]:
    """Yield a table for each group of settings."""
    for group in GROUPS:
        yield from (f"**{group.__doc__}**", "", "| Setting | Default | Meaning |", "| --- | --- | --- |")
        descriptions = _descriptions(group)
        for name, field in group.model_fields.items():
            if name in descriptions:
                yield f"| `{name.upper()}` | {_default(field) or '(empty)'} | {descriptions[name]} |"
        yield ""
    yield from ("**The server under a function.**", "", "| Setting | Default | Meaning |", "| --- | --- | --- |")
    yield from (f"| `{each.name}` | {each.default} | {each.description} |" for each in SETTINGS)


def env_example() -> str:
    """Return .env.example: every setting of `make run` and `make up`, commented out unless it is filled in."""
    lines = [
        "# Settings of `make run` and `make up`, which copy this to .env once. The environment wins over .env.",
        "# A line that is commented out shows the default. Remove the # to change it.",
    ]
    for group in GROUPS:
        lines += ["", f"# {group.__doc__}"]
        descriptions = _descriptions(group)
        for name, field in group.model_fields.items():
            if name in descriptions:
                lines += [f"# {line}" for line in textwrap.wrap(descriptions[name], _WIDTH)]
                lines += [f"{'' if name.upper() in _FILLED_IN else '#'}{name.upper()}={_default(field)}"]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default is None or field.default == () or field.default_factory:
        return ""
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def _descriptions(group: type[Group]) -> dict[str, str]:
    """Return the string below each field, by the field's name. A field without one belongs to another group."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(group))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101  # the source of a class
    found = {}
    for field, following in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(following, ast.Expr):
            found[ast.unparse(field.target)] = " ".join(str(ast.literal_eval(following.value)).split())
    return found
