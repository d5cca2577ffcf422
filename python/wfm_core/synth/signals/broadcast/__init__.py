# SPDX-License-Identifier: GPL-3.0-or-later
"""Broadcasting, analogue and digital, and the video links that look like it."""

from wfm_core.synth.signals.broadcast import atsc, dab, drone, dvbt, fm, video
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "fm-broadcast": {"fm": fm.fm_broadcast},
    "dab": {"dab": dab.dab},
    "dvb-t": {"dvb-t": dvbt.dvb_t, "atsc": atsc.atsc},
    "video": {
        "fm-video": video.fm_video,
        "am-video": video.am_video,
        "drone-ofdm": drone.drone_ofdm,
        "drone-id": drone.drone_id,
    },
}
