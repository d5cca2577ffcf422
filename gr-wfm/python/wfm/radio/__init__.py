# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SDR Source: radios, recordings and the simulated radio behind one string."""
