// SPDX-License-Identifier: GPL-2.0-only
/* `mipctl agent timeline`, as text, JSON or SVG. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "mipctl/print.h"
#include "mipctl/timeline.h"

/* What ends at each point in time, how it is called in a drawing, and its colour there. */
static const struct phase {
	const char *key, *what, *colour;
} phases[] = {
	{ "identity", "identity", "#7f7f7f" }, { "rrq", "request", "#1f77b4" }, { "rrp", "home agent", "#ff7f0e" },
	{ "binding", "binding", "#2ca02c" }, { "first_up", "first packet up", "#d62728" },
	{ "first_down", "first packet down", "#9467bd" },
};

#define N_PHASES	ARRAY_SIZE(phases)
#define N_BARS		4	/* of which one follows the other; the rest are marks */

static struct json_object **kept;
static size_t n_kept;

/* ---- text ---- */

static const char *cell(struct json_object *obj, const char *key)
{
	const char *text = json_member(obj, key);

	return text ? text : "-";
}

/* In microseconds from the beginning, or -1. */
static int64_t phase_us(struct json_object *handover, size_t i)
{
	struct json_object *us = NULL, *v;

	json_object_object_get_ex(handover, "phases_us", &us);
	return json_object_object_get_ex(us, phases[i].key, &v) ? json_object_get_int64(v) : -1;
}

static int64_t seen_us(struct json_object *handover)
{
	struct json_object *seen = NULL;

	json_object_object_get_ex(handover, "seen_us", &seen);
	return json_object_get_int64(seen);
}

void timeline_head(void)
{
	size_t i;

	if (opt.json)
		return;
	printf("%-12s %-17s %-15s %-8s %-8s", "SEEN s", "MAC", "HOME", "PORT", "TRIGGER");
	for (i = 0; i < N_PHASES; i++)
		printf(" %10s", phases[i].key);
	puts(" (ms)");
}

void timeline_print(struct json_object *handover)
{
	const int64_t at = seen_us(handover);
	size_t i;

	if (opt.json) {
		pr_begin();
		json_object_object_foreach(handover, key, value)
			pr_json(key, value);
		pr_end();
		return;
	}
	printf("%5" PRId64 ".%06d %-17s %-15s %-8s %-8s", at / 1000000, (int)(at % 1000000),
	       cell(handover, "mac"), cell(handover, "home"), cell(handover, "port"), cell(handover, "trigger"));
	for (i = 0; i < N_PHASES; i++) {
		const int64_t us = phase_us(handover, i);

		if (us >= 0)
			printf(" %10.3f", (double)us / 1000);
		else
			printf(" %10s", "-");
	}
	putchar('\n');
}

/* ---- drawing ---- */

#define LEFT		330	/* pixels: what is written beside the bars */
#define WIDTH		600	/* of the bars */
#define TOP		60
#define ROW		26

void timeline_keep(struct json_object *handover)
{
	struct json_object **grown = reallocarray(kept, n_kept + 1, sizeof(*kept));

	if (!grown)
		return;
	kept = grown;
	kept[n_kept++] = json_object_get(handover);
}

void timeline_forget(void)
{
	while (n_kept)
		json_object_put(kept[--n_kept]);
	free(kept);
	kept = NULL;
}

/* Names of ports are other people's. */
static void put_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '&' || *text == '<' || *text == '>')
			printf("&#%d;", *text);
		else
			putchar(*text);
	}
}

static double x_of(int64_t us, int64_t full_us)
{
	return LEFT + (double)us * WIDTH / (double)full_us;
}

/*
 * The axis ends at 1, 2 or 5 times a power of ten, behind all bars. Marks may
 * lie beyond: a device may have nothing to send for long.
 */
static int64_t axis_us(void)
{
	int64_t most = 1, full = 10;
	size_t row, i;

	for (row = 0; row < n_kept; row++)
		for (i = 0; i < N_BARS; i++)
			if (phase_us(kept[row], i) > most)
				most = phase_us(kept[row], i);
	while (full < most && full < INT64_MAX / 10)
		full *= 10;
	if (full / 5 >= most)
		return full / 5;
	return full / 2 >= most ? full / 2 : full;
}

static void draw_axis(int64_t full_us)
{
	const int bottom = TOP + (int)n_kept * ROW;
	int i, x = LEFT;

	for (i = 0; i <= 5; i++) {
		const double at = x_of(full_us * i / 5, full_us);

		printf("<path d=\"M%.1f %d V%d\" stroke=\"#ddd\"/>", at, TOP - 4, bottom);
		printf("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", at, bottom + 16,
		       (double)full_us * i / 5000);
	}
	printf("<text x=\"%d\" y=\"%d\">ms</text>\n", LEFT + WIDTH + 24, bottom + 16);
	for (i = 0; i < (int)N_PHASES; i++) {
		printf("<rect x=\"%d\" y=\"14\" width=\"10\" height=\"10\" fill=\"%s\"/>", x, phases[i].colour);
		printf("<text x=\"%d\" y=\"23\">%s</text>\n", x + 14, phases[i].what);
		x += 34 + 6 * (int)strlen(phases[i].what);
	}
}

static void draw_bar(const struct phase *phase, int64_t from_us, int64_t to_us, int64_t full_us, int y)
{
	const double x = x_of(from_us, full_us);

	printf("<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>%s: %g ms</title></rect>\n",
	       x, y + 4, x_of(to_us, full_us) - x, ROW - 10, phase->colour, phase->what,
	       (double)(to_us - from_us) / 1000);
}

/* A triangle, whose point is the time; at the edge of the drawing if that is further right. */
static void draw_mark(const struct phase *phase, int64_t us, int64_t full_us, int y, bool up)
{
	const double x = us > full_us ? LEFT + WIDTH + 10 : x_of(us, full_us);
	const int point = up ? y + 2 : y + ROW - 4, base = up ? point + 9 : point - 9;

	printf("<path d=\"M%.1f %d L%.1f %d H%.1f Z\" fill=\"%s\"><title>%s after %g ms</title></path>\n", x, point,
	       x - 5, base, x + 5, phase->colour, phase->what, (double)us / 1000);
}

static void draw_row(struct json_object *handover, int64_t full_us, int y)
{
	const int64_t at = seen_us(handover);
	int64_t from = 0, us;
	size_t i;

	printf("<text x=\"8\" y=\"%d\">%" PRId64 ".%03d s ", y + 17, at / 1000000, (int)(at % 1000000 / 1000));
	put_text(cell(handover, "mac"));
	putchar(' ');
	put_text(cell(handover, "port"));
	printf(" (");
	put_text(cell(handover, "trigger"));
	puts(")</text>");
	for (i = 0; i < N_PHASES; i++) {
		us = phase_us(handover, i);
		if (us < 0)
			continue;
		if (i >= N_BARS) {
			draw_mark(&phases[i], us, full_us, y, i == N_BARS);
		} else if (us >= from) {
			draw_bar(&phases[i], from, us, full_us, y);
			from = us;
		}
	}
}

void timeline_draw(void)
{
	const int64_t full_us = axis_us();
	const int width = LEFT + WIDTH + 50, height = TOP + (int)n_kept * ROW + 26;
	size_t row;

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" ",
	       width, height, width, height);
	puts("font-family=\"sans-serif\" font-size=\"11\">");
	printf("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height);
	draw_axis(full_us);
	for (row = 0; row < n_kept; row++)
		draw_row(kept[row], full_us, TOP + (int)row * ROW);
	puts("</svg>");
}
