# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands that train ask of their run folder: nothing overwritten, its configuration kept and found again."""

from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.yaml_text import write_yaml

LAST = Path("checkpoints") / "last.ckpt"


def check_unused(out: Path, resume: bool) -> None:
    """Raise `WfmError` where `out` holds a run that was not asked to go on."""
    if (out / LAST).exists() and not resume:
        raise WfmError(f"{out} already holds a run; add --resume to go on with it or name another --out")


def kept_config(out: Path) -> str:
    """The configuration of the run in `out`. Raises `WfmError` where there is none."""
    kept = out / "config.yaml"
    if not kept.exists():
        raise WfmError(f"nothing to resume: {kept} does not exist; start a run there without --resume")
    return str(kept)


def keep(out: Path, **tables: dict) -> None:
    """Make the folder `out` and write each table as NAME.yaml into it. Raises `WfmError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            (out / f"{name}.yaml").write_text(write_yaml(table))
    except OSError as error:
        raise WfmError(f"cannot write into {out} ({error.strerror}); name another --out") from error
