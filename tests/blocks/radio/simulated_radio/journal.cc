// SPDX-License-Identifier: GPL-3.0-or-later
#include "journal.h"
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace wfmsim {

void note(const std::string& line)
{
    const char* path = std::getenv("WFMSIM_LOG");
    if (!path)
        return;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const double seconds = std::chrono::duration<double>(now).count();
    // Opened for each line, so that it is complete whenever the process ends.
    std::ofstream(path, std::ios::app) << std::to_string(seconds) + " " + line + "\n";
}

void notef(const char* format, ...)
{
    char line[256];
    va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    note(line);
}

} // namespace wfmsim
