# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes of transmitters: what all devices of a make send, at which rate, and how far their standard lets them stray.

Tolerances of the carrier: 20 ppm (IEEE 802.11-2016 17.3.9.5), 40 ppm (IEEE 802.15.4-2020), 0.1 ppm (3GPP TS 36.101 and
38.101-1, 6.5.1), 62 ppm (Bluetooth Core 5.4 vol. 6 part A 3.1: 150 kHz); of remotes and sensors, which have none, 40
ppm as of the crystals of their transmitter chips.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.emitters.bursts import burst_timeline
from wfm_core.synth.emitters.nr import NrCarrier, nr_waveform
from wfm_core.synth.emitters.remote import frame_chips
from wfm_core.synth.lte.cell import LteCell
from wfm_core.synth.lte.waveform import lte_waveform
from wfm_core.synth.modulation import linear, random_signs
from wfm_core.synth.shaping import (
    cpfsk_cycles,
    gaussian_phase_pulse,
    interpolated,
    keying_pulse,
    rectangular_phase_pulse,
    symbol_clock,
    unit_power,
    unit_tone,
)

Sent = Callable[[int, float, torch.Generator], torch.Tensor]
"""function(samples, error of the modulation's setting, generator): complex64 [samples], zeros while off."""


@dataclass(frozen=True)
class Make:
    """sample_rate and center_freq in Hz; the widest phase noise and the most error while turning on in Hz; rise: s."""

    sent: Sent
    sample_rate: float
    center_freq: float
    tolerance_ppm: float
    linewidth: float
    rise: float = 4e-6
    chirp: float = 5e3
    delay_scale: float = 1.0
    """How many times shorter its echoes are than the outdoor channels of `fading`: 10 within a house."""


def _linear(samples: int, error: float, generator: torch.Generator, kind: str = "16qam") -> torch.Tensor:
    return unit_power(linear(kind, samples, 4.0, 0.35, generator) * _phase(generator))


def _ble(samples: int, error: float, generator: torch.Generator) -> torch.Tensor:
    """Packets of 80 to 376 bits of GFSK, index 0.5, with pauses (Bluetooth Core 5.4 vol. 6)."""
    pulse = gaussian_phase_pulse(0.5, generator.device)
    position = symbol_clock(samples, 4.0, generator)
    line = burst_timeline(pulse.length(position), (80, 376), (150, 600), generator, pulse=pulse)
    bits = random_signs(len(line.on), generator)
    header = torch.tensor([1.0, -1.0] * 4)[line.place.clamp(max=7)]
    bits = torch.where(line.place < 8, header, bits)
    cycles = cpfsk_cycles(bits, position, 0.5 * (1 + error), pulse)
    envelope = interpolated(line.on[pulse.before - 1 :].float(), position, keying_pulse(1.0, generator.device))
    return unit_power(envelope.clamp(min=0) * unit_tone(cycles)) * _phase(generator)


def _remote(samples: int, error: float, generator: torch.Generator, ook: bool = True) -> torch.Tensor:
    """Frames of chips of 0.25 ms with pauses, random bits in each."""
    coding = "pwm" if ook else "manchester"
    chips = torch.cat(
        [torch.cat([frame_chips(coding, generator), torch.zeros(20)]) for _ in range(2 + samples // (64 * 60))]
    )
    pulse = keying_pulse(0.1, generator.device)
    position = symbol_clock(samples, 64.0, generator)
    need = pulse.length(position)
    begin = int(uniform((), 0, 1, generator) * max(len(chips) - need - 1, 0))
    part = chips[begin : begin + need]
    part = torch.cat([part, torch.zeros(need - len(part))])
    on = part > 0 if ook else part != 0
    envelope = interpolated(on.float(), position, pulse)
    cycles = torch.zeros(1, dtype=torch.float64)
    if not ook:
        cycles = cpfsk_cycles(
            part[pulse.before :], position, 10.0 * (1 + error), rectangular_phase_pulse(generator.device)
        )
    return unit_power(envelope.clamp(min=0) * unit_tone(cycles)) * _phase(generator)


def _of_emitter(samples: int, error: float, generator: torch.Generator, kind: str, rate: float) -> torch.Tensor:
    return EMITTERS[kind].function(samples, rate, generator).samples * _phase(generator)


def _lte(samples: int, error: float, generator: torch.Generator) -> torch.Tensor:
    cell = LteCell(n_rb=25)
    sent = lte_waveform(cell, 2 + samples // cell.subframe_samples, generator).sum(0)
    return _part(sent, samples, generator)


def _nr(samples: int, error: float, generator: torch.Generator) -> torch.Tensor:
    carrier = NrCarrier(15, 25)
    return _part(nr_waveform(carrier, 2 + samples // carrier.slot_samples, 0, generator), samples, generator)


def _part(sent: torch.Tensor, samples: int, generator: torch.Generator) -> torch.Tensor:
    begin = int(uniform((), 0, 1, generator) * (len(sent) - samples))
    return unit_power(sent[begin : begin + samples]) * _phase(generator)


def _phase(generator: torch.Generator) -> torch.Tensor:
    return unit_tone(uniform((1,), 0, 1, generator))


MAKES = {
    "16qam": Make(_linear, 1e6, 2.4e9, 25.0, 300.0),
    "qpsk": Make(partial(_linear, kind="qpsk"), 1e6, 2.4e9, 25.0, 300.0),
    "wifi": Make(partial(_of_emitter, kind="wifi", rate=25e6), 25e6, 2.44e9, 20.0, 3e3, 1e-6, 2e4, 10.0),
    "zigbee": Make(partial(_of_emitter, kind="zigbee", rate=8e6), 8e6, 2.44e9, 40.0, 1e3, 2e-6, 1e4, 10.0),
    "ble": Make(_ble, 4e6, 2.44e9, 62.0, 1e3, 2e-6, 1e4, 10.0),
    "lte": Make(_lte, 7.68e6, 1.8e9, 0.1, 100.0),
    "nr": Make(_nr, 7.68e6, 3.5e9, 0.1, 100.0),
    "ook": Make(_remote, 0.25e6, 433.92e6, 40.0, 100.0, 1e-4, 2e3),
    "fsk": Make(partial(_remote, ook=False), 0.25e6, 868.3e6, 40.0, 100.0, 1e-4, 2e3),
}
"""By name."""
