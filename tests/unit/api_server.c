/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

#define LIMIT_S 100 /* nothing here takes a tenth of it */

static struct {
	char folder[64];
	pid_t pid;
	int stdin_fd;
	struct {
		char name[32];
		unsigned int port;
	} servers[16];
	size_t n;
} server;

/* --- the process --- */

static void run_server(const int in[2], const int out[2])
{
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	close(in[1]);
	close(out[0]);
	execlp("python3", "python3", TG_API_SERVER, server.folder, NULL);
	_exit(127);
}

static bool read_ports(int fd)
{
	FILE *f = fdopen(fd, "r");
	char name[32] = "";
	unsigned int port;

	while (fscanf(f, "%31s", name) == 1 && strcmp(name, "ready") != 0) {
		if (fscanf(f, "%u", &port) != 1)
			break;
		strcpy(server.servers[server.n].name, name);
		server.servers[server.n++].port = port;
	}
	fclose(f);
	return strcmp(name, "ready") == 0;
}

int api_server_start(void **state)
{
	int in[2], out[2];

	signal(SIGPIPE, SIG_IGN);
	alarm(LIMIT_S);
	strcpy(server.folder, "/tmp/tidegate-kube-XXXXXX");
	if (mkdtemp(server.folder) == NULL || pipe2(in, O_CLOEXEC) != 0 ||
		pipe2(out, O_CLOEXEC) != 0)
		return -1;
	server.pid = fork();
	if (server.pid == 0)
		run_server(in, out);
	close(in[0]);
	close(out[1]);
	server.stdin_fd = in[1];
	*state = server.folder;
	return server.pid > 0 && read_ports(out[0]) ? 0 : -1;
}

int api_server_stop(void **state)
{
	char command[128];
	int status;

	close(server.stdin_fd);
	waitpid(server.pid, &status, 0);
	snprintf(command, sizeof(command), "rm -r %s", server.folder);
	return system(command) == 0 && status == 0 ? 0 : -1;
}

unsigned int api_server_port(const char *name)
{
	for (size_t i = 0; i < server.n; i++)
		if (strcmp(server.servers[i].name, name) == 0)
			return server.servers[i].port;
	fail_msg("no server %s", name);
	return 0;
}

const char *api_server_url(const char *name)
{
	static char url[64];

	snprintf(url, sizeof(url), "https://localhost:%u", api_server_port(name));
	return url;
}

const char *api_server_path(const char *name)
{
	static char paths[32][128];
	char path[128];
	size_t i = 0;

	snprintf(path, sizeof(path), "%s/%s", server.folder, name);
	for (; paths[i][0] != '\0'; i++)
		if (strcmp(paths[i], path) == 0)
			return paths[i];
	assert_true(i + 1 < sizeof(paths) / sizeof(paths[0]));
	return strcpy(paths[i], path);
}

const char *api_server_read(const char *name)
{
	static char text[1 << 20];
	char *got;
	size_t size;

	text[0] = '\0';
	if (tg_read_file(api_server_path(name), sizeof(text) - 1, &got, &size) != 0)
		return text;
	memcpy(text, got, size);
	text[size] = '\0';
	free(got);
	return text;
}

void api_server_write(const char *name, const char *text)
{
	/* Renamed, as kubelet does: nobody sees half of it. */
	const char *path = api_server_path(name), *fresh = api_server_path("fresh");
	FILE *f = fopen(fresh, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(fresh, path), 0);
}

/* --- calls --- */

static void on_begin(void *ctx)
{
	struct heard *heard = ctx;

	heard->begun++;
	if (heard->on_begin != NULL)
		heard->on_begin(heard);
}

static int on_data(void *ctx, const void *data, size_t size)
{
	struct heard *heard = ctx;
	size_t room = heard->size < sizeof(heard->body) - 1 ? sizeof(heard->body) - 1 - heard->size
							    : 0;

	assert_int_equal(heard->begun, 1);
	assert_int_equal(heard->done, 0);
	memcpy(heard->body + sizeof(heard->body) - 1 - room, data, size < room ? size : room);
	heard->size += size;
	return heard->on_data != NULL ? heard->on_data(heard) : 0;
}

static void on_done(void *ctx, const struct tg_kube_result *result)
{
	struct heard *heard = ctx;

	heard->done++;
	heard->call = NULL;
	heard->result = *result;
	if (heard->on_done != NULL)
		heard->on_done(heard);
}

void caller_open(struct caller *caller, const struct tg_kube_access *access)
{
	static char url[64];

	memset(caller, 0, sizeof(*caller));
	caller->access = *access;
	if (caller->access.server == NULL) {
		strcpy(url, api_server_url("server"));
		caller->access.server = url;
	}
	if (access->ca.text == NULL && access->ca.file == NULL && !access->insecure)
		caller->access.ca.file = api_server_path("ca.crt");
	else if (access->ca.file != NULL && access->ca.file[0] == '\0')
		caller->access.ca.file = NULL;
	caller->options = (struct tg_kube_client_options){
		.access = &caller->access, .agent = "tidegate-test"};
	uv_loop_init(&caller->loop);
	assert_int_equal(
		tg_kube_client_create(&caller->loop, &caller->options, &caller->client), 0);
}

void caller_close(struct caller *caller)
{
	tg_kube_client_free(caller->client);
	uv_run(&caller->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&caller->loop), 0);
}

bool caller_try(struct caller *caller, struct heard *heard, const struct tg_kube_request *request)
{
	static const struct tg_kube_handler handler = {on_begin, on_data, on_done};

	heard->caller = caller;
	heard->call = tg_kube_client_get(caller->client, request, &handler, heard);
	assert_int_equal(heard->done, 0);
	return heard->call != NULL;
}

void caller_get(struct caller *caller, struct heard *heard, const struct tg_kube_request *request)
{
	assert_true(caller_try(caller, heard, request));
}

void caller_wait(struct caller *caller, const struct heard *heard)
{
	while (heard->done == 0)
		assert_true(uv_run(&caller->loop, UV_RUN_ONCE) != 0 || heard->done != 0);
	assert_int_equal(heard->done, 1);
}

const struct heard *call_once(const struct tg_kube_access *access, const char *path)
{
	static struct heard heard;
	const struct tg_kube_request request = {.path = path};
	struct caller caller;

	memset(&heard, 0, sizeof(heard));
	caller_open(&caller, access);
	caller_get(&caller, &heard, &request);
	caller_wait(&caller, &heard);
	caller_close(&caller);
	return &heard;
}
