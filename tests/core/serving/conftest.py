# SPDX-License-Identifier: GPL-3.0-or-later
from serving_parts.fixtures import installed, served, server  # noqa: F401
