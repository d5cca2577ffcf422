# SPDX-License-Identifier: GPL-3.0-or-later
"""A waterfall as a Qt widget, newest row on top, with labelled boxes over their time and frequencies."""

import numpy as np
from PyQt5 import QtCore, QtGui, QtWidgets

from wfm_core.evaluate.figures.label_colours import SHADES, LabelColours

from .boxes import Box
from .plates import beside, free_place, tooltip
from .rows import ROWS
from .state import Frame
from .ticks import ticks

_GAP = 4  # pixels between the plot and what is around it
_LANE = 5  # pixels by which the boxes of one task are narrower than those of the task before
_LINE = 3
_THIN = 2  # around signals, of which some are narrow
_LEAST_SIDE = 6  # of a signal's box, in pixels: a tone, or a short burst, is to be seen and found by the mouse
_TICKS_ACROSS, _TICKS_DOWN = 7, 6  # at most
_WEAKEST, _STRONGEST = 5, 99.9  # percentiles of the levels that the shades reach from and to
_LEAST_RANGE = 10.0  # dB: silence is not to look like a signal


class LabelColors:
    """Those of `LabelColours`, for Qt."""

    def __init__(self):
        self._colours = LabelColours()

    def of(self, label: str) -> QtGui.QColor:
        return QtGui.QColor(self._colours.of(label))

    def dark(self, label: str) -> QtGui.QColor:
        """The same, to be read on white."""
        return self.of(label).darker(170)


class WaterfallView(QtWidgets.QWidget):
    """sample_rate: Hz; row_samples: samples a row. The box under the mouse tells of itself, at a click at once."""

    def __init__(self, sample_rate: float, row_samples: int, colors: LabelColors):
        super().__init__()
        self._sample_rate, self._row_samples, self.colors = sample_rate, row_samples, colors
        self._frame: Frame | None = None
        self._image: QtGui.QImage | None = None
        self.setMinimumSize(240, 160)

    def show_frame(self, frame: Frame) -> None:
        self._frame = frame
        self._image, self._range = picture(frame.levels)
        self.update()

    def plot_area(self) -> QtCore.QRect:
        left, below = self._axes_size()
        return QtCore.QRect(left, _GAP, self.width() - left - _GAP, self.height() - below - _GAP)

    def _axes_size(self) -> tuple[int, int]:
        """Pixels on the left for times, and below for two lines."""
        font = self.fontMetrics()
        return font.horizontalAdvance("-0000.0 s") + _GAP, 2 * (font.height() + _GAP)

    def box_area(self, box: Box) -> QtCore.QRect:
        """Where a box of the last frame is drawn; it may reach beyond the plot.

        A signal's box reaches as far as is known, an open one of the whole band to the newest row.
        """
        if box.edges is not None:
            return self._signal_area(box)
        tasks = sorted({other.task for other in self._frame.boxes})
        inset = _LINE + _LANE * tasks.index(box.task)
        area = self.plot_area()
        top = area.top() if box.open else self._height_of(box.end)
        return QtCore.QRect(
            QtCore.QPoint(area.left() + inset, top), QtCore.QPoint(area.right() - inset, self._height_of(box.start))
        )

    def _signal_area(self, box: Box) -> QtCore.QRect:
        left, right = (self._place_of(edge) for edge in box.edges)
        top, bottom = self._height_of(box.end), self._height_of(box.start)
        wider, taller = max(_LEAST_SIDE - (right - left), 0), max(_LEAST_SIDE - (bottom - top), 0)
        return QtCore.QRect(QtCore.QPoint(left, top), QtCore.QPoint(right, bottom)).adjusted(
            -(wider // 2), -(taller // 2), wider - wider // 2, taller - taller // 2
        )

    def _place_of(self, hertz: float) -> int:
        area = self.plot_area()
        share = (hertz - self._frame.center_freq) / self._sample_rate + 0.5
        return area.left() + round(min(max(share, -1.0), 2.0) * area.width())

    def box_at(self, point: QtCore.QPoint) -> Box | None:
        """The smallest box of the last frame that the point is in."""
        if self._frame is None or not self.plot_area().contains(point):
            return None
        areas = [(self.box_area(box), box) for box in self._frame.boxes]
        under = [(area.width() * area.height(), box) for area, box in areas if area.contains(point)]
        return min(under, key=lambda one: one[0])[1] if under else None

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.ToolTip:
            self._tell(event.pos(), event.globalPos())
            return True
        return super().event(event)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._tell(event.pos(), event.globalPos())

    def _tell(self, point: QtCore.QPoint, where: QtCore.QPoint) -> None:
        box = self.box_at(point)
        QtWidgets.QToolTip.showText(where, "" if box is None else tooltip(box, self._sample_rate), self)

    def _height_of(self, sample: int) -> int:
        area = self.plot_area()
        age = (self._frame.end - sample) / (ROWS * self._row_samples)
        return area.top() + round(min(max(age, -1.0), 2.0) * area.height())  # far outside is outside

    def paintEvent(self, _event) -> None:
        painter = QtGui.QPainter(self)
        area = self.plot_area()
        painter.fillRect(area, QtGui.QColor(*SHADES[0]))
        if self._frame is None:
            return
        painter.drawImage(area, self._image)
        self._draw_axes(painter, area)
        painter.setClipRect(area)
        shown = [box for box in reversed(self._frame.boxes) if self.box_area(box).intersects(area)]
        for box in shown:
            painter.setPen(QtGui.QPen(self.colors.of(box.label), _LINE if box.edges is None else _THIN))
            painter.drawRect(self.box_area(box))
        taken: list[QtCore.QRect] = []
        for box in shown:
            self._draw_label(painter, box, taken)

    def _draw_label(self, painter: QtGui.QPainter, box: Box, taken: list[QtCore.QRect]) -> None:
        """At the box's begin, where it stays while the box grows; of the whole band's to the right of those that are
        there already, of a signal's beside it where there is room, else nowhere: the mouse finds it."""
        text = f" {box.label} {box.score:.2f} "
        size = painter.fontMetrics().boundingRect(text).size() + QtCore.QSize(2, 1)
        area = self.box_area(box)
        if box.edges is not None:
            plate = free_place(size, area, self.plot_area(), taken)
        else:
            top = min(area.bottom(), self.plot_area().bottom()) - size.height() + 1
            plate = beside(QtCore.QRect(QtCore.QPoint(area.left(), top), size), taken)
        if plate is None:
            return
        taken.append(plate)
        painter.fillRect(plate, self.colors.of(box.label))
        painter.setPen(QtCore.Qt.black)
        painter.drawText(plate, QtCore.Qt.AlignCenter, text)

    def _draw_axes(self, painter: QtGui.QPainter, area: QtCore.QRect) -> None:
        painter.setPen(self.palette().color(QtGui.QPalette.WindowText))
        painter.drawRect(area)
        height = painter.fontMetrics().height()
        middle, half = self._frame.center_freq / 1e6, self._sample_rate / 2e6
        for megahertz, text in ticks(middle - half, middle + half, _TICKS_ACROSS):
            x = self._place_of(megahertz * 1e6)
            wide = painter.fontMetrics().horizontalAdvance(text)
            left = min(max(x - wide // 2, area.left()), area.right() - wide)
            painter.drawLine(x, area.bottom(), x, area.bottom() + _GAP)
            painter.drawText(QtCore.QRect(left, area.bottom() + _GAP, wide, height), QtCore.Qt.AlignLeft, text)
        seconds = ROWS * self._row_samples / self._sample_rate
        for age, text in ticks(0.0, seconds, _TICKS_DOWN):
            y = area.top() + round(age / seconds * area.height())
            down = min(max(y - height // 2, area.top()), area.bottom() - height)
            times = QtCore.QRect(0, down, area.left() - _GAP, height)
            painter.drawText(times, QtCore.Qt.AlignRight, f"{'-' if age else ''}{text} s")
        low, high = self._range
        painter.drawText(
            QtCore.QRect(area.left(), area.bottom() + _GAP + height, area.width(), height),
            QtCore.Qt.AlignHCenter,
            f"MHz; shades from {low:.0f} to {high:.0f} dBFS",
        )


def picture(levels: np.ndarray) -> tuple[QtGui.QImage, tuple[float, float]]:
    """levels float32 [rows, bins] in dB, NaN for nothing -> image, and the levels of its first and last shade."""
    known = levels[np.isfinite(levels)]
    low, high = np.percentile(known, [_WEAKEST, _STRONGEST]) if known.size else (0.0, 0.0)
    high = max(high, low + _LEAST_RANGE)
    scaled = np.nan_to_num((levels - low) * (255 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    shades = np.ascontiguousarray(scaled.clip(0, 255).astype(np.uint8))
    rows, bins = shades.shape
    image = QtGui.QImage(shades.data, bins, rows, bins, QtGui.QImage.Format_Indexed8)
    image.setColorTable(_SHADE_TABLE)
    return image.copy(), (float(low), float(high))  # a copy: the image does not own the array


def _shade_table() -> list[int]:
    places, shades = np.linspace(0, 1, len(SHADES)), np.linspace(0, 1, 256)
    channels = np.array([np.interp(shades, places, channel) for channel in zip(*SHADES, strict=True)], int)
    return [QtGui.qRgb(*color) for color in channels.T.tolist()]


_SHADE_TABLE = _shade_table()
