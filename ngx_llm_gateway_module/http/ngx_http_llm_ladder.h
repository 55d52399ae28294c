
/*
 * The parts of the ladder that its files share: _ladder.c walks, _take.c takes
 * a route, _decide.c decides, _wait.c waits.
 */


#ifndef _NGX_HTTP_LLM_LADDER_H_INCLUDED_
#define _NGX_HTTP_LLM_LADDER_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _ladder.c */

ngx_int_t ngx_http_llm_ladder_step(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_rung_e rung, llm_failure_e *failure, ngx_msec_t *wait);
/* starts an attempt that is in ctx->attempts */
ngx_int_t ngx_http_llm_ladder_run(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
ngx_int_t ngx_http_llm_ladder_move(ngx_http_llm_ctx_t *ctx,
    llm_failure_e failure, ngx_msec_t wait);
ngx_int_t ngx_http_llm_ladder_stop(ngx_http_llm_ctx_t *ctx,
    llm_reason_e reason, ngx_msec_t wait);
/* Retry-After of a wait in milliseconds */
ngx_uint_t ngx_http_llm_ladder_seconds(ngx_msec_t wait);


/* _take.c */

/*
 * An attempt on this route, if health, limits and the retry budget let it be:
 * else NGX_BUSY, with the reason in the candidate.
 */
ngx_int_t ngx_http_llm_ladder_take(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_http_llm_rung_e rung,
    ngx_msec_t *wait);


/* _decide.c */

/* the decision for a failure; at may be NULL: nothing was tried */
llm_decision_t ngx_http_llm_ladder_ask(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at, llm_failure_e failure);
void ngx_http_llm_ladder_tell(ngx_http_llm_attempt_t *at);


/* _wait.c */

ngx_int_t ngx_http_llm_ladder_backoff(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
ngx_int_t ngx_http_llm_ladder_queue(ngx_http_llm_ctx_t *ctx,
    ngx_msec_t wait);
ngx_int_t ngx_http_llm_ladder_watch(ngx_http_llm_ctx_t *ctx);
/* arms the class's deadline, if it has one */
ngx_int_t ngx_http_llm_ladder_arm(ngx_http_llm_ctx_t *ctx);


#endif /* _NGX_HTTP_LLM_LADDER_H_INCLUDED_ */
