# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios known to gr-osmosdr, which is a package of its own."""

import math
import re

from wfm_core.base.errors import WfmError

from ...ports import keys
from . import Driver, Request
from .radio import Radio, open_channels, refuse_sync

_TOO_MANY = re.compile("it has [0-9]+ channels")


class OsmosdrRadio(Radio):
    """gr-osmosdr tags nothing and says nothing of losses: time and gaps are the host's."""

    def __init__(self, source, request: Request):
        self._says_gain = "rtl_tcp" not in request.argument  # which has no way back for it
        super().__init__(source, request, clock=False, watch=True)

    def _set_up(self, request: Request) -> None:
        options, source = request.radio, self._source
        for name in ("lo_offset", "subdev", "otw_format", "stream_args", "normalized_gain", "settings"):
            value = getattr(options, name)
            if value:
                raise WfmError(
                    f"{name} {value}: gr-osmosdr has no such option; the device's arguments may, after osmosdr:"
                )
        refuse_sync(options.sync)
        if options.clock_source:
            source.set_clock_source(options.clock_source, 0)
        if options.time_source:
            source.set_time_source(options.time_source, 0)
        source.set_sample_rate(request.sample_rate)
        self._set_up_channels(request)

    def read_rate(self) -> float:
        return self._source.get_sample_rate()

    def read_gain(self, channel: int) -> float:
        return self._source.get_gain(channel) if self._says_gain else math.nan

    def forward(self, message) -> bool:
        # Debian 12's gr-osmosdr has no message port, later ones have.
        block = self._source.to_basic_block()
        if not block.has_msg_port(keys.COMMAND):
            return False
        block._post(keys.COMMAND, message)
        return True

    def hush(self, quiet: bool) -> None:
        """It writes to standard error by itself."""


def open_source(request: Request) -> Driver:
    try:
        import osmosdr
    except ImportError as error:
        raise WfmError("source osmosdr: the module osmosdr is missing, install gr-osmosdr") from error
    try:
        return open_channels(request, lambda fewer: _open(osmosdr, fewer), _TOO_MANY)
    except (RuntimeError, ValueError) as error:
        raise WfmError(f"gr-osmosdr device {request.argument!r} cannot do what was asked: {error}") from error


def _open(osmosdr, request: Request) -> OsmosdrRadio:
    source = osmosdr.source(arguments(request.argument, request.channels))
    # It makes outputs for channels that the device has not, and aborts the process when they are connected.
    if source.get_num_channels() < request.channels:
        raise ValueError(f"it has {source.get_num_channels()} channels")
    return OsmosdrRadio(source, request)


def arguments(argument: str, channels: int) -> str:
    """gr-osmosdr's arguments: `channels` for the block, and for the device where there is only one of them."""
    devices = argument.split()
    if channels > 1 and len(devices) == 1 and "nchan=" not in argument:
        devices = [f"{argument},nchan={channels}"]
    return " ".join([f"numchan={channels}", *devices])
