#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Live Interference
# Author: gr-wfm
# Description: Finds interference in live LTE with a wireless foundation model: a radio, a recording or the simulated radio.
# GNU Radio version: 3.10.5.1

from packaging.version import Version as StrictVersion

if __name__ == '__main__':
    import ctypes
    import sys
    if sys.platform.startswith('linux'):
        try:
            x11 = ctypes.cdll.LoadLibrary('libX11.so')
            x11.XInitThreads()
        except:
            print("Warning: failed to XInitThreads()")

from PyQt5 import Qt
from gnuradio import qtgui
from gnuradio.filter import firdes
import sip
from gnuradio import gr
from gnuradio.fft import window
import sys
import signal
from argparse import ArgumentParser
from gnuradio.eng_arg import eng_float, intx
from gnuradio import eng_notation
from gnuradio import wfm
from gnuradio.wfm import app


def snipfcn_main_loop(self):
    app.run(self, self.radio, self.model, self.decisions, self.report)


def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)

from gnuradio import qtgui

class live_interference(gr.top_block, Qt.QWidget):

    def __init__(self, agc=0, antenna='', bandwidth=0, clock_source='', gains='', lo_offset=0, normalized_gain=0, otw_format='', settings='', stream_args='', subdev='', sync='', time_source='', bundle='wfm-interference', center_freq=1842.5e6, duration=0, gain=40, hop=0, json='', out='', policy='', sample_rate=1.92e6, source='uhd'):
        gr.top_block.__init__(self, "WFM Live Interference", catch_exceptions=True)
        Qt.QWidget.__init__(self)
        self.setWindowTitle("WFM Live Interference")
        qtgui.util.check_set_qss()
        try:
            self.setWindowIcon(Qt.QIcon.fromTheme('gnuradio-grc'))
        except:
            pass
        self.top_scroll_layout = Qt.QVBoxLayout()
        self.setLayout(self.top_scroll_layout)
        self.top_scroll = Qt.QScrollArea()
        self.top_scroll.setFrameStyle(Qt.QFrame.NoFrame)
        self.top_scroll_layout.addWidget(self.top_scroll)
        self.top_scroll.setWidgetResizable(True)
        self.top_widget = Qt.QWidget()
        self.top_scroll.setWidget(self.top_widget)
        self.top_layout = Qt.QVBoxLayout(self.top_widget)
        self.top_grid_layout = Qt.QGridLayout()
        self.top_layout.addLayout(self.top_grid_layout)

        self.settings = Qt.QSettings("GNU Radio", "live_interference")

        try:
            if StrictVersion(Qt.qVersion()) < StrictVersion("5.0.0"):
                self.restoreGeometry(self.settings.value("geometry").toByteArray())
            else:
                self.restoreGeometry(self.settings.value("geometry"))
        except:
            pass

        ##################################################
        # Parameters
        ##################################################
        self.agc = agc
        self.antenna = antenna
        self.bandwidth = bandwidth
        self.clock_source = clock_source
        self.gains = gains
        self.lo_offset = lo_offset
        self.normalized_gain = normalized_gain
        self.otw_format = otw_format
        self.settings = settings
        self.stream_args = stream_args
        self.subdev = subdev
        self.sync = sync
        self.time_source = time_source
        self.bundle = bundle
        self.center_freq = center_freq
        self.duration = duration
        self.gain = gain
        self.hop = hop
        self.json = json
        self.out = out
        self.policy = policy
        self.sample_rate = sample_rate
        self.source = source

        ##################################################
        # Variables
        ##################################################
        self.run_policy = run_policy = wfm.source_policy(source, policy)
        self.samp_rate = samp_rate = wfm.source_rate(source, sample_rate)
        self.run_hop = run_hop = hop or (0 if run_policy == 'lossless' else 32768)
        self.hold = hold = 262144
        self.freq = freq = wfm.source_freq(source, center_freq)
        self.antennas = antennas = 2

        ##################################################
        # Blocks
        ##################################################

        self.waterfall = qtgui.waterfall_sink_c(
            1024, #size
            window.WIN_BLACKMAN_hARRIS, #wintype
            freq, #fc
            samp_rate, #bw
            "Antenna 0, time upwards", #name
            1, #number of inputs
            None # parent
        )
        self.waterfall.set_update_time(0.20)
        self.waterfall.enable_grid(False)
        self.waterfall.enable_axis_labels(True)

        self.waterfall.disable_legend()


        labels = ['', '', '', '', '',
                  '', '', '', '', '']
        colors = [0, 0, 0, 0, 0,
                  0, 0, 0, 0, 0]
        alphas = [1.0, 1.0, 1.0, 1.0, 1.0,
                  1.0, 1.0, 1.0, 1.0, 1.0]

        for i in range(1):
            if len(labels[i]) == 0:
                self.waterfall.set_line_label(i, "Data {0}".format(i))
            else:
                self.waterfall.set_line_label(i, labels[i])
            self.waterfall.set_color_map(i, colors[i])
            self.waterfall.set_line_alpha(i, alphas[i])

        self.waterfall.set_intensity_range(-120, -30)

        self._waterfall_win = sip.wrapinstance(self.waterfall.qwidget(), Qt.QWidget)

        self.top_grid_layout.addWidget(self._waterfall_win, 0, 0, 1, 1)
        for r in range(0, 1):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self.spectrum = qtgui.freq_sink_c(
            1024, #size
            window.WIN_BLACKMAN_hARRIS, #wintype
            freq, #fc
            samp_rate, #bw
            "Antenna 0, spectrum", #name
            1,
            None # parent
        )
        self.spectrum.set_update_time(0.20)
        self.spectrum.set_y_axis((-120), (-10))
        self.spectrum.set_y_label('Relative Gain', 'dB')
        self.spectrum.set_trigger_mode(qtgui.TRIG_MODE_FREE, 0.0, 0, "")
        self.spectrum.enable_autoscale(False)
        self.spectrum.enable_grid(True)
        self.spectrum.set_fft_average(0.2)
        self.spectrum.enable_axis_labels(True)
        self.spectrum.enable_control_panel(False)
        self.spectrum.set_fft_window_normalized(False)

        self.spectrum.disable_legend()


        labels = ['', '', '', '', '',
            '', '', '', '', '']
        widths = [1, 1, 1, 1, 1,
            1, 1, 1, 1, 1]
        colors = ["blue", "blue", "blue", "blue", "blue",
            "blue", "blue", "blue", "blue", "blue"]
        alphas = [1.0, 1.0, 1.0, 1.0, 1.0,
            1.0, 1.0, 1.0, 1.0, 1.0]

        for i in range(1):
            if len(labels[i]) == 0:
                self.spectrum.set_line_label(i, "Data {0}".format(i))
            else:
                self.spectrum.set_line_label(i, labels[i])
            self.spectrum.set_line_width(i, widths[i])
            self.spectrum.set_line_color(i, colors[i])
            self.spectrum.set_line_alpha(i, alphas[i])

        self._spectrum_win = sip.wrapinstance(self.spectrum.qwidget(), Qt.QWidget)
        self.top_grid_layout.addWidget(self._spectrum_win, 1, 0, 1, 1)
        for r in range(1, 2):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self.report = wfm.run_report(
            out_dir=out,
            channels=antennas,
            sample_rate=samp_rate,
            policy=run_policy)
        self.radio = wfm.sdr_source(
            source=source,
            channels=antennas,
            sample_rate=samp_rate,
            center_freq=freq,
            gain=gain,
            policy=policy,
            duration=duration,
            antennas=antenna,
            bandwidth=bandwidth,
            agc=bool(agc),
            normalized_gain=bool(normalized_gain),
            lo_offset=lo_offset,
            clock_source=clock_source,
            time_source=time_source,
            sync=sync,
            subdev=subdev,
            otw_format=otw_format,
            stream_args=stream_args,
            gains=gains,
            settings=settings,
            silence=2,
            patience=8)
        self.model = wfm.inference(
            bundle=bundle,
            channels=antennas,
            sample_rate=samp_rate,
            hop=run_hop,
            hold=hold,
            policy=run_policy,
            batch=16,
            threshold=(-1),
            gate_dbfs=(-200),
            settle=0,
            device='auto',
            dtype='auto',
            on_error='stop',
            tasks='',
            engine='auto')
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=samp_rate,
            quiet=False)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'detects'), (self.report, 'detects'))
        self.connect((self.model, 1), (self.report, 1))
        self.connect((self.model, 0), (self.report, 0))
        self.connect((self.model, 0), (self.spectrum, 0))
        self.connect((self.model, 0), (self.waterfall, 0))
        self.connect((self.radio, 0), (self.model, 0))
        self.connect((self.radio, 1), (self.model, 1))


    def closeEvent(self, event):
        self.settings = Qt.QSettings("GNU Radio", "live_interference")
        self.settings.setValue("geometry", self.saveGeometry())
        self.stop()
        self.wait()

        event.accept()

    def get_agc(self):
        return self.agc

    def set_agc(self, agc):
        self.agc = agc

    def get_antenna(self):
        return self.antenna

    def set_antenna(self, antenna):
        self.antenna = antenna

    def get_bandwidth(self):
        return self.bandwidth

    def set_bandwidth(self, bandwidth):
        self.bandwidth = bandwidth

    def get_clock_source(self):
        return self.clock_source

    def set_clock_source(self, clock_source):
        self.clock_source = clock_source

    def get_gains(self):
        return self.gains

    def set_gains(self, gains):
        self.gains = gains

    def get_lo_offset(self):
        return self.lo_offset

    def set_lo_offset(self, lo_offset):
        self.lo_offset = lo_offset

    def get_normalized_gain(self):
        return self.normalized_gain

    def set_normalized_gain(self, normalized_gain):
        self.normalized_gain = normalized_gain

    def get_otw_format(self):
        return self.otw_format

    def set_otw_format(self, otw_format):
        self.otw_format = otw_format

    def get_settings(self):
        return self.settings

    def set_settings(self, settings):
        self.settings = settings

    def get_stream_args(self):
        return self.stream_args

    def set_stream_args(self, stream_args):
        self.stream_args = stream_args

    def get_subdev(self):
        return self.subdev

    def set_subdev(self, subdev):
        self.subdev = subdev

    def get_sync(self):
        return self.sync

    def set_sync(self, sync):
        self.sync = sync

    def get_time_source(self):
        return self.time_source

    def set_time_source(self, time_source):
        self.time_source = time_source

    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)

    def get_center_freq(self):
        return self.center_freq

    def set_center_freq(self, center_freq):
        self.center_freq = center_freq
        self.set_freq(wfm.source_freq(self.source, self.center_freq))

    def get_duration(self):
        return self.duration

    def set_duration(self, duration):
        self.duration = duration

    def get_gain(self):
        return self.gain

    def set_gain(self, gain):
        self.gain = gain
        self.radio.set_gain(self.gain)

    def get_hop(self):
        return self.hop

    def set_hop(self, hop):
        self.hop = hop
        self.set_run_hop(self.hop or (0 if self.run_policy == 'lossless' else 32768))

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_out(self):
        return self.out

    def set_out(self, out):
        self.out = out

    def get_policy(self):
        return self.policy

    def set_policy(self, policy):
        self.policy = policy
        self.set_run_policy(wfm.source_policy(self.source, self.policy))

    def get_sample_rate(self):
        return self.sample_rate

    def set_sample_rate(self, sample_rate):
        self.sample_rate = sample_rate
        self.set_samp_rate(wfm.source_rate(self.source, self.sample_rate))

    def get_source(self):
        return self.source

    def set_source(self, source):
        self.source = source
        self.set_freq(wfm.source_freq(self.source, self.center_freq))
        self.set_run_policy(wfm.source_policy(self.source, self.policy))
        self.set_samp_rate(wfm.source_rate(self.source, self.sample_rate))

    def get_run_policy(self):
        return self.run_policy

    def set_run_policy(self, run_policy):
        self.run_policy = run_policy
        self.set_run_hop(self.hop or (0 if self.run_policy == 'lossless' else 32768))

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate
        self.spectrum.set_frequency_range(self.freq, self.samp_rate)
        self.waterfall.set_frequency_range(self.freq, self.samp_rate)

    def get_run_hop(self):
        return self.run_hop

    def set_run_hop(self, run_hop):
        self.run_hop = run_hop
        self.model.set_hop(self.run_hop)

    def get_hold(self):
        return self.hold

    def set_hold(self, hold):
        self.hold = hold

    def get_freq(self):
        return self.freq

    def set_freq(self, freq):
        self.freq = freq
        self.radio.set_center_freq(self.freq)
        self.spectrum.set_frequency_range(self.freq, self.samp_rate)
        self.waterfall.set_frequency_range(self.freq, self.samp_rate)

    def get_antennas(self):
        return self.antennas

    def set_antennas(self, antennas):
        self.antennas = antennas



def argument_parser():
    description = 'Finds interference in live LTE with a wireless foundation model: a radio, a recording or the simulated radio.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--agc", dest="agc", type=intx, default=0,
        help="Set AGC (1: on) [default=%(default)r]")
    parser.add_argument(
        "--antenna", dest="antenna", type=str, default='',
        help="Set Antenna Ports [default=%(default)r]")
    parser.add_argument(
        "--bandwidth", dest="bandwidth", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set Bandwidth (Hz) [default=%(default)r]")
    parser.add_argument(
        "--clock-source", dest="clock_source", type=str, default='',
        help="Set Clock Source [default=%(default)r]")
    parser.add_argument(
        "--gains", dest="gains", type=str, default='',
        help="Set Gain Elements [default=%(default)r]")
    parser.add_argument(
        "--lo-offset", dest="lo_offset", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set LO Offset (Hz) [default=%(default)r]")
    parser.add_argument(
        "--normalized-gain", dest="normalized_gain", type=intx, default=0,
        help="Set Normalized Gain (1: on) [default=%(default)r]")
    parser.add_argument(
        "--otw-format", dest="otw_format", type=str, default='',
        help="Set Wire Format [default=%(default)r]")
    parser.add_argument(
        "--settings", dest="settings", type=str, default='',
        help="Set Driver Settings [default=%(default)r]")
    parser.add_argument(
        "--stream-args", dest="stream_args", type=str, default='',
        help="Set Stream Args [default=%(default)r]")
    parser.add_argument(
        "--subdev", dest="subdev", type=str, default='',
        help="Set Subdevice [default=%(default)r]")
    parser.add_argument(
        "--sync", dest="sync", type=str, default='',
        help="Set Sync [default=%(default)r]")
    parser.add_argument(
        "--time-source", dest="time_source", type=str, default='',
        help="Set Time Source [default=%(default)r]")
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-interference',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(1842.5e6)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
    parser.add_argument(
        "--hop", dest="hop", type=intx, default=0,
        help="Set Hop (samples) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--out", dest="out", type=str, default='',
        help="Set Report Folder [default=%(default)r]")
    parser.add_argument(
        "--policy", dest="policy", type=str, default='',
        help="Set Policy [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1.92e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='uhd',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=live_interference, options=None):
    if options is None:
        options = argument_parser().parse_args()

    if StrictVersion("4.5.0") <= StrictVersion(Qt.qVersion()) < StrictVersion("5.0.0"):
        style = gr.prefs().get_string('qtgui', 'style', 'raster')
        Qt.QApplication.setGraphicsSystem(style)
    qapp = Qt.QApplication(sys.argv)

    tb = top_block_cls(agc=options.agc, antenna=options.antenna, bandwidth=options.bandwidth, clock_source=options.clock_source, gains=options.gains, lo_offset=options.lo_offset, normalized_gain=options.normalized_gain, otw_format=options.otw_format, settings=options.settings, stream_args=options.stream_args, subdev=options.subdev, sync=options.sync, time_source=options.time_source, bundle=options.bundle, center_freq=options.center_freq, duration=options.duration, gain=options.gain, hop=options.hop, json=options.json, out=options.out, policy=options.policy, sample_rate=options.sample_rate, source=options.source)

    tb.start()
    snippets_main_after_start(tb)
    tb.show()

    def sig_handler(sig=None, frame=None):
        tb.stop()
        tb.wait()

        Qt.QApplication.quit()

    signal.signal(signal.SIGINT, sig_handler)
    signal.signal(signal.SIGTERM, sig_handler)

    timer = Qt.QTimer()
    timer.start(500)
    timer.timeout.connect(lambda: None)

    qapp.exec_()

if __name__ == '__main__':
    main()
