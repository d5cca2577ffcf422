#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Classify Recording
# Author: gr-wfm
# Description: Prints what a model hears in a SigMF recording, window by window.
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
from gnuradio.wfm import app


def snipfcn_main_loop(self):
    app.run_without_window(self, self.radio, self.model, self.decisions)


def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)


class classify_recording(gr.top_block):

    def __init__(self, bundle='wfm-interference', hop=0, json='', source='file:examples/data/lte_dsss.sigmf-meta'):
        gr.top_block.__init__(self, "WFM Classify Recording", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.bundle = bundle
        self.hop = hop
        self.json = json
        self.source = source

        ##################################################
        # Variables
        ##################################################
        self.samp_rate = samp_rate = wfm.source_rate(source, 1.92e6)
        self.antennas = antennas = 1

        ##################################################
        # Blocks
        ##################################################

        self.through = blocks.null_sink(gr.sizeof_gr_complex*1)
        self.radio = wfm.sdr_source(
            source=source,
            channels=antennas,
            sample_rate=samp_rate,
            center_freq=0,
            gain=0,
            policy='lossless',
            duration=0,
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
            policy='lossless',
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
        self.connect((self.model, 0), (self.through, 0))
        self.connect((self.radio, 0), (self.model, 0))


    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)

    def get_hop(self):
        return self.hop

    def set_hop(self, hop):
        self.hop = hop
        self.model.set_hop(self.hop)

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_source(self):
        return self.source

    def set_source(self, source):
        self.source = source
        self.set_samp_rate(wfm.source_rate(self.source, 1.92e6))

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate

    def get_antennas(self):
        return self.antennas

    def set_antennas(self, antennas):
        self.antennas = antennas



def argument_parser():
    description = 'Prints what a model hears in a SigMF recording, window by window.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-interference',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--hop", dest="hop", type=intx, default=0,
        help="Set Hop (samples) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='file:examples/data/lte_dsss.sigmf-meta',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=classify_recording, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(bundle=options.bundle, hop=options.hop, json=options.json, source=options.source)

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
