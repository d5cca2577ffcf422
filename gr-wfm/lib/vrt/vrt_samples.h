// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_VRT_SAMPLES_H
#define INCLUDED_WFM_VRT_SAMPLES_H

#include "vrt/vrt_packet.h"
#include <gnuradio/gr_complex.h>

namespace gr {
namespace wfm {

//! Write samples as a payload; ci16 rounds, and clips at full scale (1.0).
void write_samples(uint8_t* to, const gr_complex* from, size_t samples, vrt_format format);
//! Read the samples of a payload.
void read_samples(gr_complex* to, const uint8_t* from, size_t samples, vrt_format format);

} // namespace wfm
} // namespace gr

#endif
