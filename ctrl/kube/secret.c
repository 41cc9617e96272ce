/* SPDX-License-Identifier: BSD-3-Clause */
#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "kubeconfig.h"

static const char *key_complaint(const char *text)
{
	if (strstr(text, "PRIVATE KEY-----") == NULL)
		return "expected a private key in PEM";
	if (strstr(text, "ENCRYPTED") != NULL)
		return "expected a key without a passphrase: there is nobody to ask for it";
	return NULL;
}

/* Goes into a header (RFC 6750 section 2.1 allows less, servers take more). */
static const char *token_complaint(const char *text)
{
	if (text[0] == '\0')
		return "expected a token, not an empty text";
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "expected a token: printable ASCII without white space";
	return NULL;
}

const char *kube_secret_complaint(enum kube_secret_kind kind, const char *text)
{
	switch (kind) {
	case KUBE_CERTIFICATE:
		return strstr(text, "-----BEGIN CERTIFICATE-----") != NULL
			       ? NULL
			       : "expected certificates in PEM";
	case KUBE_KEY:
		return key_complaint(text);
	case KUBE_TOKEN:
		return token_complaint(text);
	}
	return NULL;
}

static void trim(char *text)
{
	size_t n = strlen(text), front = 0;

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	while (isspace((unsigned char)text[front]))
		front++;
	memmove(text, text + front, n - front + 1);
}

char *kube_secret_read(enum kube_secret_kind kind, const char *path, const char **why)
{
	size_t size;
	char *text;
	int err = tg_read_file(path, TG_KUBE_FILE_MAX, &text, &size);

	if (err != 0) {
		*why = strerrordesc_np(-err);
		return NULL;
	}
	text[size] = '\0'; /* tg_read_file() has room for it */
	if (kind == KUBE_TOKEN)
		trim(text);
	*why = strlen(text) < size && kind != KUBE_TOKEN ? "expected a text"
							 : kube_secret_complaint(kind, text);
	if (*why == NULL)
		return text;
	explicit_bzero(text, size);
	free(text);
	return NULL;
}

void kube_secret_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}
