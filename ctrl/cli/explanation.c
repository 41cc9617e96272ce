/* SPDX-License-Identifier: BSD-3-Clause */
#include "explanation.h"

#include <stdlib.h>
#include <string.h>

#include "json_print.h"
#include "nearest.h"

/* What one side's explanation adds to its verdict. */
struct side_story {
	const struct tg_policy *policy; /* of the deciding rule; NULL: no policy's, or unknown */
	bool isolated;			/* an implicit deny of a known pod */
	const struct tg_pod *subject;
	struct tg_miss miss;
};

struct story {
	const struct tg_offline *offline;
	const struct tg_explain_query *query;
	const struct tg_endpoint *src, *dst;
	struct tg_addr_pair pair;
	const struct tg_addr_pair *alike; /* the other family's, when judged alike; else NULL */
	struct tg_judgement judgement;
	struct side_story side[TG_DIRECTION_COUNT];
};

static const char *text_of(const struct story *story, uint32_t id)
{
	return tg_intern_text(story->offline->cluster->strings, id);
}

/* "file:line" of an object; empty when it is not known. */
static const char *place_text(
	const struct story *story, const struct tg_place *place, char *buf, size_t size)
{
	if (place->line != 0)
		snprintf(buf, size, "%s:%u", text_of(story, place->file), place->line);
	else
		snprintf(buf, size, "%s", text_of(story, place->file));
	return buf;
}

static void find_miss(struct story *story, enum tg_direction dir)
{
	const struct tg_endpoint *self = dir == TG_EGRESS ? story->src : story->dst;
	const struct tg_endpoint *peer = dir == TG_EGRESS ? story->dst : story->src;
	struct tg_side_query query = {
		.strings = story->offline->cluster->strings,
		.direction = dir,
		.subject = self->pod,
		.peer = peer->pod,
		.peer_addr = dir == TG_EGRESS ? story->pair.dst : story->pair.src,
		.peer_unknown = peer->standin,
		.target = story->dst->pod,
		.protocol = story->query->protocol,
		.port = story->query->port,
	};

	tg_nearest_miss(story->offline->roster, &query, &story->side[dir].miss);
}

static void tell_side(struct story *story, enum tg_direction dir)
{
	const struct tg_judged_side *judged = &story->judgement.side[dir];
	const struct tg_image_rule *rule = judged->rule;
	struct side_story *side = &story->side[dir];

	*side = (struct side_story){0};
	side->subject = dir == TG_EGRESS ? story->src->pod : story->dst->pod;
	if (rule == NULL || story->offline->roster == NULL)
		return;
	if (rule->kind == TG_RULE_POLICY)
		side->policy = tg_roster_policy(story->offline->roster, judged->strings + rule->ns,
			judged->strings + rule->policy);
	if (rule->kind == TG_RULE_IMPLICIT && side->subject != NULL) {
		side->isolated = true;
		find_miss(story, dir);
	}
}

static void judge_pair(struct story *story, const struct tg_addr_pair *pair)
{
	struct tg_question question = {
		.src = pair->src,
		.dst = pair->dst,
		.zone = story->offline->options.home.zone,
		.protocol = story->query->protocol,
		.port = story->query->port,
	};

	story->pair = *pair;
	tg_judge(&story->offline->image, &question, &story->judgement);
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		tell_side(story, (enum tg_direction)dir);
}

/* Text */

static void print_verdict(struct tg_cli *cli, enum tg_action action, const char *allow,
	const char *deny, const char *audit)
{
	enum tg_colour colour = action == TG_ACTION_ALLOW  ? TG_GREEN
				: action == TG_ACTION_DENY ? TG_RED
							   : TG_YELLOW;

	fprintf(cli->out, "%s%s%s", tg_colour_on(cli, colour),
		action == TG_ACTION_ALLOW  ? allow
		: action == TG_ACTION_DENY ? deny
					   : audit,
		tg_colour_off(cli));
}

static void print_end(const struct story *story, struct tg_cli *cli, enum tg_direction dir)
{
	const struct tg_endpoint *end = dir == TG_EGRESS ? story->src : story->dst;
	const struct tg_addr *addr = dir == TG_EGRESS ? &story->pair.src : &story->pair.dst;
	char text[TG_ADDR_TEXT], other[TG_ADDR_TEXT];

	tg_addr_format(addr, text);
	if (end->standin)
		fprintf(cli->out, "%s (no address yet)", end->text);
	else if (end->named != NULL && story->alike != NULL)
		fprintf(cli->out, "%s (%s, %s)", end->text, text,
			tg_addr_format(
				dir == TG_EGRESS ? &story->alike->src : &story->alike->dst, other));
	else if (end->named != NULL)
		fprintf(cli->out, "%s (%s)", end->text, text);
	else if (end->pod != NULL)
		fprintf(cli->out, "%s (%s/%s)", text, text_of(story, end->pod->ns),
			text_of(story, end->pod->name));
	else
		fprintf(cli->out, "%s (%s)", text,
			tg_class_kind_label(story->judgement.side[dir].kind));
}

static void print_service(struct tg_cli *cli, const struct tg_explain_query *query)
{
	char number[4];

	fprintf(cli->out, "%s", tg_protocol_name(query->protocol, number));
	if (tg_protocol_has_ports(query->protocol))
		fprintf(cli->out, " port %u", query->port);
}

static void print_isolating(const struct story *story, struct tg_cli *cli, enum tg_direction dir)
{
	const struct side_story *side = &story->side[dir];
	size_t n;
	const struct tg_policy *const *policies =
		tg_roster_policies(story->offline->roster, side->subject->ns, &n);
	char place[600];

	for (size_t i = 0; i < n; i++)
		if (tg_policy_isolates(policies[i], side->subject, dir))
			fprintf(cli->out, "           isolated by %s/%s (%s)\n",
				text_of(story, policies[i]->ns), text_of(story, policies[i]->name),
				place_text(story, &policies[i]->place, place, sizeof(place)));
}

static void print_miss(const struct story *story, struct tg_cli *cli, enum tg_direction dir)
{
	const struct tg_miss *miss = &story->side[dir].miss;
	uint32_t shown = miss->n_failed < TG_MISS_FIELDS ? miss->n_failed : TG_MISS_FIELDS;
	char place[600];

	if (miss->policy == NULL) {
		fputs("           and none of them has a rule for this direction\n", cli->out);
		return;
	}
	fprintf(cli->out, "           nearest miss %s/%s %s[%u] (%s)\n",
		text_of(story, miss->policy->ns), text_of(story, miss->policy->name),
		tg_direction_label(dir), miss->rule,
		place_text(story, &miss->policy->place, place, sizeof(place)));
	for (uint32_t i = 0; i < shown; i++)
		fprintf(cli->out, "             %s: %s\n", miss->failed[i].field,
			miss->failed[i].text);
	if (shown < miss->n_failed)
		fprintf(cli->out, "             and %u more\n", miss->n_failed - shown);
}

/* What the rule is about; its own text begins with its name, which stands before it already. */
static const char *rule_meaning(const struct tg_judged_side *judged, const char *name)
{
	const char *text;

	if (judged->rule == NULL)
		return tg_builtin_text(judged->slot);
	switch (judged->rule->kind) {
	case TG_RULE_IMPLICIT:
		return "policies isolate the pod, and no rule of theirs matches";
	case TG_RULE_BASELINE:
		return "no policy isolates the pod in this direction: the default action";
	default:
		text = judged->strings + judged->rule->text;
		if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ' ')
			text += strlen(name) + 1;
		return text;
	}
}

static void print_side(const struct story *story, struct tg_cli *cli, enum tg_direction dir)
{
	const struct tg_judged_side *judged = &story->judgement.side[dir];
	const struct side_story *side = &story->side[dir];
	char name[TG_RULE_NAME], place[600];

	fprintf(cli->out, "  %-7s  ", tg_direction_label(dir));
	print_verdict(cli, judged->action, "allow", "deny", "audit");
	fprintf(cli->out, "  %s%s%s", tg_colour_on(cli, TG_BOLD), tg_side_rule_name(judged, name),
		tg_colour_off(cli));
	if (side->policy != NULL)
		fprintf(cli->out, " (%s)",
			place_text(story, &side->policy->place, place, sizeof(place)));
	fputc('\n', cli->out);
	fprintf(cli->out, "           %s\n", rule_meaning(judged, name));
	if (side->isolated) {
		print_isolating(story, cli, dir);
		print_miss(story, cli, dir);
	} else if (judged->rule != NULL && judged->rule->kind == TG_RULE_IMPLICIT) {
		fprintf(cli->out, "           isolated by %s (namespace %s)\n",
			judged->strings + judged->rule->policy, judged->strings + judged->rule->ns);
	}
}

static void print_story(const struct story *story, struct tg_cli *cli)
{
	print_end(story, cli, TG_EGRESS);
	fputs(" -> ", cli->out);
	print_end(story, cli, TG_INGRESS);
	fputs(", ", cli->out);
	print_service(cli, story->query);
	fputs(": ", cli->out);
	print_verdict(
		cli, story->judgement.action, "ALLOWED", "DENIED", "ALLOWED, would be denied");
	fputc('\n', cli->out);
	print_side(story, cli, TG_EGRESS);
	print_side(story, cli, TG_INGRESS);
}

static void print_notes(const struct story *story, struct tg_cli *cli)
{
	const char *const notes[] = {story->src->note, story->dst->note};

	for (unsigned int i = 0; i < 2; i++)
		if (*notes[i] != '\0')
			fprintf(cli->out, "  note: %s\n", notes[i]);
}

/* JSON */

static bool add_text(cJSON *tree, const char *key, const char *text)
{
	return cJSON_AddStringToObject(tree, key, text) != NULL;
}

static bool add_miss(
	cJSON *side, const struct story *story, const struct tg_miss *miss, enum tg_direction dir)
{
	cJSON *tree = cJSON_AddObjectToObject(side, "nearest"), *list;
	char text[TG_RULE_NAME];

	snprintf(text, sizeof(text), "%s/%s %s[%u]", text_of(story, miss->policy->ns),
		text_of(story, miss->policy->name), tg_direction_label(dir), miss->rule);
	if (tree == NULL || !add_text(tree, "rule", text) ||
		!add_text(
			tree, "place", place_text(story, &miss->policy->place, text, sizeof(text))))
		return false;
	list = cJSON_AddArrayToObject(tree, "failed");
	for (uint32_t i = 0; list != NULL && i < miss->n_failed && i < TG_MISS_FIELDS; i++) {
		cJSON *item = cJSON_CreateObject();

		if (item == NULL || !cJSON_AddItemToArray(list, item) ||
			!add_text(item, "field", miss->failed[i].field) ||
			!add_text(item, "text", miss->failed[i].text))
			return false;
	}
	return list != NULL;
}

static bool add_side_story(cJSON *tree, const struct story *story, enum tg_direction dir)
{
	cJSON *object = cJSON_GetObjectItemCaseSensitive(tree, tg_direction_label(dir));
	const struct side_story *side = &story->side[dir];
	char place[600];

	if (side->isolated && !tg_isolating_json(story->offline->roster,
				      story->offline->cluster->strings, side->subject, dir, object))
		return false;
	if (side->policy != NULL &&
		!add_text(object, "place",
			place_text(story, &side->policy->place, place, sizeof(place))))
		return false;
	return side->miss.policy == NULL || add_miss(object, story, &side->miss, dir);
}

static bool add_end(cJSON *tree, const char *key, const struct tg_endpoint *end,
	const struct tg_addr *addr, enum tg_class_kind kind)
{
	cJSON *object = cJSON_AddObjectToObject(tree, key);
	char text[TG_ADDR_TEXT];

	if (object == NULL || !add_text(object, "name", end->text) ||
		!add_text(object, "kind", tg_class_kind_label(kind)))
		return false;
	if (!end->standin && !add_text(object, "address", tg_addr_format(addr, text)))
		return false;
	return *end->note == '\0' || add_text(object, "note", end->note);
}

static cJSON *story_json(const struct story *story)
{
	cJSON *tree = tg_judgement_json(&story->judgement);
	char number[4];
	bool ok = tree != NULL &&
		  add_end(tree, "src", story->src, &story->pair.src,
			  story->judgement.side[TG_EGRESS].kind) &&
		  add_end(tree, "dst", story->dst, &story->pair.dst,
			  story->judgement.side[TG_INGRESS].kind) &&
		  add_text(tree, "protocol", tg_protocol_name(story->query->protocol, number));

	if (ok && tg_protocol_has_ports(story->query->protocol))
		ok = cJSON_AddNumberToObject(tree, "port", story->query->port) != NULL;
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT && ok; dir++)
		ok = add_side_story(tree, story, (enum tg_direction)dir);
	if (ok)
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

static int print_json(struct tg_cli *cli, cJSON *tree)
{
	if (tree == NULL)
		return tg_cli_fail(cli, "explain", "out of memory");
	tg_json_print(cli->out, tree);
	cJSON_Delete(tree);
	return TG_EXIT_OK;
}

static int explain_self(
	const struct tg_endpoint *src, const struct tg_endpoint *dst, struct tg_cli *cli, bool json)
{
	cJSON *tree;

	if (!json) {
		fprintf(cli->out, "%s -> %s: ", src->text, dst->text);
		print_verdict(cli, TG_ACTION_ALLOW, "ALLOWED", "", "");
		fputs("\n  the same pod or address: always allowed, and never seen by the gateway\n",
			cli->out);
		return TG_EXIT_OK;
	}
	tree = cJSON_CreateObject();
	if (tree == NULL || !add_text(tree, "verdict", "allow") ||
		!add_text(tree, "reason", "self")) {
		cJSON_Delete(tree);
		tree = NULL;
	}
	return print_json(cli, tree);
}

/* Both families came to the same by the same rules: one of them tells all. */
static bool same_judgement(const struct tg_judgement *a, const struct tg_judgement *b)
{
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		if (a->side[dir].action != b->side[dir].action ||
			a->side[dir].slot != b->side[dir].slot)
			return false;
	return true;
}

static int print_stories(struct story *stories, unsigned int n, struct tg_cli *cli, bool json)
{
	cJSON *tree, *other;

	if (!json) {
		for (unsigned int i = 0; i < n; i++)
			print_story(&stories[i], cli);
		print_notes(&stories[0], cli);
		return TG_EXIT_OK;
	}
	tree = story_json(&stories[0]);
	if (tree != NULL && n > 1) {
		other = story_json(&stories[1]);
		if (other == NULL || !cJSON_AddItemToObject(tree, "other_family", other)) {
			cJSON_Delete(tree);
			tree = NULL;
		}
	}
	return print_json(cli, tree);
}

static int explain_pairs(struct story stories[2], struct tg_cli *cli, bool json,
	const struct tg_addr_pair *pairs, unsigned int n)
{
	int code = TG_EXIT_OK;

	for (unsigned int i = 0; i < n; i++) {
		judge_pair(&stories[i], &pairs[i]);
		if (!tg_action_passes(stories[i].judgement.action))
			code = TG_EXIT_NEGATIVE;
	}
	if (n > 1 && same_judgement(&stories[0].judgement, &stories[1].judgement)) {
		stories[0].alike = &pairs[1];
		n = 1;
	}
	return print_stories(stories, n, cli, json) == TG_EXIT_OK ? code : TG_EXIT_USAGE;
}

int tg_explain(const struct tg_offline *offline, struct tg_cli *cli,
	const struct tg_explain_query *query, bool json)
{
	struct tg_endpoint src, dst;
	struct tg_addr_pair pairs[2];
	struct story stories[2];
	char error[640];
	unsigned int n;

	if (tg_endpoint_find(offline, query->src_text, &src, error, sizeof(error)) != 0 ||
		tg_endpoint_find(offline, query->dst_text, &dst, error, sizeof(error)) != 0)
		return tg_cli_fail(cli, "explain", "%s", error);
	if (tg_endpoint_same(&src, &dst))
		return explain_self(&src, &dst, cli, json);
	n = tg_endpoint_pairs(&src, &dst, pairs);
	if (n == 0)
		return tg_cli_fail(cli, "explain", "%s and %s have no address family in common",
			src.text, dst.text);
	for (unsigned int i = 0; i < n; i++)
		stories[i] = (struct story){
			.offline = offline, .query = query, .src = &src, .dst = &dst};
	return explain_pairs(stories, cli, json, pairs, n);
}
