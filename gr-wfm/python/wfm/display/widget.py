# SPDX-License-Identifier: GPL-3.0-or-later
"""The Qt side of WFM Detection Display: it draws frames of a DisplayState, ten a second, in the GUI's thread."""

from PyQt5 import QtCore, QtGui, QtWidgets

from .state import DisplayState, Frame, status_line
from .waterfall import LabelColors, WaterfallView

_REFRESH_MS = 100
_EVENTS_SHOWN = 30
_COLUMNS = ("Begin (s)", "Duration (s)", "Task", "Label", "Score", "MHz")


def application_runs() -> bool:
    return isinstance(QtCore.QCoreApplication.instance(), QtWidgets.QApplication)


class DisplayWidget(QtWidgets.QWidget):
    """Waterfall, events, and two lines: the tasks' latest answers, and rate, drops and latency.

    sample_rate: Hz; row_samples: samples a row of the waterfall.
    """

    def __init__(self, state: DisplayState, sample_rate: float, row_samples: int):
        super().__init__()
        self._state, self._sample_rate = state, sample_rate
        self._drawn = -1
        colors = LabelColors()
        self.waterfall = WaterfallView(sample_rate, row_samples, colors)
        self.events = EventTable(sample_rate, colors)
        self.answers, self.status = QtWidgets.QLabel(), QtWidgets.QLabel()
        for line in (self.answers, self.status):
            # A long line must not widen the window, and what others wrote must not be taken for markup.
            line.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Minimum)
            line.setWordWrap(True)
            line.setTextFormat(QtCore.Qt.PlainText)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.waterfall, 3)
        layout.addWidget(self.answers)
        layout.addWidget(self.events, 1)
        layout.addWidget(self.status)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(_REFRESH_MS)

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(800, 600)

    def refresh(self) -> None:
        """Draw what has changed since the last time."""
        if self._state.version() == self._drawn:
            return
        frame = self._state.frame()
        self._drawn = frame.version
        self.waterfall.show_frame(frame)
        self.events.show_frame(frame)
        lines = [f"{task}: {answer}" for task, answer in sorted(frame.answers.items())]
        self.answers.setText("   ".join([*lines, frame.notice]))
        self.status.setText(status_line(frame))
        self.status.setStyleSheet("color: red" if frame.status.get("error") else "")


class EventTable(QtWidgets.QTableWidget):
    """The last boxes of a frame, newest first."""

    def __init__(self, sample_rate: float, colors: LabelColors):
        super().__init__(0, len(_COLUMNS))
        self._sample_rate, self._colors = sample_rate, colors
        self.setHorizontalHeaderLabels(_COLUMNS)
        self.verticalHeader().hide()
        self.setEditTriggers(QtWidgets.QAbstractItemView.NoEditTriggers)
        self.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.Stretch)
        self.setMinimumHeight(80)

    def show_frame(self, frame: Frame) -> None:
        boxes = frame.boxes[: -_EVENTS_SHOWN - 1 : -1]
        self.setRowCount(len(boxes))
        for row, box in enumerate(boxes):
            end = max(box.end, frame.end) if box.open and box.edges is None else box.end
            duration = f"{(end - box.start) / self._sample_rate:.3f}{' ...' if box.open else ''}"
            begin = f"{box.start / self._sample_rate:.3f}"
            middle = "" if box.edges is None else f"{sum(box.edges) / 2e6:.4f}"
            texts = (begin, duration, box.task, box.label, f"{box.score:.2f}", middle)
            for column, text in enumerate(texts):
                item = QtWidgets.QTableWidgetItem(text)
                if _COLUMNS[column] == "Label":
                    item.setForeground(QtGui.QBrush(self._colors.dark(box.label)))
                self.setItem(row, column, item)
