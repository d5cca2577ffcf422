# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs from device to device of one make, and how much of it from day to day.

Ranges: carrier frequency within the tolerance of each make's standard (`makes`). IQ imbalance of up to 1 dB and 5
degrees, that is images 23 dB down at worst, and carrier leakage of -15 dB at most (IEEE 802.11-2016 17.3.9.7.2; 3GPP TS
36.101 6.5.2 asks for -25 dB of both), as direct conversion leaves them (Razavi, "Design considerations for
direct-conversion receivers", IEEE TCAS II 1997; Valkama, Renfors and Koivunen, "Advanced methods for I/Q imbalance
compensation", IEEE TSP 2001, also for its dependence on frequency). Compression with memory of one sample, of third
order (Morgan et al., "A generalized memory polynomial model", IEEE TSP 2006; AM/PM as Saleh 1981). Converters' integral
nonlinearity of up to one step in 9 bits. Phase noise as a Wiener process (Demir, Mehrotra and Roychowdhury, "Phase
noise in oscillators", IEEE TCAS I 2000). Turn-on transients of microseconds (Hall, Barbeau and Kranakis, "Detection of
transient in radio frequency fingerprinting using signal phase", 2003).
"""

from dataclasses import dataclass, fields, replace
from functools import partial

import torch

from wfm_core.synth.draws import complex_normal, log_uniform, uniform


@dataclass
class Devices:
    """One flaw of each device per row, float32 or complex64 [N]."""

    crystal: torch.Tensor  # error of the one oscillator behind carrier and clock, as a share of the make's tolerance
    linewidth: torch.Tensor  # of the phase noise, as a share of the make's widest
    iq_gain_db: torch.Tensor
    iq_phase_deg: torch.Tensor
    iq_delay: torch.Tensor  # of the Q arm, samples: IQ imbalance that depends on frequency
    leakage_dbc: torch.Tensor  # of the carrier
    leakage_phase: torch.Tensor  # rad, relative to the mixer
    bow_i: torch.Tensor  # integral nonlinearity of the I converter, second and third order
    bow_q: torch.Tensor
    bend_i: torch.Tensor
    bend_q: torch.Tensor
    compression: torch.Tensor  # gain lost at an amplitude of 1 (the mean power), a fraction
    rotation: torch.Tensor  # rad of phase gained there (AM/PM)
    memory: torch.Tensor  # complex: third-order term of the sample before
    ripple: torch.Tensor  # complex: echo of one sample in the filters
    rise: torch.Tensor  # time constant of turning on, as a share of the make's longest
    overshoot: torch.Tensor  # of the amplitude as it turns on
    chirp: torch.Tensor  # carrier's error as it turns on, as a share of the make's most
    modulation: torch.Tensor  # error of the modulation's own setting, such as FSK's deviation, a fraction

    def __len__(self) -> int:
        return len(self.crystal)

    def __getitem__(self, which: torch.Tensor) -> "Devices":
        return Devices(*(getattr(self, field.name)[which] for field in fields(self)))


def random_devices(count: int, generator: torch.Generator) -> Devices:
    """`count` devices as different as cheap radios of one make are."""
    draw = partial(uniform, (count,), generator=generator)

    return Devices(
        crystal=draw(-1.0, 1.0),
        linewidth=log_uniform((count,), 0.003, 1.0, generator),
        iq_gain_db=draw(-1.0, 1.0),
        iq_phase_deg=draw(-5.0, 5.0),
        iq_delay=draw(-0.03, 0.03),
        leakage_dbc=draw(-40.0, -15.0),
        leakage_phase=draw(0.0, 2 * torch.pi),
        bow_i=draw(-0.002, 0.002),
        bow_q=draw(-0.002, 0.002),
        bend_i=draw(-0.002, 0.002),
        bend_q=draw(-0.002, 0.002),
        compression=draw(0.0, 0.12),
        rotation=draw(-0.1, 0.1),
        memory=0.01 * complex_normal((count,), generator),
        ripple=0.03 * complex_normal((count,), generator),
        rise=log_uniform((count,), 0.05, 1.0, generator),
        overshoot=draw(0.0, 0.3),
        chirp=draw(-1.0, 1.0),
        modulation=draw(-0.05, 0.05),
    )


CRYSTAL_DRIFT = 0.02
"""Share of its tolerance by which a carrier moves from day to day."""


def on_another_day(devices: Devices, generator: torch.Generator) -> Devices:
    """The same devices at another temperature and supply: the crystal within 2 % of its tolerance and a tenth of each
    of the others' usual size, normal."""

    def moved(values: torch.Tensor, by: float) -> torch.Tensor:
        return values + by * torch.randn(values.shape, generator=generator)

    return replace(
        devices,
        crystal=moved(devices.crystal, CRYSTAL_DRIFT),
        iq_gain_db=moved(devices.iq_gain_db, 0.02),
        iq_phase_deg=moved(devices.iq_phase_deg, 0.1),
        leakage_dbc=moved(devices.leakage_dbc, 0.5),
        leakage_phase=moved(devices.leakage_phase, 0.05),
        compression=moved(devices.compression, 0.005),
        rotation=moved(devices.rotation, 0.005),
        rise=devices.rise * torch.exp(moved(torch.zeros_like(devices.rise), 0.05)),
    )
