
/*
 * A POST to .../explain with "path", "key", "class" and "address" as arguments
 * and the body of a request answers what would be decided for it, and calls
 * nobody.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_foresee.h"
#include "ngx_http_llm_redis_conf.h"


static ngx_int_t ngx_http_llm_admin_address(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *text);
static void ngx_http_llm_admin_explain_told(void *data, ngx_int_t rc);
static void ngx_http_llm_admin_explain_print(ngx_http_llm_foresight_t *fs,
    ngx_int_t rc, llm_buf_t *b);
static void ngx_http_llm_admin_explain_limits(ngx_http_llm_foresight_t *fs,
    llm_buf_t *b);


/* whose request, to what, in which class, is to be explained */

ngx_int_t
ngx_http_llm_admin_subject(ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t            path, args, name;
    ngx_http_request_t  *r;

    static ngx_str_t     post = ngx_string("POST");
    static ngx_str_t     chat = ngx_string("/v1/chat/completions");

    r = ctx->request;

    if (ngx_http_llm_admin_arg(r, "path", &path) != NGX_OK) {
        path = chat;
    }

    ngx_str_null(&args);

    if (llm_endpoint_find(ngx_http_llm_pure(&post), ngx_http_llm_pure(&path),
                          ngx_http_llm_pure(&args), &ctx->target)
        != LLM_OK
        || (ctx->target.op->flags & LLM_OP_LOCAL))
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNKNOWN_ENDPOINT, "path",
                                   "no endpoint answers POST \"%V\"", &path);
    }

    if (ngx_http_llm_admin_arg(r, "key", &name) == NGX_OK) {

        ctx->key = ngx_http_llm_conf_key_by_name(ctx->lmcf, &name);

        if (ctx->key == NULL) {
            ctx->key = ngx_http_llm_runtime_by_name(ctx, &name);
        }

        if (ctx->key == NULL) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, "key",
                                       "key \"%V\" is not configured", &name);
        }
    }

    if (ngx_http_llm_admin_arg(r, "class", &name) == NGX_OK) {

        ctx->asked_class = ngx_http_llm_conf_find_class(ctx->lmcf, &name);

        if (ctx->asked_class == NULL) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, "class",
                                       "class \"%V\" is not configured",
                                       &name);
        }
    }

    if (ngx_http_llm_admin_arg(r, "address", &name) == NGX_OK) {
        return ngx_http_llm_admin_address(ctx, &name);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_admin_address(ngx_http_llm_ctx_t *ctx, ngx_str_t *text)
{
    ngx_addr_t  *addr;

    addr = ngx_palloc(ctx->request->pool, sizeof(ngx_addr_t));
    if (addr == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_parse_addr(ctx->request->pool, addr, text->data, text->len)
        != NGX_OK)
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                   "address",
                                   "\"%V\" is no IPv4 or IPv6 address", text);
    }

    addr->name = *text;
    ctx->asked_address = addr;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_explain(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_int_t                  rc;
    ngx_http_llm_foresight_t  *fs;

    fs = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_foresight_t));
    if (fs == NULL) {
        return NGX_ERROR;
    }

    fs->ctx = ctx;
    fs->handler = ngx_http_llm_admin_explain_told;
    fs->data = fs;

    ngx_memzero(&ctx->error, sizeof(llm_error_t));

    rc = ngx_http_llm_check_scope(ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_llm_plan(ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_llm_foresee(fs);
    }

    if (rc == NGX_AGAIN) {
        ctx->request->main->count++;
        return NGX_DONE;
    }

    ngx_http_llm_admin_explain_print(fs, rc, b);

    return NGX_OK;
}


static void
ngx_http_llm_admin_explain_told(void *data, ngx_int_t rc)
{
    ngx_http_llm_foresight_t *fs = data;

    llm_buf_t  b;

    llm_buf_init(&b, &fs->ctx->arena);

    ngx_http_llm_admin_explain_print(fs, rc, &b);

    ngx_http_llm_admin_finish(fs->ctx->request, NGX_HTTP_OK, &b);
}


static void
ngx_http_llm_admin_explain_print(ngx_http_llm_foresight_t *fs, ngx_int_t rc,
    llm_buf_t *b)
{
    ngx_uint_t           i;
    ngx_http_llm_ctx_t  *ctx;

    ctx = fs->ctx;

    llm_buf_puts(b, "{\"allowed\":");
    llm_buf_puts(b, rc == NGX_OK ? "true" : "false");
    llm_buf_puts(b, ",\"status\":");
    llm_buf_int(b, rc == NGX_OK ? 200 : rc);

    if (ctx->error.code != LLM_ERROR_NONE) {
        ngx_http_llm_admin_print(b, "code",
            ngx_http_llm_str(&llm_error_names[ctx->error.code]));
        ngx_http_llm_admin_print(b, "message",
            ngx_http_llm_str(&ctx->error.message));
    }

    if (ctx->key) {
        ngx_http_llm_admin_print(b, "key", &ctx->key->name);
    }

    ngx_http_llm_admin_print(b, "class", &ctx->class->name);

    if (ctx->model) {
        ngx_http_llm_admin_print(b, "model", &ctx->model->name);
    }

    if (rc == NGX_OK && fs->cand == NULL) {
        llm_buf_puts(b, ",\"rung\":\"queue\",\"wait_ms\":");
        llm_buf_int(b, fs->wait == (ngx_msec_t) -1 ? 0 : (int64_t) fs->wait);
    }

    if (rc == NGX_OK && fs->cand) {
        ngx_http_llm_admin_print(b, "next", &fs->cand->route->name);
        llm_buf_puts(b, fs->move == LLM_MOVE_BACKUP ? ",\"rung\":\"backup\""
                                                    : ",\"rung\":\"first\"");
    }

    llm_buf_puts(b, ",\"plan\":[");

    for (i = 0; i < ctx->nplan; i++) {

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, ctx->plan[i]->route->name.data,
                     ctx->plan[i]->route->name.len);
    }

    llm_buf_puts(b, "]");
    ngx_http_llm_admin_explain_limits(fs, b);
    llm_buf_puts(b, ",\"decision\":");
    ngx_http_llm_account_print_decision(ctx, b);
    llm_buf_puts(b, "}\n");
}


/* how they stand, and who said so */

static void
ngx_http_llm_admin_explain_limits(ngx_http_llm_foresight_t *fs, llm_buf_t *b)
{
    ngx_str_t              word;
    const char            *by;
    ngx_http_llm_redis_t  *redis;

    llm_buf_puts(b, ",\"limits\":[");
    llm_buf_add(b, fs->limits.data, fs->limits.len);
    llm_buf_puts(b, "]");

    if (fs->limits.failed) {
        b->failed = 1;
    }

    if (!fs->looked) {
        return;
    }

    redis = fs->ctx->lmcf->redis;

    by = !redis ? "host"
         : !fs->away ? "redis"
         : redis->on_error == NGX_HTTP_LLM_ON_ERROR_LOCAL ? "host" : "nobody";

    llm_buf_puts(b, ",\"counted_by\":\"");
    llm_buf_puts(b, by);
    llm_buf_puts(b, "\"");

    if (fs->away) {
        word = ngx_http_llm_on_errors[redis->on_error];
        ngx_http_llm_admin_print(b, "on_error", &word);
    }
}
