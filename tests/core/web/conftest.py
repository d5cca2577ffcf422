# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless browser for the tests of the page; without one they are skipped."""

import os
import re
import shutil

import pytest

_ENDED = re.compile(r"net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)")
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """Chromium, by Playwright, which needs no browser of its own for it."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="pip install playwright, and apt-get install chromium"
    )
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with playwright.sync_playwright() as running:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=program, args=as_root)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Opens a page's address; what goes wrong in the page, or leads out of it, fails the test at its end."""
    faults: list[str] = []
    contexts = []

    def open_page(url: str, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda asked: None if asked.url.startswith(url) else faults.append(f"asked {asked.url}"))
        page.goto(url)
        return page

    open_page.faults = faults
    yield open_page
    for context in contexts:
        context.close()
    # Most servers end before their page does, which the browser tells of.
    assert [text for text in faults if not _ENDED.search(text)] == []
