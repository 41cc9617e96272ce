/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arbitrary bytes as a kubeconfig, as what an exec plugin prints, and as a certificate whose end is
 * looked for.
 */
#include <stdlib.h>
#include <string.h>

#include "exec.h"
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

static void check_exec(const uint8_t *data, size_t size)
{
	struct kube_exec_credential credential;
	const char *why = NULL;

	if (kube_exec_read("client.authentication.k8s.io/v1", (const char *)data, size, &credential,
		    &why) != 0) {
		if (why == NULL)
			abort();
		return;
	}
	if ((credential.certificate != NULL) != (credential.key != NULL) ||
		(credential.token == NULL && credential.key == NULL))
		abort();
	kube_exec_credential_wipe(&credential);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tg_kube_access_options plain, insecure = {.allow_insecure = true};
	char *text = strndup((const char *)data, size);

	check_parse(&plain, data, size);
	check_parse(&insecure, data, size);
	check_exec(data, size);
	kube_pem_expires_at(text);
	free(text);
	return 0;
}
