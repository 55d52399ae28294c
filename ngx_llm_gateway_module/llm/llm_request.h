
/*
 * What the gateway needs to know of a request's body, read from the scan of
 * a JSON body or from the fields of a multipart one.
 */


#ifndef _LLM_REQUEST_H_INCLUDED_
#define _LLM_REQUEST_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"
#include "llm_error.h"
#include "llm_multipart.h"
#include "llm_scan.h"


typedef struct {
    llm_str_t        model;          /* decoded; empty if absent */
    llm_str_t        user;           /* "user" or metadata.user_id, decoded */
    llm_str_t        previous;       /* previous_response_id, decoded */
    int64_t          max_tokens;     /* max_tokens and its cousins:
                                        max_completion_tokens,
                                        max_output_tokens,
                                        generationConfig.maxOutputTokens; -1 */
    int64_t          n;              /* n, candidateCount; 1 if absent */
    int64_t          characters;     /* of "input" (speech), decoded code
                                        points; -1 */
    int64_t          seconds;        /* "seconds" (video), durationSeconds x
                                        sampleCount (gemini); -1 */
    llm_str_t        options;        /* raw text of stream_options, if it is
                                        an object */
    llm_str_t        size;           /* "1024x1024", decoded, or empty */
    llm_str_t        quality;
    unsigned         stream:1;
    unsigned         include_usage:1;      /* the client asks for usage */
    unsigned         stream_options:1;     /* the member is an object */
    unsigned         background:1;         /* responses: a job */
    unsigned         tools:1;
    unsigned         json:1;               /* structured output asked for */
    unsigned         vision:1;             /* there are images in the prompt,
                                              if they were looked for */
} llm_request_t;


/* the picks to scan this operation's JSON bodies with; NULL: none */
const llm_pick_t *llm_request_picks(const llm_op_t *op, unsigned *n);

/*
 * A scanner for them, with LLM_SCAN_MEMBERS; NULL without memory.  Images in
 * a prompt are looked for if asked for: each message costs a little more.
 */
llm_scan_t *llm_request_scan(llm_arena_t *arena, const llm_op_t *op,
    unsigned images);

/*
 * LLM_OK, LLM_NOMEM, or LLM_INVALID with code, message and param of err filled
 * in (400 and the member's name as param: wrong type, out of range, missing
 * model).  Texts come from the arena or point into what was kept of the body.
 * The scan is to be made as llm_request_scan() does.
 */
int llm_request_read_json(const llm_op_t *op, const llm_scan_t *scan,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err);
int llm_request_read_multipart(const llm_op_t *op, const llm_multipart_t *m,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err);

/*
 * The raw JSON that makes a stream tell its usage: what stream_options is to
 * become.  raw is the member's text, or empty if absent.  All that it held
 * besides include_usage stays byte for byte.  LLM_OK, LLM_NOMEM, or LLM_INVALID
 * if raw is neither an object nor null.
 */
int llm_request_usage_option(llm_arena_t *arena, const llm_str_t *raw,
    llm_str_t *json);


#endif /* _LLM_REQUEST_H_INCLUDED_ */
