#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Publish Band
# Author: gr-wfm
# Description: Finds and names each signal of a band, and publishes it with a waterfall for wfm-monitor --web.
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
from gnuradio.wfm import app, rehearsal


def snipfcn_judge(self):
    self.judges = rehearsal.judge(self, self.radio, band=self.model)

def snipfcn_main_loop(self):
    app.run_without_window(self, self.radio, self.model, self.decisions, self.judges)


def snippets_main_after_init(tb):
    snipfcn_judge(tb)

def snippets_main_after_start(tb):
    snipfcn_main_loop(tb)


class publish_band(gr.top_block):

    def __init__(self, address='tcp://127.0.0.1:5710', bundle='wfm-signals', center_freq=433.92e6, duration=60, gain=40, json='', min_snr=6, name='radio', policy='', sample_rate=2.4e6, source='sim:air'):
        gr.top_block.__init__(self, "WFM Publish Band", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.address = address
        self.bundle = bundle
        self.center_freq = center_freq
        self.duration = duration
        self.gain = gain
        self.json = json
        self.min_snr = min_snr
        self.name = name
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
        self.rows = wfm.spectrum_rows(
            sample_rate=samp_rate,
            center_freq=freq,
            fft_size=256,
            rows_per_second=5)
        self.publisher = wfm.event_publisher(
            address=address,
            radio=name,
            high_water_mark=1000)
        self.model = wfm.signal_classifier(
            bundle=bundle,
            sample_rate=samp_rate,
            policy=run_policy,
            hold=0,
            threshold=(-1),
            false_alarms=0.05,
            min_snr=min_snr,
            max_duration=2,
            fft_size=0,
            device='auto',
            dtype='auto',
            engine='auto',
            on_error='stop')
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=samp_rate,
            quiet=False)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'events'), (self.decisions, 'events'))
        self.msg_connect((self.model, 'notices'), (self.publisher, 'events'))
        self.msg_connect((self.model, 'events'), (self.publisher, 'events'))
        self.msg_connect((self.model, 'detects'), (self.publisher, 'detects'))
        self.msg_connect((self.model, 'status'), (self.publisher, 'status'))
        self.msg_connect((self.rows, 'spectrum'), (self.publisher, 'spectrum'))
        self.connect((self.model, 0), (self.rows, 0))
        self.connect((self.radio, 0), (self.model, 0))


    def get_address(self):
        return self.address

    def set_address(self, address):
        self.address = address

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

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_min_snr(self):
        return self.min_snr

    def set_min_snr(self, min_snr):
        self.min_snr = min_snr

    def get_name(self):
        return self.name

    def set_name(self, name):
        self.name = name

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
        self.rows.set_center_freq(self.freq)



def argument_parser():
    description = 'Finds and names each signal of a band, and publishes it with a waterfall for wfm-monitor --web.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--address", dest="address", type=str, default='tcp://127.0.0.1:5710',
        help="Set Publisher Address [default=%(default)r]")
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-signals',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--center-freq", dest="center_freq", type=eng_float, default=eng_notation.num_to_str(float(433.92e6)),
        help="Set Centre Frequency (Hz) [default=%(default)r]")
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(60)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--gain", dest="gain", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Gain (dB) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--min-snr", dest="min_snr", type=eng_float, default=eng_notation.num_to_str(float(6)),
        help="Set Minimum SNR (dB) [default=%(default)r]")
    parser.add_argument(
        "--name", dest="name", type=str, default='radio',
        help="Set Radio Name [default=%(default)r]")
    parser.add_argument(
        "--policy", dest="policy", type=str, default='',
        help="Set Policy [default=%(default)r]")
    parser.add_argument(
        "--sample-rate", dest="sample_rate", type=eng_float, default=eng_notation.num_to_str(float(2.4e6)),
        help="Set Sample Rate (Hz) [default=%(default)r]")
    parser.add_argument(
        "--source", dest="source", type=str, default='sim:air',
        help="Set Source [default=%(default)r]")
    return parser


def main(top_block_cls=publish_band, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(address=options.address, bundle=options.bundle, center_freq=options.center_freq, duration=options.duration, gain=options.gain, json=options.json, min_snr=options.min_snr, name=options.name, policy=options.policy, sample_rate=options.sample_rate, source=options.source)
    snippets_main_after_init(tb)
    def sig_handler(sig=None, frame=None):
        tb.stop()
        tb.wait()

        sys.exit(0)

    signal.signal(signal.SIGINT, sig_handler)
    signal.signal(signal.SIGTERM, sig_handler)

    tb.start()
    snippets_main_after_start(tb)
    try:
        input('Press Enter to quit: ')
    except EOFError:
        pass
    tb.stop()
    tb.wait()


if __name__ == '__main__':
    main()
