# SPDX-License-Identifier: GPL-3.0-or-later
from serving_parts.fixtures import installed, installed_kinds, served, server, server_process  # noqa: F401
