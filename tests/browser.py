"""Pages in headless Chromium: what their tests share, beside the fixture `browser`."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
_WHY = "no Chromium on the path (or named by CHROMIUM)" if CHROMIUM is None else "playwright is not installed"
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None, reason=f"the page is not opened: {_WHY}"
)


class Watched:
    """A page, with what it wrote to the console and requested since it was watched."""

    def __init__(self, page: Page) -> None:
        self.page, self.messages, self.requests = page, list[str](), list[str]()
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
