
/*
 * Order of the routes that may take a request: by priority, then as the class
 * wants them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_usage.h"


/* of less comes first */
typedef uint64_t (*ngx_http_llm_order_rank_pt)(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);


static void ngx_http_llm_order_native(ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_order_sample(ngx_http_llm_candidate_t **cand,
    ngx_uint_t n);
static void ngx_http_llm_order_latency(ngx_http_llm_candidate_t **cand,
    ngx_uint_t n);
static void ngx_http_llm_order_sort(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t **cand, ngx_uint_t n,
    ngx_http_llm_order_rank_pt rank);
static uint64_t ngx_http_llm_order_price(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
static uint64_t ngx_http_llm_order_inflight(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);


void
ngx_http_llm_order(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i, n;
    ngx_http_llm_candidate_t  **cand;

    ngx_http_llm_order_native(ctx);

    /* the plan is sorted by priority, weight 0 last in each */

    for (i = 0; i < ctx->nplan; i += n) {

        cand = &ctx->plan[i];

        /* the group of one priority, but for those of weight 0 */

        for (n = 1; i + n < ctx->nplan; n++) {
            if (cand[n]->route->priority != cand[0]->route->priority
                || cand[n]->translate != cand[0]->translate
                || (cand[n]->route->weight == 0
                    && cand[0]->route->weight != 0))
            {
                break;
            }
        }

        if (n == 1) {
            continue;
        }

        switch (ctx->class->order) {

        case NGX_HTTP_LLM_ORDER_LATENCY:
            ngx_http_llm_order_latency(cand, n);
            break;

        case NGX_HTTP_LLM_ORDER_PRICE:
            ngx_http_llm_order_sort(ctx, cand, n, ngx_http_llm_order_price);
            break;

        case NGX_HTTP_LLM_ORDER_LEAST_INFLIGHT:
            ngx_http_llm_order_sample(cand, n);
            ngx_http_llm_order_sort(ctx, cand, n,
                                    ngx_http_llm_order_inflight);
            break;

        default: /* NGX_HTTP_LLM_ORDER_WEIGHT */
            ngx_http_llm_order_sample(cand, n);
            break;
        }
    }
}


/* of one priority those come first that need no translation, which loses
   nothing; else they keep their order */

static void
ngx_http_llm_order_native(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                 i, k;
    ngx_http_llm_candidate_t  *cand;

    for (i = 1; i < ctx->nplan; i++) {

        cand = ctx->plan[i];

        for (k = i; k > 0
             && !cand->translate && ctx->plan[k - 1]->translate
             && ctx->plan[k - 1]->route->priority == cand->route->priority;
             k--)
        {
            ctx->plan[k] = ctx->plan[k - 1];
        }

        ctx->plan[k] = cand;
    }
}


/*
 * Draws by weight without replacement, so that the first place falls to each
 * route in proportion to its weight.
 */

static void
ngx_http_llm_order_sample(ngx_http_llm_candidate_t **cand, ngx_uint_t n)
{
    ngx_uint_t                 i, k, total, x;
    ngx_http_llm_candidate_t  *c;

    for (i = 0; i + 1 < n; i++) {

        total = 0;

        for (k = i; k < n; k++) {
            total += cand[k]->route->weight;
        }

        if (total == 0) {
            return;
        }

        x = (ngx_uint_t) ngx_random() % total;

        for (k = i; x >= cand[k]->route->weight; k++) {
            x -= cand[k]->route->weight;
        }

        /* those before it move back by one and keep their order */

        c = cand[k];

        for ( /* void */ ; k > i; k--) {
            cand[k] = cand[k - 1];
        }

        cand[i] = c;
    }
}


/*
 * Power of two choices: of two drawn by weight the one with the lower peak
 * latency goes first; an upstream that was not measured yet counts as fast.
 */

static void
ngx_http_llm_order_latency(ngx_http_llm_candidate_t **cand, ngx_uint_t n)
{
    ngx_http_llm_candidate_t  *c;

    ngx_http_llm_order_sample(cand, n);

    if (ngx_http_llm_health_latency(cand[1]->route)
        < ngx_http_llm_health_latency(cand[0]->route))
    {
        c = cand[0];
        cand[0] = cand[1];
        cand[1] = c;
    }
}


/* stable: routes of one rank keep their order */

static void
ngx_http_llm_order_sort(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t **cand, ngx_uint_t n,
    ngx_http_llm_order_rank_pt rank)
{
    ngx_uint_t                 i, k;
    ngx_http_llm_candidate_t  *c;

    for (i = 0; i < n; i++) {

        c = cand[i];
        c->rank = rank(ctx, c);

        for (k = i; k > 0 && cand[k - 1]->rank > c->rank; k--) {
            cand[k] = cand[k - 1];
        }

        cand[k] = c;
    }
}


/* the cost of a thousand tokens in and a thousand out; unknown comes last */

static uint64_t
ngx_http_llm_order_price(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    int64_t             nano;
    llm_usage_t         usage;
    llm_price_how_t     how;
    const llm_price_t  *price;

    price = ngx_http_llm_usage_listed(ctx, cand);

    if (price == NULL) {
        return (uint64_t) -1;
    }

    ngx_memzero(&usage, sizeof(llm_usage_t));
    ngx_memzero(&how, sizeof(llm_price_how_t));

    llm_usage_set(&usage, LLM_USAGE_INPUT, 1000);
    llm_usage_set(&usage, LLM_USAGE_OUTPUT, 1000);

    if (llm_price_cost(price, &usage, &how, &nano) != LLM_OK) {
        return (uint64_t) -1;
    }

    return (uint64_t) nano;
}


/* as much of its weight as is in use, in thousandths */

static uint64_t
ngx_http_llm_order_inflight(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    ngx_uint_t  weight;

    weight = ngx_max(cand->route->weight, 1);

    return (uint64_t) ngx_http_llm_health_inflight(cand->route) * 1000
           / weight;
}
