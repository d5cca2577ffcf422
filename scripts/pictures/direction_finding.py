# SPDX-License-Identifier: GPL-3.0-or-later
"""direction_finding.py PNG: bearings of WFM Direction Finder on four simulated channels, calibrated while they run.

A source goes to and fro; the receiver, whose channels have other phases at each frequency, is tuned away and back.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pmt
import torch
from gnuradio import blocks, gr, wfm

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.evaluate.weightless.music_bundle import SAMPLES
from wfm_core.synth.arrays import draw_signals, steering

CHANNELS, RATE, WINDOW = 4, 1e6, SAMPLES
LEG, KNOWN = 256, 40
"""Windows of a way to the other side, and of a calibration's source, which is straight ahead."""
NOISE = 10 ** (-10 / 20)
FREQS = (433.0e6, 434.5e6, 433.0e6)


class Gate(gr.sync_block):
    """Lets a stream through up to where the finder is to be calibrated, and goes on once it has come that far."""

    def __init__(self, due: list[int], finder):
        gr.sync_block.__init__(self, name="gate", in_sig=[np.complex64], out_sig=[np.complex64])
        self._due, self._finder = list(due), finder

    def work(self, input_items, output_items):
        count, begin = len(input_items[0]), self.nitems_read(0)
        if self._due and begin == self._due[0]:
            while self._finder.status()["windows_inferred"] * WINDOW < begin:
                time.sleep(0.002)
            self._finder.calibrate(0.0)
            del self._due[0]
        if self._due:
            count = min(count, self._due[0] - begin)
        output_items[0][:count] = input_items[0][:count]
        return count


class Bearings(gr.basic_block):
    """Keeps what comes to its port `in`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="bearings", in_sig=None, out_sig=None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self._keep)
        self.found: list[tuple[int, float]] = []

    def _keep(self, message: pmt.pmt_base) -> None:
        fields = pmt.to_python(pmt.car(message))
        self.found.append((fields["sample_start"], pmt.f32vector_elements(pmt.cdr(message))[0]))


def air() -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    """Samples [CHANNELS, n], the angle in each window, and the first samples of frequencies and of calibrations."""
    rng, generator = np.random.default_rng(6), torch.Generator().manual_seed(6)
    there, back = np.linspace(-55, 55, LEG), np.linspace(55, -55, LEG)
    known = np.zeros(KNOWN)
    legs = [[known, there, back], [there[: LEG // 2], known, back], [there, back]]
    angle = np.concatenate([np.concatenate(parts) for parts in legs])
    tuned = np.cumsum([0] + [sum(map(len, parts)) for parts in legs[:-1]]) * WINDOW
    calibrated = [0, int(tuned[1]) + LEG // 2 * WINDOW]
    phases = {freq: rng.uniform(-np.pi, np.pi, CHANNELS) for freq in FREQS}
    begins = np.searchsorted(tuned, np.arange(len(angle)) * WINDOW, side="right") - 1
    channels = np.stack([np.exp(1j * phases[FREQS[number]]) for number in begins])
    sent = draw_signals(len(angle), WINDOW, generator)[:, :WINDOW].numpy()
    waves = steering(torch.from_numpy(angle), CHANNELS).numpy() * channels
    noise = (rng.standard_normal((2, len(angle), CHANNELS, WINDOW)) * NOISE * 0.5**0.5).astype(np.float32)
    windows = waves[:, :, None] * sent[:, None] + noise[0] + 1j * noise[1]
    samples = 0.1 * windows.transpose(1, 0, 2).reshape(CHANNELS, -1)
    return samples.astype(np.complex64), angle, tuned.tolist(), calibrated


def main() -> None:
    samples, angle, tuned, calibrated = air()
    finder = wfm.direction_finder(
        channels=CHANNELS, sample_rate=RATE, policy="lossless", windows=4, calibration_windows=32
    )
    top, gate, bearings = gr.top_block(), Gate(calibrated, finder), Bearings()
    tags = []
    for offset, freq in zip(tuned, FREQS, strict=True):
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = offset, pmt.intern("rx_freq"), pmt.from_double(freq)
        tags.append(tag)
    for channel in range(CHANNELS):
        source = blocks.vector_source_c(samples[channel].tolist(), False, 1, [] if channel else tags)
        held = () if channel else (gate,)
        top.connect(source, *held, (finder, channel), blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(finder, "bearings", bearings, "in")
    top.run()
    starts, found = (np.array(column) for column in zip(*bearings.found, strict=True))
    figure = new_figure(9, 3.4)
    axes = figure.add_subplot()
    seconds = np.arange(len(angle)) * WINDOW / RATE
    axes.plot(seconds, angle, color="0.6", linewidth=3, label="source")
    axes.plot(starts / RATE, found, ".", markersize=3, color="C0", label="bearings, mean of 4 windows")
    for number, begin in enumerate(calibrated):
        axes.axvspan(
            begin / RATE,
            begin / RATE + KNOWN * WINDOW / RATE,
            color="C1",
            alpha=0.35,
            label="" if number else "calibrate 0",
        )
    for offset, freq in zip(tuned, FREQS, strict=True):
        axes.axvline(offset / RATE, color="0.3", linestyle=":")
        axes.text(offset / RATE, 72, f" {freq / 1e6:g} MHz", va="bottom", fontsize=8)
    axes.set(xlabel="seconds", ylabel="degrees", ylim=(-70, 95), xlim=(0, seconds[-1]))
    axes.legend(loc="upper right", ncols=3, fontsize=8)
    axes.grid(alpha=0.3)
    save(Path(sys.argv[1]), figure)
    errors = np.abs(found - np.interp(starts / RATE, seconds, angle))
    print(f"{len(found)} bearings of {len(angle)} windows, median error {np.median(errors):.2f} degrees")


if __name__ == "__main__":
    main()
