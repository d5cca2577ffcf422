# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-doctor: look at everything a flowgraph needs, and tell the mend where something is wrong."""

import argparse
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from wfm_core.cli import run
from wfm_core.errors import WfmError

BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # x86, x86, arm


@dataclass(frozen=True)
class Finding:
    """One line: `status` is ok, warn (something is missing that a flowgraph can do without) or fail."""

    check: str
    status: str
    text: str
    mend: str = ""


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


def interpreter() -> Finding:
    return Finding("interpreter", "ok", f"Python {platform.python_version()} at {sys.executable}")


def numpy() -> Finding:
    good, text = probe("import numpy; print(numpy.__version__)")
    if not good:
        return Finding("numpy", "fail", text, "apt-get install python3-numpy")
    if int(text.split(".")[0]) >= 2:
        return Finding("numpy", "fail", f"{text}: GNU Radio does not load with numpy 2", "pip install 'numpy<2'")
    return Finding("numpy", "ok", text)


def gnu_radio() -> Finding:
    good, text = probe("from gnuradio import gr; print(gr.version())")
    if good:
        return Finding("GNU Radio", "ok", text)
    mend = "apt-get install gnuradio, and make the environment with --system-site-packages: make setup"
    return Finding("GNU Radio", "fail", text, mend)


def module() -> Finding:
    good, text = probe("from gnuradio import wfm; wfm.inference, wfm.window_tap, wfm.sdr_source; print(wfm.__file__)")
    return Finding("gnuradio.wfm", "ok" if good else "fail", text, "" if good else "build and install it: make setup")


def torch() -> Finding:
    good, text = probe("import torch; print(torch.__version__, 'with', torch.get_num_threads(), 'threads')")
    return Finding("torch", "ok" if good else "fail", text, "" if good else "pip install torch==2.13.0, or make setup")


def libraries() -> Finding:
    missing = []
    for name in ("sigmf", "safetensors", "yaml", "scipy", "h5py", "matplotlib"):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        return Finding("libraries", "fail", f"missing: {', '.join(missing)}", "make setup")
    return Finding("libraries", "ok", "sigmf, safetensors, yaml, scipy, h5py, matplotlib")


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


def accelerator() -> Finding:
    good, text = probe("import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'none')")
    return Finding("GPU", "ok" if good else "warn", text, "" if good else "see torch above")


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
    ours = Path(sys.prefix) / "share/gnuradio/grc/blocks"
    if (ours / "wfm_inference.block.yml").is_file():
        mend = f"start it with make companion, or export GRC_BLOCKS_PATH={ours}"
        return Finding("Companion", "warn", f"the blocks are in {ours}, where Companion does not look", mend)
    return Finding("Companion", "warn", "wfm_inference.block.yml is nowhere", "install the module: make setup")


def qt() -> Finding:
    good, text = probe("from PyQt5 import QtCore, QtWidgets; print('PyQt5', QtCore.PYQT_VERSION_STR)")
    if good:
        return Finding("Qt", "ok", text)
    return Finding("Qt", "warn", text, "for windows, WFM Detection Display among them: apt-get install python3-pyqt5")


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
    """Every bundle that a name can find, loaded."""
    folders = [Path(entry) for entry in os.environ.get("WFM_BUNDLES", "").split(os.pathsep) if entry]
    folders.append(Path(sys.prefix) / "share/wfm/bundles")
    files = [path for folder in folders for path in sorted(folder.glob("*.wfm.pt"))]
    if not files:
        where = ", ".join(map(str, folders))
        mend = "make setup, or wfm-export models/NAME -o NAME.wfm.pt and WFM_BUNDLES=FOLDER"
        return [Finding("bundle", "fail", f"none in {where}", mend)]
    return [bundle(path) for path in files]


def bundle(path: Path) -> Finding:
    try:
        from wfm_core.bundle import load_bundle  # needs torch, which may be what is wrong here

        loaded = load_bundle(str(path))
    except (WfmError, ImportError) as error:
        return Finding("bundle", "fail", f"{path}: {error}", f"export it again: wfm-export models/NAME -o {path}")
    contract = loaded.contract
    text = (
        f"{contract.name}: {', '.join(contract.tasks)}; 1 to {contract.antennas} antennas, "
        f"{contract.samples} samples; {loaded.dtype} on {loaded.device}"
    )
    return Finding("bundle", "ok", text)


CHECKS: tuple[Callable[[], Finding], ...] = (
    interpreter, numpy, gnu_radio, module, torch, libraries, processor, accelerator, companion, qt, uhd, soapy,
)  # fmt: skip


def _main(argv: list[str] | None) -> int:
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
                print(f"{'':20}mend: {finding.mend}")
    return 1 if any(finding.status == "fail" for finding in findings) else 0


def main(argv: list[str] | None = None) -> int:
    """The command `wfm-doctor`; returns its exit status."""
    return run(lambda: _main(argv))


if __name__ == "__main__":
    sys.exit(main())
