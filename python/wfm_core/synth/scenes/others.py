# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows without a cell and without DSSS: other technologies, carriers and noise, as an interference detector meets
them when it listens anywhere.

Powers are relative to the thermal noise in the whole received band, before the front end's impairments.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import LONGEST_CLOCKED, apply_frontend, random_frontend
from wfm_core.synth.draws import choice, complex_normal, uniform
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.scenes.air import AirBands, Placed, compose
from wfm_core.synth.scenes.band import SAMPLE_RATES as BAND_RATES
from wfm_core.synth.scenes.band import add_emitters
from wfm_core.synth.signals.cellular import gsm

SAMPLE_RATES = tuple(rate for rate in BAND_RATES if rate <= 30.72e6)
"""Hz: from 0.25 to 30.72 MS/s."""
TECHNOLOGIES = tuple(name for name in EMITTERS if name not in ("lte", "dsss"))
"""Emitters of the single transmitters and of the crowds."""
LABELS = (
    "cellular", "fm-broadcast", "dab", "dvb-t", "video", "wifi", "bluetooth", "zigbee", "ads-b", "lora", "fsk",
    "rc-link", "nfc", "radar",
)  # fmt: skip
"""Classes of `wfm_core.synth.signals` of the bands, as far as there are generators: those that a short one can hold."""

_SHARES = {"single": 0.36, "crowd": 0.08, "carriers": 0.08, "noise": 0.08, "band": 0.24, "gsm": 0.16}
_BAND_LABELS = {"cellular": 0.3, "video": 0.2}  # of the bands; the others have any of LABELS
_GSM = {gsm.gsm_control: 0.5, gsm.gsm_traffic: 0.4, gsm.gsm_uplink: 0.1}
_GSM_RATES = (0.25e6, 10e6)
_GSM_SPACING, _MOST_GSM = 200e3, 8
_KEYED = 0.3  # of the windows: on for a part only
_LOUD = (0.25, 20.0)  # so often, so many dB at most are added
_MOST_CARRIERS = 4
_BANDS = 24
_BAND_SAMPLES = 1 << 15  # or twice a window, where that is more
_REUSE = 3.0


@dataclass(frozen=True, eq=False)
class OtherWindows:
    """iq complex64 [B, A, T], full scale 1; content: what is in each ("noise", names joined by +); sample_rate [B]."""

    iq: torch.Tensor
    content: list[str]
    sample_rate: torch.Tensor


class OtherTechnologies:
    """Draws windows of `samples` samples, everything from the one generator.

    One transmitter or several of `TECHNOLOGIES` (many begin or end in the window), keyed carriers, noise alone, and
    windows out of composed bands (`AirBands`, or carriers of GSM side by side), of which some are kept and used more
    than once: they cost the most.
    """

    def __init__(self, samples: int, generator: torch.Generator):
        self.samples, self.generator = samples, generator
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        self._band_samples = max(_BAND_SAMPLES, 2 * samples)
        rates = tuple(rate for rate in SAMPLE_RATES if rate >= 0.3e6)
        self._rng = np.random.default_rng(seed)
        self._air = AirBands(self._rng, LABELS, crowded=4, flaws=False, most_samples=self._band_samples, rates=rates)
        make = {"band": self._air_band, "gsm": self._gsm_band}
        self._pools = {what: _Pool(function, samples / self._band_samples) for what, function in make.items()}

    def draw(self, batch: int, antennas: int) -> OtherWindows:
        """`batch` windows of `antennas` antennas."""
        generator = self.generator
        what = [choice(tuple(_SHARES), generator, tuple(_SHARES.values())) for _ in range(batch)]
        air = torch.zeros(batch, antennas, self.samples, dtype=torch.complex64, device=generator.device)
        kinds: list[tuple[str, ...]] = []
        rates: list[float] = []
        for row, one in enumerate(what):
            names, rate = self._fill(one, air[row])
            kinds.append(names)
            rates.append(rate)
        emitted = [names if one in ("single", "crowd") else () for one, names in zip(what, kinds, strict=True)]
        add_emitters(air, emitted, rates, generator)
        air *= self._keyed(batch)[:, None] * self._loudness(batch)[:, None, None]
        air += complex_normal(air.shape, generator)
        sample_rate = torch.tensor(rates, device=generator.device)
        frontend = random_frontend(batch, generator, antennas)
        if self.samples > LONGEST_CLOCKED:
            frontend.clock_ppm.zero_()
        iq = apply_frontend(air, frontend, sample_rate, generator)
        return OtherWindows(iq, ["+".join(names) or "noise" for names in kinds], sample_rate)

    def _fill(self, what: str, air: torch.Tensor) -> tuple[tuple[str, ...], float]:
        """What is in a window, and its rate; carriers and bands are put into `air` [antennas, samples], in place."""
        if what in ("single", "crowd"):
            return self._emitters(what == "crowd")
        if what in self._pools:
            samples, rate, name = self._pools[what].draw(self.generator)
            start = int(uniform((), 0, len(samples) - self.samples - settle_samples(rate) + 1, self.generator))
            part = samples[start : start + settle_samples(rate) + self.samples]
            air += fading(part[None], len(air), rate, self.generator)[:, -self.samples :]
            return (name,), rate
        rate = choice(SAMPLE_RATES, self.generator)
        if what == "carriers":
            air += self._carriers(len(air))
            return ("carriers",), rate
        return (), rate

    def _emitters(self, crowd: bool) -> tuple[tuple[str, ...], float]:
        first = choice(TECHNOLOGIES, self.generator)
        lowest, highest = EMITTERS[first].rates
        rate = choice([rate for rate in SAMPLE_RATES if lowest <= rate <= highest], self.generator)
        if not crowd:
            return (first,), rate
        fitting = [name for name in TECHNOLOGIES if EMITTERS[name].rates[0] <= rate <= EMITTERS[name].rates[1]]
        others = choice((1, 2, 3), self.generator)
        return (first, *(choice(fitting, self.generator) for _ in range(others))), rate

    def _carriers(self, antennas: int) -> torch.Tensor:
        """One to four tones, each with its own phase at each antenna, complex64 [antennas, samples]."""
        count = choice(range(1, _MOST_CARRIERS + 1), self.generator)
        frequency = uniform((count, 1, 1), -0.5, 0.5, self.generator)
        phase = uniform((count, antennas, 1), 0, 1, self.generator)
        amplitude = 10 ** (uniform((count, 1, 1), -20, 30, self.generator) / 20)
        turns = frequency * torch.arange(self.samples, device=frequency.device) + phase
        return torch.polar(amplitude.expand_as(turns), 2 * torch.pi * turns).sum(0)

    def _air_band(self) -> tuple[torch.Tensor, float, str]:
        """A band, complex64 [n], its rate, and the kind of its first signal."""
        least = self.samples + settle_samples(max(SAMPLE_RATES))
        labels = [*_BAND_LABELS, None]
        shares = [*_BAND_LABELS.values(), 1 - sum(_BAND_LABELS.values())]
        while True:
            band = self._air.draw(choice(labels, self.generator, shares))
            if len(band.samples) > least and band.truths:
                return torch.from_numpy(band.samples).to(self.generator.device), band.sample_rate, band.truths[0].kind

    def _gsm_band(self) -> tuple[torch.Tensor, float, str]:
        """The same of up to eight carriers of GSM on its raster, some of them of one level, some far apart in it."""
        rng = self._rng
        rate = float(rng.choice([rate for rate in SAMPLE_RATES if _GSM_RATES[0] <= rate <= _GSM_RATES[1]]))
        channels = max(int(rate / _GSM_SPACING), 1)
        count = min(int(rng.integers(1, _MOST_GSM + 1)), channels)
        tuned = rng.uniform(-0.5, 0.5) * _GSM_SPACING if rng.random() < 0.5 else 0.0
        loudest, spread = rng.uniform(3, 40), rng.uniform(0, 30)
        placed = []
        for channel in rng.choice(channels, count, replace=False):
            sent = rng.choice(list(_GSM), p=list(_GSM.values()))(self._band_samples / rate, rng)
            centre = (channel - channels // 2) * _GSM_SPACING + tuned
            placed.append(Placed("cellular", sent, centre, loudest - spread * rng.random()))
        band = compose(rate, self._band_samples, placed, rng, flaws=False)
        return torch.from_numpy(band.samples).to(self.generator.device), rate, placed[0].sent.kind

    def _keyed(self, batch: int) -> torch.Tensor:
        """float32 [batch, samples]: 1, or for some windows 0 before or after random samples of theirs."""
        edges = uniform((batch, 2), -0.5, 1.5, self.generator).sort(1).values * self.samples
        keyed = uniform((batch, 1), 0, 1, self.generator) < _KEYED
        time = torch.arange(self.samples, device=edges.device)
        return torch.where(keyed, (time >= edges[:, :1]) & (time < edges[:, 1:]), True).float()

    def _loudness(self, batch: int) -> torch.Tensor:
        """float32 [batch]: factors of amplitude, 1 for most."""
        chance, most = _LOUD
        chosen, more = uniform((2, batch), 0, 1, self.generator)
        return torch.where(chosen < chance, 10 ** (most * more / 20), 1.0)


class _Pool:
    """Bands that are kept for a while: each is replaced after about `_REUSE` times the windows that fit into it."""

    def __init__(self, make: Callable[[], tuple[torch.Tensor, float, str]], share: float):
        self._make, self._share = make, share / _REUSE
        self._bands: deque[tuple[torch.Tensor, float, str]] = deque(maxlen=_BANDS)
        self._due = 0.0

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, float, str]:
        """A band, its rate in Hz, and what is in it."""
        self._due += self._share
        if len(self._bands) < _BANDS or self._due >= 1:  # a few windows need no whole pool
            self._due = max(self._due - 1, 0.0)
            self._bands.append(self._make())
        return choice(self._bands, generator)
