/* SPDX-License-Identifier: BSD-3-Clause */

/* The page and its parts, out of the binary: it works without any other host. */

#include <string.h>

#include "page.h" /* made by scripts/embed */
#include "tw_http_priv.h"

/* Nothing but what comes from here, and no script or style within the page but one attribute that dygraphs sets. */
#define POLICY                                                                                   \
	"default-src 'none'; script-src 'self'; style-src 'self' "                               \
	"'unsafe-hashes' 'sha256-MJyOH6fkfzWPCLv2CfAAYjOtxkqoLBYZsmiMyy1D4sc='; img-src 'self' " \
	"data:; "                                                                                \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct {
	const char *path;
	const char *type;
	const unsigned char *data;
	size_t size;
} parts[] = {
	{"/", "text/html; charset=utf-8", page_html, sizeof(page_html)},
	{"/page.css", "text/css; charset=utf-8", page_css, sizeof(page_css)},
	{"/page.js", "text/javascript; charset=utf-8", page_js, sizeof(page_js)},
	{"/charts.js", "text/javascript; charset=utf-8", page_charts_js, sizeof(page_charts_js)},
	{"/dygraph.css", "text/css; charset=utf-8", page_dygraph_css, sizeof(page_dygraph_css)},
	{"/dygraph.js", "text/javascript; charset=utf-8", page_dygraph_js, sizeof(page_dygraph_js)},
};

bool tw_page_answer(const char *path, struct tw_answer *answer)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(parts[i].path, path) != 0)
			continue;
		answer->type = parts[i].type;
		answer->policy = POLICY;
		tw_buffer_add(&answer->body, (const char *)parts[i].data, parts[i].size);
		return true;
	}
	return false;
}
