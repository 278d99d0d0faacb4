/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MMDB_PRIV_H
#define TW_MMDB_PRIV_H

/* Shared by the parts of the MMDB reader; nobody else includes it. */

#include <maxminddb.h>
#include <stddef.h>

#include "tw_mmdb.h"

/*
 * Data that was decoded by the bounded decoder below is safe for libmaxminddb's own, which recurses
 * as deep as the data says and, in a section shorter than three octets, reads behind its end.
 */
struct tw_mmdb_data {
	const uint8_t *bytes;
	uint32_t size;
	uint64_t budget; /* items that may still be decoded: a bound on the whole file's work */
};

/* True where the value at `offset` and everything that it points to can be decoded. */
bool tw_mmdb_data_ok(struct tw_mmdb_data *data, uint32_t offset);

/*
 * Opens a private copy of the file, its metadata checked first. Sets *data to its data section.
 * Returns 0, or -errno with one line in *diag. MMDB_close() releases it.
 */
int tw_mmdb_open(MMDB_s *db, struct tw_mmdb_data *data, const char *path, struct tw_diag *diag);

/*
 * The field of one record. Returns 1 with *value set, 0 where the record has none, or -EINVAL with
 * *why telling what is wrong with it.
 */
int tw_mmdb_record(MMDB_entry_s *entry, enum tw_mmdb_field field, struct tw_names *names,
	struct tw_mmdb_value *value, const char **why);

#endif
