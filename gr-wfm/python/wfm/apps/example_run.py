# SPDX-License-Identifier: GPL-3.0-or-later
"""What an example needs around its flowgraph. Importing this module first

- chooses Qt's offscreen platform where no display can be opened, so that the same program runs on a server;
- makes every WfmError that nobody caught one sentence on stderr and exit status 1;
- lets Ctrl-C end the program at once while it starts.

`run` then is the main loop of an example with a window: it ends with the stream, with the window, or with Ctrl-C;
`run_without_window` that of one without. `finish` has the last lines of those that play recordings only.
"""

import math
import os
import sys

from wfm_core.base import left_behind
from wfm_core.base.errors import WfmError

from ..display.platform import choose_platform
from ..ports import messages
from ..ports.endings import say_done
from .shutdown import Running, end_at_once

_POLL_MS = 100


def _install_excepthook() -> None:
    previous = sys.excepthook

    def hook(kind, error, trace):
        if issubclass(kind, WfmError):
            print(f"{_program()}: {error}", file=sys.stderr)
        else:
            previous(kind, error, trace)

    sys.excepthook = hook


def _program() -> str:
    return os.path.basename(sys.argv[0])


def run(top_block, source, inference, log, report=None, judges=(), recorder=None, widgets=()) -> None:
    """Run a started Qt flowgraph to its end and leave the program: exit status 0, or 1 with one sentence.

    source: the `wfm.sdr_source`; inference: the `wfm.inference` whose failure is the program's; log: the
    `wfm.decision_log` that is summed up on standard output; report: the `wfm.run_report` to finish, if there is one;
    judges: what `wfm.rehearsal` returned, summed up too; recorder: the `wfm.recorder` to sum up, if there is one;
    widgets: Qt blocks that send messages, which no stream ends.
    """
    from PyQt5 import Qt

    if _no_window:
        print(f"{_program()}: {_no_window}", file=sys.stderr)
    _keep_rate(source, log, report)
    running = Running(top_block, source, inference)
    running.end_on_signals(Qt.QApplication.quit)
    # Polling also gives Python the chance to run its signal handlers while Qt has the main thread.
    timer = Qt.QTimer()
    timer.timeout.connect(lambda: running.over() and Qt.QApplication.quit())
    _end_with(inference, widgets, timer)
    timer.start(_POLL_MS)
    top_block.show()
    Qt.QApplication.exec_()
    timer.stop()
    running.leave(
        lambda interrupted: finish(source, inference, log, report, judges, recorder, interrupted), top_block.close
    )


def run_without_window(top_block, source, inference, log, judges=()) -> None:
    """As `run`, for a started flowgraph that has no window."""
    _keep_rate(source, log, None)
    running = Running(top_block, source, inference)
    running.wait()
    running.leave(lambda interrupted: finish(source, inference, log, judges=judges, interrupted=interrupted))


def _keep_rate(source, log, report) -> None:
    """Seconds go by the rate that the radio has, which is not always what was asked for."""
    for sink in (log, report):
        if sink is not None:
            sink.set_sample_rate(source.sample_rate())


def _end_with(inference, widgets, timer) -> None:
    """Let `widgets` end when inference has: they would wait for the user for ever, and the flowgraph for them."""
    waiting = list(widgets)

    def look():
        while waiting and inference.status()["ended"]:
            say_done(waiting.pop())

    timer.timeout.connect(look)


def finish(source, inference, log, report=None, judges=(), recorder=None, interrupted=False) -> int:
    """Sum up a flowgraph that has ended, arguments as for `run`; returns the exit status.

    interrupted: the user ended it, so that a radio's end is no failure.
    """
    status = inference.status()
    # A retune flushes and an overflow jumps: the tap sees both; what was lost in front of it only the source knows.
    status["samples_lost"] = max(status["samples_lost"], source.samples_lost())
    # The source's estimate becomes better after each loss, the tap's does not.
    about = status.get("samples_lost_estimated", 0)
    status["samples_lost_estimated"] = source.status().get("samples_lost_estimated", about)
    if not log.to_stdout:
        log.say("\n".join([summary(log, status), *(judge.summary() for judge in judges)]))
        if recorder is not None:
            log.say(recorded(recorder.counters()))
    if report is not None:
        report.finish(status, source.truth())
    return max(exit_status(status["error"], log, report, recorder), radio_status(source, interrupted))


def radio_status(source, interrupted: bool = False) -> int:
    """1, and the sentence on standard error, where a radio's stream ended early by itself; else 0."""
    if not source.error() or interrupted:
        return 0
    print(f"{_program()}: {source.error()}", file=sys.stderr)
    return 1


def finish_csi(csi, inference, log) -> int:
    """As `finish`, where a `wfm.csi_image` makes the windows: images of packets."""
    counts, status = csi.status(), inference.status()
    if not log.to_stdout:
        log.say(
            f"{log.summary()}\n"
            f"{counts['packets_in']} packets received, {counts['packets_lost']} lost, {counts['breaks']} breaks; "
            f"{counts['images_out']} images, dropped {status['windows_dropped']}; "
            f"latency {status['latency_ms_p50']:.1f} ms (median), {status['latency_ms_p95']:.1f} ms (95 %)"
        )
    return exit_status(status["error"], log)


def mean_position_error(store, places) -> float:
    """Metres, in the plane, between true places [packets, 2] and the positions that a Message Debug block has stored.

    The truth of an image is the place of its middle packet. NaN without any position.
    """
    found = [messages.read_detection(store.get_message(i)) for i in range(store.num_messages())]
    errors = [
        math.dist(one.decision["position"][:2], places[one.sample_start + one.sample_count // 2]) for one in found
    ]
    return sum(errors) / len(errors) if errors else math.nan


def survey_line(positioner) -> str:
    """What a `wfm.positioner` was taught of its place, one sentence."""
    if positioner.head is None:
        return "no points surveyed: the bundle has a task, and knows one place alone"
    known = positioner.head.status()
    return f"{known['points']} points surveyed; each located by the others is {known['left_out_error']:.2f} m off (RMS)"


def exit_status(error: str, log, report=None, recorder=None) -> int:
    """1 with one sentence when inference failed by `error`, a sink lost some of what it was to keep, or a thread was
    left behind."""
    failures = [f"inference failed: {error}"] if error else []
    for left in left_behind.sentences():
        left_behind.told(left)
        failures += [left] if left != error else []
    failures += [sink.failure() for sink in (log, report) if sink is not None]
    if recorder is not None and (times := recorder.counters()["failures"]):
        failures.append(f"{times} recordings ended early, as the log says: make room on the disk")
    sentence = "; ".join(filter(None, failures))
    if sentence:
        print(f"{_program()}: {sentence}", file=sys.stderr)
    return int(bool(sentence))


def recorded(counters: dict) -> str:
    """What a recorder kept and lost, one sentence."""
    return (
        f"{counters['recordings']} recordings, {counters['samples_recorded']} samples a channel; "
        f"dropped {counters['samples_dropped']}, unwritten {counters['samples_unwritten']}"
    )


def summary(log, status: dict) -> str:
    """The last lines of a run: what was decided, what was lost, how long it took."""
    return f"{log.summary()}\n{inference_summary(status)}"


def inference_summary(status: dict) -> str:
    """What an inference block took in, what it lost, how long it took; one line."""
    return (
        f"{status['samples_in']} samples a channel, {100 * status['coverage']:.1f} % inside inferred windows; "
        f"windows dropped {status['windows_dropped']}, {_undecided(status)}flushed {status['windows_flushed']}, "
        f"gated {status['windows_gated']}, invalid {status['windows_invalid']}; "
        f"{_losses(status)}; "
        f"latency {status['latency_ms_p50']:.1f} ms (median), {status['latency_ms_p95']:.1f} ms (95 %)"
    )


def _undecided(status: dict) -> str:
    """Of a server that did not answer."""
    count = status.get("windows_undecided", 0)
    return f"undecided {count}, " if count else ""


def _losses(status: dict) -> str:
    about = status.get("samples_lost_estimated", 0)
    return f"samples lost {status['samples_lost']}" + (f", about {about} lost by the computer's clock" if about else "")


end_at_once()
_no_window = choose_platform()
_install_excepthook()
