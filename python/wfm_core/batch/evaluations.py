# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate's work on a recording: its decisions as lines."""

from dataclasses import asdict, dataclass, replace

from wfm_core.batch.work import Do, Lines, Model, Say
from wfm_core.data.recordings.recording import Recording
from wfm_core.evaluate.windows import Rules, decisions, judge_by


@dataclass(frozen=True)
class Evaluations:
    """A `Work`."""

    model: Model
    rules: Rules

    def settings(self) -> dict:
        return asdict(self.rules)

    def opened(self) -> Do:
        bundle = self.model.load()
        judge = judge_by(self.rules, bundle, lambda name: replace(self.model, bundle=name, sha256="").load())

        def lines(recording: Recording, name: str, say: Say) -> Lines:
            return named(decisions(recording, bundle, self.rules, lambda text: say(f"{name}: {text}"), judge), name)

        return lines


def named(lines: Lines, name: str) -> Lines:
    """Each line with the recording's name."""
    while True:
        try:
            line = next(lines)
        except StopIteration as end:
            return end.value
        yield {"recording": name, **line}
