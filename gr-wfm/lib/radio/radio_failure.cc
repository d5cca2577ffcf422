// SPDX-License-Identifier: GPL-3.0-or-later
#include "radio/radio_failure.h"
#include <cstring>
#include <exception>
#include <mutex>
#include <pthread.h>
#include <unistd.h>

namespace gr::wfm {

namespace {

// As GNU Radio names the threads of these blocks, followed by a number.
constexpr char usrp_thread[] = "usrp_source";

std::mutex failure_mutex;
std::string failure;
std::terminate_handler before = nullptr;

bool is_usrp_thread()
{
    char name[32] = "";
    return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
           std::strncmp(name, usrp_thread, sizeof(usrp_thread) - 1) == 0;
}

std::string what_is_thrown()
{
    try {
        if (const auto thrown = std::current_exception())
            std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
    }
    return "an unknown error";
}

void park_or_terminate()
{
    if (!is_usrp_thread()) {
        before();
        return;
    }
    {
        std::lock_guard<std::mutex> lock(failure_mutex);
        failure = what_is_thrown();
    }
    // A terminate handler must not return: this thread ends with the process.
    for (;;)
        pause();
}

} // namespace

void outlive_radio_failures()
{
    static std::once_flag once;
    std::call_once(once, [] { before = std::set_terminate(park_or_terminate); });
}

std::string radio_failure()
{
    std::lock_guard<std::mutex> lock(failure_mutex);
    return failure;
}

} // namespace gr::wfm
