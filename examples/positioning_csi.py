#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Positioning by CSI
# Author: gr-wfm
# Description: A tag surveys some points of a room of four antennas and then walks; the model says where it is.
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
from wfm_core.synth import room
import numpy as np
import positioning_csi_tag as tag  # embedded python block


def snipfcn_last_lines(self):
    error = app.mean_position_error(self.store, self.way)
    self.decisions.say(app.survey_line(self.model))
    self.decisions.say(f"mean error {error:.2f} m, smoothed over {self.positions_smoothed} images")
    sys.exit(app.finish_csi(self.csi, self.model, self.decisions))


def snippets_main_after_stop(tb):
    snipfcn_last_lines(tb)


class positioning_csi(gr.top_block):

    def __init__(self, duration=60, json='', lost=0.02, bundle='wfm-position', quiet=0, speed=0):
        gr.top_block.__init__(self, "WFM Positioning by CSI", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.duration = duration
        self.json = json
        self.lost = lost
        self.bundle = bundle
        self.quiet = quiet
        self.speed = speed

        ##################################################
        # Variables
        ##################################################
        self.still_packets = still_packets = 40
        self.points = points = room.survey_points(1.75)
        self.places = places = room.walk(int(duration * room.PACKET_RATE), 11)
        self.way = way = np.concatenate([np.repeat(points, still_packets, axis=0), places])
        self.positions_smoothed = positions_smoothed = 3

        ##################################################
        # Blocks
        ##################################################

        self.tag = tag.blk(points=points, still_packets=still_packets, places=places, lost=lost, speed=speed)
        self.store = blocks.message_debug(True)
        self.model = wfm.positioner(
            bundle=bundle,
            packet_rate=room.PACKET_RATE,
            policy='lossless',
            windows=positions_smoothed,
            max_gap=50,
            survey='',
            device='auto',
            dtype='auto',
            engine='auto',
            on_error='stop')
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=room.PACKET_RATE,
            quiet=quiet)
        self.csi = wfm.csi_image(
            source='pdus',
            antennas=len(room.ANTENNAS),
            fft_len=room.SUBCARRIERS,
            subcarriers=[],
            packets=8,
            hop=0,
            max_gap=4,
            sequence='packet_num',
            modulus=4096,
            packet_rate=0,
            signal={},
            values='complex')


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.csi, 'images'), (self.model, 'images'))
        self.msg_connect((self.model, 'positions'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'positions'), (self.store, 'store'))
        self.msg_connect((self.model, 'surveyed'), (self.tag, 'surveyed'))
        self.msg_connect((self.tag, 'csi'), (self.csi, 'csi'))
        self.msg_connect((self.tag, 'survey'), (self.model, 'survey'))


    def get_duration(self):
        return self.duration

    def set_duration(self, duration):
        self.duration = duration
        self.set_places(room.walk(int(self.duration * room.PACKET_RATE), 11))

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_lost(self):
        return self.lost

    def set_lost(self, lost):
        self.lost = lost
        self.tag.lost = self.lost

    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)

    def get_quiet(self):
        return self.quiet

    def set_quiet(self, quiet):
        self.quiet = quiet

    def get_speed(self):
        return self.speed

    def set_speed(self, speed):
        self.speed = speed
        self.tag.speed = self.speed

    def get_still_packets(self):
        return self.still_packets

    def set_still_packets(self, still_packets):
        self.still_packets = still_packets
        self.set_way(np.concatenate([np.repeat(self.points, self.still_packets, axis=0), self.places]))
        self.tag.still_packets = self.still_packets

    def get_points(self):
        return self.points

    def set_points(self, points):
        self.points = points
        self.set_way(np.concatenate([np.repeat(self.points, self.still_packets, axis=0), self.places]))
        self.tag.points = self.points

    def get_places(self):
        return self.places

    def set_places(self, places):
        self.places = places
        self.set_way(np.concatenate([np.repeat(self.points, self.still_packets, axis=0), self.places]))
        self.tag.places = self.places

    def get_way(self):
        return self.way

    def set_way(self, way):
        self.way = way

    def get_positions_smoothed(self):
        return self.positions_smoothed

    def set_positions_smoothed(self, positions_smoothed):
        self.positions_smoothed = positions_smoothed



def argument_parser():
    description = 'A tag surveys some points of a room of four antennas and then walks; the model says where it is.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(60)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--lost", dest="lost", type=eng_float, default=eng_notation.num_to_str(float(0.02)),
        help="Set Share of Packets Lost [default=%(default)r]")
    parser.add_argument(
        "--bundle", dest="bundle", type=str, default='wfm-position',
        help="Set Model Bundle [default=%(default)r]")
    parser.add_argument(
        "--quiet", dest="quiet", type=intx, default=0,
        help="Set Quiet (no line per position) [default=%(default)r]")
    parser.add_argument(
        "--speed", dest="speed", type=eng_float, default=eng_notation.num_to_str(float(0)),
        help="Set Speed (times real time, 0 at once) [default=%(default)r]")
    return parser


def main(top_block_cls=positioning_csi, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(duration=options.duration, json=options.json, lost=options.lost, bundle=options.bundle, quiet=options.quiet, speed=options.speed)

    def sig_handler(sig=None, frame=None):
        tb.stop()
        tb.wait()
        snippets_main_after_stop(tb)
        sys.exit(0)

    signal.signal(signal.SIGINT, sig_handler)
    signal.signal(signal.SIGTERM, sig_handler)

    tb.start()

    tb.wait()
    snippets_main_after_stop(tb)

if __name__ == '__main__':
    main()
