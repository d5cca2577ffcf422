# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation: it builds without a warning, every block is in it, pictures are small."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCKS = sorted(path.name.removesuffix(".block.yml") for path in (ROOT / "grc").glob("*.block.yml"))
MOST_BYTES = 200_000


def build(root: Path, site: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)


def test_the_site_builds_without_a_warning(tmp_path):
    done = build(ROOT, tmp_path / "site")
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    assert {f"{path.stem}.html" for path in DOCS.glob("*.md")} <= pages
    assert {"repository/index.html", "repository/CHANGELOG.html"} <= pages
    menu = (tmp_path / "site" / "index.html").read_text()
    assert all(f'href="{page.stem}.html"' in menu for page in DOCS.glob("blocks-*.md")), "the menu has them"
    pretraining = (tmp_path / "site" / "pretraining.html").read_text()
    assert 'href="repository/models/wfm-base/index.html"' in pretraining, "a model's card, outside docs/, is a page"
    assert "<code>python/wfm_core/configs/pretrain_paper.yaml</code>" in pretraining


@pytest.mark.parametrize(
    "text",
    [
        "[x](not-there.md)",
        "[x](../models/not-there/README.md)",
        "[x](blocks.md#not-there)",
        "![x](images/not-there.png)",
    ],
)
def test_a_broken_link_is_an_error(tmp_path, text):
    for name in ("docs", "scripts", "models"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "python"):
        (tmp_path / name).symlink_to(ROOT / name)
    with (tmp_path / "docs" / "troubleshooting.md").open("a") as page:
        page.write(f"\n{text}\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0 and "not-there" in done.stderr


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_listed_with_a_picture(block):
    assert f"(images/blocks/{block}.png)" in (DOCS / "blocks.md").read_text(), "give it a row; make pictures"
    described = "".join(page.read_text() for page in [DOCS / "blocks.md", *DOCS.glob("blocks-*.md")])
    label = re.search(r"^label: (.*)$", (ROOT / "grc" / f"{block}.block.yml").read_text(), re.MULTILINE)[1]
    assert label in described


def test_pictures_are_small():
    pictures = list((DOCS / "images").rglob("*.png"))
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > MOST_BYTES] == []
