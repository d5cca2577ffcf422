# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitters of the same make, told apart by flaws that published measurements and standards give, day after day."""

from wfm_core.synth.fleet.flaws import Devices, on_another_day, random_devices
from wfm_core.synth.fleet.hearing import Episode, random_episode
from wfm_core.synth.fleet.makes import MAKES

__all__ = ["MAKES", "Devices", "Episode", "on_another_day", "random_devices", "random_episode"]
