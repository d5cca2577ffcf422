// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace gr::wfm {

/*!
 * \brief flock() on a file or folder, as wfm_core's writers hold it (base/files.py,
 * data/recordings/annotations.py); it goes with the process, however that ends.
 */
class file_lock
{
public:
    //! kind: LOCK_SH or LOCK_EX; whoever else has it is waited for so long.
    file_lock(const std::string& path, int kind, std::chrono::milliseconds patience)
        : d_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC))
    {
        const auto give_up = std::chrono::steady_clock::now() + patience;
        while (d_file < 0 || ::flock(d_file, kind | LOCK_NB) != 0) {
            d_error = errno;
            if (d_error != EWOULDBLOCK || std::chrono::steady_clock::now() >= give_up)
                return;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        d_error = 0;
    }
    ~file_lock()
    {
        if (d_file < 0)
            return;
        ::flock(d_file, LOCK_UN); // a child that was forked meanwhile has the same
        ::close(d_file);
    }
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;

    //! 0: the lock is held; else the errno that tells why it is not.
    int error() const { return d_error; }

private:
    const int d_file;
    int d_error = 0;
};

} // namespace gr::wfm
