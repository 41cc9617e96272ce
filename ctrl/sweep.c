/* SPDX-License-Identifier: BSD-3-Clause */
#include "sweep.h"

#include <string.h>

#include <uv.h>

#include "log.h"

static size_t strings(struct tg_store *store)
{
	return tg_intern_used(tg_store_strings(store));
}

void tg_sweep_init(struct tg_sweep *sweep, const struct tg_sweep_options *options)
{
	memset(sweep, 0, sizeof(*sweep));
	sweep->options = *options;
}

void tg_sweep_rebase(struct tg_sweep *sweep, struct tg_store *store)
{
	sweep->base = strings(store);
}

bool tg_sweep_due(const struct tg_sweep *sweep, struct tg_store *store, uint64_t now_ms)
{
	return tg_sweep_is_due(sweep, strings(store), now_ms);
}

bool tg_sweep_is_due(const struct tg_sweep *sweep, size_t n, uint64_t now_ms)
{
	return n >= sweep->base * sweep->options.times && n >= sweep->base + sweep->options.more &&
	       now_ms >= sweep->retry_at;
}

int tg_sweep_run(struct tg_sweep *sweep, struct tg_store *store, uint64_t now_ms)
{
	uint64_t from = uv_hrtime();
	size_t before = strings(store);
	int err = tg_store_sweep(store);

	if (err != 0) {
		sweep->failed++;
		sweep->retry_at = now_ms + TG_SWEEP_RETRY_MS;
		tg_log_err("%zu strings cannot be swept: %s; trying again", before, strerror(-err));
		return err;
	}
	sweep->done++;
	sweep->retry_at = 0;
	tg_sweep_rebase(sweep, store);
	tg_log_info("swept strings of objects that are gone: %zu of %zu are left, in %.1f ms",
		sweep->base, before, (double)(uv_hrtime() - from) / 1e6);
	return 0;
}
