# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what pip would add to the package wfm_core: its commands and its dist-info, from pyproject.toml.

    core_package.py OUT PYTHON_DIR

OUT: folder; gets bin/ and wfm_core-VERSION.dist-info/. PYTHON_DIR: where packages go, from the prefix on. There is
no RECORD in the dist-info: pip then leaves the package to whoever installed it.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COMMAND = """\
#!{python}
import os
import site
import sys

# last on the path, so that nothing there hides what this interpreter finds by itself
site.addsitedir(os.path.join(os.path.dirname(os.path.realpath(__file__)), os.pardir, {python_dir!r}))
try:
    from {module} import {function}
except ModuleNotFoundError as error:
    sys.exit(f"{name} takes the Python package {{error.name}}, which {{sys.executable}} does not have: install it")
if __name__ == "__main__":
    sys.exit({function}())
"""


def metadata(project: dict) -> str:
    """The core metadata, as packaging.python.org's specification has them."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License: {project['license']['text']}",
        f"Requires-Python: {project['requires-python']}",
    ]
    lines += [f"Requires-Dist: {need}" for need in project["dependencies"]]
    for extra, needs in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {need}; extra == '{extra}'" for need in needs]
    return "\n".join(lines) + "\n"


def main(out: Path, python_dir: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = out / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(metadata(project))
    (info / "INSTALLER").write_text("cmake\n")
    entries = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    (info / "entry_points.txt").write_text("[console_scripts]\n" + entries)
    (out / "bin").mkdir(exist_ok=True)
    for name, target in project["scripts"].items():
        module, function = target.split(":")
        fields = {"python": sys.executable, "python_dir": python_dir, "name": name}
        command = out / "bin" / name
        command.write_text(COMMAND.format(module=module, function=function, **fields))
        command.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
