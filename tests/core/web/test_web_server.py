# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-monitor --web as a server: who is answered, with what, and how it ends."""

import http.client
import json
import signal as signals
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest
from flowgraph_helpers import noise, write_recording
from waiting import wait_for
from web_parts import PROGRAM, publisher, serving, signal

from wfm_core.cli import monitor
from wfm_core.web.app import MOST_PAGES
from wfm_core.web.hearing import Hearing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording, beside it a secret and a link out of the folder."""
    outside = tmp_path_factory.mktemp("outside")
    inside = outside / "recordings"
    inside.mkdir()
    write_recording(inside, noise(1, 4000))
    (name,) = (path.name for path in inside.glob("*.sigmf-meta"))
    (outside / "secret.sigmf-meta").write_bytes((inside / name).read_bytes())
    (outside / "secret.sigmf-data").write_bytes(b"secret" * 100)
    (inside / "link.sigmf-meta").symlink_to(outside / "secret.sigmf-meta")
    (inside / "half.sigmf-meta").write_bytes((inside / name).read_bytes())
    (inside / "half.sigmf-data").symlink_to(outside / "secret.sigmf-data")
    (inside / "broken.sigmf-meta").write_text("{")
    return inside


@pytest.fixture(scope="module")
def page(folder):
    with serving("--recordings", folder) as page:
        yield page


def test_every_answer_says_that_only_the_pages_own_files_run(page):
    for path in ("/", "/static/main.js", "/recordings", "/not-there"):
        _, headers, _ = page.get(path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"


def test_the_page_names_no_other_place(page):
    names = ["index.html", "page.css", "icon.svg", "main.js", "store.js", "link.js", "filter.js", "grid.js", "plot.js"]
    names += ["timeline.js", "waterfall.js", "radios.js", "dialogs.js", "format.js", "colours.js"]
    for name in names:
        status, _, body = page.get(f"/static/{name}")
        assert status == 200, name
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text and "//cdn" not in text, name
        for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert markup not in text, name


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5730", "127.0.0.1.evil.example", ""])
def test_another_sites_name_for_this_computer_is_refused(page, host):
    for path in ("/", "/changes", "/recordings"):
        assert page.get(path, Host=host)[0] == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:5730", "LOCALHOST", "[::1]:5730"])
def test_its_own_names_are_not(page, host):
    assert page.get("/", Host=host)[0] == 200


def test_pages_of_other_sites_get_nothing(page):
    for path in ("/", "/changes", "/recordings", "/static/main.js"):
        assert page.get(path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors")[0] == 403
    assert page.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200, "but a link leads here"
    assert page.get("/recordings", Sec_Fetch_Site="same-origin")[0] == 200


def test_nothing_can_be_changed(page):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/changes", "/recordings", "/recording", "/static/main.js"):
            assert page.get(path, method)[0] == 405, (method, path)


NAMES = [
    "../secret.sigmf-meta", "..%2Fsecret.sigmf-meta", "%2e%2e%2fsecret.sigmf-meta", "link.sigmf-meta", "/etc/passwd",
    "....//secret.sigmf-meta", "./../secret.sigmf-meta", "secret.sigmf-meta", "", "%00", "half.sigmf-data",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_only_recordings_of_the_folder_are_opened(page, name):
    for part in ("view", "meta", "data"):
        status, _, body = page.get(f"/recording?name={name}&part={part}")
        assert status == 404 and b"secret" not in body, (part, body)


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_only_the_pages_own_files_are_served(page, path):
    assert page.get(path)[0] == 404


def test_samples_outside_of_the_folder_are_refused(page, folder):
    for part in ("view", "data"):
        status, _, body = page.get(f"/recording?name=half.sigmf-meta&part={part}")
        assert status == 422 and b"outside of the folder" in body and b"secretsecret" not in body


def test_recordings_are_listed_shown_and_kept(page, folder):
    listed = {one["name"]: one for one in json.loads(page.get("/recordings")[2])["recordings"]}
    assert set(listed) == {"broken.sigmf-meta", "half.sigmf-meta", *(p.name for p in folder.glob("*.sigmf-meta"))} - {
        "link.sigmf-meta"
    }
    assert "error" in listed["broken.sigmf-meta"] and str(folder) not in listed["broken.sigmf-meta"]["error"]
    (name,) = (name for name, one in listed.items() if "error" not in one)
    assert listed[name]["samples"] == 4000
    shown = json.loads(page.get(f"/recording?name={name}")[2])
    assert shown["columns"] >= 64 and shown["marks"] == []
    status, headers, body = page.get(f"/recording?name={name}&part=data")
    assert status == 200 and body == folder.joinpath(name).with_suffix(".sigmf-data").read_bytes()
    assert headers["content-disposition"].startswith("attachment") and "octet-stream" in headers["content-type"]


def test_without_a_folder_there_are_no_recordings():
    with serving() as page:
        assert page.get("/recordings")[2] == b'{"recordings":null}'
        assert page.get("/recording?name=x")[0] == 404


def test_changes_go_on_where_a_page_left():
    with publisher() as sender, serving("--connect", sender.address) as page:
        with page.stream() as stream:
            seen, first = next(stream)
            assert first["fresh"]
            events = []
            while not events:
                sender.send("event", signal(0))
                seen, told = next(stream)
                assert not told["fresh"]
                events = told["events"]
            assert events[0]["label"] == "lora" and events[0]["site"] == "local"
        with page.stream(Last_Event_ID=seen) as stream:
            sender.send("event", signal(1, label="after the break"))
            heard = []
            while not heard:
                _, told = next(stream)
                heard = [event["label"] for event in told["events"] if event["sample_start"]]
                assert not told["fresh"]
            assert heard == ["after the break"]
        for strange in ("0-5", f"{seen.partition('-')[0]}-x", f"{seen}0000000000000000000", "\u00b2"):
            with page.stream(Last_Event_ID=strange.encode("latin-1")) as stream:
                assert next(stream)[1]["fresh"], "an id of another server, or of nobody"


def test_the_number_of_pages_is_bounded():
    with serving() as page, ExitStack() as stack:
        streams = [stack.enter_context(page.stream()) for _ in range(MOST_PAGES)]
        for stream in streams:
            next(stream)
        status, _, body = page.get("/changes")
        assert status == 503 and b"close one" in body
        assert page.get("/")[0] == 200


def test_a_page_that_reads_nothing_holds_up_nobody():
    with publisher() as sender, serving("--connect", sender.address) as page:
        host, port = page.host.split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"GET /changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with page.stream() as stream:
                count = 0
                while count < 500:
                    for number in range(100):
                        sender.send("event", signal(number, label="x" * 200))
                    count = next(stream)[1]["counts"]["received"]


@pytest.mark.parametrize("number", [signals.SIGINT, signals.SIGTERM])
def test_a_signal_ends_it_with_open_pages(number):
    with serving() as page, page.stream() as stream:
        next(stream)
        page.process.send_signal(number)
        _, err = page.process.communicate(timeout=15)
        assert page.process.returncode == 0 and err == ""


def sentence(*options: str) -> str:
    done = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and done.stdout == "", done
    return done.stderr


def test_what_cannot_be_is_one_sentence(tmp_path):
    assert "no password and no encryption" in sentence("--web", "192.0.2.1:5730")
    assert "name the one by which browsers reach" in sentence("--web", "0.0.0.0:5730", "--plain")
    assert "HOST:PORT is expected" in sentence("--web", "5730")
    assert "no folder" in sentence("--web", "127.0.0.1:0", "--recordings", str(tmp_path / "not-there"))
    assert "cannot listen to 'nowhere'" in sentence("--web", "127.0.0.1:0", "--connect", "nowhere")
    with serving() as page:
        assert "name a free address" in sentence("--web", page.host)


@pytest.mark.parametrize(
    "options",
    [["--recordings", "x"], ["--plain"], ["--site", "a=tcp://h:1"], ["--web", "--site", "a"], ["--web", "--json"]],
)
def test_wrong_use_has_exit_status_two(options):
    with pytest.raises(SystemExit) as wrong:
        monitor.main(options)
    assert wrong.value.code == 2


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_its_packages_it_says_what_to_install(package):
    code = f"import sys; sys.modules[{package!r}] = None; from wfm_core.cli import monitor; sys.exit(monitor.main())"
    for arguments, status in ((["--web"], 1), (["--help"], 0)):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == status and done.stderr.count("\n") == status, done.stderr
        assert (f"takes the Python package {package}" in done.stderr) is bool(status)


def test_a_site_that_is_not_heard_any_more_ends_it():
    """By a fault of ours, which must not be silent."""
    said = []
    ear = Hearing("roof", ["tcp://127.0.0.1:1"], None, said.append)  # without a board
    ear.start()
    wait_for(lambda: said)
    ear.end()
    assert "roof is not heard any more" in said[0]


def test_a_closed_connection_is_no_trouble(page):
    for _ in range(5):
        connection = http.client.HTTPConnection(page.host, timeout=10)
        connection.request("GET", "/changes")
        connection.getresponse().readline()
        connection.close()
    assert page.get("/")[0] == 200
