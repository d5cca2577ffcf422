# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Image: channel estimates of packets in, images for a model out."""

from dataclasses import replace
from itertools import groupby
from threading import Lock

import numpy as np
import pmt
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain
from wfm_core.signal import build_preprocessor

from ..ports import keys
from ..ports.block import message_block
from ..ports.guard import guarded
from . import image_messages
from .csi_gather import ChannelVector, CsiGather
from .image import Image

SOURCES = ("tags", "pdus")
VALUES = ("amplitude", "complex")
_SIGNALS = ("csi_image", "csi_profile")


class csi_image(message_block):
    """Gathers channel estimates (CSI), one vector a packet and antenna, into images of amplitudes, or complex ones.

    From "tags": one stream of vectors of `fft_len` an antenna, such as the payload of gr-digital's Header/Payload
    Demux, whose `ofdm_sync_chan_taps` tags are read; the stream itself is consumed unseen. The sequence number, rx_time
    and rx_freq are tags on the same item. From "pdus": message port `csi`, PDUs cons(dict, c32vector) with `antenna`
    (0 if it is not said), the sequence number, rx_time and rx_freq in the dict; or PDUs of any payload that have
    `ofdm_sync_chan_taps` there.

    Lost packets are filled in up to `max_gap` in a row; an image spans no longer gap, no restart of the numbers and no
    change of rx_freq (`.csi_gather`). A vector of another length, an antenna out of range or values that are
    not finite are logged, counted as `refused` and ignored.

    Ports out: `images`, PDUs cons(dict, f32vector): shape [antennas, subcarriers, packets], sample_start and
    sample_count in packets, packets_lost (columns filled in), lost_so_far, rx_time, rx_freq; `status` (dict, once a
    second while vectors come).

    Args:
        source: "tags" or "pdus".
        antennas: vectors that make a packet; input streams when they come as tags.
        fft_len: length of a vector.
        subcarriers: entries of a vector that become rows, in this order; empty for all.
        packets: columns of an image.
        hop: packets between the starts of two images, 0 for back to back.
        max_gap: lost packets in a row that are filled in.
        sequence: name of the tag or the dict's entry with the packet's number.
        modulus: sequence numbers go from 0 to modulus - 1.
        packet_rate: packets a second: tells lost packets by rx_time where there are no numbers; 0 for unknown.
        signal: settings of `wfm_core.signal.CsiImage` (a mapping with kind: csi_image), or of complex values
            `CsiProfile` (kind: csi_profile), for a model that wants ready images; empty for values as they are, which
            bundles with their own `signal` turn into images themselves.
        values: "amplitude", or "complex" for twice as many channels, real parts of all antennas, then imaginary ones.

    Raises:
        WfmError: a parameter out of its range.
    """

    def __init__(
        self,
        source: str = "tags",
        antennas: int = 1,
        fft_len: int = 64,
        subcarriers=(),
        packets: int = 64,
        hop: int = 0,
        max_gap: int = 4,
        sequence: str = "packet_num",
        modulus: int = 4096,
        packet_rate: float = 0.0,
        signal=None,
        values: str = "amplitude",
    ):
        if values not in VALUES:
            raise WfmError(f"values is {values!r}, one of {', '.join(VALUES)} is expected")
        both = values == "complex"
        self._gather = CsiGather(antennas, packets, hop, max_gap, modulus, packet_rate, both)
        self._rows = _rows(subcarriers, fft_len)
        self._transform = _transform(signal, (2 if both else 1) * antennas, len(self._rows), packets)
        if source not in SOURCES:
            raise WfmError(f"source is {source!r}, one of {', '.join(SOURCES)} is expected")
        super().__init__(
            "wfm_csi_image",
            takes={keys.CSI: self._on_csi} if source == "pdus" else {},
            gives=(keys.IMAGES, keys.STATUS),
            log="wfm.csi_image",
            in_sig=[(np.complex64, fft_len)] * antennas if source == "tags" else None,
        )
        self._sequence, self._fft_len = sequence, fft_len
        self._lock = Lock()  # status() is asked from other threads
        self._vectors_in = 0

    def status(self) -> dict:
        """Vectors, packets and images counted by their fate; vectors or messages refused."""
        with self._lock:
            return {"vectors_in": self._vectors_in, "refused": self.refused, **self._gather.counts}

    # -- what comes in -------------------------------------------------------------------------------------------

    def general_work(self, input_items, output_items):
        for antenna, items in enumerate(input_items):
            tags = self.get_tags_in_window(antenna, 0, len(items))
            for _, same in groupby(sorted(tags, key=lambda tag: tag.offset), key=lambda tag: tag.offset):
                values = {pmt.symbol_to_string(tag.key): tag.value for tag in same if pmt.is_symbol(tag.key)}
                self._on_tags(antenna, values)
            self.consume(antenna, len(items))
        return 0

    @guarded("a channel vector in tags was ignored")
    def _on_tags(self, antenna: int, tags: dict) -> None:
        """The tags of one item."""
        taps = tags.get(pmt.symbol_to_string(keys.CHAN_TAPS))
        if taps is None:
            return
        if not pmt.is_c32vector(taps):
            raise ValueError("a tag ofdm_sync_chan_taps has no c32vector, as gr-digital's would")
        fields = {name: pmt.to_python(tags[name]) for name in {self._sequence, "rx_time", "rx_freq"} & set(tags)}
        self._take(image_messages.csi_vector(taps, {**fields, "antenna": antenna}, self._sequence))

    def _on_csi(self, message: pmt.pmt_base) -> None:
        self._take(image_messages.read_csi(message, self._sequence))

    def _take(self, vector: ChannelVector) -> None:
        try:
            for image in self._gathered(vector):
                self.message_port_pub(keys.IMAGES, image_messages.image_pdu(self._transformed(image)))
        finally:
            self.publish_status_when_due()

    def _gathered(self, vector: ChannelVector) -> list[Image]:
        if len(vector.values) != self._fft_len:
            raise ValueError(
                f"a channel vector of {len(vector.values)} values: {self._fft_len} are expected, as fft_len"
            )
        if not np.isfinite(vector.values).all():
            raise ValueError("a channel vector with values that are not finite")
        with self._lock:
            windows = self._gather.add(replace(vector, values=vector.values[self._rows]))
            self._vectors_in += 1
        return windows

    def _transformed(self, image: Image) -> Image:
        """By `signal`, where there is one."""
        if self._transform is None:
            return image
        with torch.inference_mode():
            return replace(image, pixels=self._transform(torch.from_numpy(image.pixels)[None])[0].numpy())


def _rows(subcarriers, fft_len: int) -> np.ndarray:
    if fft_len < 1:
        raise WfmError(f"fft_len is {fft_len}, 1 or more is expected")
    rows = np.array(list(subcarriers) or range(fft_len))
    if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= fft_len:
        raise WfmError(f"subcarriers {plain(list(subcarriers))}: entries of a vector, 0 to {fft_len - 1}, are expected")
    return rows


def _transform(signal, channels: int, rows: int, packets: int) -> torch.nn.Module | None:
    """What makes ready images, tried on a blank one."""
    if not signal:
        return None
    if not isinstance(signal, dict) or signal.get("kind") not in _SIGNALS:
        raise WfmError(f"signal {signal!r}: a mapping with kind {' or '.join(_SIGNALS)} is expected, or nothing")
    module = build_preprocessor(signal)
    try:
        module(torch.zeros(1, channels, rows, packets))
    except ValueError as error:
        raise WfmError(f"signal and {channels} channels do not fit: {error}; fix one") from error
    return module
