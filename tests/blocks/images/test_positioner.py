# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Positioner with a bundle that knows no place: points are surveyed while the flowgraph runs."""

import numpy as np
import pmt
import pytest
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm
from image_bundles import POSITION, SHAPE, ImageRule, Sender, image, image_contract
from waiting import wait_for

from wfm_core.base.errors import WfmError
from wfm_core.bundle import parse_contract
from wfm_core.model.survey import Survey


class PlaceRule(ImageRule):
    """Without tasks; its embedding is a smooth function of an image's first pixel, metres from a wall."""

    def __init__(self):
        super().__init__()
        self.contract = parse_contract(image_contract({}, embedding="mean"), "test")

    def infer_image(self, images: np.ndarray) -> dict[str, np.ndarray]:
        first = images[:, 0, 0, 0]
        waves = np.sin(first[:, None] * np.linspace(0.05, 0.3, 32) + np.arange(32))
        return {"first": first.copy(), "embedding_image": waves.astype(np.float32)}

    def decide(self, outputs, i: int, threshold: float | None = None) -> dict[str, dict]:
        return {}


class RunningPositioner:
    """A positioner in a flowgraph of its own, with what is sent to it and what it tells."""

    def __init__(self, **options):
        self.block, self.top = wfm.positioner(PlaceRule(), policy="lossless", windows=1, **options), gr.top_block()
        self.speakers = {name: Collector() for name in ("images", "survey")}
        self.told = {name: Collector() for name in ("positions", "surveyed", "detects")}
        for name, speaker in self.speakers.items():
            self.top.msg_connect(speaker, "out", self.block, name)
        for name, collector in self.told.items():
            self.top.msg_connect(self.block, name, collector, "in")
        self.top.start()

    def say(self, port: str, message) -> None:
        self.speakers[port].say(message)

    def order(self, message: dict) -> dict:
        """An order of the survey; the event that answers it."""
        before = len(self.told["surveyed"].messages)
        self.say("survey", pmt.to_pmt(message))
        wait_for(lambda: len(self.told["surveyed"].messages) > before)
        return self.told["surveyed"].dicts()[before]

    def place_of(self, metres: float) -> list[float]:
        before = len(self.told["positions"].messages)
        self.say("images", image(metres, 1000 * before))
        wait_for(lambda: len(self.told["positions"].messages) > before)
        return self.told["positions"].detections()[before].decision["position"]

    def end(self) -> None:
        self.top.stop()
        self.top.wait()


def test_positioner_surveys_points_and_tells_places_between_them(tmp_path):
    running = RunningPositioner()
    for number, metres in enumerate((0.0, 2.0, 4.0, 6.0, 8.0)):
        assert running.order({"point": [metres, 1.0, 1.5]})["event"] == "enrolling"
        for n in range(5):
            running.say("images", image(metres + 0.02 * n, 5 * number + n))
        wait_for(lambda number=number: len(running.told["surveyed"].messages) == 2 * number + 2)
    x, y, z = running.place_of(5.0)
    assert abs(x - 5) < 0.3 and (y, z) == pytest.approx((1.0, 1.5))
    assert pmt.to_python(pmt.car(running.told["detects"].messages[0]))["uncertainty"] < 2
    path = str(tmp_path / "room.safetensors")
    assert running.order({"save": path})["event"] == "saved"
    running.end()
    later = RunningPositioner(survey=path)
    assert abs(later.place_of(3.0)[0] - 3) < 0.3
    later.end()


def test_who_surveys_may_end_before_the_last_images_are_located(tmp_path):
    survey = Survey()
    for metres in range(0, 10, 2):
        survey.enrol(
            [metres, 1.0], PlaceRule().infer_image(np.full((3, *SHAPE), metres, np.float32))["embedding_image"]
        )
    survey.save(tmp_path / "room.safetensors")
    block = wfm.positioner(PlaceRule(), policy="lossless", windows=1, survey=str(tmp_path / "room.safetensors"))
    top, found = gr.top_block(), Collector()
    images, surveyor = Sender([image(5.0, n) for n in range(300)]), Sender([pmt.to_pmt({"forget": [0.0, 1.0]})])
    for sender, port in ((images, "images"), (surveyor, "survey")):
        top.connect(sender, blocks.null_sink(1))
        top.msg_connect(sender, "out", block, port)
    top.msg_connect(block, "positions", found, "in")
    top.run()
    assert len(found.messages) == 300 and block.head.status()["points"] == 4


def test_positioner_that_knows_its_place_takes_no_survey():
    with pytest.raises(WfmError, match="knows its place"):
        wfm.positioner(ImageRule(POSITION), survey="room.safetensors")
    with pytest.raises(WfmError, match="no survey"):
        wfm.positioner(PlaceRule(), survey="/nowhere/room.safetensors")
    assert wfm.positioner(ImageRule(POSITION)).head is None
