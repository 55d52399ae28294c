
/*
 * Translation between protocols: client reader -> form -> upstream writer for
 * requests, upstream reader -> parts -> client writer for answers.  Each side
 * is one row of a table (llm_dialect.h); no dialect knows another.
 */


#ifndef _LLM_TRANSLATE_H_INCLUDED_
#define _LLM_TRANSLATE_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"
#include "llm_error.h"
#include "llm_form.h"
#include "llm_usage.h"


/* what a route's provider speaks and what its model can: of configuration */

typedef enum {
    LLM_DIALECT_NONE = 0,
    LLM_DIALECT_CHAT,             /* OpenAI chat completions */
    LLM_DIALECT_RESPONSES,        /* OpenAI Responses */
    LLM_DIALECT_MESSAGES,         /* Anthropic, also on Vertex and Bedrock */
    LLM_DIALECT_GENERATE,         /* Gemini, also on Vertex */
    LLM_DIALECT_CONVERSE,         /* Bedrock Converse */
    LLM_DIALECT_N
} llm_dialect_e;

typedef struct {
    llm_dialect_e    dialect;
    uint64_t         quirks;      /* bits: llm_quirk.h */
    llm_str_t        model;       /* the upstream model */
    int64_t          max_output;  /* longest answer in tokens; -1: unknown */
} llm_to_t;


/*
 * The operation by which a provider of that dialect serves a client's: NULL
 * if it has none.  stream: the client wants one.
 */
const llm_op_t *llm_translate_op(const llm_op_t *client, llm_dialect_e to,
    unsigned stream);

/*
 * The operation that stands for op where others host the provider's models:
 * Anthropic's Messages API on Vertex AI and on Bedrock, by the target's
 * quirks.  op itself elsewhere.
 */
const llm_op_t *llm_translate_host(const llm_op_t *op, const llm_to_t *to,
    unsigned stream);

/*
 * Reads a request that was scanned and found well-formed JSON.  LLM_OK,
 * LLM_NOMEM, or LLM_INVALID with code, message and param of err filled in.
 * body must outlive the form, which points into it.  form->stream is set from
 * the body, or from the operation where that tells.
 */
int llm_translate_read(llm_arena_t *arena, const llm_op_t *op,
    const llm_str_t *body, llm_form_t **form, llm_error_t *err);


typedef struct llm_translate_s  llm_translate_t;

/* one attempt's translation: what does not come from form and target */

typedef struct {
    llm_str_t        id;          /* the request's, hex: ids that the upstream
                                     does not give are made of it */
    llm_str_t        model;       /* as the client asked for it */
    int64_t          created;     /* seconds since the epoch */
    llm_str_t        betas;       /* the client's "anthropic-beta", or empty;
                                     it is not passed on beside the headers of
                                     llm_translate_headers() */
    unsigned         array:1;     /* Gemini client without alt=sse */
} llm_translate_conf_t;

/* form, to and conf must outlive it; NULL without memory */
llm_translate_t *llm_translate_create(llm_arena_t *arena,
    const llm_form_t *form, const llm_to_t *to,
    const llm_translate_conf_t *conf);

/*
 * The upstream's request body.  LLM_OK, LLM_NOMEM, or LLM_INVALID with err:
 * what the client asked for and this target cannot give (unsupported_parameter
 * with param, or untranslatable).
 */
int llm_translate_request(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);

/*
 * Names of what was left out so far, joined by commas; a header's value.
 * Request headers that the body needs ("anthropic-beta: ..." CRLF), or empty.
 */
llm_str_t llm_translate_dropped(llm_translate_t *x);
llm_str_t llm_translate_headers(llm_translate_t *x);

/* Content-Type of the client's answer */
llm_str_t llm_translate_type(const llm_translate_t *x, unsigned stream);

/*
 * Usage as llm_answer_usage() read it from the upstream's bytes; to be given
 * before llm_translate_answer(), and before the event that ends a stream (or
 * before each event).  It is copied.
 */
void llm_translate_usage(llm_translate_t *x, const llm_usage_t *usage);

/*
 * A whole JSON answer of status 200.  LLM_OK; LLM_INVALID: it is no answer of
 * its protocol, or an error inside a 200 (see llm_translate_fault()), nothing
 * is appended.
 */
int llm_translate_answer(llm_translate_t *x, const llm_str_t *body,
    llm_buf_t *out);

/*
 * One event of the upstream's stream, unframed: SSE's name and data, an
 * array's element, or type and payload of an AWS event.  What the client is
 * to get for it is appended, framed; often nothing: the answer begins with
 * its first content.  Text that is no JSON, or makes no sense, is
 * LLM_INVALID, the upstream's own error LLM_DECLINED, which
 * llm_translate_fault() tells.  The ladder may move on from both if
 * llm_translate_begun() is still 0; else the stream is to be ended by
 * llm_translate_break().  LLM_NOMEM likewise.
 */
int llm_translate_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data, llm_buf_t *out);

/*
 * The upstream closed its stream.  LLM_OK: what ends the client's stream
 * properly is appended (once).  LLM_INVALID: it was cut.  LLM_DECLINED: it
 * ended by an error.
 */
int llm_translate_end(llm_translate_t *x, llm_buf_t *out);

/*
 * Ends the client's stream by an error event; err as for our own errors, or
 * NULL: the upstream's own error, as its client's protocol words it.
 */
void llm_translate_break(llm_translate_t *x, const llm_error_t *err,
    llm_buf_t *out);

/* ends the client's stream as if the answer had reached its length limit */
void llm_translate_length(llm_translate_t *x, llm_buf_t *out);

/* the protocol's good end was appended: what follows does not count */
unsigned llm_translate_ended(const llm_translate_t *x);

/* whether anything was appended yet */
unsigned llm_translate_begun(const llm_translate_t *x);


/* an upstream's error, of any provider, whatever its shape */

typedef struct {
    llm_fault_e      fault;
    int              status;      /* for the client, by its protocol */
    llm_str_t        message;     /* the provider's words; never HTML */
    llm_str_t        code;        /* the provider's code, or empty */
    llm_str_t        param;
    int64_t          retry_after; /* ms told in the body; -1 */
} llm_fault_t;

/*
 * Reads an error body; type is the x-amzn-errortype header or empty.  Always
 * finds something to say.  LLM_OK or LLM_NOMEM.
 */
int llm_fault_read(llm_arena_t *arena, llm_dialect_e from, int status,
    const llm_str_t *type, const llm_str_t *body, llm_fault_t *fault);

/* the error that made llm_translate_event() or _answer() fail, or NULL */
const llm_fault_t *llm_translate_fault(const llm_translate_t *x);

/*
 * Appends an upstream's error as the client's protocol words it, by the
 * tables of classes; fault->status is set to the status that goes with it.
 */
void llm_fault_print(const llm_op_t *client, llm_fault_t *fault,
    const llm_str_t *request_id, llm_buf_t *out);

/* type and code (or NULL) that OpenAI's protocols have for a class */
const char *llm_fault_type(llm_fault_e fault);
const char *llm_fault_code(llm_fault_e fault);


#endif /* _LLM_TRANSLATE_H_INCLUDED_ */
