/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured: a table for the terminal, rows for programs, a page with
 * every sample for people.
 */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"

#include <math.h>

#define NAME_COLUMNS 40
/* The plots' size in pixels. */
#define PLOT_W	 640.0
#define PLOT_H	 64.0
#define MARGIN	 24.0
#define OURS_Y	 18.0
#define FLOOR_Y	 38.0
#define AXIS_Y	 52.0
#define STRAY	 2.5 /* samples stand a little apart */
#define DECADE	 10.0
#define US_PER_S 1e6

static bool
met(const struct bench_result *r)
{
	return r->ratio <= r->goal;
}

static const char *
clock_text(const struct bench_result *r)
{
	static const char *const TEXT[] = {
	    [BENCH_CPU] = "cpu",
	    [BENCH_WALL] = "wall",
	    [BENCH_PROCESS] = "cpu of all threads",
	};

	return TEXT[r->clock];
}

static const char *
pinned(const struct bench *b, char *text, size_t cap)
{
	if (b->cpu < 0)
		(void)snprintf(text, cap, "not pinned to a CPU");
	else
		(void)snprintf(text, cap, "pinned to CPU %d", b->cpu);
	return text;
}

void
bench_table(const struct bench *b, FILE *out)
{
	char text[64];

	fprintf(out, "%-*s %12s %12s %8s\n", NAME_COLUMNS, "median of samples",
	    "ours", "floor", "ratio");
	for (size_t i = 0; i < b->n; i++) {
		const struct bench_result *r = &b->result[i];

		fprintf(out, "%-*s %12.3f %12.3f %8.2f %s\n", NAME_COLUMNS,
		    r->name, r->value, r->floor, r->ratio, r->unit);
		fprintf(out, "    floor: %s\n", r->floor_name);
		if (r->aim != NULL)
			fprintf(out, "    aim: %s%s\n", r->aim,
			    r->goal <= 0 ? ""
				: met(r) ? " (met)"
					 : " (MISSED)");
	}
	for (size_t i = 0; i < b->n_skipped; i++)
		fprintf(out, "skipped: %s\n", b->skipped[i]);
	fprintf(out, "%u samples of each, in turns, %s\n", BENCH_SAMPLES,
	    pinned(b, text, sizeof(text)));
}

/* ---- JSON ---------------------------------------------------------------- */

static void
json_values(
    FILE *out, const char *name, const double v[static BENCH_SAMPLES], size_t n)
{
	fprintf(out, ", \"%s\": [", name);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%.4f", i > 0 ? ", " : "", v[i]);
	fprintf(out, "]");
}

void
bench_json(const struct bench *b, FILE *out)
{
	fprintf(out, "[\n");
	for (size_t i = 0; i < b->n; i++) {
		const struct bench_result *r = &b->result[i];

		/* The names are ours and need no escapes. */
		fprintf(out,
		    "  {\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", "
		    "\"floor\": %.4f, \"ratio\": %.3f, \"samples\": %u, "
		    "\"floor_name\": \"%s\", \"aim\": \"%s\", \"clock\": "
		    "\"%s\"",
		    r->name, r->value, r->unit, r->floor, r->ratio, r->samples,
		    r->floor_name, r->aim == NULL ? "" : r->aim, clock_text(r));
		if (r->goal > 0)
			fprintf(out, ", \"goal\": %.3f, \"met\": %s", r->goal,
			    met(r) ? "true" : "false");
		if (b->cpu >= 0)
			fprintf(out, ", \"cpu\": %d", b->cpu);
		json_values(out, "values", r->ours, r->samples);
		json_values(out, "floor_values", r->least, r->samples);
		fprintf(out, "}%s\n", i + 1 < b->n ? "," : "");
	}
	fprintf(out, "]\n");
}

/* ---- the page ------------------------------------------------------------ */

struct scale {
	double low, high; /* powers of ten */
};

static void
widen(struct scale *s, const double v[static BENCH_SAMPLES])
{
	for (size_t i = 0; i < BENCH_SAMPLES; i++) {
		if (v[i] <= 0)
			continue;
		s->low = fmin(s->low, floor(log10(v[i])));
		s->high = fmax(s->high, ceil(log10(v[i])));
	}
}

static double
x_of(const struct scale *s, double v)
{
	return MARGIN +
	    (log10(v) - s->low) / (s->high - s->low) * (PLOT_W - 2 * MARGIN);
}

static void
dots(FILE *out, const struct scale *s, const char *class, double y,
    const double v[static BENCH_SAMPLES], double middle)
{
	fprintf(out, "<g class=\"%s\">", class);
	for (size_t i = 0; i < BENCH_SAMPLES; i++)
		if (v[i] > 0)
			fprintf(out,
			    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
			    x_of(s, v[i]), y + ((double)(i % 3) - 1) * STRAY);
	if (middle > 0)
		fprintf(out,
		    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
		    x_of(s, middle), x_of(s, middle), y - 8, y + 8);
	fprintf(out, "</g>\n");
}

/* "10 ns", "1 ms" for a power of ten of microseconds. */
static void
tick_text(FILE *out, double power)
{
	const double us = pow(DECADE, power);

	if (power >= 6)
		fprintf(out, "%.0f s", us / US_PER_S);
	else if (power >= 3)
		fprintf(out, "%.0f ms", us / 1e3);
	else if (power >= 0)
		fprintf(out, "%.0f µs", us);
	else if (power >= -3)
		fprintf(out, "%.0f ns", us * 1e3);
	else
		fprintf(out, "%.0f ps", us * US_PER_S);
}

static void
plot(FILE *out, const struct bench_result *r)
{
	struct scale s = {INFINITY, -INFINITY};

	widen(&s, r->ours);
	widen(&s, r->least);
	if (s.high <= s.low)
		s.high = s.low + 1;
	fprintf(out,
	    "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s: "
	    "%.3f microseconds, floor %.3f\">\n",
	    PLOT_W, PLOT_H + MARGIN, r->name, r->value, r->floor);
	for (double p = s.low; p <= s.high; p++) {
		const double x = x_of(&s, pow(DECADE, p));

		fprintf(out,
		    "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"4\" "
		    "y2=\"%.1f\"/><text x=\"%.1f\" y=\"%.1f\">",
		    x, x, AXIS_Y, x, AXIS_Y + 14);
		tick_text(out, p);
		fprintf(out, "</text>\n");
	}
	dots(out, &s, "ours", OURS_Y, r->ours, r->value);
	dots(out, &s, "floor", FLOOR_Y, r->least, r->floor);
	fprintf(out, "</svg>\n");
}

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>jiaozi: against the floor</title>\n<style>\n"
    ":root{color-scheme:light dark;--ours:#b3261e;--floor:#5f6368}\n"
    "@media(prefers-color-scheme:dark){:root{--ours:#ff8a80;--floor:#9aa0a6}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h2{font-size:1.05rem;margin:2rem 0 0}p{margin:.2rem 0}\n"
    "svg{width:100%;height:auto}svg text{font-size:10px;text-anchor:middle;"
    "fill:currentColor}\n"
    ".grid{stroke:currentColor;opacity:.15}\n"
    ".ours circle{fill:var(--ours);opacity:.5}"
    ".ours line{stroke:var(--ours);stroke-width:2}\n"
    ".floor circle{fill:var(--floor);opacity:.5}"
    ".floor line{stroke:var(--floor);stroke-width:2}\n"
    ".o{color:var(--ours);font-weight:600}.f{color:var(--floor);"
    "font-weight:600}.y{color:#188038}.n{color:#b3261e}\n</style>\n";

void
bench_html(const struct bench *b, FILE *out)
{
	char text[64];

	fputs(HEAD, out);
	fprintf(out,
	    "<h1>Against the floor</h1>\n<p>Each dot is a sample, the bar is "
	    "the median; the scale is logarithmic. <span "
	    "class=\"o\">Ours</span>"
	    " and the <span class=\"f\">floor</span>, the least that the "
	    "operation could cost, ran in turns, %s.</p>\n",
	    pinned(b, text, sizeof(text)));
	for (size_t i = 0; i < b->n; i++) {
		const struct bench_result *r = &b->result[i];

		fprintf(out,
		    "<h2>%s: %.2f × the floor</h2>\n<p><span class=\"o\">%.3f "
		    "%s</span>, floor <span class=\"f\">%.3f %s</span>: %s</p>"
		    "\n",
		    r->name, r->ratio, r->value, r->unit, r->floor, r->unit,
		    r->floor_name);
		if (r->aim != NULL)
			fprintf(out, "<p>Aim: %s%s</p>\n", r->aim,
			    r->goal <= 0 ? ""
				: met(r) ? " <b class=\"y\">✓ met</b>"
					 : " <b class=\"n\">✗ missed</b>");
		if (r->samples == BENCH_SAMPLES)
			plot(out, r);
	}
	for (size_t i = 0; i < b->n_skipped; i++)
		fprintf(out, "<p>Skipped: %s</p>\n", b->skipped[i]);
	fprintf(out, "</html>\n");
}
