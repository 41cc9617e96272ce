/* SPDX-License-Identifier: BSD-3-Clause */
/* Arbitrary bytes as a kubeconfig, and as the certificate whose end is looked for. */
#include <stdlib.h>
#include <string.h>

#include "kubeconfig.h"
#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_access(
	const struct tg_kube_access *a, const struct tg_kube_access_options *options)
{
	bool secrets = a->token != NULL || a->token_file != NULL || a->username != NULL ||
		       a->password != NULL || a->exec != NULL;

	if (strncmp(a->server, "https://", 8) != 0 && strncmp(a->server, "http://", 7) != 0)
		abort();
	if (a->insecure && !options->allow_insecure)
		abort();
	if (a->server[4] == ':' && secrets && a->proxy != NULL)
		abort();
	if ((a->certificate.text != NULL || a->certificate.file != NULL) !=
		(a->key.text != NULL || a->key.file != NULL))
		abort();
	if (a->exec != NULL && (a->exec->argv[0] == NULL || a->exec->env == NULL))
		abort();
}

static void check_parse(
	const struct tg_kube_access_options *options, const uint8_t *data, size_t size)
{
	struct tg_kube_access *access = NULL;
	char *errors = NULL;

	if (tg_kube_access_parse(options, "/x/config", data, size, &access, &errors) == 0) {
		if (errors != NULL)
			abort();
		check_access(access, options);
	} else if (errors == NULL || errors[0] == '\0' || access != NULL) {
		abort();
	}
	free(errors);
	tg_kube_access_free(access);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tg_kube_access_options plain, insecure = {.allow_insecure = true};
	char *text = strndup((const char *)data, size);

	check_parse(&plain, data, size);
	check_parse(&insecure, data, size);
	kube_pem_expires_at(text);
	free(text);
	return 0;
}
