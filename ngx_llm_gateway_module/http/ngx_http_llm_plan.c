
/*
 * The plan: class, model and approved backups.  Which of a model's routes are
 * tried, and in which order, is _routes.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_translate.h"


static ngx_int_t ngx_http_llm_plan_class(ngx_http_llm_ctx_t *ctx);
static ngx_uint_t ngx_http_llm_plan_remembers(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_by_id(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *signed_id, const char *param);
static ngx_int_t ngx_http_llm_plan_model(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_unnamed(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_allowed(ngx_http_llm_ctx_t *ctx);
static ngx_uint_t ngx_http_llm_plan_too_long(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_plan_refuse(ngx_http_llm_ctx_t *ctx);


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

    if (ctx->req.previous.len && ngx_http_llm_plan_remembers(ctx)) {

        /* what the conversation was begun with must go on with it */

        ngx_http_llm_str_set(&id, &ctx->req.previous);

        return ngx_http_llm_plan_by_id(ctx, &id, "previous_response_id");
    }

    rc = ngx_http_llm_routes_plan(ctx, ctx->model, 0);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED && !ngx_http_llm_plan_too_long(ctx)) {
        return ngx_http_llm_plan_refuse(ctx);
    }

    return NGX_OK;
}


void
ngx_http_llm_plan_fixed_class(ngx_http_llm_ctx_t *ctx)
{
    if (ctx->asked_class) {
        ctx->class = ctx->asked_class;

    } else if (ctx->llcf->class) {
        ctx->class = ctx->llcf->class;

    } else if (ctx->key && ctx->key->class) {
        ctx->class = ctx->key->class;
    }
}


/* the location's variable, if it has one, says more */

static ngx_int_t
ngx_http_llm_plan_class(ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t                 name;
    ngx_http_llm_loc_conf_t  *llcf;

    llcf = ctx->llcf;

    if (ctx->asked_class || llcf->class || llcf->class_value == NULL) {
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
 * Whether any route of the model has the client's own API, and so may know what
 * was said before.  Where none has, translation refuses to be asked for it.
 */

static ngx_uint_t
ngx_http_llm_plan_remembers(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_llm_route_t      **route;
    ngx_http_llm_candidate_t    cand;

    route = ctx->model->routes.elts;

    for (i = 0; i < ctx->model->routes.nelts; i++) {

        ngx_memzero(&cand, sizeof(ngx_http_llm_candidate_t));
        cand.route = route[i];

        if (ngx_http_llm_translate_op(ctx, &cand) && !cand.translate) {
            return 1;
        }
    }

    return 0;
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
    ngx_int_t              rc;
    ngx_http_llm_route_t  *route;

    if (ngx_http_llm_verify(ctx, signed_id, &route, &ctx->provider_id)
        != NGX_OK)
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

    rc = ngx_http_llm_routes_pin(ctx, route);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNTRANSLATABLE, param,
                                   "the provider that made \"%V\" has "
                                   "nothing like this endpoint",
                                   signed_id);
    }

    /* no other model knows the id */

    ctx->next_backup = ctx->model->backups.nelts;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_plan_model(ngx_http_llm_ctx_t *ctx)
{
    int                  captures[NGX_HTTP_LLM_CAPTURES];
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
                                              captures, &ctx->ncaptures,
                                              r->connection->log);

    /* few models have an alias with captures, and many requests wait */

    if (ctx->ncaptures) {
        ctx->captures = ngx_palloc(r->pool, sizeof(captures));
        if (ctx->captures == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_memcpy(ctx->captures, captures, sizeof(captures));
    }

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


/* a prompt that fits no route may go on to a backup, if the class says so */

static ngx_uint_t
ngx_http_llm_plan_too_long(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_llm_candidate_t  **cand;

    if (!(ctx->class->policy.backup_on & llm_failure_bit(LLM_FAILURE_CONTEXT))
        || !ngx_http_llm_plan_has_backup(ctx))
    {
        return 0;
    }

    cand = ctx->candidates.elts;

    for (i = 0; i < ctx->candidates.nelts; i++) {
        if (ngx_strcmp(cand[i]->reason, "context_exceeded") == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_llm_plan_refuse(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_http_llm_candidate_t  **cand;

    cand = ctx->candidates.elts;

    for (i = 0; i < ctx->candidates.nelts; i++) {

        if (ngx_strcmp(cand[i]->reason, "price_missing") == 0) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_PRICE_MISSING, NULL,
                                       "class \"%V\" takes only routes with a "
                                       "known price; \"decision\" tells more",
                                       &ctx->class->name);
        }
    }

    return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, NULL,
                               "no route of model \"%V\" can take this "
                               "request; \"decision\" tells why",
                               &ctx->model->name);
}


ngx_uint_t
ngx_http_llm_plan_has_backup(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t              i;
    ngx_http_llm_backup_t  *backup;

    backup = ctx->model->backups.elts;

    for (i = ctx->next_backup; i < ctx->model->backups.nelts; i++) {
        if (ngx_http_llm_routes_any(ctx, &backup[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_llm_plan_backup(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t               rc;
    ngx_http_llm_backup_t  *backup;

    backup = ctx->model->backups.elts;

    while (ctx->next_backup < ctx->model->backups.nelts) {

        backup = ctx->model->backups.elts;
        backup += ctx->next_backup++;

        if (!ngx_http_llm_routes_any(ctx, backup)) {
            continue;
        }

        rc = ngx_http_llm_routes_plan(ctx, backup->model, 1);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}
