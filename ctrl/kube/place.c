/* SPDX-License-Identifier: BSD-3-Clause */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t tg_kube_group(const char *api_version)
{
	const char *slash = strchr(api_version, '/');

	return slash != NULL ? (size_t)(slash - api_version) : 0;
}

char *tg_kube_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *escaped = malloc(strlen(text) * 3 + 1), *out = escaped;

	for (; escaped != NULL && *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			strchr("-._~", c) != NULL) {
			*out++ = *text;
			continue;
		}
		*out++ = '%';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	if (escaped != NULL)
		*out = '\0';
	return escaped;
}

void tg_kube_place_path(const struct tg_kube_place *place, char path[TG_KUBE_PATH])
{
	const bool scoped = place->ns != NULL && place->namespaced;

	snprintf(path, TG_KUBE_PATH, "/%s/%s%s%s/%s",
		tg_kube_group(place->api_version) == 0 ? "api" : "apis", place->api_version,
		scoped ? "/namespaces/" : "", scoped ? place->ns : "", place->resource);
}

char *tg_kube_place_query(const struct tg_kube_place *place)
{
	const bool named = place->ns != NULL && !place->namespaced;
	const bool labelled = place->selector != NULL;
	char *escaped = tg_kube_escape(labelled ? place->selector : ""), *query = NULL;

	if (escaped == NULL)
		return NULL;
	if (asprintf(&query, "%s%s%s%s%s", labelled ? "labelSelector=" : "", escaped,
		    labelled && named ? "&" : "", named ? "fieldSelector=metadata.name%3D" : "",
		    named ? place->ns : "") < 0)
		query = NULL;
	free(escaped);
	return query;
}
