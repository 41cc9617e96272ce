/* SPDX-License-Identifier: BSD-3-Clause */
#include "credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base64.h"
#include "clock.h"
#include "exec.h"
#include "pem.h"
#include "secret.h"
#include "text.h"

/* A file that a secret is in, and what it held when it last could be read. */
struct file {
	const char *path; /* NULL: none */
	enum kube_secret_kind kind;
	char *text;	   /* NULL: could never be read */
	struct stat stamp; /* zeros: to be read again */
	uint64_t read_at;  /* ms */
};

enum { CA, CERTIFICATE, KEY, TOKEN, FILES };

struct kube_authenticator {
	uv_loop_t *loop;
	const struct tg_kube_access *access;
	uint32_t exec_ms;
	kube_authenticator_ready *ready;
	void *ctx;
	struct file files[FILES];
	struct kube_exec_run *run; /* NULL: none */
	struct kube_exec_credential plugin;
	bool has_plugin;
	struct kube_credentials *current; /* NULL: to be made */
	uint64_t reads, runs;
};

void kube_credentials_put(struct kube_credentials *credentials)
{
	if (credentials == NULL || --credentials->refs > 0)
		return;
	kube_secret_free(credentials->ca);
	kube_secret_free(credentials->certificate);
	kube_secret_free(credentials->key);
	kube_secret_free(credentials->header);
	free(credentials);
}

struct kube_authenticator *kube_authenticator_create(uv_loop_t *loop,
	const struct tg_kube_access *access, uint32_t exec_ms, kube_authenticator_ready *ready,
	void *ctx)
{
	struct kube_authenticator *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->loop = loop;
	a->access = access;
	a->exec_ms = exec_ms;
	a->ready = ready;
	a->ctx = ctx;
	a->files[CA] = (struct file){.path = access->ca.file, .kind = KUBE_CERTIFICATE};
	a->files[CERTIFICATE] =
		(struct file){.path = access->certificate.file, .kind = KUBE_CERTIFICATE};
	a->files[KEY] = (struct file){.path = access->key.file, .kind = KUBE_KEY};
	a->files[TOKEN] = (struct file){.path = access->token_file, .kind = KUBE_TOKEN};
	return a;
}

static void forget_current(struct kube_authenticator *a)
{
	kube_credentials_put(a->current);
	a->current = NULL;
}

static void forget_plugin(struct kube_authenticator *a)
{
	kube_exec_credential_wipe(&a->plugin);
	a->has_plugin = false;
	forget_current(a);
}

void kube_authenticator_free(struct kube_authenticator *a)
{
	if (a->run != NULL)
		kube_exec_cancel(a->run);
	forget_plugin(a);
	for (int i = 0; i < FILES; i++)
		kube_secret_free(a->files[i].text);
	free(a);
}

void kube_authenticator_stats(const struct kube_authenticator *a, struct tg_kube_client_stats *out)
{
	out->credentials_read = a->reads;
	out->exec_runs = a->runs;
	out->certificate_expires_at = a->current != NULL ? a->current->certificate_expires_at : 0;
}

/* --- files --- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads it if it may be another one. NULL, or why there is no text; *changed: it is another. */
static const char *refresh(struct kube_authenticator *a, struct file *file, bool *changed)
{
	struct stat now = {0};
	const char *why;
	char *text;

	if (file->path == NULL)
		return NULL;
	/* Before it is read: what changes after that is seen next time. */
	if (stat(file->path, &now) == 0 && file->text != NULL && same_file(&now, &file->stamp) &&
		uv_now(a->loop) - file->read_at < KUBE_FILE_AGE_MS)
		return NULL;
	text = kube_secret_read(file->kind, file->path, &why);
	if (text == NULL)
		return file->text == NULL ? why : NULL;
	a->reads++;
	file->stamp = now;
	file->read_at = uv_now(a->loop);
	if (file->text != NULL && strcmp(file->text, text) == 0) {
		kube_secret_free(text);
		return NULL;
	}
	kube_secret_free(file->text);
	file->text = text;
	*changed = true;
	return NULL;
}

/* All files. A token file may be missing while there is a token besides it. */
static int refresh_all(struct kube_authenticator *a, char why[TG_KUBE_WHY])
{
	bool changed = false;
	int err = 0;

	for (int i = 0; i < FILES; i++) {
		const char *complaint = refresh(a, &a->files[i], &changed);

		if (complaint == NULL || (i == TOKEN && a->access->token != NULL))
			continue;
		kube_text_line(why, TG_KUBE_WHY, "%s: %s", a->files[i].path, complaint);
		err = -EACCES;
	}
	if (changed)
		forget_current(a);
	return err;
}

/* --- the plugin --- */

static int64_t unix_now(void)
{
	return (int64_t)(tg_clock_ms(CLOCK_REALTIME) / 1000);
}

static bool is_over(int64_t expires_at)
{
	return expires_at != 0 && expires_at <= unix_now();
}

static bool plugin_expired(const struct kube_authenticator *a)
{
	return is_over(a->plugin.expires_at) ||
	       (a->plugin.certificate != NULL &&
		       is_over(kube_pem_expires_at(a->plugin.certificate)));
}

static void on_plugin(void *ctx, struct kube_exec_credential *credential, const char *why)
{
	struct kube_authenticator *a = ctx;
	char text[TG_KUBE_WHY];

	a->run = NULL;
	if (credential == NULL) {
		a->ready(a->ctx, why);
		return;
	}
	forget_plugin(a);
	a->plugin = *credential;
	a->has_plugin = true;
	a->reads++;
	if (!plugin_expired(a)) {
		a->ready(a->ctx, NULL);
		return;
	}
	forget_plugin(a);
	kube_text_line(text, sizeof(text), "exec plugin %s gave credentials that have expired",
		a->access->exec->argv[0]);
	a->ready(a->ctx, text);
}

static int run_plugin(struct kube_authenticator *a, char why[TG_KUBE_WHY])
{
	const char *ca = a->access->ca.text != NULL ? a->access->ca.text : a->files[CA].text;
	int err;

	if (a->run != NULL)
		return -EINPROGRESS;
	a->runs++;
	err = kube_exec_start(a->loop, a->access, ca, a->exec_ms, on_plugin, a, &a->run, why);
	return err == 0 ? -EINPROGRESS : err;
}

/* --- what a request is made with --- */

static int copy(const char *text, char **out)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text != NULL && *out == NULL ? -ENOMEM : 0;
}

static int set_header(struct kube_credentials *c, const char *scheme, const char *secret)
{
	if (asprintf(&c->header, "Authorization: %s %s", scheme, secret) < 0) {
		c->header = NULL;
		return -ENOMEM;
	}
	c->secret = c->header + strlen("Authorization: ") + strlen(scheme) + 1;
	return 0;
}

/* RFC 7617 */
static int set_basic(struct kube_credentials *c, const struct tg_kube_access *access)
{
	char *pair, *base64;
	int err = -ENOMEM;

	if (asprintf(&pair, "%s:%s", access->username != NULL ? access->username : "",
		    access->password != NULL ? access->password : "") < 0)
		return -ENOMEM;
	base64 = malloc(TG_BASE64_TEXT(strlen(pair)));
	if (base64 != NULL) {
		tg_base64_encode(pair, strlen(pair), base64);
		err = set_header(c, "Basic", base64);
	}
	kube_secret_free(base64);
	kube_secret_free(pair);
	return err;
}

static const char *pem(const struct tg_kube_pem *pem, const struct file *file, const char *plugin)
{
	return pem->text != NULL ? pem->text : file->path != NULL ? file->text : plugin;
}

static int fill(const struct kube_authenticator *a, struct kube_credentials *c)
{
	const struct tg_kube_access *access = a->access;
	const char *token = a->files[TOKEN].text;

	if (token == NULL)
		token = access->token != NULL ? access->token : a->plugin.token;
	if (copy(pem(&access->ca, &a->files[CA], NULL), &c->ca) != 0 ||
		copy(pem(&access->certificate, &a->files[CERTIFICATE], a->plugin.certificate),
			&c->certificate) != 0 ||
		copy(pem(&access->key, &a->files[KEY], a->plugin.key), &c->key) != 0)
		return -ENOMEM;
	if (c->certificate != NULL)
		c->certificate_expires_at = kube_pem_expires_at(c->certificate);
	if (token != NULL)
		return set_header(c, "Bearer", token);
	if (access->username != NULL || access->password != NULL)
		return set_basic(c, access);
	return 0;
}

static int make_current(struct kube_authenticator *a)
{
	struct kube_credentials *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->refs = 1;
	if (fill(a, c) != 0) {
		kube_credentials_put(c);
		return -ENOMEM;
	}
	a->current = c;
	return 0;
}

int kube_authenticator_get(
	struct kube_authenticator *a, struct kube_credentials **out, char why[TG_KUBE_WHY])
{
	int err = refresh_all(a, why);

	if (err != 0)
		return err;
	if (a->has_plugin && plugin_expired(a))
		forget_plugin(a);
	if (a->access->exec != NULL && !a->has_plugin)
		return run_plugin(a, why);
	if (a->current == NULL)
		err = make_current(a);
	if (err != 0)
		return err;
	a->current->refs++;
	*out = a->current;
	return 0;
}

bool kube_authenticator_reject(
	struct kube_authenticator *a, const struct kube_credentials *rejected)
{
	char why[TG_KUBE_WHY];

	if (a->current != rejected)
		return true;
	if (a->access->exec != NULL) {
		forget_plugin(a);
		return true;
	}
	for (int i = 0; i < FILES; i++)
		memset(&a->files[i].stamp, 0, sizeof(a->files[i].stamp));
	refresh_all(a, why);
	return a->current != rejected;
}
