# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception whose text is meant for the person at the keyboard."""


class WfmError(Exception):
    """Something the user can mend. The message is one sentence: value seen, value wanted, the mend."""
