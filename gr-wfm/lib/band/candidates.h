// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/layers.h"
#include "band/views.h"

namespace gr::wfm::finding {

//! Samples from the frame's begin, and Hz from the middle of the band.
struct box {
    double start, stop, low, high;

    bool operator==(const box& other) const
    {
        return start == other.start && stop == other.stop && low == other.low &&
               high == other.high;
    }
};

//! A box as one view shows it.
struct candidate {
    size_t view;
    box edges;
    double energy, area;      //!< over noise, both in independent cells of noise
    box outer;                //!< with what hangs on to it nearby
    std::vector<double> bins; //!< energy in each bin of the box

    //! Share of its energy in bins that lie wholly outside of low..high.
    double outside(double low, double high) const;
    //! Log likelihood won by saying that noise of more power is in the box.
    double worth() const;
};

//! The boxes of one view of a frame.
class candidate_finder
{
public:
    candidate_finder(size_t place, const limits& limits)
        : d_place(place), d_view(views[place]), d_limits(limits)
    {
    }
    void find(const layer& in, std::vector<candidate>& found);

private:
    struct run {
        size_t first, last; //!< bins first to before last
        size_t parent;      //!< of the runs, in the tree of those that hang together
        bool strong;
    };

    struct extent {
        size_t row = 0, bin = 0;                         //!< of the first energies
        size_t top = 0, bottom = 0, left = 0, right = 0; //!< of the marked cells
        std::vector<double> by_row, by_bin;              //!< energies over noise
        double energy = 0;
    };

    const float* cells_of(const layer& in);
    bool mark(const float* cells, size_t rows);
    void connect(size_t rows);
    size_t root(size_t run);
    template <typename function>
    void for_each_strong_run(function call);
    std::vector<extent> extents(const float* cells);
    void measure(const layer& in, const float* cells, std::vector<candidate>& found);

    const size_t d_place;
    const view& d_view;
    const limits d_limits;
    size_t d_size = 0, d_words = 0; //!< cells of a row, and words with a bit for each
    values d_grouped, d_means, d_line, d_noise;
    std::vector<uint8_t> d_over;
    std::vector<uint64_t> d_marked, d_grown; //!< cells over the low limit; a row of more
    std::vector<std::pair<size_t, size_t>> d_strong; //!< over the high one: row and bin
    std::vector<run> d_runs;
    std::vector<size_t> d_runs_first;
};

} // namespace gr::wfm::finding
