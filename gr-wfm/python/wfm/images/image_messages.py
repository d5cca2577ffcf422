# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and the channel vectors they are made of as PMTs, and back."""

import math

import numpy as np
import pmt

from ..ports import fields as checked
from ..ports import keys
from ..ports.messages import place_dict
from .csi_gather import ChannelVector
from .image import Image


def image_pdu(image: Image) -> pmt.pmt_base:
    """cons(dict, f32vector): the fields of `Image` with the shape of its pixels; these in C order."""
    fields = pmt.dict_add(place_dict(image), keys.SHAPE, pmt.to_pmt([int(n) for n in image.pixels.shape]))
    fields = pmt.dict_add(fields, keys.PACKETS_LOST, pmt.from_long(image.packets_lost))
    fields = pmt.dict_add(fields, keys.LOST_SO_FAR, pmt.from_long(image.lost_so_far))
    return pmt.cons(fields, pmt.init_f32vector(image.pixels.size, image.pixels.ravel().tolist()))


def read_image(pdu: pmt.pmt_base) -> Image:
    """The inverse of `image_pdu`. Raises `ValueError` for a message of another form."""
    fields = _fields(pdu)
    pixels = pmt.cdr(pdu)
    shape = fields.get("shape")
    if not isinstance(shape, list) or len(shape) != 3 or not pmt.is_f32vector(pixels):
        raise ValueError("message on images: cons(dict with shape [channels, height, width], f32vector) is expected")
    values = np.array(pmt.f32vector_elements(pixels), np.float32)
    # math.prod: numpy's would wrap round at 2^63
    if not all(type(n) is int and n > 0 for n in shape) or math.prod(shape) != values.size:
        raise ValueError(f"image of {values.size} pixels with shape {checked.shown(shape)}: they must agree")
    if not np.isfinite(values).all():
        raise ValueError("image with pixels that are not finite")
    return Image(
        pixels=values.reshape(shape),
        packets_lost=checked.whole(fields, "packets_lost", 0),
        lost_so_far=checked.whole(fields, "lost_so_far", 0),
        **checked.place(fields),
    )


def read_csi(pdu: pmt.pmt_base, number_key: str) -> ChannelVector:
    """A PDU with a c32vector, or one of any payload whose dict has `ofdm_sync_chan_taps`; antenna (0 if it is not
    said), the sequence number under `number_key`, rx_time and rx_freq from the dict. Raises `ValueError` for others.
    """
    if pmt.is_pair(pdu) and pmt.is_c32vector(pmt.cdr(pdu)):
        return csi_vector(pmt.cdr(pdu), _fields(pdu), number_key)
    taps = pmt.dict_ref(pmt.car(pdu), keys.CHAN_TAPS, pmt.PMT_NIL) if _has_dict(pdu) else pmt.PMT_NIL
    if not pmt.is_c32vector(taps):
        raise ValueError("message on csi: cons(dict, c32vector), or ofdm_sync_chan_taps in a PDU's dict, is expected")
    return csi_vector(taps, _fields(pmt.cons(pmt.dict_delete(pmt.car(pdu), keys.CHAN_TAPS), pmt.PMT_NIL)), number_key)


def csi_vector(values: pmt.pmt_base, fields: dict, number_key: str) -> ChannelVector:
    """A c32vector and what is known of it, from a PDU's dict or from tags."""
    number = checked.whole(fields, number_key) if number_key in fields else None
    return ChannelVector(
        values=np.array(pmt.c32vector_elements(values), np.complex64),
        antenna=checked.whole(fields, "antenna", 0),
        number=number,
        rx_time=checked.rx_time(fields),
        rx_freq=checked.rx_freq(fields),
    )


def _has_dict(pdu: pmt.pmt_base) -> bool:
    return pmt.is_pair(pdu) and (pmt.is_dict(pmt.car(pdu)) or pmt.is_null(pmt.car(pdu)))


def _fields(pdu: pmt.pmt_base) -> dict:
    if not _has_dict(pdu):
        raise ValueError(f"{checked.kind_of(pdu)} where a PDU, cons(dict, vector), is expected")
    fields = pmt.to_python(pmt.car(pdu)) or {}
    if not isinstance(fields, dict):
        raise ValueError("a PDU whose dict is a list of pairs of something else")
    return fields
