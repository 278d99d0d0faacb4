/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Three structures over one array of 64-byte entries, all linked by 32-bit numbers (0: none, n: entry n-1):
 *
 *   heads[hash]  ──► entry ──► entry            chains by key; as many heads as entries, so short
 *   wheel[second]──► entry ──► entry            when an entry may die: its last packet's second + timeout
 *   due          ──► entry ──► entry            wheel slots that have come, to be looked at a few a burst
 *
 * A packet of a known flow writes its entry's `last` and nothing else: the wheel is not told. When the slot
 * comes, an entry that lived on is put into the slot of its newer last packet, one that did not is freed. So
 * an entry is relinked once a timeout, whatever its packet rate, and there is no sweep.
 *
 * Counting does not depend on that. Per series there is a ring of idle_timeout + 1 counters, one a second:
 * how many flows had their last packet then.
 *
 *   active at the end of second T  =  sum of recent[series][t] for t in T+1-timeout .. T
 *
 * A packet moves its flow from the counter of its old second to that of the new one; closing second T drops
 * the counter of T-timeout from the sum. Timeouts are whole seconds, so "last packet no older than the timeout
 * at the end of T" and "last packet's second at least T+1-timeout" are the same set, exactly.
 */

#include <stdbool.h>
#include <string.h>

#include "tw_clock.h"
#include "tw_flow.h"

enum {
	EXPIRE_PER_BURST = 32
};

struct key {
	uint8_t addresses[32]; /* IPv4: the first eight octets, the rest zero */
	uint16_t port_src;
	uint16_t port_dst;
	uint8_t protocol;
	uint8_t target;
	uint8_t direction;
	uint8_t version;
};
_Static_assert(sizeof(struct key) == 40, "five words, without padding, to hash and compare");

struct entry {
	struct key key;
	uint64_t last; /* time of the last packet, ns */
	uint32_t series;
	uint32_t hash;
	uint32_t chain; /* next in the hash chain, or in the free list */
	uint32_t queue; /* next in the wheel slot or in the due list */
};
_Static_assert(sizeof(struct entry) == 64, "one cache line");

struct list {
	uint32_t head;
	uint32_t tail;
};

struct tw_flow_table {
	struct tw_flow_config config;
	uint32_t *heads;
	uint32_t head_mask;
	struct entry *entries;
	uint32_t n_taken; /* entries ever taken; those behind were never touched */
	uint32_t free;    /* list of freed entries */
	uint32_t n_used;
	uint32_t n_active; /* sum of active[] */
	uint64_t second;   /* the open second */
	struct list *wheel;
	uint32_t wheel_size;
	struct list due;
	uint32_t *active; /* [series] */
	uint32_t *recent; /* [series][idle_timeout + 1] */
};

/* Where each part lies behind the struct. */
struct layout {
	size_t heads, entries, wheel, active, recent, total;
	uint32_t n_heads, wheel_size;
};

static size_t align_line(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static struct layout lay_out(const struct tw_flow_config *config)
{
	struct layout l = {
		.n_heads = power_of_two(config->max_flows),
		.wheel_size = config->idle_timeout + 1,
	};

	l.heads = align_line(sizeof(struct tw_flow_table));
	l.entries = l.heads + align_line(l.n_heads * sizeof(uint32_t));
	l.wheel = l.entries + (size_t)config->max_flows * sizeof(struct entry);
	l.active = l.wheel + align_line(l.wheel_size * sizeof(struct list));
	l.recent = l.active + align_line(config->n_series * sizeof(uint32_t));
	l.total = l.recent + align_line((size_t)config->n_series * (config->idle_timeout + 1) *
					sizeof(uint32_t));
	return l;
}

size_t tw_flow_size(const struct tw_flow_config *config)
{
	return lay_out(config).total;
}

struct tw_flow_table *tw_flow_init(void *memory, const struct tw_flow_config *config)
{
	struct layout l = lay_out(config);
	struct tw_flow_table *table = memory;
	uint8_t *base = memory;

	table->config = *config;
	table->heads = (uint32_t *)(base + l.heads);
	table->head_mask = l.n_heads - 1;
	table->entries = (struct entry *)(base + l.entries);
	table->wheel = (struct list *)(base + l.wheel);
	table->wheel_size = l.wheel_size;
	table->active = (uint32_t *)(base + l.active);
	table->recent = (uint32_t *)(base + l.recent);
	return table;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A keyed multiply-and-fold hash over the five words of a key. */
static inline uint32_t hash_key(const struct tw_flow_table *table, const struct key *key)
{
	const uint64_t *seed = table->config.seed;
	uint64_t w[5], hash;

	memcpy(w, key, sizeof(w));
	hash = mix(w[0] ^ seed[0], w[4] ^ seed[1]);
	if (key->version == 6) {
		hash = mix(hash ^ w[1], w[2] ^ seed[1]);
		hash = mix(hash ^ w[3], seed[0]);
	}
	hash = mix(hash ^ seed[1], UINT64_C(0x9e3779b97f4a7c15));
	return (uint32_t)(hash >> 32);
}

static inline struct entry *entry_of(const struct tw_flow_table *table, uint32_t number)
{
	return &table->entries[number - 1];
}

static void list_push(struct tw_flow_table *table, struct list *list, uint32_t number)
{
	entry_of(table, number)->queue = 0;
	if (list->head == 0)
		list->head = number;
	else
		entry_of(table, list->tail)->queue = number;
	list->tail = number;
}

static void list_splice(struct tw_flow_table *table, struct list *to, struct list *from)
{
	if (from->head == 0)
		return;
	if (to->head == 0)
		to->head = from->head;
	else
		entry_of(table, to->tail)->queue = from->head;
	to->tail = from->tail;
	*from = (struct list){0};
}

/* The slot of the second in which an entry with its last packet at `last` dies. */
static struct list *wheel_slot(struct tw_flow_table *table, uint64_t last)
{
	uint64_t dies = last / TW_NS_PER_SECOND + table->config.idle_timeout;

	return &table->wheel[dies % table->wheel_size];
}

static inline uint32_t *recent_count(struct tw_flow_table *table, uint32_t series, uint64_t second)
{
	uint32_t ring = table->config.idle_timeout + 1;

	return &table->recent[(size_t)series * ring + second % ring];
}

static void unchain(struct tw_flow_table *table, uint32_t number)
{
	struct entry *entry = entry_of(table, number);
	uint32_t *link = &table->heads[entry->hash & table->head_mask];

	while (*link != number)
		link = &entry_of(table, *link)->chain;
	*link = entry->chain;
}

/* Looks at the first due entry. Returns true where it was dead and is now free. */
static bool expire_one(struct tw_flow_table *table)
{
	uint32_t number = table->due.head;
	struct entry *entry = entry_of(table, number);

	table->due.head = entry->queue;
	if (entry->last / TW_NS_PER_SECOND + table->config.idle_timeout >= table->second) {
		list_push(table, wheel_slot(table, entry->last), number);
		return false;
	}
	unchain(table, number);
	entry->chain = table->free;
	table->free = number;
	table->n_used--;
	return true;
}

static void expire_some(struct tw_flow_table *table)
{
	for (unsigned int i = 0; i < EXPIRE_PER_BURST && table->due.head != 0; i++)
		expire_one(table);
}

/* Makes `second` the open one: the wheel's slots before it are due. */
static void advance(struct tw_flow_table *table, uint64_t second)
{
	uint64_t passed = second - table->second;
	uint64_t slots = passed < table->wheel_size ? passed : table->wheel_size;

	for (uint64_t i = 0; i < slots; i++)
		list_splice(
			table, &table->due, &table->wheel[(table->second + i) % table->wheel_size]);
	table->second = second;
}

/* A free entry, or 0 where every entry may still be alive. */
static uint32_t take_entry(struct tw_flow_table *table)
{
	uint32_t number;

	if (table->free == 0 && table->n_taken < table->config.max_flows) {
		table->n_used++;
		return ++table->n_taken;
	}
	while (table->free == 0 && table->due.head != 0)
		expire_one(table);
	number = table->free;
	if (number == 0)
		return 0;
	table->free = entry_of(table, number)->chain;
	table->n_used++;
	return number;
}

static void count_active(struct tw_flow_table *table, uint32_t series, uint64_t second)
{
	++*recent_count(table, series, second);
	table->active[series]++;
	table->n_active++;
}

static void uncount_active(struct tw_flow_table *table, uint32_t series, uint64_t second)
{
	--*recent_count(table, series, second);
	table->active[series]--;
	table->n_active--;
}

/* A packet of a flow that has an entry. Returns true where it opens the flow anew. */
static bool touch(struct tw_flow_table *table, struct entry *entry, uint32_t series, uint64_t time)
{
	uint64_t timeout = table->config.idle_timeout;
	uint64_t last_second = entry->last / TW_NS_PER_SECOND;
	bool opens = time - entry->last > timeout * TW_NS_PER_SECOND;

	if (last_second != table->second || entry->series != series) {
		/* What is older was dropped from the sums when its second left them. */
		if (last_second + timeout >= table->second)
			uncount_active(table, entry->series, last_second);
		count_active(table, series, table->second);
		entry->series = series;
	}
	entry->last = time;
	return opens;
}

/* Returns false where the table is full. */
static bool insert(struct tw_flow_table *table, const struct key *key, uint32_t hash,
	uint32_t series, uint64_t time)
{
	uint32_t *head = &table->heads[hash & table->head_mask];
	uint32_t number = take_entry(table);
	struct entry *entry;

	if (number == 0)
		return false;
	entry = entry_of(table, number);
	*entry = (struct entry){
		.key = *key, .last = time, .series = series, .hash = hash, .chain = *head};
	*head = number;
	list_push(table, wheel_slot(table, time), number);
	count_active(table, series, table->second);
	return true;
}

static struct entry *find(const struct tw_flow_table *table, const struct key *key, uint32_t hash)
{
	uint32_t number = table->heads[hash & table->head_mask];

	while (number != 0) {
		struct entry *entry = entry_of(table, number);

		if (entry->hash == hash && memcmp(&entry->key, key, sizeof(*key)) == 0)
			return entry;
		number = entry->chain;
	}
	return NULL;
}

static inline void make_key(const struct tw_burst *burst, const struct tw_hit *hit, struct key *key)
{
	const struct tw_transport *transport = &burst->transport[hit->slot];

	if (hit->version == 4) {
		memset(key->addresses, 0, sizeof(key->addresses));
		memcpy(key->addresses, &burst->ip4[2 * hit->address], 8);
	} else {
		memcpy(key->addresses, burst->ip6[2 * hit->address], 32);
	}
	key->port_src = transport->port_src;
	key->port_dst = transport->port_dst;
	key->protocol = transport->protocol;
	key->target = hit->target;
	key->direction = hit->direction;
	key->version = hit->version;
}

/* Two misses a packet, head and entry, each asked for a whole burst ahead of its use. */
uint32_t tw_flow_burst(
	struct tw_flow_table *table, const struct tw_burst *burst, struct tw_series_count *series)
{
	struct key keys[2 * TW_BURST_MAX];
	uint32_t hashes[2 * TW_BURST_MAX];
	const struct tw_hit *hits[2 * TW_BURST_MAX];
	unsigned int n = 0;
	uint32_t overflow = 0;

	if (burst->second != table->second)
		advance(table, burst->second);
	for (unsigned int i = 0; i < burst->n_hits; i++) {
		const struct tw_hit *hit = &burst->hits[i];

		if ((burst->transport[hit->slot].flags & TW_PACKET_NO_FLOW) != 0)
			continue;
		make_key(burst, hit, &keys[n]);
		hashes[n] = hash_key(table, &keys[n]);
		__builtin_prefetch(&table->heads[hashes[n] & table->head_mask], 1);
		hits[n++] = hit;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t number = table->heads[hashes[i] & table->head_mask];

		if (number != 0)
			__builtin_prefetch(entry_of(table, number), 1);
	}
	for (unsigned int i = 0; i < n; i++) {
		uint64_t time = burst->time[hits[i]->slot];
		uint32_t to = hits[i]->series;
		struct entry *entry = find(table, &keys[i], hashes[i]);

		if (entry != NULL)
			series[to].flows += touch(table, entry, to, time);
		else if (insert(table, &keys[i], hashes[i], to, time))
			series[to].flows++;
		else
			overflow++;
	}
	expire_some(table);
	return overflow;
}

void tw_flow_close(struct tw_flow_table *table, uint64_t second, struct tw_series_count *series)
{
	if (second + 1 > table->second)
		advance(table, second + 1);
	for (uint32_t s = 0; s < table->config.n_series; s++) {
		/* Of the ring's seconds, second - timeout, which second + 1 will use anew. */
		uint32_t *oldest = recent_count(table, s, second + 1);

		table->active[s] -= *oldest;
		table->n_active -= *oldest;
		*oldest = 0;
		series[s].active_flows = table->active[s];
	}
	expire_some(table);
}

uint32_t tw_flow_active(const struct tw_flow_table *table)
{
	return table->n_active;
}

uint32_t tw_flow_used(const struct tw_flow_table *table)
{
	return table->n_used;
}
