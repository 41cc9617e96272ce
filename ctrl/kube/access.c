/* SPDX-License-Identifier: BSD-3-Clause */
#include "access.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "secret.h"
#include "url.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_access *kube_access_create(void)
{
	struct kube_access *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return NULL;
	made->arena = tg_arena_create(4096);
	if (made->arena == NULL) {
		free(made);
		return NULL;
	}
	return made;
}

void tg_kube_access_free(struct tg_kube_access *access)
{
	struct kube_access *made = (struct kube_access *)access;

	if (made == NULL)
		return;
	tg_arena_wipe(made->arena);
	tg_arena_free(made->arena);
	free(made);
}

/* Writes *error and returns `err`, or -ENOMEM. */
static int __attribute__((format(printf, 3, 4))) fail(char **error, int err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(error, fmt, ap);
	va_end(ap);
	if (n >= 0)
		return err;
	*error = NULL;
	return -ENOMEM;
}

/* --- a kubeconfig --- */

static int load_kubeconfig(
	const struct tg_kube_access_options *options, struct tg_kube_access **out, char **error)
{
	size_t size = 0;
	char *text;
	int err = tg_read_file(options->kubeconfig, TG_KUBE_FILE_MAX, &text, &size);

	if (err != 0)
		return fail(error, err, "%s: %s", options->kubeconfig, strerrordesc_np(-err));
	err = kube_access_parse(options, true, options->kubeconfig, text, size, out, error);
	explicit_bzero(text, size);
	free(text);
	return err;
}

/* --- in a pod --- */

/* "FOLDER/NAME", which has to be there. */
static int take_file(struct kube_access *made, enum kube_secret_kind kind, const char *folder,
	const char *name, const char **path, char **error)
{
	const char *why;
	char *text;

	*path = tg_arena_printf(made->arena, "%s/%s", folder, name);
	if (*path == NULL)
		return -ENOMEM;
	text = kube_secret_read(kind, *path, &why);
	if (text == NULL)
		return fail(error, -EINVAL, "%s: %s", *path, why);
	kube_secret_free(text);
	return 0;
}

static int take_server(struct kube_access *made, const char *host, const char *port, char **error)
{
	bool brackets = host != NULL && strchr(host, ':') != NULL;
	struct kube_url url;
	int err;

	if (host == NULL || host[0] == '\0' || port == NULL || port[0] == '\0')
		return fail(error, -EINVAL,
			"service account: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not "
			"set, so this is no pod: expected a kubeconfig");
	made->access.server = tg_arena_printf(made->arena, "https://%s%s%s:%s", brackets ? "[" : "",
		host, brackets ? "]" : "", port);
	if (made->access.server == NULL)
		return -ENOMEM;
	err = kube_url_parse(made->access.server, &url);
	if (err == -ENOMEM)
		return err;
	if (err == 0 && (url.path[0] != '\0' || url.has_user || url.has_query))
		err = -EINVAL;
	kube_url_free(&url);
	return err != 0 ? fail(error, err, "service account: expected a host and a port, not %s:%s",
				  host, port)
			: 0;
}

static int fill_in_cluster(
	struct kube_access *made, const struct tg_kube_access_options *options, char **error)
{
	const char *folder = options->service_account != NULL ? options->service_account
							      : SERVICE_ACCOUNT;
	const char *host = options->host != NULL ? options->host
						 : getenv("KUBERNETES_SERVICE_HOST");
	const char *port = options->port != NULL ? options->port
						 : getenv("KUBERNETES_SERVICE_PORT");
	int err = take_server(made, host, port, error);

	/* client-go trusts the system's roots when ca.crt is missing; nothing calls for that. */
	if (err == 0)
		err = take_file(
			made, KUBE_CERTIFICATE, folder, "ca.crt", &made->access.ca.file, error);
	if (err == 0)
		err = take_file(made, KUBE_TOKEN, folder, "token", &made->access.token_file, error);
	return err;
}

static int load_in_cluster(
	const struct tg_kube_access_options *options, struct tg_kube_access **out, char **error)
{
	struct kube_access *made = kube_access_create();
	int err = made != NULL ? fill_in_cluster(made, options, error) : -ENOMEM;

	if (err == 0)
		*out = &made->access;
	else if (made != NULL)
		tg_kube_access_free(&made->access);
	return err;
}

int tg_kube_access_load(
	const struct tg_kube_access_options *options, struct tg_kube_access **out, char **error)
{
	*error = NULL;
	return options->kubeconfig != NULL ? load_kubeconfig(options, out, error)
					   : load_in_cluster(options, out, error);
}
