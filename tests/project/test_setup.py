# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/setup*: which interpreter it takes, what it asks for, what it says. Interpreters and apt are stand-ins."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("steps", "interpreter", "system", "torch")
TOOLS = ("bash", "sed", "grep", "awk", "sort", "cat", "true", "paste", "env", "dpkg", "mkdir")


def stand_in(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def fake_python(folder: Path, gnuradio: bool, answers: str = "") -> Path:
    """A python3 whose `import gnuradio` works or not; `answers`: cases of what it prints for code that matches."""
    loads = "exit 0" if gnuradio else "exit 1"
    script = f'case "$2" in\n{answers}\n*"import gr") {loads};;\n*) exit 1;;\nesac'
    return stand_in(folder / "python3", script)


def bash(code: str, path: list[Path], **environment: str) -> subprocess.CompletedProcess:
    """Run `code` after the parts of setup.sh, with only `path` and the shell's own tools to be found."""
    tools = path[-1] / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        where = shutil.which(name)
        if where and not (tools / name).exists():
            (tools / name).symlink_to(where)
    head = f"set -euo pipefail; STAMPS={path[-1]}/stamps; "
    head += "".join(f"source scripts/setup/{part}.sh; " for part in PARTS)
    env = {"PATH": ":".join(map(str, [*path, tools])), "LANG": "C.UTF-8", "VENV": "/nowhere/.venv", **environment}
    return subprocess.run(["bash", "-c", head + code], cwd=ROOT, env=env, capture_output=True, text=True)


def test_the_first_interpreter_that_imports_gnu_radio_is_taken(tmp_path):
    without, conda, later = (tmp_path / name for name in ("pyenv", "conda", "later"))
    fake_python(without, gnuradio=False)
    fake_python(conda, gnuradio=True)
    fake_python(later, gnuradio=True)
    assert bash("gnuradio_python", [without, conda, later]).stdout.strip() == str(conda / "python3")


def test_python_names_it_and_nothing_else_is_tried(tmp_path):
    fake_python(tmp_path / "path", gnuradio=True)
    named = fake_python(tmp_path / "named", gnuradio=True)
    assert bash("gnuradio_python", [tmp_path / "path"], PYTHON=str(named)).stdout.strip() == str(named)
    broken = fake_python(tmp_path / "broken", gnuradio=False)
    done = bash("gnuradio_python", [tmp_path / "path"], PYTHON=str(broken))
    assert (done.returncode, done.stdout) == (1, "")


def test_the_virtual_environment_being_set_up_is_no_candidate(tmp_path):
    venv = tmp_path / ".venv"
    fake_python(venv / "bin", gnuradio=True)
    listed = bash("python_candidates", [venv / "bin", tmp_path], VENV=str(venv)).stdout.split()
    assert str(venv / "bin/python3") not in listed and "/usr/bin/python3" in listed


def constraints(tmp_path: Path, numpy: str) -> list[str]:
    python = fake_python(tmp_path, True, f"*numpy*) echo {numpy};;")
    return bash(f"constraint_files {python}", [tmp_path]).stdout.split()


@pytest.mark.parametrize("numpy", ["1.24.2", "1.26.4"])  # Debian 12, Ubuntu 24.04
def test_numpy_is_held_below_2_where_gnu_radio_came_with_numpy_1(tmp_path, numpy):
    assert constraints(tmp_path, numpy) == ["constraints.txt", "constraints-numpy1.txt"]


def test_numpy_2_is_left_alone_where_gnu_radio_came_with_it(tmp_path):
    assert constraints(tmp_path, "2.2.4") == ["constraints.txt"]
    assert "numpy" not in (ROOT / "constraints.txt").read_text()


def test_the_project_itself_allows_both_numpys():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = {need.name: need.specifier for need in map(Requirement, project["dependencies"])}
    caps = [line for line in (ROOT / "constraints-numpy1.txt").read_text().splitlines() if not line.startswith("#")]
    assert {Requirement(cap).name for cap in caps} >= {"numpy", "scipy", "scikit-learn", "onnx", "onnxruntime"}
    for version in ("1.24.2", "1.26.4", "2.2.4"):
        assert version in needs["numpy"]


def sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def tools_python(folder: Path, missing: str, prefix: Path, version: str = "3.11") -> Path:
    """An interpreter of a GNU Radio under `prefix`; code that matches `missing` fails."""
    include = prefix / "include"
    answers = f"{missing}) exit 1;;\n" if missing else ""
    answers += f"*version_info*) [ {version.split('.')[1]} -ge 11 ];;\n*gr.prefix*) echo {prefix};;\n"
    answers += f"*sysconfig*) echo {include}/python;;\n*venv*|*pybind11*) exit 0;;\n"
    answers += f'*) [ "$1" = --version ] && echo Python {version}.2 && exit;;'
    return fake_python(folder, True, answers)


@pytest.fixture
def build_place(tmp_path):
    """PATH and prefix of a machine that has all that building takes."""
    place, prefix = tmp_path / "path", tmp_path / "prefix"
    for name in ("cmake", "c++", "pkg-config"):
        stand_in(place / name, "exit 0")
    for header in ("gnuradio/block.h", "python/Python.h", "pybind11/pybind11.h"):
        (prefix / "include" / header).parent.mkdir(parents=True, exist_ok=True)
        (prefix / "include" / header).touch()
    return place, prefix


def test_a_machine_that_has_all_tools_is_left_alone(build_place):
    place, prefix = build_place
    done = bash(f"build_tools {tools_python(place, '', prefix)}", [place])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("path/cmake", "no cmake"),
        ("path/c++", "no C++ compiler"),
        ("path/pkg-config", "no pkg-config"),
        ("prefix/include/gnuradio/block.h", "no GNU Radio headers in"),
        ("prefix/include/python/Python.h", "no Python.h in"),
    ],
)
def test_a_missing_tool_is_one_sentence_with_the_packages_name(build_place, tmp_path, gone, said):
    place, prefix = build_place
    (tmp_path / gone).unlink()
    text = sentence(bash(f"build_tools {tools_python(place, '', prefix)}", [place]))
    assert said in text and "install" in text


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("lib", "no headers of ZeroMQ 4.2 .*libzmq3-dev"),
        ("share", "no headers of nlohmann-json 3.9 .*nlohmann-json3-dev"),
    ],
)
def test_a_library_without_headers_is_one_sentence_with_the_packages_name(build_place, folder, said):
    place, prefix = build_place
    stand_in(place / "pkg-config", f'[ "$PKG_CONFIG_PATH" = {prefix}/{folder}/pkgconfig ] && exit 1; exit 0')
    assert re.search(said, sentence(bash(f"build_tools {tools_python(place, '', prefix)}", [place])))


def test_no_venv_module_and_an_old_python_are_sentences(build_place):
    place, prefix = build_place
    assert "python3-venv" in sentence(bash(f"build_tools {tools_python(place, '*venv*', prefix)}", [place]))
    old = tools_python(place, "", prefix, version="3.10")
    assert "is Python 3.10.2, 3.11 or newer is expected" in sentence(bash(f"build_tools {old}", [place]))


def apt(folder: Path, versions: dict[str, str], fails: str = "-") -> None:
    """dpkg-query that finds nothing, apt-cache with `versions`, apt-get that notes what it is told in `log`."""
    stand_in(folder / "dpkg-query", "exit 1")
    cases = "".join(f'{name}) echo "  Candidate: {version}";;\n' for name, version in versions.items())
    stand_in(folder / "apt-cache", f'case "$2" in\n{cases}*) echo "  Candidate: (none)";;\nesac')
    stand_in(folder / "apt-get", f'echo "$@" >>{folder}/log; case "$*" in *{fails}*) exit 1;; esac')
    stand_in(folder / "sudo", 'exec "$@"')  # where the tests are not run by root


def test_an_optional_package_that_is_not_there_or_fails_ends_nothing(tmp_path):
    apt(tmp_path, {"libsoapysdr-dev": "0.8", "gr-osmosdr": "0.2"}, fails="gr-osmosdr")
    done = bash("system_packages", [tmp_path])
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text()
    assert "libsoapysdr-dev" in log and "uhd-soapysdr" not in log
    assert "gr-osmosdr could not be installed: tests with simulated radios are skipped" in done.stdout
    (tmp_path / "log").unlink()
    there = 'case "$3" in libsoapysdr*|uhd-soapy*|gr-osmo*) exit 1;; esac; echo install ok installed'
    stand_in(tmp_path / "dpkg-query", there)
    again = bash("system_packages", [tmp_path])
    assert (again.stdout, (tmp_path / "log").exists()) == ("", False), "apt is asked once, not at every make"


def test_a_needed_package_that_cannot_be_had_is_one_sentence(tmp_path):
    apt(tmp_path, {}, fails="gnuradio-dev")
    assert "apt-get could not install: gnuradio" in sentence(bash("system_packages", [tmp_path]))


@pytest.mark.parametrize(("version", "new_enough"), [("1.13.1+dfsg-4", False), ("2.6.0+dfsg-7", True), ("", False)])
def test_the_distributions_torch_is_taken_only_when_new_enough(tmp_path, version, new_enough):
    apt(tmp_path, {"python3-torch": version} if version else {})
    done = bash('system_torch; echo "${PACKAGES[@]}"', [tmp_path], TORCH_SPEC="system")
    if new_enough:
        assert "python3-torch" in done.stdout
    else:
        assert f"python3-torch is {version or 'missing'}, 2.6 or newer is expected" in sentence(done)


def test_torch_from_pip_asks_the_distribution_nothing(tmp_path):
    apt(tmp_path, {"python3-torch": "2.6.0"})
    assert "python3-torch" not in bash('system_torch; echo "${PACKAGES[@]}"', [tmp_path], TORCH_SPEC="torch").stdout


@pytest.mark.parametrize(("version", "good"), [("2.6.0+debian", True), ("2.13.0", True), ("2.5.1", False), ("", False)])
def test_what_the_interpreter_imports_is_compared_as_a_version(tmp_path, version, good):
    python = fake_python(tmp_path, True, f"*torch*) [ -n '{version}' ] && echo {version};;")
    done = bash(f"check_system_torch {python}", [tmp_path], TORCH_SPEC="system")
    assert (done.returncode == 0) is good
    assert good or (version or "not at all") in sentence(done)


@pytest.mark.parametrize(("fetched", "said"), [("nvidia-cublas", True), ("numpy", False)])
def test_cuda_is_announced_before_it_is_fetched(tmp_path, fetched, said):
    report = json.dumps({"install": [{"metadata": {"name": name}} for name in ("torch", fetched)]})
    pip = stand_in(tmp_path / "pip", f"[[ \"$*\" == *--dry-run* ]] && echo '{report}'")
    done = bash(f"announce_cuda {pip} install", [tmp_path], TORCH_SPEC="torch==2.13.0")
    assert done.returncode == 0 and ("2.7 GB" in done.stdout) is said


def test_without_dpkg_and_gnu_radio_it_says_how_to_name_one(tmp_path):
    """The whole script on a machine with neither: it must not touch the virtual environment."""
    fake_python(tmp_path, gnuradio=False)
    for name in (*TOOLS, "dirname"):
        if not (tmp_path / name).exists():
            (tmp_path / name).symlink_to(shutil.which(name))
    environment = {"PATH": str(tmp_path), "PYTHON": str(tmp_path / "python3"), "VENV": str(tmp_path / "venv")}
    done = subprocess.run(["bash", "scripts/setup.sh"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "PYTHON=/path/to/python3" in sentence(done) and not (tmp_path / "venv").exists()


def python312() -> str | None:
    """A Python 3.12 that runs (a version manager may have a python3.12 on PATH that only says that it does not)."""
    places = [shutil.which("python3.12"), *Path.home().glob(".pyenv/versions/3.12.*/bin/python3.12")]
    for place in filter(None, places):
        if subprocess.run([place, "-c", "import venv"], capture_output=True).returncode == 0:
            return str(place)
    return None


@pytest.mark.slow
@pytest.mark.skipif(python312() is None, reason="no Python 3.12 here")
def test_the_caps_fit_ubuntu_24_04(tmp_path):
    """numpy 1.26.4 and scipy 1.11.4 under Python 3.12, and all else that is asked for, install together; of torch only
    what it takes is left out, gigabytes of CUDA. What then can be imported without torch, is."""
    subprocess.run([python312(), "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv/bin/python")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = [need for need in project["dependencies"] if not need.startswith(("torch", "lightning"))]
    needs += ["onnx>=1.16", "onnxruntime>=1.18", "numpy==1.26.4", "scipy==1.11.4"]
    command = [python, "-m", "pip", "install", "--quiet", "-c", "constraints-numpy1.txt", *needs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    if "NewConnectionError" in done.stderr:
        pytest.skip("no package index here")
    assert done.returncode == 0, done.stderr
    recording = "examples/data/lte_dsss.sigmf-meta"
    code = f"from wfm_core.data import open_recording; print(open_recording({recording!r}).samples)"
    environment = {"PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    read = subprocess.run([python, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert read.returncode == 0 and int(read.stdout) > 0, read.stderr
