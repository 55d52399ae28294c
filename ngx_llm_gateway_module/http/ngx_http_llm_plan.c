
/*
 * The plan: class, model and the routes to try, in order, with the reason
 * for each route that was kept or skipped.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"


static ngx_int_t ngx_http_llm_plan_class(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_by_id(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *signed_id, const char *param);
static ngx_int_t ngx_http_llm_plan_model(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_unnamed(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_allowed(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_routes(ngx_http_llm_ctx_t *ctx);
static const char *ngx_http_llm_plan_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
static void ngx_http_llm_plan_sample(ngx_http_llm_ctx_t *ctx);


static const char  ngx_http_llm_kept[] = "kept";


ngx_int_t
ngx_http_llm_plan(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_str_t  id;

    rc = ngx_http_llm_plan_class(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->target.op->flags & LLM_OP_BY_ID) {
        return ngx_http_llm_plan_by_id(ctx, ngx_http_llm_str(&ctx->target.id),
                                       NULL);
    }

    rc = ngx_http_llm_plan_model(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->req.previous.len) {

        /* what the conversation was begun with must go on with it */

        ngx_http_llm_str_set(&id, &ctx->req.previous);

        return ngx_http_llm_plan_by_id(ctx, &id, "previous_response_id");
    }

    return ngx_http_llm_plan_routes(ctx);
}


/* from the location if named there, else from the key, else "default" */

static ngx_int_t
ngx_http_llm_plan_class(ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t                 name;
    ngx_http_llm_loc_conf_t  *llcf;

    llcf = ctx->llcf;

    if (ctx->key && ctx->key->class) {
        ctx->class = ctx->key->class;
    }

    if (llcf->class) {
        ctx->class = llcf->class;
        return NGX_OK;
    }

    if (llcf->class_value == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(ctx->request, llcf->class_value, &name)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (name.len == 0) {
        return NGX_OK;
    }

    ctx->class = ngx_http_llm_conf_find_class(ctx->lmcf, &name);

    if (ctx->class == NULL) {
        ctx->class = ctx->lmcf->default_class;

        return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, NULL,
                                   "traffic class \"%V\" is not configured",
                                   &name);
    }

    return NGX_OK;
}


/*
 * An id that a provider gave leads back to the route that made it.  For
 * BY_ID operations it decides the model too; a previous_response_id must
 * belong to the model that the body names.
 */

static ngx_int_t
ngx_http_llm_plan_by_id(ngx_http_llm_ctx_t *ctx, ngx_str_t *signed_id,
    const char *param)
{
    ngx_http_llm_route_t  *route;

    if (ngx_http_llm_verify(ctx, signed_id, &route, &ctx->provider_id)
        != NGX_OK
        || route->provider->protocol != ctx->target.op->protocol)
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MODEL_NOT_FOUND, param,
                                   "nothing with id \"%V\" was made through "
                                   "this gateway with this key",
                                   signed_id);
    }

    if (ctx->model == NULL) {
        ctx->model = route->model;
        ctx->asked = route->model->name;

    } else if (route->model != ctx->model) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNSUPPORTED_PARAMETER, param,
                                   "the response \"%V\" was made by model "
                                   "\"%V\", not by \"%V\"",
                                   signed_id, &route->model->name,
                                   &ctx->model->name);
    }

    if (param == NULL && ctx->key
        && !ngx_http_llm_conf_key_allows(ctx->key, ctx->model, &ctx->asked))
    {
        return ngx_http_llm_plan_allowed(ctx);
    }

    ctx->candidates = ngx_pcalloc(ctx->request->pool,
                                  sizeof(ngx_http_llm_candidate_t));
    ctx->plan = ngx_palloc(ctx->request->pool,
                           sizeof(ngx_http_llm_candidate_t *));

    if (ctx->candidates == NULL || ctx->plan == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->candidates[0].route = route;
    ctx->candidates[0].reason = "made_this_id";

    if (!route->captures) {
        ctx->candidates[0].upstream_model = route->upstream_model;
    }

    ctx->candidates[0].kept = 1;
    ctx->ncandidates = 1;

    ctx->plan[0] = &ctx->candidates[0];
    ctx->nplan = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_plan_model(ngx_http_llm_ctx_t *ctx)
{
    const llm_op_t      *op;
    ngx_http_request_t  *r;

    r = ctx->request;
    op = ctx->target.op;

    if (op->flags & LLM_OP_MODEL_PATH) {
        ngx_http_llm_str_set(&ctx->asked, &ctx->target.model);

    } else {
        ngx_http_llm_str_set(&ctx->asked, &ctx->req.model);
    }

    if (ctx->asked.len == 0) {
        return ngx_http_llm_plan_unnamed(ctx);
    }

    ctx->model = ngx_http_llm_conf_find_model(ctx->lmcf, &ctx->asked,
                                              ctx->captures, &ctx->ncaptures,
                                              r->connection->log);

    if (ctx->model == NULL) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MODEL_NOT_FOUND, "model",
                                   "model \"%V\" is not configured",
                                   &ctx->asked);
    }

    return ngx_http_llm_plan_allowed(ctx);
}


/* moderations may leave "model" out: the one model that serves them is
   meant */

static ngx_int_t
ngx_http_llm_plan_unnamed(ngx_http_llm_ctx_t *ctx)
{
    uint32_t                bit;
    ngx_uint_t              i;
    ngx_http_llm_model_t  **model;

    bit = (uint32_t) 1 << ctx->target.op->endpoint;
    model = ctx->lmcf->models.elts;

    for (i = 0; i < ctx->lmcf->models.nelts; i++) {

        if (!(model[i]->endpoints & bit)) {
            continue;
        }

        if (ctx->model) {
            ctx->model = NULL;
            break;
        }

        ctx->model = model[i];
    }

    if (ctx->model == NULL) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MISSING_PARAMETER, "model",
                                   "\"model\" is required");
    }

    ctx->asked = ctx->model->name;

    return ngx_http_llm_plan_allowed(ctx);
}


static ngx_int_t
ngx_http_llm_plan_allowed(ngx_http_llm_ctx_t *ctx)
{
    llm_endpoint_e  endpoint;

    if (ctx->key
        && !ngx_http_llm_conf_key_allows(ctx->key, ctx->model, &ctx->asked))
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MODEL_NOT_ALLOWED, "model",
                                   "key \"%V\" may not use model \"%V\"",
                                   &ctx->key->name, &ctx->asked);
    }

    endpoint = ctx->target.op->endpoint;

    if (!(ctx->model->endpoints & ((uint32_t) 1 << endpoint))) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_ENDPOINT_NOT_ALLOWED,
                                   "model",
                                   "model \"%V\" is not served on endpoint "
                                   "\"%V\"",
                                   &ctx->model->name,
                                   ngx_http_llm_str(
                                       &llm_endpoint_names[endpoint]));
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_plan_routes(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i, n;
    ngx_http_llm_route_t      **route;
    ngx_http_llm_candidate_t   *cand;

    n = ctx->model->routes.nelts;
    route = ctx->model->routes.elts;

    ctx->candidates = ngx_pcalloc(ctx->request->pool,
                                  n * sizeof(ngx_http_llm_candidate_t));
    ctx->plan = ngx_palloc(ctx->request->pool,
                           n * sizeof(ngx_http_llm_candidate_t *));

    if (ctx->candidates == NULL || ctx->plan == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (i = 0; i < n; i++) {

        cand = &ctx->candidates[ctx->ncandidates++];
        cand->route = route[i];
        cand->reason = ngx_http_llm_plan_reason(ctx, cand);

        if (cand->reason == NULL) {
            cand->reason = ngx_http_llm_kept;
            cand->kept = 1;
            ctx->plan[ctx->nplan++] = cand;
        }
    }

    if (ctx->nplan == 0) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, NULL,
                                   "no route of model \"%V\" can take this "
                                   "request; \"decision\" tells why",
                                   &ctx->model->name);
    }

    ngx_http_llm_plan_sample(ctx);

    return NGX_OK;
}


/* why the route is skipped, or NULL; fills in its upstream model */

static const char *
ngx_http_llm_plan_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    ngx_int_t              rc;
    ngx_http_llm_route_t  *route;

    route = cand->route;

    if (!route->active) {
        return "inactive";
    }

    if (route->provider->protocol != ctx->target.op->protocol) {
        return "protocol_mismatch";
    }

    rc = ngx_http_llm_conf_upstream_model(route, &ctx->asked, ctx->captures,
                                          ctx->ncaptures, ctx->request->pool,
                                          &cand->upstream_model);

    if (rc != NGX_OK
        || ((ctx->target.op->flags & LLM_OP_MODEL_PATH)
            && llm_endpoint_check_model(
                                     ngx_http_llm_pure(&cand->upstream_model))
               != LLM_OK))
    {
        return "no_upstream_model";
    }

    return NULL;
}


/*
 * Inside one priority the order is drawn by weight without replacement, so
 * that the first place falls to each route in proportion to its weight;
 * weight 0 stays last.  Routes come sorted by priority, weight 0 last.
 */

static void
ngx_http_llm_plan_sample(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i, k, end, total, x;
    ngx_http_llm_candidate_t  **plan, *cand;

    plan = ctx->plan;

    for (i = 0; i + 1 < ctx->nplan; i++) {

        total = 0;

        for (end = i;
             end < ctx->nplan && plan[end]->route->priority
                                  == plan[i]->route->priority;
             end++)
        {
            total += plan[end]->route->weight;
        }

        if (total == 0 || end == i + 1) {
            continue;
        }

        x = (ngx_uint_t) ngx_random() % total;

        for (k = i; x >= plan[k]->route->weight; k++) {
            x -= plan[k]->route->weight;
        }

        /* those before it move back by one and keep their order */

        cand = plan[k];

        for ( /* void */ ; k > i; k--) {
            plan[k] = plan[k - 1];
        }

        plan[i] = cand;
    }
}
