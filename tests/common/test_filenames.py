"""File names: as a form sends them, as the database keeps them, and as a download offers them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common import filenames

LATIN_1 = st.text(st.characters(codec="latin-1"))


def utf_8(text: str) -> str:
    """The bytes of the text, a character for each, as a header is read."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("plain", "extended", "name"),
    [
        (None, "", None),
        ("a.png", "", "a.png"),
        ("", "", ""),
        ("100%25.png", "", "100%25.png"),
        ("my%20photo.png", "", "my%20photo.png"),
        (utf_8("日本.png"), "", "日本.png"),
        ("caf\xe9.png", "", "caf\ufffd.png"),
        # both: the extended one wins
        ("x.png", "UTF-8''%E6%97%A5%E6%9C%AC.png", "日本.png"),
        ("=?utf-8?B?5pel5pysLnBuZw==?=", "utf-8''%E6%97%A5%E6%9C%AC.png", "日本.png"),
        ("my%20photo.png", "utf-8''my%20photo.png", "my photo.png"),
        ("%D1%84.png", "utf-8''%D1%84.png", "ф.png"),
        # the extended one alone
        (None, "utf-8''a.png", "a.png"),
        (None, "UTF8'en'a.png", "a.png"),
        (None, "iso-8859-1'en'%A3%20rates", "£ rates"),
        (None, "ISO-8859-1''caf%e9.png", "café.png"),
        (None, "us-ascii''a%20b.png", "a b.png"),
        (None, "utf-8''100%25.png", "100%.png"),
        (None, "utf-8''100%.png", "100%.png"),
        (None, "utf-8''a+b.png", "a+b.png"),
        (None, "utf-8''it's.png", "it's.png"),
        (None, utf_8("utf-8''日本.png"), "日本.png"),
        # an extended one that cannot be decoded
        ("x.png", "koi8-r''%C6.png", "x.png"),
        ("x.png", "x-unknown''a.png", "x.png"),
        ("x.png", "''a.png", "x.png"),
        ("x.png", "utf-8''%E9.png", "x.png"),
        ("x.png", "us-ascii''%E9.png", "x.png"),
        ("x.png", "utf-8''", "x.png"),
        ("x.png", "utf-8'a.png", "x.png"),
        ("x.png", "a.png", "x.png"),
        ("x.png", "", "x.png"),
        (None, "x-unknown''a.png", None),
        # encoded words
        ("=?utf-8?B?5pel5pysLnBuZw==?=", "", "日本.png"),
        ("=?utf-8?B?5pel5pysLnBuZw==?=", "x-unknown''a.png", "日本.png"),
        ("=?UTF-8?b?5pel?= =?utf-8?B?5pysLnBuZw==?=", "", "日本.png"),
        ("=?utf-8?Q?a=C3=BC_b.png?=", "", "aü b.png"),
        ("=?iso-8859-1?Q?caf=E9.png?=", "", "café.png"),
        # what only looks like encoded words
        ("=?x-unknown?B?5pel?=", "", "=?x-unknown?B?5pel?="),
        ("=?utf-8?B?5?=", "", "=?utf-8?B?5?="),
        ("=?utf-8?B?/////w==?=", "", "=?utf-8?B?/////w==?="),
        ("=?utf-8?B??=", "", "=?utf-8?B??="),
        ("=?utf-8?B?5pel?=.png", "", "=?utf-8?B?5pel?=.png"),
        ("a =?utf-8?B?5pel?=", "", "a =?utf-8?B?5pel?="),
    ],
)
def test_a_sent_name_is_decoded(plain: str | None, extended: str, name: str | None) -> None:
    assert filenames.sent(plain, extended) == name


@given(LATIN_1, LATIN_1)
@example("=?utf-8?B?!?=", "utf-8''\xff")
@example("=?us-ascii?Q?=E9?=", "iso-8859-1''%")
def test_every_sent_name_becomes_text_that_can_be_stored_and_sent(plain: str, extended: str) -> None:
    name = filenames.clean(filenames.sent(plain, extended) or "")
    assert 1 <= len(name) <= 255
    assert name.encode("utf-8")
    assert not re.search(r"[/\\\x00-\x1f\x7f-\x9f]", name)
    assert re.fullmatch(
        r"inline; filename=\"[^\"\\]+\.jpg\"; filename\*=UTF-8''[A-Za-z0-9_.~%-]+\.jpg",
        filenames.content_disposition(name, suffix=".jpg"),
    )


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a b.png", "a b.png"), ("../../etc/passwd.png", "passwd.png"), ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("a\x00b\r\n: forged\x1b[31m.png", "ab: forged[31m.png"), ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300, "x" * 255), ("写" * 300, "写" * 255), ("", "image"), ("..", "image"), ("/", "image"),
        (" \t ", "image"), ("\u2028\u2029", "image"), ("a/", "image"), ("\ud800a", "a"), (".png", ".png"),
    ],
)  # fmt: skip
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert filenames.clean(name) == cleaned


@pytest.mark.parametrize(
    ("name", "suffix", "plain", "extended"),
    [
        ("sample.png", ".jpg", "sample.jpg", "sample.jpg"),
        ("sample.png", ".webp", "sample.webp", "sample.webp"),
        ("Ärger im Büro.png", ".jpg", "Arger im Buro.jpg", "%C3%84rger%20im%20B%C3%BCro.jpg"),
        ("写真.webp", ".jpg", "image.jpg", "%E5%86%99%E7%9C%9F.jpg"),
        ('a";\\b.gif', ".jpg", "a;b.jpg", "a%22%3B%5Cb.jpg"),
        ("no extension", ".jpg", "no extension.jpg", "no%20extension.jpg"),
        ("two.dots.bmp", ".jpg", "two.dots.jpg", "two.dots.jpg"),
        ("it's 100%.png", ".jpg", "it's 100%.jpg", "it%27s%20100%25.jpg"),
    ],
)
def test_a_download_has_the_name_of_its_source_with_another_suffix(
    name: str, suffix: str, plain: str, extended: str
) -> None:
    header = f"inline; filename=\"{plain}\"; filename*=UTF-8''{extended}"
    assert filenames.content_disposition(name, suffix=suffix) == header
