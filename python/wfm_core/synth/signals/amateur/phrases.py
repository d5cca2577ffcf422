# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said by teleprinter and Morse code: contacts, calls, beacons, press and weather, telemetry strings."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc
from wfm_core.synth.signals.content import DIGITS, LETTERS, call_sign, text

_NAMES = ("HANS", "JOHN", "ANNA", "PETER", "IVAN", "LUIS", "MARIA", "KEN", "OLE", "JAN")
_PLACES = ("BERLIN", "LONDON", "PARIS", "MADRID", "BOSTON", "OSLO", "PRAHA", "ROMA", "TOKYO", "KYIV")


def contact(rng: np.random.Generator) -> str:
    """A call or a part of a contact, in capitals."""
    my, other = call_sign(rng), call_sign(rng)
    name, place = rng.choice(_NAMES), rng.choice(_PLACES)
    report = f"5{rng.integers(5, 10)}9"
    return str(
        rng.choice(
            [
                f"CQ CQ CQ DE {my} {my} {my} PSE K",
                f"CQ TEST {my} {my} TEST",
                f"{other} DE {my} = GM TNX FER CALL UR RST {report} {report} = "
                f"NAME {name} {name} = QTH {place} = HW? K",
                f"{other} {report} {rng.integers(1, 2000):03d}",
                f"R R TU {other} DE {my} 73 73 SK",
                f"{other} DE {my} = RIG 100 W ANT DIPOLE = WX {rng.choice(['SUNNY', 'RAIN', 'CLOUDY'])} "
                f"TEMP {rng.integers(0, 30)} C = {text(int(rng.integers(3, 12)), rng).upper()} = K",
            ]
        )
    )


def beacon(rng: np.random.Generator) -> str:
    locator = "".join(rng.choice(list(LETTERS[:18]), 2)) + "".join(rng.choice(list(DIGITS), 2)) + "AB"
    return str(rng.choice([f"VVV DE {call_sign(rng)}/B {locator}", f"{call_sign(rng)}/B {locator} 10W"]))


def groups(rng: np.random.Generator) -> str:
    """Code groups of five, as for practice and of ciphers."""
    alphabet = list(DIGITS if rng.random() < 0.5 else LETTERS)
    return " ".join("".join(rng.choice(alphabet, 5)) for _ in range(rng.integers(5, 40)))


def bulletin(rng: np.random.Generator) -> str:
    """Weather and press by teleprinter."""
    if rng.random() < 0.3:
        return "RY" * int(rng.integers(10, 40)) + f" DE {call_sign(rng)}\r\n"
    lines = [text(int(rng.integers(4, 10)), rng).upper() for _ in range(rng.integers(2, 8))]
    head = f"ZCZC {rng.integers(1, 999):03d}\r\n" if rng.random() < 0.5 else ""
    return head + "\r\n".join(lines) + "\r\nNNNN\r\n"


def balloon(rng: np.random.Generator) -> str:
    """A telemetry string with its CRC-CCITT, as the trackers of the UKHAS sent them."""
    place = f"{rng.uniform(30, 60):.5f},{rng.uniform(-10, 40):.5f},{rng.integers(50, 35000):05d}"
    time = f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}"
    more = "".join(f",{rng.integers(-60, 99)}" for _ in range(rng.integers(0, 4)))
    said = f"{call_sign(rng)},{rng.integers(1, 5000)},{time},{place}{more}"
    return f"$${said}*{crc(bits_of(said.encode()), 0x1021, 16, 0xFFFF):04X}\n"
