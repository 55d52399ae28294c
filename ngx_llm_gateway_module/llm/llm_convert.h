
/*
 * Operations that are no conversations, served by a provider that speaks
 * another protocol: embeddings, images, speech, transcriptions, videos,
 * counts of tokens.  Requests and answers are whole; none of them streams.
 */


#ifndef _LLM_CONVERT_H_INCLUDED_
#define _LLM_CONVERT_H_INCLUDED_


#include "llm_translate.h"


typedef enum {
    LLM_CONVERT_NONE = 0,         /* nothing to convert: it is passed as it is
                                     if the provider speaks the client's
                                     protocol, else it cannot be served */
    LLM_CONVERT_CALL,             /* by a call to the provider, or two */
    LLM_CONVERT_LOCAL             /* answered here, without a call */
} llm_convert_e;

/*
 * How a target serves a client's operation.  Of a target only dialect and
 * quirks count.  To be asked also where both sides speak the same protocol:
 * xAI's videos are no OpenAI videos, Vertex embeds by another call than the
 * Gemini API.  Conversations are llm_translate_op()'s: LLM_CONVERT_NONE.
 */
llm_convert_e llm_convert_find(const llm_op_t *client, const llm_to_t *to);


/* of a video whose request tells none, as of OpenAI's own */
#define LLM_CONVERT_VIDEO_SECONDS  4


typedef struct llm_convert_s  llm_convert_t;

/* what the client sent; all of it must outlive the conversion */

typedef struct {
    llm_str_t        body;        /* JSON that was scanned and found well-
                                     formed, or multipart */
    llm_str_t        boundary;    /* of multipart/form-data, else empty */
    llm_str_t        id;          /* of the path, its signature taken off */
    llm_str_t        args;        /* the raw query, or empty */
} llm_convert_in_t;

/* a request to the provider */

typedef struct {
    llm_str_t        method;      /* "GET", "POST" */
    llm_buf_t        path;        /* behind the provider's base; encoded, with
                                     its query */
    llm_buf_t        body;        /* JSON, or empty */
    unsigned         raw:1;       /* the answer is the client's: its bytes and
                                     Content-Type are passed as they come, of
                                     a redirect status and Location */
} llm_convert_call_t;

/* an answer to the client */

typedef struct {
    int              status;      /* 200, or 302 to location */
    llm_str_t        type;        /* Content-Type */
    llm_str_t        location;
    llm_buf_t        body;
    size_t           sign;        /* offset in body at which the signature of
                                     the id before it is to be inserted; 0:
                                     nothing is to be signed */
    llm_str_t        id;          /* that id */
    unsigned         again:1;     /* no answer yet: llm_convert_again() */
} llm_convert_answer_t;


/* to and conf must outlive it; NULL without memory */
llm_convert_t *llm_convert_create(llm_arena_t *arena, const llm_op_t *client,
    const llm_to_t *to, const llm_translate_conf_t *conf);

/*
 * Of LLM_CONVERT_CALL: the request to the provider.  LLM_OK, LLM_NOMEM, or
 * LLM_INVALID with code, message and param of err: what cannot be asked of
 * this target.
 */
int llm_convert_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);

/* of LLM_CONVERT_LOCAL: the answer; returns as llm_convert_request() */
int llm_convert_local(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_answer_t *answer, llm_error_t *err);

/*
 * A whole answer of status 2xx to a call that is not raw.  LLM_OK; LLM_NOMEM;
 * LLM_INVALID: it makes no sense; LLM_DECLINED: it is an error,
 * llm_convert_fault() tells it.  Other statuses are llm_fault_read()'s.
 */
int llm_convert_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);

/* the second call, where answer->again was set; LLM_OK or LLM_NOMEM */
int llm_convert_again(llm_convert_t *c, llm_convert_call_t *call);

const llm_fault_t *llm_convert_fault(const llm_convert_t *c);

/*
 * Usage that the answer tells, normalised, and the provider's own object, as
 * llm_answer_usage() does; units that are counted in what was made are in it
 * (images).  LLM_DECLINED if none is known: jobs are billed by their request.
 */
int llm_convert_usage(llm_convert_t *c, llm_usage_t *usage, llm_str_t *raw);

/* as llm_translate_dropped() */
llm_str_t llm_convert_dropped(llm_convert_t *c);


#endif /* _LLM_CONVERT_H_INCLUDED_ */
