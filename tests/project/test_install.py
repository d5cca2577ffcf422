# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain CMake way: what an installation has, that it is found, that it goes. Not the virtual environment's."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from wfm_core.base import needs, places
from wfm_core.base.errors import WfmError
from wfm_core.bundle import find_bundle
from wfm_core.bundle.foundation import find_foundation

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BLOCKS = len(list((ROOT / "grc").glob("*.block.yml")))


def run(*command, environment: dict | None = None, **options) -> subprocess.CompletedProcess:
    """A command that ends well, with nothing of ours in its environment."""
    ours = ("PYTHONPATH", "GRC_BLOCKS_PATH", "WFM_BUNDLES", "LD_LIBRARY_PATH", "DISPLAY", "WAYLAND_DISPLAY")
    clean = {key: value for key, value in os.environ.items() if key not in ours} | (environment or {})
    done = subprocess.run(list(map(str, command)), env=clean, capture_output=True, text=True, timeout=1500, **options)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-3000:])
    return done


def core_package(out: Path) -> Path:
    """What gr-wfm/cmake/core_package.py writes, laid out as it is installed: the package folder."""
    packages = out / "lib" / "python3" / "dist-packages"
    written = out / "written"
    run(sys.executable, ROOT / "gr-wfm/cmake/core_package.py", written, "lib/python3/dist-packages")
    shutil.copytree(written, packages, ignore=shutil.ignore_patterns("bin"))
    shutil.copytree(written / "bin", out / "bin")
    (packages / "wfm_core").symlink_to(ROOT / "python" / "wfm_core")
    return packages


def test_the_dist_info_is_read_as_the_projects(tmp_path):
    (found,) = importlib.metadata.distributions(path=[str(core_package(tmp_path))])
    assert (found.metadata["Name"], found.version) == (PROJECT["name"], PROJECT["version"])
    assert found.metadata["Requires-Python"] == PROJECT["requires-python"]
    assert [need for need in found.requires if "extra" not in need] == PROJECT["dependencies"]
    assert {entry.name: entry.value for entry in found.entry_points} == PROJECT["scripts"]


def test_every_command_starts_and_finds_its_package(tmp_path):
    core_package(tmp_path)
    assert {path.name for path in (tmp_path / "bin").iterdir()} == set(PROJECT["scripts"])
    assert "usage: wfm-monitor" in run(tmp_path / "bin" / "wfm-monitor", "--help", cwd=tmp_path).stdout


def test_a_command_whose_library_is_missing_says_so_in_one_sentence(tmp_path):
    core_package(tmp_path)
    program = (tmp_path / "bin" / "wfm-monitor").read_text()
    broken = tmp_path / "bin" / "broken"
    broken.write_text(program.replace("from wfm_core.cli.monitor", "import not_there\n    from wfm_core.cli.monitor"))
    done = subprocess.run([sys.executable, broken], capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "not_there" in done.stderr


def test_every_need_is_listed_where_a_user_looks():
    names = {re.match(r"[\w-]+", need)[0] for need in PROJECT["dependencies"]}
    for page in ("README.md", "docs/installing.md"):
        text = (ROOT / page).read_text()
        assert [name for name in names if not re.search(rf"\b{name}\b", text)] == [], page


def python_dir(python: str, prefix) -> str:
    return run(python, ROOT / "gr-wfm/cmake/python_dir.py", prefix).stdout.strip()


def test_packages_go_where_the_interpreter_looks(tmp_path):
    assert Path(sys.prefix, python_dir(sys.executable, sys.prefix)) == Path(sysconfig.get_path("platlib"))
    assert re.fullmatch(r"lib/python3\.\d+/site-packages", python_dir(sys.executable, tmp_path))


@pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="not Debian or one like it")
@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_a_package_of_debian_leaves_usr_local_alone(prefix):
    folder = os.path.normpath(os.path.join(prefix, python_dir("/usr/bin/python3", prefix)))
    path = run("/usr/bin/python3", "-c", "import sys; print(*sys.path, sep='\\n')").stdout.split()
    assert folder in path and folder.startswith("/usr/local/") is (prefix == "/usr/local")


def test_versions_agree():
    stated = re.search(r"project\(gr-wfm VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert stated == PROJECT["version"]


def test_a_bundle_beside_the_package_is_found_without_a_variable(tmp_path, monkeypatch):
    """As in /usr/local, which is no interpreter's prefix: the folders are found from the package."""
    package = tmp_path / "lib" / "python3.11" / "dist-packages" / "wfm_core"
    for folder in (package, tmp_path / "share/wfm/bundles", tmp_path / "share/wfm/models"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(places, "__file__", str(package / "places.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "interpreter"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("WFM_BUNDLES", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "share/wfm/bundles/installed.wfm.pt").touch()
    assert find_bundle("installed") == tmp_path / "share/wfm/bundles/installed.wfm.pt"
    for name in ("wfm-interference", "wfm-base"):
        shutil.copytree(ROOT / "models" / name, tmp_path / "share/wfm/models" / name)
    assert find_bundle("wfm-interference") == tmp_path / "share/wfm/models/wfm-interference"
    assert find_foundation("wfm-base") == tmp_path / "share/wfm/models/wfm-base"
    with pytest.raises(WfmError, match="share/wfm/models"):
        find_bundle("not-there")


def test_a_missing_library_is_one_sentence_and_a_broken_one_is_not_hidden(tmp_path, monkeypatch):
    with pytest.raises(WfmError, match="reading SigMF takes the Python package not_there, which .* install it"):
        needs.needed("not_there.part", "reading SigMF")
    (tmp_path / "broken.py").write_text("import not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        needs.needed("broken", "anything")


def test_a_flowgraph_imports_only_what_its_readme_lists():
    """The block's module, a bundle and the simulated radio load without what only some commands take."""
    code = (
        "import sys; absent = ('sigmf', 'lightning', 'torchmetrics', 'sklearn', 'h5py', 'tensorboard')\n"
        "sys.modules.update(dict.fromkeys(absent))\n"
        "from gnuradio import wfm; from gnuradio.wfm import app\n"
        "import wfm_core.synth.scenes.simulated, wfm_core; wfm_core.load_bundle\n"
        "from wfm_core.data.recordings import recording\n"
        "recording.open_recording(sys.argv[1])"
    )
    recording = ROOT / "examples" / "data" / "lte_dsss.sigmf-meta"
    done = subprocess.run([sys.executable, "-c", code, recording], capture_output=True, text=True)
    assert done.returncode == 1
    assert "reading SigMF takes the Python package sigmf" in done.stderr.splitlines()[-1], done.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    """An installation by the three plain commands."""
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("prefix")
    settings = [f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DPYTHON_EXECUTABLE={sys.executable}"]
    run("cmake", "-S", ROOT, "-B", build, *settings)
    run("cmake", "--build", build, "-j", str(os.cpu_count()))
    run("cmake", "--install", build)
    (prefix / "build-folder").write_text(str(build))
    return prefix


def search_path(prefix: Path) -> dict[str, str]:
    """The two variables that a prefix takes which neither Python nor GNU Radio knows."""
    (packages,) = prefix.glob("lib/python3*/*-packages")
    return {"PYTHONPATH": str(packages), "GRC_BLOCKS_PATH": str(prefix / "share/gnuradio/grc/blocks")}


@pytest.mark.slow
def test_a_flowgraph_runs_from_another_prefix(prefix, tmp_path):
    code = "import wfm_core, gnuradio.wfm as wfm; print(wfm_core.__file__, wfm.__file__, wfm.wfm_python.__file__)"
    places = run(sys.executable, "-c", code, environment=search_path(prefix), cwd=tmp_path).stdout.split()
    assert all(place.startswith(str(prefix)) for place in places), places
    program = prefix / "share/gnuradio/wfm/examples/live_interference.py"
    options = ("--source", "sim", "--duration", "3", "--json", tmp_path / "decisions.jsonl")
    run(sys.executable, program, *options, environment=search_path(prefix), cwd=tmp_path)
    assert (tmp_path / "decisions.jsonl").read_text().count("\n") > 10
    assert (prefix / "share/wfm/bundles/wfm-interference.wfm.pt").is_file()
    run(prefix / "bin" / "wfm-evaluate", "--help", cwd=tmp_path)


@pytest.mark.slow
def test_companion_finds_the_blocks_of_another_prefix(prefix, tmp_path):
    check = ROOT / "scripts" / "try" / "companion_blocks.py"
    said = run(sys.executable, check, BLOCKS, environment=search_path(prefix), cwd=tmp_path).stdout
    assert f"{BLOCKS} blocks" in said


CONSUMER = """\
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(gnuradio-wfm 0.1 REQUIRED)
add_executable(consumer consumer.cc)
target_link_libraries(consumer gnuradio::gnuradio-wfm)
"""


PROGRAM = """\
#include <gnuradio/wfm/spectrogram.h>
int main() { return gr::wfm::spectrogram::make(64, 32)->name() != "wfm_spectrogram"; }
"""


def consume(prefix: Path, folder: Path) -> None:
    """Another project finds the library below `prefix`, links to it and runs."""
    (folder / "CMakeLists.txt").write_text(CONSUMER)
    (folder / "consumer.cc").write_text(PROGRAM)
    run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder / "build")
    run(folder / "build" / "consumer")


def test_another_project_finds_the_library_that_setup_installed(tmp_path):
    consume(Path(sys.prefix), tmp_path)


@pytest.mark.slow
def test_another_project_finds_the_library(prefix, tmp_path):
    consume(prefix, tmp_path)


@pytest.mark.slow
def test_ctest_runs_the_tests_of_the_blocks_with_what_was_built(prefix):
    build = (prefix / "build-folder").read_text()
    listed = run("ctest", "-N", cwd=build).stdout
    expected = {path.stem for path in ROOT.glob("tests/blocks/*/test_*.py") if "display" not in path.stem}
    assert {name for name in expected if not re.search(rf": {name}$", listed, re.MULTILINE)} == set()
    done = run("ctest", "-R", "^test_window_tap_breaks$", "-V", cwd=build).stdout
    assert f"{build}/test_modules/gnuradio/wfm/__init__.py" in done and "100% tests passed" in done


@pytest.mark.slow
def test_uninstall_takes_everything_away(prefix, tmp_path):
    run("cmake", "--build", (prefix / "build-folder").read_text(), "--target", "uninstall")
    left = [path for path in prefix.rglob("*") if path.is_file() and path.name != "build-folder"]
    assert left == [] and not list(prefix.rglob("*wfm*"))
