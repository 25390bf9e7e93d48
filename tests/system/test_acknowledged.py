"""A 201 is a promise: whatever is killed, whenever, the image that was acknowledged is there."""

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil

from tests import pictures
from tests.system import emulators
from tests.system.emulators import Emulator

PAUSE_SECONDS = 1.5  # between two kills: what was killed is back, and uploads go on


@dataclass
class Uploads:
    """Callers that upload different pictures until they are stopped, and what was acknowledged to them."""

    emulator: Emulator
    acknowledged: dict[str, str] = field(default_factory=dict)  # location to ETag
    failures: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def call(self, caller: int) -> None:
        number = 0
        while not self.done.is_set():
            number += 1
            picture = pictures.plain("PNG", (200 + caller, 100 + number))
            try:
                with self.emulator.client as client:
                    answer = client.post("/images", files={"file": picture})
            except httpx.TransportError:
                self.failures += 1
                continue
            if answer.status_code == 201:
                self.acknowledged[answer.headers["Location"]] = answer.headers["ETag"]
            else:
                assert answer.status_code in {502, 503, 504}, answer.text
                self.failures += 1


def test_kill_9_of_any_process_during_uploads_loses_no_acknowledged_image() -> None:
    with emulators.copy_of_the_code() as root:
        with emulators.started(root, IMAGE_CACHE_SECONDS="0") as first:
            first.wait_until_ready()
            uploads = Uploads(first)
            callers = [threading.Thread(target=uploads.call, args=(number,)) for number in range(4)]
            for caller in callers:
                caller.start()
            victims: list[Callable[[], psutil.Process]] = [
                lambda: first.function("upload_image").children()[0],
                lambda: first.function("upload_image"),
                lambda: first.program("nginx").children()[0],
                lambda: first.program("nginx"),
                lambda: first.program("postgres").children()[-1],
                lambda: first.program("postgres"),
            ]
            for victim in victims:
                time.sleep(PAUSE_SECONDS)
                before = len(uploads.acknowledged)
                with suppress(psutil.NoSuchProcess):
                    victim().kill()
                time.sleep(PAUSE_SECONDS)
                assert len(uploads.acknowledged) > before  # it went on
            first.process.kill()
            first.process.wait()
            uploads.done.set()
            for caller in callers:
                caller.join()
        with emulators.started(root) as second:
            second.wait_until_ready()
            with second.client as client:
                for location, etag in uploads.acknowledged.items():
                    image = client.get(location)
                    assert image.status_code == 200
                    assert f'"{hashlib.sha256(image.content).hexdigest()}"' == etag
