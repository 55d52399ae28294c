
/*
 * Header and body filters: the head of the committed attempt becomes that of
 * the main request, every answer tells how it came about, and errors, ours or
 * nginx's own, get a body in the shape of the client's protocol.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_header.h"
#include "ngx_http_llm_module.h"
#include "ngx_http_llm_translate.h"
#include "ngx_http_llm_quota.h"


#define ngx_http_llm_add(r, name, value)                                      \
    ngx_http_llm_add_header(r, name, sizeof(name) - 1, value)

/* the same of a text that the gateway made itself */

#define ngx_http_llm_add_own(r, name, value)                                  \
    ngx_http_llm_push_header(r, name, sizeof(name) - 1, value)


static ngx_int_t ngx_http_llm_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_commit(ngx_http_request_t *sr,
    ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_add_headers(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_add_decision(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_add_retry_after(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_add_attempt_headers(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_push_header(ngx_http_request_t *r,
    const char *name, size_t len, ngx_str_t *value);
static ngx_int_t ngx_http_llm_error_head(ngx_http_llm_ctx_t *ctx);
static llm_error_e ngx_http_llm_error_code(ngx_uint_t status);
static ngx_int_t ngx_http_llm_error_text(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *b);
static ngx_uint_t ngx_http_llm_closed(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_output_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_llm_header_filter(ngx_http_request_t *r)
{
    ngx_http_llm_ctx_t       *ctx;
    ngx_http_llm_loc_conf_t  *llcf;

    ctx = ngx_http_llm_get_ctx(r);

    if (r != r->main) {

        if (ctx && ctx->current && ctx->current->request == r
            && ctx->current->committed)
        {
            return ngx_http_llm_commit(r, ctx);
        }

        return ngx_http_next_header_filter(r);
    }

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_llm_gateway_module);

    if (!llcf->enable && !llcf->admin) {
        return ngx_http_next_header_filter(r);
    }

    if (ctx == NULL) {

        /* refused by nginx before our access handler: 413, deny, ... */

        if (r->err_status < NGX_HTTP_BAD_REQUEST) {
            return ngx_http_next_header_filter(r);
        }

        ctx = ngx_http_llm_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }
    }

    if (r->err_status >= NGX_HTTP_BAD_REQUEST
        && ngx_http_llm_error_head(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_llm_add_headers(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* the attempt's head goes out as the main request's */

static ngx_int_t
ngx_http_llm_commit(ngx_http_request_t *sr, ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    r->headers_out = sr->headers_out;

    /* lists were copied by value: a last part that is the first one moved */

    if (sr->headers_out.headers.last == &sr->headers_out.headers.part) {
        r->headers_out.headers.last = &r->headers_out.headers.part;
    }

    if (sr->headers_out.trailers.last == &sr->headers_out.trailers.part) {
        r->headers_out.trailers.last = &r->headers_out.trailers.part;
    }

    r->disable_not_modified = 1;
    r->allow_ranges = 0;

    rc = ngx_http_send_header(r);

    sr->header_sent = 1;
    sr->header_only = r->header_only;

    return rc;
}


static ngx_int_t
ngx_http_llm_add_headers(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ngx_http_llm_add_own(r, "X-LLM-Request-Id", &ctx->id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->model
        && ngx_http_llm_add(r, "X-LLM-Model", &ctx->model->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->key && ctx->model && ctx->class
        && ngx_http_llm_add(r, "X-LLM-Class", &ctx->class->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_llm_admin_explains(ctx)
        && ngx_http_llm_add_decision(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->err_status ? (r->err_status == NGX_HTTP_TOO_MANY_REQUESTS
                         || r->err_status == NGX_HTTP_SERVICE_UNAVAILABLE)
                      : (r->headers_out.status == NGX_HTTP_TOO_MANY_REQUESTS
                         || r->headers_out.status
                            == NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        if (ngx_http_llm_add_retry_after(ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx->quota && ngx_http_llm_quota_headers(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->current && !ctx->local) {
        return ngx_http_llm_add_attempt_headers(ctx);
    }

    return NGX_OK;
}


/* for an operator who asked: the decision on one line */

static ngx_int_t
ngx_http_llm_add_decision(ngx_http_llm_ctx_t *ctx)
{
    llm_buf_t  b;
    ngx_str_t  value;

    llm_buf_init(&b, &ctx->arena);
    ngx_http_llm_account_print_decision(ctx, &b);

    if (b.failed) {
        return NGX_ERROR;
    }

    value.data = b.data;
    value.len = b.len;

    return ngx_http_llm_add(ctx->request, "X-LLM-Decision", &value);
}


/* a provider's own one stays; what else is known of its pace is told, too */

static ngx_int_t
ngx_http_llm_add_retry_after(ngx_http_llm_ctx_t *ctx)
{
    u_char                     *p;
    int64_t                     ms;
    ngx_str_t                   value;
    ngx_uint_t                  seconds;
    ngx_table_elt_t            *h;
    ngx_http_request_t         *r;
    ngx_http_llm_header_walk_t  walk;

    r = ctx->request;
    seconds = ctx->retry_after;

    if (r->err_status == 0) {

        for (h = ngx_http_llm_header_first(&walk, &r->headers_out.headers);
             h;
             h = ngx_http_llm_header_next(&walk))
        {
            if (h->key.len == sizeof("Retry-After") - 1
                && ngx_strncasecmp(h->key.data, (u_char *) "Retry-After",
                                   sizeof("Retry-After") - 1)
                   == 0)
            {
                return NGX_OK;
            }
        }

        ms = ctx->current ? ctx->current->pace.retry_after_ms : 0;
        seconds = ms > 0 ? (ngx_uint_t) (ms + 999) / 1000 : 1;
    }

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%ui", ngx_max(seconds, 1)) - p;

    return ngx_http_llm_add(r, "Retry-After", &value);
}


static ngx_int_t
ngx_http_llm_add_attempt_headers(ngx_http_llm_ctx_t *ctx)
{
    u_char                  *p;
    llm_buf_t                b;
    ngx_str_t                value;
    ngx_http_request_t      *r;
    ngx_http_llm_attempt_t  *at;

    r = ctx->request;
    at = ctx->current;

    if (ngx_http_llm_add(r, "X-LLM-Provider", &at->route->provider->name)
        != NGX_OK
        || ngx_http_llm_add(r, "X-LLM-Upstream-Model", &at->upstream_model)
           != NGX_OK
        || ngx_http_llm_add_own(r, "X-LLM-Rung",
                            (ngx_str_t *) &ngx_http_llm_rungs[ctx->rung])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, LLM_INT_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = llm_int_print(p, ctx->attempts.nelts) - p;

    if (ngx_http_llm_add_own(r, "X-LLM-Attempts", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_llm_translate_dropped(at, &value) == NGX_OK
        && ngx_http_llm_add(r, "X-LLM-Dropped", &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!at->accounted) {
        return NGX_OK;
    }

    /* a unary answer: all that it cost is known before its head goes out */

    ngx_http_llm_account_sum(ctx);

    if (!ctx->has_cost) {
        return NGX_OK;
    }

    llm_buf_init(&b, &ctx->arena);
    llm_price_print(ctx->cost, &b);

    if (b.failed) {
        return NGX_ERROR;
    }

    value.data = b.data;
    value.len = b.len;

    return ngx_http_llm_add_own(r, "X-LLM-Cost", &value);
}


ngx_int_t
ngx_http_llm_add_header(ngx_http_request_t *r, const char *name, size_t len,
    ngx_str_t *value)
{
    return ngx_http_llm_header_unsafe(value)
           ? NGX_OK : ngx_http_llm_push_header(r, name, len, value);
}


static ngx_int_t
ngx_http_llm_push_header(ngx_http_request_t *r, const char *name, size_t len,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    if (value->len == 0) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = len;
    h->value = *value;
    ngx_llm_header_single(h);

    return NGX_OK;
}


/* what nginx was about to answer in HTML */

static ngx_int_t
ngx_http_llm_error_head(ngx_http_llm_ctx_t *ctx)
{
    u_char              *p;
    llm_buf_t            b;
    ngx_buf_t           *buf;
    ngx_uint_t           status;
    ngx_http_request_t  *r;

    r = ctx->request;
    status = r->err_status;

    if (ctx->error.code == LLM_ERROR_NONE) {

        ctx->error.code = ngx_http_llm_error_code(status);

        p = ngx_pnalloc(r->pool, 128);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ctx->error.message.data = p;
        ctx->error.message.len = (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE)
            ? ngx_sprintf(p, "the body is larger than this server takes") - p
            : ngx_sprintf(p, "the request was refused with status %ui", status)
              - p;
    }

    ctx->error.status = status;
    ctx->state = NGX_HTTP_LLM_DONE;

    llm_buf_init(&b, &ctx->arena);

    if (ngx_http_llm_error_text(ctx, &b) != NGX_OK) {
        return NGX_ERROR;
    }

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->memory = 1;
    buf->pos = b.data;
    buf->last = b.data + b.len;
    buf->last_buf = 1;
    buf->last_in_chain = 1;

    ctx->error_buf = buf;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    r->headers_out.content_length_n = b.len;

    return NGX_OK;
}


static llm_error_e
ngx_http_llm_error_code(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return LLM_ERROR_INVALID_API_KEY;

    case NGX_HTTP_FORBIDDEN:
        return LLM_ERROR_ADDRESS_NOT_ALLOWED;

    case NGX_HTTP_NOT_FOUND:
    case NGX_HTTP_NOT_ALLOWED:
        return LLM_ERROR_UNKNOWN_ENDPOINT;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
    case NGX_HTTP_REQUEST_URI_TOO_LARGE:
    case NGX_HTTP_REQUEST_HEADER_TOO_LARGE:
        return LLM_ERROR_REQUEST_TOO_LARGE;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return LLM_ERROR_RATE_LIMIT_EXCEEDED;

    case NGX_HTTP_BAD_GATEWAY:
        return LLM_ERROR_UPSTREAM_ERROR;

    case NGX_HTTP_GATEWAY_TIME_OUT:
        return LLM_ERROR_UPSTREAM_TIMEOUT;
    }

    return status >= 500 ? LLM_ERROR_INTERNAL_ERROR : LLM_ERROR_BAD_REQUEST;
}


static ngx_int_t
ngx_http_llm_error_text(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    llm_buf_t     list;
    llm_error_t  *err;

    err = &ctx->error;

    err->request_id = *ngx_http_llm_pure(&ctx->id);

    if (ctx->attempts.nelts) {
        llm_buf_init(&list, &ctx->arena);
        ngx_http_llm_account_print_attempts(ctx, &list);

        if (list.failed) {
            return NGX_ERROR;
        }

        err->attempts.data = list.data;
        err->attempts.len = list.len;
    }

    if (ctx->candidates.nelts) {
        llm_buf_init(&list, &ctx->arena);
        ngx_http_llm_account_print_decision(ctx, &list);

        if (list.failed) {
            return NGX_ERROR;
        }

        err->decision.data = list.data;
        err->decision.len = list.len;
    }

    llm_error_print(ctx->protocol, err, b);

    return b->failed ? NGX_ERROR : NGX_OK;
}


/* whether the attempt's last buffer has told all filters that it is */

static ngx_uint_t
ngx_http_llm_closed(ngx_http_request_t *r)
{
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    return ctx && ctx->current && ctx->current->request == r
           && ctx->current->closed;
}


static ngx_int_t
ngx_http_llm_output_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t           *b;
    ngx_uint_t           last;
    ngx_chain_t         *cl, out;
    ngx_http_llm_ctx_t  *ctx;

    if (r != r->main && in && in->next == NULL
        && ngx_buf_sync_only(in->buf) && in->buf->last_in_chain
        && ngx_http_llm_closed(r))
    {
        return NGX_OK;
    }

    if (in == NULL || r != r->main || r->err_status == 0) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL || ctx->error_buf == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl; cl = cl->next) {

        b = cl->buf;

        if (b->last_buf) {
            last = 1;
        }

        b->pos = b->last;
        b->file_pos = b->file_last;
    }

    if (!last || ctx->error_sent) {
        return NGX_OK;
    }

    ctx->error_sent = 1;

    out.buf = ctx->error_buf;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


ngx_int_t
ngx_http_llm_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *type,
    llm_buf_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;

    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->pos = body->data;
    buf->last = body->data + body->len;
    buf->memory = 1;
    buf->last_buf = 1;
    buf->last_in_chain = 1;

    out.buf = buf;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_llm_output_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_llm_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_llm_output_filter;

    return NGX_OK;
}
