# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML configurations: found by name, based on one another, overridden by `key=value`."""

import difflib
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml

FOLDER = Path(__file__).parent
_MOST_BASES = 10


def load_config(name: str, overrides: list[str] = ()) -> dict:
    """Read the YAML file `name` (a path, or a name in this folder) and apply overrides such as `encoder.depth=4`.

    A top-level `base: other.yaml` is read first. An override must name a key that exists.
    """
    config = _read(name)
    for override in overrides:
        _apply(config, override)
    return config


def _read(name: str, above: tuple[str, ...] = ()) -> dict:
    path = Path(name) if Path(name).exists() else FOLDER / name
    if not path.exists():
        known = ", ".join(sorted(entry.name for entry in FOLDER.glob("*.yaml")))
        raise WfmError(f"config {name!r} is neither a file nor one of {known}; give a path or one of these names")
    config = read_yaml(read_file(path, BYTES_LIMIT), f"config {path}")
    if not isinstance(config, dict):
        raise WfmError(f"config {path} holds {type(config).__name__}, expected a table of keys and values; fix it")
    base = config.pop("base", None)
    if not base:
        return config
    chain = (*above, str(path))
    if not isinstance(base, str) or base in chain or len(chain) > _MOST_BASES:
        raise WfmError(f"config {path} is based on {str(base)[:100]!r}, expected another file, and no circle; fix base")
    return _merge(_read(base, chain), config)


def _merge(below: dict, above: dict) -> dict:
    """`above` laid over `below`, table by table."""
    both = {key: _merge(below[key], above[key]) for key in below if _are_tables(below[key], above.get(key))}
    return {**below, **above, **both}


def _are_tables(*values) -> bool:
    return all(isinstance(value, dict) for value in values)


def _apply(config: dict, override: str) -> None:
    dotted, separator, text = override.partition("=")
    *parents, key = dotted.split(".")
    if not separator:
        raise WfmError(f"override {override!r} has no '='; write key=value, for example steps=1000")
    table = config
    for parent in parents:
        table = _table(table, parent, dotted)
    if key not in table:
        raise _unknown(key, table, dotted)
    table[key] = read_yaml(text, f"the override {override}")


def _table(table: dict, key: str, dotted: str) -> dict:
    if not isinstance(table.get(key), dict):
        raise _unknown(key, table, dotted)
    return table[key]


def _unknown(key: str, table: dict, dotted: str) -> WfmError:
    near = difflib.get_close_matches(key, table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known keys are {', '.join(sorted(table))}"
    return WfmError(f"unknown key {dotted!r} in an override{hint}")
