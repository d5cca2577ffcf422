# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line programs: one thin file each."""

import signal
import sys
from collections.abc import Callable
from functools import wraps

from wfm_core.base.errors import WfmError
from wfm_core.messages.output import abandon_stdout


def command(main: Callable[[list[str] | None], int | None]) -> Callable[..., int]:
    """`main(argv=None)` as a program that returns its exit status.

    A `WfmError`, or what a disk refuses, becomes one sentence on stderr and status 1 (0: done, 2: wrong use). Letters
    that the terminal's encoding lacks are printed as escapes.
    """
    return wraps(main)(lambda argv=None: _status(main, argv))


def _status(main: Callable[[list[str] | None], int | None], argv: list[str] | None) -> int:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = main(argv) or 0
        sys.stdout.flush()
        return status
    except WfmError as error:
        print(f"{_program()}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        abandon_stdout()  # the reader (`| head`) has enough
        return 128 + signal.SIGPIPE
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        print(f"{_program()}: {about}{error.strerror or error}; see to it and start again", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # it was standard output, and what is buffered would fail again
            abandon_stdout()
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as stop:
        # Lightning ends a run that was told to terminate with an exit without a status, which would mean success.
        if stop.code is None:
            return 128 + signal.SIGTERM
        raise


def _program() -> str:
    return sys.argv[0].rsplit("/", 1)[-1]
