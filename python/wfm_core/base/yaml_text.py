# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML from files of others, within limits that hold before anything large is made of it."""

from typing import Any

import yaml

from wfm_core.base.errors import WfmError

BYTES_LIMIT = 256 << 10
DEPTH_LIMIT = 32
"""Lists and mappings inside each other."""
VALUES_LIMIT = 100_000
"""Values in all, what an alias stands for counted at each place."""


class _Loader(yaml.SafeLoader):
    """Plain values, and not too many: an alias may stand for ten others that stand for ten others each."""

    def __init__(self, stream):
        super().__init__(stream)
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._sizes:
                raise yaml.YAMLError("an alias of a value that it is in")
            self._count(self._sizes[id(node)])
            return node
        before = self._values
        self._count(1)
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise yaml.YAMLError(f"more than {DEPTH_LIMIT} lists or mappings inside each other")
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._sizes[id(node)] = self._values - before
        return node

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > VALUES_LIMIT:
            raise yaml.YAMLError(f"more than {VALUES_LIMIT} values")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data) -> bool:
        return True


def write_yaml(value: Any) -> str:
    """`value` as a YAML document in the order of its keys, without aliases."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def read_yaml(text: str | bytes, what: str) -> Any:
    """The value of a YAML document; `what` names it in errors, such as "m.pt: the contract". Raises `WfmError`.

    More than 256 KiB, 32 levels or 100,000 values are refused.
    """
    if len(text) > BYTES_LIMIT:
        raise WfmError(f"{what} has {len(text)} bytes, at most {BYTES_LIMIT} are read; get the file again")
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OverflowError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise WfmError(f"{what} is not YAML ({said}); get the file again") from error
