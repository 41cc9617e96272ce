/* SPDX-License-Identifier: BSD-3-Clause */
/* A call as libcurl sees it. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "client_private.h"
#include "secret.h"

#define KEEPALIVE_PROBES 3 /* and as many times the time between them, after the first */

/* --- callbacks --- */

static bool is_success(long status)
{
	return status >= 200 && status <= 299;
}

static long status_of(const struct tg_kube_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The answer has begun with the empty line behind the headers of a status that is a last one. */
static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct tg_kube_call *call = ctx;
	bool last = n == 2 && line[0] == '\r' && line[1] == '\n';

	if (call->state != KUBE_CALL_RUNNING)
		return 0;
	call->heard_at = uv_now(call->client->loop);
	if (!last || call->has_head || status_of(call) < 200)
		return n;
	call->has_head = true;
	if (is_success(status_of(call)) && call->handler->begin != NULL)
		call->handler->begin(call->ctx);
	return call->state == KUBE_CALL_RUNNING ? n : 0;
}

/* As much of an error's body as there is room for; nothing is waited for behind that. */
static size_t keep_error(struct tg_kube_call *call, const char *data, size_t n)
{
	size_t room = KUBE_ERROR_BODY_MAX - call->body_size, kept = n < room ? n : room;

	if (call->body == NULL)
		call->body = malloc(KUBE_ERROR_BODY_MAX);
	if (call->body == NULL)
		return 0;
	memcpy(call->body + call->body_size, data, kept);
	call->body_size += kept;
	call->cut = kept < n;
	return kept;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct tg_kube_call *call = ctx;

	if (call->state != KUBE_CALL_RUNNING)
		return 0;
	call->heard_at = uv_now(call->client->loop);
	call->client->stats.bytes += n;
	if (!is_success(status_of(call)))
		return keep_error(call, data, n);
	if (call->handler->data(call->ctx, data, n) != 0)
		call->stopped = true;
	return !call->stopped && call->state == KUBE_CALL_RUNNING ? n : 0;
}

/* A plugin does not inherit it, and a peer that is gone is noticed. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct tg_kube_client *client = ctx;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	unsigned int ms = client->options.keepalive_s * 1000 * (KEEPALIVE_PROBES + 1);
	int probes = KEEPALIVE_PROBES;

	client->stats.connections++;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return fd;
}

/* --- options --- */

/* Appends "NAME: VALUE" or the like. */
static int __attribute__((format(printf, 2, 3)))
append(struct curl_slist **list, const char *fmt, ...)
{
	struct curl_slist *grown;
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	grown = curl_slist_append(*list, text);
	kube_secret_free(text);
	if (grown == NULL)
		return -ENOMEM;
	*list = grown;
	return 0;
}

static int set_headers(struct tg_kube_call *call)
{
	const char *header = call->credentials->header;

	if (append(&call->headers, "Accept: %s",
		    call->accept != NULL ? call->accept : "application/json") != 0)
		return -ENOMEM;
	return header != NULL ? append(&call->headers, "%s", header) : 0;
}

/*
 * The certificate's name is that of the URL's host, so where it is another one (tls-server-name)
 * the URL has it, and where to connect to and Host say the real one.
 */
static int set_url(struct tg_kube_call *call)
{
	const struct tg_kube_client *client = call->client;
	const struct kube_url *server = &client->server;
	const char *name = client->options.access->server_name;
	bool renamed = name != NULL && strcmp(server->scheme, "https") == 0;
	bool brackets = renamed && strchr(name, ':') != NULL;
	const char *colon = server->port != NULL ? ":" : "", *port = server->port;
	CURLcode code;
	char *url;

	if (port == NULL)
		port = "";
	if (asprintf(&url, "%s://%s%s%s%s%s%s%s", server->scheme, brackets ? "[" : "",
		    renamed ? name : server->host, brackets ? "]" : "", colon, port, server->path,
		    call->path) < 0)
		return -ENOMEM;
	code = curl_easy_setopt(call->easy, CURLOPT_URL, url);
	free(url);
	if (code != CURLE_OK)
		return -ENOMEM;
	if (!renamed)
		return 0;
	if (append(&call->connect_to, "::%s:%s", server->host, port[0] != '\0' ? port : "443") != 0)
		return -ENOMEM;
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	return append(&call->headers, "Host: %s%s%s", server->host, colon, port);
}

/* The text is the credentials', which live longer than the transfer. */
static void set_blob(CURL *easy, CURLoption option, char *text)
{
	struct curl_blob blob = {.data = text, .flags = CURL_BLOB_NOCOPY};

	if (text == NULL)
		return;
	blob.len = strlen(text);
	curl_easy_setopt(easy, option, &blob);
}

static void set_tls(struct tg_kube_call *call)
{
	const struct tg_kube_access *access = call->client->options.access;
	const struct kube_credentials *credentials = call->credentials;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, access->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, access->insecure ? 0L : 2L);
	if (credentials->ca != NULL) {
		/* The folder of the system's roots would be trusted besides the blob. */
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
		set_blob(easy, CURLOPT_CAINFO_BLOB, credentials->ca);
		set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, credentials->ca);
	}
	set_blob(easy, CURLOPT_SSLCERT_BLOB, credentials->certificate);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, credentials->key);
	/* An encrypted key is an error, not a question on the terminal. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

/* Empty: none, whatever the environment says. */
static CURLcode set_proxy_url(CURL *easy, const char *proxy)
{
	static const char socks[] = "socks5://";
	CURLcode code;
	char *url;

	if (strncasecmp(proxy, socks, strlen(socks)) != 0)
		return curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
	/* The proxy looks up the name, as in Go. */
	if (asprintf(&url, "socks5h://%s", proxy + strlen(socks)) < 0)
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_setopt(easy, CURLOPT_PROXY, url);
	kube_secret_free(url);
	return code;
}

static int set_proxy(struct tg_kube_call *call)
{
	const char *proxy = call->client->options.access->proxy;
	CURL *easy = call->easy;
	CURLcode code = set_proxy_url(easy, proxy != NULL ? proxy : "");

	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* The proxy does not see our headers. */
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

static void set_times(struct tg_kube_call *call)
{
	const struct tg_kube_client_options *options = &call->client->options;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)options->keepalive_s);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)options->keepalive_s);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Or ending a call would wait for a name server that does not answer. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static int set_request(struct tg_kube_call *call)
{
	const struct tg_kube_access *access = call->client->options.access;
	const char *agent = call->client->options.agent;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	if (curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) != CURLE_OK)
		return -ENOMEM;
	if (!access->uncompressed &&
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip") != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static void set_callbacks(struct tg_kube_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call->client);
}

int kube_transfer_start(struct tg_kube_call *call)
{
	call->easy = curl_easy_init();
	if (call->easy == NULL || set_headers(call) != 0 || set_url(call) != 0 ||
		set_proxy(call) != 0 || set_request(call) != 0)
		return -ENOMEM;
	set_tls(call);
	set_times(call);
	set_callbacks(call);
	call->client->stats.requests++;
	return curl_multi_add_handle(call->client->multi, call->easy) == CURLM_OK ? 0 : -ENOMEM;
}
