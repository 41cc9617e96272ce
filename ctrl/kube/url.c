/* SPDX-License-Identifier: BSD-3-Clause */
#include "url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"

/* Our own copy of a part; NULL and 0 when there is none. */
static int part(CURLU *url, CURLUPart what, char **out)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(url, what, &text, 0);

	*out = NULL;
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (code != CURLUE_OK)
		return 0;
	*out = strdup(text);
	curl_free(text);
	return *out != NULL ? 0 : -ENOMEM;
}

/* Whether there is such a part, which may be a secret. */
static bool has(CURLU *url, CURLUPart what)
{
	char *text = NULL;
	bool found = curl_url_get(url, what, &text, 0) == CURLUE_OK;

	if (text != NULL)
		explicit_bzero(text, strlen(text));
	curl_free(text);
	return found;
}

static int split(CURLU *url, const char *text, struct kube_url *out)
{
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
	size_t n;
	int err;

	if (code != CURLUE_OK)
		return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	if ((err = part(url, CURLUPART_SCHEME, &out->scheme)) != 0 ||
		(err = part(url, CURLUPART_HOST, &out->host)) != 0 ||
		(err = part(url, CURLUPART_PORT, &out->port)) != 0 ||
		(err = part(url, CURLUPART_PATH, &out->path)) != 0)
		return err;
	if (out->scheme == NULL || out->host == NULL || out->path == NULL)
		return -EINVAL;
	for (n = strlen(out->path); n > 0 && out->path[n - 1] == '/'; n--)
		out->path[n - 1] = '\0';
	out->has_user = has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD);
	out->has_query = has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT);
	return 0;
}

int kube_url_parse(const char *text, struct kube_url *out)
{
	CURLU *url = curl_url();
	int err;

	memset(out, 0, sizeof(*out));
	if (url == NULL)
		return -ENOMEM;
	err = split(url, text, out);
	if (err != 0)
		kube_url_free(out);
	curl_url_cleanup(url);
	return err;
}

void kube_url_free(struct kube_url *url)
{
	free(url->scheme);
	free(url->host);
	free(url->port);
	free(url->path);
	memset(url, 0, sizeof(*url));
}

bool kube_url_is_loopback(const struct kube_url *url)
{
	static const struct tg_addr one = {.bytes = {[15] = 1}, .family = 6};
	char text[TG_ADDR_TEXT];
	struct tg_addr addr;
	size_t n = strlen(url->host);

	if (strcasecmp(url->host, "localhost") == 0)
		return true; /* libcurl asks no name server for it */
	if (n < 2 || n >= sizeof(text))
		return false;
	if (url->host[0] == '[')
		snprintf(text, sizeof(text), "%.*s", (int)(n - 2), url->host + 1);
	else
		snprintf(text, sizeof(text), "%s", url->host);
	if (tg_addr_parse(text, &addr) != 0)
		return false;
	return addr.family == 4 ? tg_addr_v4(&addr) >> 24 == 127
				: tg_addr_compare(&addr, &one) == 0;
}
