# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of a radio and what was got: a sentence for each difference."""

from collections.abc import Iterator

from wfm_core.base.errors import WfmError

_RELATIVE = 1e-6
"""Of a rate or a frequency: tuners have steps, and oscillators are not better than that."""
_GAIN_STEP = 0.5
_BANDWIDTH_SHARE = 0.01


def differences(radio, request) -> Iterator[str]:
    """`radio` is a `wfm.drivers.radio.Radio`, `request` what was asked of it."""
    options = request.radio
    if _apart(request.sample_rate, radio.sample_rate):
        yield (
            f"sample rate: asked for {request.sample_rate:.10g} Hz, got {radio.sample_rate:.10g} Hz: what the radio "
            "has counts"
        )
    for channel in range(request.channels):
        where = f" (channel {channel})" if request.channels > 1 else ""
        yield from _of_channel(radio, request, channel, where)
        bandwidth = radio.read_bandwidth(channel)
        if options.bandwidth and bandwidth and abs(bandwidth / options.bandwidth - 1) > _BANDWIDTH_SHARE:
            yield f"bandwidth{where}: asked for {options.bandwidth:.10g} Hz, got {bandwidth:.10g} Hz"


def _of_channel(radio, request, channel: int, where: str) -> Iterator[str]:
    wish, freq = request.center_freqs[channel], radio.freqs[channel]
    if _apart(wish, freq):
        yield f"frequency{where}: asked for {wish:.10g} Hz, got {freq:.10g} Hz"
    automatic = request.radio.agc or request.radio.gain_elements
    if not automatic:
        wish, gain = request.gains[channel], radio.read_gain(channel)
        if request.radio.normalized_gain:
            if abs(wish - gain) > 0.02:
                yield f"normalized gain{where}: asked for {wish:g}, got {gain:.3g}"
        elif abs(wish - gain) > _GAIN_STEP:
            yield f"gain{where}: asked for {wish:g} dB, got {gain:g} dB"
    if request.antennas and radio.read_antenna(channel) != request.antennas[channel]:
        yield f"antenna{where}: asked for {request.antennas[channel]}, got {radio.read_antenna(channel)}"


def _apart(wish: float, own: float) -> bool:
    return not abs(own - wish) <= _RELATIVE * abs(wish)


def each(name: str, unit: str, values, channels: int) -> tuple[float, ...]:
    """One number for all `channels`, or one for each, as a tuple of `channels` numbers. Raises `WfmError`."""
    try:
        own = tuple(float(value) for value in values)
    except TypeError:
        own = (float(values),) * channels
    if len(own) == 1:
        own *= channels
    if len(own) != channels:
        raise WfmError(f"{len(own)} values of {name} ({unit}) for {channels} channels: expected one, or one a channel")
    return own


def named_values(what: str, text: str) -> dict[str, str]:
    """ "NAME=VALUE,NAME=VALUE" as a dict. Raises `WfmError`."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    for name, equals, _ in pairs:
        if not (name.strip() and equals):
            raise WfmError(f"{what} {text!r}: expected NAME=VALUE pairs with commas between them")
    return {name.strip(): value.strip() for name, _, value in pairs}


def named_numbers(what: str, text: str) -> dict[str, float]:
    """As `named_values`, the values being numbers."""
    try:
        return {name: float(value) for name, value in named_values(what, text).items()}
    except ValueError as error:
        raise WfmError(f"{what} {text!r}: expected numbers after the =, as in LNA=16,VGA=20") from error


def check_elements(elements, known) -> None:
    """Raises `WfmError` for a gain element that the radio has not."""
    for name in elements:
        if name not in known:
            raise WfmError(f"gain element {name!r} is unknown to this radio, which has {', '.join(known) or 'none'}")
