# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done without a network, beside what one does."""
