
/*
 * A ladder that waits: for a back-off, in the queue, for the word of limits
 * that lie in Redis, and against its class's deadline.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


static void ngx_http_llm_ladder_cleanup(void *data);
static void ngx_http_llm_ladder_timer(ngx_event_t *ev);
static ngx_int_t ngx_http_llm_ladder_give_up(ngx_http_llm_ctx_t *ctx,
    ngx_msec_t wait);
static ngx_int_t ngx_http_llm_ladder_turn(ngx_http_llm_ctx_t *ctx,
    ngx_int_t rc, ngx_msec_t wait);
static ngx_int_t ngx_http_llm_ladder_woken(ngx_http_llm_ctx_t *ctx,
    ngx_int_t rc);
static void ngx_http_llm_ladder_hold(ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_ladder_leave(ngx_http_llm_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_llm_ladder_unask(ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_ladder_deadline(ngx_event_t *ev);


ngx_int_t
ngx_http_llm_ladder_backoff(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at)
{
    if (ngx_http_llm_ladder_watch(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->state = NGX_HTTP_LLM_BACKOFF;
    ctx->timer.handler = ngx_http_llm_ladder_timer;

    ngx_add_timer(&ctx->timer, (ngx_msec_t) at->decision.delay_ms);

    return NGX_OK;
}


/* a back-off is over */

static void
ngx_http_llm_ladder_timer(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_msec_t               wait;
    ngx_connection_t        *c;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    ctx = ev->data;
    c = ctx->request->connection;
    at = ctx->current;

    ngx_http_set_log_request(c->log, ctx->request);

    wait = 0;
    rc = ngx_http_llm_health_shut(at->route)
         ? NGX_BUSY
         : ngx_http_llm_ladder_take(ctx, at->candidate,
                                    NGX_HTTP_LLM_RUNG_RETRY, &wait);

    if (rc == NGX_BUSY) {
        rc = ngx_http_llm_ladder_give_up(ctx, wait);

    } else if (rc == NGX_AGAIN) {
        rc = ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_RETRY,
                                        NGX_HTTP_LLM_RUNG_RETRY,
                                        LLM_REASON_ALLOWED);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(ctx->request, rc);
    }

    ngx_http_run_posted_requests(c);
}


/* its breaker opened meanwhile, or a limit was reached: no retry, but the next
   rung, if there is one */

static ngx_int_t
ngx_http_llm_ladder_give_up(ngx_http_llm_ctx_t *ctx, ngx_msec_t wait)
{
    ngx_http_llm_attempt_t  *at;

    at = ctx->current;

    at->retry = ctx->class->policy.retries;
    at->decided = 0;

    return ngx_http_llm_ladder_move(ctx, at->failure, wait);
}


ngx_int_t
ngx_http_llm_ladder_asking(ngx_http_llm_ctx_t *ctx, ngx_http_llm_turn_e turn,
    ngx_http_llm_rung_e rung, llm_reason_e reason)
{
    ctx->turn = turn;
    ctx->turn_rung = rung;
    ctx->turn_reason = reason;

    if (turn != NGX_HTTP_LLM_TURN_WAKE) {
        ctx->state = NGX_HTTP_LLM_ASKING;
    }

    return ngx_http_llm_ladder_watch(ctx) == NGX_OK
           ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


void
ngx_http_llm_ladder_told(ngx_http_llm_attempt_t *at)
{
    ngx_int_t            rc;
    ngx_msec_t           wait;
    ngx_connection_t    *c;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;
    c = ctx->request->connection;

    ctx->pending = NULL;

    ngx_http_llm_ladder_hold(ctx);

    wait = 0;
    rc = ngx_http_llm_ladder_admit(at, &wait);
    rc = ngx_http_llm_ladder_turn(ctx, rc, wait);

    ngx_http_llm_ladder_leave(ctx, rc);

    ngx_http_run_posted_requests(c);
}


/* a turn of the ladder goes on where it was left to ask */

static ngx_int_t
ngx_http_llm_ladder_turn(ngx_http_llm_ctx_t *ctx, ngx_int_t rc,
    ngx_msec_t wait)
{
    llm_failure_e  failure;

    failure = LLM_FAILURE_LIMIT;

    if (rc == NGX_BUSY && ctx->turn == NGX_HTTP_LLM_TURN_RETRY) {
        return ngx_http_llm_ladder_give_up(ctx, wait);
    }

    if (rc == NGX_BUSY && ctx->turn == NGX_HTTP_LLM_TURN_RESORT) {
        return ngx_http_llm_ladder_stop(ctx, ctx->turn_reason, wait);
    }

    if (rc == NGX_BUSY) {
        rc = ngx_http_llm_ladder_step_on(ctx, ctx->turn_rung, &failure, &wait);
    }

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    switch (ctx->turn) {

    case NGX_HTTP_LLM_TURN_WAKE:

        if (rc == NGX_BUSY) {
            ngx_http_llm_queue_rest(ctx->model, ctx->again ? 0 : wait);
            return NGX_OK;
        }

        return ngx_http_llm_ladder_woken(ctx, rc);

    case NGX_HTTP_LLM_TURN_FIRST:

        return rc == NGX_BUSY ? ngx_http_llm_ladder_unfit(ctx, failure, wait)
                              : rc;

    default: /* NGX_HTTP_LLM_TURN_MOVE, or others that found room */

        if (rc != NGX_BUSY) {
            return rc;
        }

        if (ctx->current) {
            ctx->current->decided = 0;
            failure = ctx->current->failure;
        }

        return ngx_http_llm_ladder_move(ctx, failure, wait);
    }
}


/* the question is given up, and what it reserves */

static void
ngx_http_llm_ladder_unask(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_attempt_t  *at;

    at = ctx->pending;

    if (at) {
        ctx->pending = NULL;
        ngx_http_llm_quota_forget(at);

        if (ctx->waiting) {
            ngx_http_llm_queue_rest(ctx->model, 0);
        }
    }
}


ngx_int_t
ngx_http_llm_ladder_queue(ngx_http_llm_ctx_t *ctx, ngx_msec_t wait)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (ngx_http_llm_ladder_watch(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* it waits for the model that was asked for, all of whose routes are
       worth a try again when room comes */

    ctx->plan = ctx->own_plan;
    ctx->nplan = ctx->own_nplan;

    for (i = 0; i < ctx->nplan; i++) {
        ctx->plan[i]->tried = 0;
    }

    rc = ngx_http_llm_queue_add(ctx);

    if (rc == NGX_DECLINED && ctx->attempts.nelts) {
        return ngx_http_llm_ladder_stop(ctx, LLM_REASON_QUEUE, wait);
    }

    if (rc == NGX_DECLINED) {
        ctx->retry_after = ngx_http_llm_ladder_seconds(wait);

        return ngx_http_llm_refuse(ctx, LLM_ERROR_QUEUE_FULL, NULL,
                                   "the queue of class \"%V\" for model "
                                   "\"%V\" is full",
                                   &ctx->class->name, &ctx->model->name);
    }

    return rc == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_http_llm_ladder_wake(ngx_http_llm_ctx_t *ctx, ngx_msec_t *wait)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    llm_failure_e         failure;
    ngx_http_llm_rung_e   rung;

    c = ctx->request->connection;

    ngx_http_set_log_request(c->log, ctx->request);

    if (ctx->pending) {
        ctx->again = 1;
        return NGX_AGAIN;
    }

    rung = ctx->attempts.nelts ? NGX_HTTP_LLM_RUNG_SWITCH
                               : NGX_HTTP_LLM_RUNG_FIRST;

    ngx_http_llm_ladder_hold(ctx);

    rc = ngx_http_llm_ladder_step(ctx, rung, &failure, wait);

    if (rc == NGX_BUSY) {
        ngx_http_llm_ladder_leave(ctx, NGX_OK);
        return NGX_BUSY;
    }

    if (rc == NGX_AGAIN) {

        ctx->again = 0;
        rc = ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_WAKE, rung,
                                        LLM_REASON_ALLOWED);
        if (rc == NGX_OK) {
            ngx_http_llm_ladder_leave(ctx, NGX_OK);
            return NGX_AGAIN;
        }
    }

    ngx_http_llm_queue_remove(ctx);
    ngx_http_llm_ladder_leave(ctx, rc);

    return NGX_OK;
}


/*
 * A route that the gateway answers for by itself ends the request in the
 * middle of a step, which goes on to take it from its queue.
 */

static void
ngx_http_llm_ladder_hold(ngx_http_llm_ctx_t *ctx)
{
    ctx->request->main->count++;
}


/* rc is the status that ends it, or NGX_OK; ctx may be gone afterwards */

static void
ngx_http_llm_ladder_leave(ngx_http_llm_ctx_t *ctx, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        ngx_http_finalize_request(ctx->request, NGX_DONE);
        return;
    }

    ctx->request->main->count--;
    ngx_http_finalize_request(ctx->request, rc);
}


/* the same where it had to ask before: the next in line has its turn */

static ngx_int_t
ngx_http_llm_ladder_woken(ngx_http_llm_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_llm_queue_remove(ctx);
    ngx_http_llm_queue_kick(ctx->model);

    return rc;
}


void
ngx_http_llm_ladder_expire(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t      rc;
    ngx_msec_t     wait;
    llm_failure_e  failure;

    ngx_http_llm_ladder_unask(ctx);
    ngx_http_llm_queue_remove(ctx);

    (void) ngx_http_llm_routes_next(ctx, &failure, &wait);

    if (ctx->attempts.nelts) {
        rc = ngx_http_llm_ladder_stop(ctx, LLM_REASON_QUEUE, wait);

    } else {
        ctx->retry_after = ngx_http_llm_ladder_seconds(wait);

        rc = ngx_http_llm_refuse(ctx, LLM_ERROR_QUEUE_TIMEOUT, NULL,
                                 "no route of model \"%V\" had room within "
                                 "%M ms",
                                 &ctx->model->name, ctx->class->queue_time);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(ctx->request, rc);
    }
}


/*
 * The class's deadline: what waits is refused; an attempt whose head is not
 * committed sees its upstream time out, which nginx then handles as ever.
 */

static void
ngx_http_llm_ladder_deadline(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c, *pc;
    ngx_http_request_t      *sr;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    ctx = ev->data;
    c = ctx->request->connection;
    at = ctx->current;

    ngx_http_set_log_request(c->log, ctx->request);

    switch (ctx->state) {

    case NGX_HTTP_LLM_QUEUED:
    case NGX_HTTP_LLM_BACKOFF:
    case NGX_HTTP_LLM_ASKING:

        ngx_http_llm_ladder_cleanup(ctx);

        rc = ngx_http_llm_ladder_stop(ctx, LLM_REASON_DEADLINE, 0);

        if (rc != NGX_OK) {
            ngx_http_finalize_request(ctx->request, rc);
        }

        break;

    case NGX_HTTP_LLM_ATTEMPT:

        if (at->tokenless) {
            ngx_http_llm_authorize_overdue(at);
            break;
        }

        sr = at->request;

        if (sr == NULL || sr->upstream == NULL
            || sr->upstream->peer.connection == NULL)
        {
            break;
        }

        at->overdue = 1;

        pc = sr->upstream->peer.connection;
        pc->read->timedout = 1;
        pc->write->timedout = 1;
        pc->read->handler(pc->read);

        return;

    default:
        break;
    }

    ngx_http_run_posted_requests(c);
}


/*
 * While the main request waits by itself nobody reads from its client: it
 * notices here that the client left.  Timers go with the request.
 */

ngx_int_t
ngx_http_llm_ladder_watch(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!ctx->watched) {

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_llm_ladder_cleanup;
        cln->data = ctx;

        ctx->timer.data = ctx;
        ctx->timer.log = r->connection->log;
        ctx->deadline.data = ctx;
        ctx->deadline.log = r->connection->log;

        ctx->watched = 1;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    return ngx_http_llm_client_watch(r);
}


ngx_int_t
ngx_http_llm_client_watch(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;

    return NGX_OK;
}


static void
ngx_http_llm_ladder_cleanup(void *data)
{
    ngx_http_llm_ctx_t *ctx = data;

    ngx_http_llm_ladder_unask(ctx);
    ngx_http_llm_queue_remove(ctx);

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }
}


ngx_int_t
ngx_http_llm_ladder_arm(ngx_http_llm_ctx_t *ctx)
{
    if (ctx->class->policy.deadline_ms == 0) {
        return NGX_OK;
    }

    if (ngx_http_llm_ladder_watch(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->deadline.handler = ngx_http_llm_ladder_deadline;

    ngx_add_timer(&ctx->deadline, (ngx_msec_t) ctx->class->policy.deadline_ms);

    return NGX_OK;
}
