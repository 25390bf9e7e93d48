"""Callers as they are in real use, for any deployment: `make load url=http://127.0.0.1:8080 token=...`."""

import os
import random
from collections import deque

from locust import HttpUser, between, task
from locust.clients import ResponseContextManager

from benchmarks import pictures

_PHOTOS = (pictures.photo(1600, 1200), pictures.photo(2048, 1536), pictures.photo(4000, 3000))
_NOT_FOUND = "/images/00000000-0000-0000-0000-000000000000"

_stored: deque[tuple[str, str]] = deque(maxlen=200)  # paths and ETags, shared by all callers


class Caller(HttpUser):
    """Reads most of the time, uploads now and then, and errs sometimes."""

    wait_time = between(0.1, 1.0)

    def on_start(self) -> None:
        """Authorise, and have something to read."""
        self.client.headers["Authorization"] = f"Bearer {os.environ.get('TOKEN', '')}"
        self.upload()

    @task(10)
    def upload(self) -> None:
        """Store a photo in one of the usual sizes."""
        options = random.choice(({}, {"x": 1280, "y": 720}, {"x": 200, "y": 200, "quality": 80}))  # noqa: S311
        files = {"file": ("photo.jpg", random.choice(_PHOTOS))}  # noqa: S311
        with self.client.post("/images", data=options, files=files, catch_response=True) as response:
            if response.status_code == 201:  # noqa: PLR2004
                _stored.append((response.headers["Location"], response.headers["ETag"]))
            elif response.status_code == 503 and "Retry-After" in response.headers:  # noqa: PLR2004
                response.request_meta["name"] = "/images, refused"  # honestly: the caller may come again
                response.success()

    @task(60)
    def read(self) -> None:
        """Fetch a picture, most often one of the newest."""
        if _stored:
            self.client.get(self._popular()[0], name="/images/{id}")

    @task(20)
    def read_again(self) -> None:
        """Ask whether a picture is still the one that the caller has."""
        if _stored:
            path, etag = self._popular()
            name = "/images/{id} If-None-Match"
            with self.client.get(path, headers={"If-None-Match": etag}, name=name, catch_response=True) as response:
                _expect(response, 304)

    @task(2)
    def ask_for_what_is_not_there(self) -> None:
        """Follow a dead link."""
        with self.client.get(_NOT_FOUND, name="a dead link", catch_response=True) as response:
            _expect(response, 404)

    @task(2)
    def upload_no_picture(self) -> None:
        """Send a text under a picture's name."""
        files = {"file": ("photo.jpg", b"this is no photo")}
        with self.client.post("/images", files=files, name="no picture", catch_response=True) as response:
            _expect(response, 415)

    @task(1)
    def come_without_a_token(self) -> None:
        """Forget the token."""
        headers = {"Authorization": ""}
        with self.client.get("/logs", headers=headers, name="no token", catch_response=True) as response:
            _expect(response, 401)

    def _popular(self) -> tuple[str, str]:
        newest = min(int(random.expovariate(0.1)), len(_stored) - 1)
        return _stored[-1 - newest]


def _expect(response: ResponseContextManager, status: int) -> None:
    if response.status_code == status:
        response.success()  # type: ignore[no-untyped-call]  # locust's
    else:
        response.failure(f"{response.status_code} in place of {status}")  # type: ignore[no-untyped-call]
