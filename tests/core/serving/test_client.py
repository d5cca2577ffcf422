# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle at a server answers as it does here; what is asked wrongly is refused with a sentence."""

import json
import re
import shutil
import subprocess
import threading
import time

import grpc
import numpy as np
import pytest
from flowgraph_helpers import WINDOW, contract, noise
from image_bundles import estimates_bundle
from serving_parts.fixtures import loaded_as
from serving_parts.proxy import AnyService
from serving_parts.server import LocalServed, ServerThread

from wfm_core.base.errors import WfmError
from wfm_core.serving import protocol
from wfm_core.serving.remote import OtherBundleError, Remote, UnansweredError, open_remote
from wfm_core.serving.server import Access, check_access
from wfm_core.serving.service import Service
from wfm_core.serving.wire import iq_message


def windows(count: int, antennas: int = 2) -> np.ndarray:
    return noise(antennas, count * WINDOW).reshape(antennas, count, WINDOW).swapaxes(0, 1).copy()


def test_it_answers_as_the_bundle_does_here(server):
    there = open_remote("tiny", server.device, 0.0)
    here = loaded_as(there)
    assert isinstance(there, Remote) and not isinstance(here, Remote)
    assert there.contract.raw == here.contract.raw and str(there.device) == server.device
    there.warm(4, 2)
    batch = windows(5)
    ours, theirs = here.infer(batch), there.infer(batch)
    assert list(ours) == list(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert there.decide(theirs, 3, 0.5) == here.decide(ours, 3, 0.5)
    waited, travelled = there.spent()
    assert waited >= 0 and travelled > 0


def test_more_windows_than_a_message_takes_go_in_several(server, served):
    there = open_remote("tiny", server.device, 0.0)
    before = served["tiny"].asked
    batch = windows(130)
    found = there.infer(batch)["interference"]
    assert served["tiny"].asked - before == 3, "64 at once"
    assert np.allclose(found, loaded_as(there).infer(batch)["interference"], atol=1e-5)


def test_ci16_answers_nearly_the_same(server):
    batch = windows(8)
    there = open_remote("tiny", f"{server.device}?format=ci16", 0.0)
    rough = there.infer(batch)["interference"]
    assert np.allclose(rough, loaded_as(there).infer(batch)["interference"], atol=1e-3)


def test_wrong_windows_are_refused_before_they_travel(server, served):
    there = open_remote("tiny", server.device, 0.0)
    before = served["tiny"].asked
    with pytest.raises(WfmError, match="windows of 100 samples"):
        there.infer(np.zeros((1, 1, 100), np.complex64))
    assert served["tiny"].asked == before


def test_another_bundle_over_the_same_line(server):
    there = open_remote("tiny", server.device, 0.0).beside("other")
    assert there.contract.name == "other"
    batch = windows(2)
    found = there.infer(batch)["interference"]
    assert np.allclose(found, loaded_as(there).infer(batch)["interference"], atol=1e-5)


def test_grids_come_back_as_grids(tmp_path, monkeypatch):
    monkeypatch.setenv("WFM_BUNDLES", str(tmp_path))
    estimates_bundle(tmp_path)
    pilots = np.random.default_rng(1).standard_normal((3, 2, 4, 3)).astype(np.float32)
    with ServerThread(Service({"task": LocalServed("task")})) as server:
        there = open_remote("task", server.device, 0.0)
        there.warm(2, 1)
        found = there.infer_image(pilots)["channel_estimate"]
    assert found.shape == (3, 2, 16, 14)
    assert np.allclose(found, loaded_as(there).infer_image(pilots)["channel_estimate"], atol=1e-5)


@pytest.mark.parametrize("name", ["absent", "../tiny", "/etc/passwd", "tiny.wfm.pt", ""])
def test_only_what_is_served_can_be_opened(server, name):
    with pytest.raises(UnansweredError, match="has no such bundle .*tiny, other are"):
        open_remote(name, server.device, 0.0)


def test_a_server_that_has_another_bundle_of_the_name_is_told_apart(server, served):
    there = open_remote("tiny", server.device, 0.0)
    swapped = Service({"tiny": served["other"]})
    server.stop()
    with ServerThread(swapped, port=server.port), pytest.raises(OtherBundleError, match="was asked for"):
        there.infer(windows(1))


def test_a_server_asks_for_its_token(served, tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("secret-1\n")
    wrong.write_text("secret-2\n")
    with ServerThread(Service(served), Access(token="secret-1")) as server:
        for device in (server.device, f"{server.device}?token={wrong}"):
            with pytest.raises(UnansweredError, match="asks for another token"):
                open_remote("tiny", device, 0.0)
        assert open_remote("tiny", f"{server.device}?token={right}", 0.0).infer(windows(1))


def test_answers_say_by_which_replica_and_engine_they_are(server, served):
    there, facts = open_remote("tiny", server.device, 0.0), served["tiny"].facts
    assert (there.engine, there.engine_reason, there.dtype) == (facts.engine, facts.engine_reason, facts.dtype)
    assert there.replica == ""
    there.infer(windows(1))
    assert (there.replica, there.origin) == ("tiny-1", f"{facts.engine} {facts.dtype}")
    served["tiny"].claims = {"replica": "tiny-2", "engine": "another", "dtype": "int8"}
    there.infer(windows(1))
    assert (there.replica, there.origin, there.engine_reason) == ("tiny-2", "another int8", "")


def test_a_server_that_says_no_engine_is_as_good(served):
    with ServerThread(description(contract(), engine="")) as older:
        there = open_remote("tiny", older.device, 0.0)
        assert (there.engine, there.origin) == ("", "fp32")
    with ServerThread(Service(served)) as server:
        there = open_remote("tiny", server.device, 0.0)
        served["tiny"].claims = {"replica": "", "engine": "", "dtype": ""}
        there.infer(windows(1))
        assert there.origin == f"{served['tiny'].facts.engine} {served['tiny'].facts.dtype}"
    served["tiny"].claims = {}


def test_a_reason_is_text_whatever_the_server_says():
    with ServerThread(description(contract(), engine_reason="\x1b[2J\n" * 1000)) as server:
        reason = open_remote("tiny", server.device, 0.0).engine_reason
    assert reason.isprintable() and len(reason) == 400


@pytest.mark.parametrize("claims", [{"replica": "\x1b[2J"}, {"engine": "x" * 81}, {"dtype": "\n"}])
def test_an_answer_by_whom_no_name_is_said(server, served, claims):
    there = open_remote("tiny", server.device, 0.0)
    served["tiny"].claims = claims
    with pytest.raises(UnansweredError, match="computed by .*names are expected"):
        there.infer(windows(1))


def test_a_slow_server_is_waited_for_until_the_deadline(server, served):
    there = open_remote("tiny", f"{server.device}?timeout=0.3", 0.0)
    served["tiny"].pause = 1.0
    with pytest.raises(UnansweredError, match="did not answer within 0.3 s"):
        there.infer(windows(1))


def test_after_some_failures_it_is_not_asked_and_then_it_is_again(server, served):
    there = open_remote("tiny", f"{server.device}?timeout=0.1", 0.0)
    served["tiny"].pause = 0.4
    for _ in range(3):
        with pytest.raises(UnansweredError, match="did not answer within 0.1 s$"):
            there.infer(windows(1))
    asked = served["tiny"].asked
    with pytest.raises(UnansweredError, match="did not answer within 0.1 s: tried again once a second"):
        there.infer(windows(1))
    assert served["tiny"].asked == asked
    served["tiny"].pause = 0.0
    assert there.beside("tiny").infer(windows(1)), "over the same line, with patience"


def test_the_end_of_a_run_ends_a_call_and_the_next_run_begins_anew(server, served):
    there = open_remote("tiny", f"{server.device}?timeout=30", 30.0)
    served["tiny"].pause = 3.0
    failed = []

    def ask():
        try:
            there.infer(windows(1))
        except UnansweredError as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asked = served["tiny"].asked
    asking.start()
    while served["tiny"].asked == asked:
        time.sleep(0.01)
    there.limit(0.1)
    asking.join(2.0)
    assert not asking.is_alive() and "the run ended before the server answered" in failed[0]
    served["tiny"].pause = 0.0
    there.limit(None)
    assert there.infer(windows(1))


def test_no_server_is_one_sentence(tmp_path):
    with pytest.raises(UnansweredError, match="^grpc://127.0.0.1:1: no server answers"):
        open_remote("tiny", "grpc://127.0.0.1:1", 0.0)


def call(server, method: str, data: bytes):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        return channel.unary_unary(method)(data, timeout=10)


def test_decisions_are_the_lines_that_evaluate_writes(server):
    request = protocol.JudgeRequest(bundle="tiny", iq=iq_message(windows(2), "cf32"), decisions=True, threshold=2.0)
    for start in (0, 7):
        place = request.places.add(sample_start=start, sample_count=WINDOW, center_freq=8e8)
        place.time.seconds, place.time.fraction = 5, 0.25
    answer = protocol.Judgement.FromString(call(server, protocol.JUDGE, request.SerializeToString()))
    lines = [json.loads(line) for line in answer.decisions]
    assert [line["sample_start"] for line in lines] == [0, 7]
    assert lines[1]["rx_time"] == [5, 0.25] and lines[1]["rx_freq"] == 8e8
    assert lines[0]["tasks"]["interference"]["label"] == "unknown", "of the request's threshold"
    request.ClearField("threshold")
    answer = protocol.Judgement.FromString(call(server, protocol.JUDGE, request.SerializeToString()))
    here = loaded_as(open_remote("tiny", server.device, 0.0))
    wanted = here.decide(here.infer(windows(2)), 1)
    assert json.loads(answer.decisions[1])["tasks"] == wanted


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xff\xff", "no message wfm.serving.v1.JudgeRequest"),
        (protocol.JudgeRequest(bundle="tiny").SerializeToString(), "with both iq and images, or none"),
        (
            protocol.JudgeRequest(bundle="tiny", iq=iq_message(np.zeros((1, 5, WINDOW), np.complex64), "cf32")),
            r"iq of shape \[5, 256\]; bundle 'tiny' takes iq of shape \[4, 256\]",
        ),
        (
            protocol.JudgeRequest(bundle="tiny", iq=iq_message(np.zeros((65, 1, WINDOW), np.complex64), "cf32")),
            "65 windows in a request; at most 64",
        ),
        (
            protocol.JudgeRequest(bundle="tiny", images={"channels": 1, "height": 1, "width": 1, "data": bytes(4)}),
            "images of shape .*takes iq",
        ),
        (
            protocol.JudgeRequest(
                bundle="tiny", iq=iq_message(np.zeros((1, 1, WINDOW), np.complex64), "cf32"), places=[{}, {}]
            ),
            "2 places of 1 windows",
        ),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_a_sentence(server, data, said):
    data = data if isinstance(data, bytes) else data.SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        call(server, protocol.JUDGE, data)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert re.search(said, caught.value.details())


def test_a_message_that_is_too_large_is_refused(server):
    with pytest.raises(grpc.RpcError) as caught:
        call(server, protocol.JUDGE, bytes(protocol.MAX_BYTES + 1))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def description(raw: dict, **changes):
    """A server's answer to Describe."""
    said = protocol.Description(
        bundle="tiny", server_version="9", sha256="0" * 64, contract=json.dumps(raw), device="cpu", dtype="fp32",
        most_windows=64, most_bytes=protocol.MOST_DATA,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(said, name, value)
    return AnyService(protocol.SERVICE, lambda method, question: said.SerializeToString())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contract": "{"}, "its contract is not readable as JSON"),
        ({"contract": "[" * 1000}, "its contract is not readable as JSON"),
        ({"contract": "{}"}, "contract format None"),
        ({"sha256": "1" * 64}, "of a bundle whose contract has 0000"),
        ({"bundle": "other"}, "bundle 'other' with"),
        ({"device": "moon"}, "device 'moon'"),
        ({"dtype": "fp32\n"}, "as was not asked for"),
        ({"engine": "x\n"}, "engine 'x"),
        ({"most_windows": 0}, "0 windows"),
        ({"most_bytes": 100}, "takes 2048 bytes as cf32, a message takes 100"),
    ],
)
def test_a_description_that_cannot_be_is_no_bundle(changes, said):
    with ServerThread(description(contract(), **changes)) as server, pytest.raises(UnansweredError, match=said):
        open_remote("tiny", server.device, 0.0)


def test_a_description_of_windows_that_no_message_takes():
    large = contract(samples=1 << 22, antennas=64)
    with ServerThread(description(large)) as server, pytest.raises(UnansweredError, match="infer it where the radio"):
        open_remote("tiny", server.device, 0.0)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """A certificate of this computer and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes certificates, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    where = ("-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *where, *names]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return folder


def test_tls_with_a_token(served, identity, tmp_path):
    token = tmp_path / "token"
    token.write_text("secret")
    certificate, key = ((identity / name).read_bytes() for name in ("cert.pem", "key.pem"))
    with ServerThread(Service(served), Access(certificate, key, "secret")) as server:
        there = f"grpcs://127.0.0.1:{server.port}?ca={identity / 'cert.pem'}"
        assert open_remote("tiny", f"{there}&token={token}", 0.0).infer(windows(1))
        with pytest.raises(UnansweredError, match="asks for another token"):
            open_remote("tiny", there, 0.0)


@pytest.mark.parametrize(
    ("address", "access", "good"),
    [
        ("127.0.0.1:1", Access(), True),
        ("localhost:1", Access(), True),
        ("[::1]:1", Access(), True),
        ("0.0.0.0:1", Access(), False),
        ("[::]:1", Access(token="x"), False),
        ("10.0.0.1:1", Access(b"c", b"k"), False),
        ("10.0.0.1:1", Access(b"c", b"k", "x"), True),
        ("10.0.0.1:1", Access(plain=True), True),
        ("127.0.0.1.example.org:1", Access(), False),
        ("0:1", Access(), False),
    ],
)
def test_addresses_that_others_reach_take_tls_and_a_token(address, access, good):
    if good:
        check_access(address, access)
    else:
        with pytest.raises(WfmError, match="can be reached by others"):
            check_access(address, access)


def test_a_port_that_is_taken_is_a_sentence(server, served):
    with pytest.raises(WfmError, match=f"cannot listen at 127.0.0.1:{server.port}"):
        ServerThread(Service(served), port=server.port).__enter__()
