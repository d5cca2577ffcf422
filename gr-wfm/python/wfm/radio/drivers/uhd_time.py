# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks of USRPs: references, the time of day, and whether several boards agree."""

import math
import time

from wfm_core.base.errors import WfmError

SYNCS = ("pc", "pps", "gps", "none")
_LOCK_SECONDS = 2.0
_PPS_SECONDS = 1.5
_AFTER_PPS = 0.1  # s after an edge of the PPS, so that what is set next holds from the next edge


def set_references(source, clock_source: str, time_source: str, sleep=time.sleep) -> None:
    """10 MHz and PPS of all boards, by UHD's names (internal, external, gpsdo, mimo). Raises `WfmError`.

    An external reference must be locked before samples mean anything: that is waited for.
    """
    boards = range(source.get_num_mboards())
    for what, name, known, choose in (
        ("clock_source", clock_source, source.get_clock_sources, source.set_clock_source),
        ("time_source", time_source, source.get_time_sources, source.set_time_source),
    ):
        for board in boards if name else ():
            if name not in known(board):
                raise WfmError(f"{what} {name!r}: board {board} of this USRP has {', '.join(known(board))}")
            choose(name, board)
    if clock_source and clock_source != "internal":
        for board in boards:
            _await_lock(source, clock_source, board, sleep)


def _await_lock(source, clock_source: str, board: int, sleep) -> None:
    if "ref_locked" not in source.get_mboard_sensor_names(board):
        return
    for _ in range(int(_LOCK_SECONDS / 0.1)):
        if source.get_mboard_sensor("ref_locked", board).to_bool():
            return
        sleep(0.1)
    raise WfmError(
        f"board {board} of this USRP does not lock to the clock source {clock_source!r} within {_LOCK_SECONDS:g} s: "
        "connect the 10 MHz reference, or use clock_source internal"
    )


def set_time(source, sync: str, make_time, now=time.time, sleep=time.sleep) -> None:
    """Give all boards one time. `make_time`: `uhd.time_spec`. Raises `WfmError`.

    sync: "pc" (or ""): the PC's clock, at once for one board, at an edge of the common PPS for several;
    "pps": the PC's whole second at the next edge of the PPS; "gps": the GPS receiver's second at the next edge;
    "none": as the device has it.
    """
    sync = sync or "pc"
    if sync not in SYNCS:
        raise WfmError(f"sync is {sync!r}, expected one of {', '.join(SYNCS)}")
    boards = source.get_num_mboards()
    if sync == "none":
        return
    if sync == "pc" and boards == 1:
        source.set_time_now(make_time(now()))
        return
    _await_pps(source, sleep)
    last_edge = _gps_seconds(source) if sync == "gps" else round(now() - _AFTER_PPS)
    source.set_time_next_pps(make_time(float(last_edge + 1)))
    sleep(1.0 + _AFTER_PPS)
    _compare(source, boards)


def _await_pps(source, sleep) -> None:
    """Returns right after an edge of the PPS."""
    before = source.get_time_last_pps(0).get_real_secs()
    for _ in range(int(_PPS_SECONDS / 0.02)):
        if source.get_time_last_pps(0).get_real_secs() != before:
            sleep(_AFTER_PPS)
            return
        sleep(0.02)
    raise WfmError(
        f"no PPS edge within {_PPS_SECONDS:g} s at time source {source.get_time_source(0)!r}: connect a PPS and give "
        "time_source external (or gpsdo), or use sync none"
    )


def _gps_seconds(source) -> int:
    names = source.get_mboard_sensor_names(0)
    if "gps_time" not in names:
        raise WfmError("sync gps: this USRP has no GPS receiver (no sensor gps_time); use sync pc, pps or none")
    if "gps_locked" in names and not source.get_mboard_sensor("gps_locked", 0).to_bool():
        raise WfmError("sync gps: the GPS receiver has no fix yet; wait for it, or use sync pc")
    return int(source.get_mboard_sensor("gps_time", 0).to_int())


def _compare(source, boards: int) -> None:
    """All boards must have seen the last edge of the PPS at one time."""
    edges = [source.get_time_last_pps(board).get_real_secs() for board in range(boards)]
    for board, edge in enumerate(edges):
        if not math.isclose(edge, edges[0], abs_tol=1e-6, rel_tol=0):
            raise WfmError(
                f"the boards' clocks differ: the last PPS was at {edges[0]:.6f} s on board 0, at {edge:.6f} s on board "
                f"{board}: connect one PPS and one 10 MHz to all and give time_source and clock_source external"
            )
