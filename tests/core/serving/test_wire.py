# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays on the wire: what comes back, and that nothing is made of what says two things."""

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.serving.protocol import MAX_WINDOWS, Images, IqWindows, Judgement, Output
from wfm_core.serving.wire import image_message, images_of, iq_message, output_messages, outputs_of, windows_of


def windows(count: int = 3, antennas: int = 2, samples: int = 16, seed: int = 0) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((count, antennas, samples, 2))
    return parts.astype(np.float32).view(np.complex64)[..., 0]


def sent(message):
    return type(message).FromString(message.SerializeToString())


def test_cf32_comes_back_to_the_bit():
    odd = windows()
    odd[0, 0, 0] = complex(np.nan, np.inf)
    found = windows_of(sent(iq_message(odd, "cf32")))
    assert found.dtype == np.complex64 and found.tobytes() == odd.tobytes()


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_ci16_keeps_the_samples_of_a_radio(bits):
    whole = np.random.default_rng(bits).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (4, 1, 32, 2))
    heard = (whole / 2.0 ** (bits - 1)).astype(np.float32).view(np.complex64)[..., 0]
    assert np.array_equal(windows_of(sent(iq_message(heard, "ci16"))), heard)


def test_ci16_keeps_sixteen_bits_of_the_largest_value_of_each_window():
    loud_and_faint = windows(4) * np.array([1e-6, 1e-3, 1, 1e4], np.float32)[:, None, None]
    found = windows_of(sent(iq_message(loud_and_faint, "ci16")))
    parts, back = (x.view(np.float32).reshape(4, -1) for x in (loud_and_faint, found))
    assert (np.abs(parts - back).max(1) <= 2.0**-15 * np.abs(parts).max(1)).all()


def test_ci16_of_silence_and_of_what_is_not_finite_is_silence():
    odd = np.zeros((2, 1, 4), np.complex64)
    odd[1] = complex(np.inf, np.nan)
    assert np.isfinite(windows_of(sent(iq_message(odd, "ci16")))).all()
    assert not windows_of(sent(iq_message(odd[:1], "ci16"))).any()


def test_images_come_back_to_the_bit():
    images = np.random.default_rng(1).standard_normal((2, 3, 4, 5)).astype(np.float32)
    message = sent(image_message(images, prepared=True))
    assert message.prepared and np.array_equal(images_of(message), images)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (IqWindows(format="cf64", antennas=1, samples=1, data=b"12345678"), "windows of format 'cf64'"),
        (IqWindows(format="cf32", antennas=1, samples=2, data=b"12345678"), "8 bytes as windows of 1 x 2 samples"),
        (IqWindows(format="cf32", antennas=0, samples=0, data=b""), "0 bytes as windows of 0 x 0"),
        (IqWindows(format="cf32", antennas=2**31, samples=2**31, data=b"12345678"), "8 bytes as windows"),
        (IqWindows(format="ci16", antennas=1, samples=1, data=b"1234"), "0 scales of 1 windows"),
        (IqWindows(format="ci16", antennas=1, samples=1, data=b"1234", scale=[float("inf")]), "1 scales of 1 windows"),
        (IqWindows(format="cf32", antennas=1, samples=1, data=bytes(8 * MAX_WINDOWS + 8)), f"1 to {MAX_WINDOWS} of 8"),
    ],
)
def test_windows_that_say_two_things_are_refused(message, said):
    with pytest.raises(WfmError, match=said):
        windows_of(message)


def test_images_that_say_two_things_are_refused():
    with pytest.raises(WfmError, match="15 bytes as images of 1 x 2 x 2"):
        images_of(Images(channels=1, height=2, width=2, data=bytes(15)))


def test_outputs_come_back_and_may_be_written_to():
    outputs = {"interference": np.eye(3, dtype=np.float32), "embedding_iq": np.ones((3, 5), np.float32)}
    found = outputs_of(sent(Judgement(outputs=output_messages(outputs))), 3)
    assert list(found) == list(outputs) and all(np.array_equal(found[name], outputs[name]) for name in outputs)
    found["interference"][0] = 0


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([], "an answer of 0 outputs"),
        ([Output(name="x", columns=2, values=bytes(12))], "output 'x' of 2 columns and 12 bytes for 3 windows"),
        ([Output(name="x", columns=1, values=bytes(12))] * 2, "each name once"),
        ([Output(name="x", columns=2**31, values=bytes(12))], "output 'x'"),
    ],
)
def test_outputs_of_another_size_are_refused(outputs, said):
    with pytest.raises(WfmError, match=said):
        outputs_of(Judgement(outputs=outputs), 3)
