/* SPDX-License-Identifier: BSD-3-Clause */
/* Which request a fault is for; faults as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

size_t double_fault(struct kube_double *d, const struct double_fault *spec)
{
	struct fault fault = {.spec = *spec};

	fault.spec.path = copy(spec->path);
	fault.spec.content_type = copy(spec->content_type);
	if (spec->body != NULL) {
		size_t n = spec->body_size != 0 ? spec->body_size : strlen(spec->body);

		fault.spec.body = memcpy(xzalloc(n + 1), spec->body, n);
		fault.spec.body_size = n;
	}
	if (fault.spec.count == 0)
		fault.spec.count = 1;
	if (fault.spec.size == 0)
		fault.spec.size = 1;
	vec_push(&d->faults, fault);
	return d->faults.n - 1;
}

unsigned int double_fault_hits(const struct kube_double *d, size_t fault)
{
	return fault < d->faults.n ? d->faults.v[fault].hits : 0;
}

/* Kept, as open answers and numbers refer to them, but no request is theirs. */
void double_clear_faults(struct kube_double *d)
{
	for (size_t i = 0; i < d->faults.n; i++) {
		d->faults.v[i].spec.forever = false;
		d->faults.v[i].spec.count = 0;
	}
}

void faults_free(struct kube_double *d)
{
	for (size_t i = 0; i < d->faults.n; i++) {
		free((char *)d->faults.v[i].spec.path);
		free((char *)d->faults.v[i].spec.body);
		free((char *)d->faults.v[i].spec.content_type);
	}
	free(d->faults.v);
}

static bool matches(
	const struct double_fault *spec, const struct request *request, unsigned int page)
{
	return (spec->verb == DOUBLE_ANY || spec->verb == request->verb) &&
	       (spec->page == 0 || (request->verb == DOUBLE_LIST && spec->page == page)) &&
	       (spec->path == NULL || strncmp(request->path, spec->path, strlen(spec->path)) == 0);
}

void fault_choose(struct conn *conn, unsigned int page)
{
	for (size_t i = 0; i < conn->d->faults.n && !conn->faulty; i++) {
		struct fault *fault = &conn->d->faults.v[i];

		if (!matches(&fault->spec, &conn->request, page))
			continue;
		if (fault->matched++ < fault->spec.skip)
			continue;
		if (!fault->spec.forever && fault->hits >= fault->spec.count)
			continue;
		fault->hits++;
		conn->fault = fault->spec;
		conn->faulty = true;
	}
}

static const char *const kinds[] = {[DOUBLE_STATUS] = "status",
	[DOUBLE_ERROR_EVENT] = "error-event",
	[DOUBLE_CUT] = "cut",
	[DOUBLE_DRIP] = "drip",
	[DOUBLE_GARBAGE] = "garbage",
	[DOUBLE_RAW] = "raw",
	[DOUBLE_DUPLICATE] = "duplicate",
	[DOUBLE_REORDER] = "reorder",
	[DOUBLE_OVERSIZED] = "oversized",
	[DOUBLE_NO_BOOKMARKS] = "no-bookmarks",
	[DOUBLE_SILENT] = "silent",
	[DOUBLE_HANG] = "hang",
	[DOUBLE_STALE] = "stale",
	[DOUBLE_NEVER_ENDS] = "never-ends"};
static const char *const verbs[] = {"any", "list", "watch", "get", "write", "other"};

static int find(const char *const *names, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

static bool set_number(struct double_fault *fault, const char *name, const char *value)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10);
	const struct {
		const char *name;
		unsigned int *to;
	} numbers[] = {{"page", &fault->page}, {"skip", &fault->skip}, {"count", &fault->count},
		{"retry-after", &fault->retry_after}, {"ms", &fault->ms}};

	if (*value == '\0' || *end != '\0')
		return false;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(name, numbers[i].name) == 0) {
			*numbers[i].to = (unsigned int)n;
			return true;
		}
	if (strcmp(name, "status") == 0)
		fault->status = (int)n;
	else if (strcmp(name, "after") == 0)
		fault->after = n;
	else if (strcmp(name, "size") == 0)
		fault->size = n;
	else
		return false;
	return true;
}

/* "name=value", or a word that is true by being there. */
static bool set(struct double_fault *fault, char *word)
{
	char *value = strchr(word, '=');
	int n;

	if (value == NULL) {
		bool *flag = strcmp(word, "forever") == 0	? &fault->forever
			     : strcmp(word, "reset") == 0	? &fault->reset
			     : strcmp(word, "with-length") == 0 ? &fault->with_length
			     : strcmp(word, "token") == 0	? &fault->token
								: NULL;

		if (flag != NULL)
			*flag = true;
		return flag != NULL;
	}
	*value++ = '\0';
	if (strcmp(word, "path") == 0) {
		fault->path = value;
	} else if (strcmp(word, "type") == 0) {
		fault->content_type = value;
	} else if (strcmp(word, "body") == 0) {
		fault->body = url_decode(value) ? value : NULL;
		return fault->body != NULL;
	} else if (strcmp(word, "verb") == 0) {
		n = find(verbs, sizeof(verbs) / sizeof(verbs[0]), value);
		fault->verb = n < 0 ? DOUBLE_ANY : (enum double_verb)n;
		return n >= 0;
	} else {
		return set_number(fault, word, value);
	}
	return true;
}

int fault_parse(struct double_fault *fault, char *words, struct buf *error)
{
	char *word = strsep(&words, " ");
	int kind = find(kinds, sizeof(kinds) / sizeof(kinds[0]), word);

	*fault = (struct double_fault){0};
	if (kind < 0) {
		buf_printf(error, "no such fault: %s\n", word);
		return kind;
	}
	fault->kind = (enum double_fault_kind)kind;
	while ((word = strsep(&words, " ")) != NULL)
		if (*word != '\0' && !set(fault, word)) {
			buf_printf(error, "not understood: %s\n", word);
			return -EINVAL;
		}
	if ((fault->kind == DOUBLE_GARBAGE || fault->kind == DOUBLE_RAW) && fault->body == NULL) {
		buf_text(error, "needs a body\n");
		return -EINVAL;
	}
	return 0;
}
