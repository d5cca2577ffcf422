# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a contract, each within limits."""

from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field

from wfm_core.base.plain import shortened
from wfm_core.base.tables import no_bool
from wfm_core.model import PATCH
from wfm_core.model.trees import MOST_LEAVES

MOST = {
    "antennas": 64,
    "samples": 1 << 22,
    "average": 1024,
    "channels": 1024,
    "pixels": 4096,
    "width": 4096,
    "depth": 128,
    "heads": 128,
    "mlp_hidden": 32768,
    "labels": 10_000,
    "tasks": 64,
    "rounds": 4096,
    "leaves": MOST_LEAVES,
    "tree_depth": 64,
}
"""Limits of a contract, before anything is allocated for it."""


def count(of: str):
    return Annotated[int, Field(strict=True, gt=0, le=MOST[of])]


def row(of: Any, least: int, most: int):
    return Annotated[list[of], Field(strict=True, min_length=least, max_length=most), AfterValidator(tuple)]


def _is_name(name: str) -> str:
    if not name.isidentifier() or name.startswith("embedding"):
        raise ValueError(f"stem, segment or task name {shortened(name)}; expected a name such as 'interference'")
    return name


def _of_patches(size: tuple[int, int]) -> tuple[int, int]:
    if any(side % PATCH for side in size):
        raise ValueError(f"expected multiples of {PATCH}, at most {MOST['pixels']}")
    return size


def at(default: Any, *path: str) -> Any:
    """A field that is deeper in the file, and `default` where it is not in it."""
    return Field(default, validation_alias=AliasPath(*path))


Name = Annotated[str, AfterValidator(_is_name)]
Antennas, Channels = count("antennas"), count("channels")
Flag = Annotated[bool, Field(strict=True)]
Size = row(Annotated[int, BeforeValidator(no_bool), Field(gt=0, le=MOST["pixels"])], 2, 2)
TokenSize = Annotated[Size, AfterValidator(_of_patches)]
"""Height and width in pixels, of any image and of one that patches fill."""
