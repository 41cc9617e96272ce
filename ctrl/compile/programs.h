/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port programs: an ordered list of (port set, verdict), of which the first match decides, and a
 * verdict for the rest, made into steps over the whole range of keys; equal programs are one.
 */
#ifndef TG_COMPILE_PROGRAMS_H
#define TG_COMPILE_PROGRAMS_H

#include "policies.h"

struct programs {
	struct seqs lists;	/* {rest, port set, verdict, ...} */
	struct tg_vec_u32 made; /* by list: program reference, TG_NONE: not made yet */
	struct seqs steps;	/* {start, verdict, ...}; id = program + 1 */
	struct tg_vec_u32 list; /* the list being written */
	TG_VEC(struct program_edge) edges;
	struct tg_vec_u32 heap, out;
	bool closed; /* what follows can never match */
};

struct program_edge {
	uint32_t key;
	uint32_t end;  /* of the range, inclusive */
	uint32_t rank; /* in the list: lower decides */
};

int port_programs_init(struct programs *p);
void port_programs_free(struct programs *p);

/* port_programs_begin, port_programs_append in order of precedence, port_programs_end. */
int port_programs_begin(struct programs *p, uint32_t rest);
int port_programs_append(struct programs *p, uint32_t ports, uint32_t verdict);
/* The program reference, TG_NONE when memory is out. (No reference has that value.) */
uint32_t port_programs_end(struct programs *p, const struct seqs *port_sets);

#endif
