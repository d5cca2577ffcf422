# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Image Inference and the presets over images, in flowgraphs."""

import threading

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import Collector, RuleBundle
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.images import image_messages
from gnuradio.wfm.images.image_queue import ImageQueue
from gnuradio.wfm.inference.hot_swap import BundleSwap
from image_bundles import ACTIVITY, POSITION, SHAPE, ImageRule, Sender, image, image_contract
from waiting import wait_for

from wfm_core import load_bundle
from wfm_core.base.errors import WfmError
from wfm_core.bundle import build_network, parse_contract, save_model_folder
from wfm_core.signal import build_preprocessor

PORTS = ("detects", "status", "events", "embeddings")


def run(block, messages, ports=PORTS) -> dict[str, Collector]:
    """Send messages to the block's `images`, to the end of all."""
    top, collectors = gr.top_block(), {}
    sender = Sender(messages)
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", block, "images")
    for port in ports:
        collectors[port] = Collector()
        top.msg_connect(block, port, collectors[port], "in")
    top.run()
    return collectors


def image_model(folder, tasks=ACTIVITY, seed=0, **changes):
    """A model folder with random weights."""
    raw = image_contract(tasks, **changes)
    torch.manual_seed(seed)
    save_model_folder(folder, raw, build_network(parse_contract(raw, "test")).state_dict())
    return folder


def test_every_image_is_decided_in_order_with_its_facts():
    block = wfm.image_inference(ImageRule(), sample_rate=100.0, policy="lossless", batch=4)
    count = 300  # more than may wait
    sent = [image(n % 3, n, rx_time=(n, 0.25), rx_freq=5.18e9, lost_so_far=n // 10) for n in range(count)]
    ports = run(block, sent)
    found = ports["detects"].detections()
    assert [d.sample_start for d in found] == [8 * n for n in range(count)]
    assert [d.decision["index"] for d in found] == [n % 3 for n in range(count)]
    assert (found[7].task, found[7].sample_count, found[7].rx_time, found[7].rx_freq) == (
        "activity",
        8,
        (7, 0.25),
        5.18e9,
    )
    fields = pmt.to_python(pmt.car(ports["detects"].messages[0]))
    assert fields["late"] is True and fields["out_of_range"] is False
    assert len(ports["embeddings"].messages) == count
    last = ports["status"].dicts()[-1]
    assert (last["ended"], last["windows_inferred"], last["windows_dropped"], last["samples_in"]) == (
        True,
        count,
        0,
        8 * count,
    )
    assert last["coverage"] == 1.0 and last["samples_lost"] == (count - 1) // 10 and block.error() == ""


def test_it_answers_as_the_bundle_does(tmp_path):
    """A real bundle: amplitudes go through the contract's own CsiImage."""
    model = image_model(tmp_path / "model")
    pixels = np.random.default_rng(1).rayleigh(1, (5, *SHAPE)).astype(np.float32)
    sent = [image_messages.image_pdu(image_messages.Image(p, 8 * n, 8)) for n, p in enumerate(pixels)]
    found = run(wfm.image_inference(str(model), policy="lossless"), sent)["detects"].detections()
    wanted = load_bundle(model).infer_image(pixels)["activity"]
    got = [list(d.decision["probabilities"].values()) for d in found]
    assert np.allclose(got, wanted, atol=1e-2)
    assert np.ptp(wanted, axis=0).max() > 0, "images that are all answered alike would prove nothing"
    assert build_preprocessor(image_contract(ACTIVITY)["signal"])(torch.from_numpy(pixels)).shape[1:] == (1, 16, 16)


def test_messages_of_other_shapes_are_counted_and_ignored():
    block = wfm.image_inference(ImageRule(), policy="lossless")
    strange = [
        pmt.intern("x"),
        pmt.PMT_NIL,
        pmt.to_pmt({"shape": [1, 6, 8]}),
        pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(48, [0.0] * 48)),
        pmt.cons(
            pmt.to_pmt({"shape": [1, 6, 8], "sample_start": 0, "sample_count": 8}), pmt.init_f32vector(3, [0.0] * 3)
        ),
        pmt.cons(pmt.to_pmt({"shape": [1, 6, 8]}), pmt.init_f32vector(48, [0.0] * 48)),
        pmt.cons(pmt.to_pmt({"shape": [1, -6, -8]}), pmt.init_f32vector(48, [0.0] * 48)),
        image(1, shape=(1, 8, 6)),
        image(1, shape=(2, 6, 8)),
    ]
    ports = run(block, [image(1, 0), *strange, image(2, 1)])
    assert [d.decision["label"] for d in ports["detects"].detections()] == ["walk", "wave"]
    assert ports["status"].dicts()[-1]["images_refused"] == len(strange)


def test_live_drops_the_oldest_and_counts_them():
    go = threading.Event()
    block = wfm.image_inference(ImageRule(before_infer=lambda _: go.wait(20)), policy="live", batch=1)
    top, sink = gr.top_block(), Collector()
    sender = Sender([image(n % 3, n) for n in range(200)])
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", block, "images")
    top.msg_connect(block, "detects", sink, "in")
    top.start()
    wait_for(lambda: block.status()["windows_in"] == 200)
    go.set()
    top.wait()
    status = block.status()
    assert status["windows_dropped"] == 200 - status["windows_inferred"] > 100
    assert sink.detections()[-1].sample_start == 8 * 199, "the newest is there"


def test_a_failure_is_told_and_ends_the_block():
    def fail(_):
        raise RuntimeError("no such thing")

    block = wfm.image_inference(ImageRule(before_infer=fail), policy="lossless", batch=1)
    ports = run(block, [image(0, n) for n in range(100)])
    assert block.error() == "RuntimeError: no such thing"
    assert ports["events"].dicts()[0]["event"] == "error"
    assert ports["status"].dicts()[-1]["error"] == block.error()
    assert ports["detects"].messages == []


def test_a_run_may_end_before_the_worker_starts_and_leaves_nothing_to_the_next():
    queue, one = ImageQueue(4, False, SHAPE, 100.0), image_messages.read_image(image(1))
    queue.open()
    queue.put(one)
    queue.end_input()
    queue.open()  # the worker, late
    assert queue.take(9, 1000).count == 1 and queue.take(9, 1000).count == 0
    queue.close()
    queue.put(one)
    assert queue.counters()["windows_dropped"] == 1
    queue.open()
    assert queue.take(9, 1) is None, "neither an image nor the end of the last run"
    assert queue.counters()["windows_in"] == 0


@pytest.mark.parametrize("policy", ["live", "lossless"])
def test_finish_decides_the_images_that_wait_and_drops_those_that_come(policy):
    going = threading.Event()
    block = wfm.image_inference(ImageRule(before_infer=lambda _: going.wait(10)), policy=policy, batch=2)
    top, found, speaker = gr.top_block(), Collector(), Collector()
    top.msg_connect(speaker, "out", block, "images")
    top.msg_connect(block, "detects", found, "in")
    top.start()
    for n in range(9):
        speaker.say(image(1, n))
    wait_for(lambda: block.status()["windows_in"] == 9)
    block.finish()
    speaker.say(image(1, 9))
    wait_for(lambda: block.status()["windows_in"] == 10)
    going.set()
    wait_for(lambda: block.status()["ended"])
    status = block.status()
    top.stop()
    top.wait()
    assert (status["ended"], status["windows_inferred"], status["windows_dropped"]) == (True, 9, 1)
    assert [d.sample_start for d in found.detections()] == [8 * n for n in range(9)]


def test_images_that_wait_for_room_when_it_finishes_are_decided():
    queue, one = ImageQueue(1, True, SHAPE, 100.0), image_messages.read_image(image(1))
    queue.put(one)
    late = threading.Thread(target=queue.put, args=(one,))
    late.start()
    wait_for(lambda: queue.counters()["windows_in"] == 2)
    queue.end(drain=True)
    assert [queue.take(1, 1000).count for _ in range(3)] == [1, 1, 0]
    late.join()
    assert queue.counters()["windows_dropped"] == 0


def test_it_runs_again():
    block = wfm.image_inference(ImageRule(), policy="lossless")
    top, sink = gr.top_block(), Collector()
    sender = Sender([image(1, n) for n in range(20)])
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", block, "images")
    top.msg_connect(block, "detects", sink, "in")
    for times in (1, 2, 3):
        top.run()
        assert len(sink.messages) == 20 * times and block.status()["windows_inferred"] == 20


def test_control_and_swap(tmp_path):
    first, second = (image_model(tmp_path / name, seed=seed) for seed, name in enumerate("ab"))
    block = wfm.image_inference(str(first))
    for key in ("hop", "gate_dbfs"):
        with pytest.raises(ValueError, match="the block that makes the images has that"):
            block.engine.control(key, 0)
    block.set_threshold(0.9)
    block.set_bundle(str(second))
    block.engine.swap.join()
    assert block.engine.swap.take_next().path == second
    other, told = image_model(tmp_path / "c", shape=(1, 6, 9)), []
    swap = BundleSwap(block.engine.swap.current, 16, 1, lambda *event: told.append(event))
    swap.request(str(other))
    swap.join()
    assert told[0][0] == "refused" and "(1, 6, 9)" in told[0][1]


def test_what_cannot_be_served_is_refused():
    with pytest.raises(WfmError, match="takes iq input, this block feeds images: use WFM Inference"):
        wfm.image_inference(RuleBundle())
    with pytest.raises(WfmError, match="takes image input, this block feeds IQ: use WFM Image Inference"):
        wfm.inference(ImageRule())
    for bad in ({"policy": "fast"}, {"sample_rate": 0.0}, {"batch": 0}, {"tasks": "position"}):
        with pytest.raises(WfmError):
            wfm.image_inference(ImageRule(), **bad)


def test_activity_sensor_says_what_went_on():
    block = wfm.activity_sensor(ImageRule(), packet_rate=100.0, policy="lossless", windows=3)
    spelled = "0001000111101111000022"
    ports = run(block, [image(int(c), n) for n, c in enumerate(spelled)], ("detects", "events", "status", "notices"))
    assert len(ports["detects"].messages) == len(spelled)
    events = ports["events"].dicts()
    assert [(e["event"], e["label"], e["sample_start"] // 8, e["sample_count"] // 8) for e in events] == [
        ("begin", "walk", 7, 3),
        ("end", "walk", 7, 9),
    ]
    assert events[-1]["duration"] == pytest.approx(9 * 8 / 100) and events[-1]["task"] == "activity"
    two = wfm.activity_sensor(ImageRule(), windows=2, background="", policy="lossless")
    events = run(two, [image(int(c), n) for n, c in enumerate("0022")], ("events",))["events"].dicts()
    assert [(e["event"], e["label"]) for e in events] == [
        ("begin", "empty"),
        ("end", "empty"),
        ("begin", "wave"),
        ("end", "wave"),
    ]


def test_positioner_averages_and_begins_anew_after_a_gap():
    block = wfm.positioner(ImageRule(POSITION), policy="lossless", windows=2, max_gap=64)
    sent = [image(x, n) for x, n in ((1, 0), (3, 1), (5, 2), (100, 30), (102, 31))]
    ports = run(block, sent, ("detects", "positions", "status"))
    raw, smooth = ([d.decision["position"] for d in ports[name].detections()] for name in ("detects", "positions"))
    assert [p[0] for p in raw] == [1, 3, 5, 100, 102]
    assert [p[0] for p in smooth] == [1, 2, 4, 100, 101]
    assert smooth[0] == [1, 2, 1] and ports["positions"].detections()[0].task == "position"


def test_presets_refuse_bundles_of_other_tasks():
    with pytest.raises(WfmError, match="has the tasks activity, position is expected here"):
        wfm.positioner(ImageRule())
    with pytest.raises(WfmError, match="has the tasks interference, activity is expected here"):
        wfm.activity_sensor(RuleBundle())
    with pytest.raises(WfmError, match="smoothing over 0 windows"):
        wfm.positioner(ImageRule(POSITION), windows=0)


def test_strangers_messages_end_no_preset():
    block = wfm.positioner(ImageRule(POSITION), policy="lossless", windows=1)
    for message in (pmt.intern("x"), pmt.PMT_NIL, pmt.cons(pmt.PMT_NIL, pmt.init_f32vector(1, [0.5]))):
        block.smoother.to_basic_block()._post(pmt.intern("detects"), message)
    assert len(run(block, [image(4, 0)], ("positions",))["positions"].messages) == 1
