#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Fingerprint Enrolment
# Author: gr-wfm
# Description: Enrols transmitters in the running flowgraph from 20 windows each, with a shipped model and no training, then names them.
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
from gnuradio.wfm import app, rehearsal


def snipfcn_main_loop(self):
    app.run(self, self.radio, self.model, self.decisions, judges=self.judges, widgets=[self.enrol])

def snipfcn_teacher(self):
    # the simulated radio knows who is on the air; with a real one you do: use the widget
    names = ('device-1', 'device-2', 'device-3', 'device-4', 'device-5')
    self.judges = rehearsal.teach(self, self.radio, self.head, names)


def snippets_main_after_init(tb):
    snipfcn_teacher(tb)

def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)

from gnuradio import qtgui

class fingerprint_enrol(gr.top_block, Qt.QWidget):

    def __init__(self, bundle='wfm-fingerprint', center_freq=2.44e9, duration=16, gain=40, gate=(-44), hop=65536, json='', policy='', prototypes='', sample_rate=1e6, source='sim:transmitters'):
        gr.top_block.__init__(self, "WFM Fingerprint Enrolment", catch_exceptions=True)
        Qt.QWidget.__init__(self)
        self.setWindowTitle("WFM Fingerprint Enrolment")
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

        self.settings = Qt.QSettings("GNU Radio", "fingerprint_enrol")

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
        self.gate = gate
        self.hop = hop
        self.json = json
        self.policy = policy
        self.prototypes = prototypes
        self.sample_rate = sample_rate
        self.source = source

        ##################################################
        # Variables
        ##################################################
        self.samp_rate = samp_rate = wfm.source_rate(source, sample_rate)
        self.run_policy = run_policy = wfm.source_policy(source, policy)
        self.hold = hold = 65536
        self.freq = freq = wfm.source_freq(source, center_freq)

        ##################################################
        # Blocks
        ##################################################

        self.waterfall = qtgui.waterfall_sink_c(
            1024, #size
            window.WIN_BLACKMAN_hARRIS, #wintype
            freq, #fc
            samp_rate, #bw
            "Waterfall, time upwards", #name
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
        self.model = wfm.inference(
            bundle=bundle,
            channels=1,
            sample_rate=samp_rate,
            hop=hop,
            hold=hold,
            policy=run_policy,
            batch=8,
            threshold=(-1),
            gate_dbfs=gate,
            settle=0,
            device='auto',
            dtype='auto',
            on_error='stop',
            tasks='',
            engine='auto')
        self.head = wfm.task_head(
            task='fingerprint',
            embedding='embedding_transmitter',
            prototypes=prototypes,
            windows=20,
            margin=2.5,
            modes=4,
            cohort='',
            strangers=0.05,
            offer=10)
        self.enrol = qtgui.edit_box_msg(qtgui.STRING, '', 'Enrol who is on the air as', True, True, 'enrol', None)
        self._enrol_win = sip.wrapinstance(self.enrol.qwidget(), Qt.QWidget)
        self.top_grid_layout.addWidget(self._enrol_win, 2, 0, 1, 1)
        for r in range(2, 3):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=samp_rate,
            quiet=False)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.enrol, 'msg'), (self.head, 'control'))
        self.msg_connect((self.head, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'embeddings'), (self.head, 'embeddings'))
        self.connect((self.model, 0), (self.waterfall, 0))
        self.connect((self.radio, 0), (self.model, 0))


    def closeEvent(self, event):
        self.settings = Qt.QSettings("GNU Radio", "fingerprint_enrol")
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

    def get_gate(self):
        return self.gate

    def set_gate(self, gate):
        self.gate = gate
        self.model.set_gate_dbfs(self.gate)

    def get_hop(self):
        return self.hop

    def set_hop(self, hop):
        self.hop = hop
        self.model.set_hop(self.hop)

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_policy(self):
        return self.policy

    def set_policy(self, policy):
        self.policy = policy
        self.set_run_policy(wfm.source_policy(self.source, self.policy))

    def get_prototypes(self):
        return self.prototypes

    def set_prototypes(self, prototypes):
        self.prototypes = prototypes

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
        self.waterfall.set_frequency_range(self.freq, self.samp_rate)

    def get_run_policy(self):
        return self.run_policy

    def set_run_policy(self, run_policy):
        self.run_policy = run_policy

    def get_hold(self):
        return self.hold

    def set_hold(self, hold):
        self.hold = hold

    def get_freq(self):
        return self.freq

    def set_freq(self, freq):
        self.freq = freq
        self.radio.set_center_freq(self.freq)
        self.waterfall.set_frequency_range(self.freq, self.samp_rate)



def argument_parser():
    description = 'Enrols transmitters in the running flowgraph from 20 windows each, with a shipped model and no training, then names them.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-fingerprint',
        help="Set Encoder Bundle [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(2.44e9)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(16)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
    parser.add_argument(
        "--gate", dest="gate", type=eng_float, default=eng_notation.num_to_str(float((-44))),
        help="Set Gate (dBFS) [default=%(default)r]")
    parser.add_argument(
        "--hop", dest="hop", type=intx, default=65536,
        help="Set Hop (samples) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--policy", dest="policy", type=str, default='',
        help="Set Policy [default=%(default)r]")
    parser.add_argument(
        "--prototypes", dest="prototypes", type=str, default='',
        help="Set Prototypes File [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='sim:transmitters',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=fingerprint_enrol, options=None):
    if options is None:
        options = argument_parser().parse_args()

    if StrictVersion("4.5.0") <= StrictVersion(Qt.qVersion()) < StrictVersion("5.0.0"):
        style = gr.prefs().get_string('qtgui', 'style', 'raster')
        Qt.QApplication.setGraphicsSystem(style)
    qapp = Qt.QApplication(sys.argv)

    tb = top_block_cls(bundle=options.bundle, center_freq=options.center_freq, duration=options.duration, gain=options.gain, gate=options.gate, hop=options.hop, json=options.json, policy=options.policy, prototypes=options.prototypes, sample_rate=options.sample_rate, source=options.source)
    snippets_main_after_init(tb)
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
