/* SPDX-License-Identifier: BSD-3-Clause */
#include "pem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"

#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE "-----END CERTIFICATE-----"

enum {
	DER_INTEGER = 0x02,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_VERSION = 0xa0
};

struct der {
	const uint8_t *p, *end;
};

/* The next element, which has to be of that type; *content is what it holds. */
static bool take(struct der *d, uint8_t tag, struct der *content)
{
	size_t length, bytes;

	if (d->end - d->p < 2 || d->p[0] != tag)
		return false;
	length = d->p[1];
	d->p += 2;
	if (length >= 0x80) {
		bytes = length & 0x7f;
		if (bytes == 0 || bytes > 4 || (size_t)(d->end - d->p) < bytes)
			return false;
		for (length = 0; bytes > 0; bytes--)
			length = length << 8 | *d->p++;
	}
	if ((size_t)(d->end - d->p) < length)
		return false;
	content->p = d->p;
	content->end = d->p += length;
	return true;
}

/* `n` digits as a number; -1 when there are others. */
static int digits(const uint8_t *p, int n)
{
	int number = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		number = number * 10 + (p[i] - '0');
	}
	return number;
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, nothing else is legal in a certificate. */
static int64_t read_time(struct der *d)
{
	struct der text;
	struct tm tm = {0};
	int year;

	if (take(d, DER_UTC_TIME, &text) && text.end - text.p == 13) {
		year = digits(text.p, 2);
		tm.tm_year = year < 50 ? year + 100 : year;
	} else if (take(d, DER_GENERALIZED_TIME, &text) && text.end - text.p == 15) {
		year = digits(text.p, 4);
		tm.tm_year = year - 1900;
	} else {
		return 0;
	}
	text.p = text.end - 11;
	tm.tm_mon = digits(text.p, 2) - 1;
	tm.tm_mday = digits(text.p + 2, 2);
	tm.tm_hour = digits(text.p + 4, 2);
	tm.tm_min = digits(text.p + 6, 2);
	tm.tm_sec = digits(text.p + 8, 2);
	if (year < 0 || tm.tm_mon < 0 || tm.tm_mday < 0 || tm.tm_hour < 0 || tm.tm_min < 0 ||
		tm.tm_sec < 0)
		return 0;
	return timegm(&tm);
}

static int64_t not_after(const void *data, size_t size)
{
	struct der d = {.p = data, .end = (const uint8_t *)data + size};
	struct der certificate, tbs, skipped, validity;

	if (!take(&d, DER_SEQUENCE, &certificate) || !take(&certificate, DER_SEQUENCE, &tbs))
		return 0;
	if (tbs.p < tbs.end && *tbs.p == DER_VERSION && !take(&tbs, DER_VERSION, &skipped))
		return 0;
	if (!take(&tbs, DER_INTEGER, &skipped) || !take(&tbs, DER_SEQUENCE, &skipped) ||
		!take(&tbs, DER_SEQUENCE, &skipped) || !take(&tbs, DER_SEQUENCE, &validity))
		return 0;
	if (read_time(&validity) == 0)
		return 0;
	return read_time(&validity);
}

int64_t kube_pem_expires_at(const char *text)
{
	const char *begin = strstr(text, BEGIN_CERTIFICATE), *end;
	int64_t at = 0;
	size_t size;
	char *body;

	if (begin == NULL)
		return 0;
	begin += strlen(BEGIN_CERTIFICATE);
	end = strstr(begin, END_CERTIFICATE);
	body = end != NULL ? strndup(begin, (size_t)(end - begin)) : NULL;
	if (body != NULL && tg_base64_decode(body, &size) == 0)
		at = not_after(body, size);
	free(body);
	return at;
}
