/* SPDX-License-Identifier: BSD-3-Clause */
#include "trees.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

static cJSON *to_json(const struct tg_value *value)
{
	cJSON *out;

	switch (value->type) {
	case TG_VALUE_BOOL:
		return cJSON_CreateBool(value->boolean);
	case TG_VALUE_NUMBER:
		return cJSON_CreateNumber(value->number);
	case TG_VALUE_STRING:
		return cJSON_CreateString(value->text);
	case TG_VALUE_LIST:
		out = cJSON_CreateArray();
		for (const struct tg_value *v = value->first; v != NULL; v = v->next)
			cJSON_AddItemToArray(out, to_json(v));
		return out;
	case TG_VALUE_MAP:
		out = cJSON_CreateObject();
		for (const struct tg_value *v = value->first; v != NULL; v = v->next)
			cJSON_AddItemToObject(out, v->key, to_json(v));
		return out;
	default:
		return cJSON_CreateNull();
	}
}

static char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	long end;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		text = malloc((size_t)end + 1);
		*size = text != NULL ? fread(text, 1, (size_t)end, f) : 0;
		if (text != NULL)
			text[*size] = '\0';
	}
	fclose(f);
	return text;
}

static void add_document(cJSON *list, cJSON *document)
{
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(document, "kind");
	cJSON *items = cJSON_GetObjectItemCaseSensitive(document, "items"), *item;

	if (!cJSON_IsString(kind) || strcmp(kind->valuestring, "List") != 0) {
		cJSON_AddItemToArray(list, document);
		return;
	}
	while ((item = cJSON_DetachItemFromArray(items, 0)) != NULL)
		cJSON_AddItemToArray(list, item);
	cJSON_Delete(document);
}

bool trees_add_file(cJSON *list, const char *path)
{
	struct tg_tree_error error;
	struct tg_tree *tree = NULL;
	size_t size = 0;
	char *text = read_file(path, &size);
	bool ok = text != NULL && tg_tree_parse(text, size, &tree, &error) == 0;

	for (size_t i = 0; ok && i < tg_tree_count(tree); i++) {
		const struct tg_value *document = tg_tree_document(tree, i);

		if (document->type == TG_VALUE_MAP)
			add_document(list, to_json(document));
	}
	tg_tree_free(tree);
	free(text);
	return ok;
}

bool trees_add_folder(cJSON *list, const char *path)
{
	char file[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(path);
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		ok = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) <
			     (int)sizeof(file) &&
		     trees_add_file(list, file);
	}
	if (dir != NULL)
		closedir(dir);
	return ok;
}
