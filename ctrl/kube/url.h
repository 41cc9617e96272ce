/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/kube: URLs as libcurl reads them, so that what is judged here is what is
 * connected to.
 */
#ifndef TG_KUBE_URL_H
#define TG_KUBE_URL_H

#include <stdbool.h>

struct kube_url {
	char *scheme, *host; /* host: an IPv6 address has its brackets */
	char *port;	     /* NULL: the scheme's */
	char *path;	     /* "" or "/..." without a slash at the end */
	bool has_user;	     /* name or password */
	bool has_query;	     /* query or fragment */
};

/* 0, -EINVAL, -ENOMEM. After an error nothing is to be freed. */
int kube_url_parse(const char *text, struct kube_url *out);
void kube_url_free(struct kube_url *url);
/* This machine by name or address. */
bool kube_url_is_loopback(const struct kube_url *url);

#endif
