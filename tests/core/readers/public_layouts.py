# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files in the layouts of the public data sets, and the readers run on them."""

import json
import pickle

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.public import READERS


def read(reader, folder, **options):
    """The data set that the reader makes of the folder, written beside it."""
    return open_dataset(READERS[reader](folder, folder.parent / "out.h5", **options))


def refused(reason, reader, folder, **options):
    """The reader says why, in one sentence, and leaves no file."""
    with pytest.raises(WfmError, match=reason) as caught:
        read(reader, folder, **options)
    assert "\n" not in str(caught.value)
    assert not (folder.parent / "out.h5").exists()


def powder(folder, name, place, samples, rate=5e6, **changes):
    """`X.json` and `X.bin`; `samples` are complex."""
    head = {"core:datatype": changes.get("datatype", "cf32"), "core:sample_rate": rate}
    metadata = {
        "global": head,
        "captures": {"core:center_frequency": 2.685e9},
        "annotations": {"transmitter": {"core:location": place}},
    }
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metadata))
    np.asarray(samples, "<c8").tofile(path.with_suffix(".bin"))
    return path


def icarus(folder, name, signal, order, samples, dtype="float32", suffix=".bin", table=None, rate=7.68e6):
    """`Metadata/NAME.csv` and `IQ/NAME[.bin]`; `samples` are complex, as large as the dtype's numbers."""
    for part in ("Metadata", "IQ"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    columns = {
        "Sampling_Rate": rate, "Frameduration": len(samples) / rate, "No_of_Samples": len(samples),
        "Signal_Type": signal, "DSSS_Mod": order,
    }  # fmt: skip
    text = ",".join(columns) + "\n" + ",".join(map(str, columns.values())) + "\n"
    (folder / "Metadata" / f"{name}.csv").write_text(text if table is None else table, encoding="utf-8")
    parts = np.stack([np.real(samples), np.imag(samples)], axis=1)
    path = folder / "IQ" / f"{name}{suffix}"
    parts.astype(dtype).tofile(path)
    return path


def ntu_fi(folder, part, activity, number, values, form="v5", name="CSIamp"):
    """One `.mat` file with `values` [342, packets]."""
    path = folder / part / activity / f"{activity}{number}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "v5":
        scipy.io.savemat(path, {name: values})
    else:
        matlab_hdf5(path, {name: values.T})
    return path


def matlab_hdf5(path, arrays):
    """A MATLAB v7.3 file: HDF5 behind a header of 512 bytes. The axes of `arrays` are those that HDF5 shows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = values
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


def picture(folder, name, colours):
    """`colours` uint8 [height, width, 3] (or [height, width], grey)."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(colours, np.uint8)).save(folder / name)


def modulations(folder, name, frames, protocol=2, **others):
    """A pickle of `{(modulation, SNR in dB): [frames, 2, samples]}`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(frames | others, protocol))
    return folder / name


def radioml_2018(folder, label, snr, samples=1024, name="GOLD_XYZ_OSC.0001_1024.hdf5", **changes):
    """`X`, `Y` and `Z` of frames with these classes and SNRs: I of frame n is n, Q is the number of the sample."""
    folder.mkdir(parents=True, exist_ok=True)
    count = len(label)
    frames = np.empty((count, samples, 2), np.float32)
    frames[..., 0], frames[..., 1] = np.arange(count)[:, None], np.arange(samples)
    held = {"X": frames, "Y": np.eye(24, dtype=np.int64)[label], "Z": np.array(snr, np.int64)[:, None]} | changes
    with h5py.File(folder / name, "w") as file:
        for key, values in held.items():
            if values is not None:
                file[key] = values
    return folder / name


def radcom(folder, frames, name="RadComOta2.45GHz.hdf5"):
    """An array of each name."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / name, "w") as file:
        for key, values in frames.items():
            file[str(key)] = values
    return folder / name


def deepmimo(folder, name, channel, sight, place, version=3):
    """`NAME.npz` or `NAME.mat` with the names of version 3 or 4; what is None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("channel", "LoS", "location") if version == 3 else ("channel", "los", "rx_pos")
    held = {key: values for key, values in zip(names, (channel, sight, place), strict=True) if values is not None}
    if name.endswith(".npz"):
        np.savez(folder / name, **held)
    else:
        scipy.io.savemat(folder / name, held)
    return folder / name


def uwb_indoor(folder, environment, places, samples=12, anchors=8, channels=("ch1", "ch5"), measurements=2, **changes):
    """`ENVIRONMENT/data.json`: the response of anchor a in measurement m at place p is p + 10 m + a j, sample after
    sample, in texts; `changes` are those of the first measurement of all."""
    made = {}
    for number, (x, y, z) in enumerate(places):
        entries = {
            f"A{anchor}": {
                channel: [
                    {"cir": [f"{number + 10 * m}+{anchor}j"] * samples, "x_tag": x, "y_tag": y, "z_tag": z, "rss": -80}
                    for m in range(measurements)
                ]
                for channel in channels
            }
            for anchor in range(1, anchors + 1)
        }
        made[f"{x}_{y}_{z}"] = entries
    if changes:
        next(iter(made.values()))["A1"][channels[0]][0].update(changes)
    path = folder / environment / "data.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"anchors": {"A1": [0, 0, 1]}, "measurements": made, "more": [{}]}, indent=1))
    return path
