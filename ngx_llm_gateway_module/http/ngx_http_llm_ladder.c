
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

#include "ngx_http_llm_module.h"


static ngx_int_t ngx_http_llm_ladder_start(ngx_http_llm_ctx_t *ctx);
static ngx_http_llm_attempt_t *ngx_http_llm_ladder_attempt(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_candidate_t *cand);
static ngx_int_t ngx_http_llm_ladder_run(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
static ngx_int_t ngx_http_llm_ladder_ended(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static void ngx_http_llm_ladder_states(ngx_http_request_t *r,
    ngx_http_request_t *sr);
static void ngx_http_llm_ladder_resume(ngx_http_request_t *r);
static void ngx_http_llm_ladder_finish(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);
static ngx_int_t ngx_http_llm_ladder_fail(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_attempt_t *at);


ngx_int_t
ngx_http_llm_content_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_http_llm_ctx_t  *ctx;

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

    if (ctx->target.op->flags & LLM_OP_LOCAL) {
        ctx->state = NGX_HTTP_LLM_DONE;
        return ngx_http_llm_models_handler(ctx);
    }

    rc = ngx_http_llm_ladder_start(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_llm_ladder_start(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_attempt_t  *at;

    at = ngx_http_llm_ladder_attempt(ctx, ctx->plan[ctx->next++]);
    if (at == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    at->rung = NGX_HTTP_LLM_RUNG_FIRST;
    ctx->rung = at->rung;

    return ngx_http_llm_ladder_run(ctx, at);
}


static ngx_http_llm_attempt_t *
ngx_http_llm_ladder_attempt(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    ngx_http_llm_attempt_t  *at, **atp;

    at = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_attempt_t));
    if (at == NULL) {
        return NULL;
    }

    at->ctx = ctx;
    at->route = cand->route;
    at->upstream_model = cand->upstream_model;
    at->n = ctx->attempts.nelts + 1;

    atp = ngx_array_push(&ctx->attempts);
    if (atp == NULL) {
        return NULL;
    }

    *atp = at;

    return at;
}


static ngx_int_t
ngx_http_llm_ladder_run(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_http_request_t          *r, *sr;
    ngx_http_post_subrequest_t  *ps;

    r = ctx->request;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
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

        /* the pooled connection was dead before it answered: nothing was
           tried yet, so this is no attempt of its own */

        at->repeated = 1;
        at->stale = 0;
        at->ended = 0;
        at->accounted = 0;
        at->rc = NGX_OK;
        at->status = 0;
        at->failure = NGX_HTTP_LLM_FAILURE_NONE;
        at->error = NULL;

        rc = ngx_http_llm_ladder_run(ctx, at);

        if (rc != NGX_OK) {
            ngx_http_finalize_request(r, rc);
        }

        return;
    }

    ngx_http_finalize_request(r, ngx_http_llm_ladder_fail(ctx, at));
}


static void
ngx_http_llm_ladder_finish(ngx_http_llm_ctx_t *ctx, ngx_http_llm_attempt_t *at)
{
    ngx_int_t            rc;
    ngx_chain_t         *out;
    ngx_http_request_t  *r;

    r = ctx->request;

    ctx->state = NGX_HTTP_LLM_DONE;

    if (!at->truncated) {
        ctx->outcome = at->failure == NGX_HTTP_LLM_FAILURE_NONE
                       ? NGX_HTTP_LLM_OUTCOME_OK
                       : NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR;

        rc = r->header_only ? NGX_OK : ngx_http_send_special(r, NGX_HTTP_LAST);

        ngx_http_finalize_request(r, rc);
        return;
    }

    ctx->outcome = NGX_HTTP_LLM_OUTCOME_TRUNCATED;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "llm answer of route \"%V\" was cut: %s",
                  &at->route->name, at->error ? at->error : "no proper end");

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

    code = at->failure == NGX_HTTP_LLM_FAILURE_TIMEOUT
           ? LLM_ERROR_UPSTREAM_TIMEOUT
           : LLM_ERROR_UPSTREAM_ERROR;

    ctx->outcome = NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR;

    return ngx_http_llm_refuse(ctx, code, NULL,
                               "provider \"%V\" gave no usable answer: %s",
                               &at->route->provider->name,
                               at->error ? at->error : "it failed");
}
