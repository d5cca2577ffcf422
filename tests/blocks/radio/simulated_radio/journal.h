// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_JOURNAL_H
#define WFMSIM_JOURNAL_H

#include <string>

namespace wfmsim {

// Adds a line, after the seconds since 1970, to the file that the environment variable
// WFMSIM_LOG names, if any: what was set, lost and closed, for a test to read. Nothing goes to stderr: that is the program's.
void note(const std::string& line);

// note() in the form of printf.
void notef(const char* format, ...) __attribute__((format(printf, 1, 2)));

} // namespace wfmsim

#endif
