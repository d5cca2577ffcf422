# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of wfm-monitor --web in a headless Chromium, with two simulated radios that classify what they hear.

    monitor_page.py PICTURE SECONDS

Takes Playwright and Chromium, as the tests of the page do. SECONDS: how long the radios are heard before the picture is
taken.
"""

import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1280, 1180
RADIOS = (
    ("home", "roof", "tcp://127.0.0.1:5741", "sim:air", "433.92e6"),
    ("harbour", "mast", "tcp://127.0.0.1:5742", "sim:air:5", "868.3e6"),
)


def main(picture: str, seconds: float) -> None:
    with ExitStack() as stack:
        sites = []
        for site, name, address, source, freq in RADIOS:
            where = ("--source", source, "--center-freq", freq, "--address", address, "--name", name)
            begin(
                stack, "examples/publish_band.py", *where, "--duration", str(seconds + 600), stdout=subprocess.DEVNULL
            )
            sites += ["--site", f"{site}={address}"]
        folder = ("--recordings", "examples/data")
        server = begin(
            stack, "-m", "wfm_core.cli.monitor", "--web", "127.0.0.1:0", *sites, *folder, stdout=subprocess.PIPE
        )
        url = server.stdout.readline().split()[0]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(url)
        page.locator("#events-table tbody tr").nth(12).wait_for(timeout=600_000)
        time.sleep(seconds)
        page.screenshot(path=picture)
        browser.close()


def begin(stack: ExitStack, *arguments: str, stdout) -> subprocess.Popen:
    program = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=stdout, text=True)
    stack.callback(program.wait)
    stack.callback(program.terminate)
    return program


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
