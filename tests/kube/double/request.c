/* SPDX-License-Identifier: BSD-3-Clause */
/* A request's head to its parts. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static int hex(char c)
{
	return c >= '0' && c <= '9'	    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
					    : -1;
}

bool url_decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (*text == '+') {
			*to++ = ' ';
		} else if (*text != '%') {
			*to++ = *text;
		} else {
			if (hex(text[1]) < 0 || hex(text[2]) < 0)
				return false;
			*to++ = (char)(hex(text[1]) << 4 | hex(text[2]));
			text += 2;
		}
	}
	*to = '\0';
	return true;
}

/* "a=b&c=d", of which it keeps copies. */
static int parse_query(struct request *request, const char *query)
{
	char *copy = xstrdup(query), *rest = copy, *word;

	while ((word = strsep(&rest, "&")) != NULL) {
		char *value = word;
		struct param param;

		if (*word == '\0')
			continue;
		strsep(&value, "=");
		param = (struct param){xstrdup(word), xstrdup(value != NULL ? value : "")};
		vec_push(&request->params, param);
		if (!url_decode(param.name) || !url_decode(param.value)) {
			free(copy);
			return -EINVAL;
		}
	}
	free(copy);
	return 0;
}

static int parse_target(struct request *request)
{
	const char *query = strchr(request->target, '?');
	size_t n = strcspn(request->target, "?");

	request->path = xrealloc(NULL, n + 1);
	memcpy(request->path, request->target, n);
	request->path[n] = '\0';
	if (request->path[0] != '/' || !url_decode(request->path))
		return -EINVAL;
	return query != NULL ? parse_query(request, query + 1) : 0;
}

static void header(struct request *request, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **to;
	} headers[] = {{"User-Agent", &request->agent}, {"Accept", &request->accept},
		{"Authorization", &request->authorization}, {"Host", &request->host},
		{"Content-Type", &request->content_type}};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (strcasecmp(name, headers[i].name) == 0)
			*headers[i].to = value;
	if (strcasecmp(name, "Content-Length") == 0)
		request->body_size = strtoul(value, NULL, 10);
	if (strcasecmp(name, "Expect") == 0)
		request->expects = true;
	if (strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") == 0)
		request->close = true;
}

static int parse_headers(struct request *request, char *lines)
{
	char *line;

	while ((line = strsep(&lines, "\n")) != NULL && *line != '\0' && *line != '\r') {
		char *value = strchr(line, ':');

		if (value == NULL || value == line)
			return -EINVAL;
		*value++ = '\0';
		value += strspn(value, " \t");
		value[strcspn(value, "\r")] = '\0';
		header(request, line, value);
	}
	return 0;
}

int request_parse(struct request *request, char *head)
{
	char *rest = head, *line = strsep(&rest, "\n"), *version;

	*request = (struct request){.head = head,
		.agent = "",
		.accept = "",
		.authorization = "",
		.content_type = "",
		.host = ""};
	request->method = strsep(&line, " ");
	request->target = strsep(&line, " ");
	version = line;
	if (request->target == NULL || version == NULL || rest == NULL ||
		strncmp(version, "HTTP/1.1", 8) != 0)
		return -EINVAL;
	if (parse_target(request) != 0)
		return -EINVAL;
	return parse_headers(request, rest);
}

void request_free(struct request *request)
{
	for (size_t i = 0; i < request->params.n; i++) {
		free(request->params.v[i].name);
		free(request->params.v[i].value);
	}
	free(request->params.v);
	free(request->head);
	free(request->path);
	free(request->body);
	*request = (struct request){0};
}

const char *request_param(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->params.n; i++)
		if (strcmp(request->params.v[i].name, name) == 0)
			return request->params.v[i].value;
	return NULL;
}

bool request_flag(const struct request *request, const char *name)
{
	const char *value = request_param(request, name);

	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}
