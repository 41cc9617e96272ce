/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <stdio.h>
#include <string.h>

static void fill_side(
	struct tg_judged_side *side, const struct tg_image *image, uint32_t verdict, uint32_t cls)
{
	side->action = tg_verdict_action(verdict);
	side->slot = tg_verdict_slot(verdict);
	side->kind = (enum tg_class_kind)image->classes[cls].kind;
	side->rule = tg_image_rule_of(image, side->slot);
	side->strings = image->strings;
}

void tg_judge(
	const struct tg_image *image, const struct tg_question *question, struct tg_judgement *out)
{
	struct tg_image_query query = {
		.src = question->src,
		.dst = question->dst,
		.zone = question->zone,
		.protocol = question->protocol,
		.dport = question->port,
	};
	struct tg_image_answer answer;

	tg_image_judge(image, &query, &answer);
	fill_side(&out->side[TG_EGRESS], image, answer.side[TG_EGRESS].verdict, answer.src_class);
	fill_side(&out->side[TG_INGRESS], image, answer.side[TG_INGRESS].verdict, answer.dst_class);
	out->action = answer.action;
}

/* The side's address is somebody whom policies speak about: a pod, or one that several claim. */
static bool is_subject(const struct tg_judged_side *side)
{
	return side->kind == TG_KIND_POD || side->kind == TG_KIND_CONFLICT ||
	       side->kind == TG_KIND_QUARANTINE;
}

const char *tg_side_rule_name(const struct tg_judged_side *side, char buf[TG_RULE_NAME])
{
	const struct tg_image_rule *rule = side->rule;

	if (rule == NULL)
		snprintf(buf, TG_RULE_NAME, "%s", tg_builtin_label(side->slot));
	else if (rule->kind == TG_RULE_POLICY)
		snprintf(buf, TG_RULE_NAME, "%s/%s %s[%u]", side->strings + rule->ns,
			side->strings + rule->policy, tg_direction_label(rule->direction),
			rule->index);
	else if (rule->kind == TG_RULE_INFRASTRUCTURE)
		snprintf(buf, TG_RULE_NAME, "infrastructure/%s", side->strings + rule->policy);
	else
		snprintf(buf, TG_RULE_NAME, "%s", tg_rule_kind_label(rule->kind));
	return buf;
}

/* The reason of a denial that neither side's policies decided ("transit"), or NULL. */
static const char *reason_of(const struct tg_judgement *judgement)
{
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		const struct tg_judged_side *side = &judgement->side[dir];

		if (side->action == TG_ACTION_DENY && !is_subject(side))
			return side->rule != NULL ? tg_rule_kind_label(side->rule->kind)
						  : tg_builtin_label(side->slot);
	}
	return NULL;
}

static const char *verdict_word(enum tg_action action)
{
	return tg_action_passes(action) ? "allow" : "deny";
}

/* "a, b" as a list. The image cuts long texts: "..." then stands for the rest. */
static bool add_isolating(cJSON *tree, const struct tg_judged_side *side)
{
	const char *p = side->strings + side->rule->policy;
	cJSON *list = cJSON_AddArrayToObject(tree, "isolated_by");
	char name[TG_RULE_NAME];

	while (list != NULL && *p != '\0') {
		size_t length = strcspn(p, ", ");

		if (length >= 3 && strncmp(p + length - 3, "...", 3) == 0)
			snprintf(name, sizeof(name), "...");
		else
			snprintf(name, sizeof(name), "%s/%.*s", side->strings + side->rule->ns,
				(int)length, p);
		if (length != 0 && !cJSON_AddItemToArray(list, cJSON_CreateString(name)))
			return false;
		p += length;
		p += strspn(p, ", ");
	}
	return list != NULL;
}

static bool add_rule(cJSON *tree, const struct tg_judged_side *side)
{
	const struct tg_image_rule *rule = side->rule;
	char name[TG_RULE_NAME];

	if (cJSON_AddStringToObject(tree, "rule", tg_side_rule_name(side, name)) == NULL)
		return false;
	if (side->action == TG_ACTION_AUDIT &&
		cJSON_AddStringToObject(tree, "would", "deny") == NULL)
		return false;
	if (cJSON_AddStringToObject(tree, "kind",
		    tg_rule_kind_label(rule != NULL ? rule->kind : TG_RULE_BUILTIN)) == NULL)
		return false;
	if (rule == NULL)
		return true;
	if (rule->ns != 0 &&
		cJSON_AddStringToObject(tree, "namespace", side->strings + rule->ns) == NULL)
		return false;
	if (rule->kind == TG_RULE_IMPLICIT)
		return add_isolating(tree, side);
	if (rule->policy != 0 &&
		cJSON_AddStringToObject(tree, "policy", side->strings + rule->policy) == NULL)
		return false;
	return rule->index == TG_NONE ||
	       cJSON_AddNumberToObject(tree, "index", rule->index) != NULL;
}

static bool add_side(cJSON *tree, enum tg_direction dir, const struct tg_judged_side *side)
{
	cJSON *object = cJSON_AddObjectToObject(tree, tg_direction_label(dir));
	bool subject = is_subject(side);

	if (object == NULL || cJSON_AddStringToObject(object, "verdict",
				      subject ? verdict_word(side->action) : "allow") == NULL)
		return false;
	return subject ? add_rule(object, side) : cJSON_AddNullToObject(object, "rule") != NULL;
}

cJSON *tg_judgement_json(const struct tg_judgement *judgement)
{
	cJSON *tree = cJSON_CreateObject();
	const char *reason = reason_of(judgement);
	bool ok = tree != NULL &&
		  cJSON_AddStringToObject(tree, "verdict", verdict_word(judgement->action)) != NULL;

	if (ok && reason != NULL)
		ok = cJSON_AddStringToObject(tree, "reason", reason) != NULL;
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT && ok; dir++)
		ok = add_side(tree, (enum tg_direction)dir, &judgement->side[dir]);
	if (ok)
		return tree;
	cJSON_Delete(tree);
	return NULL;
}
