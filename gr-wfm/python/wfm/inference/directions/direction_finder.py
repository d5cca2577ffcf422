# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Direction Finder: bearings of what coherent antennas in a row hear."""

from dataclasses import replace

import numpy as np
from gnuradio import gr

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.music_bundle import MUSIC, MusicBundle

from ...events.quantity_smoother import quantity_smoother
from ...ports import keys, messages
from ..inference import inference
from ..presets import load_for, preset_base
from ..tap_source import TapSource
from ..window_source import Windows
from .channel_calibration import ChannelCalibration

UNCALIBRATED = ("refuse", "decide")


class CalibratedSource(TapSource):
    """A `TapSource` whose windows go through `calibration`; with `refuse` those from frequencies that are not
    calibrated are not decided. `windows_uncalibrated` counts these in any case."""

    def __init__(self, *tap_source, calibration: ChannelCalibration, refuse: bool):
        super().__init__(*tap_source)
        self._calibration, self._refuse = calibration, refuse
        self._of_run, self._uncalibrated = 0, 0

    def take(self, most: int, timeout_ms: int) -> Windows | None:
        """What `make_ready` refuses is marked there: a calibration may end with any of the windows."""
        windows = super().take(most, timeout_ms)
        return windows and replace(windows, refused=np.zeros(windows.count, bool))

    def make_ready(self, windows: Windows, samples: np.ndarray) -> None:
        unknown = ~self._calibration.apply(windows.rx_freq, samples)
        self._uncalibrated, self._of_run = self._counted() + int(unknown.sum()), self.run()
        windows.refused[:] = unknown & self._refuse

    def counters(self) -> dict[str, int]:
        return {**super().counters(), "windows_uncalibrated": self._counted(), **self._calibration.status()}

    def _counted(self) -> int:
        return self._uncalibrated if self._of_run == self.run() else 0

    def control(self, key: str, value) -> None:
        if key == keys.CALIBRATE:
            self._calibration.request(messages.read_number(key, value, -90.0, 90.0))
        else:
            super().control(key, value)


class _calibrated_inference(inference):
    """WFM Inference whose windows go through a calibration first, see `CalibratedSource`."""

    def __init__(self, calibration: ChannelCalibration, refuse: bool, **parameters):
        self._calibration, self._refuse = calibration, refuse
        super().__init__(**parameters)

    def _source_of(self, *parameters) -> TapSource:
        return CalibratedSource(*parameters, calibration=self._calibration, refuse=self._refuse)


class direction_finder(preset_base):
    """From where a signal comes, in degrees: 0 is straight ahead of a row of antennas half a wavelength apart, positive
    towards the last channel's antenna; a row cannot tell front from back.

    Receivers add gains and phases of their own to each channel, which must be found first: send {"calibrate": degrees}
    to `control` while one strong source stands at that bearing. What was found holds for the frequency (rx_freq) that
    the stream has then; windows from other ones get no bearing until these are calibrated too, and coming back needs no
    more. The streams pass through as they are, with tags of the task `angle`.

    With `sources` above 1 it counts the sources of each window too, and tells `angles`, a bearing of each in rising
    order, perhaps none; then `bearings` has the mean of those windows that found as many as most of them did.

    Message ports out: `bearings` (PDU: `angle`, an f32vector of degrees, the mean of the last `windows`), `detects`
    (the same, each window by itself), `status` (with `calibration`: "calibrated", "not calibrated" or "calibrating",
    `frequencies_calibrated` and `windows_uncalibrated`), `notices` (what was calibrated or refused; refusals, errors,
    swaps). In: `control`, as of `wfm.inference`, and `calibrate`.

    Args:
        bundle: "music" for MUSIC, which needs no model; or a bundle with the task angle: name, path, or a loaded one.
        channels: antennas, 2 or more, up to what the bundle knows; the first is at one end of the row.
        sources: that are told at most at a time, 1 to 3 and fewer than channels; more than 1 only with "music", or
            with a bundle of the task angles, which says itself how many.
        sample_rate, hop, policy, gate_dbfs: see `wfm.inference`.
        windows: bearings that are averaged.
        max_gap: samples without a bearing after which averaging begins again.
        calibration_windows: that a calibration takes.
        uncalibrated: "refuse" gives no bearing at frequencies that are not calibrated, "decide" does, for receivers
            that are calibrated before.
        keep: what was found at a frequency holds when the receiver comes back to it; False for receivers whose
            channels start with other phases after each retune.
        device, dtype, engine, on_error: see `wfm.inference`.

    Raises:
        WfmError: the bundle has no such task, or a parameter is out of its range.
    """

    def __init__(
        self,
        bundle="music",
        channels: int = 4,
        sample_rate: float = 1e6,
        hop: int = 0,
        policy: str = "live",
        gate_dbfs: float = -200.0,
        windows: int = 16,
        max_gap: int = 65536,
        calibration_windows: int = 64,
        uncalibrated: str = "refuse",
        keep: bool = True,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
        sources: int = 1,
    ):
        signature = gr.io_signature(channels, channels, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, type(self).__name__, signature, signature)
        if not 1 <= sources < max(2, channels):
            raise WfmError(f"{sources} sources with {channels} channels; expected at least 1, and fewer than channels")
        task = "angle" if sources == 1 else "angles"
        if bundle == MUSIC:
            bundle = MusicBundle(max(2, channels), sources)
        else:
            bundle = load_for(bundle, task, policy, device, dtype, engine, on_error)
        if not 2 <= channels <= bundle.contract.antennas:
            raise WfmError(
                f"{channels} channels, bundle {bundle.contract.name} tells directions by 2 to "
                f"{bundle.contract.antennas} antennas: connect so many, or choose another bundle"
            )
        if calibration_windows < 1 or uncalibrated not in UNCALIBRATED:
            raise WfmError(
                f"calibration_windows is {calibration_windows} and uncalibrated {uncalibrated!r}; 1 or more and one of "
                f"{', '.join(UNCALIBRATED)} are expected"
            )
        self.calibration = ChannelCalibration(channels, calibration_windows, keep, self._tell)
        self.inference = _calibrated_inference(
            self.calibration,
            uncalibrated == "refuse",
            bundle=bundle,
            channels=channels,
            sample_rate=sample_rate,
            hop=hop,
            policy=policy,
            gate_dbfs=gate_dbfs,
            on_error=on_error,
            tasks=task,
        )
        self.smoother = quantity_smoother(task, keys.BEARINGS, windows, max_gap)
        for channel in range(channels):
            self.connect((self, channel), (self.inference, channel), (self, channel))
        self._follow_with(self.smoother, takes=("detects",), gives="bearings")

    def _tell(self, kind: str, sentence: str) -> None:
        self.inference.engine.notice(kind, sentence)

    def calibrate(self, angle: float) -> None:
        """Calibrate with a source at `angle` degrees, as by a message; raises `ValueError` outside -90 to 90."""
        self.inference.engine.control(keys.CALIBRATE, angle)

    def set_gate_dbfs(self, gate_dbfs: float) -> None:
        self.inference.set_gate_dbfs(gate_dbfs)
