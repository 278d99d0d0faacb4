/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/aggregate against a plain sum by second: the same traffic split over 1 to 4 workers, in any
 * order of arrival.
 */

#include "tw_test_aggregate.h"

#define WORKERS 4u
#define START   UINT64_C(1506848871)

/* splitmix64 */
static uint64_t below(uint64_t *seed, uint64_t n)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

enum {
	SPAN = 40
};

/* What every worker hands in, second by second, and the plain sums of it. */
static struct {
	struct tw_block block;
	struct tw_series_count series[N_SERIES];
} given[WORKERS][SPAN], total[SPAN];
static bool present[WORKERS][SPAN];

static void add_words(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
}

/*
 * Draws counts for every second; `split` gives each to one of the workers, the sum does not depend
 * on it.
 */
static void draw_traffic(unsigned int n_workers, uint64_t seed, uint64_t split)
{
	memset(given, 0, sizeof(given));
	memset(total, 0, sizeof(total));
	memset(present, 0, sizeof(present));
	for (unsigned int t = 0; t < SPAN; t++) {
		bool edge = t == 0 || t == SPAN - 1;
		uint64_t pieces = edge ? 1 : below(&seed, 3) * below(&seed, 5);

		for (uint64_t p = 0; p < pieces; p++) {
			uint64_t words[sizeof(struct tw_totals) / sizeof(uint64_t)], counts[4];
			uint64_t s = below(&seed, N_SERIES), w = below(&split, n_workers);

			for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
				words[i] = below(&seed, 100);
			for (size_t i = 0; i < 4; i++)
				counts[i] = below(&seed, 100);
			/* losses are told by worker, which is another test's */
			memset(words + sizeof(words) / sizeof(words[0]) - TW_DROP_MAX, 0,
				TW_DROP_MAX * sizeof(words[0]));
			present[w][t] = true;
			add_words(&given[w][t].block.totals, words, sizeof(words));
			add_words(&given[w][t].series[s], counts, sizeof(counts));
			add_words(&total[t].block.totals, words, sizeof(words));
			add_words(&total[t].series[s], counts, sizeof(counts));
		}
	}
	for (unsigned int w = 0; w < n_workers; w++) {
		present[w][SPAN - 1] = true;
		given[w][SPAN - 1].block.last = true;
		for (unsigned int t = 0; t < SPAN; t++)
			given[w][t].block.second = START + t;
	}
}

/* How many seconds must be closed once each worker has handed in all before next[w]. */
static unsigned int seconds_due(unsigned int n_workers, const unsigned int *next)
{
	unsigned int passed = SPAN, due = 0;

	for (unsigned int w = 0; w < n_workers; w++)
		if (next[w] < passed)
			passed = next[w];
	for (unsigned int w = 0; w < n_workers; w++)
		for (unsigned int t = 0; t < passed; t++)
			if (present[w][t] && t + 1 > due)
				due = t + 1;
	return due;
}

/*
 * Hands the blocks in, worker by worker as chance has it, and returns the text; the caller frees.
 */
static char *random_run(unsigned int n_workers, uint64_t seed, unsigned int haste)
{
	unsigned int next[WORKERS] = {0}, left = n_workers;
	char *text;

	begin(n_workers);
	while (left > 0) {
		uint64_t w = below(&seed, n_workers), steps = 1 + below(&seed, haste);

		for (; steps > 0 && next[w] < SPAN; steps--) {
			while (!present[w][next[w]])
				next[w]++;
			assert_int_equal(tw_aggregate_block(aggregate, (unsigned int)w,
						 &given[w][next[w]].block),
				0);
			left -= ++next[w] == SPAN;
			assert_int_equal(
				tw_aggregate_seconds(aggregate), seconds_due(n_workers, next));
		}
	}
	finish();
	text = strdup(recorder_text(&recorder));
	assert_non_null(text);
	end();
	return text;
}

static char *expected_text(void)
{
	struct tw_series_count sums[N_SERIES] = {{0}};
	struct tw_totals totals = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "start\n");
	for (unsigned int t = 0; t < SPAN; t++) {
		fprintf(out, "%lu", START + t);
		write_counts(out, &total[t].block.totals, total[t].series);
		add_words(&totals, &total[t].block.totals, sizeof(totals));
		add_words(sums, total[t].series, sizeof(sums));
	}
	for (unsigned int s = 0; s < N_SERIES; s++)
		sums[s].active_flows = total[SPAN - 1].series[s].active_flows;
	fprintf(out, "summary %d 0 %lu-%lu 1", SPAN, START, START + SPAN - 1);
	write_counts(out, &totals, sums);
	fclose(out);
	return text;
}

/* One traffic, 1 to 4 workers, any split, any order of arrival: one text. */
static void neither_workers_nor_order_show_in_the_output(void **state)
{
	for (unsigned int i = 0; i < 100; i++) {
		char *expected = NULL;

		for (unsigned int run = 0; run < 12; run++) {
			unsigned int n_workers = 1 + run % WORKERS;
			char *text;

			draw_traffic(n_workers, i, run);
			if (expected == NULL)
				expected = expected_text();
			text = random_run(n_workers, i * 100 + run, run < 8 ? 3 : SPAN);
			assert_string_equal(text, expected);
			free(text);
		}
		free(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neither_workers_nor_order_show_in_the_output),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
