# SPDX-License-Identifier: GPL-3.0-or-later
"""Single signals as their standards have them: framing, coding, content, timing. On the CPU, in numpy.

`wfm_core.synth.emitters` fills windows for pretraining on any device; these are whole transmissions, for naming them.
"""
