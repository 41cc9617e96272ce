/* SPDX-License-Identifier: BSD-3-Clause */
#include "syntax.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define LABEL_MAX 63
#define SUBDOMAIN_MAX 253
#define PORT_NAME_MAX 15

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_lower_alnum(char c)
{
	return is_digit(c) || is_lower(c);
}

/* Characters of `alnum` at both ends, these or `inner` between; not empty. */
static bool is_framed(const char *text, size_t n, bool (*alnum)(char), const char *inner)
{
	if (n == 0 || !alnum(text[0]) || !alnum(text[n - 1]))
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (!alnum(text[i]) && (text[i] == '\0' || strchr(inner, text[i]) == NULL))
			return false;
	return true;
}

bool tg_is_dns_label(const char *text)
{
	size_t n = strlen(text);

	return n <= LABEL_MAX && is_framed(text, n, is_lower_alnum, "-");
}

static bool is_subdomain(const char *text, size_t n)
{
	size_t part;

	if (n > SUBDOMAIN_MAX)
		return false;
	for (;;) {
		const char *dot = memchr(text, '.', n);

		part = dot != NULL ? (size_t)(dot - text) : n;
		if (!is_framed(text, part, is_lower_alnum, "-"))
			return false;
		if (dot == NULL)
			return true;
		text += part + 1;
		n -= part + 1;
	}
}

bool tg_is_dns_subdomain(const char *text)
{
	return is_subdomain(text, strlen(text));
}

bool tg_is_qualified_name(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *name = slash != NULL ? slash + 1 : text;
	size_t n = strlen(name);

	if (slash != NULL && !is_subdomain(text, (size_t)(slash - text)))
		return false;
	return n <= LABEL_MAX && is_framed(name, n, is_alnum, "-_.");
}

bool tg_is_label_value(const char *text)
{
	size_t n = strlen(text);

	return n == 0 || (n <= LABEL_MAX && is_framed(text, n, is_alnum, "-_."));
}

bool tg_is_port_name(const char *text)
{
	size_t n = strlen(text);
	bool letter = false;

	if (n > PORT_NAME_MAX || !is_framed(text, n, is_lower_alnum, "-"))
		return false;
	for (size_t i = 0; i < n; i++)
		letter = letter || is_lower(text[i]);
	return letter && strstr(text, "--") == NULL;
}

/* `n` digits at *text, within lo..hi; advances. */
static bool take_number(const char **text, int n, int lo, int hi, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		value = value * 10 + (**text - '0');
	}
	*out = value;
	return value >= lo && value <= hi;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* "Z" or "+hh:mm" up to the end; the offset in seconds. */
static bool take_offset(const char *p, int *out)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	*out = 0;
	if (strcmp(p, "Z") == 0)
		return true;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!take_number(&p, 2, 0, 23, &hours) || !take(&p, ':') ||
		!take_number(&p, 2, 0, 59, &minutes))
		return false;
	*out = sign * (hours * 3600 + minutes * 60);
	return *p == '\0';
}

bool tg_time_parse(const char *text, int64_t *out)
{
	struct tm tm = {0};
	int offset;

	if (!take_number(&text, 4, 0, 9999, &tm.tm_year) || !take(&text, '-') ||
		!take_number(&text, 2, 1, 12, &tm.tm_mon) || !take(&text, '-') ||
		!take_number(&text, 2, 1, 31, &tm.tm_mday) || !take(&text, 'T') ||
		!take_number(&text, 2, 0, 23, &tm.tm_hour) || !take(&text, ':') ||
		!take_number(&text, 2, 0, 59, &tm.tm_min) || !take(&text, ':') ||
		!take_number(&text, 2, 0, 59, &tm.tm_sec))
		return false;
	if (take(&text, '.')) {
		if (!is_digit(*text))
			return false;
		while (is_digit(*text))
			text++;
	}
	if (!take_offset(text, &offset))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*out = (int64_t)timegm(&tm) - offset;
	return true;
}
