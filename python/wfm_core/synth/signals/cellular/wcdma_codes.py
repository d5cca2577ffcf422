# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes of the UMTS FDD downlink (3GPP TS 25.213 clause 5.2): scrambling, channelisation and synchronisation."""

from functools import lru_cache

import numpy as np
from scipy.linalg import hadamard

FRAME = 38400
SLOT = 2560
_PERIOD = (1 << 18) - 1
_A = np.array([1, 1, 1, 1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1])
_PRIMARY_SIGNS = np.array([1, 1, 1, -1, -1, 1, -1, -1, 1, 1, 1, -1, 1, -1, 1, 1])
_SECONDARY_SIGNS = np.array([1, 1, 1, -1, 1, 1, -1, -1, 1, -1, 1, -1, -1, -1, -1, -1])
GROUPS = (
    "11289AF8AG27F7G", "115G73EG3A5CECA", "121F55CG6B2GBFC", "123186525844637", "12G66BF5C1FCGB2", "134741553628768",
    "14B34A92B2ACC93", "1566E9A2D925E1D", "16AA4B7DGBD641G", "16D2E2655DA91EA", "178572438326645", "17A9G79F18G8F22",
    "18C994DG51D5C48", "18EAE1FF85B4A54", "192FFGA781A82G9", "19F6G2DEAB745C3", "1A9BF764G52CD3E", "1BE4D29ACG853F6",
    "1CCDE728E21DB8B", "1CF54E3G7862ABD", "1F4376ADC5EG82B", "1G3CB9D582E74AF", "225AGB3AB85D3D8", "22C3F5835EC989E",
    "236GCG3DD6792C7", "23829FE3E955F8C", "2479549B2E5EBGG", "24DCC7FA52F5D74", "25993C8EFCE532F", "25B72B94G7G9EE4",
    "262D33C97G69GDC", "26977GD3C2DC9G6", "27CF2C4ADFD455A", "27EG5929GBB574E", "285C52EE8F39CF9", "29D42D8B6468FFB",
    "2A32DG8A8DBBG35", "2BF3B6EAFA677E3", "2G45GE7B4BE9975", "3346BCD6CE45D5E", "3365G9F59A64F4A", "345E46CD5D6BBCE",
    "349GA4GF35A5F66", "34GA5A499GF635F", "35CBE5BD36E6D44", "364A659F4F5GG9A", "3788GBC4FB47G3F", "37GB4F3FBCC478G",
    "387F48FC3G4GCBB", "38F4G4877FCB3GC", "3AAFG546G43F969", "3DB54C4B6653EDC", "3E79EAD878A44D9", "558EGD6ED78F6F7",
    "56B7A8587CCA69B", "56D8D5776GEF8GF", "579A7B6C9CB886A", "5968A98C5BABC77", "5AAC8B97895C676", "5AC65C897678BB9",
    "5DFFE867G87DE5G", "9ADABFF9GCEDGEB", "9BCFC9DDBEAGFEG", "9CAFDE9EFBBDCGA",
)  # fmt: skip
"""Which of 16 codes (1 to 9, A to G) the secondary channel of a scrambling code group sends in each slot (table 4)."""


@lru_cache
def _gold_parts() -> tuple[np.ndarray, np.ndarray]:
    """One period of the m-sequences 1 + X^7 + X^18 and 1 + X^5 + X^7 + X^10 + X^18."""
    x, y = [1] + [0] * 17, [1] * 18
    for place in range(_PERIOD - 18):
        x.append(x[place + 7] ^ x[place])
        y.append(y[place + 10] ^ y[place + 7] ^ y[place + 5] ^ y[place])
    return np.array(x, np.uint8), np.array(y, np.uint8)


def scrambling(number: int) -> np.ndarray:
    """complex128 [38400] of magnitude 1: scrambling code 0 to 8191; multiples of 16 are the primary ones."""
    x, y = _gold_parts()
    chips = np.arange(FRAME)
    real, imaginary = (
        1 - 2.0 * (x[(chips + shift + number) % _PERIOD] ^ y[(chips + shift) % _PERIOD]) for shift in (0, 131072)
    )
    return (real + 1j * imaginary) / np.sqrt(2)


@lru_cache
def channelisation(factor: int) -> np.ndarray:
    """int [factor, factor]: C(factor, k) in row k, 1 or -1 (clause 5.2.1: the order of their tree)."""
    if factor == 1:
        return np.ones((1, 1), int)
    half = channelisation(factor // 2)
    return np.stack([np.hstack([half, half]), np.hstack([half, -half])], 1).reshape(factor, factor)


@lru_cache
def primary_synchronisation() -> np.ndarray:
    """complex128 [256] of magnitude 1: the same in all cells (clause 5.2.3.1)."""
    return np.kron(_PRIMARY_SIGNS, _A) * (1 + 1j) / np.sqrt(2)


@lru_cache
def secondary_synchronisation() -> np.ndarray:
    """complex128 [16, 256] of magnitude 1."""
    spread = np.kron(_SECONDARY_SIGNS, np.concatenate([_A[:8], -_A[8:]]))
    return hadamard(256)[::16] * spread * (1 + 1j) / np.sqrt(2)
