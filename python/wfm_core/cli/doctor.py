# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-doctor: look at everything a flowgraph needs, and tell the fix where something is wrong."""

import argparse
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.base.places import installed_folders, search_path
from wfm_core.cli import command

BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # x86, x86, arm

# By the names they are imported under; what pip calls otherwise is in PIP_NAMES.
FLOWGRAPH_LIBRARIES = (
    "safetensors",
    "pydantic",
    "yaml",
    "scipy",
    "jsonschema",
    "zmq",
    "threadpoolctl",
    "matplotlib",
)
COMMAND_LIBRARIES = {
    "sigmf": "wfm-evaluate on recordings, and the folder that --out of an example leaves",
    "h5py": "data sets",
    "lightning": "wfm-finetune and wfm-pretrain",
    "sklearn": "wfm-evaluate --probe",
}
PIP_NAMES = {"yaml": "PyYAML", "zmq": "pyzmq", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Finding:
    """One line: `status` is ok, warn (something is missing that a flowgraph can do without) or fail."""

    check: str
    status: str
    text: str
    mend: str = ""  # how to fix it; the name is a key of --json, which programs of others read


def probe(code: str, timeout: float = 30.0) -> tuple[bool, str]:
    """Run Python `code` in a process of its own (wfm_core never imports GNU Radio; a crash there must not be ours).

    Returns whether it ended well, and its last line: of stdout then, of stderr otherwise.
    """
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout:g} s"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"exit status {done.returncode}"


def probed(check: str, code: str, fix: str, otherwise: str = "fail") -> Callable[[], Finding]:
    """A check that is ok where `code` ends well, else `otherwise`, with its `fix`."""

    def look() -> Finding:
        good, text = probe(code)
        return Finding(check, "ok", text) if good else Finding(check, otherwise, text, fix)

    return look


def interpreter() -> Finding:
    return Finding("interpreter", "ok", f"Python {platform.python_version()} at {sys.executable}")


numpy = probed("numpy", "import numpy; print(numpy.__version__)", "apt-get install python3-numpy")
torch = probed(
    "torch",
    "import torch; print(torch.__version__, 'with', torch.get_num_threads(), 'threads')",
    "pip install torch==2.13.0, or make setup",
)
accelerator = probed(
    "GPU",
    "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'none')",
    "see torch above",
    "warn",
)
qt = probed(
    "Qt",
    "from PyQt5 import QtCore, QtWidgets; print('PyQt5', QtCore.PYQT_VERSION_STR)",
    "for windows, WFM Detection Display among them: apt-get install python3-pyqt5",
    "warn",
)


def gnu_radio() -> Finding:
    """Whether GNU Radio loads in this environment. One built against numpy 1 does not with numpy 2; one built against
    numpy 2 does with either."""
    good, text = probe("from gnuradio import gr; print(gr.version())")
    if good:
        return Finding("GNU Radio", "ok", text)
    _, version = probe("import numpy; print(numpy.__version__)")
    if version.startswith("2.") and ("numpy" in text or "initialization failed" in text):
        text = f"built against numpy 1, it does not load with the numpy {version} that is here ({text})"
        return Finding("GNU Radio", "fail", text, "pip install 'numpy<2', or make setup")
    fix = "apt-get install gnuradio, and make the environment with --system-site-packages: make setup"
    return Finding("GNU Radio", "fail", text, fix)


def module() -> Finding:
    good, text = probe("from gnuradio import wfm; wfm.inference, wfm.window_tap, wfm.sdr_source; print(wfm.__file__)")
    if good:
        return Finding("gnuradio.wfm", "ok", text)
    packages = Path(wfm_core.__file__).resolve().parents[1]
    if (packages / "gnuradio" / "wfm").is_dir() and "cannot import name 'wfm'" in text:
        fix = f"export PYTHONPATH={packages}"
        return Finding("gnuradio.wfm", "fail", f"it is in {packages}, where {sys.executable} does not look", fix)
    return Finding("gnuradio.wfm", "fail", text, "build and install it: make setup")


def libraries() -> Finding:
    """What a flowgraph imports must be there; what only some commands import is told, and what for."""
    missing = _missing(FLOWGRAPH_LIBRARIES)
    if missing:
        return Finding("libraries", "fail", f"missing: {', '.join(missing)}", f"make setup, or {_pip(missing)}")
    missing = _missing(COMMAND_LIBRARIES)
    if missing:
        text = "; ".join(f"no {name}, for {COMMAND_LIBRARIES[name]}" for name in missing)
        return Finding("libraries", "warn", text, f"where you want these: {_pip(missing)}")
    return Finding("libraries", "ok", ", ".join([*FLOWGRAPH_LIBRARIES, *COMMAND_LIBRARIES]))


def _pip(names: list[str]) -> str:
    return "pip install " + " ".join(PIP_NAMES.get(name, name) for name in names)


def _missing(names: Iterable[str]) -> list[str]:
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def processor() -> Finding:
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        flags = []
    found = [flag for flag in BF16_FLAGS if flag in flags]
    text = f"{platform.machine()}, {os.cpu_count()} CPUs, "
    if found:
        return Finding("processor", "ok", text + f"bfloat16 ({', '.join(found)})")
    return Finding("processor", "ok", text + "no bfloat16: bundles run in float32 here")


def openvino() -> Finding:
    """The other engine of bundles, which nothing needs."""
    good, text = probe("import wfm_core.bundle.engines.openvino as engine; print(*engine.find_openvino())")
    if not good:
        return Finding("OpenVINO", "warn", text, "see torch above")
    if "does not load" in text:
        return Finding("OpenVINO", "warn", f"{text}: PyTorch alone computes bundles", "pip install -U openvino")
    if "not installed" in text:
        return Finding("OpenVINO", "ok", "none: PyTorch alone computes bundles; for another one: pip install openvino")
    return Finding("OpenVINO", "ok", f"{text}: it computes bundles where it is faster and agrees with PyTorch")


def companion() -> Finding:
    """Where GNU Radio Companion looks for blocks, and whether ours are there."""
    good, text = probe(
        "from gnuradio import gr; prefs = gr.prefs(); "
        "print(':'.join(prefs.get_string('grc', name, '') for name in ('global_blocks_path', 'local_blocks_path')))"
    )
    searched = os.environ.get("GRC_BLOCKS_PATH", "").split(":") + (text.split(":") if good else [])
    for folder in filter(None, searched):
        if (Path(folder).expanduser() / "wfm_inference.block.yml").is_file():
            return Finding("Companion", "ok", f"blocks in {folder}")
    for ours in installed_folders("gnuradio/grc/blocks"):
        if (ours / "wfm_inference.block.yml").is_file():
            fix = f"start it with make companion, or export GRC_BLOCKS_PATH={ours}"
            return Finding("Companion", "warn", f"the blocks are in {ours}, where Companion does not look", fix)
    return Finding("Companion", "warn", "wfm_inference.block.yml is nowhere", "install the module: make setup")


def uhd() -> Finding:
    good, text = probe(
        "from gnuradio.uhd import uhd_python as uhd; found = uhd.find(uhd.device_addr_t('')); "
        "print(len(found), 'found:', '; '.join(device.to_string() for device in found))"
    )
    if not good:
        return Finding("USRP", "warn", text, "for a USRP: apt-get install gnuradio uhd-host")
    if text.startswith("0 "):
        return Finding("USRP", "warn", "none found", "attach one, and fetch its images with uhd_images_downloader")
    return Finding("USRP", "ok", text)


def soapy() -> Finding:
    good, text = probe("from gnuradio import soapy; print('driver present')")
    if not good:
        return Finding("SoapySDR", "warn", text, "for other radios: apt-get install gnuradio soapysdr-tools")
    tool = shutil.which("SoapySDRUtil")
    if tool is None:
        return Finding("SoapySDR", "warn", f"{text}, no SoapySDRUtil to list devices", "apt-get install soapysdr-tools")
    try:
        listed = subprocess.run([tool, "--find"], capture_output=True, text=True, timeout=30).stdout
    except subprocess.TimeoutExpired:
        listed = ""
    drivers = [line.split("=")[1].strip() for line in listed.splitlines() if line.strip().startswith("driver =")]
    if drivers:
        return Finding("SoapySDR", "ok", f"{text}, devices: {', '.join(drivers)}")
    return Finding("SoapySDR", "warn", f"{text}, no devices", "attach one, and install its soapysdr-module")


def bundles() -> list[Finding]:
    """Where names are looked up, and every bundle that one can find, loaded; where there is none, every model folder,
    which does as well."""
    places = search_path()
    path = Finding("bundle path", "ok", ", ".join(dict.fromkeys(str(place.folder) for place in places)))
    files = [file for place in places if not place.models for file in sorted(place.folder.glob("*.wfm.pt"))]
    folders = [place.folder for place in places if place.models]
    files = files or [file.parent for folder in folders for file in sorted(folder.glob("*/contract.yaml"))]
    if not files:
        fix = "make setup, or wfm-export models/NAME -o NAME.wfm.pt and WFM_BUNDLES=FOLDER"
        return [path, Finding("bundle", "fail", "none in the bundle path", fix)]
    return [path, *map(bundle, dict.fromkeys(files))]


def bundle(path: Path) -> Finding:
    try:
        from wfm_core.bundle import load_bundle  # needs torch, which may be what is wrong here

        loaded = load_bundle(str(path))
    except (WfmError, ImportError) as error:
        return Finding("bundle", "fail", f"{path}: {error}", f"export it again: wfm-export models/NAME -o {path}")
    contract = loaded.contract
    takes = f"1 to {contract.antennas} antennas, {contract.samples} samples"
    if contract.input == "image":
        takes = f"images of {' x '.join(map(str, contract.input_shape))}"
    gives = ", ".join(contract.tasks) or "embeddings"
    text = f"{contract.name}: {gives}; {takes}; {loaded.origin} on {loaded.device} ({loaded.engine_reason}); "
    if loaded.self_test is None:
        text += "no self-test, as it is of an earlier version or its input is large"
        return Finding("bundle", "warn", text, f"for one: wfm-export models/{contract.name} -o {path}")
    return Finding(
        "bundle", "ok", f"{text}self-test passed, {loaded.self_test:.1g} from what was answered at its export"
    )


CHECKS: tuple[Callable[[], Finding], ...] = (
    interpreter, numpy, gnu_radio, module, torch, libraries, processor, accelerator, openvino, companion, qt, uhd,
    soapy,
)  # fmt: skip


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-doctor`."""
    parser = argparse.ArgumentParser("wfm-doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    options = parser.parse_args(argv)
    findings = [check() for check in CHECKS] + bundles()
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.status:4}  {finding.check:12}  {finding.text}")
            if finding.mend:
                print(f"{'':20}fix: {finding.mend}")
    return 1 if any(finding.status == "fail" for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
