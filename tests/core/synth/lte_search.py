# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE cell search by correlation, an independent receiver for the tests: samples at 1.92 MS/s in, identity out."""

from dataclasses import dataclass

import numpy as np

from wfm_core.synth.lte.sequences import pss, sss

HALF_FRAME = 9600
SIZE = 128
RATE = 1.92e6
# From the start of the SSS body to the start of the PSS body, samples.
SSS_LAG = {"fdd": 137, "fdd-extended": 160, "tdd": 412}


@dataclass
class Found:
    nid1: int
    nid2: int
    start: int  # of the PSS body within the half frame
    offset: float  # Hz
    second_half: bool  # the first PSS in the samples is that of subframe 5 (or 6)
    quality: float  # PSS peak over the mean of its correlation
    margin: float  # best SSS metric over the best of another nid1


def on_carriers(values):
    """62 elements around DC to a 128-bin spectrum."""
    spectrum = np.zeros(SIZE, complex)
    spectrum[-31:], spectrum[1:32] = values[:31], values[31:]
    return spectrum


def search(samples, offsets=(0.0,), layout="fdd"):
    """The strongest cell. samples: complex [n], n a multiple of 9600; offsets: Hz to try, 5 kHz apart or less."""
    x = np.asarray(samples)[: len(samples) // HALF_FRAME * HALF_FRAME]
    time = np.arange(len(x)) / RATE
    spectrum = np.fft.fft(x)
    best = (0.0,)
    for nid2 in range(3):
        body = np.fft.ifft(on_carriers(pss(nid2).numpy()))
        for offset in offsets:
            template = np.fft.fft(body * np.exp(2j * np.pi * offset * time[:SIZE]), len(x))
            power = np.abs(np.fft.ifft(spectrum * template.conj())) ** 2
            power = power.reshape(-1, HALF_FRAME).mean(0)
            if power.max() > best[0]:
                best = (power.max(), nid2, int(power.argmax()), offset, power.max() / power.mean())
    _, nid2, start, offset, quality = best
    body = np.fft.ifft(on_carriers(pss(nid2).numpy()))
    blocks = [x[k : k + SIZE] for k in range(start, len(x) - SIZE, HALF_FRAME)]
    turned = np.array(blocks) * np.exp(-2j * np.pi * offset * time[:SIZE]) * body.conj()
    first, second = turned[:, : SIZE // 2].sum(1), turned[:, SIZE // 2 :].sum(1)
    offset += np.angle((second * first.conj()).sum()) / (2 * np.pi * SIZE / 2) * RATE
    nid1, second_half, margin = _secondary(x * np.exp(-2j * np.pi * offset * time), nid2, start, SSS_LAG[layout])
    return Found(nid1, nid2, start, offset, second_half, quality, margin)


def _secondary(x, nid2, start, lag):
    """SSS elements, equalised by the PSS beside them, against all 168 groups and both half frames."""
    carriers = np.r_[SIZE - 31 : SIZE, 1:32]
    heard = []
    for place in range(start, len(x) - SIZE, HALF_FRAME):
        if place < lag:
            heard.append(np.zeros(62))
            continue
        primary = np.fft.fft(x[place : place + SIZE])[carriers]
        secondary = np.fft.fft(x[place - lag : place - lag + SIZE])[carriers]
        heard.append(secondary * (primary * pss(nid2).numpy().conj()).conj())
    heard = np.array(heard)
    sent = np.array([[sss(n, nid2, half).numpy() for half in (False, True)] for n in range(168)])
    scores = np.zeros((168, 2))
    for index, row in enumerate(heard):
        match = (sent.conj() @ row).real  # coherent: PSS and SSS leave by the same antenna
        scores += match if index % 2 == 0 else match[:, ::-1]
    nid1, half = np.unravel_index(scores.argmax(), scores.shape)
    others = np.delete(scores, nid1, axis=0).max()
    return int(nid1), bool(half), float(scores.max() / others)
