
/*
 * A stream that is limited in Redis and outruns what it reserved: each top-up
 * is a reservation of its own, that is held and given back with the request's,
 * which alone settles what was used.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota_redis.h"


static ngx_int_t ngx_http_llm_quota_redis_top_local(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);
static void ngx_http_llm_quota_redis_top_zone(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);


ngx_int_t
ngx_http_llm_quota_redis_top_up(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    u_char                      *p;
    llm_str_t                    id, *of;
    ngx_http_llm_quota_redis_t  *st, *top;

    st = q->data;

    switch (st->where) {

    case NGX_HTTP_LLM_QUOTA_REDIS:
        break;

    case NGX_HTTP_LLM_QUOTA_LOCAL:
        return ngx_http_llm_quota_zone.top_up(ctx, q, more);

    default: /* NGX_HTTP_LLM_QUOTA_OPEN */
        return NGX_OK;
    }

    if (st->ntops == NGX_HTTP_LLM_QUOTA_TOPS) {
        return NGX_ERROR;
    }

    of = &st->lease.claims[0].id;

    p = llm_alloc(&ctx->arena, of->len + NGX_INT_T_LEN + 1);
    top = ngx_http_llm_quota_redis_create(ctx, q);

    if (p == NULL || top == NULL) {
        return NGX_ERROR;
    }

    id.data = p;
    id.len = ngx_sprintf(p, "%Vt%ui", ngx_http_llm_str(of), st->ntops) - p;

    ngx_http_llm_quota_redis_begin(top, &id, more);

    top->top = 1;
    top->next = st->tops;

    st->tops = top;
    st->ntops++;

    if (ngx_http_llm_quota_redis_ask(top) == NGX_OK) {
        return NGX_AGAIN;
    }

    top->where = NGX_HTTP_LLM_QUOTA_CLOSED;

    return ngx_http_llm_quota_redis_top_local(ctx, q, more);
}


/* Redis is away in the middle of a stream: on_error */

static ngx_int_t
ngx_http_llm_quota_redis_top_local(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    switch (ctx->lmcf->redis->on_error) {

    case NGX_HTTP_LLM_ON_ERROR_LOCAL:
        return q->lease ? ngx_http_llm_quota_zone.top_up(ctx, q, more)
                        : NGX_ERROR;

    case NGX_HTTP_LLM_ON_ERROR_OPEN:
        ngx_http_llm_quota_redis_top_zone(ctx, q, more);
        return NGX_OK;

    default: /* NGX_HTTP_LLM_ON_ERROR_CLOSED */
        return NGX_ERROR;
    }
}


/* this host's zone holds what Redis holds, where it is no question */

static void
ngx_http_llm_quota_redis_top_zone(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    if (q->lease) {
        (void) ngx_http_llm_quota_zone.top_up(ctx, q, more);
    }
}


void
ngx_http_llm_quota_redis_topped(ngx_http_llm_quota_redis_t *top)
{
    ngx_int_t              rc;
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_quota_t  *q;

    q = top->q;
    ctx = top->ctx;

    switch (top->where) {

    case NGX_HTTP_LLM_QUOTA_REDIS:
        ngx_http_llm_redis_hold(&top->lease);
        ngx_http_llm_quota_redis_top_zone(ctx, q, &q->wanted);
        rc = NGX_OK;
        break;

    case NGX_HTTP_LLM_QUOTA_REFUSED:
        q->stop = top->verdict.refused;
        rc = NGX_BUSY;
        break;

    default: /* NGX_HTTP_LLM_QUOTA_ASKING: no answer came */
        top->where = NGX_HTTP_LLM_QUOTA_CLOSED;
        rc = ngx_http_llm_quota_redis_top_local(ctx, q, &q->wanted);
    }

    ngx_http_llm_quota_topped(q, rc);
}


void
ngx_http_llm_quota_redis_tops_end(ngx_http_llm_quota_redis_t *st)
{
    ngx_uint_t                   i;
    llm_script_claim_t          *claim;
    ngx_http_llm_quota_redis_t  *top;

    for (top = st->tops; top; top = top->next) {

        ngx_http_llm_quota_redis_cleanup(top);

        if (top->where != NGX_HTTP_LLM_QUOTA_REDIS) {
            continue;
        }

        top->where = NGX_HTTP_LLM_QUOTA_CLOSED;

        ngx_http_llm_redis_drop(&top->lease);

        for (i = 0; i < top->lease.n; i++) {
            claim = &top->lease.claims[i];

            ngx_memzero(&claim->used, sizeof(llm_amount_t));
            ngx_http_llm_redis_settle(claim, LLM_SCRIPT_AGAIN);
        }
    }

    st->tops = NULL;
}
