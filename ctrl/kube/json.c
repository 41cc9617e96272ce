/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

void kube_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if ((unsigned char)*p < ' ')
			fprintf(out, "\\u%04x", (unsigned int)*p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static void members(FILE *out, const struct tg_value *value)
{
	for (const struct tg_value *v = value->first; v != NULL; v = v->next) {
		if (v != value->first)
			fputc(',', out);
		if (value->type == TG_VALUE_MAP) {
			kube_json_string(out, v->key);
			fputc(':', out);
		}
		kube_json_value(out, v);
	}
}

void kube_json_value(FILE *out, const struct tg_value *value)
{
	int64_t integer;

	switch ((enum tg_value_type)value->type) {
	case TG_VALUE_NULL:
		fputs("null", out);
		break;
	case TG_VALUE_BOOL:
		fputs(value->boolean ? "true" : "false", out);
		break;
	case TG_VALUE_NUMBER:
		if (tg_value_int(value, &integer))
			fprintf(out, "%lld", (long long)integer);
		else
			fprintf(out, "%.17g", value->number);
		break;
	case TG_VALUE_STRING:
		kube_json_string(out, value->text);
		break;
	case TG_VALUE_LIST:
		fputc('[', out);
		members(out, value);
		fputc(']', out);
		break;
	case TG_VALUE_MAP:
		fputc('{', out);
		members(out, value);
		fputc('}', out);
		break;
	}
}
