// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder/rename_both.h"
#include <array>
#include <cerrno>
#include <cstdio>
#include <sched.h>
#include <sys/wait.h>

namespace gr {
namespace wfm {

namespace {

struct renames {
    const char *first, *to_first, *second, *to_second;
    int error;
};

int run(void* argument)
{
    auto* const names = static_cast<renames*>(argument);
    names->error = 0;
    if (::rename(names->first, names->to_first) != 0) {
        names->error = errno;
    } else if (::rename(names->second, names->to_second) != 0) {
        names->error = errno;
        ::rename(names->to_first, names->first);
    }
    return 0;
}

} // namespace

int rename_both(const std::string& first,
                const std::string& to_first,
                const std::string& second,
                const std::string& to_second)
{
    renames names{
        first.c_str(), to_first.c_str(), second.c_str(), to_second.c_str(), EIO
    };
    // As vfork() does it: the memory is shared, and this thread waits. Without a signal
    // at its end, which would be news to the program's other parts.
    alignas(64) std::array<char, 65536> stack;
    const pid_t child = ::clone(
        run, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &names);
    if (child < 0)
        run(&names);
    else
        while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR)
            ;
    return names.error;
}

} // namespace wfm
} // namespace gr
