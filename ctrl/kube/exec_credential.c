/* SPDX-License-Identifier: BSD-3-Clause */
/* ExecCredential, as read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec.h"
#include "secret.h"
#include "tree.h"

/* NULL: not there, or no string, or empty. */
static const char *text_of(const struct tg_value *map, const char *key)
{
	const char *text = tg_value_text(map, key);

	return text[0] != '\0' ? text : NULL;
}

/* RFC 3339: 2026-01-02T03:04:05Z, with a fraction, or an offset. -EINVAL when it is not. */
static int read_time(const char *text, int64_t *out)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int offset = 0, hours, minutes, end = 0;

	if (rest == NULL)
		return -EINVAL;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest == '+' || *rest == '-') {
		if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || end != 5 ||
			rest[6] != '\0')
			return -EINVAL;
		offset = (hours * 60 + minutes) * 60 * (*rest == '-' ? -1 : 1);
	} else if (strcmp(rest, "Z") != 0) {
		return -EINVAL;
	}
	*out = (int64_t)timegm(&tm) - offset;
	return 0;
}

/* What is wrong with a status, or NULL. */
static const char *status_complaint(const struct tg_value *status, int64_t *expires_at)
{
	const char *token = text_of(status, "token"), *key = text_of(status, "clientKeyData");
	const char *certificate = text_of(status, "clientCertificateData");
	const char *expires = text_of(status, "expirationTimestamp");

	if (status == NULL || status->type != TG_VALUE_MAP)
		return "printed an ExecCredential without a status";
	if (token == NULL && certificate == NULL && key == NULL)
		return "printed neither a token nor a certificate";
	if ((certificate == NULL) != (key == NULL))
		return "printed only one of certificate and key";
	if (token != NULL && kube_secret_complaint(KUBE_TOKEN, token) != NULL)
		return "printed a token that no header can carry";
	if (certificate != NULL && kube_secret_complaint(KUBE_CERTIFICATE, certificate) != NULL)
		return "printed a certificate that is not PEM";
	if (key != NULL && kube_secret_complaint(KUBE_KEY, key) != NULL)
		return "printed a key that is not PEM, or encrypted";
	if (expires != NULL && read_time(expires, expires_at) != 0)
		return "printed an expirationTimestamp that is no time";
	return NULL;
}

static int copy(const struct tg_value *status, const char *key, char **out)
{
	const char *text = text_of(status, key);

	*out = text != NULL ? strdup(text) : NULL;
	return text != NULL && *out == NULL ? -ENOMEM : 0;
}

static int read_document(const char *api_version, const struct tg_value *root,
	struct kube_exec_credential *out, const char **why)
{
	const struct tg_value *status = tg_value_get(root, "status");
	const char *kind = text_of(root, "kind"), *version = text_of(root, "apiVersion");

	*why = NULL;
	if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
		*why = "printed something else than an ExecCredential";
	else if (version == NULL || strcmp(version, api_version) != 0)
		*why = "printed another apiVersion than it is configured for";
	else
		*why = status_complaint(status, &out->expires_at);
	if (*why != NULL)
		return -EINVAL;
	if (copy(status, "token", &out->token) != 0 ||
		copy(status, "clientCertificateData", &out->certificate) != 0 ||
		copy(status, "clientKeyData", &out->key) != 0) {
		kube_exec_credential_wipe(out);
		return -ENOMEM;
	}
	return 0;
}

int kube_exec_read(const char *api_version, const char *text, size_t size,
	struct kube_exec_credential *out, const char **why)
{
	struct tg_tree_error bad;
	struct tg_tree *tree;
	int err = tg_tree_parse_secret(text, size, &tree, &bad);

	memset(out, 0, sizeof(*out));
	*why = "printed something else than an ExecCredential";
	if (err != 0)
		return err;
	err = -EINVAL;
	if (tg_tree_count(tree) == 1)
		err = read_document(api_version, tg_tree_document(tree, 0), out, why);
	tg_tree_free(tree);
	return err;
}

void kube_exec_credential_wipe(struct kube_exec_credential *credential)
{
	kube_secret_free(credential->token);
	kube_secret_free(credential->certificate);
	kube_secret_free(credential->key);
	memset(credential, 0, sizeof(*credential));
}
