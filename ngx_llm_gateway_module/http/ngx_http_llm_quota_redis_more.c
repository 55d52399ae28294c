
/*
 * A request that is limited in Redis moves on to what may cost more.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota_redis.h"


static ngx_int_t ngx_http_llm_quota_redis_fits(ngx_http_llm_quota_redis_t *st,
    llm_amount_t *more);
static void ngx_http_llm_quota_redis_extra(ngx_http_llm_quota_redis_t *st,
    llm_script_claim_t *claim, llm_amount_t *more);


/*
 * The word on more is that of the last reply, so that a move waits for Redis
 * once at most, for its provider; Redis is told at once.  What others took
 * since is not known here.
 */

ngx_int_t
ngx_http_llm_quota_redis_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    ngx_uint_t                   i;
    llm_verdict_t                v;
    ngx_http_llm_quota_redis_t  *st;

    st = q->data;

    switch (st->where) {

    case NGX_HTTP_LLM_QUOTA_REDIS:
        break;

    case NGX_HTTP_LLM_QUOTA_LOCAL:
        return ngx_http_llm_quota_zone.extend(ctx, q, more);

    default: /* NGX_HTTP_LLM_QUOTA_OPEN */
        return NGX_OK;
    }

    if (ngx_http_llm_quota_redis_fits(st, more) != NGX_OK) {
        return NGX_BUSY;
    }

    for (i = 0; i < st->lease.n; i++) {
        ngx_http_llm_quota_redis_extra(st, &st->lease.claims[i], more);
    }

    if (q->lease) {
        v = q->verdict;
        (void) ngx_http_llm_quota_zone.extend(ctx, q, more);
        q->verdict = v;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_quota_redis_fits(ngx_http_llm_quota_redis_t *st,
    llm_amount_t *more)
{
    ngx_uint_t       i, k, n;
    llm_standing_t  *s;

    for (i = 0; i < st->lease.n; i++) {

        s = st->lease.claims[i].standings;
        n = llm_script_limits(&st->lease.claims[i]);

        for (k = 0; k < n; k++) {

            if (!s[k].limit->shadow
                && llm_limit_measure(s[k].limit, more) > s[k].left)
            {
                st->q->verdict.refused = s[k];
                return NGX_BUSY;
            }
        }
    }

    for (i = 0; i < st->lease.n; i++) {

        s = st->lease.claims[i].standings;
        n = llm_script_limits(&st->lease.claims[i]);

        for (k = 0; k < n; k++) {
            s[k].left -= llm_limit_measure(s[k].limit, more);
        }
    }

    return NGX_OK;
}


/* a reservation of its own, that ends with nothing used */

static void
ngx_http_llm_quota_redis_extra(ngx_http_llm_quota_redis_t *st,
    llm_script_claim_t *claim, llm_amount_t *more)
{
    u_char              *p;
    llm_script_claim_t  *extra;

    if (st->nextras == NGX_HTTP_LLM_QUOTA_EXTRAS) {
        return;
    }

    extra = llm_alloc(&st->ctx->arena, sizeof(llm_script_claim_t));
    p = llm_alloc(&st->ctx->arena, claim->id.len + NGX_INT_T_LEN + 1);

    if (extra == NULL || p == NULL) {
        return;
    }

    *extra = *claim;

    extra->id.data = p;
    extra->id.len = ngx_sprintf(p, "%Vx%ui", ngx_http_llm_str(&claim->id),
                                st->nextras)
                    - p;
    extra->asked = *more;
    extra->marks = NULL;
    extra->standings = NULL;

    if (ngx_http_llm_redis_ask(extra, ngx_http_llm_redis_worker()->conf->lease,
                               NULL, NULL)
        != NULL)
    {
        st->extras[st->nextras++] = extra;
    }
}
