/* SPDX-License-Identifier: BSD-3-Clause */
#include "controller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"
#include "controller_private.h"
#include "image.h"
#include "log.h"
#include "manifests.h"

/* Deltas of a ruleset after which it is compiled anew: so many, and a part of its endpoints. */
#define FOLD_ENTRIES 512
#define FOLD_SHARE 16
#define RENEW_MIN_MS 50
#define RENEW_MAX_MS 10000
#define RENEW_CALM_MS 30000 /* without a further one the delay starts over */
#define TICK_MS 1000

static uint64_t clock_ms(void)
{
	return uv_hrtime() / 1000000;
}

static void on_compile_timer(uv_timer_t *timer);
/* Compiles when there is something to compile and nothing is being compiled. */
static void start_compile(struct tg_controller *c);

/* --- compiling --- */

static void release_since(struct tg_controller *c)
{
	for (size_t i = 0; i < c->since.n; i++)
		tg_changes_release(c->store, c->since.v[i]);
	c->since.n = 0;
}

/* The lowest swept generation of the workers: slots freed up to it are free again. */
static uint64_t swept_generation(const struct tg_controller *c)
{
	const struct tg_mapping *mapping = tg_push_mapping(c->push);
	struct tg_stats_worker sum;

	if (mapping == NULL || tg_stats_read_worker(&mapping->reader, TG_STATS_ALL, &sum) != 0)
		return 0;
	return sum.swept_generation;
}

static void fill_options(struct tg_controller *c, struct tg_compile_options *options)
{
	struct tg_push_status push;

	tg_push_status(c->push, &push);
	*options = c->config->compile;
	options->generation = ++c->generation;
	options->delta_sequence = push.state.delta_sequence;
	if (push.delta_sequence > options->delta_sequence)
		options->delta_sequence = push.delta_sequence;
	options->slot_capacity = push.state.slot_capacity;
	options->now_ms = tg_clock_ms(CLOCK_REALTIME);
	options->cache = c->cache;
}

/* Pods that changed while the ruleset was compiled; false: some have no place in it. */
static bool catch_up(struct tg_controller *c, struct tg_target *target)
{
	bool complete = true;

	for (size_t i = 0; i < c->since.n; i++) {
		const struct tg_changes *changes = c->since.v[i];

		if (tg_deltas_apply(target->owner, changes->pods, changes->n_pods, target) != 0)
			complete = false;
	}
	return complete;
}

static void keep(struct tg_controller *c);

static void desire(struct tg_controller *c, struct tg_target *target, uint64_t noticed_at)
{
	tg_target_unref(c->wanted);
	c->wanted = tg_target_ref(target);
	c->wanted_noticed_at = noticed_at;
	if (!catch_up(c, target))
		c->dirty = true;
	tg_push_desire(c->push, target);
	if (target->generation != c->written) {
		tg_target_unref(c->keep_next);
		c->keep_next = tg_target_ref(target);
		keep(c);
	}
}

/* What is asked from now on about pods that come and go knows what was compiled last. */
static void adopt(struct tg_target *target, struct tg_job *job)
{
	if (target->owner_free != NULL)
		target->owner_free(target->owner);
	target->owner = job->deltas;
	target->owner_free = (void (*)(void *))tg_deltas_free;
}

/*
 * The result decides as what there is. After a restart that may be the ruleset of the last run,
 * which the dataplane perhaps still has: then nothing needs to be pushed at all.
 *
 * Of pods that come later it may decide otherwise, as a Namespace without pods that has other
 * labels now is nowhere in the image: so the newer one places them. Pods that changed meanwhile
 * were placed by the older one.
 */
static void job_unchanged(struct tg_controller *c, struct tg_job *job)
{
	struct tg_target *archived = c->archived;

	c->notice.compile.unchanged++;
	if (archived == NULL || job->previous != archived) {
		adopt(job->previous, job);
		if (c->since.n != 0)
			c->dirty = true;
		return;
	}
	adopt(archived, job);
	tg_log_info("generation %llu of the last run still says what the sources say",
		(unsigned long long)archived->generation);
	desire(c, archived, job->noticed_at);
}

static void job_failed(struct tg_controller *c, const struct tg_job *job)
{
	snprintf(c->notice.compile.error, sizeof(c->notice.compile.error), "%s",
		job->error[0] != '\0' ? job->error : strerror(-job->err));
	c->notice.compile.failed++;
	tg_log_err("cannot compile: %s; what is in force stays", c->notice.compile.error);
}

static void job_succeeded(struct tg_controller *c, struct tg_job *job)
{
	const struct tg_compile_stats *s = &job->stats;

	c->notice.compile.error[0] = '\0';
	c->notice.compile.stats = job->stats;
	memcpy(c->notice.compile.warnings, job->warnings, sizeof(job->warnings));
	notes_compiled(c, tg_deltas_compiled(job->deltas));
	if (job->target == NULL) {
		job_unchanged(c, job);
		return;
	}
	c->notice.compile.succeeded++;
	tg_log_info("compiled generation %llu: %zu endpoints, %zu classes, %zu cells, %zu rules, "
		    "%zu bytes in %.1f ms",
		(unsigned long long)job->options.generation, s->endpoints, s->classes, s->cells,
		s->rules, s->image_size, (double)job->us / 1e3);
	desire(c, job->target, job->noticed_at);
	tg_target_unref(job->target);
	tg_target_unref(c->archived);
	c->archived = NULL;
}

/* A compilation reads strings in a worker thread, so this waits until there is none. */
static void sweep(struct tg_controller *c)
{
	uint64_t now = clock_ms();

	if (c->compiling != NULL || !tg_sweep_due(&c->sweep, c->store, now))
		return;
	tg_compile_cache_clear(c->cache);
	tg_view_release(c->store, c->cached);
	c->cached = NULL;
	tg_sweep_run(&c->sweep, c->store, now);
}

static void run_compile(uv_work_t *request)
{
	tg_job_run(&((struct compile_work *)request->data)->job);
}

static void after_compile(uv_work_t *request, int status)
{
	struct compile_work *work = request->data;
	struct tg_controller *c = work->c;
	struct tg_job *job = &work->job;

	c->compiling = NULL;
	tg_view_release(c->store, c->cached);
	c->cached = job->view;
	tg_hold_release(job->hold);
	tg_histogram_add(&c->notice.compile_time, job->us);
	if (c->stopping) {
		if (job->target != NULL)
			tg_target_unref(job->target);
		else if (job->deltas != NULL)
			tg_deltas_free(job->deltas);
	} else if (job->err != 0) {
		job_failed(c, job);
	} else {
		job_succeeded(c, job);
	}
	release_since(c);
	tg_target_unref(job->previous);
	free(work);
	if (c->stopping)
		return;
	sweep(c);
	start_compile(c);
	notes_publish(c);
}

/* What the result is compared with: only what nothing was added to by deltas. */
static struct tg_target *comparable(struct tg_controller *c)
{
	struct tg_target *t = c->wanted != NULL ? c->wanted : c->archived;

	return t != NULL && t->n_log == 0 ? tg_target_ref(t) : NULL;
}

static void drop_changes(struct tg_controller *c)
{
	struct tg_changes *changes = tg_store_take_changes(c->store);

	if (changes != NULL)
		tg_changes_release(c->store, changes);
}

static void start_compile(struct tg_controller *c)
{
	struct compile_work *work;

	if (!c->dirty || !c->synced || c->stopping || c->compiling != NULL ||
		uv_is_active((uv_handle_t *)&c->compile_timer))
		return;
	work = calloc(1, sizeof(*work));
	if (work == NULL)
		goto no_memory;
	work->c = c;
	work->request.data = work;
	work->job.hold = tg_store_hold(c->store);
	work->job.view = work->job.hold != NULL ? tg_store_view(c->store) : NULL;
	if (work->job.view == NULL)
		goto free_work;
	drop_changes(c); /* the view has them */
	work->job.compiler = c->compiler;
	work->job.previous = comparable(c);
	work->job.swept = swept_generation(c);
	work->job.force = c->force;
	work->job.noticed_at = c->noticed_at;
	fill_options(c, &work->job.options);
	c->dirty = c->force = false;
	c->noticed_at = 0;
	c->compiling = work;
	uv_queue_work(c->loop, &work->request, run_compile, after_compile);
	return;

free_work:
	tg_hold_release(work->job.hold);
	free(work);
no_memory:
	tg_log_err("out of memory: cannot compile; trying again");
	uv_timer_start(&c->compile_timer, on_compile_timer, RENEW_MAX_MS, 0);
}

static void on_compile_timer(uv_timer_t *timer)
{
	start_compile(timer->data);
}

void controller_renew(struct tg_controller *c, uint64_t generation)
{
	uint64_t now = uv_now(c->loop);

	if (generation > c->generation)
		c->generation = generation;
	c->dirty = c->force = true;
	if (c->renewed_at == 0 || now - c->renewed_at > RENEW_CALM_MS)
		c->renew_delay = 0;
	else if (c->renew_delay == 0)
		c->renew_delay = RENEW_MIN_MS;
	else if (c->renew_delay < RENEW_MAX_MS)
		c->renew_delay *= 2;
	c->renewed_at = now;
	uv_timer_start(&c->compile_timer, on_compile_timer, c->renew_delay, 0);
}

/* --- the archive --- */

static void run_keep(uv_work_t *request)
{
	struct keep_work *work = request->data;
	const char *directory = work->c->config->state_directory;
	const struct tg_target *t = work->target;

	if (t != NULL)
		work->err = tg_archive_write(directory, work->generation, t->image, t->size);
	else
		work->err = tg_archive_commit(directory, work->generation);
}

static void after_keep(uv_work_t *request, int status)
{
	struct keep_work *work = request->data;
	struct tg_controller *c = work->c;

	c->keeping = NULL;
	if (work->err != 0)
		tg_log_err("cannot keep generation %llu in %s: %s",
			(unsigned long long)work->generation, c->config->state_directory,
			strerror(-work->err));
	else if (work->target != NULL)
		c->written = work->generation;
	/* What could not be flushed is not tried again: the next ruleset will be. */
	if (work->target == NULL)
		c->committed = work->generation;
	tg_target_unref(work->target);
	free(work);
	keep(c);
}

/* A ruleset is on its way: writing may wait until the dataplane has done its part. */
static bool pushing(const struct tg_controller *c)
{
	struct tg_push_status push;

	tg_push_status(c->push, &push);
	return push.ruleset_sent;
}

/* Writes what is to be written, then flushes what is acknowledged: one after the other. */
static void keep(struct tg_controller *c)
{
	bool flush = c->acked == c->written && c->committed != c->written;
	struct keep_work *work;

	if (c->config->state_directory == NULL || c->stopping || c->keeping != NULL ||
		(c->keep_next == NULL && !flush) || pushing(c))
		return;
	work = calloc(1, sizeof(*work));
	if (work == NULL)
		return; /* the next ruleset tries again */
	work->c = c;
	work->request.data = work;
	work->target = c->keep_next;
	work->generation = c->keep_next != NULL ? c->keep_next->generation : c->written;
	c->keep_next = NULL;
	c->keeping = work;
	uv_queue_work(c->loop, &work->request, run_keep, after_keep);
}

void controller_acked(struct tg_controller *c, uint64_t generation)
{
	c->acked = generation;
	keep(c);
}

void controller_not_acked(struct tg_controller *c)
{
	keep(c);
}

static void count_archived(struct tg_controller *c, const void *data, size_t size)
{
	struct tg_image_error error;
	struct tg_image image;

	if (tg_image_check(data, size, &image, &error) != 0)
		return;
	c->archived_stats = (struct tg_compile_stats){
		.endpoints = (size_t)image.n_addr4 + image.n_addr6,
		.prefixes = (size_t)image.n_prefix4 + image.n_prefix6,
		.classes = image.n_classes,
		.cells = image.n_cells,
		.programs = image.n_programs,
		.rules = image.n_rules,
		.image_size = size,
	};
}

/* The rules of the last run keep their slots, and can be named while nothing is compiled yet. */
static void read_archive(struct tg_controller *c)
{
	const char *directory = c->config->state_directory;
	void *image;
	size_t size;
	int err;

	if (directory == NULL)
		return;
	err = tg_archive_open(directory);
	if (err == 0)
		err = tg_archive_load(directory, &image, &size);
	if (err == -ENOENT)
		return;
	if (err != 0) {
		tg_log_err("%s: %s; counters of rules may start over", directory, strerror(-err));
		return;
	}
	if (tg_compiler_adopt_slots(c->compiler, image, size) != 0 ||
		tg_target_create(image, size, &c->archived) != 0)
		tg_log_err("%s: the last ruleset cannot be used", directory);
	else
		c->generation = c->written = c->archived->generation;
	if (c->archived != NULL)
		count_archived(c, image, size);
	free(image);
}

/* --- files --- */

/* Memory that runs out makes what was read incomplete, without the store's knowing. */
static void load_file(struct tg_controller *c, const struct tg_watch_change *change)
{
	int err = 0;

	if (change->removed)
		tg_store_remove(c->store, change->path);
	else
		err = tg_manifest_reload(c->store, change->path);
	c->notice.source.loads++;
	if (err == 0) {
		tg_log_debug("%s %s", change->path, change->removed ? "is gone" : "was read");
		return;
	}
	c->notice.source.loads_refused++;
	notes_file_refused(c, change->path);
	/* What it says is not the reason: then reading it again may help. */
	if (err != -EINVAL && err != -EEXIST)
		tg_watch_again(c->watch, change->path, err == -ENOMEM);
	if (err == -ENOMEM)
		c->complete = false;
}

/* Compiling takes the longer the more endpoints there are, and so do they to change. */
static size_t fold_entries(const struct tg_controller *c)
{
	size_t share = c->notice.compile.stats.endpoints / FOLD_SHARE;

	return share > FOLD_ENTRIES ? share : FOLD_ENTRIES;
}

/*
 * Deltas for one target; true: it has a place for every pod. What was in force when the dataplane
 * went away gets no more once a newer ruleset replaces it for certain.
 */
static bool apply_to(
	struct tg_controller *c, struct tg_target *target, const struct tg_changes *changes)
{
	if (target->owner == NULL ||
		(target != c->wanted && target->n_log - target->acked > fold_entries(c)))
		return false;
	return tg_deltas_apply(target->owner, changes->pods, changes->n_pods, target) == 0;
}

static void apply_pods(struct tg_controller *c, const struct tg_changes *changes)
{
	struct tg_target *targets[TG_PUSH_TARGETS];
	size_t n = tg_push_targets(c->push, targets);
	bool complete = false;

	for (size_t i = 0; i < n; i++) {
		bool placed = apply_to(c, targets[i], changes);

		if (targets[i] == c->wanted)
			complete = placed && targets[i]->n_log < fold_entries(c);
	}
	if (c->delta_noticed_at == 0)
		c->delta_noticed_at = c->batch_noticed_at;
	if (!complete)
		c->dirty = true;
	tg_push_kick(c->push);
}

/*
 * Pods at once, everything else through a compilation. Pods that changed together with something
 * else do not wait for it: to the ruleset in force it is as if they had changed a moment earlier,
 * and an address that changes hands must not keep its class for as long as compiling takes.
 */
static void take_changes(struct tg_controller *c)
{
	struct tg_changes *changes = tg_store_take_changes(c->store);

	if (changes == NULL) {
		c->dirty = true;
		return;
	}
	if (changes->other)
		c->dirty = true;
	if (changes->n_pods > 0)
		apply_pods(c, changes);
	if (c->compiling != NULL && changes->n_pods > 0 && tg_vec_push(&c->since, changes) == 0)
		return; /* the compilation has not seen these */
	if (c->compiling != NULL && changes->n_pods > 0)
		c->dirty = true;
	tg_changes_release(c->store, changes);
}

/*
 * At the start everything must be readable: a ruleset that lacks what a refused file says may allow
 * what that file forbids. Later on a refused file keeps what it said before.
 */
static void check_synced(struct tg_controller *c)
{
	const struct tg_watch_problem *problems;
	struct tg_store_stats stats;
	size_t n, unread = 0;
	bool files;

	if (c->synced)
		return;
	tg_store_stats(c->store, &stats);
	problems = tg_watch_problems(c->watch, &n);
	for (size_t i = 0; i < n; i++)
		unread += problems[i].unread;
	files = c->complete && stats.files_missing == 0 && unread == 0;
	c->synced = c->dirty = files && clusters_synced(c);
	if (!files && !c->held)
		tg_log_err("nothing is pushed before %zu refused files and %zu unreadable folders "
			   "are put right",
			stats.files_missing, unread);
	c->held = !files;
	if (c->synced)
		tg_sweep_rebase(&c->sweep, c->store);
	if (c->synced)
		tg_log_info("sources read: %zu files, %zu clusters, %zu policies, %zu pods, "
			    "%zu namespaces, %zu nodes, %zu services",
			stats.files, c->n_clusters, stats.policies, stats.pods, stats.namespaces,
			stats.nodes, stats.services);
}

/* What is in the store comes into force. */
static void enforce(struct tg_controller *c)
{
	if (c->batch_noticed_at == 0)
		c->batch_noticed_at = uv_hrtime();
	if (c->noticed_at == 0)
		c->noticed_at = c->batch_noticed_at;
	check_synced(c);
	if (c->synced && tg_store_changed(c->store))
		take_changes(c);
	else if (tg_store_changed(c->store))
		drop_changes(c); /* the first view will have them */
	if (!c->dirty)
		c->noticed_at = 0;
	c->batch_noticed_at = 0;
	sweep(c);
	start_compile(c);
	notes_sources(c);
	notes_publish(c);
}

static void process(struct tg_controller *c)
{
	const struct tg_watch_change *changes;
	size_t n;

	c->complete = true;
	if (tg_watch_collect(c->watch, clock_ms(), &changes, &n) != 0) {
		tg_log_err("out of memory while looking for changed files; looking again");
		c->complete = false;
	}
	for (size_t i = 0; i < n; i++)
		load_file(c, &changes[i]);
	enforce(c);
}

static void schedule(struct tg_controller *c);

static void on_due(uv_timer_t *timer)
{
	struct tg_controller *c = timer->data;

	process(c);
	schedule(c);
}

static void schedule(struct tg_controller *c)
{
	uint64_t due = tg_watch_due(c->watch), now = clock_ms();

	if (due == UINT64_MAX) {
		uv_timer_stop(&c->due_timer);
		return;
	}
	uv_update_time(c->loop);
	uv_timer_start(&c->due_timer, on_due, due > now ? due - now : 0, 0);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct tg_controller *c = poll->data;
	int err = tg_watch_read(c->watch, clock_ms());

	if (err != 0) {
		tg_log_err("inotify: %s; only scans find changes now", strerror(-err));
		uv_poll_stop(poll);
	}
	if (c->batch_noticed_at == 0 && tg_watch_due(c->watch) != UINT64_MAX)
		c->batch_noticed_at = uv_hrtime();
	if (tg_watch_due(c->watch) <= clock_ms())
		process(c);
	schedule(c);
}

static void rescan(struct tg_controller *c)
{
	c->notice.source.rescans++;
	tg_watch_rescan(c->watch);
	schedule(c);
}

void tg_controller_rescan(struct tg_controller *c)
{
	rescan(c);
	clusters_relist(c);
}

/*
 * Until the first lists are complete there is nothing to be enforced. That may take days, where a
 * kind is forbidden: what the others were before is not kept for so long.
 */
static void pass_over(struct tg_controller *c)
{
	if (tg_store_changed(c->store))
		drop_changes(c); /* the first view will have them */
	c->batch_noticed_at = 0;
	sweep(c);
}

static void on_gathered(uv_timer_t *timer)
{
	struct tg_controller *c = timer->data;

	if (clusters_synced(c))
		enforce(c);
	else
		pass_over(c);
}

void controller_gather(struct tg_controller *c)
{
	if (c->batch_noticed_at == 0)
		c->batch_noticed_at = uv_hrtime();
	if (!uv_is_active((uv_handle_t *)&c->gather_timer))
		uv_timer_start(&c->gather_timer, on_gathered, c->config->debounce_ms, 0);
}

static void on_rescan(uv_timer_t *timer)
{
	rescan(timer->data);
}

static void on_tick(uv_timer_t *timer)
{
	notes_tick(timer->data);
}

/* --- life --- */

static bool wanted(const char *name, bool folder)
{
	return folder ? tg_manifest_folder_wanted(name) : tg_manifest_wanted(name);
}

static int start_watch(struct tg_controller *c)
{
	const struct tg_watch_options options = {
		.debounce_ms = c->config->debounce_ms,
		.wanted = wanted,
	};
	int err = tg_watch_create(&options, &c->watch);

	for (size_t i = 0; i < c->config->n_manifests && err == 0; i++)
		err = tg_watch_add(c->watch, c->config->manifests[i]);
	if (err != 0)
		tg_log_err("cannot watch: %s", strerror(-err));
	return err;
}

static int start_http(struct tg_controller *c)
{
	const struct tg_config *config = c->config;
	char text[TG_ADDR_TEXT];
	int err;

	if (!config->http.enabled)
		return 0;
	tg_addr_format(&config->http.addr, text);
	err = tg_http_start(&config->http.addr, config->http.port, c->board, &c->http);
	if (err != 0)
		tg_log_err(
			"cannot listen on %s port %u: %s", text, config->http.port, strerror(-err));
	else
		tg_log_info("metrics and status on %s port %u", text, tg_http_port(c->http));
	return err;
}

static int start_push(struct tg_controller *c)
{
	const struct tg_push_options options = {
		.path = c->config->dataplane_socket,
		.name = "tidegate-ctrl " TG_VERSION,
		.retry_min_ms = TG_PUSH_RETRY_MIN_MS,
		.retry_max_ms = TG_PUSH_RETRY_MAX_MS,
		.reply_ms = TG_PUSH_REPLY_MS,
		.ruleset_reply_ms = TG_PUSH_RULESET_REPLY_MS,
	};
	struct tg_push_handler handler = controller_push_handler;

	handler.ctx = c;
	return tg_push_create(c->loop, &options, &handler, &c->push);
}

static void start_timer(struct tg_controller *c, uv_timer_t *timer)
{
	uv_timer_init(c->loop, timer);
	timer->data = c;
}

static void start_handles(struct tg_controller *c)
{
	uint64_t rescan = (uint64_t)c->config->rescan_s * 1000;

	start_timer(c, &c->due_timer);
	start_timer(c, &c->gather_timer);
	start_timer(c, &c->rescan_timer);
	start_timer(c, &c->compile_timer);
	start_timer(c, &c->tick_timer);
	start_timer(c, &c->notes_timer);
	uv_poll_init(c->loop, &c->watch_poll, tg_watch_fd(c->watch));
	c->watch_poll.data = c;
	uv_poll_start(&c->watch_poll, UV_READABLE, on_watch);
	if (rescan != 0)
		uv_timer_start(&c->rescan_timer, on_rescan, rescan, rescan);
	uv_timer_start(&c->tick_timer, on_tick, TICK_MS, TICK_MS);
	/* Also where there are no folders: then all files that there are were read. */
	uv_timer_start(&c->due_timer, on_due, 0, 0);
}

static int create_parts(struct tg_controller *c)
{
	const struct tg_sweep_options sweep = {.times = TG_SWEEP_TIMES, .more = TG_SWEEP_MORE};

	tg_sweep_init(&c->sweep, &sweep);
	c->store = tg_store_create();
	c->compiler = tg_compiler_create();
	c->cache = tg_compile_cache_create();
	c->board = tg_board_create();
	if (c->store == NULL || c->compiler == NULL || c->cache == NULL || c->board == NULL) {
		tg_log_err("out of memory");
		return -ENOMEM;
	}
	tg_store_set_scope(c->store, &c->config->scope);
	return start_watch(c);
}

int tg_controller_start(uv_loop_t *loop, const struct tg_config *config, struct tg_controller **out)
{
	struct tg_controller *c = calloc(1, sizeof(*c));
	int err;

	if (c == NULL)
		return -ENOMEM;
	c->loop = loop;
	c->config = config;
	c->notice.started_at = tg_clock_ms(CLOCK_REALTIME);
	memcpy(c->notice.default_action, config->compile.default_action,
		sizeof(c->notice.default_action));
	c->notice.transit_allow = config->compile.transit_allow;
	err = create_parts(c);
	if (err == 0)
		err = start_http(c);
	if (err != 0)
		goto free_parts;
	read_archive(c);
	err = start_push(c);
	if (err != 0)
		goto free_parts;
	start_handles(c);
	err = clusters_start(c);
	if (err != 0)
		goto stop;
	notes_publish(c);
	*out = c;
	return 0;

stop:
	tg_controller_stop(c);
	uv_run(loop, UV_RUN_DEFAULT);

free_parts:
	tg_controller_free(c);
	return err;
}

void tg_controller_stop(struct tg_controller *c)
{
	c->stopping = true;
	tg_http_stop(c->http);
	c->http = NULL;
	tg_push_free(c->push);
	c->push = NULL;
	uv_close((uv_handle_t *)&c->watch_poll, NULL);
	clusters_stop(c);
	uv_close((uv_handle_t *)&c->due_timer, NULL);
	uv_close((uv_handle_t *)&c->gather_timer, NULL);
	uv_close((uv_handle_t *)&c->rescan_timer, NULL);
	uv_close((uv_handle_t *)&c->compile_timer, NULL);
	uv_close((uv_handle_t *)&c->tick_timer, NULL);
	uv_close((uv_handle_t *)&c->notes_timer, NULL);
}

void tg_controller_free(struct tg_controller *c)
{
	tg_http_stop(c->http);
	tg_board_free(c->board);
	notes_free(c);
	tg_target_unref(c->wanted);
	tg_target_unref(c->archived);
	tg_target_unref(c->keep_next);
	tg_vec_free(&c->since);
	free(c->clusters);
	tg_watch_free(c->watch);
	tg_compiler_free(c->compiler);
	tg_compile_cache_free(c->cache);
	if (c->store != NULL)
		tg_view_release(c->store, c->cached);
	if (c->store != NULL)
		tg_store_free(c->store);
	free(c);
}
