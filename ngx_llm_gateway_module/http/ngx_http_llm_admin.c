
/*
 * llm_admin: what operators ask.  A POST to .../explain with "path", "key",
 * "class" and "address" as arguments and the body of a request answers what
 * would be decided for it, and calls nobody.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"


static ngx_int_t ngx_http_llm_admin_token(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_admin_subject(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_admin_address(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *text);
static ngx_int_t ngx_http_llm_admin_arg(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static void ngx_http_llm_admin_explain(ngx_http_llm_ctx_t *ctx, llm_buf_t *b);
static void ngx_http_llm_admin_member(llm_buf_t *b, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_llm_admin_send(ngx_http_request_t *r, llm_buf_t *b);


ngx_int_t
ngx_http_llm_admin_access(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->state == NGX_HTTP_LLM_START) {

        /* no request to a model: it leaves no usage record */

        ctx->logged = 1;
        ctx->protocol = LLM_PROTOCOL_OPENAI;

        rc = ngx_http_llm_admin_token(ctx);
        if (rc != NGX_OK) {
            return rc;
        }

        rc = ngx_http_llm_admin_subject(ctx);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->state = NGX_HTTP_LLM_BODY;
    }

    if (ctx->state == NGX_HTTP_LLM_BODY) {

        rc = ngx_http_llm_body_read(ctx);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->state = NGX_HTTP_LLM_PLANNED;
        ctx->authorized = 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_content(ngx_http_request_t *r)
{
    llm_buf_t            b;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (r != r->main || ctx == NULL || !ctx->authorized) {
        return NGX_HTTP_FORBIDDEN;
    }

    llm_buf_init(&b, &ctx->arena);

    ngx_http_llm_admin_explain(ctx, &b);

    return b.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                    : ngx_http_llm_admin_send(r, &b);
}


static ngx_int_t
ngx_http_llm_admin_token(ngx_http_llm_ctx_t *ctx)
{
    u_char               digest[NGX_LLM_DIGEST_LEN];
    ngx_str_t           *value, token;

    value = ngx_http_llm_header_in(ctx->request, "authorization",
                                   sizeof("authorization") - 1);

    if (value && value->len > sizeof("Bearer ") - 1
        && ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           == 0)
    {
        token.data = value->data + sizeof("Bearer ") - 1;
        token.len = value->len - (sizeof("Bearer ") - 1);

        ngx_llm_secret_digest(&token, digest);

        if (ngx_llm_secret_equal(digest, ctx->llcf->admin_token,
                                 NGX_LLM_DIGEST_LEN))
        {
            return NGX_OK;
        }
    }

    return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, NULL,
                               "the admin token is required, as "
                               "\"Authorization: Bearer TOKEN\"");
}


/* whose request, to what, in which class, is to be explained */

static ngx_int_t
ngx_http_llm_admin_subject(ngx_http_llm_ctx_t *ctx)
{
    u_char              *tail;
    ngx_str_t            path, args, name;
    ngx_http_request_t  *r;

    static ngx_str_t     post = ngx_string("POST");
    static ngx_str_t     chat = ngx_string("/v1/chat/completions");

    r = ctx->request;
    tail = r->uri.data + r->uri.len - (sizeof("/explain") - 1);

    if (r->method != NGX_HTTP_POST
        || r->uri.len < sizeof("/explain") - 1
        || ngx_memcmp(tail, "/explain", sizeof("/explain") - 1) != 0)
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNKNOWN_ENDPOINT, NULL,
                                   "nothing answers %V \"%V\" here; try "
                                   "POST .../explain",
                                   &r->method_name, &r->uri);
    }

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


static ngx_int_t
ngx_http_llm_admin_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    u_char     *dst, *src;
    ngx_str_t   raw;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &raw) != NGX_OK
        || raw.len == 0)
    {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(r->pool, raw.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    src = raw.data;
    value->data = dst;
    ngx_unescape_uri(&dst, &src, raw.len, 0);
    value->len = dst - value->data;

    return NGX_OK;
}


static void
ngx_http_llm_admin_explain(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_msec_t                 wait;
    llm_failure_e              failure;
    ngx_http_llm_candidate_t  *cand;

    ngx_memzero(&ctx->error, sizeof(llm_error_t));

    rc = ngx_http_llm_check_scope(ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_llm_plan(ctx);
    }

    wait = 0;
    cand = NULL;

    if (rc == NGX_OK) {

        /* what health says of each, in the order in which they would be
           tried; the first that is fit is the one */

        cand = ngx_http_llm_routes_next(ctx, &failure, &wait);
    }

    llm_buf_puts(b, "{\"allowed\":");
    llm_buf_puts(b, rc == NGX_OK ? "true" : "false");
    llm_buf_puts(b, ",\"status\":");
    llm_buf_int(b, rc == NGX_OK ? 200 : rc);

    if (ctx->error.code != LLM_ERROR_NONE) {
        ngx_http_llm_admin_member(b, "code",
            ngx_http_llm_str(&llm_error_names[ctx->error.code]));
        ngx_http_llm_admin_member(b, "message",
            ngx_http_llm_str(&ctx->error.message));
    }

    if (ctx->key) {
        ngx_http_llm_admin_member(b, "key", &ctx->key->name);
    }

    ngx_http_llm_admin_member(b, "class", &ctx->class->name);

    if (ctx->model) {
        ngx_http_llm_admin_member(b, "model", &ctx->model->name);
    }

    if (rc == NGX_OK && cand == NULL) {

        /* the class says what happens to a request that finds no room */

        llm_buf_puts(b, ",\"wait_ms\":");
        llm_buf_int(b, wait == (ngx_msec_t) -1 ? 0 : (int64_t) wait);
    }

    if (cand) {
        ngx_http_llm_admin_member(b, "next", &cand->route->name);
    }

    llm_buf_puts(b, ",\"plan\":[");

    for (i = 0; i < ctx->nplan; i++) {

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, ctx->plan[i]->route->name.data,
                     ctx->plan[i]->route->name.len);
    }

    llm_buf_puts(b, "],\"decision\":");
    ngx_http_llm_account_print_decision(ctx, b);
    llm_buf_puts(b, "}\n");
}


static void
ngx_http_llm_admin_member(llm_buf_t *b, const char *name, ngx_str_t *value)
{
    llm_buf_puts(b, ",\"");
    llm_buf_puts(b, name);
    llm_buf_puts(b, "\":");
    llm_buf_json(b, value->data, value->len);
}


static ngx_int_t
ngx_http_llm_admin_send(ngx_http_request_t *r, llm_buf_t *b)
{
    ngx_int_t     rc;
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->len;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->memory = 1;
    buf->pos = b->data;
    buf->last = b->data + b->len;
    buf->last_buf = 1;
    buf->last_in_chain = 1;

    out.buf = buf;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_uint_t
ngx_http_llm_admin_explains(ngx_http_llm_ctx_t *ctx)
{
    u_char       digest[NGX_LLM_DIGEST_LEN], *token;
    ngx_str_t   *value;
    ngx_uint_t   i, equal;

    if (ctx->lmcf->admin_tokens.nelts == 0 || ctx->candidates.nelts == 0) {
        return 0;
    }

    value = ngx_http_llm_header_in(ctx->request, "x-llm-explain",
                                   sizeof("x-llm-explain") - 1);
    if (value == NULL) {
        return 0;
    }

    ngx_llm_secret_digest(value, digest);

    equal = 0;
    token = ctx->lmcf->admin_tokens.elts;

    for (i = 0; i < ctx->lmcf->admin_tokens.nelts; i++) {
        equal |= ngx_llm_secret_equal(digest, token + i * NGX_LLM_DIGEST_LEN,
                                      NGX_LLM_DIGEST_LEN);
    }

    return equal;
}
