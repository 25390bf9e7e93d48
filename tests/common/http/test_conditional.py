"""Conditions and ranges by RFC 9110 13 and 14, in tables: no server, no database."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import PreconditionFailed, RangeNotSatisfiable
from common.http import conditional

SIZE = 1000
MODIFIED = datetime(1994, 11, 6, 8, 49, 37, 999_999, tzinfo=UTC)  # a header has no fraction of a second

# That second in the three formats of RFC 9110 5.6.7, and the seconds before and after it.
SAME = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = "Sun, 06 Nov 1994 08:49:38 GMT"
RFC_850, RFC_850_BEFORE = "Sunday, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:36 GMT"
ASCTIME, ASCTIME_BEFORE = "Sun Nov  6 08:49:37 1994", "Sun Nov  6 08:49:36 1994"

NOT_DATES = [
    "",
    "yesterday",
    "784111777",
    "1994-11-06T08:49:37Z",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 0000 08:49:37 GMT",
    "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:99999999999999999999 GMT",
    "Sun, 06 Nov 1994 08:49:37 +99999999999999999999",
    f"{SAME}, {SAME}",
    "1" * 5000,
]


def evaluate(method: str, headers: dict[str, str], size: int = SIZE) -> conditional.Answer:
    return conditional.evaluate(method, headers, etag="tag", last_modified=MODIFIED, size_bytes=size)


def status(method: str, headers: dict[str, str]) -> int:
    try:
        return evaluate(method, headers).status
    except (PreconditionFailed, RangeNotSatisfiable) as problem:
        return problem.status


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('"tag"', 200), ("*", 200), ('"a", "tag"', 200), ('"a","tag"', 200), (' "a"\t, "tag" ', 200),
        (', ,"tag",', 200), ('"a, b", "tag"', 200), ('W/"a", "tag"', 200),
        ('"other"', 412), ('"TAG"', 412), ('"*"', 412), ('"a,tag,b"', 412), ('"tag', 412), ("", 412), (",", 412),
        ('W/"tag"', 412), ('W/"a", W/"tag"', 412), ("nonsense", 412),
    ],
)  # fmt: skip
def test_if_match_compares_strongly(method: str, sent: str, expected: int) -> None:
    assert status(method, {"If-Match": sent}) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('"tag"', 304), ("*", 304), ('"a", "tag"', 304), ('"a","tag"', 304), (' "a"\t, "tag" ', 304),
        ('W/"tag"', 304), ('W/"a", W/"tag"', 304), ('"a, b", W/"tag"', 304),
        ('"other"', 200), ('"TAG"', 200), ('"*"', 200), ('"a,tag,b"', 200), ('"tag', 200), ("", 200), (",", 200),
        ("nonsense", 200),
    ],
)  # fmt: skip
def test_if_none_match_compares_weakly(method: str, sent: str, expected: int) -> None:
    assert status(method, {"If-None-Match": sent}) == expected
    assert status("DELETE", {"If-None-Match": sent}) == {304: 412, 200: 200}[expected]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((date, 200) for date in (SAME, RFC_850, ASCTIME, AFTER, f" {SAME} ", "Fri, 01 Jan 9999 00:00:00 GMT")),
        *((date, 412) for date in (BEFORE, RFC_850_BEFORE, ASCTIME_BEFORE, "Thursday, 01-Jan-70 00:00:00 GMT")),
        *((text, 200) for text in NOT_DATES),
    ],
)
def test_if_unmodified_since_fails_for_what_changed_later(method: str, sent: str, expected: int) -> None:
    assert status(method, {"If-Unmodified-Since": sent}) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((date, 304) for date in (SAME, RFC_850, ASCTIME, AFTER, f" {SAME} ", "Fri, 01 Jan 9999 00:00:00 GMT")),
        *((date, 200) for date in (BEFORE, RFC_850_BEFORE, ASCTIME_BEFORE, "Thursday, 01-Jan-70 00:00:00 GMT")),
        *((text, 200) for text in NOT_DATES),
    ],
)
def test_if_modified_since_spares_what_did_not_change_later(method: str, sent: str, expected: int) -> None:
    assert status(method, {"If-Modified-Since": sent}) == expected
    assert status("DELETE", {"If-Modified-Since": sent}) == 200  # 13.1.3: only for GET and HEAD


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        # step 1 before step 2: If-Unmodified-Since is ignored beside If-Match
        ({"If-Match": '"tag"', "If-Unmodified-Since": BEFORE}, 200),
        ({"If-Match": '"other"', "If-Unmodified-Since": SAME}, 412),
        # steps 1 and 2 before steps 3 and 4
        ({"If-Match": '"other"', "If-None-Match": '"tag"'}, 412),
        ({"If-Match": '"tag"', "If-None-Match": '"tag"'}, 304),
        ({"If-Match": '"other"', "If-Modified-Since": SAME}, 412),
        ({"If-Unmodified-Since": BEFORE, "If-None-Match": '"tag"'}, 412),
        ({"If-Unmodified-Since": SAME, "If-None-Match": '"tag"'}, 304),
        ({"If-Unmodified-Since": SAME, "If-Modified-Since": SAME}, 304),
        ({"If-Unmodified-Since": BEFORE, "If-Modified-Since": BEFORE}, 412),
        # step 3 before step 4: If-Modified-Since is ignored beside If-None-Match
        ({"If-None-Match": '"other"', "If-Modified-Since": SAME}, 200),
        ({"If-None-Match": '"tag"', "If-Modified-Since": BEFORE}, 304),
        ({"If-None-Match": "", "If-Modified-Since": SAME}, 200),
        # all before step 5
        ({"If-Match": '"other"', "Range": "bytes=0-1"}, 412),
        ({"If-Match": '"other"', "Range": "bytes=5000-"}, 412),
        ({"If-Match": '"tag"', "Range": "bytes=0-1"}, 206),
        ({"If-Match": '"tag"', "Range": "bytes=5000-"}, 416),
        ({"If-None-Match": '"tag"', "Range": "bytes=0-1"}, 304),
        ({"If-None-Match": '"tag"', "Range": "bytes=5000-"}, 304),
        ({"If-None-Match": '"other"', "Range": "bytes=0-1"}, 206),
        ({"If-Modified-Since": SAME, "Range": "bytes=0-1"}, 304),
        ({"If-Modified-Since": BEFORE, "Range": "bytes=0-1"}, 206),
        ({"If-Unmodified-Since": BEFORE, "Range": "bytes=0-1"}, 412),
        ({"If-None-Match": '"tag"', "Range": "bytes=0-1", "If-Range": '"tag"'}, 304),
    ],
)
def test_conditions_are_evaluated_in_the_order_of_the_rfc(headers: dict[str, str], expected: int) -> None:
    assert status("GET", headers) == expected


@pytest.mark.parametrize(
    ("sent", "start", "stop"),
    [
        ("bytes=0-0", 0, 1), ("bytes=0-1", 0, 2), ("bytes=10-19", 10, 20), ("bytes=999-999", 999, 1000),
        ("bytes=0-999", 0, 1000), ("bytes=0-1000", 0, 1000), ("bytes=10-99999999", 10, 1000),
        ("bytes=0-", 0, 1000), ("bytes=999-", 999, 1000), ("bytes=007-008", 7, 9),
        ("bytes=-1", 999, 1000), ("bytes=-1000", 0, 1000), ("bytes=-1001", 0, 1000), ("bytes=-99999999", 0, 1000),
        (f"bytes=0-{10**30}", 0, 1000), (f"bytes=-{10**30}", 0, 1000),
        ("BYTES=1-2", 1, 3), (" bytes=1-2 ", 1, 3), ("bytes = 1-2", 1, 3), ("bytes=\t1-2", 1, 3), ("bytes=1 - 2", 1, 3),
    ],
)  # fmt: skip
def test_one_range_is_206(sent: str, start: int, stop: int) -> None:
    answer = evaluate("GET", {"Range": sent})
    assert (answer.status, answer.span) == (206, range(start, stop))
    assert answer.content_range == f"bytes {start}-{stop - 1}/1000"


@pytest.mark.parametrize("sent", ["bytes=1000-", "bytes=1000-1000", "bytes=5000-6000", f"bytes={10**30}-"])
def test_a_range_that_starts_after_the_end_is_416(sent: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        evaluate("GET", {"Range": sent})
    assert caught.value.headers == {"Content-Range": "bytes */1000"}
    assert caught.value.members == {"limit": 1000}


@pytest.mark.parametrize("sent", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_of_nothing_no_range_is_satisfiable(sent: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        evaluate("GET", {"Range": sent}, size=0)


@pytest.mark.parametrize(
    "sent",
    [
        "bytes=0-1,5-6", "bytes=0-1, -1", "bytes=0-,0-", "bytes=5000-,0-1", "bytes=0-1,",  # several, or a list
        "lines=0-1", "none", "=0-1", "bytes", "bytes=", "bytes=-", "bytes=-0", "bytes=x-y", "bytes=0-x", "bytes=5-1",
        "bytes=1000-999", "bytes=--1", "bytes=-1-", "bytes=- 1", "bytes=0-1-2", "bytes=+0-1", "bytes=0_0-1_0",
        "bytes=0x0-1", "bytes=\xb2-3", "bytes 0-1", "0-1", "", f"bytes=0-{'9' * 5000}",
    ],
)  # fmt: skip
def test_a_range_that_may_be_ignored_gives_the_whole(sent: str) -> None:
    assert evaluate("GET", {"Range": sent}) == conditional.Answer(200, range(SIZE))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "PATCH"])
@pytest.mark.parametrize("sent", ["bytes=0-1", "bytes=5000-"])
def test_a_range_is_for_get_alone(method: str, sent: str) -> None:
    assert status(method, {"Range": sent}) == 200
    assert status(method, {"Range": sent, "If-Range": '"tag"'}) == 200


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('"tag"', 206), (SAME, 206), (RFC_850, 206), (ASCTIME, 206), (' "tag" ', 206),
        ('W/"tag"', 200), ('"other"', 200), ("tag", 200), ("*", 200), ('"tag", "other"', 200), ('"tag', 200),
        (BEFORE, 200), (AFTER, 200), *((text, 200) for text in NOT_DATES),
    ],
)  # fmt: skip
def test_if_range_compares_exactly(sent: str, expected: int) -> None:
    assert status("GET", {"Range": "bytes=0-1", "If-Range": sent}) == expected
    assert status("GET", {"Range": "bytes=5000-", "If-Range": sent}) == {206: 416, 200: 200}[expected]
    assert status("GET", {"If-Range": sent}) == 200  # 13.1.5: means nothing without a Range


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {}, True),
        ("GET", {"If-Range": '"tag"', "Accept": "image/jpeg"}, True),
        ("HEAD", {}, False),
        ("GET", {"Range": ""}, False),
        ("GET", {"If-Match": "*"}, False),
        ("GET", {"If-None-Match": "*"}, False),
        ("GET", {"If-Modified-Since": "yesterday"}, False),
        ("GET", {"If-Unmodified-Since": SAME}, False),
    ],
)
def test_a_plain_get_has_no_condition_and_no_range(method: str, headers: dict[str, str], *, expected: bool) -> None:
    assert conditional.is_plain_get(method, headers) == expected
    if expected:
        assert status(method, headers) == 200


FIELDS = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"]
VALUES = st.one_of(
    st.text(st.characters(codec="latin-1")),
    st.text('Ww/"*,tag '),
    st.text("bytes=0123456789-, ").map(lambda text: "bytes=" + text),
    st.text("0123456789+ ").map(lambda text: "Sun, 06 Nov 1994 08:49:37 " + text),
)


@given(st.sampled_from(["GET", "HEAD", "DELETE"]), st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_whatever_is_sent_gets_an_answer(method: str, headers: dict[str, str]) -> None:
    assert status(method, headers) in {200, 206, 304, 412, 416}
