# SPDX-License-Identifier: GPL-3.0-or-later
"""`make fuzz MINUTES=5`: generated messages, strange recordings and damaged files, with fresh seeds, for some minutes.

    python tests/fuzz/fuzz.py MINUTES [--seed N] [--only NAME ...] [--count N] [--keep FOLDER]

One round is one kind of file, recordings with strange metadata, packets with CSI, or the messages of one port, in a
process of its own with limits on memory and time. Its seed is printed, so that any round can be repeated. Ends with 1
at the first round that fails: it says which kind, seed and case, and keeps the file in the folder of --keep (out/fuzz).
"""

import argparse
import importlib.util
import itertools
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from case_runner import ENVIRONMENT, run_cases
from test_damaged_files import KINDS, run
from test_strange_csi import FORMATS as CSI_FORMATS
from test_strange_csi import run as run_csi

TESTS = Path(__file__).parent
FILES, MESSAGES = 100, 2000
"""Of one round, which takes some ten seconds."""
RECORDINGS = "strange-recordings"
CSI, CSI_PACKETS = "csi-", 5000
MESSAGES_SECONDS = 300
MEMORY_BYTES = 8 << 30
"""Of a process that takes messages; file_mutator has a limit of its own."""
MESSAGES_ROUND = """
import sys
from pathlib import Path
import pytest
import test_strange_messages as strange

name, seed, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
with pytest.MonkeyPatch.context() as patch:
    strange.withstands(folder, patch, name, count, seed)
"""


def message_ports() -> list[str]:
    """Names of the cases of test_strange_messages."""
    command = [sys.executable, "-c", "import test_strange_messages as strange; print(*strange.CASES)"]
    done = subprocess.run(command, cwd=TESTS, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"fuzz: test_strange_messages cannot be loaded: {done.stderr.strip()[-500:]}")
    return done.stdout.splitlines()[-1].split()


def fuzz_messages(folder: Path, name: str, seed: int, count: int) -> list[str]:
    """What does not pass, as `run` has it for files."""
    command = [sys.executable, "-c", MESSAGES_ROUND, name, str(seed), str(count), str(folder)]
    try:
        done = subprocess.run(
            command,
            cwd=TESTS,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=MESSAGES_SECONDS,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES)),
        )
    except subprocess.TimeoutExpired:
        return [f"did not end within {MESSAGES_SECONDS} s"]
    if done.returncode == 0:
        return []
    return [f"ended with {done.returncode}: {' | '.join(done.stderr.splitlines()[-4:])}"]


def fuzz_recordings(folder: Path, name: str, seed: int, count: int) -> list[str]:
    """What not all readers read alike, or refuse."""
    return run_cases(folder, count, "strange_readers.py", folder, seed, count)


def fuzz_csi(folder: Path, name: str, seed: int, count: int) -> list[str]:
    """What is not decoded, nor refused as it should be, of packets with CSI."""
    return run_csi(folder, name.removeprefix(CSI), seed, count)


def keep(kind: str, seed: int, found: list[str], place: Path) -> Path:
    """The file of the case that failed, made again, or what was said; in a folder of this round."""
    kept = place / f"{kind}-{seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    (kept / "found.txt").write_text("\n".join(found) + "\n")
    case = found[0].partition(":")[0].removeprefix("CASE ")
    if case.isdigit():
        code = "import sys; from file_mutator import save_case; save_case(*sys.argv[1:])"
        command = [sys.executable, "-c", code, str(kept), kind, str(seed), case]
        subprocess.run(command, cwd=TESTS, env=ENVIRONMENT, capture_output=True)
    return kept


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=5.0)
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count on (default: a fresh one)")
    parser.add_argument("--only", nargs="*", default=[], help="kinds of files, or BLOCK-PORT")
    parser.add_argument("--count", type=int, help="cases of a round")
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"))
    arguments = parser.parse_args(argv)
    ports = message_ports()
    rounds = [*((run, kind, FILES) for kind in KINDS), *((fuzz_messages, name, MESSAGES) for name in ports)]
    if importlib.util.find_spec("csiread"):
        rounds += [(fuzz_csi, f"{CSI}{name}", CSI_PACKETS) for name in CSI_FORMATS]
    rounds.append((fuzz_recordings, RECORDINGS, FILES))
    unknown = set(arguments.only) - {name for _, name, _ in rounds}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(name for _, name, _ in rounds)}")
    rounds = [one for one in rounds if not arguments.only or one[1] in arguments.only]
    first = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    random.Random(first).shuffle(rounds)
    ENVIRONMENT.setdefault("QT_QPA_PLATFORM", "offscreen")
    until, cases = time.monotonic() + 60 * arguments.minutes, 0
    for number in itertools.count():
        if number and time.monotonic() >= until:
            break
        fuzz, name, usual = rounds[number % len(rounds)]
        seed, count = first + number, arguments.count or usual
        print(f"fuzz: {name}, seed {seed}, {count} cases", flush=True)
        with tempfile.TemporaryDirectory(prefix="wfm-fuzz-") as folder:
            found = fuzz(Path(folder), name, seed, count)
            if found:
                kept = keep(name, seed, found, arguments.keep)
                print(f"fuzz: FOUND in {name}, seed {seed}: {found[0]}\nfuzz: kept in {kept}", flush=True)
                return 1
        cases += count
    print(f"fuzz: {number} rounds, {cases} cases, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
