
/*
 * Reading of requests, shared by its files: llm_request_table.c lists what is
 * read, llm_request_json.c and llm_request_multipart.c read it from the two
 * kinds of bodies, llm_request.c checks it.  Nobody else includes this.
 */


#ifndef _LLM_REQUEST_STATE_H_INCLUDED_
#define _LLM_REQUEST_STATE_H_INCLUDED_


#include "llm_request.h"


#define LLM_REQUEST_MAX_MODEL      256       /* decoded bytes */
#define LLM_REQUEST_MAX_PREVIOUS   512
#define LLM_REQUEST_MAX_USER       512
#define LLM_REQUEST_MAX_WORD       64
#define LLM_REQUEST_MAX_NUMBER     32        /* bytes of a number's text */
#define LLM_REQUEST_MAX_OPTIONS    4096
#define LLM_REQUEST_MAX_INPUT      65536     /* read to count code points */
#define LLM_REQUEST_MAX_N          128
#define LLM_REQUEST_MAX_SECONDS    86400

/* a byte takes six at most where it is escaped, and there are quotes */
#define llm_request_raw(n)         ((n) * 6 + 2)


/* how a member is read */

typedef enum {
    LLM_READ_NONE = 0,          /* only its members are */
    LLM_READ_MODEL,
    LLM_READ_STREAM,
    LLM_READ_STREAM_FORMAT,
    LLM_READ_MAX,
    LLM_READ_MAX_ZERO,          /* 0 is allowed */
    LLM_READ_N,
    LLM_READ_SECONDS,
    LLM_READ_SAMPLES,
    LLM_READ_USER,
    LLM_READ_PREVIOUS,
    LLM_READ_BACKGROUND,
    LLM_READ_OPTIONS,
    LLM_READ_INCLUDE_USAGE,
    LLM_READ_TOOLS,
    LLM_READ_FORMAT,
    LLM_READ_SIZE,
    LLM_READ_QUALITY,
    LLM_READ_INPUT,
    LLM_READ_IMAGE
} llm_read_e;


typedef struct {
    const llm_pick_t    *picks;
    const uint8_t       *reads;      /* llm_read_e, parallel to picks */
    unsigned             n;
    llm_picks_t         *set;        /* the same picks, for scanners */
    llm_picks_t         *plain;      /* without those that look for images,
                                        which stand last */
} llm_request_table_t;


typedef struct {
    const llm_op_t              *op;
    const llm_request_table_t   *table;
    llm_arena_t                 *arena;
    llm_request_t               *req;
    llm_error_t                 *err;
    int64_t                      samples;
} llm_request_ctx_t;


/* indexed by llm_op_e; the model stands first where the body names it */
extern const llm_request_table_t  llm_request_tables[LLM_OP_N];


void llm_request_init(llm_request_ctx_t *ctx, const llm_op_t *op,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err);

/* the body was read: what must be there is */
int llm_request_done(llm_request_ctx_t *ctx);

/* take the value of pick i: LLM_OK, LLM_INVALID, LLM_NOMEM */
int llm_request_set_text(llm_request_ctx_t *ctx, unsigned i,
    const llm_str_t *text);
int llm_request_set_number(llm_request_ctx_t *ctx, unsigned i, int64_t n);

/*
 * Fill in the error, with the name of pick i in front of text; the table's n
 * stands for none.  llm_request_refuse() says unsupported_parameter.
 * LLM_INVALID or LLM_NOMEM.
 */
int llm_request_refuse(llm_request_ctx_t *ctx, unsigned i, const char *text);
int llm_request_fail(llm_request_ctx_t *ctx, unsigned i, llm_error_e code,
    const char *text);

/* digits only, at most 15 of them */
int llm_request_decimal(const llm_str_t *text, int64_t *n);


#endif /* _LLM_REQUEST_STATE_H_INCLUDED_ */
