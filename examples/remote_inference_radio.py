#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Remote Inference, Radio Host
# Author: gr-wfm
# Description: Sends a radio's samples to inference on another computer (remote_inference_server), and shows what it answers.
# GNU Radio version: 3.10.5.1

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


def snipfcn_account(self):
    self.account = remote.account(self, self.answer)

def snipfcn_end(self):
    remote.run(self, self.radio, self.link, self.decisions, self.account)


def snippets_main_after_init(tb):
    snipfcn_account(tb)

def snippets_main_after_start(tb):
    snipfcn_end(tb)


class remote_inference_radio(gr.top_block):

    def __init__(self, address='tcp://127.0.0.1:5711', answers='tcp://127.0.0.1:5712', center_freq=2.44e9, duration=8, gain=40, json='', policy='', sample_rate=1e6, source='sim:modulations'):
        gr.top_block.__init__(self, "WFM Remote Inference, Radio Host", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.address = address
        self.answers = answers
        self.center_freq = center_freq
        self.duration = duration
        self.gain = gain
        self.json = json
        self.policy = policy
        self.sample_rate = sample_rate
        self.source = source

        ##################################################
        # Variables
        ##################################################
        self.samp_rate = samp_rate = wfm.source_rate(source, sample_rate)
        self.freq = freq = wfm.source_freq(source, center_freq)
        self.antennas = antennas = 1

        ##################################################
        # Blocks
        ##################################################

        self.radio = wfm.sdr_source(
            source=source,
            channels=antennas,
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
        self.link = wfm.sample_publisher(
            address=address,
            channels=antennas,
            sample_rate=samp_rate,
            interval=4096,
            high_water_mark=200,
            sample_format='cf32',
            datagram_bytes=1472,
            stream_id=0)
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=samp_rate,
            quiet=False)
        self.answer = wfm.event_subscriber(
            addresses=answers,
            high_water_mark=1000)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.answer, 'detects'), (self.decisions, 'detects'))
        self.connect((self.radio, 0), (self.link, 0))


    def get_address(self):
        return self.address

    def set_address(self, address):
        self.address = address

    def get_answers(self):
        return self.answers

    def set_answers(self, answers):
        self.answers = answers

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

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_policy(self):
        return self.policy

    def set_policy(self, policy):
        self.policy = policy

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
        self.set_samp_rate(wfm.source_rate(self.source, self.sample_rate))

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate

    def get_freq(self):
        return self.freq

    def set_freq(self, freq):
        self.freq = freq
        self.radio.set_center_freq(self.freq)

    def get_antennas(self):
        return self.antennas

    def set_antennas(self, antennas):
        self.antennas = antennas



def argument_parser():
    description = "Sends a radio's samples to inference on another computer (remote_inference_server), and shows what it answers."
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--address", dest="address", type=str, default='tcp://127.0.0.1:5711',
        help="Set Samples To [default=%(default)r]")
    parser.add_argument(
        "--answers", dest="answers", type=str, default='tcp://127.0.0.1:5712',
        help="Set Decisions From [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(2.44e9)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(8)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
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


def main(top_block_cls=remote_inference_radio, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(address=options.address, answers=options.answers, center_freq=options.center_freq, duration=options.duration, gain=options.gain, json=options.json, policy=options.policy, sample_rate=options.sample_rate, source=options.source)
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
