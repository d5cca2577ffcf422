# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of one link each, of which all is known that made it: a modulation, a transmitter's flaws, interference.

They come from the generators that the synthetic tasks of a foundation's probe use, but are drawn more widely: other
rates, offsets and SNRs, another transmitter in each window. So no window, transmitter or setting of a probe is among
them; what is asked of them is close to what the probe asks.
"""

from dataclasses import dataclass, fields
from functools import cache

import torch
from torch import Tensor

from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import add_noise, carrier_offset
from wfm_core.synth.draws import choice, log_uniform, uniform
from wfm_core.synth.modulation import LINEAR, MODULATIONS, modulated
from wfm_core.synth.scenes.devices import SAMPLE_RATE, SAMPLES_PER_SYMBOL, Transmitters, random_transmitters, transmit
from wfm_core.synth.scenes.interference import InterferenceScenes

SYMBOL_SAMPLES = (2.5, 24.0)
MODULATION_RATES = (0.25e6, 10e6)
"""Hz."""
LARGEST_OFFSET = 0.05
"""Of the sample rate, either way."""
MODULATION_SNR_DB = (-4.0, 28.0)
DEVICE_SNR_DB = (8.0, 35.0)
SIR_DB = (-20.0, 6.0)
INTERFERENCE_SNR_DB = (0.0, 30.0)
TRANSMITTERS = 512
"""That are met again and again, so that windows of one can be told from those of the others."""
_TRANSMITTERS_SEED = 20_261_129
_WINDOWS_PER_CELL = 4


@dataclass
class Links:
    """iq complex64 [B, A, T]; sample_rate float32 [B], Hz.

    causes, a row a window, those that the kind of link has: `modulation` int64 [B] (of MODULATIONS), `symbol_samples`
    [B], `carrier_offset` [B] as a fraction of the sample rate, `snr_db` [B] over the window, `interference` int64 [B]
    (of the task's LABELS), `sir_db` [B] (NaN where nothing interferes), `flaws`: `Transmitters`, one a window, and
    which of TRANSMITTERS that is, `transmitter` int64 [B].
    """

    iq: Tensor
    sample_rate: Tensor
    causes: dict[str, Tensor | Transmitters]


def modulation(count: int, samples: int, antennas: int, generator: torch.Generator) -> Links:
    """A modulation in each window, of 2.5 to 24 samples a symbol, through fading, off the centre, in noise."""
    rate = log_uniform((count,), *MODULATION_RATES, generator)
    symbol_samples = log_uniform((count,), *SYMBOL_SAMPLES, generator)
    which = torch.randint(len(MODULATIONS), (count,), generator=generator, device=generator.device)
    lead_in = settle_samples(MODULATION_RATES[1])
    sent = [
        modulated(MODULATIONS[index], samples + lead_in, length, generator)
        for index, length in zip(which.tolist(), symbol_samples.tolist(), strict=True)
    ]
    received = fading(torch.stack(sent)[:, None], antennas, rate, generator)[..., lead_in:]
    offset = uniform((count,), -LARGEST_OFFSET, LARGEST_OFFSET, generator)
    snr_db = uniform((count,), *MODULATION_SNR_DB, generator)
    iq = _noisy(carrier_offset(received, offset * rate, rate), snr_db, generator)
    causes = {"modulation": which, "symbol_samples": symbol_samples, "carrier_offset": offset, "snr_db": snr_db}
    return Links(iq, rate, causes)


def device(count: int, samples: int, antennas: int, generator: torch.Generator) -> Links:
    """Any of TRANSMITTERS in each window, with its flaws, of any modulation."""
    known = _transmitters(generator.device)
    which = torch.randint(TRANSMITTERS, (count,), generator=generator, device=generator.device)
    flaws = Transmitters(*(getattr(known, field.name)[which] for field in fields(Transmitters)))
    kinds = [choice(LINEAR, generator) for _ in range(count)]
    received = transmit(known, which, samples, generator, kinds, antennas)
    snr_db = uniform((count,), *DEVICE_SNR_DB, generator)
    causes = {
        "modulation": torch.tensor([MODULATIONS.index(kind) for kind in kinds], device=generator.device),
        "symbol_samples": torch.full_like(snr_db, SAMPLES_PER_SYMBOL),
        "carrier_offset": flaws.carrier_offset / SAMPLE_RATE,
        "snr_db": snr_db,
        "flaws": flaws,
        "transmitter": which,
    }
    return Links(_noisy(received, snr_db, generator), torch.full_like(snr_db, SAMPLE_RATE), causes)


def interference(count: int, samples: int, antennas: int, generator: torch.Generator) -> Links:
    """Cells of LTE with no, BPSK or QPSK spread-spectrum interference, cut from a few cells of the call's own."""
    scenes = InterferenceScenes(samples, generator, pool=-(-count // _WINDOWS_PER_CELL))
    drawn = scenes.draw(count, antennas, SIR_DB, INTERFERENCE_SNR_DB)
    causes = {"interference": drawn.label, "sir_db": drawn.sir_db, "snr_db": drawn.snr_db}
    return Links(drawn.iq, drawn.sample_rate, causes)


@cache
def _transmitters(device: torch.device) -> Transmitters:
    """The same in every run: on each device others, as its generator draws."""
    return random_transmitters(TRANSMITTERS, torch.Generator(device).manual_seed(_TRANSMITTERS_SEED))


LINKS = {"modulation": modulation, "device": device, "interference": interference}
"""(count, samples, antennas, generator) -> Links, by kind."""

FLAWS = tuple(field.name for field in fields(Transmitters))


def _noisy(received: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
    """Noise relative to the power of each window [B, A, T] as received."""
    return add_noise(received, snr_db, received.abs().square().mean((1, 2)), generator)
