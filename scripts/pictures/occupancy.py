# SPDX-License-Identifier: GPL-3.0-or-later
"""occupancy.py PNG: what WFM Occupancy says of bursts that become weaker, in a running flowgraph."""

import sys
from pathlib import Path

import numpy as np
import pmt
import torch
from gnuradio import blocks, gr, wfm

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.evaluate.weightless.cfar_bundle import SAMPLES
from wfm_core.signal.spectrogram import decibels, hann, spectrogram
from wfm_core.synth.modulation import modulated

RATE, BURST, PAUSE = 1e6, 48, 40
SNR_DB = (6.0, 0.0, -4.0, -8.0, -12.0, -16.0)
KINDS = ("qpsk", "fm", "css", "gfsk", "16qam", "am")
DUTY = 22
BINS, ROWS = 256, 300


class Kept(gr.basic_block):
    """Keeps what comes to its port `in`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="kept", in_sig=None, out_sig=None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self._keep)
        self.messages: list[dict] = []

    def _keep(self, message: pmt.pmt_base) -> None:
        fields = pmt.car(message) if pmt.is_pair(message) and not pmt.is_dict(message) else message
        self.messages.append(pmt.to_python(fields))


def air() -> tuple[np.ndarray, np.ndarray]:
    """Samples, and which windows have a burst in them."""
    rng, generator = np.random.default_rng(6), torch.Generator().manual_seed(6)
    on = np.concatenate([np.repeat([0, 1], [PAUSE, BURST]) for _ in SNR_DB] + [np.zeros(PAUSE, int)]).astype(bool)
    noise = (rng.standard_normal((2, len(on) * SAMPLES)) * 0.5**0.5).astype(np.float32)
    samples = noise[0] + 1j * noise[1]
    for number, (snr_db, kind) in enumerate(zip(SNR_DB, KINDS, strict=True)):
        first, count = (number * (PAUSE + BURST) + PAUSE) * SAMPLES, BURST * SAMPLES
        sent = modulated(kind, count, (8.0, 12.0, 6.0, 20.0, 10.0, 30.0)[number], generator).numpy()
        carrier = np.exp(2j * np.pi * rng.uniform(-0.35, 0.35) * np.arange(count))
        samples[first : first + count] += 10 ** (snr_db / 20) * sent * carrier
    return (0.05 * samples).astype(np.complex64), on


def main() -> None:
    samples, on = air()
    occupancy = wfm.occupancy(sample_rate=RATE, policy="lossless", duty_windows=DUTY)
    top, detects, duty = gr.top_block(), Kept(), Kept()
    top.connect(blocks.vector_source_c(samples.tolist()), occupancy, blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(occupancy, "detects", detects, "in")
    top.msg_connect(occupancy, "duty", duty, "in")
    top.run()
    called = np.array([one["label"] == "occupied" for one in detects.messages])
    figure = new_figure(9, 4.6)
    rows, seconds = figure.add_subplot(2, 1, 1), len(samples) / RATE
    power = spectrogram(torch.from_numpy(samples), hann(BINS), BINS).T
    power = power[:, : power.size(1) // ROWS * ROWS].unflatten(1, [ROWS, -1]).mean(2)
    edges = (0, seconds, -RATE / 2e3, RATE / 2e3)
    rows.imshow(decibels(power), aspect="auto", origin="lower", extent=edges, cmap="viridis")
    rows.set(ylabel="kHz")
    for number, snr_db in enumerate(SNR_DB):
        middle = (number * (PAUSE + BURST) + PAUSE + BURST / 2) * SAMPLES / RATE
        rows.text(middle, RATE / 2e3 * 1.04, f"{KINDS[number]} {snr_db:g} dB", ha="center", va="bottom", fontsize=8)
    axes = figure.add_subplot(2, 1, 2)
    time = np.arange(len(on)) * SAMPLES / RATE
    axes.fill_between(time, 0, on, step="post", color="0.85", label="there is a signal")
    axes.plot(time[called], np.full(called.sum(), 1.08), "|", color="C0", markersize=5, label="occupied, a window")
    middles = [(one["sample_start"] + one["sample_count"] / 2) / RATE for one in duty.messages]
    axes.plot(
        middles,
        [one["share"] for one in duty.messages],
        "o-",
        color="C1",
        markersize=4,
        label="share, on the port duty",
    )
    axes.set(xlabel="seconds", ylabel=f"share of {DUTY} windows", xlim=(0, seconds), ylim=(-0.05, 1.5))
    axes.legend(loc="upper center", ncols=3, fontsize=8)
    axes.grid(alpha=0.3)
    save(Path(sys.argv[1]), figure)
    with_signal, without = called[on].mean(), called[~on].mean()
    print(f"{with_signal:.3f} of windows with a signal are called occupied, {without:.4f} of those without")


if __name__ == "__main__":
    main()
