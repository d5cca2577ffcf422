# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-dataset: bring recordings, arrays and public data sets into the one file that training reads, or generate one;
look at it."""

import argparse
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.cli import command
from wfm_core.cli.told import add_told
from wfm_core.data.dataset import open_dataset
from wfm_core.data.dataset_checks import TASKS
from wfm_core.data.generated_angles import write_angles
from wfm_core.data.generated_carriers import write_segmentation
from wfm_core.data.generated_grids import write_channel_estimates
from wfm_core.data.generated_modulation import write_modulations
from wfm_core.data.generated_occupancy import write_occupancy
from wfm_core.data.generated_places import write_places
from wfm_core.data.generated_radcom import write_radcom
from wfm_core.data.generated_uwb import write_uwb
from wfm_core.data.readers.own import csi_logs, hdf5, npz, sigmf_folder
from wfm_core.data.readers.own.axes import KINDS
from wfm_core.data.readers.public import READERS as PUBLIC
from wfm_core.data.readers.public import wavesfm
from wfm_core.data.recordings.csi.nexmon import CHIPS
from wfm_core.data.summary import draw_contact_sheet, summary, warnings
from wfm_core.signal.csi import GAINS, SCALES, STANDARDS

READERS = {
    "sigmf": sigmf_folder.read,
    "raw": sigmf_folder.read,
    "npz": npz.read,
    "hdf5": hdf5.read,
    **csi_logs.READERS,
    "wavesfm": wavesfm.read,
    **PUBLIC,
}

GENERATED = {
    "occupancy": write_occupancy,
    "angle": write_angles,
    "position": write_places,
    "modulation": write_modulations,
    "radcom": write_radcom,
    "uwb_position": write_uwb,
    "channel_estimate": write_channel_estimates,
    "segmentation": write_segmentation,
}
"""Functions of a path, of how many windows, of the seed, and where they are not fixed of the samples of each window and
the label, which have a default."""

_MOST_SUBCARRIERS = 4096

_EXAMPLES = """examples:
  wfm-dataset build --from sigmf DIR --label core:label --window 4096 --out devices.h5
  wfm-dataset build --from raw DIR --rate 250e3 --freq 433.92e6 --label folder --window 512 --out devices.h5
  wfm-dataset build --from sigmf DIR --window 16384 --out unlabelled.h5
  wfm-dataset build --from npz FILE --array csi --label activity --group source person --kind csi --out har.h5
  wfm-dataset build --from npz FILE --array csi --position x_m y_m --group run --kind csi --out places.h5
  wfm-dataset build --from csi-esp32 DIR --label folder --window 128 --antennas 1 --out rooms.h5
  wfm-dataset build --from hdf5 FILE --array data/iq --axes antennas,samples,reim --label data/tx --kind sample ...
  wfm-dataset build --from wavesfm CACHE --out cache.h5
  wfm-dataset generate occupancy --windows 8192 --seed 1 --out occupancy.h5
  wfm-dataset generate modulation --windows 220000 --seed 1 --out modulation.h5
  wfm-dataset generate channel_estimate --windows 8192 --seed 1 --out channels.h5
  wfm-dataset show har.h5"""


def parser() -> argparse.ArgumentParser:
    """The command line; an option that is not given is absent from the namespace, so that readers' defaults hold."""
    top = argparse.ArgumentParser(
        "wfm-dataset", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="print what a data set holds, and write NAME.png beside it")
    show.add_argument("file", type=Path)
    generate = commands.add_parser("generate", help="make a data set of synthetic windows")
    generate.add_argument("task", choices=list(GENERATED), help="what they are for")
    generate.add_argument("--windows", type=int, default=8192, metavar="N", help="how many (%(default)s)")
    generate.add_argument("--samples", type=int, metavar="N", help=f"of each window ({_usual_samples()})")
    generate.add_argument("--label", help="radcom: both, modulation or signal, of the same windows")
    generate.add_argument("--seed", type=int, default=1, help="another one gives other signals (%(default)s)")
    generate.add_argument("--out", type=Path, required=True, metavar="FILE.h5")
    build = commands.add_parser("build", help="make a data set", argument_default=argparse.SUPPRESS)
    build.add_argument("--from", dest="reader", required=True, choices=list(READERS), help="what the source is")
    build.add_argument("source", type=Path, help="folder or file")
    build.add_argument("--out", type=Path, required=True, metavar="FILE.h5")
    build.add_argument("--task", choices=TASKS, help="default: custom, or position; deepmimo: line_of_sight")
    build.add_argument(
        "--scene", help="nr-pos: outdoor or indoor (default: told by the channels); uwb-indoor: environment0 ..."
    )
    _add_labels(build.add_argument_group("labels"))
    _add_arrays(build.add_argument_group("arrays and logs of CSI (npz, hdf5, csi-...)"))
    _add_windows(build.add_argument_group("recordings (sigmf, raw, powder, icarus, csi-...)"))
    _add_public(
        build.add_argument_group("public sets of modulations and channels (radioml-..., rml22, radcom, deepmimo)")
    )
    return top


def _add_labels(group) -> None:
    group.add_argument(
        "--label",
        help="recordings: the annotations' key, such as core:label, or folder: the "
        "name of the folder that each lies in; csi-...: folder, or file: the beginning of its name; arrays: that of "
        "the classes (without labels a set can pretrain alone); radcom: both, modulation or signal",
    )
    group.add_argument("--labels", type=_names, metavar="A,B,C", help="names of integer classes 0, 1, 2 ...")
    group.add_argument("--position", nargs="+", metavar="ARRAY", help="coordinates in metres instead of classes")
    group.add_argument("--group", nargs="+", metavar="ARRAY", help="arrays that splits go by: source, person, room ...")


def _add_arrays(group) -> None:
    group.add_argument(
        "--array", help="the array of the windows, its first axis counts them; csi-npz: of the packets (csi_data)"
    )
    group.add_argument("--kind", choices=list(KINDS), help="what they are; sample is IQ")
    listed = "; ".join(f"{kind}: {', '.join(axes)}" for kind, axes in KINDS.items() if kind != "features")
    group.add_argument("--axes", type=_names, metavar="A,B,C", help=f"the other axes in the array's order ({listed})")
    group.add_argument("--scale", choices=SCALES, help="csi: amplitudes as they are (default) or in dB")
    group.add_argument("--gain", choices=GAINS, help="csi: divide by the RMS of each window (default) or packet")
    group.add_argument(
        "--standardise", choices=STANDARDS, help="csi: each antenna as a whole (default), or each of its subcarriers"
    )
    group.add_argument("--motion", action="store_true", help="csi: also channels of what changes within a window")
    group.add_argument("--size", type=int, metavar="PIXELS", help="a side of the images as the model sees them (224)")
    group.add_argument(
        "--subcarriers", type=_ranges, metavar="A-B,C", help="csi-...: entries of a packet that are kept, from 0"
    )
    group.add_argument("--chip", choices=CHIPS, help="csi-nexmon: the chip that received (43455c0)")
    group.add_argument("--sample-rate", type=float, metavar="HZ", help="kind sample: of the windows")


def _add_windows(group) -> None:
    group.add_argument("--window", type=int, help="samples of a window; csi-...: packets")
    group.add_argument("--hop", type=int, help="samples between the starts of windows (default: one window)")
    group.add_argument("--antennas", type=int, help="channels to keep, the first ones")
    group.add_argument("--resample", type=float, metavar="HZ", help="bring all recordings to this rate")
    add_told(group)


def _add_public(group) -> None:
    group.add_argument("--min-snr", type=float, metavar="DB", help="modulations: frames of this SNR or more (all)")
    group.add_argument(
        "--per-class", type=int, metavar="N", help="modulations: so many frames of each class at each SNR (all)"
    )
    group.add_argument("--beams", type=int, help="deepmimo: beams of the codebook, for --task beam (64)")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _ranges(text: str) -> list[int]:
    """The whole numbers of "3-5,8"."""
    parts = [part.strip().partition("-") for part in text.split(",")]
    found = [number for low, _, high in parts for number in range(int(low), int(high or low) + 1)]
    if not 0 < len(found) <= _MOST_SUBCARRIERS:
        raise ValueError
    return found


def reader_options(read: Callable, name: str, given: dict, wrong_use: Callable[[str], None]) -> dict:
    """`given` as keyword arguments of the reader called `name`; `wrong_use` is told of those that it does not take
    and of those that it needs."""
    parameters = [p for p in inspect.signature(read).parameters.values() if p.kind is p.KEYWORD_ONLY]
    flags = {p.name: f"--{p.name.replace('_', '-')}" for p in parameters}
    unknown = [f"--{option.replace('_', '-')}" for option in given if option not in flags]
    if unknown:
        wrong_use(f"{unknown[0]} does not go with --from {name}; it takes {', '.join(flags.values()) or 'none'}")
    missing = [flags[p.name] for p in parameters if p.default is p.empty and p.name not in given]
    if missing:
        wrong_use(f"--from {name} needs {', '.join(missing)}")
    return given


def show(path: Path) -> None:
    """Print the summary of a data set and write its contact sheet beside it."""
    dataset = open_dataset(path, unlabelled=True)
    print("\n".join(summary(dataset)))
    for warning in warnings(dataset):
        print(f"wfm-dataset: warning: {warning}", file=sys.stderr)
    sheet = path.with_suffix(".png")
    draw_contact_sheet(dataset, sheet)
    print(sheet)


def _usual_samples() -> str:
    usual = {task: inspect.signature(write).parameters.get("samples") for task, write in GENERATED.items()}
    return ", ".join(f"{task}: {samples.default}" for task, samples in usual.items() if samples)


def _generated(task: str, windows: int, seed: int, out: Path, **options) -> Path:
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() - inspect.signature(GENERATED[task]).parameters.keys():
        raise WfmError(f"--{name} does not go with {task}: leave it out")
    limits = (
        ("windows", windows, 1, 1 << 24),
        ("samples", given.get("samples"), 64, 1 << 20),
        ("seed", seed, 0, 1 << 32),
    )
    for name, value, least, most in limits:
        if value is not None and not least <= value <= most:
            raise WfmError(f"--{name} {value}: {least} to {most} is expected")
    return GENERATED[task](out, windows, seed, **given)


@command
def main(argv: list[str] | None) -> None:
    """The command `wfm-dataset`."""
    top = parser()
    options = vars(top.parse_args(argv))
    chosen = options.pop("command")
    if chosen == "show":
        show(options["file"])
        return
    if chosen == "generate":
        show(_generated(**options))
        return
    name, source, out = (options.pop(key) for key in ("reader", "source", "out"))
    if not source.exists():
        raise WfmError(f"no {source}: name an existing folder or file")
    READERS[name](source, out, **reader_options(READERS[name], name, options, top.error))
    show(out)


if __name__ == "__main__":
    sys.exit(main())
