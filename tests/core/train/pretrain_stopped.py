# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-pretrain` that is stopped: `python pretrain_stopped.py killed|terminated|full OUT CONFIG [overrides]`.

killed, terminated: SIGKILL or SIGTERM in the third step after the first checkpoint. full: from the first checkpoint on
no file may grow beyond 64 KiB, as on a disk without room.
"""

import os
import resource
import signal
import sys
from pathlib import Path

from wfm_core.cli.pretrain import main
from wfm_core.train.objectives.pretraining import PretrainingObjective


def stop_after_checkpoint(last: Path, stop) -> None:
    """Call `stop` in the third step that finds the checkpoint `last`."""
    step, seen = PretrainingObjective.training_step, 0

    def counted(*arguments):
        nonlocal seen
        seen += last.exists()
        if seen == 3:
            stop()
        return step(*arguments)

    PretrainingObjective.training_step = counted


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def fill() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))


if __name__ == "__main__":
    how, out, config = sys.argv[1:4]
    stop_after_checkpoint(
        Path(out, "checkpoints", "last.ckpt"), {"killed": kill, "terminated": terminate, "full": fill}[how]
    )
    sys.exit(main(["--config", config, "--out", out, *sys.argv[4:]]))
