/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEXT_H
#define TW_TEXT_H

#include <stddef.h>

/*
 * Copies `length` bytes into a new NUL-terminated string that is valid UTF-8 (RFC 3629) and free of control
 * characters: what is not becomes '?'. Names from databases pass here once, at load, so that no output has to
 * doubt them. Returns NULL where there is no memory; the caller frees.
 */
char *tw_text_clean(const char *bytes, size_t length);

#endif
