# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders to a block that must not end with who gives them."""

import pmt

from ..ports import keys
from ..ports.block import message_block


class order_relay(message_block):
    """Hands what comes to its `port` on to the port `control` of `block`, without a connection.

    GNU Radio ends a block when any block that is connected to it has ended; who gives orders may end while what was
    heard last still waits to be decided.
    """

    def __init__(self, port: pmt.pmt_base, block: message_block):
        super().__init__("wfm_order_relay", takes={port: self._hand_on})
        self._block = block

    def _hand_on(self, message: pmt.pmt_base) -> None:
        self._block.to_basic_block()._post(keys.CONTROL, message)
