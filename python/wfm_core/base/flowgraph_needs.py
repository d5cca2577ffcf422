# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing this checks for what gnuradio.wfm takes and a distribution may not have, or not new enough."""

from wfm_core.base.needs import needed

needed("torch", "gnuradio.wfm")
needed("safetensors", "gnuradio.wfm")
needed("pydantic.aliases", "gnuradio.wfm")  # which pydantic 1 has not
