// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_API_H
#define INCLUDED_WFM_API_H

#include <gnuradio/attributes.h>

#ifdef gnuradio_wfm_EXPORTS
#define WFM_API __GR_ATTR_EXPORT
#else
#define WFM_API __GR_ATTR_IMPORT
#endif

#endif
