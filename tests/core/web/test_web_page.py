# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: it is live, it can be filtered, and used by keyboard and on a phone."""

import re

import numpy as np
import pytest
from flowgraph_helpers import noise, write_recording
from waiting import wait_for
from web_parts import FREQ, RATE, ROW, RUBBISH, decision, publisher, serving, signal, spectrum

from wfm_core.data.recordings.annotations import Mark, annotate

ROWS = "#events-table tbody tr"
SHOWN = RUBBISH.replace("\u202e", "?")


@pytest.fixture(scope="module")
def server(browser):
    """A radio on the roof, and the page of what it says. `browser` first: without one nothing need be started."""
    with publisher() as sender, serving("--site", f"home={sender.address}") as page:
        page.say = sender.send
        yield page


def first_heard(page, say) -> None:
    """Publishers and listeners find each other some time after both are there."""
    wait_for(lambda: say("event", signal(0)) or page.locator(ROWS).count(), 30)


@pytest.fixture
def page(server, visit):
    opened = visit(server.url)
    first_heard(opened, server.say)
    return opened


def labels(page, table: str = "events", column: int = 6) -> list[str]:
    return page.locator(f"#{table}-table tbody tr td:nth-child({column})").all_inner_texts()


def shows(page, wanted: list[str], **where) -> None:
    wait_for(lambda: sorted(set(labels(page, **where))) == sorted(wanted), 20, lambda: str(labels(page, **where)))


def test_what_is_said_is_shown_without_a_reload(server, page):
    server.say("event", signal(1, "begin", "just begun"))
    row = page.locator(ROWS, has_text="just begun")
    row.wait_for()
    assert "goes on" in row.inner_text() and "868.2750" in row.inner_text()
    server.say("event", signal(1, "end", "just begun"))
    wait_for(lambda: "1.000" in row.inner_text() and "goes on" not in row.inner_text())
    assert row.count() == 1, "the end of an event is no second one"
    for _ in range(3):
        server.say("decision", decision("decided"))
    heard = page.locator("#heard-table tbody tr", has_text="decided")
    wait_for(lambda: heard.count() and heard.locator("td").nth(7).inner_text() == "3")
    assert page.locator("#link").inner_text() == "live"
    assert page.locator("#counts").inner_text().endswith("0 missed, 0 refused")


def test_a_radio_has_a_waterfall_whose_boxes_open(server, page):
    for number in range(12):
        server.say("spectrum", spectrum(number))
    server.say("event", signal(0, label="in the picture", sample_start=4 * ROW, sample_count=2 * ROW))
    server.say("status", {"bundle": "wfm-signals", "windows_dropped": 7, "samples_lost": 0})
    card = page.locator(".radio", has_text="roof (home)")
    wait_for(lambda: "wfm-signals" in card.inner_text() and "7 windows dropped" in card.inner_text())
    canvas = card.locator("canvas")
    box = canvas.bounding_box()
    at = {"x": box["width"] * (0.5 - 25e3 / RATE), "y": box["height"] * 7 / 160}
    colours = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    assert wait_for(lambda: canvas.evaluate(colours) > 10), "it is no even surface"
    canvas.click(position=at)
    page.locator("#dialog[open]", has_text="in the picture").wait_for()
    page.keyboard.press("Escape")
    page.locator("#dialog[open]").wait_for(state="detached")


def test_the_filter_chooses_and_is_kept(server, page):
    server.say("event", signal(2, label="narrow", freq_lower_edge=868.0e6, freq_upper_edge=868.01e6, score=0.2))
    server.say("event", signal(3, label="wide", freq_lower_edge=868.5e6, freq_upper_edge=868.6e6))
    page.locator(ROWS, has_text="wide").wait_for()
    for values, found in (
        ({"text": "NARR"}, ["narrow"]),
        ({"text": "label:wide"}, ["wide"]),
        ({"text": "site:wide"}, []),
        ({"text": "home, wide -narrow"}, ["wide"]),
        ({"text": "label:w", "from": "868,4"}, ["wide"]),
        ({"from": "868.4", "to": "868.55", "text": "-picture"}, ["wide"]),
        ({"score": "0.1", "to": "868.1"}, ["narrow"]),
        ({"score": "0.5", "to": "868.1"}, []),
    ):
        page.locator("#filter-clear").click()
        for name, value in values.items():
            page.locator(f"#filter-{name}").fill(value)
        shows(page, found)
    page.locator("#filter-clear").click()
    page.locator("#filter-from").fill("none")
    assert page.locator("#filter-from").get_attribute("aria-invalid") == "true"
    page.locator("#filter-clear").click()
    page.locator("#legend button", has_text="narrow").click()
    shows(page, ["narrow"])
    assert page.locator("#filter-text").input_value() == "label:narrow"
    page.reload()
    shows(page, ["narrow"])
    assert re.match(r"1 of \d+ events", page.locator("#filter-says").inner_text())
    assert page.locator(".radio").count() == 1, "the radio that hears it stays"
    page.locator("#filter-text").fill("nowhere")
    wait_for(lambda: page.locator(".radio").count() == 0)


def focused(page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.innerText")


def test_all_is_done_by_keyboard(server, page):
    for number in range(4, 8):
        server.say("event", signal(number, label=f"number {number}"))
    page.locator(ROWS, has_text="number 7").wait_for()
    page.keyboard.press("/")
    assert focused(page) == "filter-text"
    page.keyboard.type("number")
    wait_for(lambda: page.locator(ROWS).count() == 4)
    page.keyboard.press("Tab")
    assert focused(page) == "filter-from"
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    shown = labels(page)
    assert shown[0] in focused(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert shown[1] in focused(page)
    server.say("event", signal(8, label="number 8"))
    page.locator(ROWS, has_text="number 8").wait_for()
    assert shown[1] in focused(page), "what comes does not take the choice away"
    page.keyboard.press("Enter")
    dialog = page.locator("#dialog[open]")
    dialog.wait_for()
    assert shown[1] in dialog.inner_text() and "12.5 dB" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert shown[1] in focused(page), "and back to where it was"
    page.keyboard.press("End")
    assert labels(page)[-1] in focused(page)
    page.keyboard.press("?")
    assert "choose a row" in dialog.inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert focused(page) == "timeline"
    page.keyboard.press("ArrowLeft")
    said = page.locator("#timeline-says").inner_text()
    page.keyboard.press("ArrowLeft")
    assert said.startswith("number") and said != page.locator("#timeline-says").inner_text()
    page.keyboard.press("Enter")
    dialog.wait_for()
    page.keyboard.press("Escape")


def test_a_pause_stops_the_picture_and_loses_nothing(server, page):
    page.keyboard.press("p")
    assert page.locator("#pause").get_attribute("aria-pressed") == "true"
    assert page.locator("#link").inner_text().startswith("paused; ")
    counted = page.locator("#counts").inner_text()
    server.say("event", signal(9, label="meanwhile"))
    wait_for(lambda: page.locator("#counts").inner_text() != counted)
    assert page.locator(ROWS, has_text="meanwhile").count() == 0
    page.locator("#pause").click()
    page.locator(ROWS, has_text="meanwhile").wait_for()


def test_a_tab_that_nobody_sees_gives_its_connection_back(server, page):
    seen = """seen => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => !seen });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/changes")):
        page.evaluate(seen, False)
    server.say("event", signal(11, label="behind its back"))
    page.evaluate(seen, True)
    page.locator(ROWS, has_text="behind its back").wait_for()


@pytest.mark.parametrize("width", [320, 390])
def test_it_fits_a_phone(server, visit, width):
    phone = visit(server.url, viewport={"width": width, "height": 740}, has_touch=True, device_scale_factor=2)
    wait_for(lambda: server.say("event", signal(10, label="a" * 200)) or phone.locator(ROWS, has_text="aaaa").count())
    wide = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert phone.evaluate(wide) <= width
    for name in ("filter-text", "filter-clear", "pause", "help-button", "timeline"):
        box = phone.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] >= 30, name
    row = phone.locator(ROWS, has_text="aaaa").first
    row.tap()
    box = phone.locator("#dialog[open]").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] <= 740
    assert phone.evaluate("document.getElementById('dialog').scrollWidth") <= box["width"]
    phone.locator("#dialog-close").tap()
    phone.locator("#dialog[open]").wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(server, visit, scheme):
    """At least 4.5 to 1, as WCAG 2.2 asks for."""
    page = visit(server.url, color_scheme=scheme)
    names = ["ground", "raised", "chosen", "text", "faint", "accent", "good", "bad", "wait"]
    of = "names => names.map(n => getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim())"
    colours = dict(zip(names, page.evaluate(of, names), strict=True))

    def light(colour: str) -> float:
        parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        parts = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(parts @ [0.2126, 0.7152, 0.0722]) + 0.05

    pairs = [(front, back) for front in ("text", "faint", "accent", "bad") for back in ("ground", "raised")]
    pairs += [("good", "ground"), ("wait", "ground"), ("text", "chosen")]
    for front, back in pairs:
        one, other = light(colours[front]), light(colours[back])
        assert max(one, other) / min(one, other) >= 4.5, (front, back)
    dark = light(colours["ground"]) < light(colours["text"])
    assert dark is (scheme == "dark")


def test_strings_from_the_air_stay_strings(visit, tmp_path):
    """Of radios, sites, labels, models, notices and recordings; and none turns the direction of what is beside it."""
    meta = write_recording(tmp_path, noise(1, 4000), captures=[{"core:sample_start": 0, "core:frequency": FREQ}])
    annotate(meta, [Mark(0, 2000, RUBBISH[:-1], "t", RUBBISH[:-1])], in_stream=False)
    with (
        publisher(RUBBISH) as sender,
        serving(
            "--site", f"{RUBBISH}={sender.address}".replace("=", "-", RUBBISH.count("=")), "--recordings", tmp_path
        ) as server,
    ):
        page = visit(server.url)
        say = sender.send
        wait_for(lambda: say("event", signal(0, label=RUBBISH, task=RUBBISH)) or page.locator(ROWS).count(), 30)
        say("decision", decision(RUBBISH))
        say("spectrum", spectrum(0))
        say("status", {"bundle": RUBBISH, "error": RUBBISH, "undecided_because": RUBBISH})
        say("event", {"event": "warning", "text": RUBBISH})
        wait_for(lambda: page.locator(".radio", has_text=SHOWN).count() and page.locator("#heard-table td").count())
        card = page.locator(".radio")
        wait_for(lambda: card.inner_text().count("<script>") == 6, 20, card.inner_text)
        assert SHOWN in page.locator("#legend").inner_text()
        page.keyboard.press("t")
        page.keyboard.press("ArrowLeft")
        assert SHOWN in page.locator("#timeline-says").inner_text()
        page.keyboard.press("Enter")
        dialog = page.locator("#dialog[open]")
        assert dialog.inner_text().count("<script>") >= 4
        page.keyboard.press("Escape")
        page.locator("#recordings-table tbody tr").click()
        wait_for(lambda: dialog.locator("canvas").count())
        assert dialog.inner_text().count("<script>") == 2
        page.keyboard.press("Escape")
        page.locator("#filter-text").fill(SHOWN)
        assert page.evaluate("window.hacked") is None
        strange = "img, iframe, object, embed, base, style, script:not([src='/static/main.js'])"
        assert page.locator(strange).count() == 0
        refused = page.evaluate(
            "() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } }"
        )
        assert refused == "TypeError", "the browser itself would refuse texts made into markup"
    visit.faults[:] = [text for text in visit.faults if "TrustedHTML" not in text and "Trusted Type" not in text]


@pytest.mark.slow
def test_a_lost_server_is_said_and_found_again(visit):
    with publisher() as sender:
        with serving("--connect", sender.address) as server:
            page = visit(server.url)
            first_heard(page, sender.send)
            page.locator("#link[data-state=live]").wait_for()
            page.locator("#link[data-state=quiet]").wait_for()
            assert re.fullmatch(r"nothing heard for \d+ s", page.locator("#link").inner_text())
            address = server.host
        page.locator("#link[data-state=lost]").wait_for()
        assert "connection lost for" in page.locator("#link").inner_text()
        assert page.locator(ROWS).count() == 1, "what was heard stays"
        with serving("--connect", sender.address, address=address):
            page.locator("#link:not([data-state=lost])").wait_for()
            wait_for(
                lambda: sender.send("event", signal(1, label="again")) or page.locator(ROWS, has_text="again").count()
            )
            page.locator("#link[data-state=live]").wait_for()


def test_an_event_opens_the_recording_that_holds_it(visit, tmp_path):
    captures = [{"core:sample_start": 0, "core:frequency": FREQ, "core:datetime": "2026-11-28T12:00:00Z"}]
    write_recording(tmp_path, noise(1, 192_000), captures=captures)
    began = 1_795_867_200
    with publisher() as sender, serving("--connect", sender.address, "--recordings", tmp_path) as server:
        page = visit(server.url)
        inside = signal(0, label="inside", rx_time=[began, 0.02], duration=0.03)
        wait_for(lambda: sender.send("event", inside) or page.locator(ROWS).count(), 30)
        for number, changes in enumerate(
            ({"rx_time": [began + 5, 0.0]}, {"freq_lower_edge": 1e9, "freq_upper_edge": 2e9})
        ):
            sender.send("event", signal(number + 1, label=f"outside {number}", **{"rx_time": [began, 0.02], **changes}))
        page.locator(ROWS, has_text="outside 1").wait_for()
        dialog = page.locator("#dialog[open]")
        for number in range(2):
            page.locator(ROWS, has_text=f"outside {number}").click()
            dialog.locator("text=No recording of the folder holds").wait_for()
            page.keyboard.press("Escape")
        page.locator(ROWS, has_text="inside").click()
        dialog.locator("button", has_text="rec.sigmf-meta").click()
        dialog.locator("canvas").wait_for()
        with page.expect_download() as kept:
            dialog.locator("a", has_text="Keep the samples").click()
        assert kept.value.path().read_bytes() == (tmp_path / "rec.sigmf-data").read_bytes()


@pytest.mark.slow
def test_an_open_page_holds_no_more_than_the_server(server, page):
    page.locator("#filter-text").fill("flood")
    for number in range(2500):
        server.say("event", signal(number, label="flood"))
    wait_for(lambda: page.locator("#filter-says").inner_text() == "2000 of 2000 events", 60)
    assert page.locator(ROWS).count() == 200
