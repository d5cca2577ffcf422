# SPDX-License-Identifier: GPL-3.0-or-later
"""Every PMT key and port name that wfm blocks put on a stream or in a message, interned once."""

import pmt

from wfm_core.base.quantities import QUANTITIES

# Stream tags that radios and wfm sources emit, and that windows inherit.
RX_TIME = pmt.intern("rx_time")
RX_FREQ = pmt.intern("rx_freq")

# Fields of a decision: the value of a task's tag, and the dict of a `detects` PDU.
TASK = pmt.intern("task")
LABEL = pmt.intern("label")
LABELS = pmt.intern("labels")
INDEX = pmt.intern("index")
SCORE = pmt.intern("score")
POSITION = pmt.intern("position")
MEASURED = {name: pmt.intern(name) for name in QUANTITIES}
SAMPLE_START = pmt.intern("sample_start")
SAMPLE_COUNT = pmt.intern("sample_count")
LEVEL = pmt.intern("level")
LATENCY = pmt.intern("latency")
LATE = pmt.intern("late")
OUT_OF_RANGE = pmt.intern("out_of_range")
ORIGIN = pmt.intern("origin")
EMBEDDING = pmt.intern("embedding")
DISTANCE = pmt.intern("distance")
UNCERTAINTY = pmt.intern("uncertainty")
CLUSTER = pmt.intern("cluster")
WINDOW_TASKS = pmt.intern("window_tasks")

# Fields of channel vectors, as tags or in a PDU's dict, and of an image made of them.
CHAN_TAPS = pmt.intern("ofdm_sync_chan_taps")
SHAPE = pmt.intern("shape")
PACKETS_LOST = pmt.intern("packets_lost")
LOST_SO_FAR = pmt.intern("lost_so_far")

# Fields of a smoothed event, beside those of a decision.
EVENT = pmt.intern("event")
DURATION = pmt.intern("duration")

# How much of the time an answer was yes.
SHARE = pmt.intern("share")
WINDOWS_COUNTED = pmt.intern("windows")

# What a notice of WFM Inference (its `events` port) says, beside its kind under EVENT.
TEXT = pmt.intern("text")

# Fields of a found signal, beside where and when it is; and its tag.
SIGNAL = pmt.intern("signal")
FREQ_LOWER_EDGE = pmt.intern("freq_lower_edge")
FREQ_UPPER_EDGE = pmt.intern("freq_upper_edge")
SNR_DB = pmt.intern("snr_db")
LEVEL_DBFS = pmt.intern("level_dbfs")
CUT = pmt.intern("cut")
SAMPLE_RATE = pmt.intern("sample_rate")

# Message ports.
SIGNALS = pmt.intern("signals")
DETECTS = pmt.intern("detects")
EVENTS = pmt.intern("events")
STATUS = pmt.intern("status")
ENCODER_STATUS = pmt.intern("encoder_status")
SPECTRUM = pmt.intern("spectrum")
EMBEDDINGS = pmt.intern("embeddings")
GRIDS = pmt.intern("grids")
CSI = pmt.intern("csi")
IMAGES = pmt.intern("images")
POSITIONS = pmt.intern("positions")
BEARINGS = pmt.intern("bearings")
DUTY = pmt.intern("duty")
SURVEY = pmt.intern("survey")
ENROLMENT = pmt.intern("enrolment")
CONTROL = pmt.intern("control")
COMMAND = pmt.intern("command")
ALIVE = pmt.intern("alive")
SYSTEM = pmt.intern("system")
DONE = pmt.cons(pmt.intern("done"), pmt.from_long(1))
"""What a block is sent on `SYSTEM` when its message sources have ended."""

# Control messages that the inference block understands.
MODEL = "model"
TASKS = "tasks"
THRESHOLD = "threshold"
GATE_DBFS = "gate_dbfs"
HOP = "hop"
CALIBRATE = "calibrate"

# Control messages that the task head understands.
ENROL = "enrol"
POINT = "point"
WINDOWS = "windows"
FORGET = "forget"
SAVE = "save"
LOAD = "load"
NAME = "name"
AS = "as"
