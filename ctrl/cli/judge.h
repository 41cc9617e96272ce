/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One question judged: both sides, read from the compiled image by the same steps as enforcement,
 * in terms that people use: rule names and policies instead of slots.
 */
#ifndef TG_CLI_JUDGE_H
#define TG_CLI_JUDGE_H

#include <cjson/cJSON.h>

#include "image.h"

#define TG_RULE_NAME 600

struct tg_question {
	struct tg_addr src, dst; /* of one family */
	uint16_t zone;
	uint8_t protocol;
	uint16_t port; /* 0 for protocols without ports */
};

struct tg_judged_side {
	enum tg_action action;
	uint32_t slot;
	enum tg_class_kind kind;	  /* of the address whose side this is */
	const struct tg_image_rule *rule; /* NULL: a built-in rule */
	const char *strings;		  /* that the rule's texts are in */
};

struct tg_judgement {
	struct tg_judged_side side[TG_DIRECTION_COUNT];
	enum tg_action action; /* of both */
};

void tg_judge(
	const struct tg_image *image, const struct tg_question *question, struct tg_judgement *out);

static inline bool tg_action_passes(enum tg_action action)
{
	return action != TG_ACTION_DENY;
}

/*
 * The deciding rule in words, for people and as the `rule` of JSON answers:
 *   namespace/policy egress[0]   a policy's rule
 *   implicit-deny                isolated, and no rule matched
 *   baseline                     the default action for the pod's namespace
 *   infrastructure/NAME          a tuple of the configuration
 *   default-allow ...            a built-in rule by its label
 */
const char *tg_side_rule_name(const struct tg_judged_side *side, char buf[TG_RULE_NAME]);

/*
 * {"verdict": "deny", "egress": {"verdict": ..., "rule": ...}, "ingress": {...}} with what is known
 * beyond: "would" (audit), "kind", "namespace", "policy", "index", "isolated_by", "reason". The
 * side of an address that is no pod is {"verdict": "allow", "rule": null}; when such a side is
 * what denies, the whole verdict is deny all the same and "reason" names it. NULL: out of memory.
 */
cJSON *tg_judgement_json(const struct tg_judgement *judgement);

#endif
