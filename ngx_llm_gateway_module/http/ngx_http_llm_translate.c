
/*
 * Routes whose provider speaks another protocol than the client: which of its
 * operations serves the request, and the request that goes out.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_header.h"
#include "ngx_http_llm_translate.h"
#include "ngx_http_llm_usage.h"


static ngx_int_t ngx_http_llm_translate_form(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model);
static ngx_int_t ngx_http_llm_translate_talk(ngx_http_llm_attempt_t *at);


const llm_op_t *
ngx_http_llm_translate_op(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    const llm_op_t        *op;
    ngx_http_llm_route_t  *route;

    op = ctx->target.op;
    route = cand->route;

    if (op->flags & LLM_OP_CONVERT) {

        /* also where both speak one protocol: some call it otherwise */

        cand->convert = llm_convert_find(op, &route->to);

        if (cand->convert != LLM_CONVERT_NONE) {
            cand->translate = 1;
            return op;
        }
    }

    if (op->endpoint == LLM_ENDPOINT_VIDEO
        && llm_convert_find(&llm_ops[LLM_OP_VIDEO_CREATE], &route->to)
           != LLM_CONVERT_NONE)
    {
        /* its jobs are no OpenAI videos, whatever it speaks */

        return NULL;
    }

    if (op->protocol == route->provider->protocol) {

        /* of OpenAI's two conversation APIs the route may have one alone */

        if (route->api == LLM_DIALECT_NONE
            || (op->op == LLM_OP_CHAT && route->api == LLM_DIALECT_CHAT)
            || (op->op == LLM_OP_RESPONSES
                && route->api == LLM_DIALECT_RESPONSES)
            || (op->op != LLM_OP_CHAT && op->op != LLM_OP_RESPONSES))
        {
            return llm_translate_host(op, &route->to, ctx->stream);
        }
    }

    cand->translate = 1;

    op = llm_translate_op(op, route->to.dialect, ctx->stream);

    return op ? llm_translate_host(op, &route->to, ctx->stream) : NULL;
}


ngx_int_t
ngx_http_llm_translate_begin(ngx_http_llm_attempt_t *at)
{
    if (!at->candidate->translate) {
        return NGX_OK;
    }

    return at->candidate->convert ? ngx_http_llm_convert_begin(at)
                                  : ngx_http_llm_translate_talk(at);
}


static ngx_int_t
ngx_http_llm_translate_talk(ngx_http_llm_attempt_t *at)
{
    int                    rc;
    llm_to_t              *to;
    llm_buf_t              out;
    ngx_int_t              status;
    llm_error_t            err;
    ngx_http_llm_ctx_t    *ctx;
    llm_translate_conf_t  *conf;

    ctx = at->ctx;

    status = ngx_http_llm_translate_form(ctx, at->route->model);
    if (status != NGX_OK) {
        return status;
    }

    if (ngx_http_llm_translate_conf(ctx, at->candidate, &to, &conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    at->translate = llm_translate_create(&ctx->arena, ctx->form, to, conf);
    if (at->translate == NULL) {
        return NGX_ERROR;
    }

    llm_buf_init(&out, &ctx->arena);
    ngx_memzero(&err, sizeof(llm_error_t));

    rc = llm_translate_request(at->translate, &out, &err);

    if (rc == LLM_INVALID) {
        at->translate = NULL;
        ctx->untranslatable = err;
        return NGX_DECLINED;
    }

    if (rc != LLM_OK || out.failed) {
        return NGX_ERROR;
    }

    at->translated.data = out.data;
    at->translated.len = out.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_translate_conf(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_to_t **out,
    llm_translate_conf_t **outconf)
{
    llm_to_t              *to;
    ngx_str_t             *betas;
    ngx_http_llm_route_t  *route;
    llm_translate_conf_t  *conf;

    conf = ngx_pcalloc(ctx->request->pool, sizeof(llm_translate_conf_t));
    if (conf == NULL) {
        return NGX_ERROR;
    }

    conf->id = *ngx_http_llm_pure(&ctx->id);
    conf->model = *ngx_http_llm_pure(&ctx->asked);
    conf->created = ngx_time();
    conf->array = ctx->target.array;

    betas = ngx_http_llm_header_in(ctx->request, "anthropic-beta",
                                   sizeof("anthropic-beta") - 1);
    if (betas) {
        conf->betas = *ngx_http_llm_pure(betas);
    }

    route = cand->route;
    to = &route->to;

    if (route->captures) {

        to = ngx_palloc(ctx->request->pool, sizeof(llm_to_t));
        if (to == NULL) {
            return NGX_ERROR;
        }

        *to = route->to;
        to->model = *ngx_http_llm_pure(&cand->upstream_model);
        to->quirks |= llm_quirk_of_model(to->dialect, &to->model);
        to->max_output = ngx_http_llm_usage_ceiling(ctx, cand);
    }

    *out = to;
    *outconf = conf;

    return NGX_OK;
}


/* the body as the form that all attempts on routes of this model share */

static ngx_int_t
ngx_http_llm_translate_form(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model)
{
    int          rc;
    llm_str_t    body;
    llm_error_t  err;

    if (ctx->form
        && (ctx->form_model == model
            || (ctx->form_model->members.nelts == 0
                && model->members.nelts == 0)))
    {
        return NGX_OK;
    }

    if (ngx_http_llm_body_text(ctx, model, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&err, sizeof(llm_error_t));

    rc = llm_translate_read(&ctx->arena, ctx->target.op, &body, &ctx->form,
                            &err);

    if (rc == LLM_INVALID) {
        ctx->form = NULL;
        ctx->untranslatable = err;
        return NGX_DECLINED;
    }

    if (rc != LLM_OK) {
        return NGX_ERROR;
    }

    ctx->form_model = model;
    ctx->form->stream = ctx->stream;

    return NGX_OK;
}


ngx_uint_t
ngx_http_llm_translate_refuses(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t  i;

    for (i = 0; i < ctx->nplan; i++) {
        if (ngx_strcmp(ctx->plan[i]->reason, "untranslatable") != 0) {
            return 0;
        }
    }

    return ctx->nplan != 0;
}


ngx_int_t
ngx_http_llm_translate_dropped(ngx_http_llm_attempt_t *at, ngx_str_t *value)
{
    llm_str_t  names;

    if (!ngx_http_llm_attempt_foreign(at)) {
        return NGX_DECLINED;
    }

    names = at->convert ? llm_convert_dropped(at->convert->convert)
                        : llm_translate_dropped(at->translate);

    if (names.len == 0) {
        return NGX_DECLINED;
    }

    ngx_http_llm_str_set(value, &names);

    return NGX_OK;
}
