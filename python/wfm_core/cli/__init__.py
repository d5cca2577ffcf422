# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line programs: one thin file each."""

import os
import signal
import sys
from collections.abc import Callable

from wfm_core.errors import WfmError


def run(main: Callable[[], int | None]) -> int:
    """Call `main`; turn a `WfmError` into its one sentence on stderr and exit status 1 (0: done, 2: wrong use)."""
    try:
        return main() or 0
    except WfmError as error:
        print(f"{sys.argv[0].rsplit('/', 1)[-1]}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader (`| head`) has enough; what is still buffered must not fail once more at the interpreter's end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as stop:
        # Lightning ends a run that was told to terminate with an exit without a status, which would mean success.
        if stop.code is None:
            return 128 + signal.SIGTERM
        raise
