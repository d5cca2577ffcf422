// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/layers.h"

namespace gr::wfm::finding {

//! A layer, with `group` bins of it averaged to one, and means of `rows` rows and `bins`
//! such bins compared.
struct view {
    size_t layer, group, rows, bins;

    //! Mean of exponentials that such a mean varies like.
    double freedom() const;
};

constexpr view views[] = {
    { 0, 1, 2, 2 }, { 1, 1, 3, 3 }, { 2, 8, 3, 3 }, { 2, 1, 3, 3 }
};
constexpr size_t view_count = sizeof(views) / sizeof(views[0]);

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

//! Ratios to the floor: what a box must have somewhere, and what belongs to it.
struct limits {
    float high, low;
};
limits thresholds(const view& by, double cells_per_second, double false_alarms);

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
        size_t row, first, last; //!< bins first to before last
        size_t parent;           //!< of the runs, in the tree of those that hang together
        bool strong;
    };

    const float* cells_of(const layer& in);
    bool mark(const float* cells, size_t rows, size_t size);
    void connect(size_t rows, size_t size);
    size_t root(size_t run);
    void measure(const layer& in,
                 const float* cells,
                 size_t size,
                 std::vector<candidate>& found);

    const size_t d_place;
    const view& d_view;
    const limits d_limits;
    values d_grouped, d_means, d_line;
    std::vector<uint8_t> d_over;
    //! Cells over the low limit, as bins of each row; the row's first is d_first[row].
    std::vector<uint32_t> d_marked;
    std::vector<size_t> d_first;
    std::vector<char> d_strong; //!< of those, over the high limit
    std::vector<run> d_runs;
    std::vector<size_t> d_runs_first;
};

} // namespace gr::wfm::finding
