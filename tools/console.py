"""What `make run` prints: every process's lines under its name, and in the end where everything is."""

import os
import shlex
import sys
import threading
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from api.endpoints import Endpoint

_SAMPLE = Path(__file__).with_name("sample.jpg")
_WIDTH = 12
_COLOURS = 6
_lock = threading.Lock()


def say(name: str, text: str) -> None:
    """Print a line of a process, whole, in the colour of its name."""
    head = f"{name:<{_WIDTH}} |"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        head = f"\033[{31 + zlib.crc32(name.encode()) % _COLOURS}m{head}\033[0m"
    _print(f"{head} {text}")


def show(*paragraphs: str) -> None:
    """Print text for the one who started us, with room around it."""
    _print("\n" + "\n\n".join(paragraphs) + "\n")


def _print(text: str) -> None:
    with _lock, suppress(OSError):  # the terminal or pipe may be gone, which must not keep us from ending in order
        print(text, flush=True)  # noqa: T201  # a command-line tool


def warn(text: str) -> None:
    """Print to stderr why the command cannot go on."""
    print(text, file=sys.stderr)  # noqa: T201  # a command-line tool


def announce(public_url: str, own_urls: Mapping[Endpoint, str], tokens: Sequence[str]) -> None:
    """Print where everything is, and commands to paste."""
    paragraphs = [table(public_url, own_urls)]
    if tokens:
        paragraphs += ["Paste this to store a picture and fetch it again:", paste(public_url, tokens[0])]
    else:
        paragraphs += ["API_TOKENS is empty, so every token is refused: put one into .env."]
    show(*paragraphs)


def table(public_url: str, functions: Mapping[Endpoint, str]) -> str:
    """Return where each endpoint is, given the functions' own URLs."""
    rows = [("method", "public URL", "function", "its own URL")]
    rows += [(f.method, public_url + f.path, f.name, own_url + f.path) for f, own_url in functions.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def paste(public_url: str, token: str) -> str:
    """Return commands that work as they are: they store a picture, print what was stored, and fetch it."""
    curl = f"curl -sS -H 'Authorization: Bearer {token}'"
    file = shlex.quote(f"file=@{_SAMPLE}")
    stored_id = """$(echo "$stored" | sed 's/.*"id": *"\\([^"]*\\)".*/\\1/')"""
    return (
        f'stored=$({curl} -F {file} -F x=640 -F y=640 "{public_url}/images"); echo "$stored"\n'
        f'{curl} -o image.jpg "{public_url}/images/{stored_id}"'
    )
