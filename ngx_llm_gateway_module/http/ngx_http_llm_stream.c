
/*
 * The bytes of an answer on their way to the client.  Streams go on in whole
 * events: what the client sees of a stream that is cut ends between two of
 * them, so that the error event that follows can be read.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"


static ngx_int_t ngx_http_llm_stream_slice(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_events(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_break(ngx_http_llm_answer_t *an,
    const char *error);
static ngx_int_t ngx_http_llm_stream_event(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_uint_t ngx_http_llm_stream_hidden(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_stream_hold(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_pass(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_translate(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_keep(ngx_http_llm_answer_t *an,
    u_char *data, size_t len);
static ngx_int_t ngx_http_llm_stream_finish(ngx_http_llm_answer_t *an);


static u_char  ngx_http_llm_blank[] = "\n\n";


ngx_int_t
ngx_http_llm_stream_bytes(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    size_t                n;
    ngx_buf_t             b;
    ngx_int_t             rc;
    ngx_http_upstream_t  *u;

    u = an->request->upstream;

    if (an->complete) {
        an->extra = (len != 0 && !an->stopped);
        return NGX_OK;
    }

    if (!an->chunked) {
        n = len;

        if (an->rest >= 0) {

            if ((off_t) n > an->rest) {
                n = (size_t) an->rest;
                an->extra = 1;
            }

            an->rest -= n;
            an->complete = (an->rest == 0);
        }

        rc = ngx_http_llm_stream_slice(an, data, n);
        if (rc != NGX_OK) {
            return rc;
        }

    } else {
        ngx_memzero(&b, sizeof(ngx_buf_t));

        b.pos = data;
        b.last = data + len;

        for ( ;; ) {

            rc = ngx_llm_parse_chunked(an->request, &b, &an->chunks);

            if (rc == NGX_AGAIN) {
                break;
            }

            if (rc == NGX_DONE) {
                an->complete = 1;
                an->extra = (b.pos != b.last);
                break;
            }

            if (rc != NGX_OK) {

                if (ngx_http_llm_stream_break(an, "its chunks are invalid")
                    != NGX_OK)
                {
                    return NGX_DECLINED;
                }

                break;
            }

            n = (size_t) ngx_min(b.last - b.pos, an->chunks.size);

            rc = ngx_http_llm_stream_slice(an, b.pos, n);
            if (rc != NGX_OK) {
                return rc;
            }

            b.pos += n;
            an->chunks.size -= n;
        }
    }

    if (an->stopped) {

        /* the rest is not waited for */

        an->complete = 1;
        an->extra = 0;
        u->keepalive = 0;

        return NGX_OK;
    }

    if (!an->complete) {
        return NGX_OK;
    }

    u->keepalive = !u->headers_in.connection_close && !an->extra;

    return ngx_http_llm_stream_end(an);
}


static ngx_int_t
ngx_http_llm_stream_slice(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    size_t  used;

    if (len == 0 || an->stopped) {
        return NGX_OK;
    }

    an->at->bytes += len;

    if (ngx_http_llm_answer_streams(an)) {
        return ngx_http_llm_stream_events(an, data, len);
    }

    (void) llm_answer_feed(an->reader, data, len, &used);

    return ngx_http_llm_piece_append(an, data, len);
}


static ngx_int_t
ngx_http_llm_stream_events(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    int        rc;
    size_t     used;
    ngx_int_t  done, look;

    while (len) {

        if (an->skip_lf) {
            an->skip_lf = 0;

            if (*data == LF) {
                (void) llm_answer_feed(an->reader, data, 1, &used);
                data++;
                len--;
                continue;
            }
        }

        rc = llm_answer_feed(an->reader, data, len, &used);

        if (rc == LLM_AGAIN) {
            return ngx_http_llm_stream_hold(an, data, len);
        }

        if (rc != LLM_OK) {
            return rc == LLM_NOMEM
                   ? NGX_ERROR
                   : ngx_http_llm_stream_break(an, "an event of its stream is "
                                               "malformed");
        }

        look = an->guarded ? ngx_http_llm_ending_look(an, data, used) : NGX_OK;

        if (look == NGX_ERROR) {
            return NGX_ERROR;
        }

        done = an->at->translate
               ? ngx_http_llm_stream_translate(an, data, used)
               : ngx_http_llm_stream_event(an, data, used);

        if (done != NGX_OK) {
            return done;
        }

        if (look == NGX_BUSY) {

            if (ngx_http_llm_ending_send(an) != NGX_OK) {
                return NGX_ERROR;
            }

            if (an->stopped) {
                return NGX_OK;
            }
        }

        data += used;
        len -= used;
    }

    return NGX_OK;
}


/*
 * What came makes no sense: no client could read on, nor tell what is missing.
 * Before content that is a failure like others, later the end of the stream.
 * NGX_OK; NGX_DECLINED: there is no stream to be ended.
 */

static ngx_int_t
ngx_http_llm_stream_break(ngx_http_llm_answer_t *an, const char *error)
{
    an->at->error = error;

    if (!ngx_http_llm_answer_streams(an)
        || (!an->at->committed
            && !(llm_answer_seen(an->reader) & LLM_EVENT_CONTENT)))
    {
        return NGX_DECLINED;
    }

    an->stopped = 1;
    an->ended = 1;
    an->end_rc = LLM_INVALID;

    return NGX_OK;
}


/* data is the end of an event, whose beginning may lie in the tail */

static ngx_int_t
ngx_http_llm_stream_event(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    u_char        first, last;
    unsigned      n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = an->tail;
    an->tail = NULL;

    if (an->passed == 0 && ngx_http_llm_stream_hidden(an)) {

        first = cl ? *cl->buf->pos : *data;
        last = len ? data[len - 1] : cl->buf->last[-1];

        if (cl) {
            ngx_http_llm_piece_free(an, cl);
        }

        /*
         * Where lines end in CRLF, the LF of the event before may have come
         * with this one, and this one's LF may come with the next.
         */

        an->skip_lf = (first != LF && last == CR);

        return (first == LF && last == LF)
               ? ngx_http_llm_piece_append(an, (u_char *) "\n", 1) : NGX_OK;
    }

    if (cl) {
        b = cl->buf;

        (void) llm_answer_ids(an->reader, &n);

        if (n == 0) {

            /* its memory comes back through u->free_bufs */

            *an->held_last = cl;
            an->held_last = &cl->next;
            an->held_size += b->last - b->pos;

        } else if (ngx_http_llm_stream_pass(an, b->pos, b->last - b->pos)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_llm_stream_pass(an, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    an->passed = 0;

    return NGX_OK;
}


/* whether the client is not to see the event that just ended */

static ngx_uint_t
ngx_http_llm_stream_hidden(ngx_http_llm_answer_t *an)
{
    unsigned  event;

    event = llm_answer_event(an->reader);

    if (event & LLM_EVENT_USAGE_ONLY) {

        /* only our asking made the provider send it */

        return an->at->ctx->strip_usage;
    }

    /* after an error no end is a good one */

    return (event & (LLM_EVENT_DONE|LLM_EVENT_ERROR)) == LLM_EVENT_DONE
           && (llm_answer_seen(an->reader) & LLM_EVENT_ERROR);
}


/* the same for the provider's event that becomes some of the client's */

static ngx_int_t
ngx_http_llm_stream_translate(ngx_http_llm_answer_t *an, u_char *data,
    size_t len)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    if (an->tail && len && ngx_http_llm_stream_keep(an, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    cl = an->tail;

    if (cl == NULL) {
        return ngx_http_llm_rewrite_event(an, data, len);
    }

    an->tail = NULL;

    rc = ngx_http_llm_rewrite_event(an, cl->buf->pos,
                                    cl->buf->last - cl->buf->pos);

    ngx_http_llm_piece_free(an, cl);

    return rc;
}


/* the beginning of an event: its end has not come yet */

static ngx_int_t
ngx_http_llm_stream_hold(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    size_t        have;
    ngx_chain_t  *cl;

    cl = an->tail;
    have = cl ? (size_t) (cl->buf->last - cl->buf->pos) : 0;

    if (an->at->translate) {

        if (have + len > NGX_HTTP_LLM_MAX_HELD) {
            an->at->error = "an event of its stream is too large";
            return NGX_DECLINED;
        }

        return ngx_http_llm_stream_keep(an, data, len);
    }

    if (an->passed || have + len > NGX_HTTP_LLM_MAX_EVENT) {

        /* too long to wait for: an image, or no end at all */

        an->tail = NULL;

        if (have
            && ngx_http_llm_stream_pass(an, cl->buf->pos, have) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_llm_stream_pass(an, data, len);
    }

    return ngx_http_llm_stream_keep(an, data, len);
}


/* appends to the tail */

static ngx_int_t
ngx_http_llm_stream_keep(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    size_t        size, have;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = an->tail;
    have = cl ? (size_t) (cl->buf->last - cl->buf->pos) : 0;

    if (cl == NULL || (size_t) (cl->buf->end - cl->buf->last) < len) {

        size = 1024;

        while (size < have + len) {
            size *= 2;
        }

        cl = ngx_http_llm_piece_get(an, size);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        b = cl->buf;

        if (have) {
            b->last = ngx_cpymem(b->last, an->tail->buf->pos, have);

            ngx_http_llm_piece_free(an, an->tail);
        }

        an->tail = cl;
    }

    b = cl->buf;
    b->last = ngx_cpymem(b->last, data, len);

    return NGX_OK;
}


/*
 * Appends bytes of the current event, of which an->passed went before, with
 * signatures where the reader found ids.
 */

static ngx_int_t
ngx_http_llm_stream_pass(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    u_char                 *sig;
    size_t                  at;
    unsigned                i, n;
    const llm_answer_id_t  *ids;

    ids = llm_answer_ids(an->reader, &n);

    for (i = 0; i < n; i++) {

        if (ids[i].offset < an->passed || ids[i].offset - an->passed >= len) {
            continue;
        }

        sig = ngx_http_llm_stream_signature(an, &ids[i].id);
        if (sig == NULL) {
            return NGX_ERROR;
        }

        at = ids[i].offset - an->passed;

        if (ngx_http_llm_piece_append(an, data, at) != NGX_OK
            || ngx_http_llm_piece_append(an, sig, NGX_HTTP_LLM_SIGN_LEN)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        an->passed += at;
        data += at;
        len -= at;
    }

    an->passed += len;

    return ngx_http_llm_piece_append(an, data, len);
}


u_char *
ngx_http_llm_stream_signature(ngx_http_llm_answer_t *an, const llm_str_t *id)
{
    if (an->signature
        && an->signed_id.len == id->len
        && ngx_memcmp(an->signed_id.data, id->data, id->len) == 0)
    {
        return an->signature;
    }

    an->signature = ngx_pnalloc(an->request->pool, NGX_HTTP_LLM_SIGN_LEN);
    if (an->signature == NULL) {
        return NULL;
    }

    if (llm_str_dup(&an->at->ctx->arena, &an->signed_id, id->data, id->len)
        != LLM_OK
        || ngx_http_llm_sign(an->at->ctx, an->at->route, &an->signed_id,
                             an->signature)
           != NGX_OK)
    {
        an->signature = NULL;
    }

    return an->signature;
}


ngx_int_t
ngx_http_llm_stream_end(ngx_http_llm_answer_t *an)
{
    ngx_uint_t    blank;
    ngx_chain_t  *cl;

    if (an->ended) {
        return NGX_OK;
    }

    an->ended = 1;
    an->end_rc = llm_answer_end(an->reader);

    if (an->at->translate && ngx_http_llm_answer_streams(an)) {
        return ngx_http_llm_stream_finish(an);
    }

    cl = an->tail;

    if (cl == NULL) {
        return NGX_OK;
    }

    blank = 0;

    if (an->end_rc != LLM_OK) {

        if (!(llm_answer_event(an->reader) & LLM_EVENT_ERROR)) {
            return NGX_OK;
        }

        /*
         * The provider's own error comes last.  Without its blank line no
         * client reads it; one that is no event at all passes as it is.
         */

        blank = (an->kind == LLM_ANSWER_SSE && *cl->buf->pos != '{');
    }

    if (ngx_http_llm_stream_event(an, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return blank ? ngx_http_llm_piece_append(an, ngx_http_llm_blank, 2)
                 : NGX_OK;
}


/* the same for a stream that is translated */

static ngx_int_t
ngx_http_llm_stream_finish(ngx_http_llm_answer_t *an)
{
    ngx_int_t  rc;

    if (an->tail
        && (an->end_rc == LLM_OK
            || (llm_answer_event(an->reader) & LLM_EVENT_ERROR)))
    {
        rc = ngx_http_llm_stream_translate(an, NULL, 0);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_llm_rewrite_end(an);
}


ngx_int_t
ngx_http_llm_stream_sign(ngx_http_llm_answer_t *an)
{
    unsigned      n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    (void) llm_answer_ids(an->reader, &n);

    if (n == 0) {
        return NGX_OK;
    }

    cl = an->held;

    an->held = NULL;
    an->held_last = &an->held;
    an->held_size = 0;
    an->passed = 0;

    for ( /* void */ ; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_http_llm_stream_pass(an, b->pos, b->last - b->pos) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
