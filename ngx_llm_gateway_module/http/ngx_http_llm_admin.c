
/*
 * llm_admin: who may ask, what was asked, and the answer's way out.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_edit.h"
#include "ngx_http_llm_header.h"

#include "llm_scan.h"
#include "llm_walk.h"


static ngx_int_t ngx_http_llm_admin_start(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_admin_token(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_admin_read(ngx_http_llm_admin_t *adm);


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

        rc = ngx_http_llm_admin_start(ctx);
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

        if (ctx->admin) {
            rc = ngx_http_llm_admin_read(ctx->admin);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        ctx->state = NGX_HTTP_LLM_PLANNED;
        ctx->authorized = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_admin_start(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_http_llm_admin_t  *adm;

    /* no request to a model: it leaves no usage record */

    ctx->logged = 1;
    ctx->protocol = LLM_PROTOCOL_OPENAI;

    rc = ngx_http_llm_admin_token(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    adm = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_admin_t));
    if (adm == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    adm->ctx = ctx;
    adm->status = NGX_HTTP_OK;

    rc = ngx_http_llm_admin_find(adm);
    if (rc != NGX_OK) {
        return rc;
    }

    if (adm->route->handler == NULL) {
        return ngx_http_llm_admin_subject(ctx);
    }

    ctx->admin = adm;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_content(ngx_http_request_t *r)
{
    llm_buf_t              b;
    ngx_int_t              rc;
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_admin_t  *adm;

    ctx = ngx_http_llm_get_ctx(r);

    if (r != r->main || ctx == NULL || !ctx->authorized) {
        return NGX_HTTP_FORBIDDEN;
    }

    llm_buf_init(&b, &ctx->arena);

    adm = ctx->admin;

    rc = adm ? adm->route->handler(adm, &b)
             : ngx_http_llm_admin_explain(ctx, &b);

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
    }

    return b.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                    : ngx_http_llm_admin_send(r, adm ? adm->status
                                                     : NGX_HTTP_OK, &b);
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


/* the body, if there is one, as an object that handlers can walk */

static ngx_int_t
ngx_http_llm_admin_read(ngx_http_llm_admin_t *adm)
{
    int                  rc;
    llm_str_t            name;
    llm_scan_t          *scan;
    ngx_http_llm_ctx_t  *ctx;

    ctx = adm->ctx;

    if (ctx->body_length == 0) {
        return NGX_OK;
    }

    if (ctx->body_length > NGX_HTTP_LLM_ADMIN_BODY_MAX) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_REQUEST_TOO_LARGE, NULL,
                                   "the body is larger than %d bytes",
                                   NGX_HTTP_LLM_ADMIN_BODY_MAX);
    }

    if (ngx_http_llm_edit_gather(ctx, ngx_http_llm_pure(&adm->body))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    scan = llm_scan_create(&ctx->arena, NULL, 0,
                           LLM_SCAN_MEMBERS|LLM_SCAN_BORROW);
    if (scan == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = llm_scan_feed(scan, adm->body.data, adm->body.len);

    if (rc == LLM_OK) {
        rc = llm_scan_end(scan);
    }

    switch (rc) {

    case LLM_OK:
        return NGX_OK;

    case LLM_NOMEM:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    case LLM_DUPLICATE:
        name = llm_scan_duplicate(scan);

        return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_JSON, NULL,
                                   "the body names \"%*s\" twice", name.len,
                                   name.data);

    default:
        return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_JSON, NULL,
                                   "the body is no JSON object: %s at byte "
                                   "%uz", llm_scan_error(scan),
                                   llm_scan_offset(scan));
    }
}


llm_str_t *
ngx_http_llm_admin_member(ngx_http_llm_admin_t *adm, const char *name,
    llm_str_t *value)
{
    size_t      len;
    llm_str_t   text, member;
    llm_walk_t  w;

    if (adm->body.len == 0) {
        return NULL;
    }

    llm_walk_text(&w, adm->body.data, adm->body.len);

    if (!llm_walk_element(&w, &text)) {
        return NULL;
    }

    len = ngx_strlen(name);

    llm_walk_open(&w, &text);

    while (llm_walk_member(&w, &member, value)) {
        if (member.len == len + 2
            && ngx_memcmp(member.data + 1, name, len) == 0)
        {
            return value->data[0] == 'n' ? NULL : value;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_llm_admin_string(ngx_http_llm_admin_t *adm, const char *name,
    ngx_str_t *value)
{
    int        rc;
    llm_str_t  raw, text;

    if (ngx_http_llm_admin_member(adm, name, &raw) == NULL) {
        return NGX_DECLINED;
    }

    rc = llm_json_string(&adm->ctx->arena, &raw, &text);

    if (rc == LLM_NOMEM) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != LLM_OK) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, name,
                                   "\"%s\" must be a string", name);
    }

    value->data = text.data;
    value->len = text.len;

    return NGX_OK;
}


ngx_int_t
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


ngx_int_t
ngx_http_llm_admin_arg_number(ngx_http_llm_admin_t *adm, const char *name,
    ngx_uint_t *n, ngx_uint_t max)
{
    ngx_int_t  rc, value;
    ngx_str_t  text;

    rc = ngx_http_llm_admin_arg(adm->ctx->request, name, &text);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    value = ngx_atoi(text.data, text.len);

    if (value < 1 || (ngx_uint_t) value > max) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, name,
                                   "\"%s\" must be a number from 1 to %ui",
                                   name, max);
    }

    *n = value;

    return NGX_OK;
}


void
ngx_http_llm_admin_print(llm_buf_t *b, const char *name, ngx_str_t *value)
{
    llm_buf_puts(b, ",\"");
    llm_buf_puts(b, name);
    llm_buf_puts(b, "\":");
    llm_buf_json(b, value->data, value->len);
}


ngx_int_t
ngx_http_llm_admin_send(ngx_http_request_t *r, ngx_uint_t status,
    llm_buf_t *b)
{
    static ngx_str_t  json = ngx_string("application/json");

    return ngx_http_llm_send(r, status, &json, b);
}


void
ngx_http_llm_admin_finish(ngx_http_request_t *r, ngx_uint_t status,
    llm_buf_t *b)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rc = b->failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                   : ngx_http_llm_admin_send(r, status, b);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
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
