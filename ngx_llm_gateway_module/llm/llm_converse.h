
/*
 * What the files of the Converse dialect share: Bedrock's own protocol, which
 * no client speaks.
 */


#ifndef _LLM_CONVERSE_H_INCLUDED_
#define _LLM_CONVERSE_H_INCLUDED_


#include "llm_claude.h"


/* whose model it is, by its name: each takes fields of its own */

typedef enum {
    LLM_CONVERSE_OTHER = 0,
    LLM_CONVERSE_CLAUDE,
    LLM_CONVERSE_NOVA,
    LLM_CONVERSE_NOVA_2,          /* which thinks */
    LLM_CONVERSE_GPT_OSS
} llm_converse_family_e;

llm_converse_family_e llm_converse_family(const llm_str_t *model);


/* llm_converse_write.c, _tool.c, _turn.c: the upstream's request */

typedef struct {
    llm_translate_t        *x;
    const llm_form_t       *form;
    llm_buf_t              *out;
    llm_converse_family_e   family;
    llm_claude_plan_t       plan;
    llm_str_t               tool;      /* that stands for the schema */
    unsigned                documents; /* so far: names are numbered */
    unsigned                forced:1;
    unsigned                called:1;  /* tools were called before */
} llm_converse_writer_t;

int llm_converse_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err);

/* "messages" and "system"; LLM_OK, LLM_NOMEM, or LLM_INVALID with err */
int llm_converse_write_turns(llm_converse_writer_t *w, llm_error_t *err);

/* "toolConfig" with a comma before, where there is one; LLM_OK, LLM_NOMEM */
int llm_converse_write_tools(llm_converse_writer_t *w);

/* a tool's name, and a call's id, as Bedrock takes them */
int llm_converse_name(llm_converse_writer_t *w, const llm_str_t *name,
    llm_str_t *out);
int llm_converse_id(llm_converse_writer_t *w, const llm_str_t *id,
    llm_str_t *out);

/* a breakpoint behind a block or a tool, with a comma before */
void llm_converse_write_cache(llm_converse_writer_t *w, llm_cache_e cache);

/* the kind of state that a model of this family wants back */
llm_state_e llm_converse_state(llm_converse_family_e family);


/* llm_converse_answer.c: the upstream's answer */

typedef struct {
    unsigned            answer:1;      /* the forced tool was called */
    unsigned            calls:1;       /* another one was */
    unsigned            unwrapping:1;  /* the open text is its input */
} llm_converse_reader_t;

int llm_converse_read_answer(llm_translate_t *x, const llm_str_t *body);
int llm_converse_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
int llm_converse_read_end(llm_translate_t *x);


#endif /* _LLM_CONVERSE_H_INCLUDED_ */
