
/*
 * What is no conversation, at a provider that serves it by another call:
 * embeddings, images, audio, videos, counts of tokens.  The request that goes
 * out; answers are _converted.c's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


/*
 * A body is held whole, and written anew for each attempt.  Google takes as
 * much in one request.
 */
#define NGX_HTTP_LLM_CONVERT_MAX  (20 * 1024 * 1024)


static ngx_int_t ngx_http_llm_convert_in(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model, llm_convert_in_t *in);
static void ngx_http_llm_convert_forget(ngx_http_llm_ctx_t *ctx);


ngx_int_t
ngx_http_llm_convert_begin(ngx_http_llm_attempt_t *at)
{
    int                      rc;
    llm_to_t                *to;
    ngx_int_t                status;
    llm_error_t              err;
    llm_convert_in_t         in;
    ngx_http_llm_ctx_t      *ctx;
    llm_translate_conf_t    *conf;
    ngx_http_llm_convert_t  *c;

    ctx = at->ctx;

    status = ngx_http_llm_convert_in(ctx, at->route->model, &in);
    if (status != NGX_OK) {
        return status;
    }

    ngx_http_llm_convert_forget(ctx);

    c = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_convert_t));

    if (c == NULL
        || ngx_http_llm_translate_conf(ctx, at->candidate, &to, &conf)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    c->convert = llm_convert_create(&ctx->arena, ctx->target.op, to, conf);
    if (c->convert == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&err, sizeof(llm_error_t));

    rc = llm_convert_request(c->convert, &in, &c->call, &err);

    if (rc == LLM_INVALID) {
        ctx->untranslatable = err;
        return NGX_DECLINED;
    }

    if (rc != LLM_OK) {
        return NGX_ERROR;
    }

    at->convert = c;
    at->translated.data = c->call.body.data;
    at->translated.len = c->call.body.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_convert_in(ngx_http_llm_ctx_t *ctx, ngx_http_llm_model_t *model,
    llm_convert_in_t *in)
{
    llm_error_t          *err;
    ngx_table_elt_t      *type;
    ngx_http_request_t   *r;

    static const llm_str_t  large = llm_string("a body of more than 20 MB is "
                                               "too large for this model's "
                                               "provider");

    r = ctx->request;

    ngx_memzero(in, sizeof(llm_convert_in_t));

    if (ctx->body_length > NGX_HTTP_LLM_CONVERT_MAX) {
        err = &ctx->untranslatable;
        ngx_memzero(err, sizeof(llm_error_t));

        err->code = LLM_ERROR_REQUEST_TOO_LARGE;
        err->message = large;

        return NGX_DECLINED;
    }

    if (ngx_http_llm_body_text(ctx, model, &in->body) != NGX_OK) {
        return NGX_ERROR;
    }

    type = r->headers_in.content_type;

    if (ctx->multipart && type) {

        /* it was found valid when the body came */

        (void) llm_multipart_boundary(ngx_http_llm_pure(&type->value),
                                      &in->boundary);
    }

    in->id = *ngx_http_llm_pure(&ctx->provider_id);
    in->args = *ngx_http_llm_pure(&r->args);

    return NGX_OK;
}


/* the last attempt's body, which nobody needs any more, may be an upload */

static void
ngx_http_llm_convert_forget(ngx_http_llm_ctx_t *ctx)
{
    llm_buf_t               *body;
    ngx_http_llm_attempt_t  *last;

    last = ctx->current;

    if (last == NULL || last->convert == NULL) {
        return;
    }

    body = &last->convert->call.body;

    if (body->size > ctx->request->pool->max
        && ngx_pfree(ctx->request->pool, body->data) == NGX_OK)
    {
        ctx->arena.left += body->size;
        ngx_memzero(body, sizeof(llm_buf_t));
        last->translated.len = 0;
    }
}


ngx_int_t
ngx_http_llm_convert_local(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    int                    rc;
    llm_to_t              *to;
    ngx_int_t              status;
    llm_error_t            err;
    llm_convert_t         *c;
    llm_convert_in_t       in;
    ngx_http_request_t    *r;
    llm_convert_answer_t   answer;
    llm_translate_conf_t  *conf;

    r = ctx->request;

    cand->tried = 1;

    status = ngx_http_llm_convert_in(ctx, cand->route->model, &in);

    if (status == NGX_OK) {
        status = ngx_http_llm_translate_conf(ctx, cand, &to, &conf);
    }

    if (status == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = LLM_INVALID;

    if (status == NGX_OK) {

        c = llm_convert_create(&ctx->arena, ctx->target.op, to, conf);
        if (c == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_memzero(&err, sizeof(llm_error_t));

        rc = llm_convert_local(c, &in, &answer, &err);

        if (rc == LLM_INVALID) {
            ctx->untranslatable = err;
        }
    }

    if (rc == LLM_INVALID) {
        cand->kept = 0;
        cand->reason = "untranslatable";
        return NGX_BUSY;
    }

    if (rc != LLM_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->state = NGX_HTTP_LLM_DONE;
    ctx->local = 1;

    ngx_http_llm_quota_settle(ctx);

    ngx_http_finalize_request(r,
        ngx_http_llm_send(r, NGX_HTTP_OK, ngx_http_llm_str(&answer.type),
                          &answer.body));

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_convert_guess(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_usage_t *usage)
{
    if (cand->convert == LLM_CONVERT_NONE
        || ctx->target.op->op != LLM_OP_VIDEO_CREATE)
    {
        return NGX_DECLINED;
    }

    llm_usage_set(usage, LLM_USAGE_VIDEO_SECONDS,
                  LLM_CONVERT_VIDEO_SECONDS * 1000);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_convert_again(ngx_http_llm_attempt_t *at)
{
    ngx_http_llm_convert_t  *c;

    c = at->convert;

    c->again = 0;
    at->translated.len = 0;

    return llm_convert_again(c->convert, &c->call) == LLM_OK ? NGX_OK
                                                             : NGX_ERROR;
}


ngx_int_t
ngx_http_llm_convert_path(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    llm_buf_t                *path;
    ngx_http_llm_provider_t  *provider;

    provider = at->route->provider;
    path = &at->convert->call.path;

    if (provider->api_version.len) {

        /* Azure: a deployment has the path of its own */

        llm_buf_puts(b, "/deployments");

        if (llm_endpoint_segment(ngx_http_llm_pure(&at->upstream_model), b)
            != LLM_OK)
        {
            ngx_log_error(NGX_LOG_ERR, at->request->connection->log, 0,
                          "llm upstream model \"%V\" can be no part of a path",
                          &at->upstream_model);
            return NGX_ERROR;
        }
    }

    llm_buf_add(b, path->data, path->len);

    return NGX_OK;
}
