// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_JSON_TEXT_H
#define INCLUDED_WFM_JSON_TEXT_H

#include <string>

namespace gr {
namespace wfm {

//! Is this UTF-8, as JSON wants it (no surrogates, no overlong forms)?
bool is_utf8(const std::string& text);

//! The text in quotes, escaped.
std::string json_string(const std::string& text);

//! The shortest decimal that reads back as the same number; it must be finite.
std::string json_number(double value);

/*!
 * \brief The JSON object `document` with `entry` added at the end of its array `key`.
 *
 * All the rest stays as it is, whoever wrote it.
 * \throws std::runtime_error if the object has no such array
 */
std::string with_entry(const std::string& document,
                       const std::string& key,
                       const std::string& entry);

} // namespace wfm
} // namespace gr

#endif
