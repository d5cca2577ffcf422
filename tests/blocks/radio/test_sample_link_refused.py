# SPDX-License-Identifier: GPL-3.0-or-later
"""Malformed messages to WFM Sample Subscriber: each is refused, told once, counted, and the stream goes on."""

import socket
import time

import numpy as np
import pytest
from vrt_helpers import (
    Receiver,
    Talk,
    context,
    data,
    free_udp_port,
    marked,
    message,
    packet,
)
from waiting import wait_for


@pytest.fixture
def address(tmp_path):
    return f"ipc://{tmp_path}/link"


def good(number: int, channels: int = 2) -> bytes:
    return message(marked(number, channels), number, (100 + number, 0))


def with_word(found: bytes, index: int, value: int) -> bytes:
    return found[: 4 * index] + value.to_bytes(4, "big") + found[4 * index + 4 :]


def malformed() -> dict[str, tuple]:
    """Name -> (what the refusal says, frames)."""
    whole, one = good(0), context(0)
    header = int.from_bytes(one[:4], "big")
    rate = len(one) - 32
    sample = data(marked(0)[0])

    def with_rate(raw: int) -> bytes:
        return one[:rate] + raw.to_bytes(8, "big") + one[rate + 8 :]

    return {
        "size-too-large": ("where there are", whole[:2] + b"\xff\xff" + whole[4:]),
        "size-zero": ("a packet of 0 words", whole[:2] + b"\0\0" + whole[4:]),
        "size-too-small": ("longer than its size", with_word(one, 0, header - 3) + bytes(0)),
        "size-beyond-fields": ("more than its fields", with_word(one, 0, header + 1) + bytes(4)),
        "cut": ("where there are", whole[:-4]),
        "half-a-word": ("whole words", whole + b"\0\0"),
        "unknown-type": ("type 9", b"\x90" + whole[1:]),
        "no-stream-id": ("type 0", b"\x00" + whole[1:]),
        "one-channel": ("2 are expected", message(marked(0, 1))),
        "three-channels": ("stream id 2", message(marked(0, 3))),
        "times-of-channels-differ": ("2 are expected", one + context(1) + sample + data(marked(0)[0], 1, 0, (18, 0))),
        "lengths-of-channels-differ": ("2 are expected", one + context(1) + sample + data(marked(0)[0, 1:], 1)),
        "rates-of-channels-differ": ("one rate", one + context(1, rate=2e6) + sample + data(marked(0)[0], 1)),
        "rate-zero": ("sample rate 0", with_rate(0)),
        "rate-negative": ("sample rate -", with_rate(2**64 - 2**40)),
        "rate-absurd": ("sample rate", with_rate(2**63 - 1)),
        "rate-nan": ("sample rate", with_rate(0x7FF8_0000_0000_0000)),
        "rate-inf": ("sample rate", with_rate(0xFFF0_0000_0000_0000)),
        "half-a-sample": ("whole samples", one + packet(1, 0, 0, (17, 0), bytes(127 * 4))),
        "no-samples": ("without samples", one + data(marked(0)[0, :0])),
        "trailer": ("trailer", one + data(marked(0)[0], flags=4)),
        "padding": ("pad bits", one + data(marked(0)[0], own_class=bytes.fromhex("086a621e 00000000"))),
        "spectrum": ("spectrum", one + data(marked(0)[0], flags=1)),
        "picoseconds": ("10^12", context(0, stamp=(17, 10**12))),
        "format": ("payload format", context(0, form=0xA00001C7)),
        "format-with-vectors": ("payload format", context(0)[:-4] + b"\0\0\0\2"),
        "attributes": ("attributes", with_word(one, 5, int.from_bytes(one[20:24], "big") | 0x80)),
        "one-byte": ("1 bytes", b"\x14"),
        "empty": ("0 bytes", b""),
        "two-frames": ("2 frames", whole, whole),
        "1500-frames": ("1500 frames", *[b"x"] * 1500),
        "random": ("", np.random.default_rng(4).bytes(5000)),
        "old": ("", b"\x5f\x70\x10\x60\x01" + bytes(17) + marked(0).tobytes()),  # a message of gr-zeromq
    }


@pytest.mark.parametrize("name", sorted(malformed()))
def test_a_malformed_message_is_refused_and_the_stream_goes_on(address, name, capfd):
    said, *frames = malformed()[name]
    with Talk(address) as talk, Receiver(address, channels=2) as receiver:
        talk.wait_for_subscriber()
        talk.socket.send(good(1))
        for _ in range(3):
            talk.socket.send_multipart(frames)
        talk.socket.send(good(2))
        assert receiver.heard(128)
        assert receiver.refused == 3 and said in receiver.last_refusal
    assert receiver.samples()[:, ::64].real.tolist() == [[1, 2]] * 2
    assert capfd.readouterr().out.count("a message was refused") == 1, "each kind is logged once"


def test_a_frame_over_the_limit_is_refused_and_the_publisher_heard_again(address):
    with Talk(address) as talk, Receiver(address, channels=2) as receiver:
        talk.wait_for_subscriber()
        talk.socket.send(good(1))
        assert receiver.heard(64)
        talk.socket.send(bytes(2**30), copy=False)
        talk.socket.recv()  # it leaves
        talk.wait_for_subscriber()
        talk.socket.send(good(2))
        assert receiver.heard(128)
        assert receiver.refused == 1 and "more than 2162688 bytes" in receiver.last_refusal


def mutated(rng, whole: bytes) -> list[bytes]:
    """One to four changes: flipped, replaced, removed, repeated bytes; another cut; several frames."""
    changed = bytearray(whole)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, min(len(changed), 400) if rng.random() < 0.7 else len(changed)) if changed else 0)
        length = int(rng.integers(1, 9))
        kind = rng.integers(0, 6)
        if kind == 0 and changed:
            changed[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            changed[at : at + length] = rng.bytes(length)
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + 4 * length]
        elif kind == 4:
            changed[at : at + 4] = int(rng.choice([0, 1, 2**31, 2**32 - 1])).to_bytes(4, "big")
        elif rng.random() < 0.3:
            del changed[at:]
    return [bytes(changed)] * (1 if rng.random() < 0.95 else int(rng.integers(2, 5)))


def hear_a_good_one_after(address: str, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with Talk(address) as talk, Receiver(address, channels=2, high_water_mark=2 * count) as receiver:
        talk.wait_for_subscriber()
        for number in range(count):
            talk.socket.send_multipart(mutated(rng, good(number % 1000)))
        talk.socket.send(good(4000))
        assert receiver.heard(64)
        assert wait_for(lambda: 4000 in receiver.sinks[0].data()[-64:], 60)
        assert np.array_equal(receiver.samples()[:, -64:], marked(4000, 2))
        assert receiver.refused > count / 3


def test_after_mutated_messages_a_good_one_is_heard(address):
    hear_a_good_one_after(address, 500, 1)


@pytest.mark.slow
def test_after_very_many_mutated_messages_a_good_one_is_heard(address):
    hear_a_good_one_after(address, 10_000, 2)


def test_mutated_datagrams():
    port, rng = free_udp_port(), np.random.default_rng(3)
    with Receiver(f"udp://127.0.0.1:{port}") as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port))
            for number in range(300):
                for one in (context(), data(marked(number)[0], 0, number, (17 + number, 0)), b""):
                    sender.send(mutated(rng, one)[0][:60000])
                time.sleep(0.001)
            sender.send(context())
            sender.send(data(marked(4000)[0], 0, 0, (5000, 0)))
        assert receiver.heard(64)
        assert wait_for(lambda: 4000 in receiver.sinks[0].data()[-64:])
        assert receiver.refused > 0
    assert np.array_equal(receiver.samples()[:, -64:], marked(4000))
