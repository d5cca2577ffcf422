# SPDX-License-Identifier: GPL-3.0-or-later
"""MkDocs hooks: pages that lie outside docs/, links to them, and the menu.

The README, the changelog and the models' cards become pages under repository/, at their path in the repository. A link
from a page to another file of the repository becomes its path in words: the site does not have that file. A link to a
file that does not exist is left as it is, for MkDocs to warn of.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

PREFIX = "repository/"
OUTSIDE = ("README.md", "CHANGELOG.md", "models/*/README.md", "models/*/*.png")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def _root(config) -> Path:
    return Path(config.config_file_path).parent


def _outside(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for pattern in OUTSIDE for path in sorted(root.glob(pattern))]


def on_config(config):
    """Pages of blocks, and those from outside docs/, go into the menu by themselves."""
    for entry in config.nav:
        if "Blocks" in entry:
            entry["Blocks"] += sorted(path.name for path in Path(config.docs_dir).glob("blocks-*.md"))
        if "Repository" in entry:
            entry["Repository"] = [PREFIX + path for path in _outside(_root(config)) if path.endswith(".md")]
    return config


def on_files(files, config):
    root = _root(config)
    for path in _outside(root):
        files.append(File.generated(config, PREFIX + path, abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown, page, config, files):
    root, here = _root(config), page.file.src_uri
    in_repository = here.removeprefix(PREFIX) if here.startswith(PREFIX) else f"docs/{here}"

    def resolved(link: re.Match) -> str:
        mark, text, target, anchor = link.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository), target))
        in_site = path.removeprefix("docs/") if path.startswith("docs/") else PREFIX + path
        if files.get_file_from_path(in_site):
            return f"{mark}[{text}]({posixpath.relpath(in_site, posixpath.dirname(here) or '.')}{anchor or ''})"
        if (root / path).exists() and not path.startswith("docs/"):
            return f"`{path}`"
        return link[0]

    return LINK.sub(resolved, markdown)
