# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-log as a user runs it: it keeps what publishers say, and finds it again."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
from record_parts import event, rows_of
from record_parts import status as status_of
from waiting import wait_for

from wfm_core.cli import log
from wfm_core.messages.sockets import EventSender
from wfm_core.record.query import Filter, events
from wfm_core.record.store import Record

PROGRAM = [sys.executable, "-m", "wfm_core.cli.log"]


@contextmanager
def running(*arguments):
    """The command, with its output in pipes; ended by a kill where the test has not ended it."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def publisher(radio: str = "roof"):
    with closing(EventSender("tcp://127.0.0.1:*", radio, 1000)) as sender:
        yield sender


def joined(url: str, sender: EventSender, **fields) -> None:
    """Say events until the first is in the database."""

    def there() -> bool:
        sender.send("event", event(**fields).body)
        reader = Record(url, write=False)
        found = list(events(reader, Filter(labels=(fields["label"],))))
        reader.close()
        return bool(found)

    wait_for(there, 30.0)


def ended(process: subprocess.Popen, number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_what_publishers_say_is_kept_and_found(url, tmp_path, capsys):
    with publisher() as roof, publisher("van") as van:
        sites = ["--connect", roof.address, "--site", f"away={van.address}"]
        with running("--database", url, *sites) as process:
            assert "0 events committed" in process.stdout.readline()
            joined(url, roof, label="hello")
            joined(url, van, label="hello from the van")
            roof.send("status", status_of().body)
            for number in range(50):
                roof.send("event", event(number, label="lora").body)
                van.send("event", event(number, label="'; DROP TABLE wfm_events; --").body)
            roof.send("event", {"event": "end", "task": "t", "label": "x" * 1000})
            roof.send("decision", {"sample_start": 0, "sample_count": 1, "tasks": {"t": {"position": [0.0]}}})
            joined(url, roof, label="bye")
            joined(url, van, label="bye from the van")
            code, out, err = ended(process)
    assert code == 0, err
    assert "0 dropped, 0 messages missed, 1 refused" in out.splitlines()[-1]
    assert err.count("\n") == 1 and "label is of 1000 characters" in err

    assert log.main(["query", "--database", url, "--label", "lora", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 50
    assert {(one["site"], one["radio"], one["model"]) for one in found} == {("local", "roof", "wfm-signals")}
    assert log.main(["query", "--database", url, "--site", "away", "--radio", "van", "--limit", "3"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 4 and "only the latest 3" in printed.err
    assert log.main(["export", "--database", url, "--label", "lora", "--sigmf", str(tmp_path / "e.sigmf-meta")]) == 0
    assert "50 events in" in capsys.readouterr().out


def test_a_kill_of_the_command_loses_nothing_it_acknowledged(url):
    with publisher() as sender, running("--database", url, "--connect", sender.address) as process:
        process.stdout.readline()
        joined(url, sender, label="hello")
        committed = 0
        while committed < 2000:
            for number in range(500):
                sender.send("event", event(number).body)
            committed = int(process.stdout.readline().split()[0])
        process.kill()
        process.wait()
        rest = re.findall(r"^(\d+) events committed", process.stdout.read(), re.MULTILINE)
    record = Record(url, write=False)
    assert len(list(events(record, Filter()))) >= max(committed, *map(int, rest), 0)
    record.close()


def test_the_record_goes_on_when_nobody_reads_what_it_says(tmp_path):
    url = f"sqlite:///{tmp_path / 'e.db'}"
    with publisher() as sender, running("--database", url, "--connect", sender.address) as process:
        process.stdout.readline()
        process.stdout.close()
        process.stderr.close()
        joined(url, sender, label="hello")
        sender.send("event", {"event": "end", "task": "t", "label": ""})
        joined(url, sender, label="refused before, said to nobody")
        time.sleep(1.5)  # a line of counts fails
        joined(url, sender, label="bye")
        process.terminate()
        assert process.wait(30) == 0
        process.stdout = process.stderr = None


def test_gaps_are_missed_and_said(tmp_path):
    url = f"sqlite:///{tmp_path / 'e.db'}"
    with publisher() as sender, running("--database", url, "--connect", sender.address) as process:
        process.stdout.readline()
        joined(url, sender, label="hello")
        sender._sequences["event"] += 7
        joined(url, sender, label="after the gap")
        code, out, err = ended(process, signal.SIGINT)
    assert code == 0 and "7 messages missed" in out.splitlines()[-1] and "numbers have gaps" in err


def test_one_publisher_at_two_addresses_is_kept_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'e.db'}"
    with publisher() as sender:
        port = sender.address.rpartition(":")[2]
        twice = ["--connect", f"tcp://127.0.0.1:{port}", "--connect", f"tcp://localhost:{port}"]
        with running("--database", url, *twice) as process:
            process.stdout.readline()
            joined(url, sender, label="hello")
            for number in range(20):
                sender.send("event", event(number).body)
            joined(url, sender, label="bye")
            code, _, err = ended(process)
    record = Record(url, write=False)
    assert code == 0 and len(list(events(record, Filter(labels=("lora",))))) == 20, err
    record.close()


@pytest.fixture
def kept(tmp_path) -> str:
    url = f"sqlite:///{tmp_path / 'e.db'}"
    record = Record(url, write=True)
    bare = dict.fromkeys(("rx_time", "rx_freq", "freq_lower_edge", "freq_upper_edge", "score", "duration"), ...)
    record.add(rows_of(event(0), event(1, label="fm\x1b[2J", rx_freq=100e6, freq_lower_edge=..., freq_upper_edge=...)))
    record.add(rows_of(event(2, label="bare", **bare)))
    record.close()
    return url


def test_the_table_is_for_people(kept, capsys):
    assert log.main(["query", "--database", kept]) == 0
    _, bare, lora, fm = capsys.readouterr().out.splitlines()
    assert lora.startswith("2026-11-28T12:00:00.250000Z home") and "868.0000-868.1250" in lora and "0.75" in lora
    assert "fm?[2J" in fm and "100.0000" in fm, "no control sequence reaches the terminal"
    assert bare.startswith("2026-11-28T12:00:00.000000~ home"), "by the clock of the computer"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--band", "868M:868.1M"], ["lora"]),
        (["--band", "0.09G:110e6Hz", "--band", "1k:2k"], ["fm\x1b[2J"]),
        (["--since", "2026-11-28T12:00:01Z"], ["fm\x1b[2J"]),
        (["--until", "2026-11-28T13:00:01+01:00"], ["bare", "lora"]),
        (["--since", "2026-11-28", "--until", "2026-11-29"], ["bare", "lora", "fm\x1b[2J"]),
        (["--since", "2 h ago"], None),
        (["--label", "bare", "--label", "lora", "--begins"], ["bare", "lora"]),
        (["--task", "interference"], []),
        (["--limit", "0"], ["bare", "lora", "fm\x1b[2J"]),
        (["--limit", "1"], ["fm\x1b[2J"]),
    ],
)
def test_options_choose_events(kept, capsys, options, found):
    assert log.main(["query", "--database", kept, "--json", *options]) == 0
    labels = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert found is None or labels == found


@pytest.mark.parametrize(
    "options",
    [
        ["query"],
        ["query", "--database", "sqlite:///e.db", "--band", "868M"],
        ["query", "--database", "sqlite:///e.db", "--band", "2M:1M"],
        ["query", "--database", "sqlite:///e.db", "--band", "1:2:3"],
        ["query", "--database", "sqlite:///e.db", "--band", "nan:2"],
        ["query", "--database", "sqlite:///e.db", "--since", "yesterday"],
        ["query", "--database", "sqlite:///e.db", "--limit", "-1"],
        ["export", "--database", "sqlite:///e.db"],
        ["export", "--database", "sqlite:///e.db", "--parquet", "a", "--sigmf", "b"],
        ["--connect", "tcp://127.0.0.1:5710"],
        ["--database", "sqlite:///e.db", "--site", "roof"],
        ["--database", "sqlite:///e.db", "--keep", "0"],
        ["--database", "sqlite:///e.db", "--keep", "nan"],
    ],
)
def test_wrong_use_has_exit_status_two(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as wrong_use:
        log.main(options)
    assert wrong_use.value.code == 2 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["query", "--database", "sqlite:///not-there.db"], "there is no database not-there.db"),
        (["--database", "events.db"], "no URL"),
        (["--database", "sqlite:///e.db", "--connect", "nowhere"], "cannot listen to 'nowhere'"),
        (["--database", "sqlite:///e.db", "--site", "x" * 201 + "=tcp://127.0.0.1:1"], "site is of 201 characters"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, words, tmp_path):
    done = subprocess.run([*PROGRAM, *options], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and words in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("package", "options"),
    [
        ("sqlalchemy", []),
        ("sqlalchemy", ["query"]),
        ("sqlalchemy", ["export", "--sigmf", "e.sigmf-meta"]),
        ("pyarrow", ["export", "--parquet", "e"]),
    ],
)
def test_without_its_packages_it_says_what_to_install(kept, package, options, tmp_path):
    code = f"import sys; sys.modules[{package!r}] = None; from wfm_core.cli import log; sys.exit(log.main())"
    for arguments, status in (([*options, "--database", kept], 1), (["--help"], 0)):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == status and done.stderr.count("\n") == status, done.stderr
        said = f"the Python package {package}" in done.stderr and "install it with pip" in done.stderr
        assert said is bool(status)


def test_a_fault_of_ours_is_not_silent():
    with publisher() as sender:
        ear = log._Ear("roof", [sender.address], False, None, print)  # without a writer
        ear.start()
        wait_for(lambda: ear.failure or sender.send("event", {}))
        ear.end()
    assert "roof is not heard any more" in ear.failure and "'put'" in ear.failure
