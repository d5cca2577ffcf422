#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Two Tasks, One Encoder
# Author: gr-wfm
# Description: Names the transmitter and its modulation with two heads on one encoder, computed once a window.
# GNU Radio version: 3.10.5.1

from gnuradio import blocks
from gnuradio import gr
from gnuradio.filter import firdes
from gnuradio.fft import window
import sys
import signal
from argparse import ArgumentParser
from gnuradio.eng_arg import eng_float, intx
from gnuradio import eng_notation
from gnuradio import wfm
from gnuradio.wfm import app, rehearsal


def snipfcn_judge(self):
    self.judges = rehearsal.judge(self, self.radio, one_encoder=self.model)

def snipfcn_main_loop(self):
    app.run_without_window(self, self.radio, self.model, self.decisions, self.judges)


def snippets_main_after_init(tb):
    snipfcn_judge(tb)

def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)


class two_tasks_one_encoder(gr.top_block):

    def __init__(self, bundle='wfm-two-tasks', center_freq=2.44e9, duration=3, gain=40, gate=(-44), hop=8192, json='', policy='', sample_rate=1e6, source='sim:modulations'):
        gr.top_block.__init__(self, "WFM Two Tasks, One Encoder", catch_exceptions=True)

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

        self.through = blocks.null_sink(gr.sizeof_gr_complex*1)
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
            hold=0,
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
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=samp_rate,
            quiet=False)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.connect((self.model, 0), (self.through, 0))
        self.connect((self.radio, 0), (self.model, 0))


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
        self.radio.set_center_freq(self.freq)



def argument_parser():
    description = 'Names the transmitter and its modulation with two heads on one encoder, computed once a window.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-two-tasks',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(2.44e9)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(3)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
    parser.add_argument(
        "--gate", dest="gate", type=eng_float, default=eng_notation.num_to_str(float((-44))),
        help="Set Gate (dBFS) [default=%(default)r]")
    parser.add_argument(
        "--hop", dest="hop", type=intx, default=8192,
        help="Set Hop (samples) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--policy", dest="policy", type=str, default='',
        help="Set Policy [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='sim:modulations',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=two_tasks_one_encoder, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(bundle=options.bundle, center_freq=options.center_freq, duration=options.duration, gain=options.gain, gate=options.gate, hop=options.hop, json=options.json, policy=options.policy, sample_rate=options.sample_rate, source=options.source)
    snippets_main_after_init(tb)
    def sig_handler(sig=None, frame=None):
        tb.stop()
        tb.wait()

        sys.exit(0)

    signal.signal(signal.SIGINT, sig_handler)
    signal.signal(signal.SIGTERM, sig_handler)

    tb.start()
    snippets_main_after_start(tb)
    tb.wait()


if __name__ == '__main__':
    main()
