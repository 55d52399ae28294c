
/*
 * What the files of endings share: _ending.c has the protocols whose last
 * event tells all, _ending_responses.c the one that repeats its answer.
 */


#ifndef _LLM_ENDING_STATE_H_INCLUDED_
#define _LLM_ENDING_STATE_H_INCLUDED_


#include "llm_dialect.h"
#include "llm_ending.h"


/* what an answer is repeated of at most, bytes */
#define LLM_ENDING_MAX      (1024 * 1024)

/* answers of one stream that are told apart */
#define LLM_ENDING_ANSWERS  64


/* of a Responses stream */

typedef struct {
    llm_buf_t            response;    /* the object, as it was told last */
    llm_buf_t            items;       /* those that are done, by commas */
    llm_buf_t            item;        /* the open one, as it was opened */
    llm_buf_t            index;       /* its place, raw */
    llm_buf_t            parts;       /* its parts that are done, by commas */
    llm_buf_t            part;        /* the open one, as it was opened */
    llm_buf_t            place;       /* its index, raw */
    llm_buf_t            text;        /* what came of it, without quotes */
    int64_t              sequence;
    unsigned             summary:1;   /* its parts are of a summary */
    unsigned             lost:1;      /* too long: what is told of the answer
                                         is not repeated */
} llm_ending_responses_t;


struct llm_ending_s {
    llm_arena_t             *arena;
    llm_ending_conf_t        conf;
    uint64_t                 closed;      /* answers that have ended, by bit */
    llm_ending_responses_t  *responses;
};


llm_ending_responses_t *llm_ending_responses_create(llm_arena_t *arena);
void llm_ending_responses_event(llm_ending_t *e, const llm_str_t *data);
int llm_ending_responses_print(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out);


#endif /* _LLM_ENDING_STATE_H_INCLUDED_ */
