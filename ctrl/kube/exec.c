/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "json.h"
#include "secret.h"
#include "text.h"

#define INFO "KUBERNETES_EXEC_INFO"

/*
 * Over when the process has exited and its output has ended, or when something went wrong. The
 * process handle is closed by the exit only, as nobody would wait for the process otherwise.
 */
struct kube_exec_run {
	const struct tg_kube_exec *exec;
	kube_exec_done *done; /* NULL: has been told, or nobody asks any more */
	void *ctx;
	uint32_t limit_ms;
	uv_process_t process;
	uv_pipe_t output;
	uv_timer_t timer;
	int open;   /* handles */
	bool ended; /* its output */
	bool exited;
	int64_t exit_status;
	int signal;
	size_t size;
	char text[TG_KUBE_FILE_MAX];
};

static void closed(uv_handle_t *handle)
{
	struct kube_exec_run *run = handle->data;

	if (--run->open > 0)
		return;
	explicit_bzero(run->text, run->size);
	free(run);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, closed);
}

/* Kills what is left, its children too, and closes all but what waits for the exit. */
static void end(struct kube_exec_run *run)
{
	if (!run->exited)
		kill(-run->process.pid, SIGKILL);
	close_handle((uv_handle_t *)&run->output);
	close_handle((uv_handle_t *)&run->timer);
}

static void tell(
	struct kube_exec_run *run, struct kube_exec_credential *credential, const char *what)
{
	kube_exec_done *done = run->done;
	char why[TG_KUBE_WHY];

	end(run);
	run->done = NULL;
	if (done == NULL)
		return;
	kube_text_line(why, sizeof(why), "exec plugin %s %s", run->exec->argv[0], what);
	done(run->ctx, credential, why);
}

static void finish(struct kube_exec_run *run)
{
	struct kube_exec_credential credential;
	const char *why;
	char text[64];
	int err;

	if (!run->exited || !run->ended)
		return;
	if (run->signal != 0) {
		snprintf(text, sizeof(text), "was ended by signal %d", run->signal);
		tell(run, NULL, text);
	} else if (run->exit_status != 0) {
		snprintf(text, sizeof(text), "exited with %lld", (long long)run->exit_status);
		tell(run, NULL, text);
	} else {
		err = kube_exec_read(
			run->exec->api_version, run->text, run->size, &credential, &why);
		tell(run, err == 0 ? &credential : NULL,
			err == -ENOMEM ? "is done, but memory is out" : why);
	}
}

static void on_process(uv_process_t *process, int64_t status, int signal)
{
	struct kube_exec_run *run = process->data;

	run->exited = true;
	run->exit_status = status;
	run->signal = signal;
	close_handle((uv_handle_t *)process);
	if (run->done != NULL)
		finish(run);
}

static void on_timer(uv_timer_t *timer)
{
	struct kube_exec_run *run = timer->data;
	char text[64];

	snprintf(text, sizeof(text), "was not done within %u ms", run->limit_ms);
	tell(run, NULL, text);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct kube_exec_run *run = handle->data;

	*buf = uv_buf_init(run->text + run->size, (unsigned int)(sizeof(run->text) - run->size));
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct kube_exec_run *run = stream->data;

	if (n == UV_ENOBUFS) {
		tell(run, NULL, "printed too much");
	} else if (n < 0) {
		run->ended = true;
		uv_read_stop(stream);
		finish(run);
	} else {
		run->size += (size_t)n;
	}
}

/* --- what it is told --- */

static void print_cluster(FILE *out, const struct tg_kube_access *access, const char *ca)
{
	fputs(",\"cluster\":{\"server\":", out);
	kube_json_string(out, access->server);
	if (access->server_name != NULL) {
		fputs(",\"tls-server-name\":", out);
		kube_json_string(out, access->server_name);
	}
	if (access->insecure)
		fputs(",\"insecure-skip-tls-verify\":true", out);
	if (ca != NULL) {
		size_t size = strlen(ca);
		char *base64 = malloc(TG_BASE64_TEXT(size));

		if (base64 != NULL) {
			tg_base64_encode(ca, size, base64);
			fprintf(out, ",\"certificate-authority-data\":\"%s\"", base64);
		}
		free(base64);
	}
	if (access->proxy != NULL) {
		fputs(",\"proxy-url\":", out);
		kube_json_string(out, access->proxy);
	}
	if (access->uncompressed)
		fputs(",\"disable-compression\":true", out);
	/* Always there in what client-go sends. */
	fprintf(out, ",\"config\":%s}",
		access->exec->cluster_config != NULL ? access->exec->cluster_config : "null");
}

/* "KUBERNETES_EXEC_INFO={...}", to be freed; NULL: out of memory. */
static char *exec_info(const struct tg_kube_access *access, const char *ca)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs(INFO "={\"kind\":\"ExecCredential\",\"apiVersion\":", out);
	kube_json_string(out, access->exec->api_version);
	fputs(",\"spec\":{", out);
	fputs("\"interactive\":false", out);
	if (access->exec->provide_cluster_info)
		print_cluster(out, access, ca);
	fputs("}}", out);
	fclose(out);
	return text;
}

/* Sets "NAME=value" in the list of *n, in place of what NAME has been. */
static void set_variable(char **list, size_t *n, char *variable)
{
	size_t name = (size_t)(strchrnul(variable, '=') - variable) + 1;

	for (size_t i = 0; i < *n; i++)
		if (strncmp(list[i], variable, name) == 0) {
			list[i] = variable;
			return;
		}
	list[(*n)++] = variable;
}

/* Our environment with the plugin's; the list is to be freed, not what it points to. */
static char **environment(const struct tg_kube_exec *exec, char *info)
{
	size_t room = 2, n = 0;
	char **list;

	for (char **v = environ; *v != NULL; v++)
		room++;
	for (const char *const *v = exec->env; *v != NULL; v++)
		room++;
	list = calloc(room, sizeof(*list));
	if (list == NULL)
		return NULL;
	for (char **v = environ; *v != NULL; v++)
		list[n++] = *v;
	for (const char *const *v = exec->env; *v != NULL; v++)
		set_variable(list, &n, (char *)*v);
	set_variable(list, &n, info);
	return list;
}

/* --- the run --- */

static int spawn(uv_loop_t *loop, struct kube_exec_run *run, char **env)
{
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_IGNORE},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&run->output},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t options = {
		.exit_cb = on_process,
		.file = run->exec->argv[0],
		.args = (char **)run->exec->argv,
		.env = env,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};

	uv_timer_init(loop, &run->timer);
	uv_pipe_init(loop, &run->output, 0);
	run->timer.data = run->output.data = run->process.data = run;
	run->open = 3;
	return uv_spawn(loop, &run->process, &options);
}

static int start(uv_loop_t *loop, struct kube_exec_run *run, char **env, char why[TG_KUBE_WHY])
{
	int err = spawn(loop, run, env);

	if (err == 0)
		err = uv_read_start((uv_stream_t *)&run->output, on_room, on_output);
	else
		run->exited = true;
	if (err == 0)
		err = uv_timer_start(&run->timer, on_timer, run->limit_ms, 0);
	if (err == 0)
		return 0;
	if (run->exited)
		close_handle((uv_handle_t *)&run->process);
	end(run);
	kube_text_line(why, TG_KUBE_WHY, "exec plugin %s cannot be run: %s%s%s", run->exec->argv[0],
		uv_strerror(err), run->exec->install_hint != NULL ? ": " : "",
		run->exec->install_hint != NULL ? run->exec->install_hint : "");
	return -EACCES;
}

int kube_exec_start(uv_loop_t *loop, const struct tg_kube_access *access, const char *ca,
	uint32_t limit_ms, kube_exec_done *done, void *ctx, struct kube_exec_run **out,
	char why[TG_KUBE_WHY])
{
	struct kube_exec_run *run = malloc(sizeof(*run));
	char *info = exec_info(access, ca);
	char **env = info != NULL ? environment(access->exec, info) : NULL;
	int err = -ENOMEM;

	if (run == NULL || env == NULL) {
		free(run);
		goto free_env;
	}
	memset(run, 0, offsetof(struct kube_exec_run, text));
	run->exec = access->exec;
	run->limit_ms = limit_ms;
	run->done = done;
	run->ctx = ctx;
	err = start(loop, run, env, why);
	if (err == 0)
		*out = run;
free_env:
	free(env);
	kube_secret_free(info); /* a proxy's password may be in it */
	return err;
}

void kube_exec_cancel(struct kube_exec_run *run)
{
	run->done = NULL;
	end(run);
}
