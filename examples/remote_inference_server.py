#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Remote Inference, Inference Host
# Author: gr-wfm
# Description: Runs a model on samples from another computer (remote_inference_radio), and sends back what it decides.
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
from gnuradio.wfm import app, remote


def snipfcn_last_lines(self):
    sys.exit(remote.finish(self.model))

def snipfcn_serve(self):
    remote.serve(self.model, self.address, self.answers, self.duration)


def snippets_main_after_start(tb):
    snipfcn_serve(tb)

def snippets_main_after_stop(tb):
    snipfcn_last_lines(tb)


class remote_inference_server(gr.top_block):

    def __init__(self, address='tcp://127.0.0.1:5711', answers='tcp://127.0.0.1:5712', bundle='wfm-two-tasks', duration=0, gate=(-44), hop=8192, sample_rate=1e6):
        gr.top_block.__init__(self, "WFM Remote Inference, Inference Host", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.address = address
        self.answers = answers
        self.bundle = bundle
        self.duration = duration
        self.gate = gate
        self.hop = hop
        self.sample_rate = sample_rate

        ##################################################
        # Variables
        ##################################################
        self.session = session = remote.session()
        self.antennas = antennas = 1

        ##################################################
        # Blocks
        ##################################################

        self.through = blocks.null_sink(gr.sizeof_gr_complex*1)
        self.model = wfm.inference(
            bundle=bundle,
            channels=antennas,
            sample_rate=sample_rate,
            hop=hop,
            hold=0,
            policy='live',
            batch=8,
            threshold=(-1),
            gate_dbfs=gate,
            settle=0,
            device='auto',
            dtype='auto',
            on_error='stop',
            tasks='',
            engine='auto')
        self.link = wfm.sample_subscriber(
            address=address,
            channels=antennas,
            high_water_mark=200,
            stream_id=0)
        self.answer = wfm.event_publisher(
            address=answers,
            radio=session,
            high_water_mark=1000)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'status'), (self.answer, 'status'))
        self.msg_connect((self.model, 'events'), (self.answer, 'events'))
        self.msg_connect((self.model, 'detects'), (self.answer, 'detects'))
        self.connect((self.link, 0), (self.model, 0))
        self.connect((self.model, 0), (self.through, 0))


    def get_address(self):
        return self.address

    def set_address(self, address):
        self.address = address

    def get_answers(self):
        return self.answers

    def set_answers(self, answers):
        self.answers = answers

    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)

    def get_duration(self):
        return self.duration

    def set_duration(self, duration):
        self.duration = duration

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

    def get_sample_rate(self):
        return self.sample_rate

    def set_sample_rate(self, sample_rate):
        self.sample_rate = sample_rate

    def get_session(self):
        return self.session

    def set_session(self, session):
        self.session = session

    def get_antennas(self):
        return self.antennas

    def set_antennas(self, antennas):
        self.antennas = antennas



def argument_parser():
    description = 'Runs a model on samples from another computer (remote_inference_radio), and sends back what it decides.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--address", dest="address", type=str, default='tcp://127.0.0.1:5711',
        help="Set Samples From [default=%(default)r]")
    parser.add_argument(
        "--answers", dest="answers", type=str, default='tcp://127.0.0.1:5712',
        help="Set Decisions At [default=%(default)r]")
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-two-tasks',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set Duration (s, 0: until Ctrl-C) [default=%(default)r]")
    parser.add_argument(
        "--gate", dest="gate", type=eng_float, default=eng_notation.num_to_str(float((-44))),
        help="Set Gate (dBFS) [default=%(default)r]")
    parser.add_argument(
        "--hop", dest="hop", type=intx, default=8192,
        help="Set Hop (samples) [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(1e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    return parser


def main(top_block_cls=remote_inference_server, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(address=options.address, answers=options.answers, bundle=options.bundle, duration=options.duration, gate=options.gate, hop=options.hop, sample_rate=options.sample_rate)

    def sig_handler(sig=None, frame=None):
        tb.stop()
        tb.wait()
        snippets_main_after_stop(tb)
        sys.exit(0)

    signal.signal(signal.SIGINT, sig_handler)
    signal.signal(signal.SIGTERM, sig_handler)

    tb.start()
    snippets_main_after_start(tb)
    tb.wait()
    snippets_main_after_stop(tb)

if __name__ == '__main__':
    main()
