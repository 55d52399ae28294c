
/*
 * A provider's answer, read as it passes: usage, ids, end and error, of a
 * JSON body, an event stream, or a streamed JSON array.  Bytes are never
 * changed here: the reader tells where events end and where ids stand.
 */


#ifndef _LLM_ANSWER_H_INCLUDED_
#define _LLM_ANSWER_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"
#include "llm_usage.h"


typedef enum {
    LLM_ANSWER_JSON = 0,      /* one JSON text */
    LLM_ANSWER_SSE,           /* text/event-stream */
    LLM_ANSWER_ARRAY,         /* streamGenerateContent without alt=sse */
    LLM_ANSWER_EVENTSTREAM,   /* application/vnd.amazon.eventstream */
    LLM_ANSWER_OPAQUE         /* anything else: only counted */
} llm_answer_e;


/* what an event was; bits */

#define LLM_EVENT_CONTENT      0x01    /* the first of these commits a stream:
                                          anything that is no error, comment,
                                          ping or empty preamble */
#define LLM_EVENT_ERROR        0x02    /* the provider's error in a stream */
#define LLM_EVENT_USAGE_ONLY   0x04    /* chat chunk with usage and empty
                                          choices: exists because
                                          include_usage was asked for */
#define LLM_EVENT_DONE         0x08    /* the protocol's own good end */
#define LLM_EVENT_COMMENT      0x10    /* no data at all */


#define LLM_ANSWER_MAX_IDS     3

typedef struct llm_answer_s  llm_answer_t;

/*
 * Reads answers of op; chunks of legacy completions, chat, etc. by its
 * protocol.  NULL without memory.
 */
llm_answer_t *llm_answer_create(llm_arena_t *arena, const llm_op_t *op,
    llm_answer_e kind);

/*
 * Takes bytes from the stream.  *used is how many were taken.
 *
 *   LLM_OK      an event ended at *used (SSE: behind its blank line; array:
 *               behind an element); llm_answer_event() describes it.  Call
 *               again with the rest.
 *   LLM_AGAIN   all len bytes taken; JSON and OPAQUE always answer this
 *   LLM_INVALID, LLM_LIMIT, LLM_NOMEM
 *               the text breaks the format; told once.  Of SSE, and of an
 *               element of an array, it is told at *used where the event
 *               ends, and events behind it are read as before: LLM_OK, with
 *               no bits for those that make no sense either.  Otherwise
 *               *used is len, and later calls take everything and answer
 *               LLM_AGAIN: a broken reader never stops the bytes
 *
 * Where a piece ends between the CR and the LF of an empty line, the event
 * ends with the CR, and the LF is the first byte of the next event.
 *
 * JSON without "data:" in an event stream is an event with LLM_EVENT_ERROR if
 * it tells an error, else one with LLM_EVENT_COMMENT.
 */
int llm_answer_feed(llm_answer_t *a, const unsigned char *data, size_t len,
    size_t *used);

/*
 * The body is over.  LLM_OK: complete by the format's own measure (one JSON
 * value; a stream that ended with its DONE event, or by EOF where that is
 * the protocol's end, e.g. gemini with a finishReason seen).  LLM_INVALID:
 * cut, empty, garbage, or ended by an error without DONE; of JSON also one
 * whose only substance is an error, or that is no object.  SSE with an event
 * pending without its blank line counts that event.  To be called once.
 */
int llm_answer_end(llm_answer_t *a);

/*
 * Of a JSON answer: whether its value is complete, so that only white space
 * may follow.  Tells the end of a body that has no length of its own.
 */
int llm_answer_complete(const llm_answer_t *a);

/*
 * Whether an event is under way whose data reads as JSON so far.  Of
 * EVENTSTREAM, whose frames tell their size, always.
 */
unsigned llm_answer_begun(const llm_answer_t *a);

/* bits of the event that just ended, LLM_EVENT_* */
unsigned llm_answer_event(const llm_answer_t *a);

/* bits of all events so far (of JSON: CONTENT or ERROR after its end) */
unsigned llm_answer_seen(const llm_answer_t *a);

/*
 * Offsets where a signature is to be inserted so that an id or
 * previous_response_id carries it: just before the closing quote.  Of
 * LLM_OP_MAKES_ID and BY_ID operations.  Offsets count from the start of the
 * current event (SSE, array) or of the body (JSON), in order.  id is the raw
 * text between the quotes (ids with escapes are not told).
 */
typedef struct {
    size_t           offset;
    llm_str_t        id;
} llm_answer_id_t;

const llm_answer_id_t *llm_answer_ids(const llm_answer_t *a, unsigned *n);

/*
 * Usage so far in *usage, normalised by the protocol's rules (PROTOCOLS of
 * each provider: cached tokens inside or outside of the prompt, reasoning
 * inside or outside of the output).  LLM_DECLINED if none was told.  raw is
 * the provider's own object as it stood (streams: the last one; anthropic:
 * merged by field into one object), or empty.
 */
int llm_answer_usage(llm_answer_t *a, llm_usage_t *usage, llm_str_t *raw);

/* changes whenever usage was told anew; 0: it never was */
unsigned llm_answer_told(const llm_answer_t *a);

/* bytes of visible or reasoning output text seen, for estimates */
uint64_t llm_answer_text(const llm_answer_t *a);
/* elements of "data": images made, embeddings */
int64_t llm_answer_items(const llm_answer_t *a);

/* "model", "service_tier" and state of jobs ("completed"), or empty; valid
   until the next feed */
llm_str_t llm_answer_model(const llm_answer_t *a);
llm_str_t llm_answer_tier(const llm_answer_t *a);
llm_str_t llm_answer_status(const llm_answer_t *a);
/* message of a provider's error, "" if none; at most 512 bytes */
llm_str_t llm_answer_error(const llm_answer_t *a);
/* the last sequence_number of a Responses stream, -1 if none */
int64_t llm_answer_sequence(const llm_answer_t *a);


#endif /* _LLM_ANSWER_H_INCLUDED_ */
