# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the blocks of [WFM] that GNU Radio Companion finds; exit status 1 where they are not as many as expected.

python3 companion_blocks.py EXPECTED
"""

import sys

from gnuradio import gr
from gnuradio.grc.core.platform import Platform

expected = int(sys.argv[1])
platform = Platform(
    version=gr.version(), version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()), prefs=gr.prefs()
)
platform.build_library()
found = sorted(name for name in platform.blocks if name.startswith("wfm_"))
print(f"{len(found)} blocks:", *found)
sys.exit(0 if len(found) == expected else 1)
