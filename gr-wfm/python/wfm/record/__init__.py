# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves: reports, pictures, annotations in recordings."""
