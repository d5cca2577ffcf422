#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Record and Label
# Author: gr-wfm
# Description: Records a radio as labelled SigMF, and writes what the model hears into it.
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
from gnuradio import eng_notation
from gnuradio import qtgui
from gnuradio.filter import firdes
import sip
from gnuradio import blocks
from gnuradio import gr
from gnuradio.fft import window
import sys
import signal
from argparse import ArgumentParser
from gnuradio.eng_arg import eng_float, intx
from gnuradio import wfm
from gnuradio.wfm import app


def snipfcn_main_loop(self):
    app.run(self, self.radio, self.model, self.decisions, recorder=self.recorder)


def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)

from gnuradio import qtgui

class record_and_label(gr.top_block, Qt.QWidget):

    def __init__(self, source='sim', sample_rate=1.92e6, center_freq=1842.5e6, gain=40, duration=0, bundle='wfm-interference', label='', out='recordings', rotate_mb=1000):
        gr.top_block.__init__(self, "WFM Record and Label", catch_exceptions=True)
        Qt.QWidget.__init__(self)
        self.setWindowTitle("WFM Record and Label")
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

        self.settings = Qt.QSettings("GNU Radio", "record_and_label")

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
        self.source = source
        self.sample_rate = sample_rate
        self.center_freq = center_freq
        self.gain = gain
        self.duration = duration
        self.bundle = bundle
        self.label = label
        self.out = out
        self.rotate_mb = rotate_mb

        ##################################################
        # Variables
        ##################################################
        self.samp_rate = samp_rate = wfm.source_rate(source, sample_rate)
        self.record = record = True
        self.label_now = label_now = label
        self.hop = hop = 32768
        self.freq = freq = wfm.source_freq(source, center_freq)
        self.antennas = antennas = 2

        ##################################################
        # Blocks
        ##################################################

        _record_check_box = Qt.QCheckBox("Record")
        self._record_choices = {True: True, False: False}
        self._record_choices_inv = dict((v,k) for k,v in self._record_choices.items())
        self._record_callback = lambda i: Qt.QMetaObject.invokeMethod(_record_check_box, "setChecked", Qt.Q_ARG("bool", self._record_choices_inv[i]))
        self._record_callback(self.record)
        _record_check_box.stateChanged.connect(lambda i: self.set_record(self._record_choices[bool(i)]))
        self.top_grid_layout.addWidget(_record_check_box, 2, 0, 1, 1)
        for r in range(2, 3):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self._label_now_tool_bar = Qt.QToolBar(self)
        self._label_now_tool_bar.addWidget(Qt.QLabel("Label" + ": "))
        self._label_now_line_edit = Qt.QLineEdit(str(self.label_now))
        self._label_now_tool_bar.addWidget(self._label_now_line_edit)
        self._label_now_line_edit.returnPressed.connect(
            lambda: self.set_label_now(str(str(self._label_now_line_edit.text()))))
        self.top_grid_layout.addWidget(self._label_now_tool_bar, 1, 0, 1, 1)
        for r in range(1, 2):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self.tracker = wfm.event_tracker(
            task='interference',
            windows=4,
            method='probability',
            begin=0.6,
            end=0.4,
            background='none',
            sample_rate=samp_rate,
            max_gap=(4 * hop))
        self.through = blocks.null_sink(gr.sizeof_gr_complex*1)
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
        self.top_grid_layout.addWidget(self._spectrum_win, 0, 0, 1, 1)
        for r in range(0, 1):
            self.top_grid_layout.setRowStretch(r, 1)
        for c in range(0, 1):
            self.top_grid_layout.setColumnStretch(c, 1)
        self.recorder = wfm.recorder(
            channels=antennas,
            sample_rate=samp_rate,
            folder=out,
            prefix='recording',
            label=label_now,
            recording=record,
            pre_trigger=1.0,
            rotate_mb=rotate_mb,
            datatype='ci16_le',
            queue=2)
        self.radio = wfm.sdr_source(
            source=source,
            channels=antennas,
            sample_rate=samp_rate,
            center_freq=freq,
            gain=gain,
            policy='',
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
            channels=antennas,
            sample_rate=samp_rate,
            hop=hop,
            hold=0,
            policy='live',
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
            json_path='',
            sample_rate=samp_rate,
            quiet=False)
        self.annotator = wfm.sigmf_annotator(
            recording='',
            background='none')


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'detects'), (self.tracker, 'detects'))
        self.msg_connect((self.model, 'status'), (self.tracker, 'status'))
        self.msg_connect((self.recorder, 'events'), (self.annotator, 'recordings'))
        self.msg_connect((self.tracker, 'events'), (self.annotator, 'events'))
        self.connect((self.model, 1), (self.through, 1))
        self.connect((self.model, 0), (self.through, 0))
        self.connect((self.radio, 1), (self.model, 1))
        self.connect((self.radio, 0), (self.model, 0))
        self.connect((self.radio, 0), (self.recorder, 0))
        self.connect((self.radio, 1), (self.recorder, 1))
        self.connect((self.radio, 0), (self.spectrum, 0))


    def closeEvent(self, event):
        self.settings = Qt.QSettings("GNU Radio", "record_and_label")
        self.settings.setValue("geometry", self.saveGeometry())
        self.stop()
        self.wait()

        event.accept()

    def get_source(self):
        return self.source

    def set_source(self, source):
        self.source = source
        self.set_samp_rate(wfm.source_rate(self.source, self.sample_rate))
        self.set_freq(wfm.source_freq(self.source, self.center_freq))

    def get_sample_rate(self):
        return self.sample_rate

    def set_sample_rate(self, sample_rate):
        self.sample_rate = sample_rate
        self.set_samp_rate(wfm.source_rate(self.source, self.sample_rate))

    def get_center_freq(self):
        return self.center_freq

    def set_center_freq(self, center_freq):
        self.center_freq = center_freq
        self.set_freq(wfm.source_freq(self.source, self.center_freq))

    def get_gain(self):
        return self.gain

    def set_gain(self, gain):
        self.gain = gain
        self.radio.set_gain(self.gain)

    def get_duration(self):
        return self.duration

    def set_duration(self, duration):
        self.duration = duration

    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)

    def get_label(self):
        return self.label

    def set_label(self, label):
        self.label = label
        self.set_label_now(self.label)

    def get_out(self):
        return self.out

    def set_out(self, out):
        self.out = out

    def get_rotate_mb(self):
        return self.rotate_mb

    def set_rotate_mb(self, rotate_mb):
        self.rotate_mb = rotate_mb

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate
        self.spectrum.set_frequency_range(self.freq, self.samp_rate)

    def get_record(self):
        return self.record

    def set_record(self, record):
        self.record = record
        self._record_callback(self.record)
        self.recorder.set_recording(self.record)

    def get_label_now(self):
        return self.label_now

    def set_label_now(self, label_now):
        self.label_now = label_now
        Qt.QMetaObject.invokeMethod(self._label_now_line_edit, "setText", Qt.Q_ARG("QString", str(self.label_now)))
        self.recorder.set_label(self.label_now)

    def get_hop(self):
        return self.hop

    def set_hop(self, hop):
        self.hop = hop
        self.model.set_hop(self.hop)

    def get_freq(self):
        return self.freq

    def set_freq(self, freq):
        self.freq = freq
        self.radio.set_center_freq(self.freq)
        self.spectrum.set_frequency_range(self.freq, self.samp_rate)

    def get_antennas(self):
        return self.antennas

    def set_antennas(self, antennas):
        self.antennas = antennas



def argument_parser():
    description = 'Records a radio as labelled SigMF, and writes what the model hears into it.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--source", dest="source", type=str, default='sim',
        help="Set Source [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1.92e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(1842.5e6)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-interference',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--label", dest="label", type=str, default='',
        help="Set Label [default=%(default)r]")
    parser.add_argument(
        "--out", dest="out", type=str, default='recordings',
        help="Set Folder [default=%(default)r]")
    parser.add_argument(
        "--rotate-mb", dest="rotate_mb", type=eng_float, default=eng_notation.num_to_str(float(1000)),
        help="Set Rotate (MB) [default=%(default)r]")
    return parser


def main(top_block_cls=record_and_label, options=None):
    if options is None:
        options = argument_parser().parse_args()

    if StrictVersion("4.5.0") <= StrictVersion(Qt.qVersion()) < StrictVersion("5.0.0"):
        style = gr.prefs().get_string('qtgui', 'style', 'raster')
        Qt.QApplication.setGraphicsSystem(style)
    qapp = Qt.QApplication(sys.argv)

    tb = top_block_cls(source=options.source, sample_rate=options.sample_rate, center_freq=options.center_freq, gain=options.gain, duration=options.duration, bundle=options.bundle, label=options.label, out=options.out, rotate_mb=options.rotate_mb)

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
