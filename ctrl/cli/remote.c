/* SPDX-License-Identifier: BSD-3-Clause */
#include "remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S 5L
#define TOTAL_TIMEOUT_S 60L

struct body {
	char *data; /* NUL-terminated */
	size_t size, capacity, limit;
	bool too_big;
};

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
	struct body *body = arg;
	size_t n = size * count, wanted = body->size + n + 1;

	if (n > body->limit - body->size) {
		body->too_big = true;
		return 0;
	}
	if (wanted > body->capacity) {
		size_t capacity = wanted > body->capacity * 2 ? wanted : body->capacity * 2;
		char *grown = realloc(body->data, capacity);

		if (grown == NULL)
			return 0;
		body->data = grown;
		body->capacity = capacity;
	}
	memcpy(body->data + body->size, data, n);
	body->size += n;
	body->data[body->size] = '\0';
	return n;
}

static void prepare(CURL *curl, const char *address, struct body *body, char *error)
{
	curl_easy_setopt(curl, CURLOPT_URL, address);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tidegate/" TG_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

/* What the server said in words, when it refused: the first line of a short text. */
static void complain_status(struct tg_cli *cli, const char *command, const char *address,
	long status, const struct body *body)
{
	int length = body->data != NULL ? (int)strcspn(body->data, "\r\n") : 0;

	tg_cli_fail(cli, command, "%s: HTTP status %ld%s%.*s", address, status,
		length != 0 ? ": " : "", length < 200 ? length : 200,
		length != 0 ? body->data : "");
}

static int get(struct tg_cli *cli, const char *command, const char *address, struct body *body)
{
	char error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	int code = TG_EXIT_USAGE;
	long status = 0;
	CURLcode rc;

	if (curl == NULL)
		return tg_cli_fail(cli, command, "out of memory");
	prepare(curl, address, body, error);
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (body->too_big)
		tg_cli_fail(cli, command, "%s: the answer is too long", address);
	else if (rc != CURLE_OK)
		tg_cli_fail(cli, command, "%s: %s (is tidegate-ctrl running there?)", address,
			error[0] != '\0' ? error : curl_easy_strerror(rc));
	else if (status != 200)
		complain_status(cli, command, address, status, body);
	else
		code = TG_EXIT_OK;
	curl_easy_cleanup(curl);
	return code;
}

static int get_path(struct tg_cli *cli, const char *command, const char *url, const char *path,
	struct body *body)
{
	char *address;
	int code;

	if (url == NULL)
		url = TG_REMOTE_URL;
	if (asprintf(&address, "%.*s%s", (int)(strlen(url) - (*url && url[strlen(url) - 1] == '/')),
		    url, path) < 0)
		return tg_cli_fail(cli, command, "out of memory");
	code = get(cli, command, address, body);
	free(address);
	return code;
}

int tg_remote_json(
	struct tg_cli *cli, const char *command, const char *url, const char *path, cJSON **out)
{
	struct body body = {.limit = TG_REMOTE_JSON_MAX};
	int code = get_path(cli, command, url, path, &body);

	if (code == TG_EXIT_OK) {
		*out = body.data != NULL ? cJSON_ParseWithOpts(body.data, NULL, 1) : NULL;
		if (*out == NULL)
			code = tg_cli_fail(cli, command, "%s: the answer is no JSON", path);
	}
	free(body.data);
	return code;
}

int tg_remote_ruleset(
	struct tg_cli *cli, const char *command, const char *url, struct tg_remote_image *out)
{
	struct body body = {.limit = TG_IMAGE_MAX_SIZE};
	int code = get_path(cli, command, url, "/v1/ruleset", &body);
	struct tg_image_error refusal;

	if (code == TG_EXIT_OK && body.size == 0)
		code = tg_cli_fail(cli, command, "no ruleset is in force");
	if (code == TG_EXIT_OK) {
		size_t room = (body.size + TG_IMAGE_ALIGN - 1) / TG_IMAGE_ALIGN * TG_IMAGE_ALIGN;

		out->data = aligned_alloc(TG_IMAGE_ALIGN, room);
		if (out->data == NULL)
			code = tg_cli_fail(cli, command, "out of memory");
	}
	if (code == TG_EXIT_OK) {
		memcpy(out->data, body.data, body.size);
		if (tg_image_check(out->data, body.size, &out->image, &refusal) != 0)
			code = tg_cli_fail(
				cli, command, "the ruleset received is damaged: %s", refusal.text);
	}
	free(body.data);
	return code;
}

void tg_remote_image_free(struct tg_remote_image *image)
{
	free(image->data);
	image->data = NULL;
}
