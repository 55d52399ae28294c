
/*
 * What a ladder would do before its first attempt.
 */


#ifndef _NGX_HTTP_LLM_FORESEE_H_INCLUDED_
#define _NGX_HTTP_LLM_FORESEE_H_INCLUDED_


#include "ngx_http_llm_quota.h"


/* whose limits are looked at */

typedef enum {
    NGX_HTTP_LLM_FORESEE_OWN = 0,    /* the request's, for all of its plan */
    NGX_HTTP_LLM_FORESEE_MORE,       /* the same, for a dearer backup */
    NGX_HTTP_LLM_FORESEE_PROVIDER
} ngx_http_llm_foresee_e;


typedef struct {
    ngx_http_llm_ctx_t          *ctx;        /* planned */
    void                       (*handler)(void *data, ngx_int_t rc);
    void                        *data;

    /* the answer */
    ngx_http_llm_candidate_t    *cand;       /* would be tried; NULL: it would
                                                wait */
    llm_move_e                   move;       /* how it comes to it, if it is not
                                                the first of the plan */
    ngx_msec_t                   wait;       /* until there may be room; -1: not
                                                known */
    llm_buf_t                    limits;     /* those that were looked at, as
                                                elements of JSON */
    unsigned                     looked:1;   /* some were */
    unsigned                     away:1;     /* Redis did not tell */

    /* on its way */
    unsigned                     resort:1;   /* cand is the last one */
    llm_reason_e                 reason;     /* what it stops by else */
    llm_failure_e                failure;
    ngx_http_llm_foresee_e       part;
    ngx_http_llm_quota_look_t    own;
    ngx_http_llm_quota_look_t    provider;
    llm_amount_t                 held;       /* would be, by the request */
    llm_amount_t                 need;       /* of cand */
} ngx_http_llm_foresight_t;


/*
 * Walks as the ladder would, takes nothing and calls nobody.  fs was zeroed but
 * for its first three members.  NGX_OK: the answer is there; NGX_AGAIN: handler
 * is called with what else is returned, unless the request ends before; else
 * the status that the request would be refused with.
 */
ngx_int_t ngx_http_llm_foresee(ngx_http_llm_foresight_t *fs);


#endif /* _NGX_HTTP_LLM_FORESEE_H_INCLUDED_ */
