
/*
 * The end of a stream that passes as it came, where the gateway ends it: as
 * if the answer had reached its longest, in the words of the protocol.  What
 * is open is taken from the last event; of protocols whose end repeats what
 * was said, from all of them.
 */


#ifndef _LLM_ENDING_H_INCLUDED_
#define _LLM_ENDING_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"
#include "llm_usage.h"


typedef struct llm_ending_s  llm_ending_t;

typedef struct {
    const llm_op_t  *op;          /* the client's */
    int64_t          answers;     /* that were asked for: "n" */
    unsigned         usage:1;     /* the client wants a chunk with it */
    unsigned         array:1;     /* the stream is a JSON array */
} llm_ending_conf_t;


/* NULL: no memory, or streams of this operation have no such end */
llm_ending_t *llm_ending_create(llm_arena_t *arena,
    const llm_ending_conf_t *conf);

/* whether llm_ending_event() is to be called for each event */
unsigned llm_ending_follows(const llm_ending_t *e);

/* takes note of an event: its data, well-formed JSON, as the client gets it */
void llm_ending_event(llm_ending_t *e, const llm_str_t *data);

/*
 * Appends what ends the stream behind this event, framed.  LLM_OK;
 * LLM_AGAIN: the stream cannot end here, another event may tell more, or the
 * provider is about to end it; LLM_NOMEM.
 */
int llm_ending_print(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out);


#endif /* _LLM_ENDING_H_INCLUDED_ */
