/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_FIB_H
#define TW_FIB_H

/*
 * Routes as rte_fib (DIR24_8) and rte_fib6 (TRIE) with the narrowest entries that hold the next
 * hops, 0 where nothing matches. Each is sized by its routes and has a name of its own, so that two tables may live at
 * once.
 */

#include <rte_fib.h>
#include <rte_fib6.h>

#include "tw_diag.h"
#include "tw_routes.h"

/* Returns NULL with one line in *diag. rte_fib_free() and rte_fib6_free() release them. */
struct rte_fib *tw_fib4_make(const struct tw_routes *routes, int socket, struct tw_diag *diag);
struct rte_fib6 *tw_fib6_make(const struct tw_routes *routes, int socket, struct tw_diag *diag);

#endif
