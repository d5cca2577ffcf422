# SPDX-License-Identifier: GPL-3.0-or-later
"""window_tap: which windows are cut, sample for sample, and that every sample comes out."""

import numpy as np
import pytest
from gnuradio import wfm
from tap_harness import Engine, Rig, noise


def run(samples, window, chunk=0, **options):
    tap = wfm.window_tap(len(samples), window, policy="lossless", **options)
    engine = Engine(tap, len(samples), window)
    rig = Rig(tap, samples, chunk=chunk, engine=engine)
    return rig, engine, rig.run()


def assert_all_out(rig, samples):
    np.testing.assert_array_equal(rig.outputs(), samples)


@pytest.mark.parametrize("chunk", [1, 7, 64, 0])
@pytest.mark.parametrize("hold", [0, 5, 100, 5000])
@pytest.mark.parametrize("hop", [0, 10, 25, 64, 65, 200])
def test_windows_are_exact_at_every_alignment(hop, hold, chunk):
    window, samples = 64, noise(2, 1500)
    rig, engine, counters = run(samples, window, chunk=chunk, hop=hop, hold=hold, slots=16)
    step = hop or window
    whole = list(range(0, 1500 - window + 1, step))
    assert engine.starts == whole
    for start in whole:
        np.testing.assert_array_equal(engine.windows[start], samples[:, start : start + window])
    assert_all_out(rig, samples)
    begun = len(range(0, 1500, step))
    assert counters["windows_in"] == len(whole)
    assert counters["windows_flushed"] == begun - len(whole)
    assert counters["samples_in"] == counters["samples_out"] == 1500
    assert counters["windows_dropped"] == counters["queue_depth"] == 0


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128])
@pytest.mark.parametrize("hold", [0, 64, 100_000])
def test_a_tail_shorter_than_a_window_comes_out(length, hold):
    samples = noise(3, length)
    rig, engine, counters = run(samples, 64, hold=hold)
    assert engine.starts == list(range(0, length - 63, 64))
    assert_all_out(rig, samples)
    assert counters["windows_flushed"] == (1 if length % 64 else 0)


def test_windows_longer_than_hold_and_than_the_input_buffer():
    samples = noise(1, 150_000)
    rig, engine, _ = run(samples, 60_000, hold=3)
    assert engine.starts == [0, 60_000]
    np.testing.assert_array_equal(engine.windows[60_000][0], samples[0, 60_000:120_000])
    assert_all_out(rig, samples)


def test_channels_of_different_lengths_end_with_the_shortest():
    long, short = noise(1, 3000)[0], noise(1, 1000, seed=1)[0]
    tap = wfm.window_tap(2, 300, hold=50, policy="lossless")
    engine = Engine(tap, 2, 300)
    rig = Rig(tap, [long, short], engine=engine)
    rig.run()
    assert engine.starts == [0, 300, 600]
    np.testing.assert_array_equal(rig.outputs(), [long[:1000], short])


def test_power_is_the_mean_over_samples_and_channels():
    samples = noise(2, 256)
    samples[1] *= 3
    _, engine, _ = run(samples, 128)
    for start, info in engine.infos.items():
        expected = np.mean(np.abs(samples[:, start : start + 128]) ** 2)
        assert info["power"] == pytest.approx(expected, rel=1e-5)
        assert info["time"] is None
        assert np.isnan(info["freq"])
        assert info["rate"] == 1.0


def test_windows_below_the_gate_are_counted_not_queued():
    samples = noise(2, 1000)
    samples[:, 200:500] *= 1e-3  # windows 2, 3, 4 of 100: about -57 dBFS
    rig, engine, counters = run(samples, 100, gate_dbfs=-30.0)
    assert engine.starts == [0, 100, 500, 600, 700, 800, 900]
    assert counters["windows_gated"] == 3
    assert_all_out(rig, samples)


def test_silence_passes_without_a_gate():
    _, engine, counters = run(np.zeros((1, 200), np.complex64), 100)
    assert engine.starts == [0, 100]
    assert counters["windows_gated"] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1j * np.nan])
def test_windows_with_nan_or_inf_are_counted_and_skipped(bad):
    samples = noise(2, 400)
    samples[1, 150] = bad
    rig, engine, counters = run(samples, 100, hold=100)
    assert engine.starts == [0, 200, 300]
    assert counters["windows_invalid"] == 1
    assert_all_out(rig, samples)


def test_gate_and_hop_may_be_changed():
    tap = wfm.window_tap(1, 100)
    tap.set_hop(40)
    tap.set_gate_dbfs(-12.5)
    assert (tap.hop(), tap.gate_dbfs()) == (40, -12.5)
    tap.set_hop(0)
    assert tap.hop() == 100
    with pytest.raises(ValueError, match="hop is -1"):
        tap.set_hop(-1)
    with pytest.raises(ValueError, match="hop is 1, expected: a greater one"):
        tap.set_hop(1)
    with pytest.raises(ValueError, match="gate_dbfs is nan"):
        tap.set_gate_dbfs(float("nan"))
    assert (tap.hop(), tap.gate_dbfs()) == (100, -12.5)


def test_a_tap_runs_twice():
    samples = noise(1, 500)
    tap = wfm.window_tap(1, 100, hold=150, policy="lossless")
    for _ in range(2):
        engine = Engine(tap, 1, 100)
        tap.open()
        rig = Rig(tap, samples, engine=engine)
        counters = rig.run()
        assert engine.starts == [0, 100, 200, 300, 400]
        assert counters["samples_out"] == 500
        assert_all_out(rig, samples)
        rig.tb.disconnect_all()


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"channels": 0}, "channels is 0, expected: 1 to 64"),
        ({"channels": 65}, "channels is 65, expected: 1 to 64"),
        ({"window": 0}, "window is 0"),
        ({"window": -5}, "window is -5"),
        ({"hop": -1}, "hop is -1"),
        ({"hop": 1}, "hop is 1, .*100-fold"),
        ({"hold": -1}, "hold is -1"),
        ({"hold": 16 * 2**20 + 1}, "hold is 16777217"),
        ({"policy": "lossy"}, 'policy is "lossy", expected: "live" or "lossless"'),
        ({"slots": 1}, "slots is 1"),
        ({"slots": 2**30}, "slots is 1073741824"),
        ({"sample_rate": 0.0}, "sample_rate is 0"),
        ({"sample_rate": float("inf")}, "sample_rate is inf"),
        ({"settle": -1}, "settle is -1"),
        ({"gate_dbfs": float("nan")}, "gate_dbfs is nan"),
    ],
)
def test_a_bad_parameter_is_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        wfm.window_tap(**{"channels": 1, "window": 100, **options})


def test_a_batch_gives_its_samples_once_and_only_to_the_right_array():
    samples = noise(2, 100)
    tap = wfm.window_tap(2, 50)
    Rig(tap, samples).run()
    batch = tap.take(8, 0)
    assert batch.count == 2
    good = np.empty((3, 2, 50), np.complex64)
    for wrong in (
        good[:1],
        good[:, :1],
        good.transpose(0, 2, 1),
        good.astype(np.complex128),
        np.empty((2, 100), np.complex64),
    ):
        with pytest.raises(ValueError, match="copy_to wants"):
            batch.copy_to(wrong)
    read_only = np.empty((2, 2, 50), np.complex64)
    read_only.setflags(write=False)
    with pytest.raises(ValueError, match="copy_to wants"):
        batch.copy_to(read_only)
    batch.copy_to(good)
    np.testing.assert_array_equal(good[1], samples[:, 50:])
    with pytest.raises(RuntimeError, match="copied, completed or discarded"):
        batch.copy_to(good)
    with pytest.raises(ValueError, match="1 lists of tags for 2 windows"):
        tap.complete(batch, [[]])
    assert tap.take(8, 0).count == 0
    with pytest.raises(ValueError, match="max_windows is 0"):
        tap.take(0, 0)
