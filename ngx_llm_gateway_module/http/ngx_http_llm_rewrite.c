
/*
 * Answers of providers that speak another protocol than the client: held
 * bytes become those of the client's protocol.  What goes on is counted and
 * held as for answers that pass as they are.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "llm_eventstream.h"
#include "llm_sse.h"
#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_header.h"
#include "ngx_http_llm_translate.h"


static ngx_int_t ngx_http_llm_rewrite_ping(ngx_http_llm_answer_t *an);
static void ngx_http_llm_rewrite_usage(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_rewrite_final(ngx_http_upstream_t *u,
    llm_fault_e fault);


ngx_int_t
ngx_http_llm_rewrite_event(ngx_http_llm_answer_t *an, u_char *event,
    size_t len)
{
    int               rc;
    llm_buf_t        *out;
    llm_str_t         name, data;
    ngx_int_t         found;
    llm_translate_t  *x;

    x = an->at->translate;
    out = &an->out;

    found = ngx_http_llm_rewrite_data(an, event, len, &name, &data);

    if (found != NGX_OK) {
        return found == NGX_DECLINED ? ngx_http_llm_rewrite_ping(an)
                                     : NGX_ERROR;
    }

    if (llm_str_is(&name, "ping")) {
        return ngx_http_llm_rewrite_ping(an);
    }

    ngx_http_llm_rewrite_usage(an);

    out->len = 0;

    rc = llm_translate_event(x, &name, &data, out);

    if (out->failed) {
        return NGX_ERROR;
    }

    /* what was told before the failure is the client's */

    if (ngx_http_llm_piece_copy(an, out->data, out->len) != NGX_OK) {
        return NGX_ERROR;
    }

    return rc == LLM_OK ? NGX_OK : ngx_http_llm_rewrite_failed(an, rc);
}


/*
 * The provider tells that it is still at work: so does the client's stream,
 * once it has begun.  Until then its head is held, so that the ladder may
 * move on.  Packages for the Gemini API take nothing but data.
 */

static ngx_int_t
ngx_http_llm_rewrite_ping(ngx_http_llm_answer_t *an)
{
    ngx_str_t  text;

    if (!an->at->committed || an->kind != LLM_ANSWER_SSE
        || llm_translate_ended(an->at->translate))
    {
        return NGX_OK;
    }

    switch (an->at->ctx->target.op->protocol) {

    case LLM_PROTOCOL_OPENAI:
        ngx_str_set(&text, ": keep-alive\n\n");
        break;

    case LLM_PROTOCOL_ANTHROPIC:
        ngx_str_set(&text, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
        break;

    default:
        return NGX_OK;
    }

    return ngx_http_llm_piece_append(an, text.data, text.len);
}


ngx_int_t
ngx_http_llm_rewrite_end(ngx_http_llm_answer_t *an)
{
    int         rc;
    llm_buf_t  *out;

    if (an->end_rc != LLM_OK) {
        return NGX_OK;
    }

    ngx_http_llm_rewrite_usage(an);

    out = &an->out;
    out->len = 0;

    rc = llm_translate_end(an->at->translate, out);

    if (out->failed) {
        return NGX_ERROR;
    }

    if (rc != LLM_OK) {
        an->end_rc = LLM_INVALID;
        return NGX_OK;
    }

    return ngx_http_llm_piece_copy(an, out->data, out->len);
}


ngx_int_t
ngx_http_llm_rewrite_data(ngx_http_llm_answer_t *an, u_char *event, size_t len,
    llm_str_t *name, llm_str_t *data)
{
    int                rc;
    size_t             used;
    llm_str_t          piece;
    llm_sse_t          sse;
    ngx_uint_t         n;
    llm_eventstream_t  frame;

    static llm_str_t   nothing = llm_string("{}");

    if (an->kind == LLM_ANSWER_ARRAY) {

        while (len && (*event == '[' || *event == ',' || *event <= ' ')) {
            event++;
            len--;
        }

        name->len = 0;
        data->data = event;
        data->len = len;

        return len ? NGX_OK : NGX_DECLINED;
    }

    if (an->kind == LLM_ANSWER_EVENTSTREAM) {
        llm_eventstream_init(&frame);

    } else {
        llm_sse_init(&sse);
    }

    n = 0;
    an->data.len = 0;

    do {
        rc = (an->kind == LLM_ANSWER_EVENTSTREAM)
             ? llm_eventstream_next(&frame, event, len, &used, &piece)
             : llm_sse_next(&sse, event, len, &used, &piece);

        if (rc == LLM_SSE_DATA) {

            /* most events are one piece, which need not be copied */

            if (n == 1) {
                llm_buf_add(&an->data, data->data, data->len);
            }

            if (n++ == 0) {
                *data = piece;

            } else {
                llm_buf_add(&an->data, piece.data, piece.len);
            }
        }

        event += used;
        len -= used;

    } while (rc == LLM_SSE_DATA);

    if (n == 0 && an->kind == LLM_ANSWER_EVENTSTREAM && frame.exception) {

        /* its name says it all */

        *data = nothing;
        n = 1;
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    if (an->data.failed) {
        return NGX_ERROR;
    }

    if (n > 1) {
        data->data = an->data.data;
        data->len = an->data.len;
    }

    *name = (an->kind == LLM_ANSWER_EVENTSTREAM)
            ? llm_eventstream_name(&frame) : llm_sse_name(&sse);

    if (name->len) {

        /* it lies in the parser */

        ngx_memcpy(an->name, name->data, name->len);
        name->data = an->name;
    }

    return NGX_OK;
}


static void
ngx_http_llm_rewrite_usage(ngx_http_llm_answer_t *an)
{
    llm_str_t    raw;
    llm_usage_t  usage;

    if (llm_answer_usage(an->reader, &usage, &raw) == LLM_OK) {
        llm_translate_usage(an->at->translate, &usage);
    }
}


ngx_int_t
ngx_http_llm_rewrite_failed(ngx_http_llm_answer_t *an, int rc)
{
    const llm_fault_t       *fault;
    ngx_http_llm_attempt_t  *at;

    at = an->at;

    if (rc == LLM_NOMEM) {
        return NGX_ERROR;
    }

    fault = at->convert ? llm_convert_fault(at->convert->convert)
                        : llm_translate_fault(at->translate);

    if (fault && fault->message.len && at->detail.len == 0) {
        (void) llm_str_dup(&at->ctx->arena, &at->detail,
                           fault->message.data, fault->message.len);
    }

    at->error = (rc == LLM_DECLINED) ? "it answered with an error"
                                     : "its answer could not be translated";

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_llm_rewrite_body(ngx_http_llm_answer_t *an)
{
    int        rc;
    llm_str_t  text;
    llm_buf_t  out;

    if (ngx_http_llm_rewrite_gather(an, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_llm_rewrite_usage(an);

    llm_buf_init(&out, &an->at->ctx->arena);

    rc = llm_translate_answer(an->at->translate, &text, &out);

    if (rc != LLM_OK) {
        return ngx_http_llm_rewrite_failed(an, rc);
    }

    return ngx_http_llm_rewrite_replace(an, &out);
}


void
ngx_http_llm_rewrite_cut(ngx_http_llm_answer_t *an)
{
    if (!an->complete) {
        an->complete = 1;
        an->request->upstream->keepalive = 0;
    }
}


ngx_int_t
ngx_http_llm_rewrite_error(ngx_http_llm_answer_t *an)
{
    llm_buf_t                out;
    llm_str_t                text, type;
    llm_fault_t              fault;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_upstream_t     *u;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    ctx = at->ctx;
    u = an->request->upstream;

    if (ngx_http_llm_rewrite_gather(an, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    type = *ngx_http_llm_pure(&an->error_type);

    if (llm_fault_read(&ctx->arena, at->route->to.dialect, at->status, &type,
                       &text, &fault)
        != LLM_OK)
    {
        return NGX_ERROR;
    }

    if (fault.retry_after < 0) {
        fault.retry_after = at->pace.retry_after_ms;
    }

    llm_buf_init(&out, &ctx->arena);

    llm_fault_print(ctx->target.op, &fault, ngx_http_llm_pure(&ctx->id),
                    &out);

    if (ngx_http_llm_rewrite_replace(an, &out) != NGX_OK
        || ngx_http_llm_rewrite_final(u, fault.fault) != NGX_OK)
    {
        return NGX_ERROR;
    }

    u->headers_in.status_n = fault.status;
    ngx_str_null(&u->headers_in.status_line);

    ngx_http_llm_rewrite_cut(an);

    an->no_body = 0;
    an->gathered = 1;

    return NGX_OK;
}


/* SDKs repeat a 429 and a 502, which is in vain for these */

static ngx_int_t
ngx_http_llm_rewrite_final(ngx_http_upstream_t *u, llm_fault_e fault)
{
    static ngx_str_t  no = ngx_string("false");

    if (fault != LLM_FAULT_AUTH && fault != LLM_FAULT_QUOTA) {
        return NGX_OK;
    }

    return ngx_http_llm_header_add(u, "x-should-retry", "x-should-retry", &no)
           ? NGX_OK : NGX_ERROR;
}


/*
 * The head of a translated answer: its type is the client's, and headers that
 * mean something in the provider's protocol alone are left out.
 */

ngx_int_t
ngx_http_llm_rewrite_head(ngx_http_llm_answer_t *an)
{
    ngx_str_t                   type;
    llm_str_t                   text;
    ngx_uint_t                  n;
    ngx_table_elt_t            *h;
    ngx_http_upstream_t        *u;
    ngx_http_llm_header_walk_t  walk;

    static ngx_str_t      foreign[] = {
        ngx_string("content-encoding"),
        ngx_string("anthropic-"),
        ngx_string("openai-"),
        ngx_string("x-goog-"),
        ngx_string("x-gemini-"),
        ngx_string("x-amzn-"),
        ngx_string("x-ratelimit-"),
        ngx_null_string
    };

    u = an->request->upstream;

    if (an->at->status >= 400) {
        ngx_str_set(&type, "application/json");

    } else if (an->at->convert) {
        type = an->at->convert->type;

    } else {
        text = llm_translate_type(an->at->translate,
                                  an->kind != LLM_ANSWER_JSON);
        ngx_http_llm_str_set(&type, &text);
    }

    for (h = ngx_http_llm_header_first(&walk, &u->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        /* bytes that pass as they are keep their encoding */

        for (n = (type.len == 0); foreign[n].len; n++) {
            if (h->key.len >= foreign[n].len
                && ngx_memcmp(h->lowcase_key, foreign[n].data,
                              foreign[n].len)
                   == 0)
            {
                h->hash = 0;
                break;
            }
        }
    }

    if (type.len == 0) {

        /* the provider's own, if it told one */

        return NGX_OK;
    }

    h = u->headers_in.content_type;

    if (h) {
        h->value = type;
        return NGX_OK;
    }

    h = ngx_http_llm_header_add(u, "Content-Type", "content-type", &type);

    u->headers_in.content_type = h;

    return h ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_llm_rewrite_gather(ngx_http_llm_answer_t *an, llm_str_t *text)
{
    u_char       *p;
    ngx_chain_t  *cl;

    text->len = 0;
    text->data = NULL;

    if (an->held == NULL) {
        return NGX_OK;
    }

    if (an->held->next == NULL) {
        text->data = an->held->buf->pos;
        text->len = an->held->buf->last - an->held->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(an->request->pool, an->held_size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (cl = an->held; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_rewrite_replace(ngx_http_llm_answer_t *an, llm_buf_t *out)
{
    if (out->failed) {
        return NGX_ERROR;
    }

    an->held = NULL;
    an->held_last = &an->held;
    an->held_size = 0;

    return ngx_http_llm_piece_append(an, out->data, out->len);
}
