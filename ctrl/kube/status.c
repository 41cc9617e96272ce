/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <string.h>

#include "text.h"
#include "tree.h"

uint32_t kube_retry_ms(int64_t seconds)
{
	if (seconds <= 0)
		return 0;
	return seconds < UINT32_MAX / 1000 ? (uint32_t)seconds * 1000 : UINT32_MAX;
}

static void read_root(
	const struct tg_value *root, struct tg_kube_result *result, char message[KUBE_MESSAGE_MAX])
{
	const struct tg_value *details = tg_value_get(root, "details");
	int64_t number;

	if (result->status == 0 && tg_value_int(tg_value_get(root, "code"), &number) &&
		number > 0 && number < 1000)
		result->status = (unsigned int)number;
	if (result->retry_after_ms == 0 &&
		tg_value_int(tg_value_get(details, "retryAfterSeconds"), &number))
		result->retry_after_ms = kube_retry_ms(number);
	kube_text_line(result->reason, sizeof(result->reason), "%s", tg_value_text(root, "reason"));
	kube_text_line(message, KUBE_MESSAGE_MAX, "%s", tg_value_text(root, "message"));
}

bool kube_status_parse(const char *text, size_t size, struct tg_kube_result *result,
	char message[KUBE_MESSAGE_MAX])
{
	const struct tg_value *root;
	struct tg_tree_error bad;
	struct tg_tree *tree;
	bool is_status;

	if (size == 0 || text[0] != '{' || tg_tree_parse_secret(text, size, &tree, &bad) != 0)
		return false;
	root = tg_tree_count(tree) == 1 ? tg_tree_document(tree, 0) : NULL;
	is_status = strcmp(tg_value_text(root, "kind"), "Status") == 0;
	if (is_status)
		read_root(root, result, message);
	tg_tree_free(tree);
	return is_status;
}

void tg_kube_status_read(const char *text, size_t size, struct tg_kube_result *result)
{
	char message[KUBE_MESSAGE_MAX];

	if (kube_status_parse(text, size, result, message))
		kube_text_line(result->why, sizeof(result->why), "status %u%s%s: %s",
			result->status, result->reason[0] != '\0' ? " " : "", result->reason,
			message);
	else
		kube_text_line(result->why, sizeof(result->why), "an error that is no Status");
}
