"""Problem documents of statuses, which are called the same on every Python."""

import pytest

from common.errors import Problem


@pytest.mark.parametrize(
    ("status", "title", "code"),
    [
        (400, "Bad Request", "malformed_request"),
        (413, "Content Too Large", "request_too_large"),
        (414, "URI Too Long", "uri_too_long"),
        (416, "Range Not Satisfiable", "range_not_satisfiable"),
        (422, "Unprocessable Content", "unprocessable_content"),
        (431, "Request Header Fields Too Large", "request_header_fields_too_large"),
        (505, "HTTP Version Not Supported", "http_version_not_supported"),
    ],
)
def test_a_status_has_the_name_of_rfc_9110(status: int, title: str, code: str) -> None:
    document = Problem.of_status(status).document("1")
    assert (document["title"], document["code"]) == (title, code)
