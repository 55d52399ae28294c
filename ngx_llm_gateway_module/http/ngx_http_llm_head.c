
/*
 * The head of a provider's answer: parsed here and not by nginx's table of
 * upstream headers, whose handlers obey X-Accel-Redirect and friends.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_header.h"
#include "ngx_http_llm_translate.h"


static ngx_int_t ngx_http_llm_head_status(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_head_line(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_head_framing(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_llm_head_done(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an);
static void ngx_http_llm_head_reset(ngx_http_request_t *r,
    ngx_http_llm_answer_t *an);
static ngx_uint_t ngx_http_llm_head_is(ngx_str_t *type, const char *name);
static ngx_int_t ngx_http_llm_head_bad(ngx_http_llm_answer_t *an,
    const char *error);


/* what a client is not to see: hop by hop, said anew by nginx, the account
   behind the gateway, or orders to nginx */

static const ngx_http_llm_header_name_t  ngx_http_llm_hidden_headers[] = {
    ngx_http_llm_header_name("connection"),
    ngx_http_llm_header_name("content-length"),
    ngx_http_llm_header_name("transfer-encoding"),
    ngx_http_llm_header_name("keep-alive"),
    ngx_http_llm_header_name("trailer"),
    ngx_http_llm_header_name("te"),
    ngx_http_llm_header_name("upgrade"),
    ngx_http_llm_header_prefix("proxy-"),
    ngx_http_llm_header_name("date"),
    ngx_http_llm_header_name("server"),
    ngx_http_llm_header_name("status"),
    ngx_http_llm_header_name("alt-svc"),
    ngx_http_llm_header_name("set-cookie"),
    ngx_http_llm_header_name("strict-transport-security"),
    ngx_http_llm_header_name("openai-organization"),
    ngx_http_llm_header_name("openai-project"),
    ngx_http_llm_header_name("anthropic-organization-id"),
    ngx_http_llm_header_prefix("cf-"),
    ngx_http_llm_header_prefix("x-accel-"),
    ngx_http_llm_header_prefix("x-llm-"),
    ngx_http_llm_header_end
};


static ngx_http_llm_header_names_t  ngx_http_llm_hidden =
    ngx_http_llm_header_names(ngx_http_llm_hidden_headers);


ngx_int_t
ngx_http_llm_head_parse(ngx_http_request_t *r, ngx_http_llm_answer_t *an)
{
    ngx_int_t             rc;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    for ( ;; ) {

        if (!an->line_done) {

            rc = ngx_http_llm_head_status(r, an);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_http_parse_header_line(r, &u->buffer, 1);

        if (rc == NGX_OK) {

            rc = ngx_http_llm_head_line(r, an);
            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        if (rc == NGX_AGAIN) {

            if (u->buffer.last == u->buffer.end) {
                return ngx_http_llm_head_bad(an, "its head is too large");
            }

            return NGX_AGAIN;
        }

        if (rc != NGX_HTTP_PARSE_HEADER_DONE) {
            return ngx_http_llm_head_bad(an, "it sent an invalid header");
        }

        if (u->headers_in.status_n == NGX_HTTP_SWITCHING_PROTOCOLS) {
            return ngx_http_llm_head_bad(an, "it switched protocols");
        }

        if (u->headers_in.status_n >= 200) {
            return ngx_http_llm_head_done(r, an);
        }

        /* an interim answer: the real one follows in the same buffer */

        if (++an->interim > NGX_HTTP_LLM_MAX_INTERIM) {
            return ngx_http_llm_head_bad(an, "its interim answers do not end");
        }

        ngx_http_llm_head_reset(r, an);

        if (ngx_list_init(&u->headers_in.headers, r->pool, 8,
                          sizeof(ngx_table_elt_t))
            != NGX_OK
            || ngx_list_init(&u->headers_in.trailers, r->pool, 2,
                             sizeof(ngx_table_elt_t))
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (u->buffer.pos == u->buffer.last) {
            u->buffer.pos = u->buffer.start;
            u->buffer.last = u->buffer.start;
            return NGX_AGAIN;
        }
    }
}


static void
ngx_http_llm_head_reset(ngx_http_request_t *r, ngx_http_llm_answer_t *an)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    ngx_memzero(&an->line, sizeof(ngx_http_status_t));
    ngx_memzero(&u->headers_in, sizeof(ngx_http_upstream_headers_in_t));

    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;

    an->rest = -1;
    an->line_done = 0;
    an->chunked = 0;
    an->length = 0;
    an->encoded = 0;

    r->state = 0;
}


static ngx_int_t
ngx_http_llm_head_status(ngx_http_request_t *r, ngx_http_llm_answer_t *an)
{
    size_t                len;
    ngx_int_t             rc;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    rc = ngx_http_parse_status_line(r, &u->buffer, &an->line);

    if (rc == NGX_AGAIN) {

        if (u->buffer.last == u->buffer.end) {
            return ngx_http_llm_head_bad(an, "its status line is too long");
        }

        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR || an->line.code < 100 || an->line.code > 999) {
        return ngx_http_llm_head_bad(an, "it did not speak HTTP");
    }

    an->line_done = 1;
    r->state = 0;

    u->headers_in.status_n = an->line.code;

    if (u->state && u->state->status < 200) {
        u->state->status = an->line.code;
    }

    len = an->line.end - an->line.start;

    u->headers_in.status_line.len = len;
    u->headers_in.status_line.data = ngx_pnalloc(r->pool, len);
    if (u->headers_in.status_line.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(u->headers_in.status_line.data, an->line.start, len);

    if (an->line.http_version < NGX_HTTP_VERSION_11) {
        u->headers_in.connection_close = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_head_line(ngx_http_request_t *r, ngx_http_llm_answer_t *an)
{
    u_char               *p;
    ngx_int_t             rc;
    ngx_str_t             name, value;
    ngx_table_elt_t      *h;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    name.len = r->header_name_end - r->header_name_start;
    value.len = r->header_end - r->header_start;
    value.data = r->header_start;

    p = ngx_pnalloc(r->pool, name.len + 1 + value.len + 1 + name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name.data = p;

    ngx_memcpy(p, r->header_name_start, name.len);
    p += name.len;
    *p++ = '\0';

    ngx_memcpy(p, value.data, value.len);
    value.data = p;
    p += value.len;
    *p++ = '\0';

    /* p is the name in lower case */

    ngx_strlow(p, name.data, name.len);

    rc = ngx_http_llm_head_framing(r, an, &((ngx_str_t) { name.len, p }),
                                   &value);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_llm_health_header(an->at, &((ngx_str_t) { name.len, p }),
                               &value);

    if (name.len == sizeof("x-amzn-errortype") - 1
        && ngx_memcmp(p, "x-amzn-errortype",
                      sizeof("x-amzn-errortype") - 1)
           == 0)
    {
        an->error_type = value;
    }

    if (ngx_http_llm_header_listed(&ngx_http_llm_hidden, p, name.len)
        || ngx_http_llm_header_unsafe(&value))
    {
        return NGX_OK;
    }

    h = ngx_list_push(&u->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_key(p, name.len);
    h->key = name;
    h->value = value;
    h->lowcase_key = p;
    ngx_llm_header_single(h);

    if (name.len == sizeof("content-type") - 1
        && ngx_memcmp(p, "content-type", sizeof("content-type") - 1) == 0)
    {
        u->headers_in.content_type = h;
    }

    return NGX_OK;
}


/*
 * Two lengths, or a length and chunks, are how one answer is smuggled behind
 * another on a connection that is used again.
 */

static ngx_int_t
ngx_http_llm_head_framing(ngx_http_request_t *r, ngx_http_llm_answer_t *an,
    ngx_str_t *name, ngx_str_t *value)
{
    off_t                 n;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (name->len == sizeof("content-length") - 1
        && ngx_memcmp(name->data, "content-length", name->len) == 0)
    {
        n = ngx_atoof(value->data, value->len);

        if (n == NGX_ERROR || (an->length && n != an->rest)) {
            return ngx_http_llm_head_bad(an, "its Content-Length is invalid");
        }

        an->length = 1;
        an->rest = n;

    } else if (name->len == sizeof("transfer-encoding") - 1
               && ngx_memcmp(name->data, "transfer-encoding", name->len) == 0)
    {
        if (an->chunked
            || value->len != sizeof("chunked") - 1
            || ngx_strncasecmp(value->data, (u_char *) "chunked",
                               sizeof("chunked") - 1)
               != 0)
        {
            return ngx_http_llm_head_bad(an, "its Transfer-Encoding is "
                                         "unknown");
        }

        an->chunked = 1;

    } else if (name->len == sizeof("connection") - 1
               && ngx_memcmp(name->data, "connection", name->len) == 0)
    {
        if (ngx_strlcasestrn(value->data, value->data + value->len,
                             (u_char *) "close", sizeof("close") - 1 - 1)
            != NULL)
        {
            u->headers_in.connection_close = 1;

        } else if (ngx_strlcasestrn(value->data, value->data + value->len,
                                    (u_char *) "keep-alive",
                                    sizeof("keep-alive") - 1 - 1)
                   != NULL)
        {
            u->headers_in.connection_close = 0;
        }

    } else if (name->len == sizeof("content-encoding") - 1
               && ngx_memcmp(name->data, "content-encoding", name->len) == 0)
    {
        an->encoded = !(value->len == sizeof("identity") - 1
                        && ngx_strncasecmp(value->data, (u_char *) "identity",
                                           sizeof("identity") - 1)
                           == 0);
    }

    if (an->length && an->chunked) {
        return ngx_http_llm_head_bad(an, "it sent both Content-Length and "
                                     "chunks");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_head_done(ngx_http_request_t *r, ngx_http_llm_answer_t *an)
{
    ngx_uint_t            status;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    status = u->headers_in.status_n;

    an->head_done = 1;
    an->at->status = status;

    r->state = 0;

    if (status == NGX_HTTP_NO_CONTENT
        || status == NGX_HTTP_NOT_MODIFIED
        || (r->method == NGX_HTTP_HEAD
            && !(an->at->convert && !an->at->convert->call.raw))
        || (an->length && an->rest == 0))
    {
        an->no_body = 1;
        an->complete = 1;
    }

    u->headers_in.content_length_n = an->length ? an->rest : -1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_head_bad(ngx_http_llm_answer_t *an, const char *error)
{
    an->at->failure = LLM_FAILURE_INVALID;
    an->at->error = error;

    return NGX_DECLINED;
}


/* how a Content-Type begins; it may be NULL */

static ngx_uint_t
ngx_http_llm_head_is(ngx_str_t *type, const char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    return type && type->len >= len
           && ngx_strncasecmp(type->data, (u_char *) name, len) == 0;
}


llm_answer_e
ngx_http_llm_head_kind(ngx_http_llm_answer_t *an)
{
    ngx_str_t            *type;
    const llm_op_t       *op;
    ngx_http_upstream_t  *u;

    u = an->request->upstream;
    op = an->at->op;

    if (an->encoded || an->no_body) {
        return LLM_ANSWER_OPAQUE;
    }

    type = u->headers_in.content_type ? &u->headers_in.content_type->value
                                      : NULL;

    if (an->at->status >= 400) {
        return LLM_ANSWER_JSON;
    }

    if (an->at->convert) {
        return an->at->convert->call.raw ? LLM_ANSWER_OPAQUE : LLM_ANSWER_JSON;
    }

    if (ngx_http_llm_head_is(type, "text/event-stream")) {
        return LLM_ANSWER_SSE;
    }

    if (ngx_http_llm_head_is(type, "application/vnd.amazon.eventstream")) {
        return LLM_ANSWER_EVENTSTREAM;
    }

    if ((op->flags & LLM_OP_STREAMS) && op->protocol == LLM_PROTOCOL_GEMINI) {
        return LLM_ANSWER_ARRAY;
    }

    if (op->flags & LLM_OP_BINARY) {
        return LLM_ANSWER_OPAQUE;
    }

    /* transcripts may be asked for as text or subtitles */

    if (op->endpoint == LLM_ENDPOINT_AUDIO
        && ngx_http_llm_head_is(type, "text/"))
    {
        return LLM_ANSWER_OPAQUE;
    }

    return LLM_ANSWER_JSON;
}
