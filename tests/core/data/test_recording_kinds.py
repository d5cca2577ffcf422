# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw recordings and WAV: the same windows by every reader, and every fault named."""

import struct
import wave

import numpy as np
import pytest
from gnuradio import blocks, gr, wfm
from recording_readers import FREQ, RATE, SHORT, capture, check_same, dataset, write

from wfm_core.base.errors import WfmError
from wfm_core.cli import evaluate
from wfm_core.cli.dataset import main as wfm_dataset
from wfm_core.data.dataset import open_dataset
from wfm_core.data.recordings.raw import told_by_name
from wfm_core.data.recordings.recording import Told, open_recording
from wfm_core.data.sources import RecordingSource

SECOND = 1707414634
RNG = np.random.default_rng(3)
# suffix -> number type, what the full scale is
RAW = {
    "cu8": "u1", "ci8": "i1", "cs8": "i1", "ci16": "<i2", "cs16": "<i2", "ci32": "<i4", "cs32": "<i4", "cf32": "<f4",
    "fc32": "<f4", "cfile": "<f4", "cf64": "<f8", "fc64": "<f8", "CU8": "u1", "ci16_be": ">i2", "cu16": "<u2",
}  # fmt: skip


def stored(kind: str, count: int, parts: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """All different components [count, parts] of a number type, and the complex samples that they are."""
    dtype = np.dtype(kind)
    steps = RNG.permutation(count * parts).reshape(count, parts)
    if dtype.kind == "f":
        components = (steps / 1000 - 0.1).astype(dtype)
        scaled = components.astype(np.float64)
    else:
        bits = 8 * dtype.itemsize
        spread = (steps.astype(np.uint64) * (2**bits // (count * parts) or 1)) % 2**bits
        if bits == 8:  # too few codes for every one to differ: pairs do
            places = RNG.permutation(2**16)[:count]
            spread = np.stack([places % 256, places // 256], 1)[:, :parts].astype(np.uint64)
        least = 0 if dtype.kind == "u" else -(2 ** (bits - 1))
        components = (spread.astype(np.int64) + least).astype(dtype)
        middle = (2**bits - 1) / 2
        wide = components.astype(np.float64)
        scaled = (wide - middle) / middle if dtype.kind == "u" else wide / 2 ** (bits - 1)
    samples = scaled[:, 0] + (1j * scaled[:, 1] if parts == 2 else 0)
    return components, samples.astype(np.complex64)


@pytest.mark.parametrize("suffix", RAW)
def test_raw_files_whose_names_tell(tmp_path, suffix):
    components, samples = stored(RAW[suffix], 640)
    path = tmp_path / "r" / f"g001_433.92M_250k.{suffix}"
    path.parent.mkdir()
    components.tofile(path)
    check_same(path, values=samples)
    player = wfm.sdr_source(f"file:{path}", channels=1)
    sink, top = blocks.vector_sink_c(), gr.top_block()
    top.connect(player, sink)
    top.run()
    np.testing.assert_allclose(sink.data(), samples, atol=1e-6)


def test_a_raw_file_of_which_the_user_tells(tmp_path):
    components, samples = stored("<i2", 640)
    path = tmp_path / "r" / "x.cs16"
    path.parent.mkdir()
    components.tofile(path)
    check_same(path, Told(RATE, FREQ), "?rate=250e3&freq=433.92e6", values=samples)
    with pytest.raises(WfmError, match="sample rate of .*x.cs16 is unknown.*--rate HZ.*x_433.92M_250k.cs16"):
        open_recording(path)
    assert wfm.sdr_source(f"file:{path}", channels=1, sample_rate=1e6, center_freq=9e8).center_freq() == 9e8
    assert (wfm.source_rate(f"file:{path}", 1e6), wfm.source_freq(f"file:{path}", 9e8)) == (1e6, 9e8)
    named = path.rename(path.with_name("x_868M_1000k.cs16"))
    assert (wfm.source_rate(f"file:{named}", 1.92e6), wfm.source_freq(f"file:{named}", 9e8)) == (1e6, 868e6)
    assert wfm.source_rate(f"file:{named}?rate=2e6", 1.92e6) == 2e6, "what is said counts over the name"
    assert open_recording(named, Told(2e6)).sample_rate == 2e6


@pytest.mark.parametrize(
    ("name", "rate", "freq"),
    [
        ("g001_433.92M_250k", 250e3, 433.92e6), ("g001_433.92M_250K", 250e3, 433.92e6),
        ("868.3M_1024k", 1024e3, 868.3e6),
        ("433.92MHz-1Msps", 1e6, 433.92e6), ("x_2.4GHz_20Msps", 20e6, 2.4e9), ("433920kHz 250ksps", 250e3, 433.92e6),
        ("x_100000000Hz_48000sps", 48e3, 1e8), ("abc", None, None), ("v2M3_x250kb", None, None), ("0M_0k", None, None),
    ],
)  # fmt: skip
def test_what_names_tell(name, rate, freq):
    assert told_by_name(name) == (rate, freq)


def wav(path, components, rate=int(RATE), form=1, extra=(), container=b"RIFF", data_size=None, fmt=None):
    """`extra`: chunks (name, content) before the data."""
    body = np.ascontiguousarray(components).tobytes()
    channels, bits = components.shape[1], 8 * components.dtype.itemsize
    frame = channels * bits // 8
    head = fmt or struct.pack("<HHIIHH", form, channels, rate, rate * frame, frame, bits)
    chunks = b"".join(n + struct.pack("<I", len(c)) + c + b"\0" * (len(c) % 2) for n, c in (*extra, (b"fmt ", head)))
    size = len(body) if data_size is None else data_size
    whole = b"WAVE" + chunks + b"data" + struct.pack("<I", size) + body
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(container + struct.pack("<I", min(len(whole), 0xFFFFFFFF)) + whole)
    return path


@pytest.mark.parametrize(("kind", "form"), [("u1", 1), ("<i2", 1), ("<i4", 1), ("<f4", 3), ("<f8", 3)])
def test_wav_of_two_channels_is_iq(tmp_path, kind, form):
    components, samples = stored(kind, 640)
    path = wav(tmp_path / "r" / "x_433.92M.wav", components, form=form)
    check_same(path, values=samples)


def test_wav_as_the_standard_library_writes_it(tmp_path):
    components, samples = stored("<i2", 640)
    path = tmp_path / "r" / "x.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(int(RATE))
        file.writeframes(components.tobytes())
    check_same(path, Told(freq=FREQ), f"?freq={FREQ}", values=samples)


def test_wav_that_says_its_frequency_and_time(tmp_path):
    components, samples = stored("<i2", 640)
    auxi = struct.pack("<16H2I", 2024, 2, 4, 8, 17, 50, 34, 250, *(0,) * 8, int(FREQ), 0)
    path = wav(tmp_path / "r" / "x.wav", components, extra=[(b"auxi", auxi), (b"odd ", b"xyz")])
    check_same(path, values=samples, rx_time=(SECOND, 0.25))


def test_wav_of_more_than_four_gibibytes_and_of_a_writer_that_was_stopped(tmp_path):
    components, samples = stored("<i2", 640)
    long = struct.pack("<QQQI", 0, components.nbytes, 640, 0)
    rf64 = wav(tmp_path / "a" / "x_433.92M.wav", components, extra=[(b"ds64", long)], container=b"RF64",
               data_size=0xFFFFFFFF)  # fmt: skip
    rf64.write_bytes(rf64.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"abcd")
    check_same(rf64, values=samples)
    for number, size in enumerate((0, 0xFFFFFFFF)):
        check_same(wav(tmp_path / f"b{number}" / "x_433.92M.wav", components, data_size=size), values=samples)


def test_wav_in_the_extensible_form(tmp_path):
    components, samples = stored("<f4", 640)
    fmt = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 2, int(RATE), int(RATE) * 8, 8, 32, 22, 32, 3, 3, b"\0" * 14)
    check_same(wav(tmp_path / "r" / "x_433.92M.wav", components, fmt=fmt), values=samples)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data_size": 10**6}, "header says 1000000: it is truncated"),
        ({"container": b"RIFX"}, "does not begin as a WAV"),
        ({"form": 6}, "WAV format 6"),
        ({"fmt": struct.pack("<HHIIHH", 1, 2, 48000, 288000, 6, 24)}, "samples of 24 bits.*sox"),
        ({"fmt": struct.pack("<HHIIHH", 1, 4, 48000, 48000 * 8, 8, 16)}, "4 channels"),
        ({"fmt": struct.pack("<HHIIHH", 1, 2, 0, 0, 4, 16)}, "at 0 Hz"),
        ({"fmt": b"abcd"}, "not readable as WAV"),
    ],
)
def test_other_wav_files_are_one_sentence(tmp_path, change, reason):
    path = wav(tmp_path / "x.wav", stored("<i2", 64)[0], **change)
    with pytest.raises(WfmError, match=reason) as caught:
        open_recording(path, Told(freq=FREQ))
    assert "\n" not in str(caught.value)


def test_raw_files_that_are_not_whole(tmp_path):
    (tmp_path / "x_1M_1k.cs16").write_bytes(bytes(41))
    with pytest.raises(WfmError, match="41 bytes of samples, not a multiple of 4"):
        open_recording(tmp_path / "x_1M_1k.cs16")
    (tmp_path / "x_1M_1k.cf32").write_bytes(b"")
    with pytest.raises(WfmError, match="no samples"):
        open_recording(tmp_path / "x_1M_1k.cf32")
    with pytest.raises(WfmError, match="no file"):
        open_recording(tmp_path / "y_1M_1k.cf32")


REAL = [("rf32", None), ("ri16", None), ("wav", "<i2"), ("sigmf-meta", "<i2")]


@pytest.mark.parametrize(("suffix", "kind"), REAL)
def test_real_samples_are_refused_or_made_analytic(tmp_path, suffix, kind):
    components, _ = stored(kind or {"rf32": "<f4", "ri16": "<i2"}[suffix], 640, parts=1)
    path = tmp_path / "r" / f"x_433.92M_250k.{suffix}"
    path.parent.mkdir()
    if suffix == "wav":
        wav(path, components)
    elif suffix == "sigmf-meta":
        write(path.parent, path.stem, components.tobytes(), [capture(0, FREQ)], RATE, "ri16_le")
    else:
        components.tofile(path)
    check_same(path, Told(real="analytic"), "?real=analytic")
    for refused in (
        lambda: open_recording(path),
        lambda: wfm.sdr_source(f"file:{path}", channels=1),
        lambda: dataset(path, SHORT, None),
        lambda: RecordingSource(path.parent),
    ):
        with pytest.raises(WfmError, match="holds real samples .*--real analytic .*real=analytic"):
            refused()


def test_the_commands_take_what_the_user_tells(tmp_path, capsys):
    for name in ("lora", "wifi"):
        (tmp_path / "r" / name).mkdir(parents=True)
        for number in range(2):
            stored("u1", 640)[0].tofile(tmp_path / "r" / name / f"{number}.cu8")
    out = tmp_path / "d.h5"
    command = ["build", "--from", "raw", str(tmp_path / "r"), "--label", "folder", "--window", "64", "--out", str(out)]
    assert wfm_dataset(command) == 1
    assert "--rate HZ" in capsys.readouterr().err
    assert wfm_dataset([*command, "--rate", "250e3", "--freq", "433.92e6"]) == 0
    built = open_dataset(out)
    assert (built.labels, built.count, built.sample_rate) == (("lora", "wifi"), 40, 250e3)
    assert sorted(set(built.groups["source"].tolist())) == ["lora/0.cu8", "lora/1.cu8", "wifi/0.cu8", "wifi/1.cu8"]
    command[2:6] = ["sigmf", str(tmp_path / "r"), "--label", "core:label"]
    assert wfm_dataset([*command, "--rate", "250e3"]) == 1
    assert "has annotations" in capsys.readouterr().err
    for options, said in ((["--rate", "0"], "rate 0 Hz"), (["--freq", "nan"], "frequency nan")):
        path = str(tmp_path / "r" / "lora" / "0.cu8")
        assert evaluate.main(["--bundle", "none", "--input", path, *options]) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("query", ["rate=fast", "color=red", "real=maybe", "rate=-1"])
def test_what_a_source_does_not_understand_is_one_sentence(tmp_path, query):
    stored("u1", 64)[0].tofile(tmp_path / "x_1M_1k.cu8")
    with pytest.raises(WfmError, match=query.partition("=")[0]) as caught:
        wfm.sdr_source(f"file:{tmp_path}/x_1M_1k.cu8?{query}", channels=1)
    assert "\n" not in str(caught.value)


def test_a_question_mark_may_be_in_a_name(tmp_path):
    path = tmp_path / "what?real=analytic_1M_250k.cu8"
    stored("u1", 64)[0].tofile(path)
    assert wfm.source_rate(f"file:{path}", 1.0) == 250e3
