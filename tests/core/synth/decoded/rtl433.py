# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings for rtl_433 (https://github.com/merbanan/rtl_433) and what it reads in them."""

import json
import shutil
import subprocess

import numpy as np

PROGRAM = shutil.which("rtl_433")


def write_cu8(path, samples, sample_rate: float, rng, offset: float = 0.0, noise: float = 0.04) -> None:
    """Samples of about unit amplitude as an RTL-SDR would record them, `offset` Hz off, with noise."""
    turned = 0.7 * samples * np.exp(2j * np.pi * offset / sample_rate * np.arange(len(samples)))
    turned = turned + noise * (rng.standard_normal(len(turned)) + 1j * rng.standard_normal(len(turned)))
    pairs = np.stack([turned.real, turned.imag], 1).ravel()
    np.clip(np.round(pairs * 127.5 + 127.5), 0, 255).astype(np.uint8).tofile(path)


def read(path, sample_rate: float, *options: str) -> list[dict]:
    command = [PROGRAM, "-r", str(path), "-s", str(round(sample_rate)), "-F", "json", *options]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def agrees(message: dict, content: dict, names: dict[str, str]) -> bool:
    """Whether what was read is what was sent, in all fields that both have (`names`: sent to read)."""
    for name, sent in content.items():
        seen = message.get(names.get(name, name))
        if seen is None or sent is None:
            continue
        if isinstance(sent, (int, float)) and not isinstance(seen, str):
            if abs(float(seen) - float(sent)) > 0.051:
                return False
        elif isinstance(sent, str) and str(seen) != sent:
            return False
    return "temperature_F" not in message or abs((message["temperature_F"] - 32) / 1.8 - content["temperature_C"]) < 0.1
