// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/choose.h"
#include <algorithm>

namespace gr::wfm::finding {

namespace {

constexpr double inside_share = 0.6;    // of a box's area, that makes two say the same
constexpr double simpler = 0.03;        // what one box may explain less, of its energy
constexpr double explained_share = 0.5; // of its energy, that makes it others' picture
constexpr double strewn_share = 0.25;   // of its power outside of a signal's band
constexpr double skirt_density = 0.05;  // over that of the box that it belongs to

using cell = std::pair<double, double>;

double area_of(const box& of) { return (of.stop - of.start) * (of.high - of.low); }

box widened(const box& of, const cell& blur)
{
    return { of.start - blur.first,
             of.stop + blur.first,
             of.low - blur.second,
             of.high + blur.second };
}

double shared(const box& one, const box& other)
{
    const double time = std::min(one.stop, other.stop) - std::max(one.start, other.start);
    const double wide = std::min(one.high, other.high) - std::max(one.low, other.low);
    return std::max(time, 0.0) * std::max(wide, 0.0);
}

bool lies_in(const box& one, const box& other)
{
    return shared(one, other) / area_of(one) >= inside_share;
}

// What a signal looks like in views of wider bins, and what it strews where it is
// switched: during it, over its band or next to it, with the most power in its band.
bool strewn(const candidate& what, const candidate& by, const cell& blur)
{
    const double low = by.edges.low - blur.second, high = by.edges.high + blur.second;
    if (what.edges.start < by.outer.start - 2 * blur.first ||
        what.edges.stop > by.outer.stop + 2 * blur.first || what.edges.low > high ||
        what.edges.high < low)
        return false;
    const double width = (what.edges.high - what.edges.low) / what.bins.size();
    return what.outside(low - 1.5 * width, high + 1.5 * width) < strewn_share;
}

} // namespace

std::vector<candidate>
choose(std::vector<candidate> boxes,
       const std::vector<cell>& cells,
       const std::function<std::vector<candidate>(const candidate&)>& cut)
{
    std::stable_sort(
        boxes.begin(), boxes.end(), [](const candidate& a, const candidate& b) {
            return a.worth() > b.worth();
        });
    std::vector<double> worths;
    for (const candidate& one : boxes)
        worths.push_back(one.worth());
    std::vector<char> left(boxes.size(), true);
    std::vector<candidate> chosen;
    for (size_t place = 0; place < boxes.size(); place++) {
        if (!left[place])
            continue;
        left[place] = false;
        const candidate& now = boxes[place];
        const cell& blur = cells[now.view];
        const box wide = widened(now.edges, blur);
        double explained = 0;
        for (const candidate& one : chosen)
            explained += one.energy * shared(one.edges, wide) / area_of(one.edges);
        if (!chosen.empty() && explained >= explained_share * now.energy)
            continue;
        double worth[view_count] = {};
        for (size_t i = 0; i < boxes.size(); i++)
            if (left[i] && boxes[i].view != now.view && lies_in(boxes[i].edges, wide))
                worth[boxes[i].view] += worths[i];
        // A view that none of them is of counts as 0.
        const double best = *std::max_element(worth, worth + view_count);
        if (best - simpler * now.energy > worths[place])
            continue;
        for (candidate& piece : cut(now)) {
            const box mine = widened(piece.edges, blur);
            const box outer = widened(piece.outer, blur);
            const double density = skirt_density * piece.energy / piece.area;
            for (size_t i = 0; i < boxes.size(); i++) {
                if (!left[i])
                    continue;
                const candidate& other = boxes[i];
                left[i] = !(lies_in(other.edges, mine) ||
                            (lies_in(other.edges, outer) &&
                             other.energy / other.area < density) ||
                            strewn(other, piece, blur));
            }
            chosen.push_back(std::move(piece));
        }
    }
    return chosen;
}

} // namespace gr::wfm::finding
