# SPDX-License-Identifier: GPL-3.0-or-later
"""Contracts from files and mappings; those of several models are put together here."""

from typing import Annotated, ClassVar

from pydantic import Field

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.base.tables import Table, checked
from wfm_core.base.yaml_text import read_yaml
from wfm_core.bundle.contract import Contract, Segment
from wfm_core.bundle.contracts.fields import Name

FORMAT = 1
"""The only format of contracts and foundations that this version reads and writes."""

_MISSING = "the contract has no {}; add it or export the model again"


def parse_contract(source: str | bytes | dict, where: str) -> Contract:
    """Read a contract from YAML text or a mapping; `where` names it in errors. Raises `WfmError`."""
    return draft_contract(written(source, where, "contract"), where)


def draft_contract(values: dict, where: str) -> Contract:
    """The contract of a model that is not written yet: `format` and `weights_sha256` are left to the writer.

    Raises `WfmError`.
    """
    return _tree(values, where) if "stems" in values else checked(Contract, values, where, _MISSING)


def written(source: str | bytes | dict, where: str, what: str) -> dict:
    """The mapping in a written file, of which `what` says what it is, with format and hash. Raises `WfmError`."""
    values = source if isinstance(source, dict) else read_yaml(source, f"{where}: the {what}")
    if not isinstance(values, dict):
        raise WfmError(f"{where}: the {what} is {type(values).__name__}, expected a mapping of fields")
    version = values.get("format")
    if version != FORMAT:
        raise WfmError(
            f"{where}: {what} format {shortened(version)}, but this version reads format {FORMAT}; make the file again "
            "with this version"
        )
    return values if "weights_sha256" in values else {**values, "weights_sha256": None}


class _End(Table):
    source: str = Field(alias="from")
    blocks: ClassVar[int] = 0


class _Tree(Table):
    """What comes after what in a contract of several models."""

    tasks: dict[Name, _End]
    segments: dict[Name, Segment]
    stems: Annotated[dict[Name, dict], Field(min_length=1)]


def _tree(values: dict, where: str) -> Contract:
    """The contract of several models that share what is alike: a stem has what the whole says, and what it says."""
    tree = checked(_Tree, values, where, _MISSING)
    ways = _ways(tree, where)
    apart = dict.fromkeys(("stems", "segments"), {})
    stems = {}
    for name, own in tree.stems.items():
        tasks = {task: values["tasks"][task] for task, (stem, _) in ways.items() if stem == name}
        stems[name] = checked(Contract, {**values, **own, **apart, "tasks": tasks}, f"{where}, stem {name!r}", _MISSING)
        if stems[name].image_measures:
            raise WfmError(
                f"{where}: stem {name!r} has image.measures, which bundles of several models have not; fix it"
            )
        if dense := [task for task, of in stems[name].tasks.items() if of.dense]:
            raise WfmError(
                f"{where}: task {dense[0]!r} of kind '{stems[name].tasks[dense[0]].kind}', which bundles of several "
                "models have not; export it as a bundle of its own"
            )
    for name, (stem, blocks) in ways.items():
        if blocks != stems[stem].encoder.depth:
            raise WfmError(
                f"{where}: task {name!r} comes after {blocks} blocks, the encoder of its stem has "
                f"{stems[stem].encoder.depth}; fix segments or encoder"
            )
    window = {key: values.get(key) for key in ("window", "sample_rate")}
    contract = checked(Contract, {**values, **next(iter(tree.stems.values())), **apart, **window}, where, _MISSING)
    for name, stem in stems.items():
        if stem.samples != contract.samples or stem.antennas < contract.antennas:
            raise WfmError(
                f"{where}: stem {name!r} takes {stem.antennas} antennas of {stem.samples} samples, the bundle "
                f"{contract.antennas} of {contract.samples}; fix window"
            )
    return contract.model_copy(update={"stems": stems, "segments": tree.segments, "raw": values})


def _ways(tree: _Tree, where: str) -> dict[str, tuple[str, int]]:
    """Each task's stem, and how many blocks there are between the two."""
    way = {stem: (stem, 0) for stem in tree.stems}

    def after(part: Segment | _End, key: str) -> tuple[str, int]:
        if part.source not in way:
            raise WfmError(f"{where}: {key}.from is {shortened(part.source)}; expected one of {', '.join(way)}")
        stem, blocks = way[part.source]
        return stem, blocks + part.blocks

    for name, segment in tree.segments.items():
        way[name] = after(segment, f"segments.{name}")
    return {name: after(end, f"tasks.{name}") for name, end in tree.tasks.items()}
