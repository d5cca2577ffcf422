// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram/sorting_network.h"

// The compiler makes a version for each instruction set, and the loader chooses;
// sanitizers cannot run before that choice.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                   \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WFM_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WFM_CLONES
#endif

namespace gr::wfm {

namespace {

void append_odd_even(sorting_network& network, size_t first, size_t count, size_t step)
{
    const size_t twice = 2 * step;
    if (twice >= count) {
        network.emplace_back(first, first + step);
        return;
    }
    append_odd_even(network, first, count, twice);
    append_odd_even(network, first + step, count, twice);
    for (size_t i = first + step; i + step < first + count; i += twice)
        network.emplace_back(i, i + step);
}

} // namespace

void append_sort(sorting_network& network, size_t first, size_t count)
{
    if (count < 2)
        return;
    append_sort(network, first, count / 2);
    append_sort(network, first + count / 2, count / 2);
    append_merge(network, first, count);
}

void append_merge(sorting_network& network, size_t first, size_t count)
{
    append_odd_even(network, first, count, 1);
}

void append_bitonic_merge(sorting_network& network, size_t first, size_t count)
{
    for (size_t step = count / 2; step > 0; step /= 2)
        for (size_t i = 0; i < count; i++)
            if ((i & step) == 0)
                network.emplace_back(first + i, first + i + step);
}

WFM_CLONES void sort_lanes(const sorting_network& network, float* values, size_t groups)
{
    for (const auto& [i, j] : network) {
        float* lower = values + i;
        float* upper = values + j;
        for (size_t group = 0; group < groups; group++) {
            for (size_t lane = 0; lane < lanes_of_group; lane++) {
                const float a = lower[lane], b = upper[lane];
                lower[lane] = a < b ? a : b;
                upper[lane] = a < b ? b : a;
            }
            lower += lanes_of_group;
            upper += lanes_of_group;
        }
    }
}

} // namespace gr::wfm
