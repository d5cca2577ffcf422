// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <gnuradio/gr_complex.h>
#include <string>

namespace gr::wfm {

/*!
 * \brief How a sample lies in a file, by its SigMF datatype.
 *
 * Full scale is 1.0: a signed n-bit v is v / 2^(n-1), an unsigned one
 * (v - m) / m with m = (2^n - 1) / 2; floats are taken as they are.
 */
class sample_format
{
public:
    //! \throws std::invalid_argument for a datatype that SigMF does not know
    explicit sample_format(const std::string& datatype);

    //! Bytes of one sample of one channel.
    size_t bytes() const { return d_bytes; }
    //! Are there no Q components?
    bool real() const { return d_real; }

    //! Convert count samples that start stride bytes apart.
    void
    convert(const unsigned char* from, size_t stride, size_t count, gr_complex* to) const
    {
        d_convert(from, stride, count, to);
    }

private:
    using converter = void (*)(const unsigned char*, size_t, size_t, gr_complex*);

    template <typename T>
    void choose(bool complex, bool big_endian);

    size_t d_bytes = 0;
    bool d_real = false;
    converter d_convert = nullptr;
};

} // namespace gr::wfm
