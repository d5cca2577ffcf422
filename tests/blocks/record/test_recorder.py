# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Recorder: which samples are in which file, and what the metadata say of them."""

import json

import numpy as np
import pmt
import pytest
from gnuradio import wfm
from recorder_harness import RATE, Session, ramp
from waiting import wait_for

from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.recording import open_recording

TIME = pmt.make_tuple(pmt.from_uint64(1_800_000_000), pmt.from_double(0.25))


def test_a_stream_is_recorded_from_its_first_sample_to_its_last(tmp_path):
    with Session(tmp_path, channels=3, recording=True, label="nr") as session:
        session.feed(50_001)
    assert session.starts() == [(0, 50_001)]
    (recording,) = session.recordings()
    assert (recording.sample_rate, recording.channels, recording.datatype) == (RATE, 3, "cf32_le")
    assert [(a.sample_start, a.sample_count, a.label) for a in recording.annotations] == [(0, 50_001, "nr")]
    assert recording.rx_time_at(0)[0] > 1_700_000_000, "the host's clock where the radio has none"
    counters = session.recorder.counters()
    assert (counters["samples_in"], counters["samples_recorded"]) == (50_001, 50_001)
    assert session.events.dicts()[0]["event"] == "begin"


def test_start_label_and_stop_by_message(tmp_path):
    with Session(tmp_path) as session:
        session.feed(1000)
        session.send({"start": True})
        session.feed(500)
        session.send({"label": "lte"})
        session.feed(300)
        session.recorder.to_basic_block()._post(pmt.intern("control"), pmt.cons(pmt.intern("stop"), pmt.PMT_T))
        session.feed(1000)
        session.send({"start": "nr"})
        session.feed(10)
    assert sorted(session.starts()) == [(1000, 500), (1500, 300), (2800, 10)]
    labels = {r.samples: {a.label for a in r.annotations} for r in session.recordings()}
    assert labels == {500: set(), 300: {"lte"}, 10: {"nr"}}
    said = [(m["event"], m["label"], m["sample_start"]) for m in session.events.dicts()]
    assert said[:3] == [("begin", "", 1000), ("end", "", 1000), ("begin", "lte", 1500)]


def test_start_label_and_stop_by_callback(tmp_path):
    with Session(tmp_path, recording=True) as session:
        session.feed(100)
        session.recorder.set_label("lte")
        session.feed(100)
        session.recorder.set_recording(False)
        session.feed(100)
        session.recorder.set_recording(True)
        session.feed(100)
    assert sorted(session.starts()) == [(0, 100), (100, 100), (300, 100)]


def test_the_pre_trigger_is_recorded_but_no_sample_twice(tmp_path):
    with Session(tmp_path, pre_trigger=0.01) as session:  # 1000 samples
        session.feed(400_000)  # around the ring
        session.send({"start": "a"})
        session.feed(50)
        session.send({"stop": True})
        session.feed(20)
        session.send({"start": "b"})
        session.feed(30)
    assert session.starts() == [(399_000, 1050), (400_050, 50)]


def test_an_early_start_has_only_the_samples_there_are(tmp_path):
    with Session(tmp_path, pre_trigger=1.0) as session:
        session.feed(77)
        session.send({"start": True})
        session.feed(3)
    assert session.starts() == [(0, 80)]


def test_events_of_a_tracker_start_and_stop(tmp_path):
    with Session(tmp_path, pre_trigger=1e-3) as session:
        session.feed(1000)
        session.send({"event": "begin", "label": "dsss-bpsk", "score": 0.9}, "trigger")
        session.feed(200)
        session.send({"event": "end", "label": "dsss-bpsk", "score": 0.9}, "trigger")
        session.feed(1000)
        for nonsense in ({"event": "begin"}, {"event": "middle", "label": "x"}, 7, {"event": 1, "label": 2}):
            session.send(nonsense, "trigger")
        session.feed(1)
    assert session.starts() == [(900, 300)]
    assert session.recordings()[0].annotations[0].label == "dsss-bpsk"
    assert session.recorder.counters()["refused"] == 4


def test_rotation_loses_no_sample(tmp_path):
    with Session(tmp_path, channels=2, recording=True, rotate_mb=0.016) as session:  # 1000 samples of 16 bytes
        session.feed(2500)
        session.feed(0)
    assert session.starts() == [(0, 1000), (1000, 1000), (2000, 500)]
    times = [r.rx_time_at(0) for r in session.recordings()]
    assert times[1][0] - times[0][0] + times[1][1] - times[0][1] == pytest.approx(0.01, abs=1e-7)


def test_sixteen_bit_integers_at_full_scale_one(tmp_path):
    with Session(tmp_path, channels=2, recording=True, datatype="ci16_le") as session:
        session.feed(5000)
    (recording,) = session.recordings()
    assert recording.datatype == "ci16_le"
    assert abs(recording.read(0, 5000) - ramp(0, 5000, 2)).max() <= 0.5001 / 32768


def test_a_comment_is_on_the_sample_now_recorded(tmp_path):
    with Session(tmp_path) as session:
        session.feed(100)
        session.send({"annotate": "nobody records"})
        session.send({"start": True, "annotate": 'door "opens"\n\t\\ é 門'})
        session.feed(100)
        session.send({"annotate": "door closes"})
        session.feed(100)
    (recording,) = session.recordings()
    entries = json.loads(recording.meta_path.read_text())["annotations"]
    assert [(e["core:sample_start"], e["core:comment"]) for e in entries] == [
        (0, 'door "opens"\n\t\\ é 門'),
        (99, "door closes"),
    ]
    assert all(a.label == "" for a in recording.annotations)


def test_a_retune_and_a_jump_in_time_begin_a_capture(tmp_path):
    later = pmt.make_tuple(pmt.from_uint64(1_800_000_010), pmt.from_double(0.0))
    tags = [
        (0, 0, "rx_time", TIME),
        (0, 0, "rx_freq", pmt.from_double(1.8e9)),
        (0, 1000, "rx_freq", pmt.from_double(2.4e9)),
        (0, 1500, "rx_time", later),
        (0, 1600, "rx_freq", pmt.from_double(2.4e9)),  # no news
    ]
    with Session(tmp_path, tags=tags, recording=True, label="x") as session:
        session.feed(2000)
    (recording,) = session.recordings()
    assert session.starts() == [(0, 2000)]
    assert [(c.sample_start, c.center_freq) for c in recording.captures] == [(0, 1.8e9), (1000, 2.4e9), (1500, 2.4e9)]
    assert recording.captures[0].rx_time == (1_800_000_000, 0.25)
    assert recording.captures[1].rx_time == (1_800_000_000, 0.26)
    assert recording.captures[2].rx_time == (1_800_000_010, 0.0)
    assert recording.breaks == [1000, 1500]
    assert [(a.sample_start, a.sample_count) for a in recording.annotations] == [(0, 1000), (1000, 500), (1500, 500)]


def test_samples_that_a_radio_lost_are_counted_in_the_global_index(tmp_path):
    """As `wfm_lost` tells them; events and marks count the samples that came."""
    tags = [
        (channel, sample, "wfm_lost", pmt.from_uint64(lost))
        for channel in (0, 1)
        for sample, lost in ((300, 50), (700, 0))
    ]
    with Session(tmp_path, 2, [*tags, (1, 900, "wfm_lost", pmt.from_uint64(7))], recording=True) as session:
        session.feed(1000)
    (recording,) = session.recordings()
    captures = json.loads(recording.meta_path.read_text())["captures"]
    places = [(c["core:sample_start"], c["core:global_index"], c.get("wfm:stream_index")) for c in captures]
    assert places == [(0, 0, None), (300, 350, 300), (700, 750, 700), (900, 957, 900)]
    lost = recording.timeline.lost
    assert (lost[300], lost[900]) == (50, 7)
    annotate(recording.meta_path, [Mark(290, 310, "a", "t", "c")], in_stream=True)
    assert [(a.sample_start, a.sample_count) for a in open_recording(recording.meta_path).annotations] == [(290, 20)]


def test_a_loss_beyond_all_counting_leaves_valid_sigmf(tmp_path):
    tags = [(0, sample, "wfm_lost", pmt.from_uint64(2**64 - 1)) for sample in (10, 20)]
    with Session(tmp_path, 1, tags, recording=True) as session:
        session.feed(100)
    (recording,) = session.recordings()
    indices = [capture.global_index for capture in recording.captures]
    assert indices == [0, 2**62 + 10, 2**62 + 20]


def test_another_sample_rate_begins_another_file(tmp_path):
    tags = [(0, 700, "rx_rate", pmt.from_double(2e5)), (0, 900, "rx_rate", pmt.from_double(-3.0))]
    with Session(tmp_path, tags=tags, recording=True) as session:
        session.feed(1000)
    assert session.starts() == [(0, 700), (700, 300)]
    assert [r.sample_rate for r in session.recordings()] == [1e5, 2e5]


def test_a_rate_that_sigmf_cannot_hold_ends_the_recording(tmp_path):
    with Session(tmp_path, tags=[(0, 700, "rx_rate", pmt.from_double(1e13))], recording=True) as session:
        session.feed(1000)
        # What it says after the stream's end may be lost.
        wait_for(lambda: any(m["event"] == "error" for m in session.events.dicts()))
    assert session.starts() == [(0, 700)]
    assert session.recorder.counters()["failures"] == 1
    assert "sample rate" in next(m["text"] for m in session.events.dicts() if m["event"] == "error")


def test_channels_that_disagree_are_not_recorded(tmp_path):
    freq = [(channel, sample, "rx_freq", pmt.from_double(2.4e9)) for channel, sample in ((0, 100), (1, 400))]
    first = [(channel, 0, "rx_freq", pmt.from_double(1.8e9)) for channel in (0, 1)]
    with Session(tmp_path, channels=2, tags=[*first, *freq], recording=True) as session:
        session.feed(1000)
    (recording,) = session.recordings()
    assert recording.samples == 700
    assert np.array_equal(recording.read(100, 600), ramp(400, 600, 2))
    assert [(c.sample_start, c.center_freq) for c in recording.captures] == [(0, 1.8e9), (100, 2.4e9)]
    assert recording.breaks == [100]
    assert session.recorder.counters()["samples_unaligned"] == 300


def test_a_radio_whose_clock_is_not_set_gets_the_hosts_date(tmp_path):
    tags = [(0, 0, "rx_time", pmt.make_tuple(pmt.from_uint64(5), pmt.from_double(0.9)))]
    tags.append((0, 100, "rx_time", pmt.make_tuple(pmt.from_uint64(8), pmt.from_double(0.2))))
    with Session(tmp_path, tags=tags, recording=True) as session:
        session.feed(200)
    first, second = (c.rx_time for c in session.recordings()[0].captures)
    assert first[0] > 1_700_000_000
    assert second[0] - first[0] + second[1] - first[1] == pytest.approx(2.3, abs=5e-9)


ODD = ["a/b", "../../etc/passwd", ".hidden", "  ", "門🚪", "x" * 200, 'con:*?"<>|', "line\nbreak", "tab\t", "\x00"]


@pytest.mark.parametrize("label", ODD, ids=range(len(ODD)))
def test_odd_labels_are_kept_and_file_names_are_safe(tmp_path, label):
    with Session(tmp_path) as session:
        session.send({"start": label})
        session.feed(10)
    (recording,) = session.recordings()
    assert recording.annotations[0].label == label
    assert recording.meta_path.name.isascii() and set(recording.meta_path.name) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )
    assert len(recording.meta_path.name) < 100


def nested(depth: int) -> pmt.pmt_base:
    value = pmt.PMT_NIL
    for _ in range(depth):
        value = pmt.make_tuple(value)
    return value


MALFORMED = [
    pmt.PMT_NIL, pmt.PMT_T, pmt.from_long(3), pmt.intern("start"), pmt.make_vector(3, pmt.PMT_T), pmt.make_dict(),
    pmt.cons(pmt.intern("start"), pmt.from_long(1)), pmt.cons(pmt.intern("stop"), pmt.PMT_F),
    pmt.cons(pmt.from_long(1), pmt.PMT_T), pmt.cons(pmt.PMT_T, pmt.PMT_T), pmt.cons(pmt.intern("stop"), pmt.PMT_NIL),
    pmt.to_pmt({"start": True, "stop": True}), pmt.to_pmt({"start": True, "shout": True}),
    pmt.to_pmt({"label": "x" * 201, "start": True}), pmt.to_pmt({"label": 3}), pmt.to_pmt({"annotate": True}),
    pmt.init_u8vector(2, [1, 2]), nested(1000), pmt.cons(pmt.intern("label"), nested(1000)),
    pmt.cons(nested(1000), pmt.PMT_T), pmt.to_pmt({"label": [1.0] * 100_000}),
    pmt.cons(pmt.make_dict(), pmt.init_f32vector(1, [1.0])), pmt.to_pmt({3: "x"}),
]  # fmt: skip


def test_malformed_messages_are_counted_told_and_ignored(tmp_path):
    with Session(tmp_path) as session:
        for message in MALFORMED:
            session.recorder.to_basic_block()._post(pmt.intern("control"), message)
        session.feed(100)
        assert not session.recorder.recording()
        session.send({"start": True})
        session.feed(10)
    assert session.starts() == [(100, 10)]
    assert session.recorder.counters()["refused"] == len(MALFORMED)
    refused = [m for m in session.events.dicts() if m["event"] == "refused"]
    assert len(refused) == len(MALFORMED) and all("expected" in m["text"] for m in refused)
    assert max(len(m["text"]) for m in refused) < 300


def test_existing_files_are_left_alone(tmp_path):
    for _ in range(3):
        with Session(tmp_path, recording=True, label="same") as session:
            session.feed(10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 6
    with Session(tmp_path, recording=True, label="same") as session:
        session.feed(20)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(session.recordings()) == 4


def test_two_recorders_of_one_name_take_turns_with_the_numbers(tmp_path):
    with Session(tmp_path, recording=True, rotate_mb=0.0008) as one, Session(tmp_path, recording=True) as other:
        for _ in range(10):
            one.feed(250)
            other.feed(250)
    assert sum(count for _, count in one.starts()) == 5000
    assert one.recorder.counters()["failures"] == other.recorder.counters()["failures"] == 0


def test_whoever_sees_metadata_sees_a_whole_recording(tmp_path):
    """The metadata come last: it is looked for all the time while many files begin."""
    seen = set()

    def look() -> None:
        for path in set(tmp_path.glob("*.sigmf-meta")) - seen:
            assert open_recording(path).captures[0].sample_start == 0
            seen.add(path)

    with Session(tmp_path, channels=3, recording=True, label="x", rotate_mb=0.0024) as session:  # of 100 samples each
        for _ in range(5):
            session.source.allowed += 1000
            until = session.source.allowed
            while session.recorder.counters()["samples_recorded"] < until:
                look()
    look()
    assert len(seen) == 50


def test_a_flowgraph_that_starts_again_records_again(tmp_path):
    with Session(tmp_path, recording=True) as session:
        session.feed(100)
        session.top.stop()
        session.top.wait()
        session.source.allowed = 0
        session.top.start()
        session.feed(50)
    assert session.starts() == [(0, 100), (0, 50)]


def test_status_has_the_counts(tmp_path):
    with Session(tmp_path, recording=True) as session:
        session.feed(100)
    first = session.status.dicts()[0]
    assert set(first) == {*session.recorder.counters(), "recording", "path", "error"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 0}, {"channels": 65}, {"sample_rate": 0.0}, {"sample_rate": float("nan")}, {"sample_rate": 1e13},
        {"prefix": ""}, {"prefix": "a/b"}, {"prefix": ".a"}, {"label": "x" * 201}, {"pre_trigger": -1.0},
        {"pre_trigger": 1e9}, {"rotate_mb": -1.0}, {"datatype": "ru8"}, {"queue": 0.0}, {"queue": float("inf")},
    ],
    ids=str,
)  # fmt: skip
def test_parameters_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected"):
        wfm.recorder(**{"channels": 1, "sample_rate": 1e6, "folder": str(tmp_path), **wrong})


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="cannot be made or written"):
        wfm.recorder(1, 1e6, str(tmp_path / "file" / "folder"))
