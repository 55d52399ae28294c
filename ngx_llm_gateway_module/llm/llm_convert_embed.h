
/*
 * Embeddings between their readers and their writers.
 */


#ifndef _LLM_CONVERT_EMBED_H_INCLUDED_
#define _LLM_CONVERT_EMBED_H_INCLUDED_


#include "llm_convert_state.h"


#define LLM_EMBED_MAX  2048      /* inputs of a request, as OpenAI allows */


typedef struct {
    llm_item_t      *inputs;      /* texts in value; name: a title */
    llm_item_t     **last;
    unsigned         n;
    llm_str_t        dimensions;  /* raw, or empty */
    llm_str_t        task;        /* Gemini's word, or empty */
} llm_embed_t;


/* requests of _embed_read.c: LLM_OK, LLM_NOMEM, LLM_INVALID with err */

int llm_embed_read(llm_convert_t *c, const llm_str_t *body, llm_embed_t *e,
    llm_error_t *err);


/* an answer: vectors as they stand in it */

typedef struct {
    llm_str_t       *values;      /* arrays of numbers */
    unsigned         n;
    int64_t          tokens;      /* -1: not told */
} llm_embed_answer_t;

/* appends what the client gets; LLM_OK or LLM_INVALID: no vectors of numbers */
int llm_embed_print(llm_convert_t *c, const llm_embed_answer_t *a,
    llm_buf_t *out);


#endif /* _LLM_CONVERT_EMBED_H_INCLUDED_ */
