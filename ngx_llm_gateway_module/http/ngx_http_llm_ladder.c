
/*
 * The main request's walk: start an attempt, judge its end, go on or stop.
 *
 * An attempt is a subrequest of the main request with an upstream of its
 * own.  Its end comes back through ngx_http_llm_ladder_ended(), which only
 * takes notes; nginx then wakes the main request, whose write handler is
 * ngx_http_llm_ladder_resume(), the one place that decides what is next.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_translate.h"
#include "ngx_http_llm_quota.h"


static ngx_int_t ngx_http_llm_ladder_begin(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_ladder_ended(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static void ngx_http_llm_ladder_states(ngx_http_request_t *r,
    ngx_http_request_t *sr);
static void ngx_http_llm_ladder_resume(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_ladder_repeat(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
static ngx_int_t ngx_http_llm_ladder_again(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
static void ngx_http_llm_ladder_finish(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
static ngx_int_t ngx_http_llm_ladder_asks(ngx_http_llm_ctx_t *ctx,
    llm_decision_t *d);
static ngx_int_t ngx_http_llm_ladder_fail(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);


ngx_int_t
ngx_http_llm_content_handler(ngx_http_request_t *r)
{
    llm_buf_t            none;
    ngx_int_t            rc;
    ngx_http_llm_ctx_t  *ctx;

    static ngx_str_t     plain = ngx_string("text/plain");

    ctx = ngx_http_llm_get_ctx(r);

    if (r != r->main) {

        /* only the subrequest that the ladder has just started */

        if (ctx == NULL || ctx->current == NULL || ctx->current->request != r)
        {
            return NGX_HTTP_FORBIDDEN;
        }

        return ngx_http_llm_attempt_handler(r, ctx->current);
    }

    if (ctx == NULL || !ctx->authorized || ctx->state != NGX_HTTP_LLM_PLANNED)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "llm request came to its content handler without "
                      "passing the access phase");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->target.op == NULL) {

        /* a probe, by HEAD */

        ctx->state = NGX_HTTP_LLM_DONE;
        llm_buf_init(&none, &ctx->arena);

        return ngx_http_llm_send(r, NGX_HTTP_OK, &plain, &none);
    }

    if (ctx->target.op->flags & LLM_OP_LOCAL) {
        ctx->state = NGX_HTTP_LLM_DONE;
        return ngx_http_llm_models_handler(ctx);
    }

    /* who answers at once finalizes the request, too */

    r->main->count++;

    rc = ngx_http_llm_ladder_begin(ctx);
    if (rc != NGX_OK) {
        r->main->count--;
        return rc;
    }

    return NGX_DONE;
}


/*
 * Functions that go on with a ladder return NGX_OK where the request was
 * handed to somebody (a subrequest, a timer, the queue) or answered, else the
 * status that ends it.
 */

static ngx_int_t
ngx_http_llm_ladder_begin(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t      rc;
    ngx_msec_t     wait;
    llm_failure_e  failure;

    ctx->ladder_start = ngx_current_msec;
    ctx->own_plan = ctx->plan;
    ctx->own_nplan = ctx->nplan;

    if (ngx_http_llm_ladder_arm(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_llm_ladder_step(ctx, NGX_HTTP_LLM_RUNG_FIRST, &failure,
                                  &wait);

    if (rc == NGX_BUSY) {
        return ngx_http_llm_ladder_unfit(ctx, failure, wait);
    }

    if (rc == NGX_AGAIN) {
        return ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_FIRST,
                                          NGX_HTTP_LLM_RUNG_FIRST,
                                          LLM_REASON_ALLOWED);
    }

    return rc;
}


ngx_int_t
ngx_http_llm_ladder_unfit(ngx_http_llm_ctx_t *ctx, llm_failure_e failure,
    ngx_msec_t wait)
{
    if (ngx_http_llm_translate_refuses(ctx)) {
        ctx->error = ctx->untranslatable;
        return ngx_http_llm_refused(ctx);
    }

    if (ctx->nplan == 0) {

        /* planning found the prompt too long for every route */

        failure = LLM_FAILURE_CONTEXT;
    }

    return ngx_http_llm_ladder_move(ctx, failure, wait);
}


ngx_int_t
ngx_http_llm_ladder_step(ngx_http_llm_ctx_t *ctx, ngx_http_llm_rung_e rung,
    llm_failure_e *failure, ngx_msec_t *wait)
{
    ngx_uint_t  i;

    for (i = 0; i < ctx->nplan; i++) {
        ctx->plan[i]->busy = 0;
    }

    return ngx_http_llm_ladder_step_on(ctx, rung, failure, wait);
}


ngx_int_t
ngx_http_llm_ladder_step_on(ngx_http_llm_ctx_t *ctx, ngx_http_llm_rung_e rung,
    llm_failure_e *failure, ngx_msec_t *wait)
{
    ngx_int_t                  rc;
    ngx_msec_t                 w;
    ngx_http_llm_candidate_t  *cand;

    while ((cand = ngx_http_llm_routes_next(ctx, failure, wait)) != NULL) {

        w = 0;
        rc = ngx_http_llm_ladder_take(ctx, cand, rung, &w);

        if (rc != NGX_BUSY) {
            return rc;
        }
    }

    ngx_http_llm_ladder_busy(ctx, failure, wait);

    return NGX_BUSY;
}


ngx_int_t
ngx_http_llm_ladder_run(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_http_request_t          *r, *sr;
    ngx_http_post_subrequest_t  *ps;

    r = ctx->request;

    ps = llm_alloc(&ctx->arena, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ps->handler = ngx_http_llm_ladder_ended;
    ps->data = at;

    ctx->state = NGX_HTTP_LLM_ATTEMPT;
    ctx->current = at;
    at->start = ngx_current_msec;

    /* a clone keeps method, location and phase: only the content handler
       runs in it */

    if (ngx_http_subrequest(r, &r->uri, &r->args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_CLONE)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    at->request = sr;

    ngx_http_llm_quota_sent(at);

    return NGX_OK;
}


/*
 * May be called more than once for one attempt, where its last bytes wait
 * for a slow client.  A failed attempt ends quietly: NGX_OK keeps nginx from
 * making an error page of it.  A client that left ends the main request too.
 */

static ngx_int_t
ngx_http_llm_ladder_ended(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_http_request_t      *r;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    at = data;
    ctx = at->ctx;
    r = sr->main;

    if (!at->ended) {
        at->ended = 1;
        at->end = ngx_current_msec;

        /* no upstream came about that could have done it */
        ngx_http_llm_health_release(at);

        if ((!at->stale || at->repeated)
            && !(at->convert && at->convert->again))
        {
            ngx_http_llm_quota_release(at);
        }

        ngx_http_llm_ladder_states(r, sr);
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "llm attempt ended: %i, committed:%d truncated:%d",
                   rc, at->committed, at->truncated);

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST
        || rc == NGX_HTTP_REQUEST_TIME_OUT
        || sr->connection->error)
    {
        ctx->outcome = NGX_HTTP_LLM_OUTCOME_CLIENT_CLOSED;
        return rc > NGX_OK ? rc : NGX_ERROR;
    }

    r->write_event_handler = ngx_http_llm_ladder_resume;

    return NGX_OK;
}


/* so that $upstream_addr and friends tell of all attempts */

static void
ngx_http_llm_ladder_states(ngx_http_request_t *r, ngx_http_request_t *sr)
{
    ngx_http_upstream_state_t  *state;

    if (sr->upstream_states == NULL) {
        return;
    }

    if (r->upstream_states == NULL) {
        r->upstream_states = sr->upstream_states;
        return;
    }

    state = ngx_array_push_n(r->upstream_states, sr->upstream_states->nelts);
    if (state == NULL) {
        return;
    }

    ngx_memcpy(state, sr->upstream_states->elts,
               sr->upstream_states->nelts
               * sizeof(ngx_http_upstream_state_t));
}


static void
ngx_http_llm_ladder_resume(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    ctx = ngx_http_llm_get_ctx(r);
    at = ctx->current;

    r->write_event_handler = ngx_http_request_empty_handler;

    if (at->committed) {
        ngx_http_llm_ladder_finish(ctx, at);
        return;
    }

    if (at->stale && !at->repeated) {
        at->repeated = 1;
        rc = ngx_http_llm_ladder_repeat(ctx, at);

    } else if (at->convert && at->convert->again) {
        rc = ngx_http_llm_ladder_again(ctx, at);

    } else {
        rc = ngx_http_llm_ladder_move(ctx, at->failure, 0);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
    }
}


/*
 * The pooled connection was dead before it answered: nothing was tried yet,
 * so this is no attempt of its own.
 */

static ngx_int_t
ngx_http_llm_ladder_repeat(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_msec_t   wait;
    const char  *reason;

    at->stale = 0;
    at->ended = 0;
    at->accounted = 0;
    at->decided = 0;
    at->rc = NGX_OK;
    at->status = 0;
    at->bytes = 0;
    at->first_byte = 0;
    at->failure = LLM_FAILURE_NONE;
    at->error = NULL;

    /* a limit that was reached in this moment does not undo the attempt */

    (void) ngx_http_llm_health_acquire(at, &reason, &wait);

    return ngx_http_llm_ladder_run(ctx, at);
}


/* the answer told where the rest is: what fetches it is the same attempt */

static ngx_int_t
ngx_http_llm_ladder_again(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_int_t   rc;
    ngx_msec_t  start;

    if (ngx_http_llm_convert_again(at) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    start = at->start;

    rc = ngx_http_llm_ladder_repeat(ctx, at);

    at->start = start;

    return rc;
}


/* after an attempt that brought no answer, or before the first one */

ngx_int_t
ngx_http_llm_ladder_move(ngx_http_llm_ctx_t *ctx, llm_failure_e failure,
    ngx_msec_t wait)
{
    ngx_int_t                  rc;
    llm_decision_t             d;
    ngx_http_llm_attempt_t    *at;
    ngx_http_llm_candidate_t  *cand;

    at = ctx->current;

    /* each turn uses up a route, a backup or the queue */

    for ( ;; ) {

        d = (at && failure == at->failure)
            ? *ngx_http_llm_ladder_decide(at)
            : ngx_http_llm_ladder_ask(ctx, at, failure);

        if (d.move == LLM_MOVE_RETRY
            && ngx_http_llm_health_shut(at->route))
        {
            /* it was this failure that opened the breaker */

            at->decided = 0;
            d = *ngx_http_llm_ladder_decide(at);
        }

        if (at && at->decided && d.move != LLM_MOVE_STOP) {
            ngx_http_llm_ladder_tell(at);
        }

        rc = NGX_BUSY;

        switch (d.move) {

        case LLM_MOVE_RETRY:
            return ngx_http_llm_ladder_backoff(ctx, at);

        case LLM_MOVE_SWITCH:
            rc = ngx_http_llm_ladder_step(ctx, NGX_HTTP_LLM_RUNG_SWITCH,
                                          &failure, &wait);
            break;

        case LLM_MOVE_BACKUP:
            rc = ngx_http_llm_plan_backup(ctx);

            if (rc == NGX_OK) {
                rc = ngx_http_llm_ladder_step(ctx, NGX_HTTP_LLM_RUNG_BACKUP,
                                              &failure, &wait);

            } else if (rc == NGX_DECLINED) {
                rc = NGX_BUSY;
            }

            break;

        case LLM_MOVE_QUEUE:
            return ngx_http_llm_ladder_queue(ctx, wait);

        default: /* LLM_MOVE_STOP */

            if (ctx->attempts.nelts == 0 && ctx->class->last_resort) {

                cand = ngx_http_llm_routes_least_bad(ctx);

                if (cand) {
                    cand->forced = 1;

                    rc = ngx_http_llm_ladder_take(ctx, cand,
                                                  NGX_HTTP_LLM_RUNG_FIRST,
                                                  &wait);
                }
            }

            if (rc == NGX_BUSY) {
                return ngx_http_llm_ladder_stop(ctx, d.reason, wait);
            }
        }

        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (rc != NGX_BUSY) {
            return rc == NGX_AGAIN ? ngx_http_llm_ladder_asks(ctx, &d) : rc;
        }

        if (at) {
            at->decided = 0;
            failure = at->failure;
        }
    }
}


/* limits of the route that it moves to are asked */

static ngx_int_t
ngx_http_llm_ladder_asks(ngx_http_llm_ctx_t *ctx, llm_decision_t *d)
{
    switch (d->move) {

    case LLM_MOVE_SWITCH:
        return ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_MOVE,
                                          NGX_HTTP_LLM_RUNG_SWITCH, d->reason);

    case LLM_MOVE_BACKUP:
        return ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_MOVE,
                                          NGX_HTTP_LLM_RUNG_BACKUP, d->reason);

    default: /* LLM_MOVE_STOP */
        return ngx_http_llm_ladder_asking(ctx, NGX_HTTP_LLM_TURN_RESORT,
                                          NGX_HTTP_LLM_RUNG_FIRST, d->reason);
    }
}


/*
 * The ladder ends before an attempt was committed: with the last one's HTTP
 * error, where that was given up for a rung which could not be taken, or
 * without an answer.
 */

ngx_int_t
ngx_http_llm_ladder_stop(ngx_http_llm_ctx_t *ctx, llm_reason_e reason,
    ngx_msec_t wait)
{
    ngx_int_t                rc;
    ngx_http_llm_attempt_t  *at;

    ctx->stop = reason;

    if (ctx->attempts.nelts) {
        at = ctx->current;

        at->decided = 1;
        at->decision.move = LLM_MOVE_STOP;
        at->decision.reason = reason;
        at->decision.delay_ms = 0;

        ngx_http_llm_ladder_tell(at);

        return ngx_http_llm_ladder_fail(ctx, at);
    }

    if (reason == LLM_REASON_DEADLINE) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UPSTREAM_TIMEOUT, NULL,
                                   "the deadline of class \"%V\" passed before "
                                   "a route could be tried",
                                   &ctx->class->name);
    }

    rc = ngx_http_llm_quota_refused(ctx);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_llm_translate_refuses(ctx)) {

        /* the last resort could not take it either */

        ctx->error = ctx->untranslatable;
        return ngx_http_llm_refused(ctx);
    }

    ctx->retry_after = ngx_http_llm_ladder_seconds(wait);

    return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, NULL,
                               "no route of model \"%V\" is fit right now; "
                               "\"decision\" tells why",
                               &ctx->model->name);
}


static void
ngx_http_llm_ladder_finish(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_int_t            rc;
    ngx_chain_t         *out;
    ngx_http_request_t  *r;

    r = ctx->request;

    ctx->state = NGX_HTTP_LLM_DONE;

    if (at->failure != LLM_FAILURE_NONE && at->failure != LLM_FAILURE_CALLER
        && (at->decided || at->truncated))
    {
        (void) ngx_http_llm_ladder_decide(at);

        ctx->stop = at->decision.reason;
        ngx_http_llm_ladder_tell(at);
    }

    if (!at->truncated) {
        ctx->outcome = at->failure == LLM_FAILURE_NONE
                       ? NGX_HTTP_LLM_OUTCOME_OK
                       : NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR;

        if (at->stopped) {
            ctx->outcome = NGX_HTTP_LLM_OUTCOME_TRUNCATED;
            ngx_http_llm_ending_tell(at);
        }

        rc = r->header_only ? NGX_OK : ngx_http_send_special(r, NGX_HTTP_LAST);

        ngx_http_finalize_request(r, rc);
        return;
    }

    ctx->outcome = NGX_HTTP_LLM_OUTCOME_TRUNCATED;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "llm answer of route \"%V\" was cut: %s",
                  &at->route->name, at->words ? at->words : "no proper end");

    r->keepalive = 0;

    rc = ngx_http_llm_answer_cut(at, &out);

    if (rc == NGX_OK && out) {
        rc = ngx_http_output_filter(r, out);
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* no way to say it in the body: the client must see the connection end
       before the answer does */

    ngx_http_finalize_request(r, NGX_ERROR);
}


static ngx_int_t
ngx_http_llm_ladder_fail(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    llm_error_e  code;

    ctx->outcome = NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR;

    if (ngx_http_llm_answer_resend(at) == NGX_OK) {
        return NGX_OK;
    }

    code = (at->rc == NGX_HTTP_GATEWAY_TIME_OUT
            || ctx->stop == LLM_REASON_DEADLINE)
           ? LLM_ERROR_UPSTREAM_TIMEOUT
           : LLM_ERROR_UPSTREAM_ERROR;

    return ngx_http_llm_refuse(ctx, code, NULL,
                               "provider \"%V\" gave no usable answer, %s%s%V; "
                               "%ui attempt(s), stopped: %V",
                               &at->route->provider->name,
                               at->words ? at->words : "it failed",
                               at->detail.len ? ": " : "",
                               ngx_http_llm_str(&at->detail),
                               ctx->attempts.nelts,
                               ngx_http_llm_str(
                                   &llm_reason_texts[ctx->stop]));
}


/* for Retry-After: at least a second, and one where nothing is known */

ngx_uint_t
ngx_http_llm_ladder_seconds(ngx_msec_t wait)
{
    if (wait == (ngx_msec_t) -1) {
        return 1;
    }

    return ngx_max((wait + 999) / 1000, 1);
}
