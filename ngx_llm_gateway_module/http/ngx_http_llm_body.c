
/*
 * The client's body: scanned while nginx reads it, so that a body spilled to
 * a file is not read back, and cut into slices for each attempt.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"


#define NGX_HTTP_LLM_READ_SIZE  65536


/* where a walk over the body's bufs stands */

typedef struct {
    ngx_chain_t   *cl;
    off_t          offset;      /* of the buf's first byte in the body */
} ngx_http_llm_cursor_t;


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
static ngx_int_t ngx_http_llm_body_edits(ngx_http_llm_attempt_t *at,
    llm_edit_t **edits, unsigned *n, int64_t *delta);
static ngx_int_t ngx_http_llm_body_members(ngx_http_llm_attempt_t *at,
    llm_splice_t *sp);
static ngx_int_t ngx_http_llm_body_json(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *text, llm_str_t *json);
static ngx_int_t ngx_http_llm_body_slice(ngx_http_request_t *r,
    ngx_http_llm_cursor_t *cur, off_t start, off_t end, ngx_chain_t ***ll);
static ngx_int_t ngx_http_llm_body_text(ngx_http_request_t *r,
    llm_str_t *text, ngx_chain_t ***ll);


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

    if (!(r->method & NGX_HTTP_POST)) {
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

    ctx->scan = llm_request_scan(&ctx->arena, ctx->target.op);

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


ngx_str_t *
ngx_http_llm_header_in(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
        {
            return &h[i].value;
        }
    }
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
ngx_http_llm_body_edit(ngx_http_llm_attempt_t *at, ngx_chain_t **out,
    off_t *length)
{
    off_t                   pos;
    int64_t                 delta;
    unsigned                i, n;
    llm_edit_t             *edits;
    ngx_chain_t           **ll;
    ngx_http_llm_ctx_t     *ctx;
    ngx_http_llm_cursor_t   cur;

    ctx = at->ctx;

    edits = NULL;
    n = 0;
    delta = 0;

    if (ngx_http_llm_body_edits(at, &edits, &n, &delta) != NGX_OK) {
        return NGX_ERROR;
    }

    cur.cl = ctx->request->request_body ? ctx->request->request_body->bufs
                                        : NULL;
    cur.offset = 0;

    *out = NULL;
    ll = out;
    pos = 0;

    for (i = 0; i < n; i++) {

        if (ngx_http_llm_body_slice(ctx->request, &cur, pos, edits[i].start,
                                    &ll)
            != NGX_OK
            || ngx_http_llm_body_text(ctx->request, &edits[i].text, &ll)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        pos = edits[i].end;
    }

    *length = ctx->body_length + delta;

    return ngx_http_llm_body_slice(ctx->request, &cur, pos, ctx->body_length,
                                   &ll);
}


/* what the provider is to see changed: as few byte ranges as possible */

static ngx_int_t
ngx_http_llm_body_edits(ngx_http_llm_attempt_t *at, llm_edit_t **edits,
    unsigned *n, int64_t *delta)
{
    unsigned             nmembers;
    llm_edit_t          *edit;
    llm_splice_t        *sp;
    const llm_field_t   *field;
    const llm_member_t  *members;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;

    if (ctx->body_length == 0) {
        return NGX_OK;
    }

    if (ctx->multipart) {

        if (llm_multipart_find(ctx->multipart, "model", &field) != LLM_OK
            || (at->upstream_model.len == ctx->req.model.len
                && ngx_memcmp(at->upstream_model.data, ctx->req.model.data,
                              ctx->req.model.len)
                   == 0))
        {
            return NGX_OK;
        }

        edit = ngx_palloc(ctx->request->pool, sizeof(llm_edit_t));
        if (edit == NULL) {
            return NGX_ERROR;
        }

        edit->start = field->start;
        edit->end = field->end;
        edit->text = *ngx_http_llm_pure(&at->upstream_model);

        *edits = edit;
        *n = 1;
        *delta = (int64_t) edit->text.len - (edit->end - edit->start);

        return NGX_OK;
    }

    if (ctx->scan == NULL) {
        return NGX_OK;
    }

    members = llm_scan_members(ctx->scan, &nmembers);

    sp = llm_splice_create(&ctx->arena, members, nmembers,
                           llm_scan_close(ctx->scan));
    if (sp == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_llm_body_members(at, sp) != NGX_OK
        || llm_splice_finish(sp, edits, n, delta) != LLM_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_body_members(ngx_http_llm_attempt_t *at, llm_splice_t *sp)
{
    int                     rc;
    llm_str_t               json, raw;
    ngx_uint_t              i;
    const llm_op_t         *op;
    const llm_member_t     *member;
    ngx_http_llm_ctx_t     *ctx;
    ngx_http_llm_member_t  *m;

    static llm_str_t        model = llm_string("model");
    static llm_str_t        options = llm_string("stream_options");
    static llm_str_t        previous = llm_string("previous_response_id");

    ctx = at->ctx;
    op = ctx->target.op;

    if (at->route->model) {
        m = at->route->model->members.elts;

        for (i = 0; i < at->route->model->members.nelts; i++) {

            switch (m[i].kind) {

            case NGX_HTTP_LLM_MEMBER_DEFAULT:
                rc = llm_splice_fill(sp, ngx_http_llm_pure(&m[i].name),
                                     ngx_http_llm_pure(&m[i].json));
                break;

            case NGX_HTTP_LLM_MEMBER_OVERRIDE:
                rc = llm_splice_set(sp, ngx_http_llm_pure(&m[i].name),
                                    ngx_http_llm_pure(&m[i].json));
                break;

            default: /* NGX_HTTP_LLM_MEMBER_DROP */
                rc = llm_splice_drop(sp, ngx_http_llm_pure(&m[i].name));
                break;
            }

            if (rc != LLM_OK) {
                return NGX_ERROR;
            }
        }
    }

    if ((op->flags & LLM_OP_MODEL_BODY)
        && (at->upstream_model.len != ctx->req.model.len
            || ngx_memcmp(at->upstream_model.data, ctx->req.model.data,
                          ctx->req.model.len)
               != 0))
    {
        if (ngx_http_llm_body_json(ctx, &at->upstream_model, &json) != NGX_OK
            || llm_splice_set(sp, &model, &json) != LLM_OK)
        {
            return NGX_ERROR;
        }
    }

    /* the id without the signature that we gave it */

    if (ctx->req.previous.len && ctx->provider_id.len) {

        if (ngx_http_llm_body_json(ctx, &ctx->provider_id, &json) != NGX_OK
            || llm_splice_set(sp, &previous, &json) != LLM_OK)
        {
            return NGX_ERROR;
        }
    }

    if (!ctx->stream || !(op->flags & LLM_OP_USAGE_OPTION)
        || ctx->req.include_usage)
    {
        return NGX_OK;
    }

    /* streams tell their usage only when asked; the answer's extra chunk is
       taken out again, since the client did not ask */

    ngx_memzero(&raw, sizeof(llm_str_t));

    member = llm_scan_member(ctx->scan, "stream_options");

    if (member && member->type == LLM_JSON_OBJECT) {
        raw = ctx->req.options;
    }

    if (llm_request_usage_option(&ctx->arena, &raw, &json) != LLM_OK
        || llm_splice_set(sp, &options, &json) != LLM_OK)
    {
        return NGX_ERROR;
    }

    ctx->strip_usage = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_body_json(ngx_http_llm_ctx_t *ctx, ngx_str_t *text,
    llm_str_t *json)
{
    llm_buf_t  b;

    llm_buf_init(&b, &ctx->arena);
    llm_buf_json(&b, text->data, text->len);

    if (b.failed) {
        return NGX_ERROR;
    }

    json->data = b.data;
    json->len = b.len;

    return NGX_OK;
}


/* appends the bytes [start, end) of the body, from memory or from its file */

static ngx_int_t
ngx_http_llm_body_slice(ngx_http_request_t *r, ngx_http_llm_cursor_t *cur,
    off_t start, off_t end, ngx_chain_t ***ll)
{
    off_t         from, to, size;
    ngx_buf_t    *b, *src;
    ngx_chain_t  *cl;

    while (start < end && cur->cl) {

        src = cur->cl->buf;
        size = ngx_buf_size(src);

        if (start >= cur->offset + size) {
            cur->offset += size;
            cur->cl = cur->cl->next;
            continue;
        }

        from = start - cur->offset;
        to = ngx_min(end - cur->offset, size);

        b = ngx_calloc_buf(r->pool);
        if (b == NULL) {
            return NGX_ERROR;
        }

        if (src->in_file) {
            b->in_file = 1;
            b->file = src->file;
            b->file_pos = src->file_pos + from;
            b->file_last = src->file_pos + to;

        } else {
            b->memory = 1;
            b->start = b->pos = src->pos + from;
            b->end = b->last = src->pos + to;
        }

        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        cl->buf = b;
        cl->next = NULL;

        **ll = cl;
        *ll = &cl->next;

        start = cur->offset + to;
    }

    return start >= end ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_llm_body_text(ngx_http_request_t *r, llm_str_t *text,
    ngx_chain_t ***ll)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (text->len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->memory = 1;
    b->start = b->pos = text->data;
    b->end = b->last = text->data + text->len;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    **ll = cl;
    *ll = &cl->next;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_body_init(ngx_conf_t *cf)
{
    ngx_http_llm_next_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_llm_body_filter;

    return NGX_OK;
}
