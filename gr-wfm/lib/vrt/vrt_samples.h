// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "vrt/vrt_packet.h"
#include <gnuradio/gr_complex.h>

namespace gr::wfm {

//! Write samples as a payload; ci16 rounds, and clips at full scale (1.0).
void write_samples(uint8_t* to, const gr_complex* from, size_t samples, vrt_format format);
//! Read the samples of a payload.
void read_samples(gr_complex* to, const uint8_t* from, size_t samples, vrt_format format);

} // namespace gr::wfm
