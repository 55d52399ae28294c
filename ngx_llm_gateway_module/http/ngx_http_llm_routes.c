
/*
 * Routes of a model: which may take this request, with a reason for each, and
 * which of them is fit right now.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


/* the smallest share of a body that can be one token: fewer bytes a token are
   not seen, so that no prompt is kept from a route that it might fit */
#define NGX_HTTP_LLM_BYTES_PER_TOKEN  8

/* a larger body may be images, whose bytes are no tokens */
#define NGX_HTTP_LLM_TEXT_BODY        (1024 * 1024)


static void ngx_http_llm_routes_unpriced(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route);
static ngx_http_llm_candidate_t *ngx_http_llm_routes_add(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_route_t *route);
static const char *ngx_http_llm_routes_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
static const char *ngx_http_llm_routes_contract(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route);
static ngx_uint_t ngx_http_llm_routes_tagged(ngx_http_llm_class_t *class,
    ngx_http_llm_provider_t *provider);


ngx_int_t
ngx_http_llm_routes_plan(ngx_http_llm_ctx_t *ctx, ngx_http_llm_model_t *model,
    ngx_uint_t backup)
{
    ngx_uint_t                  i, n;
    ngx_http_llm_route_t      **route;
    ngx_http_llm_candidate_t   *cand;

    n = model->routes.nelts;
    route = model->routes.elts;

    ctx->plan = ngx_palloc(ctx->request->pool,
                           n * sizeof(ngx_http_llm_candidate_t *));
    if (ctx->plan == NULL) {
        return NGX_ERROR;
    }

    ctx->served = model;
    ctx->nplan = 0;

    for (i = 0; i < n; i++) {

        cand = ngx_http_llm_routes_add(ctx, route[i]);
        if (cand == NULL) {
            return NGX_ERROR;
        }

        cand->backup = backup;
        cand->reason = ngx_http_llm_routes_reason(ctx, cand);

        if (cand->reason == NULL) {
            cand->reason = "kept";
            cand->kept = 1;
            ctx->plan[ctx->nplan++] = cand;
        }
    }

    if (ctx->nplan == 0) {
        return NGX_DECLINED;
    }

    ngx_http_llm_order(ctx);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_routes_pin(ngx_http_llm_ctx_t *ctx, ngx_http_llm_route_t *route)
{
    ngx_http_llm_candidate_t  *cand;

    cand = ngx_http_llm_routes_add(ctx, route);
    ctx->plan = ngx_palloc(ctx->request->pool,
                           sizeof(ngx_http_llm_candidate_t *));

    if (cand == NULL || ctx->plan == NULL) {
        return NGX_ERROR;
    }

    /* the id names no model to fill captures in from */

    if (!route->captures) {
        cand->upstream_model = route->upstream_model;

    } else if (ngx_http_llm_conf_upstream_model(route, &ctx->asked,
                                                ctx->captures, ctx->ncaptures,
                                                ctx->request->pool,
                                                &cand->upstream_model)
               != NGX_OK)
    {
        ngx_str_null(&cand->upstream_model);
    }

    cand->op = ngx_http_llm_translate_op(ctx, cand);

    if (cand->op == NULL) {
        cand->reason = "protocol_mismatch";
        return NGX_DECLINED;
    }

    cand->reason = "made_this_id";
    cand->kept = 1;

    ctx->plan[0] = cand;
    ctx->nplan = 1;
    ctx->served = route->model;

    return NGX_OK;
}


static ngx_http_llm_candidate_t *
ngx_http_llm_routes_add(ngx_http_llm_ctx_t *ctx, ngx_http_llm_route_t *route)
{
    ngx_http_llm_candidate_t  *cand, **slot;

    if (ctx->candidates.elts == NULL
        && ngx_array_init(&ctx->candidates, ctx->request->pool, 4,
                          sizeof(ngx_http_llm_candidate_t *))
           != NGX_OK)
    {
        return NULL;
    }

    cand = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_candidate_t));
    slot = ngx_array_push(&ctx->candidates);

    if (cand == NULL || slot == NULL) {
        return NULL;
    }

    cand->route = route;
    *slot = cand;

    return cand;
}


ngx_uint_t
ngx_http_llm_routes_any(ngx_http_llm_ctx_t *ctx, ngx_http_llm_backup_t *backup)
{
    ngx_uint_t                  i;
    ngx_http_llm_class_t      **class;
    ngx_http_llm_route_t      **route;
    ngx_http_llm_candidate_t    cand;

    if (!(backup->model->endpoints
          & ((uint32_t) 1 << ctx->target.op->endpoint)))
    {
        return 0;
    }

    /* the model's backup is approved for all who may use the model, but for
       a key that denies it */

    if (ctx->key
        && ngx_http_llm_conf_key_denies(ctx->key, &backup->model->name))
    {
        return 0;
    }

    class = backup->classes.elts;

    for (i = 0; i < backup->classes.nelts; i++) {
        if (class[i] == ctx->class) {
            break;
        }
    }

    if (backup->classes.nelts && i == backup->classes.nelts) {
        return 0;
    }

    route = backup->model->routes.elts;

    for (i = 0; i < backup->model->routes.nelts; i++) {

        ngx_memzero(&cand, sizeof(ngx_http_llm_candidate_t));
        cand.route = route[i];

        if (ngx_http_llm_routes_reason(ctx, &cand) == NULL) {
            return 1;
        }
    }

    return 0;
}


/* why the route is skipped, or NULL; fills in its upstream model */

static const char *
ngx_http_llm_routes_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    const char            *reason;
    ngx_http_llm_route_t  *route;

    route = cand->route;

    if (!route->active) {
        return "inactive";
    }

    cand->op = ngx_http_llm_translate_op(ctx, cand);

    if (cand->op == NULL) {
        return "protocol_mismatch";
    }

    if (!ngx_http_llm_routes_tagged(ctx->class, route->provider)) {
        return "tag_missing";
    }

    reason = ngx_http_llm_routes_contract(ctx, route);
    if (reason) {
        return reason;
    }

    if (ngx_http_llm_conf_upstream_model(route, &ctx->asked, ctx->captures,
                                         ctx->ncaptures, ctx->request->pool,
                                         &cand->upstream_model)
        != NGX_OK
        || ((cand->op->flags & LLM_OP_MODEL_PATH)
            && llm_endpoint_check_model(
                                     ngx_http_llm_pure(&cand->upstream_model))
               != LLM_OK))
    {
        return "no_upstream_model";
    }

    if (ctx->class->missing_price != NGX_HTTP_LLM_MISSING_PRICE_ALLOW
        && !(ctx->target.op->flags & LLM_OP_FREE)
        && ngx_http_llm_usage_listed(ctx, cand) == NULL)
    {
        if (ctx->class->missing_price == NGX_HTTP_LLM_MISSING_PRICE_BLOCK) {
            return "price_missing";
        }

        ngx_http_llm_routes_unpriced(ctx, route);
    }

    return NULL;
}


/* once per route and process: it is a fact of the configuration */

static void
ngx_http_llm_routes_unpriced(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route)
{
    static u_char                 *warned;
    static volatile ngx_cycle_t   *cycle;

    if (cycle != ngx_cycle) {

        /* without a master one process sees several configurations */

        cycle = ngx_cycle;
        warned = ngx_pcalloc(ngx_cycle->pool, ctx->lmcf->nroutes);
    }

    if (warned == NULL || warned[route->index]) {
        return;
    }

    warned[route->index] = 1;

    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "llm route \"%V\" has no known price: its cost is unknown",
                  &route->name);
}


/* what the request asks for and the route lacks */

static const char *
ngx_http_llm_routes_contract(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route)
{
    ngx_int_t                 context;
    ngx_http_llm_contract_t  *contract;

    if (ctx->req.tools && (route->without & NGX_HTTP_LLM_FEATURE_TOOLS)) {
        return "tools_missing";
    }

    if (ctx->req.json && (route->without & NGX_HTTP_LLM_FEATURE_JSON)) {
        return "json_missing";
    }

    if (ctx->req.vision && (route->without & NGX_HTTP_LLM_FEATURE_VISION)) {
        return "vision_missing";
    }

    if (ctx->stream && (route->without & NGX_HTTP_LLM_FEATURE_STREAM)) {
        return "stream_missing";
    }

    contract = &route->model->contract;

    context = route->context;

    if (context < 0 && route->model->has_contract) {
        context = contract->context;
    }

    if (context >= 0
        && ctx->body_length <= NGX_HTTP_LLM_TEXT_BODY
        && ctx->body_length / NGX_HTTP_LLM_BYTES_PER_TOKEN > context)
    {
        return "context_exceeded";
    }

    return NULL;
}


static ngx_uint_t
ngx_http_llm_routes_tagged(ngx_http_llm_class_t *class,
    ngx_http_llm_provider_t *provider)
{
    ngx_uint_t     i;
    ngx_keyval_t  *want;

    want = class->require.elts;

    for (i = 0; i < class->require.nelts; i++) {
        if (!ngx_http_llm_conf_has_tag(provider, &want[i])) {
            return 0;
        }
    }

    return 1;
}


ngx_http_llm_candidate_t *
ngx_http_llm_routes_next(ngx_http_llm_ctx_t *ctx, llm_failure_e *failure,
    ngx_msec_t *wait)
{
    ngx_uint_t                 i;
    ngx_msec_t                 w;
    const char                *reason;
    ngx_http_llm_candidate_t  *cand, *spare;

    *failure = LLM_FAILURE_NONE;
    *wait = (ngx_msec_t) -1;
    spare = NULL;

    for (i = 0; i < ctx->nplan; i++) {

        cand = ctx->plan[i];

        if (cand->tried || cand->busy) {
            continue;
        }

        w = 0;
        reason = cand->convert == LLM_CONVERT_LOCAL ? NULL
                 : ngx_http_llm_health_reason(ctx, cand->route, &w);

        if (reason == NULL) {
            cand->reason = "kept";
            cand->kept = 1;
            return cand;
        }

        cand->reason = reason;
        cand->kept = 0;

        if (spare == NULL && ngx_strcmp(reason, "recovering") == 0) {
            spare = cand;
        }

        *wait = ngx_min(*wait, w);

        /* a route that will have room again is what a queue waits for */

        if (ngx_strcmp(reason, "account_full") == 0
            || ngx_strcmp(reason, "account_spent") == 0
            || ngx_strcmp(reason, "cooling_down") == 0)
        {
            *failure = LLM_FAILURE_LIMIT;

        } else if (*failure == LLM_FAILURE_NONE) {
            *failure = ngx_strcmp(reason, "provider_denied") == 0
                       || ngx_strcmp(reason, "model_denied") == 0
                       ? LLM_FAILURE_AUTH : LLM_FAILURE_5XX;
        }
    }

    /* what recovers is spared where another route can take its share */

    if (spare) {
        spare->kept = 1;
    }

    return spare;
}


ngx_http_llm_candidate_t *
ngx_http_llm_routes_least_bad(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                 i;
    ngx_msec_t                 wait, least;
    ngx_http_llm_candidate_t  *cand, *best;

    best = NULL;
    least = 0;

    for (i = 0; i < ctx->nplan; i++) {

        cand = ctx->plan[i];

        /* what a limit refused it refuses as the last resort, too */

        if (cand->tried || ngx_strcmp(cand->reason, "account_full") == 0
            || ngx_http_llm_quota_reason(cand) != LLM_ERROR_NONE)
        {
            continue;
        }

        wait = 0;
        (void) ngx_http_llm_health_reason(ctx, cand->route, &wait);

        if (best == NULL || wait < least) {
            best = cand;
            least = wait;
        }
    }

    if (best) {
        best->reason = "least_bad";
        best->kept = 1;
    }

    return best;
}
