# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that tests start find the helpers of tests, as the tests do (`pythonpath` in pyproject.toml)."""

import os
from pathlib import Path

HELPERS = str(Path(__file__).parent / "helpers")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")]))
