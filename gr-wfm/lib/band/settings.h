// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace gr::wfm::finding {

//! What the finder is told, as wfm_core.signal.finding.FinderSettings.
struct settings {
    int fft_size;
    double false_alarms;
    double max_duration;
    double min_snr;

    //! Throws std::invalid_argument.
    void check() const;
    //! Bins of a row of the middle layer.
    size_t size_for(double sample_rate) const;
    //! Rates that a stream may have.
    static bool can_be(double sample_rate);
};

//! A signal: samples of the stream, and Hz from the middle of the band.
struct found_box {
    uint64_t sample_start, sample_count;
    double lower, upper;
    double snr_db, level_dbfs;
    bool cut; //!< max_duration ended it
};

} // namespace gr::wfm::finding
