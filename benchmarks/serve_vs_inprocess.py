# SPDX-License-Identifier: GPL-3.0-or-later
"""serve_vs_inprocess: the windows that many flowgraphs together have decided at one server, against those of one
flowgraph with the bundle in it.

Every radio is a process of its own with noise of one antenna, lossless, so that it goes as fast as answers come. The
server is `wfm-serve` on this computer, where server and radios share its cores, or the one that --device names.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
from gnuradio import blocks, gr, wfm
from result import Result, machine
from serving import server

WANTED = 0.8
_WARM_UP = 1.0
_POLL_SECONDS = 0.01
_WINDOWS = 64
_PATIENCE_SECONDS = 120.0


def radio(device: str, bundle: str, seconds: float) -> dict:
    """Windows a second that a flowgraph decides at `device`, and its latency and network share (ms, 95 %)."""
    block = wfm.inference(bundle, device=device, policy="lossless", hold=0)
    samples = np.random.default_rng(0).standard_normal((_WINDOWS * 4096, 2)).astype(np.float32).view(np.complex64)
    top = gr.top_block()
    top.connect(blocks.vector_source_c(samples[:, 0].tolist(), True), block, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    try:
        begin = time.monotonic()
        while not block.status()["windows_inferred"]:
            if block.error() or time.monotonic() - begin > _PATIENCE_SECONDS:
                raise RuntimeError(block.error() or "nothing is decided")
            time.sleep(_POLL_SECONDS)
        time.sleep(min(_WARM_UP, seconds))
        before, begin = block.status()["windows_inferred"], time.monotonic()
        time.sleep(seconds)
        status, took = block.status(), time.monotonic() - begin
    finally:
        top.stop()
        top.wait()
    found = {key: status[key] for key in ("latency_ms_p95", "network_ms_p95", "windows_undecided", "dtype")}
    return {"rate": (status["windows_inferred"] - before) / took, **found}


def radios(count: int, device: str, bundle: str, seconds: float) -> list[dict]:
    """`count` of them at once."""
    command = [sys.executable, __file__, "--side", device, "--bundle", bundle, "--seconds", str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError("a radio failed")
    return [json.loads(text.splitlines()[-1]) for text in said]


def compare(count: int, device: str, bundle: str, seconds: float) -> Result:
    (alone,) = radios(1, "auto", bundle, seconds)
    served = radios(count, device, bundle, seconds)
    together = sum(one["rate"] for one in served)
    latency, network = (max(one[key] for one in served) for key in ("latency_ms_p95", "network_ms_p95"))
    conditions = (
        f"{seconds:g} s, {count} radios at {device.partition('?')[0]}, {bundle} ({served[0]['dtype']}), "
        f"{sum(one['windows_undecided'] for one in served)} windows undecided, latency {latency:.0f} ms, of it network "
        f"{network:.1f} ms (95 %, the slowest radio); baseline: one flowgraph with the bundle in it; {machine()}"
    )
    return Result(
        "serve_vs_inprocess", together / alone["rate"], together, "windows/s", alone["rate"], WANTED, conditions
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--radios", type=int, default=8)
    parser.add_argument("--bundle", default="wfm-interference", help="installed here and at the server")
    parser.add_argument("--device", default="", help="a server that runs; else wfm-serve is started here")
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(radio(options.side, options.bundle, options.seconds)))
    elif options.device:
        compare(options.radios, options.device, options.bundle, options.seconds).emit()
    else:
        with server(options.bundle) as (device, _):
            compare(options.radios, device, options.bundle, options.seconds).emit()


if __name__ == "__main__":
    main()
