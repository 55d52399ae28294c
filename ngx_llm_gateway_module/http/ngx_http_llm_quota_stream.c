
/*
 * An answer that outruns what was reserved for it: more is reserved, and
 * where there is no more the answer is to end.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"


/* tokens that more is asked for at least */
#define NGX_HTTP_LLM_TOP_UP        256

/* questions at a time: each limit may have room for less than the others */
#define NGX_HTTP_LLM_TOP_UP_TRIES  16


static ngx_int_t ngx_http_llm_quota_keep(ngx_http_llm_attempt_t *at,
    ngx_http_llm_quota_t *q, llm_amount_t *used, int64_t *slack);
static ngx_uint_t ngx_http_llm_quota_used_up(ngx_http_llm_quota_t *q,
    llm_amount_t *used);
static ngx_int_t ngx_http_llm_quota_top_up(ngx_http_llm_attempt_t *at,
    ngx_http_llm_quota_t *q, llm_amount_t *need);
static void ngx_http_llm_quota_headroom(ngx_http_llm_attempt_t *at,
    ngx_http_llm_quota_t *q, llm_amount_t *a);
static ngx_uint_t ngx_http_llm_quota_shrink(ngx_http_llm_quota_t *q,
    llm_amount_t *need, llm_amount_t *want);
static void ngx_http_llm_quota_short(ngx_http_llm_quota_t *q);


ngx_int_t
ngx_http_llm_quota_stream(ngx_http_llm_attempt_t *at,
    const llm_usage_t *usage, int64_t cost, int64_t *slack)
{
    ngx_int_t            rc;
    llm_usage_t          told;
    llm_amount_t         used, own;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;
    told = *usage;
    *slack = LLM_USAGE_MAX;

    ngx_http_llm_quota_used(&told, cost, &own);

    /* what attempts before it came to is held by the same reservation */

    ngx_http_llm_account_sum(ctx);
    ngx_http_llm_quota_used(&ctx->usage, ctx->cost, &used);
    llm_amount_add(&used, &own);

    rc = ngx_http_llm_quota_keep(at, ctx->quota, &used, slack);

    return rc == NGX_OK ? ngx_http_llm_quota_keep(at, at->quota, &own, slack)
                        : rc;
}


static ngx_int_t
ngx_http_llm_quota_keep(ngx_http_llm_attempt_t *at, ngx_http_llm_quota_t *q,
    llm_amount_t *used, int64_t *slack)
{
    int64_t       left, tokens;
    llm_amount_t  need;

    if (q == NULL || !q->held || !q->bounded) {
        return NGX_OK;
    }

    need = *used;
    llm_amount_sub(&need, &q->asked);

    if (need.input_tokens == 0 && need.output_tokens == 0 && need.money == 0
        && !(q->backend->ahead && ngx_http_llm_quota_used_up(q, used)))
    {
        left = q->asked.output_tokens - used->output_tokens;

        if (q->asked.money) {
            tokens = (int64_t) ((__int128) q->asked.output_tokens
                                * (q->asked.money - used->money)
                                / q->asked.money);
            left = ngx_min(left, tokens);
        }

        *slack = ngx_min(*slack, left / 4);

        return NGX_OK;
    }

    *slack = 0;

    if (q->topping || ngx_http_llm_quota_top_up(at, q, &need) == NGX_OK) {
        return NGX_OK;
    }

    at->stopped = &q->stop;

    return NGX_BUSY;
}


/* three quarters of it */

static ngx_uint_t
ngx_http_llm_quota_used_up(ngx_http_llm_quota_t *q, llm_amount_t *used)
{
    return used->output_tokens / 3 > q->asked.output_tokens / 4
           || used->money / 3 > q->asked.money / 4;
}


/*
 * need is what is used already, and not reserved; all 0 where more is asked
 * for ahead.  NGX_BUSY: it is not to be had.
 */

static ngx_int_t
ngx_http_llm_quota_top_up(ngx_http_llm_attempt_t *at, ngx_http_llm_quota_t *q,
    llm_amount_t *need)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    llm_amount_t  want;

    for (i = 0; i < NGX_HTTP_LLM_TOP_UP_TRIES; i++) {

        ngx_http_llm_quota_headroom(at, q, &want);
        llm_amount_add(&want, need);

        if (q->scarce && !ngx_http_llm_quota_shrink(q, need, &want)) {

            if (need->input_tokens == 0 && need->output_tokens == 0
                && need->money == 0)
            {
                return NGX_OK;
            }

            break;
        }

        q->wanted = want;

        rc = q->backend->extend(at->ctx, q, &want);

        if (rc == NGX_AGAIN) {
            q->topping = 1;
            return NGX_OK;
        }

        ngx_http_llm_quota_topped(q, rc);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            break;
        }
    }

    return NGX_BUSY;
}


void
ngx_http_llm_quota_topped(ngx_http_llm_quota_t *q, ngx_int_t rc)
{
    q->topping = 0;

    switch (rc) {

    case NGX_OK:
        llm_amount_add(&q->asked, &q->wanted);
        q->scarce = 0;
        break;

    case NGX_BUSY:
        ngx_http_llm_quota_short(q);
        break;

    default: /* NGX_ERROR: nothing is to be had */
        ngx_memzero(&q->stop, sizeof(llm_standing_t));
        ngx_memzero(&q->room, sizeof(llm_amount_t));
        q->scarce = 1;
    }
}


/* half as much again, at what this route takes for it */

static void
ngx_http_llm_quota_headroom(ngx_http_llm_attempt_t *at,
    ngx_http_llm_quota_t *q, llm_amount_t *a)
{
    llm_usage_t  usage;

    ngx_memzero(a, sizeof(llm_amount_t));
    ngx_memzero(&usage, sizeof(llm_usage_t));

    a->output_tokens = ngx_max(q->asked.output_tokens / 2,
                               NGX_HTTP_LLM_TOP_UP);

    llm_usage_set(&usage, LLM_USAGE_OUTPUT, a->output_tokens);

    if (ngx_http_llm_usage_bound(at->ctx, at->candidate, &usage, &a->money)
        != NGX_OK)
    {
        a->money = 0;
    }
}


/* as much of it as there was; 0: that is too little */

static ngx_uint_t
ngx_http_llm_quota_shrink(ngx_http_llm_quota_t *q, llm_amount_t *need,
    llm_amount_t *want)
{
    if (need->input_tokens > q->room.input_tokens
        || need->output_tokens > q->room.output_tokens
        || need->money > q->room.money)
    {
        return 0;
    }

    want->input_tokens = ngx_min(want->input_tokens, q->room.input_tokens);
    want->output_tokens = ngx_min(want->output_tokens,
                                  q->room.output_tokens);
    want->money = ngx_min(want->money, q->room.money);

    return q->room.output_tokens > 0 && q->room.money > 0;
}


/* one limit more has less than was wanted */

static void
ngx_http_llm_quota_short(ngx_http_llm_quota_t *q)
{
    int64_t  left;

    if (!q->scarce) {
        q->room.input_tokens = LLM_USAGE_MAX;
        q->room.output_tokens = LLM_USAGE_MAX;
        q->room.money = INT64_MAX;
        q->scarce = 1;
    }

    left = q->stop.left;

    switch (q->stop.limit->kind) {

    case LLM_LIMIT_BUDGET:
        q->room.money = ngx_min(q->room.money, left);
        break;

    case LLM_LIMIT_OUTPUT_TOKENS:
        q->room.output_tokens = ngx_min(q->room.output_tokens, left);
        break;

    case LLM_LIMIT_INPUT_TOKENS:
        q->room.input_tokens = ngx_min(q->room.input_tokens, left);
        break;

    case LLM_LIMIT_TOKENS:
        left = ngx_max(left - q->wanted.input_tokens, 0);
        q->room.output_tokens = ngx_min(q->room.output_tokens, left);
        break;

    default: /* LLM_LIMIT_REQUESTS, LLM_LIMIT_INFLIGHT: it takes none */
        ngx_memzero(&q->room, sizeof(llm_amount_t));
    }
}
