
/*
 * The client's body: scanned while nginx reads it, so that a body spilled to
 * a file is not read back.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_header.h"
#include "ngx_http_llm_module.h"


#define NGX_HTTP_LLM_READ_SIZE  65536


static ngx_int_t ngx_http_llm_body_prepare(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_body_check(ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_llm_body_feed(ngx_http_llm_ctx_t *ctx, u_char *data,
    size_t len);
static ngx_int_t ngx_http_llm_body_rescan(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_body_finish(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_body_bad(ngx_http_llm_ctx_t *ctx, int rc);


static ngx_http_request_body_filter_pt  ngx_http_llm_next_body_filter;


ngx_int_t
ngx_http_llm_body_read(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!ctx->body_done) {

        if (ctx->body_waiting) {
            return NGX_DONE;
        }

        rc = ngx_http_llm_body_prepare(ctx);
        if (rc != NGX_OK) {
            return rc;
        }

        rc = ngx_http_read_client_request_body(r, ngx_http_llm_body_handler);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            return rc;
        }

        if (!ctx->body_done) {

            /* the reader holds the request, the phase engine must not */

            ctx->body_waiting = 1;
            ngx_http_finalize_request(r, NGX_DONE);
            return NGX_DONE;
        }
    }

    ctx->body_read_at = ngx_current_msec;

    return ngx_http_llm_body_finish(ctx);
}


static void
ngx_http_llm_body_handler(ngx_http_request_t *r)
{
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    ctx->body_done = 1;

    if (!ctx->body_waiting) {
        r->main->count--;
        return;
    }

    ctx->body_waiting = 0;

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


/* makes the scanner before the first byte of the body passes the filter */

static ngx_int_t
ngx_http_llm_body_prepare(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t            rc;
    llm_str_t            boundary;
    ngx_table_elt_t     *type;
    ngx_http_request_t  *r;

    r = ctx->request;
    type = r->headers_in.content_type;

    if (!(r->method & NGX_HTTP_POST) || ctx->admin) {
        return NGX_OK;
    }

    rc = ngx_http_llm_body_check(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (type
        && type->value.len >= sizeof("multipart/") - 1
        && ngx_strncasecmp(type->value.data, (u_char *) "multipart/",
                           sizeof("multipart/") - 1)
           == 0)
    {
        if (!(ctx->target.op->flags & LLM_OP_MULTIPART)) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_UNSUPPORTED_MEDIA, NULL,
                                       "this endpoint takes a JSON body, not "
                                       "a multipart one");
        }

        if (llm_multipart_boundary(ngx_http_llm_pure(&type->value), &boundary)
            != LLM_OK)
        {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_BAD_REQUEST, NULL,
                                       "the multipart Content-Type has no "
                                       "valid boundary");
        }

        ctx->multipart = llm_multipart_create(&ctx->arena, &boundary);

        return ctx->multipart ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->scan = llm_request_scan(&ctx->arena, ctx->target.op,
                                 ctx->lmcf->blind_routes);

    return ctx->scan ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* nginx does not decode request bodies, so neither can their model be read */

static ngx_int_t
ngx_http_llm_body_check(ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t  *value;

    value = ngx_http_llm_header_in(ctx->request, "content-encoding",
                                   sizeof("content-encoding") - 1);

    if (value == NULL
        || value->len == 0
        || (value->len == sizeof("identity") - 1
            && ngx_strncasecmp(value->data, (u_char *) "identity",
                               sizeof("identity") - 1)
               == 0))
    {
        return NGX_OK;
    }

    return ngx_http_llm_refuse(ctx, LLM_ERROR_UNSUPPORTED_MEDIA, NULL,
                               "a body with a Content-Encoding is not "
                               "supported; send it plain");
}


static ngx_int_t
ngx_http_llm_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t         *cl;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_llm_gateway_module);

    if (ctx == NULL || r != r->main || ctx->state != NGX_HTTP_LLM_BODY
        || (ctx->scan == NULL && ctx->multipart == NULL))
    {
        return ngx_http_llm_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {

        if (ngx_buf_in_memory(cl->buf)) {
            ngx_http_llm_body_feed(ctx, cl->buf->pos,
                                   cl->buf->last - cl->buf->pos);
        }
    }

    return ngx_http_llm_next_body_filter(r, in);
}


static void
ngx_http_llm_body_feed(ngx_http_llm_ctx_t *ctx, u_char *data, size_t len)
{
    ctx->scanned += len;

    if (len == 0 || ctx->scan_rc != LLM_OK) {
        return;
    }

    if (ctx->scan) {
        ctx->scan_rc = llm_scan_feed(ctx->scan, data, len);

    } else {
        ctx->scan_rc = llm_multipart_feed(ctx->multipart, data, len);
    }
}


/* the body was read before this module saw it (mirror, early read) */

static ngx_int_t
ngx_http_llm_body_rescan(ngx_http_llm_ctx_t *ctx)
{
    off_t         pos;
    size_t        size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    p = NULL;

    for (cl = ctx->request->request_body->bufs; cl; cl = cl->next) {

        b = cl->buf;

        if (!b->in_file) {
            ngx_http_llm_body_feed(ctx, b->pos, b->last - b->pos);
            continue;
        }

        if (p == NULL) {
            p = ngx_palloc(ctx->request->pool, NGX_HTTP_LLM_READ_SIZE);
            if (p == NULL) {
                return NGX_ERROR;
            }
        }

        for (pos = b->file_pos; pos < b->file_last; pos += n) {

            size = (size_t) ngx_min(b->file_last - pos,
                                    NGX_HTTP_LLM_READ_SIZE);

            n = ngx_read_file(b->file, p, size, pos);

            if (n <= 0) {
                return NGX_ERROR;
            }

            ngx_http_llm_body_feed(ctx, p, n);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_body_finish(ngx_http_llm_ctx_t *ctx)
{
    int                  rc;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (r->request_body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->body_length = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        ctx->body_length += ngx_buf_size(cl->buf);
    }

    if (ctx->scan == NULL && ctx->multipart == NULL) {
        return NGX_OK;
    }

    if (ctx->body_length == 0 && (ctx->target.op->flags & LLM_OP_BY_ID)) {
        ctx->scan = NULL;
        return NGX_OK;
    }

    if (ctx->scanned == 0 && ctx->body_length > 0
        && ngx_http_llm_body_rescan(ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ctx->scan_rc;

    if (rc == LLM_OK) {
        rc = ctx->scan ? llm_scan_end(ctx->scan)
                       : llm_multipart_end(ctx->multipart);
    }

    if (rc != LLM_OK) {
        return ngx_http_llm_body_bad(ctx, rc);
    }

    if (ctx->scan) {
        rc = llm_request_read_json(ctx->target.op, ctx->scan, &ctx->arena,
                                   &ctx->req, &ctx->error);
    } else {
        rc = llm_request_read_multipart(ctx->target.op, ctx->multipart,
                                        &ctx->arena, &ctx->req, &ctx->error);
    }

    if (rc == LLM_INVALID) {
        return ngx_http_llm_refused(ctx);
    }

    if (rc != LLM_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->stream = ctx->req.stream
                  || (ctx->target.op->flags & LLM_OP_STREAMS) != 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_body_bad(ngx_http_llm_ctx_t *ctx, int rc)
{
    size_t       offset;
    llm_str_t    name;
    llm_error_e  code;
    const char  *text;

    if (ctx->scan) {
        text = llm_scan_error(ctx->scan);
        offset = llm_scan_offset(ctx->scan);
        code = LLM_ERROR_INVALID_JSON;

    } else {
        text = llm_multipart_error(ctx->multipart);
        offset = llm_multipart_offset(ctx->multipart);
        code = LLM_ERROR_BAD_REQUEST;
    }

    switch (rc) {

    case LLM_INVALID:
        return ngx_http_llm_refuse(ctx, code, NULL,
                                   "the body is no valid %s: %s at byte %uz",
                                   ctx->scan ? "JSON" : "multipart form",
                                   text, offset);

    case LLM_DUPLICATE:
        name = ctx->scan ? llm_scan_duplicate(ctx->scan)
                         : (llm_str_t) { 0, NULL };

        (void) ngx_http_llm_refuse(ctx, code, NULL,
                                   "member \"%V\" is named twice in the body, "
                                   "the second time at byte %uz",
                                   ngx_http_llm_str(&name), offset);
        ctx->error.param = name;
        return llm_error_status(&ctx->error);

    case LLM_LIMIT:
        return ngx_http_llm_refuse(ctx, LLM_ERROR_REQUEST_TOO_LARGE, NULL,
                                   "the body is over a limit: %s at byte %uz",
                                   text, offset);
    }

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_http_llm_body_init(ngx_conf_t *cf)
{
    ngx_http_llm_next_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_llm_body_filter;

    return NGX_OK;
}
