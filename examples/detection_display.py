#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Detection Display
# Author: gr-wfm
# Description: Shows what a model hears, in boxes on a waterfall: a radio, a recording or the simulated radio.
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
from gnuradio import wfm
from gnuradio import gr
from gnuradio.filter import firdes
from gnuradio.fft import window
import sys
import signal
from argparse import ArgumentParser
from gnuradio.eng_arg import eng_float, intx
from gnuradio import eng_notation
from gnuradio.wfm import app


def snipfcn_main_loop(self):
    app.run(self, self.radio, self.model.inference, self.decisions, None)


def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)

from gnuradio import qtgui

class detection_display(gr.top_block, Qt.QWidget):

    def __init__(self, bundle='wfm-interference', center_freq=1842.5e6, duration=0, gain=40, policy='', sample_rate=1.92e6, source='sim'):
        gr.top_block.__init__(self, "WFM Detection Display", catch_exceptions=True)
        Qt.QWidget.__init__(self)
        self.setWindowTitle("WFM Detection Display")
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

        self.settings = Qt.QSettings("GNU Radio", "detection_display")

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
        self.bundle = bundle
        self.center_freq = center_freq
        self.duration = duration
        self.gain = gain
        self.policy = policy
        self.sample_rate = sample_rate
        self.source = source

        ##################################################
        # Variables
        ##################################################
        self.samp_rate = samp_rate = wfm.source_rate(source, sample_rate)
        self.run_policy = run_policy = wfm.source_policy(source, policy)
        self.freq = freq = wfm.source_freq(source, center_freq)

        ##################################################
        # Blocks
        ##################################################

        self.radio = wfm.sdr_source(
            source=source,
            channels=1,
            sample_rate=samp_rate,
            center_freq=freq,
            gain=gain,
            policy=policy,
            duration=duration,
            antennas=(),
            bandwidth=0,
            agc=False,
            normalized_gain=False,
            lo_offset=0,
            clock_source='',
            time_source='',
            sync='',
            subdev='',
            otw_format='',
            stream_args='',
            gains='',
            settings='',
            silence=2,
            patience=8)
        self.model = wfm.interference_detector(
            bundle=bundle,
            channels=1,
            sample_rate=samp_rate,
            hop=16384,
            policy=run_policy,
            threshold=(-1),
            windows=8,
            begin=0.6,
            end=0.4,
            pool=0,
            device='auto',
            dtype='auto',
            engine='auto',
            on_error='stop')
        self.display = wfm.detection_display(
            sample_rate=samp_rate,
            center_freq=freq,
            fft_size=512,
            seconds=10,
            background='none')
        self._display_win = self.display.widget()
        self.top_layout.addWidget(self._display_win)
        self.decisions = wfm.decision_log(
            json_path='',
            sample_rate=samp_rate,
            quiet=True)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'status'), (self.display, 'status'))
        self.msg_connect((self.model, 'events'), (self.display, 'events'))
        self.msg_connect((self.model, 'detects'), (self.display, 'detects'))
        self.connect((self.model, 0), (self.display, 0))
        self.connect((self.radio, 0), (self.model, 0))


    def closeEvent(self, event):
        self.settings = Qt.QSettings("GNU Radio", "detection_display")
        self.settings.setValue("geometry", self.saveGeometry())
        self.stop()
        self.wait()

        event.accept()

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

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate

    def get_run_policy(self):
        return self.run_policy

    def set_run_policy(self, run_policy):
        self.run_policy = run_policy

    def get_freq(self):
        return self.freq

    def set_freq(self, freq):
        self.freq = freq
        self.display.set_center_freq(self.freq)
        self.radio.set_center_freq(self.freq)



def argument_parser():
    description = 'Shows what a model hears, in boxes on a waterfall: a radio, a recording or the simulated radio.'
    parser = ArgumentParser(description=description)
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
        "--policy", dest="policy", type=str, default='',
        help="Set Policy [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1.92e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='sim',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=detection_display, options=None):
    if options is None:
        options = argument_parser().parse_args()

    if StrictVersion("4.5.0") <= StrictVersion(Qt.qVersion()) < StrictVersion("5.0.0"):
        style = gr.prefs().get_string('qtgui', 'style', 'raster')
        Qt.QApplication.setGraphicsSystem(style)
    qapp = Qt.QApplication(sys.argv)

    tb = top_block_cls(bundle=options.bundle, center_freq=options.center_freq, duration=options.duration, gain=options.gain, policy=options.policy, sample_rate=options.sample_rate, source=options.source)

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
