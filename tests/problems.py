"""What every problem document has, whoever answers it."""

import httpx


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Assert that a response is this problem (RFC 9457); return its document."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.text.endswith("}\n")
    problem: dict[str, object] = response.json()
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem
