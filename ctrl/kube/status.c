/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <string.h>

#include "text.h"
#include "tree.h"

static const char *text_of(const struct tg_value *map, const char *key)
{
	const struct tg_value *v = tg_value_get(map, key);

	return v != NULL && v->type == TG_VALUE_STRING ? v->text : "";
}

static void read_root(const struct tg_value *root, struct tg_kube_result *result)
{
	const struct tg_value *details = tg_value_get(root, "details");
	int64_t number;

	if (tg_value_int(tg_value_get(root, "code"), &number) && number > 0 && number < 1000)
		result->status = (unsigned int)number;
	if (tg_value_int(tg_value_get(details, "retryAfterSeconds"), &number) && number > 0)
		result->retry_after_ms = number < UINT32_MAX / 1000 ? (uint32_t)number * 1000
								    : UINT32_MAX;
	kube_text_line(result->reason, sizeof(result->reason), "%s", text_of(root, "reason"));
	kube_text_line(result->why, sizeof(result->why), "status %u%s%s: %s", result->status,
		result->reason[0] != '\0' ? " " : "", result->reason, text_of(root, "message"));
}

void tg_kube_status_read(const void *text, size_t size, struct tg_kube_result *result)
{
	const struct tg_value *root = NULL;
	struct tg_tree_error bad;
	struct tg_tree *tree = NULL;

	if (tg_tree_parse(text, size, &tree, &bad) == 0 && tg_tree_count(tree) == 1)
		root = tg_tree_document(tree, 0);
	if (root != NULL && strcmp(text_of(root, "kind"), "Status") == 0)
		read_root(root, result);
	else
		kube_text_line(result->why, sizeof(result->why), "an error that is no Status");
	tg_tree_free(tree);
}
