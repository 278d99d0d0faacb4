/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The field of a record, by the names that the vendors give it. The record has passed
 * tw_mmdb_data_ok().
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_mmdb_priv.h"

/* The value at a path: 1 found, 0 not there, -EINVAL corrupt. */
static int get(MMDB_entry_s *entry, const char *const *path, MMDB_entry_data_s *data)
{
	switch (MMDB_aget_value(entry, data, path)) {
	case MMDB_SUCCESS:
		return data->has_data;
	case MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Reads "AS15169" or "15169". */
static bool parse_asn(const char *text, size_t length, uint32_t *asn)
{
	char digits[16];
	char *end;
	unsigned long number;

	if (length > 2 && strncasecmp(text, "AS", 2) == 0) {
		text += 2;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(digits) || !isdigit((unsigned char)text[0]))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	number = strtoul(digits, &end, 10);
	*asn = (uint32_t)number;
	return *end == '\0' && number <= UINT32_MAX;
}

/* 1 with the number, 0 for an empty string, -EINVAL. Whole-number types of any width are taken. */
static int asn_of(const MMDB_entry_data_s *data, uint32_t *asn)
{
	uint64_t number;

	switch (data->type) {
	case MMDB_DATA_TYPE_UINT16:
		number = data->uint16;
		break;
	case MMDB_DATA_TYPE_UINT32:
		number = data->uint32;
		break;
	case MMDB_DATA_TYPE_UINT64:
		number = data->uint64;
		break;
	case MMDB_DATA_TYPE_INT32:
		number = data->int32 < 0 ? UINT64_MAX : (uint64_t)data->int32;
		break;
	case MMDB_DATA_TYPE_UTF8_STRING:
		if (data->data_size == 0)
			return 0;
		return parse_asn(data->utf8_string, data->data_size, asn) ? 1 : -EINVAL;
	default:
		return -EINVAL;
	}
	*asn = (uint32_t)number;
	return number <= UINT32_MAX ? 1 : -EINVAL;
}

/* The first string among the paths becomes the name; a record without one has the name "". */
static int read_name(MMDB_entry_s *entry, const char *const (*paths)[2], unsigned int n_paths,
	struct tw_names *names, uint32_t *number, const char **why)
{
	MMDB_entry_data_s data;

	for (unsigned int i = 0; i < n_paths; i++) {
		int found = get(entry, paths[i], &data);

		if (found == 0)
			continue;
		if (found < 0 || data.type != MMDB_DATA_TYPE_UTF8_STRING) {
			*why = "the AS's name is no string";
			return -EINVAL;
		}
		return tw_names_add(names, data.utf8_string, data.data_size, number);
	}
	return tw_names_add(names, "", 0, number);
}

static int read_asn(
	MMDB_entry_s *entry, struct tw_names *names, struct tw_mmdb_value *value, const char **why)
{
	static const char *const number_paths[][2] = {{"autonomous_system_number"}, {"asn"}};
	static const char *const name_paths[][2] = {
		{"autonomous_system_organization"}, {"name"}, {"as_name"}};
	MMDB_entry_data_s data;
	int found = 0;
	bool short_form;

	for (unsigned int i = 0; i < 2 && found == 0; i++) {
		found = get(entry, number_paths[i], &data);
		short_form = i == 1;
	}
	if (found > 0)
		found = asn_of(&data, &value->number);
	if (found < 0)
		*why = "the AS number is neither a whole number below 2^32 nor a string "
		       "\"AS15169\"";
	/* AS 0 is nobody's (RFC 7607): some vendors write it for "not routed". */
	if (found <= 0 || value->number == 0)
		return found < 0 ? found : 0;
	found = read_name(
		entry, &name_paths[short_form], short_form ? 2 : 1, names, &value->name, why);
	return found < 0 ? found : 1;
}

static int read_country(
	MMDB_entry_s *entry, struct tw_names *names, struct tw_mmdb_value *value, const char **why)
{
	static const char *const paths[][3] = {{"country", "iso_code"},
		{"registered_country", "iso_code"}, {"country_code"}, {"country"}};
	MMDB_entry_data_s data;

	for (unsigned int i = 0; i < 4; i++) {
		int found = get(entry, paths[i], &data);
		const char *code;

		/* "country" itself is a map in other schemata. */
		if (found == 0 || (found > 0 && i == 3 && data.type == MMDB_DATA_TYPE_MAP))
			continue;
		if (found < 0 || data.type != MMDB_DATA_TYPE_UTF8_STRING) {
			*why = "the country is no string";
			return -EINVAL;
		}
		code = data.utf8_string;
		if (data.data_size != 2 || !isalpha((unsigned char)code[0]) ||
			!isalpha((unsigned char)code[1]))
			continue;
		value->number = (uint32_t)(toupper((unsigned char)code[0]) << 8 |
					   toupper((unsigned char)code[1]));
		found = tw_names_add(names, "", 0, &value->name);
		return found < 0 ? found : 1;
	}
	return 0;
}

int tw_mmdb_record(MMDB_entry_s *entry, enum tw_mmdb_field field, struct tw_names *names,
	struct tw_mmdb_value *value, const char **why)
{
	*why = "out of memory";
	if (field == TW_MMDB_ASN)
		return read_asn(entry, names, value, why);
	return read_country(entry, names, value, why);
}
