/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "read.h"

#define SUFFIX ".yaml"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* What is being loaded, and what is wrong so far. */
struct load {
	struct tg_nic_profiles *profiles;
	FILE *errors;
	char *text; /* what errors has written */
	size_t size;
	bool bad;
};

static int load_begin(struct load *load)
{
	memset(load, 0, sizeof(*load));
	load->profiles = calloc(1, sizeof(*load->profiles));
	if (load->profiles == NULL)
		return -ENOMEM;
	load->profiles->arena = tg_arena_create(0);
	if (load->profiles->arena == NULL)
		goto free_profiles;
	load->errors = open_memstream(&load->text, &load->size);
	if (load->errors == NULL)
		goto free_profiles;
	return 0;

free_profiles:
	tg_nic_profiles_free(load->profiles);
	return -ENOMEM;
}

/* Hands out what was loaded, or what is wrong with it. */
static int load_end(struct load *load, int err, struct tg_nic_profiles **out, char **errors)
{
	fclose(load->errors);
	*errors = NULL;
	if (err == 0 && load->bad)
		err = -EINVAL;
	if (err != 0)
		tg_nic_profiles_free(load->profiles);
	else
		*out = load->profiles;
	if (load->bad)
		*errors = load->text;
	else
		free(load->text);
	return err;
}

static void say(struct load *load, const char *text)
{
	fprintf(load->errors, "%s%s", load->bad ? "\n" : "", text);
	load->bad = true;
}

/* --- one text --- */

/* "mlx5-cx5" of "nic-profiles/mlx5-cx5.yaml"; NULL: no name for a profile, or no memory. */
static const char *profile_name(struct tg_arena *arena, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t length;

	base = base != NULL ? base + 1 : path;
	length = strspn(base, NAME_CHARACTERS);
	if (length == 0 || strcmp(base + length, SUFFIX) != 0)
		return NULL;
	return tg_arena_printf(arena, "%.*s", (int)length, base);
}

static bool share(const char *const *a, const char *const *b, const char **which)
{
	for (; *a != NULL; a++)
		for (const char *const *p = b; *p != NULL; p++)
			if (strcmp(*a, *p) == 0) {
				*which = *a;
				return true;
			}
	return false;
}

/* A device must have one profile, besides those that are chosen by name. */
static void check_unique(
	struct tg_nic_read *read, const struct tg_nic_profiles *profiles, const struct tg_at *root)
{
	const struct tg_nic_profile *p = read->profile;
	struct tg_at devices = tg_at_field(root, "devices"), drivers = tg_at_field(root, "drivers");

	for (size_t i = 0; i < profiles->list.n; i++) {
		const struct tg_nic_profile *other = profiles->list.v[i];
		const char *which;

		if (p->devargs[0] != NULL || other->devargs[0] != NULL ||
			!share(p->drivers, other->drivers, &which))
			continue;
		if (p->devices[0] == NULL && other->devices[0] == NULL)
			tg_reader_problem(&read->reader, &drivers,
				"%s has the profile %s, which names no devices either", which,
				other->name);
		else if (share(p->devices, other->devices, &which))
			tg_reader_problem(&read->reader, &devices, "%s has the profile %s", which,
				other->name);
	}
}

static void read_document(struct tg_nic_read *read, const struct tg_nic_profiles *profiles,
	const struct tg_tree *tree)
{
	struct tg_at root = tg_at_root(NULL);

	if (tg_tree_count(tree) != 1) {
		tg_reader_problem(&read->reader, &root, "expected one document");
		return;
	}
	tg_nic_read_profile(read, tg_tree_document(tree, 0));
	root = tg_at_root(tg_tree_document(tree, 0));
	check_unique(read, profiles, &root);
}

static int add_tree(struct load *load, const char *path, const struct tg_tree *tree)
{
	struct tg_nic_profiles *profiles = load->profiles;
	struct tg_nic_read read = {0};
	char *text;

	tg_reader_init(&read.reader, profiles->arena);
	read.profile = tg_arena_alloc(profiles->arena, sizeof(*read.profile));
	if (read.profile == NULL)
		return -ENOMEM;
	read.profile->name = profile_name(profiles->arena, path);
	if (read.profile->name == NULL) {
		read.profile->name = "";
		tg_reader_problem_line(&read.reader, 0,
			"expected a file name of a-z, 0-9 and -, ending in " SUFFIX);
	}
	read_document(&read, profiles, tree);
	if (read.err == 0 && tg_reader_count(&read.reader) > 0) {
		text = tg_reader_text(&read.reader, path);
		if (text != NULL)
			say(load, text);
		else
			read.err = -ENOMEM;
		free(text);
	} else if (read.err == 0) {
		read.err = tg_vec_push(&profiles->list, read.profile);
	}
	tg_reader_free(&read.reader);
	return read.err;
}

static int add_text(struct load *load, const char *path, const void *text, size_t size)
{
	struct tg_tree_error bad;
	struct tg_tree *tree;
	char line[PATH_MAX + sizeof(bad.text) + 16];
	int err = tg_tree_parse(text, size, &tree, &bad);

	if (err == -EINVAL) {
		snprintf(line, sizeof(line), "%s:%u: %s", path, bad.line, bad.text);
		say(load, line);
		return 0;
	}
	if (err != 0)
		return err;
	err = add_tree(load, path, tree);
	tg_tree_free(tree);
	return err;
}

int tg_nic_profiles_parse(const char *name, const void *text, size_t size,
	struct tg_nic_profiles **out, char **errors)
{
	struct load load;
	int err = load_begin(&load);

	*errors = NULL;
	if (err != 0)
		return err;
	err = add_text(&load, name, text, size);
	return load_end(&load, err, out, errors);
}

/* --- files --- */

static int add_file(struct load *load, const char *path)
{
	char line[PATH_MAX + 128], *text;
	size_t size;
	int err = tg_read_file(path, TG_NIC_PROFILE_SIZE_MAX, &text, &size);

	if (err == -ENOMEM)
		return err;
	if (err != 0) {
		snprintf(line, sizeof(line), "%s: %s", path, strerror(-err));
		say(load, line);
		return 0;
	}
	err = add_text(load, path, text, size);
	free(text);
	return err;
}

int tg_nic_profiles_load_file(const char *path, struct tg_nic_profiles **out, char **errors)
{
	struct load load;
	int err = load_begin(&load);

	*errors = NULL;
	if (err != 0)
		return err;
	err = add_file(&load, path);
	return load_end(&load, err, out, errors);
}

static int is_profile(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && end != NULL && strcmp(end, SUFFIX) == 0;
}

static int add_folder(struct load *load, const char *folder)
{
	struct dirent **entries;
	char path[PATH_MAX], line[PATH_MAX + 128];
	int n = scandir(folder, &entries, is_profile, alphasort), err = 0;

	if (n <= 0) {
		snprintf(line, sizeof(line), "%s: %s", folder,
			n < 0 ? strerror(errno) : "no *" SUFFIX " in this folder");
		say(load, line);
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (err == 0)
			err = add_file(load, path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return err;
}

int tg_nic_profiles_load(const char *folder, struct tg_nic_profiles **out, char **errors)
{
	struct load load;
	int err = load_begin(&load);

	*errors = NULL;
	if (err != 0)
		return err;
	err = add_folder(&load, folder);
	return load_end(&load, err, out, errors);
}

void tg_nic_profiles_free(struct tg_nic_profiles *profiles)
{
	if (profiles == NULL)
		return;
	tg_vec_free(&profiles->list);
	tg_arena_free(profiles->arena);
	free(profiles);
}
