
/*
 * Taking a route for an attempt: everything that an attempt holds while it
 * runs is acquired here, and given back if one part of it cannot be had.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


static ngx_http_llm_attempt_t *ngx_http_llm_ladder_make(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_candidate_t *cand,
    ngx_http_llm_rung_e rung);
static ngx_int_t ngx_http_llm_ladder_acquire(ngx_http_llm_attempt_t *at,
    ngx_msec_t *wait);
static void ngx_http_llm_ladder_put_back(ngx_http_llm_attempt_t *at);


ngx_int_t
ngx_http_llm_ladder_take(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_http_llm_rung_e rung, ngx_msec_t *wait)
{
    ngx_http_llm_attempt_t  *at;

    if (cand->convert == LLM_CONVERT_LOCAL) {
        return ngx_http_llm_convert_local(ctx, cand);
    }

    at = ngx_http_llm_ladder_make(ctx, cand, rung);
    if (at == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_llm_ladder_admit(at, wait);
}


ngx_int_t
ngx_http_llm_ladder_admit(ngx_http_llm_attempt_t *at, ngx_msec_t *wait)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_http_llm_ctx_t       *ctx;
    ngx_http_llm_attempt_t  **atp;

    ctx = at->ctx;

    rc = ngx_http_llm_ladder_acquire(at, wait);

    if (rc == NGX_BUSY) {
        at->candidate->kept = 0;
        at->candidate->wait = *wait;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->spare = NULL;

    at->candidate->tried = 1;

    atp = ngx_array_push(&ctx->attempts);
    if (atp == NULL) {
        ngx_http_llm_ladder_put_back(at);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *atp = at;

    /* what others had taken in this moment may be free after the attempt */

    for (i = 0; i < ctx->nplan; i++) {
        ctx->plan[i]->busy = 0;
    }

    ctx->rung = at->rung;

    return ngx_http_llm_ladder_run(ctx, at);
}


void
ngx_http_llm_ladder_busy(ngx_http_llm_ctx_t *ctx, llm_failure_e *failure,
    ngx_msec_t *wait)
{
    ngx_uint_t                 i;
    ngx_http_llm_candidate_t  *cand;

    for (i = 0; i < ctx->nplan; i++) {
        cand = ctx->plan[i];

        if (cand->busy && ngx_strcmp(cand->reason, "retry_budget") != 0) {
            *failure = LLM_FAILURE_LIMIT;
            *wait = ngx_min(*wait, cand->wait);
        }
    }
}


static ngx_http_llm_attempt_t *
ngx_http_llm_ladder_make(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_http_llm_rung_e rung)
{
    ngx_http_llm_attempt_t  *at, *last;

    last = ctx->current;

    /* one that found no room before is used again: a queue asks often */

    at = ctx->spare;

    if (at == NULL) {
        at = llm_alloc(&ctx->arena, sizeof(ngx_http_llm_attempt_t));
        if (at == NULL) {
            return NULL;
        }

        ctx->spare = at;
    }

    ngx_memzero(at, sizeof(ngx_http_llm_attempt_t));

    at->ctx = ctx;
    at->candidate = cand;
    at->route = cand->route;
    at->op = cand->op;
    at->upstream_model = cand->upstream_model;
    at->n = ctx->attempts.nelts + 1;
    at->rung = rung;
    llm_pace_init(&at->pace);
    at->start = ngx_current_msec;
    at->forced = cand->forced;

    if (rung == NGX_HTTP_LLM_RUNG_RETRY) {
        at->retry = last->retry + 1;

    } else if (last && last->candidate == cand) {

        /* the same route again, after a wait in the queue */

        at->rung = NGX_HTTP_LLM_RUNG_RETRY;
    }

    return at;
}


/* NGX_BUSY, NGX_AGAIN: nothing is held */

static ngx_int_t
ngx_http_llm_ladder_acquire(ngx_http_llm_attempt_t *at, ngx_msec_t *wait)
{
    ngx_int_t                  rc;
    const char                *reason;
    ngx_http_llm_ctx_t        *ctx;
    ngx_http_llm_candidate_t  *cand;

    ctx = at->ctx;
    cand = at->candidate;

    /* limits first: what they refuse leaves no trace in the account's rates,
       and costs those who wait in a queue no translation */

    rc = ngx_http_llm_quota_admit(at, &reason, wait);

    if (rc == NGX_AGAIN) {
        ctx->pending = at;
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        cand->busy = 1;
        cand->reason = reason;
        return NGX_BUSY;
    }

    if (ngx_http_llm_health_acquire(at, &reason, wait) != NGX_OK) {
        cand->busy = 1;
        cand->reason = reason;
        rc = NGX_BUSY;
        goto failed;
    }

    rc = ngx_http_llm_translate_begin(at);

    if (rc != NGX_OK) {
        cand->tried = 1;
        cand->reason = "untranslatable";
        rc = (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : NGX_BUSY;
        goto failed;
    }

    /* it is a retry, a switch or a backup */

    if (at->rung != NGX_HTTP_LLM_RUNG_FIRST
        && ngx_http_llm_health_spend(cand->route, ctx->class->retry_budget)
           != NGX_OK)
    {
        cand->busy = 1;
        cand->reason = "retry_budget";
        rc = NGX_BUSY;
        goto failed;
    }

    return NGX_OK;

failed:

    ngx_http_llm_ladder_put_back(at);

    return rc;
}


/* it was not made */

static void
ngx_http_llm_ladder_put_back(ngx_http_llm_attempt_t *at)
{
    at->rc = NGX_DONE;

    ngx_http_llm_quota_release(at);
    ngx_http_llm_health_release(at);
}
