# SPDX-License-Identifier: GPL-3.0-or-later
"""display.py EXAMPLE SOURCE SECONDS FILE: the window of examples/EXAMPLE.py after so much of the source, as a PNG."""

import sys
import threading
from importlib import import_module
from pathlib import Path

from PyQt5 import Qt

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

POLL_MS, SETTLE_MS = 200, 1000
WIDTH, HEIGHT = 860, 640


def main(example: str, source: str, seconds: str, path: str) -> int:
    application = Qt.QApplication(sys.argv[:1])
    # lossless: the picture is the same however busy the machine is
    window = getattr(import_module(example), example)(source=source, duration=float(seconds), policy="lossless")
    window.resize(WIDTH, HEIGHT)
    window.show()
    window.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (window.wait(), ended.set()), daemon=True).start()
    written = []

    def shoot() -> None:
        written.append(window.grab().save(path))
        application.quit()

    def look() -> None:
        if ended.is_set():
            timer.stop()
            Qt.QTimer.singleShot(SETTLE_MS, shoot)

    timer = Qt.QTimer()
    timer.timeout.connect(look)
    timer.start(POLL_MS)
    application.exec_()
    window.close()
    return 0 if written == [True] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
