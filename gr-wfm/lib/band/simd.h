// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

//! Of a function with loops that the compiler vectorises: one version for AVX2, where the
//! processor has it, beside that for any.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                   \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define WFM_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define WFM_VECTORISED
#endif
