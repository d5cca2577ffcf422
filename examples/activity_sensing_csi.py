#!/usr/bin/env python3
# -*- coding: utf-8 -*-

#
# SPDX-License-Identifier: GPL-3.0
#
# GNU Radio Python Flow Graph
# Title: WFM Activity Sensing by CSI
# Author: gr-wfm
# Description: Packets through an OFDM link with a person in it; a model says what the person does.
# GNU Radio version: 3.10.5.1

from gnuradio import analog
from gnuradio import blocks
from gnuradio import digital
from gnuradio import fft
from gnuradio.fft import window
from gnuradio import filter
from gnuradio.filter import firdes
from gnuradio import gr
import sys
import signal
from argparse import ArgumentParser
from gnuradio.eng_arg import eng_float, intx
from gnuradio import eng_notation
from gnuradio import wfm
from gnuradio.wfm import app
from wfm_core.synth import motion
import numpy as np


def snipfcn_say_script(self):
    self.decisions.say(f"on the air: {motion.describe(self.script)}")

def snipfcn_last_lines(self):
    good = self.received.nitems_read(0) // self.packet_bytes
    self.decisions.say(f"{good} payloads passed their CRC")
    sys.exit(app.finish_csi(self.csi, self.model, self.decisions))


def snippets_main_after_start(tb):
    snipfcn_say_script(tb)

def snippets_main_after_stop(tb):
    snipfcn_last_lines(tb)


class activity_sensing_csi(gr.top_block):

    def __init__(self, duration=40, json='', noise_level=0.3, quiet=0):
        gr.top_block.__init__(self, "WFM Activity Sensing by CSI", catch_exceptions=True)

        ##################################################
        # Parameters
        ##################################################
        self.duration = duration
        self.json = json
        self.noise_level = noise_level
        self.quiet = quiet

        ##################################################
        # Variables
        ##################################################
        self.subcarriers = subcarriers = list(motion.SUBCARRIERS)
        self.pilot_symbols = pilot_symbols = ((1, 1, 1, -1),)
        self.pilot_carriers = pilot_carriers = ((-21, -7, 7, 21),)
        self.occupied_carriers = occupied_carriers = (list(range(-26, -21)) + list(range(-20, -7)) + list(range(-6, 0)) + list(range(1, 7)) + list(range(8, 21)) + list(range(22, 27)),)
        self.modulation = modulation = digital.constellation_bpsk()
        self.fft_len = fft_len = 64
        self.sync_word2 = sync_word2 = [1.0 - 2 * (0xA3C5964D7E1B80F2 >> k & 1) if k in subcarriers else 0j for k in range(fft_len)]
        self.sync_word1 = sync_word1 = [2**0.5 * (1 - 2 * (0x5D1E83A7C496B2F0 >> k & 1)) if k in subcarriers and k % 2 else 0j for k in range(fft_len)]
        self.steps = steps = 4
        self.script = script = motion.script(duration, 5.0)
        self.samp_rate = samp_rate = (fft_len + fft_len // 4) * 8 * motion.PACKET_RATE
        self.room = room = motion.draw_room(np.random.default_rng(7))
        self.payload_equalizer = payload_equalizer = digital.ofdm_equalizer_simpledfe(fft_len, modulation.base(), occupied_carriers, pilot_carriers, pilot_symbols, 1)
        self.packet_bytes = packet_bytes = 24
        self.header_equalizer = header_equalizer = digital.ofdm_equalizer_simpledfe(fft_len, modulation.base(), occupied_carriers, pilot_carriers, pilot_symbols)
        self.formatter = formatter = digital.packet_header_ofdm(occupied_carriers, 1, "rx_len", "frame_len", "packet_num", 1, 1)
        self.bundle = bundle = "wfm-activity"

        ##################################################
        # Blocks
        ##################################################

        self.packets = blocks.stream_to_tagged_stream(gr.sizeof_char, 1, packet_bytes, "packet_len")
        self.walls = filter.fir_filter_ccc(1, room)
        self.walls.declare_sample_delay(0)
        self.transmitter = digital.ofdm_tx(
            fft_len=fft_len,
            cp_len=(fft_len // 4),
            packet_length_tag_key="packet_len",
            occupied_carriers=occupied_carriers,
            pilot_carriers=pilot_carriers,
            pilot_symbols=pilot_symbols,
            sync_word1=sync_word1,
            sync_word2=sync_word2,
            bps_header=1,
            bps_payload=1,
            rolloff=0,
            debug_log=False,
            scramble_bits=False)
        self.tracker = wfm.event_tracker(
            task='activity',
            windows=4,
            method='probability',
            begin=0.6,
            end=0.4,
            background='empty,still',
            sample_rate=motion.PACKET_RATE,
            max_gap=512)
        self.sync_delay = blocks.delay(gr.sizeof_gr_complex*1, (fft_len + fft_len // 4))
        self.sync = digital.ofdm_sync_sc_cfb(fft_len, (fft_len // 4), False, 0.9)
        self.received = blocks.null_sink(gr.sizeof_char*1)
        self.person_delay = blocks.delay(gr.sizeof_gr_complex*1, motion.PERSON_DELAY)
        self.person = blocks.multiply_vcc(1)
        self.payload_symbols = digital.ofdm_serializer_vcc(fft_len, occupied_carriers, "frame_len", "rx_len", 1, '', True)
        self.payload_fft = fft.fft_vcc(fft_len, True, (), True, 1)
        self.payload_equalize = digital.ofdm_frame_equalizer_vcvc(payload_equalizer.base(), (fft_len // 4), "frame_len", False, 0)
        self.payload_bytes = blocks.repack_bits_bb(1, 8, "rx_len", True, gr.GR_LSB_FIRST)
        self.payload_bits = digital.constellation_decoder_cb(modulation.base())
        self.payload = blocks.vector_source_b(list(range(packet_bytes)), True, 1, [])
        self.noise = analog.noise_source_c(analog.GR_GAUSSIAN, noise_level, 1)
        self.motion_steps = blocks.vector_source_c(motion.scripted_gain(script, steps, 1).tolist(), False, 1, [])
        self.motion_samples = blocks.repeat(gr.sizeof_gr_complex*1, ((fft_len + fft_len // 4) * 8 // steps))
        self.model = wfm.image_inference(
            bundle=bundle,
            sample_rate=motion.PACKET_RATE,
            policy='lossless',
            batch=16,
            threshold=(-1),
            device='auto',
            dtype='auto',
            tasks='',
            engine='auto',
            on_error='stop')
        self.mixer = blocks.multiply_vcc(1)
        self.header_symbols = digital.ofdm_serializer_vcc(fft_len, occupied_carriers, "frame_len", '', 0, '', True)
        self.header_fft = fft.fft_vcc(fft_len, True, (), True, 1)
        self.header_equalize = digital.ofdm_frame_equalizer_vcvc(header_equalizer.base(), (fft_len // 4), "frame_len", True, 1)
        self.header_bits = digital.constellation_decoder_cb(modulation.base())
        self.header = digital.packet_headerparser_b(formatter.base())
        self.fine_offset = analog.frequency_modulator_fc((-2.0 / fft_len))
        self.demux = digital.header_payload_demux(
            3,
            fft_len,
            (fft_len // 4),
            "frame_len",
            "",
            True,
            gr.sizeof_gr_complex,
            "rx_time",
            samp_rate,
            (),
            0)
        self.decisions = wfm.decision_log(
            json_path=json,
            sample_rate=motion.PACKET_RATE,
            quiet=quiet)
        self.csi = wfm.csi_image(
            source='tags',
            antennas=1,
            fft_len=fft_len,
            subcarriers=subcarriers,
            packets=256,
            hop=32,
            max_gap=4,
            sequence='packet_num',
            modulus=4096,
            packet_rate=0,
            signal={},
            values='amplitude')
        self.crc = digital.crc32_bb(True, "rx_len", True)
        self.channel_estimate = digital.ofdm_chanest_vcvc(sync_word1, sync_word2, 1, 0, 1, False)
        self.channel = blocks.add_vcc(1)
        self.anybody = wfm.event_tracker(
            task='presence',
            windows=4,
            method='probability',
            begin=0.6,
            end=0.4,
            background='empty',
            sample_rate=motion.PACKET_RATE,
            max_gap=512)


        ##################################################
        # Connections
        ##################################################
        self.msg_connect((self.anybody, 'events'), (self.decisions, 'events'))
        self.msg_connect((self.csi, 'images'), (self.model, 'images'))
        self.msg_connect((self.header, 'header_data'), (self.demux, 'header_data'))
        self.msg_connect((self.model, 'status'), (self.anybody, 'status'))
        self.msg_connect((self.model, 'detects'), (self.anybody, 'detects'))
        self.msg_connect((self.model, 'detects'), (self.decisions, 'detects'))
        self.msg_connect((self.model, 'detects'), (self.tracker, 'detects'))
        self.msg_connect((self.model, 'status'), (self.tracker, 'status'))
        self.msg_connect((self.tracker, 'events'), (self.decisions, 'events'))
        self.connect((self.channel, 0), (self.sync, 0))
        self.connect((self.channel, 0), (self.sync_delay, 0))
        self.connect((self.channel_estimate, 0), (self.header_equalize, 0))
        self.connect((self.crc, 0), (self.received, 0))
        self.connect((self.demux, 1), (self.csi, 0))
        self.connect((self.demux, 0), (self.header_fft, 0))
        self.connect((self.demux, 1), (self.payload_fft, 0))
        self.connect((self.fine_offset, 0), (self.mixer, 1))
        self.connect((self.header_bits, 0), (self.header, 0))
        self.connect((self.header_equalize, 0), (self.header_symbols, 0))
        self.connect((self.header_fft, 0), (self.channel_estimate, 0))
        self.connect((self.header_symbols, 0), (self.header_bits, 0))
        self.connect((self.mixer, 0), (self.demux, 0))
        self.connect((self.motion_samples, 0), (self.person, 1))
        self.connect((self.motion_steps, 0), (self.motion_samples, 0))
        self.connect((self.noise, 0), (self.channel, 2))
        self.connect((self.packets, 0), (self.transmitter, 0))
        self.connect((self.payload, 0), (self.packets, 0))
        self.connect((self.payload_bits, 0), (self.payload_bytes, 0))
        self.connect((self.payload_bytes, 0), (self.crc, 0))
        self.connect((self.payload_equalize, 0), (self.payload_symbols, 0))
        self.connect((self.payload_fft, 0), (self.payload_equalize, 0))
        self.connect((self.payload_symbols, 0), (self.payload_bits, 0))
        self.connect((self.person, 0), (self.channel, 1))
        self.connect((self.person_delay, 0), (self.person, 0))
        self.connect((self.sync, 1), (self.demux, 1))
        self.connect((self.sync, 0), (self.fine_offset, 0))
        self.connect((self.sync_delay, 0), (self.mixer, 0))
        self.connect((self.transmitter, 0), (self.person_delay, 0))
        self.connect((self.transmitter, 0), (self.walls, 0))
        self.connect((self.walls, 0), (self.channel, 0))


    def get_duration(self):
        return self.duration

    def set_duration(self, duration):
        self.duration = duration
        self.set_script(motion.script(self.duration, 5.0))

    def get_json(self):
        return self.json

    def set_json(self, json):
        self.json = json

    def get_noise_level(self):
        return self.noise_level

    def set_noise_level(self, noise_level):
        self.noise_level = noise_level
        self.noise.set_amplitude(self.noise_level)

    def get_quiet(self):
        return self.quiet

    def set_quiet(self, quiet):
        self.quiet = quiet

    def get_subcarriers(self):
        return self.subcarriers

    def set_subcarriers(self, subcarriers):
        self.subcarriers = subcarriers
        self.set_sync_word1([2**0.5 * (1 - 2 * (0x5D1E83A7C496B2F0 >> k & 1)) if k in self.subcarriers and k % 2 else 0j for k in range(self.fft_len)])
        self.set_sync_word2([1.0 - 2 * (0xA3C5964D7E1B80F2 >> k & 1) if k in self.subcarriers else 0j for k in range(self.fft_len)])

    def get_pilot_symbols(self):
        return self.pilot_symbols

    def set_pilot_symbols(self, pilot_symbols):
        self.pilot_symbols = pilot_symbols
        self.set_header_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols))
        self.set_payload_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols, 1))

    def get_pilot_carriers(self):
        return self.pilot_carriers

    def set_pilot_carriers(self, pilot_carriers):
        self.pilot_carriers = pilot_carriers
        self.set_header_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols))
        self.set_payload_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols, 1))

    def get_occupied_carriers(self):
        return self.occupied_carriers

    def set_occupied_carriers(self, occupied_carriers):
        self.occupied_carriers = occupied_carriers
        self.set_formatter(digital.packet_header_ofdm(self.occupied_carriers, 1, "rx_len", "frame_len", "packet_num", 1, 1))
        self.set_header_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols))
        self.set_payload_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols, 1))

    def get_modulation(self):
        return self.modulation

    def set_modulation(self, modulation):
        self.modulation = modulation

    def get_fft_len(self):
        return self.fft_len

    def set_fft_len(self, fft_len):
        self.fft_len = fft_len
        self.set_samp_rate((self.fft_len + self.fft_len // 4) * 8 * motion.PACKET_RATE)
        self.set_sync_word1([2**0.5 * (1 - 2 * (0x5D1E83A7C496B2F0 >> k & 1)) if k in self.subcarriers and k % 2 else 0j for k in range(self.fft_len)])
        self.set_sync_word2([1.0 - 2 * (0xA3C5964D7E1B80F2 >> k & 1) if k in self.subcarriers else 0j for k in range(self.fft_len)])
        self.set_header_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols))
        self.set_payload_equalizer(digital.ofdm_equalizer_simpledfe(self.fft_len, modulation.base(), self.occupied_carriers, self.pilot_carriers, self.pilot_symbols, 1))
        self.motion_samples.set_interpolation(((self.fft_len + self.fft_len // 4) * 8 // self.steps))
        self.sync_delay.set_dly(int((self.fft_len + self.fft_len // 4)))
        self.fine_offset.set_sensitivity((-2.0 / self.fft_len))

    def get_sync_word2(self):
        return self.sync_word2

    def set_sync_word2(self, sync_word2):
        self.sync_word2 = sync_word2

    def get_sync_word1(self):
        return self.sync_word1

    def set_sync_word1(self, sync_word1):
        self.sync_word1 = sync_word1

    def get_steps(self):
        return self.steps

    def set_steps(self, steps):
        self.steps = steps
        self.motion_steps.set_data(motion.scripted_gain(self.script, self.steps, 1).tolist(), [])
        self.motion_samples.set_interpolation(((self.fft_len + self.fft_len // 4) * 8 // self.steps))

    def get_script(self):
        return self.script

    def set_script(self, script):
        self.script = script
        self.motion_steps.set_data(motion.scripted_gain(self.script, self.steps, 1).tolist(), [])

    def get_samp_rate(self):
        return self.samp_rate

    def set_samp_rate(self, samp_rate):
        self.samp_rate = samp_rate

    def get_room(self):
        return self.room

    def set_room(self, room):
        self.room = room
        self.walls.set_taps(self.room)

    def get_payload_equalizer(self):
        return self.payload_equalizer

    def set_payload_equalizer(self, payload_equalizer):
        self.payload_equalizer = payload_equalizer

    def get_packet_bytes(self):
        return self.packet_bytes

    def set_packet_bytes(self, packet_bytes):
        self.packet_bytes = packet_bytes
        self.payload.set_data(list(range(self.packet_bytes)), [])
        self.packets.set_packet_len(self.packet_bytes)
        self.packets.set_packet_len_pmt(self.packet_bytes)

    def get_header_equalizer(self):
        return self.header_equalizer

    def set_header_equalizer(self, header_equalizer):
        self.header_equalizer = header_equalizer

    def get_formatter(self):
        return self.formatter

    def set_formatter(self, formatter):
        self.formatter = formatter

    def get_bundle(self):
        return self.bundle

    def set_bundle(self, bundle):
        self.bundle = bundle
        self.model.set_bundle(self.bundle)



def argument_parser():
    description = 'Packets through an OFDM link with a person in it; a model says what the person does.'
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--duration", dest="duration", type=eng_float, default=eng_notation.num_to_str(float(40)),
        help="Set Duration (s) [default=%(default)r]")
    parser.add_argument(
        "--json", dest="json", type=str, default='',
        help="Set JSON Lines File [default=%(default)r]")
    parser.add_argument(
        "--noise-level", dest="noise_level", type=eng_float, default=eng_notation.num_to_str(float(0.3)),
        help="Set Noise Amplitude [default=%(default)r]")
    parser.add_argument(
        "--quiet", dest="quiet", type=intx, default=0,
        help="Set Quiet (no line per image) [default=%(default)r]")
    return parser


def main(top_block_cls=activity_sensing_csi, options=None):
    if options is None:
        options = argument_parser().parse_args()
    tb = top_block_cls(duration=options.duration, json=options.json, noise_level=options.noise_level, quiet=options.quiet)

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
