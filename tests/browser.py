"""A headless Chromium for tests that look at pages, spoken to over a pipe (DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
"""The program, or None where there is none."""


class Browser:
    """One tab.

    Args:
        orders: file descriptor that commands are written to.
        answers: file descriptor that answers and events are read from.
    """

    def __init__(self, orders: int, answers: int) -> None:
        self._orders, self._answers = os.fdopen(orders, "wb"), os.fdopen(answers, "rb")
        self._number, self._session, self._rest = 0, {}, b""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        found = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        self._ask("Page.enable")

    def open(self, page: Path, width: int) -> None:
        """Show a page in a window so many pixels wide."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self._ask("Page.navigate", url=page.resolve().as_uri())
        self._until(lambda said: said.get("method") == "Page.loadEventFired")

    def show(self, scheme: str, media: str = "") -> None:
        """Show this page, and those opened from now on, light or dark, on screen or printed."""
        wish = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=wish)

    def evaluate(self, script: str) -> Any:
        """What a script returns; a promise is waited for."""
        found = self._ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(json.dumps(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as a PNG."""
        found = self._ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        """End the program."""
        self._session = {}
        self._ask("Browser.close")

    def _ask(self, method: str, **given: Any) -> dict:
        self._number += 1
        order = {"id": self._number, "method": method, "params": given} | self._session
        self._orders.write(json.dumps(order).encode() + b"\0")
        self._orders.flush()
        said = self._until(lambda said: said.get("id") == order["id"])
        assert "error" not in said, said
        return said["result"]

    def _until(self, wanted: Any) -> dict:
        while True:
            while b"\0" not in self._rest:
                more = os.read(self._answers.fileno(), 2**16)
                assert more, "Chromium ended"
                self._rest += more
            one, self._rest = self._rest.split(b"\0", 1)
            if wanted(said := json.loads(one)):
                return said


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of its own, with an empty profile; without a sandbox, which root may not have."""
    theirs, ours = os.pipe(), os.pipe()  # orders go one way, answers the other

    def take() -> None:  # it reads from 3 and writes to 4; first away from there
        read, write = os.dup(theirs[0]), os.dup(ours[1])
        read, write = (os.dup2(one, 100 + one) for one in (read, write))
        os.dup2(read, 3)
        os.dup2(write, 4)

    with tempfile.TemporaryDirectory() as profile:
        words = f"--headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir={profile}"
        process = subprocess.Popen(
            [CHROMIUM, *words.split(), "--remote-debugging-pipe"],
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=take,
        )
        os.close(theirs[0])
        os.close(ours[1])
        try:
            found = Browser(theirs[1], ours[0])
            yield found
            found.close()
        finally:
            process.kill()
            process.wait()
