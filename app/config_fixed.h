/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CONFIG_FIXED_H
#define TW_CONFIG_FIXED_H

/*
 * What a reload cannot take, since ports, workers, flow tables and servers are made once: the keys are named, so that
 * nobody waits for them.
 */

#include "config.h"

/* Room for all keys. */
#define TW_CONFIG_FIXED_TEXT 1024

/*
 * Names each key of which two configurations have different values and that is taken at the start alone, "workers,
 * http.listen". `routed`: the first one's run has routes. Returns `text`, "" where there is none.
 */
const char *tw_config_fixed(const struct tw_config *running, const struct tw_config *fresh,
	bool routed, char text[static TW_CONFIG_FIXED_TEXT]);

#endif
