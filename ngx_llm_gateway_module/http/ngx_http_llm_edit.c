
/*
 * The body of an attempt: slices of the client's, from memory or from its
 * file, and between them what the provider is to see changed.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_edit.h"


/* where a walk over the body's bufs stands */

typedef struct {
    ngx_chain_t   *cl;
    off_t          offset;      /* of the buf's first byte in the body */
} ngx_http_llm_cursor_t;


static ngx_int_t ngx_http_llm_edit_list(ngx_http_llm_attempt_t *at,
    llm_edit_t **edits, unsigned *n, int64_t *delta);
static ngx_int_t ngx_http_llm_edit_members(ngx_http_llm_attempt_t *at,
    llm_splice_t *sp);
static ngx_int_t ngx_http_llm_edit_vertex(ngx_http_llm_attempt_t *at,
    llm_splice_t *sp);
static ngx_int_t ngx_http_llm_edit_model_members(ngx_http_llm_model_t *model,
    llm_splice_t *sp);
static void ngx_http_llm_edit_options(ngx_http_llm_attempt_t *at,
    llm_str_t *raw);
static ngx_int_t ngx_http_llm_edit_json(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *text, llm_str_t *json);
static ngx_int_t ngx_http_llm_edit_slice(ngx_http_request_t *r,
    ngx_http_llm_cursor_t *cur, off_t start, off_t end, ngx_chain_t ***ll);
static ngx_int_t ngx_http_llm_edit_text(ngx_http_request_t *r,
    llm_str_t *text, ngx_chain_t ***ll);


ngx_int_t
ngx_http_llm_body_edit(ngx_http_llm_attempt_t *at, ngx_http_llm_edits_t *edits)
{
    int64_t  delta;

    edits->list = NULL;
    edits->n = 0;

    if (ngx_http_llm_attempt_foreign(at)) {
        edits->length = at->translated.len;
        return NGX_OK;
    }

    delta = 0;

    if (ngx_http_llm_edit_list(at, &edits->list, &edits->n, &delta) != NGX_OK)
    {
        return NGX_ERROR;
    }

    edits->length = at->ctx->body_length + delta;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_body_print(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, llm_buf_t *b)
{
    llm_str_t     text;
    ngx_chain_t  *cl;

    if (ngx_http_llm_attempt_foreign(at)) {
        llm_buf_add(b, at->translated.data, at->translated.len);
        return NGX_OK;
    }

    cl = at->ctx->request->request_body
         ? at->ctx->request->request_body->bufs : NULL;

    if (cl == NULL) {
        return edits->length == 0 ? NGX_OK : NGX_DECLINED;
    }

    if (cl->next || cl->buf->in_file) {
        return NGX_DECLINED;
    }

    text.data = cl->buf->pos;
    text.len = cl->buf->last - cl->buf->pos;

    if ((off_t) text.len != at->ctx->body_length) {
        return NGX_DECLINED;
    }

    llm_splice_print(b, &text, edits->list, edits->n);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_body_chain(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, ngx_chain_t **out)
{
    off_t                    pos;
    unsigned                 i;
    ngx_chain_t            **ll;
    ngx_http_request_t      *r;
    ngx_http_llm_cursor_t    cur;

    r = at->ctx->request;

    *out = NULL;
    ll = out;

    if (ngx_http_llm_attempt_foreign(at)) {
        return ngx_http_llm_edit_text(r, &at->translated, &ll);
    }

    cur.cl = r->request_body ? r->request_body->bufs : NULL;
    cur.offset = 0;
    pos = 0;

    for (i = 0; i < edits->n; i++) {

        if (ngx_http_llm_edit_slice(r, &cur, pos, edits->list[i].start, &ll)
            != NGX_OK
            || ngx_http_llm_edit_text(r, &edits->list[i].text, &ll) != NGX_OK)
        {
            return NGX_ERROR;
        }

        pos = edits->list[i].end;
    }

    return ngx_http_llm_edit_slice(r, &cur, pos, at->ctx->body_length, &ll);
}


/* what the provider is to see changed: as few byte ranges as possible */

static ngx_int_t
ngx_http_llm_edit_list(ngx_http_llm_attempt_t *at, llm_edit_t **edits,
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

    if (ngx_http_llm_edit_members(at, sp) != NGX_OK
        || llm_splice_finish(sp, edits, n, delta) != LLM_OK)
    {
        return NGX_ERROR;
    }

    switch (ctx->target.op->op) {

    case LLM_OP_GEMINI_EMBED:
    case LLM_OP_GEMINI_BATCH_EMBED:
    case LLM_OP_GEMINI_COUNT:
        return ngx_http_llm_edit_merge(at, edits, n, delta);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_llm_edit_members(ngx_http_llm_attempt_t *at, llm_splice_t *sp)
{
    llm_str_t            json, raw;
    const llm_op_t      *op;
    ngx_http_llm_ctx_t  *ctx;

    static llm_str_t     model = llm_string("model");
    static llm_str_t     options = llm_string("stream_options");
    static llm_str_t     previous = llm_string("previous_response_id");

    ctx = at->ctx;
    op = ctx->target.op;

    if (ngx_http_llm_edit_model_members(at->route->model, sp) != NGX_OK) {
        return NGX_ERROR;
    }

    if (op->protocol == LLM_PROTOCOL_ANTHROPIC
        && (at->route->provider->quirks & LLM_QUIRK(VERTEX)))
    {
        return ngx_http_llm_edit_vertex(at, sp);
    }

    if ((op->flags & LLM_OP_MODEL_BODY)
        && (at->upstream_model.len != ctx->req.model.len
            || ngx_memcmp(at->upstream_model.data, ctx->req.model.data,
                          ctx->req.model.len)
               != 0))
    {
        if (ngx_http_llm_edit_json(ctx, &at->upstream_model, &json) != NGX_OK
            || llm_splice_set(sp, &model, &json) != LLM_OK)
        {
            return NGX_ERROR;
        }
    }

    /* the id without the signature that we gave it */

    if (ctx->req.previous.len && ctx->provider_id.len) {

        if (ngx_http_llm_edit_json(ctx, &ctx->provider_id, &json) != NGX_OK
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

    ngx_http_llm_edit_options(at, &raw);

    if (llm_request_usage_option(&ctx->arena, &raw, &json) != LLM_OK
        || llm_splice_set(sp, &options, &json) != LLM_OK)
    {
        return NGX_ERROR;
    }

    ctx->strip_usage = 1;

    return NGX_OK;
}


/* Claude on Vertex: the path has the model, but of a count, and the body the
   version */

static ngx_int_t
ngx_http_llm_edit_vertex(ngx_http_llm_attempt_t *at, llm_splice_t *sp)
{
    llm_str_t         json;

    static llm_str_t  model = llm_string("model");
    static llm_str_t  name = llm_string("anthropic_version");
    static llm_str_t  version = llm_string("\"vertex-2023-10-16\"");

    if (at->op->op == LLM_OP_RAW_COUNT) {

        if (ngx_http_llm_edit_json(at->ctx, &at->upstream_model, &json)
            != NGX_OK
            || llm_splice_set(sp, &model, &json) != LLM_OK)
        {
            return NGX_ERROR;
        }

    } else if (llm_splice_drop(sp, &model) != LLM_OK) {
        return NGX_ERROR;
    }

    return llm_splice_fill(sp, &name, &version) == LLM_OK ? NGX_OK
                                                          : NGX_ERROR;
}


/* what the model's default, override and drop make of the client's body */

static ngx_int_t
ngx_http_llm_edit_model_members(ngx_http_llm_model_t *model, llm_splice_t *sp)
{
    int                     rc;
    ngx_uint_t              i;
    ngx_http_llm_member_t  *m;

    m = model->members.elts;

    for (i = 0; i < model->members.nelts; i++) {

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

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_body_text(ngx_http_llm_ctx_t *ctx, ngx_http_llm_model_t *model,
    llm_str_t *text)
{
    int64_t              delta;
    unsigned             n;
    llm_str_t            body;
    llm_buf_t            out;
    llm_edit_t          *edits;
    llm_splice_t        *sp;
    const llm_member_t  *members;

    if (ngx_http_llm_edit_gather(ctx, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    *text = body;

    if (model->members.nelts == 0 || ctx->scan == NULL) {
        return NGX_OK;
    }

    members = llm_scan_members(ctx->scan, &n);

    sp = llm_splice_create(&ctx->arena, members, n,
                           llm_scan_close(ctx->scan));

    if (sp == NULL
        || ngx_http_llm_edit_model_members(model, sp) != NGX_OK
        || llm_splice_finish(sp, &edits, &n, &delta) != LLM_OK)
    {
        return NGX_ERROR;
    }

    llm_buf_init(&out, &ctx->arena);

    if (llm_buf_reserve(&out, (size_t) (body.len + delta)) != LLM_OK) {
        return NGX_ERROR;
    }

    llm_splice_print(&out, &body, edits, n);

    if (out.failed) {
        return NGX_ERROR;
    }

    text->data = out.data;
    text->len = out.len;

    return NGX_OK;
}


/* stream_options as client and model together want them */

static void
ngx_http_llm_edit_options(ngx_http_llm_attempt_t *at, llm_str_t *raw)
{
    ngx_uint_t              i;
    ngx_http_llm_member_t  *m;

    *raw = at->ctx->req.options;

    m = at->route->model->members.elts;

    for (i = 0; i < at->route->model->members.nelts; i++) {

        if (!llm_str_is(&m[i].name, "stream_options")) {
            continue;
        }

        if (m[i].kind == NGX_HTTP_LLM_MEMBER_DROP) {
            raw->len = 0;

        } else if (m[i].kind == NGX_HTTP_LLM_MEMBER_OVERRIDE || raw->len == 0)
        {
            *raw = *ngx_http_llm_pure(&m[i].json);
        }
    }
}


ngx_int_t
ngx_http_llm_edit_gather(ngx_http_llm_ctx_t *ctx, llm_str_t *text)
{
    u_char       *p;
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    *text = ctx->text;

    if (text->data || ctx->body_length == 0) {
        return NGX_OK;
    }

    cl = ctx->request->request_body->bufs;

    if (cl && cl->next == NULL && !cl->buf->in_file) {
        text->data = cl->buf->pos;
        text->len = cl->buf->last - cl->buf->pos;
        return NGX_OK;
    }

    p = ngx_palloc(ctx->request->pool, ctx->body_length);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = ctx->body_length;

    for ( /* void */ ; cl; cl = cl->next) {

        b = cl->buf;
        size = ngx_buf_size(b);

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, size);
            continue;
        }

        if (ngx_read_file(b->file, p, size, b->file_pos) != (ssize_t) size) {
            return NGX_ERROR;
        }

        p += size;
    }

    ctx->text = *text;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_edit_json(ngx_http_llm_ctx_t *ctx, ngx_str_t *text,
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
ngx_http_llm_edit_slice(ngx_http_request_t *r, ngx_http_llm_cursor_t *cur,
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
ngx_http_llm_edit_text(ngx_http_request_t *r, llm_str_t *text,
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
