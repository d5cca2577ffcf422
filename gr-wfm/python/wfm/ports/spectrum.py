# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of a spectrum as a PDU, cons(dict, u8vector), and back as what is published."""

import numpy as np
import pmt

from wfm_core.messages.spectra import spectrum_json

from . import fields as checked
from . import keys

_FIELDS = ("sample_start", "sample_count", "sample_rate", "rx_freq")


def spectrum_pdu(
    sample_start: int, sample_count: int, sample_rate: float, rx_freq: float | None, levels: np.ndarray
) -> pmt.pmt_base:
    """`levels`: uint8 [bins], of `wfm_core.messages.spectra.level_bytes`; `rx_freq` (Hz) None where it is not known."""
    values = pmt.dict_add(pmt.make_dict(), keys.SAMPLE_START, pmt.from_uint64(sample_start))
    values = pmt.dict_add(values, keys.SAMPLE_COUNT, pmt.from_uint64(sample_count))
    values = pmt.dict_add(values, keys.SAMPLE_RATE, pmt.from_double(sample_rate))
    if rx_freq is not None:
        values = pmt.dict_add(values, keys.RX_FREQ, pmt.from_double(rx_freq))
    return pmt.cons(values, pmt.init_u8vector(len(levels), levels.tolist()))


def read_spectrum(pdu: pmt.pmt_base) -> dict:
    """The body of its message. Raises `ValueError` for a message of another form, or of values out of range."""
    if not pmt.is_pair(pdu) or not pmt.is_u8vector(pmt.cdr(pdu)):
        raise ValueError(f"{checked.kind_of(pdu)} where a spectrum, cons(dict, u8vector), is expected")
    values = checked.known(pmt.car(pdu), _FIELDS)
    place = checked.place(values)
    return spectrum_json(
        place["sample_start"],
        place["sample_count"],
        checked.number(values, "sample_rate"),
        place["rx_freq"],
        bytes(pmt.u8vector_elements(pmt.cdr(pdu))),
    )
