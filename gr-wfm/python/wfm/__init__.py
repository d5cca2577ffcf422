# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio blocks of gr-wfm: a wireless foundation model on live streams."""

import wfm_core.base.flowgraph_needs  # noqa: F401,I001  first: says what is missing

from .csi_image import csi_image  # noqa: F401
from .decision_log import decision_log  # noqa: F401
from .detection_display import detection_display  # noqa: F401
from .event_publisher import event_publisher  # noqa: F401
from .event_subscriber import event_subscriber  # noqa: F401
from .event_tracker import event_tracker  # noqa: F401
from .image_inference import image_inference  # noqa: F401
from .image_presets import activity_sensor, positioner  # noqa: F401
from .inference import inference  # noqa: F401
from .presets import interference_detector, rf_fingerprinter, signal_classifier  # noqa: F401
from .run_report import run_report  # noqa: F401
from .sample_link import sample_publisher, sample_subscriber  # noqa: F401
from .sdr_source import sdr_source, source_freq, source_policy, source_rate  # noqa: F401
from .sigmf_annotator import sigmf_annotator  # noqa: F401
from .task_head import task_head  # noqa: F401
from .wfm_python import radio_tagger, recorder, sample_player, spectrogram, window_batch, window_tap  # noqa: F401
