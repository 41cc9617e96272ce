/* SPDX-License-Identifier: BSD-3-Clause */
#include "token.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "secret.h"
#include "tree.h"

/* The payload of HEADER.PAYLOAD.SIGNATURE (RFC 7515 section 3.1) in base64 with padding. */
static char *payload_of(const char *token)
{
	const char *begin = strchr(token, '.'), *end;
	size_t n, padded;
	char *text;

	end = begin != NULL ? strchr(begin + 1, '.') : NULL;
	if (end == NULL)
		return NULL;
	n = (size_t)(end - ++begin);
	padded = (n + 3) / 4 * 4;
	text = malloc(padded + 1);
	if (text == NULL)
		return NULL;
	memset(text, '=', padded);
	memcpy(text, begin, n);
	text[padded] = '\0';
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	return text;
}

static int64_t expiry_of(const char *token)
{
	char *payload = payload_of(token);
	struct tg_tree_error error;
	struct tg_tree *tree;
	int64_t exp = 0;
	size_t size;

	if (payload != NULL && tg_base64_decode(payload, &size) == 0 &&
		tg_tree_parse_secret(payload, size, &tree, &error) == 0) {
		if (tg_tree_count(tree) != 1 ||
			!tg_value_int(tg_value_get(tg_tree_document(tree, 0), "exp"), &exp))
			exp = 0;
		tg_tree_free(tree);
	}
	kube_secret_free(payload);
	return exp > 0 ? exp : 0;
}

int64_t tg_kube_token_expires_at(const struct tg_kube_access *access)
{
	const char *why;
	char *token = NULL;
	int64_t exp = 0;

	if (access->token_file != NULL)
		token = kube_secret_read(KUBE_TOKEN, access->token_file, &why);
	if (token != NULL)
		exp = expiry_of(token);
	else if (access->token != NULL)
		exp = expiry_of(access->token);
	kube_secret_free(token);
	return exp;
}
