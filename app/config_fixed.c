/* SPDX-License-Identifier: BSD-3-Clause */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config_fixed.h"

/* A key whose value is one number, or one text (or none). */
struct field {
	const char *key;
	size_t offset;
	size_t size; /* 0: a text */
};

#define NUMBER(key, member)                                                                      \
	{                                                                                        \
		key, offsetof(struct tw_config, member), sizeof(((struct tw_config *)0)->member) \
	}
#define TEXT(key, member)                                  \
	{                                                  \
		key, offsetof(struct tw_config, member), 0 \
	}

static const struct field fields[] = {
	NUMBER("decapsulate", decapsulate),
	NUMBER("flows.idle_timeout", idle_timeout),
	NUMBER("flows.max_per_worker", flows_max_per_worker),
	NUMBER("workers", workers),
	NUMBER("dispatch", dispatch),
	NUMBER("poll", poll),
	NUMBER("events.learn_seconds", events.learn_seconds),
	NUMBER("events.learn_packets", events.learn_packets),
	NUMBER("events.silence_seconds", events.silence_seconds),
	NUMBER("events.silence_packets", events.silence_packets),
	NUMBER("events.evidence_packets", events.evidence_packets),
	NUMBER("events.presence_share", events.presence_share),
	NUMBER("events.margin", events.margin),
	NUMBER("events.shift", events.shift),
	NUMBER("events.trend", events.trend),
	NUMBER("events.quiet_seconds", events.quiet_seconds),
	NUMBER("http", serve),
	TEXT("http.listen", http.listen),
	NUMBER("http.history", http.history),
	TEXT("http.certificate", http.certificate),
	TEXT("http.key", http.key),
	TEXT("http.user", http.user),
	TEXT("http.password_file", http.password_file),
	TEXT("http.token_file", http.token_file),
	NUMBER("rib.upstreams", rib.places),
	NUMBER("rib.max_age", rib.max_age),
	NUMBER("bmp", bmp.configured),
	TEXT("bmp.listen", bmp.listen),
	NUMBER("bmp.hold", bmp.hold),
	NUMBER("bmp.sessions", bmp.sessions),
	NUMBER("bmp.peers", bmp.peers),
};

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_field(
	const struct field *field, const struct tw_config *a, const struct tw_config *b)
{
	const char *x = (const char *)a + field->offset, *y = (const char *)b + field->offset;

	return field->size != 0 ? memcmp(x, y, field->size) == 0
				: same_text(*(const char *const *)x, *(const char *const *)y);
}

static bool same_ports(const struct tw_config *a, const struct tw_config *b)
{
	bool same = a->n_ports == b->n_ports;

	for (unsigned int i = 0; same && i < a->n_ports; i++) {
		const struct tw_port_config *x = &a->ports[i], *y = &b->ports[i];

		same = strcmp(x->device, y->device) == 0 && x->queues == y->queues &&
		       x->descriptors == y->descriptors && x->mtu == y->mtu && x->mbufs == y->mbufs;
	}
	return same;
}

static bool same_command(const struct tw_config *a, const struct tw_config *b)
{
	char *const *x = a->on_event, *const *y = b->on_event;

	if (x == NULL || y == NULL)
		return x == y;
	while (*x != NULL && *y != NULL && strcmp(*x, *y) == 0) {
		x++;
		y++;
	}
	return *x == NULL && *y == NULL;
}

static bool same_routers(const struct tw_config *a, const struct tw_config *b)
{
	bool same = a->bmp.n_allow == b->bmp.n_allow;

	for (unsigned int i = 0; same && i < a->bmp.n_allow; i++) {
		const struct tw_prefix *x = &a->bmp.allow[i], *y = &b->bmp.allow[i];

		same = x->length == y->length && x->addr.family == y->addr.family &&
		       memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes)) == 0;
	}
	return same;
}

/* Whether a run of the configuration would have routes. */
static bool wants_routes(const struct tw_config *config)
{
	bool asked = false;

	for (unsigned int i = 0; i < config->n_attribution; i++)
		asked |= config->attribution[i] == TW_METHOD_RIB;
	return asked && (config->rib.configured || config->bmp.configured);
}

static void add(char text[static TW_CONFIG_FIXED_TEXT], const char *key)
{
	size_t n = strlen(text);

	snprintf(text + n, TW_CONFIG_FIXED_TEXT - n, "%s%s", n > 0 ? ", " : "", key);
}

const char *tw_config_fixed(const struct tw_config *running, const struct tw_config *fresh,
	bool routed, char text[static TW_CONFIG_FIXED_TEXT])
{
	text[0] = '\0';
	if (!same_ports(running, fresh))
		add(text, "ports");
	if (!routed && wants_routes(fresh))
		add(text, "rib");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!same_field(&fields[i], running, fresh))
			add(text, fields[i].key);
	if (!same_routers(running, fresh))
		add(text, "bmp.allow");
	if (!same_command(running, fresh))
		add(text, "on_event");
	return text;
}
