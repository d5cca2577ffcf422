# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders to a block that must not end with who gives them."""

import pmt

from ..ports import keys
from ..ports.block import message_block


class survey_relay(message_block):
    """Hands what comes to `survey` on to the port `control` of `block`, without a connection.

    GNU Radio ends a block when any block that is connected to it has ended; who surveys may end while what was heard
    last still waits to be located.
    """

    def __init__(self, block: message_block):
        super().__init__("wfm_survey_relay", takes={keys.SURVEY: self._hand_on})
        self._block = block

    def stop(self) -> None:
        self.handle_waiting(keys.SURVEY)

    def _hand_on(self, message: pmt.pmt_base) -> None:
        self._block.to_basic_block()._post(keys.CONTROL, message)
