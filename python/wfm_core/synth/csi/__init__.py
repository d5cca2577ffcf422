# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state information of generated places, with what made it: rooms where people move, 5G cells, receivers.

`windows` has what others need: `draw_windows`, the labels and the causes. Everything is a function of one
`torch.Generator` and computes on that generator's device.
"""
