
/*
 * The parts of the ladder that its files share: _ladder.c walks, _take.c takes
 * a route, _decide.c decides, _wait.c waits, _queue.c has the lines of those
 * who wait for room, _plan.c the backups.
 */


#ifndef _NGX_HTTP_LLM_LADDER_H_INCLUDED_
#define _NGX_HTTP_LLM_LADDER_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _ladder.c */

/*
 * Starts an attempt on the next route of the plan that is fit now.  NGX_BUSY:
 * there is none; *failure and *wait tell why, and until when.  NGX_AGAIN:
 * limits are asked for a route, and the caller says in whose turn by
 * ngx_http_llm_ladder_asking().
 */
ngx_int_t ngx_http_llm_ladder_step(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_rung_e rung, llm_failure_e *failure, ngx_msec_t *wait);
/* goes on with a step whose route was refused */
ngx_int_t ngx_http_llm_ladder_step_on(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_rung_e rung, llm_failure_e *failure, ngx_msec_t *wait);
/* no route was fit for a first attempt */
ngx_int_t ngx_http_llm_ladder_unfit(ngx_http_llm_ctx_t *ctx,
    llm_failure_e failure, ngx_msec_t wait);
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
 * An attempt on this route, if limits, health and the retry budget let it be:
 * else NGX_BUSY, with the reason in the candidate.  NGX_AGAIN: limits are
 * asked, see ladder_step(); ngx_http_llm_ladder_admit() goes on from there.
 */
ngx_int_t ngx_http_llm_ladder_take(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_http_llm_rung_e rung,
    ngx_msec_t *wait);
ngx_int_t ngx_http_llm_ladder_admit(ngx_http_llm_attempt_t *at,
    ngx_msec_t *wait);
/* what routes that could not be taken in this moment make of a step that found
   none: a failure by a limit, and when to ask again */
void ngx_http_llm_ladder_busy(ngx_http_llm_ctx_t *ctx, llm_failure_e *failure,
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
/* the ladder waits for the limits that were asked; reason is of RESORT */
ngx_int_t ngx_http_llm_ladder_asking(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_turn_e turn, ngx_http_llm_rung_e rung, llm_reason_e reason);
/* they have answered */
void ngx_http_llm_ladder_told(ngx_http_llm_attempt_t *at);
/* arms the class's deadline, if it has one */
ngx_int_t ngx_http_llm_ladder_arm(ngx_http_llm_ctx_t *ctx);
/*
 * Tries to start an attempt for a request that waits in the queue.  NGX_OK:
 * started, or ended; NGX_BUSY: there is still no room; NGX_AGAIN: limits are
 * asked, its line hears by ngx_http_llm_queue_kick() or _rest().
 */
ngx_int_t ngx_http_llm_ladder_wake(ngx_http_llm_ctx_t *ctx,
    ngx_msec_t *wait);
/* it has waited long enough */
void ngx_http_llm_ladder_expire(ngx_http_llm_ctx_t *ctx);


/* _queue.c */

/* NGX_OK: it waits; NGX_DECLINED: the queue is full; NGX_ERROR */
ngx_int_t ngx_http_llm_queue_add(ngx_http_llm_ctx_t *ctx);
void ngx_http_llm_queue_remove(ngx_http_llm_ctx_t *ctx);
/* the head of a model's line is looked at after so many milliseconds, if not
   before */
void ngx_http_llm_queue_rest(ngx_http_llm_model_t *model, ngx_msec_t wait);


/* _plan.c */

/*
 * The plan of the next approved backup model that this class may use and
 * that has routes for this request; NGX_DECLINED: none is left.
 */
ngx_int_t ngx_http_llm_plan_backup(ngx_http_llm_ctx_t *ctx);
/* whether plan_backup() would find one */
ngx_uint_t ngx_http_llm_plan_has_backup(ngx_http_llm_ctx_t *ctx);


#endif /* _NGX_HTTP_LLM_LADDER_H_INCLUDED_ */
