# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that the examples make at first start, on generated data, where no trained one is shipped.

    from wfm_core import starter
    starter.ensure("starter-two-tasks")     # a few seconds, once; then load_bundle("starter-two-tasks") finds it

They are small, know only what the generator makes, and are for trying things out: not for signals off the air.
"""

from wfm_core.starter.cache import ensure

__all__ = ["ensure"]
