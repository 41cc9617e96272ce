/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

#include "export.h"

static const struct {
	uint64_t us;
	const char *seconds;
} bounds[TG_HISTOGRAM_BUCKETS] = {
	{100, "0.0001"},
	{250, "0.00025"},
	{500, "0.0005"},
	{1000, "0.001"},
	{2500, "0.0025"},
	{5000, "0.005"},
	{10000, "0.01"},
	{25000, "0.025"},
	{50000, "0.05"},
	{100000, "0.1"},
	{250000, "0.25"},
	{500000, "0.5"},
	{1000000, "1"},
	{5000000, "5"},
};

void tg_histogram_add(struct tg_histogram *h, uint64_t us)
{
	unsigned int i = 0;

	while (i < TG_HISTOGRAM_BUCKETS && us > bounds[i].us)
		i++;
	h->counts[i]++;
	h->sum_us += us;
}

void tg_histogram_write(
	const struct tg_histogram *h, struct tg_buffer *b, const char *name, const char *help)
{
	uint64_t count = 0;

	tg_metric_family(b, name, "histogram", help);
	for (unsigned int i = 0; i < TG_HISTOGRAM_BUCKETS; i++) {
		count += h->counts[i];
		tg_buffer_printf(b, "%s_bucket{le=\"%s\"} %llu\n", name, bounds[i].seconds,
			(unsigned long long)count);
	}
	count += h->counts[TG_HISTOGRAM_BUCKETS];
	tg_buffer_printf(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
		(unsigned long long)count, name, (double)h->sum_us / 1e6, name,
		(unsigned long long)count);
}
