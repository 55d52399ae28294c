
/*
 * A provider's answer: the gate that holds it until it is worth committing,
 * what passes afterwards, and its end.  The only files that touch u->buffer
 * are this one and those of ngx_http_llm_answer.h.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_translate.h"


static ngx_int_t ngx_http_llm_answer_open(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_gate(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_gate_error(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_gate_json(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_whole(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_gate_stream(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_more(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_commit(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_answer_fail(ngx_http_llm_answer_t *an,
    const char *error);
static ngx_int_t ngx_http_llm_answer_leave(ngx_http_llm_answer_t *an);
static void ngx_http_llm_answer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);


ngx_int_t
ngx_http_llm_answer_init(ngx_http_request_t *r, ngx_http_llm_attempt_t *at)
{
    ngx_http_llm_answer_t  *an;

    an = llm_calloc(&at->ctx->arena, sizeof(ngx_http_llm_answer_t));
    if (an == NULL) {
        return NGX_ERROR;
    }

    an->at = at;
    an->request = r;
    an->rest = -1;
    an->held_last = &an->held;

    llm_buf_init(&an->out, &at->ctx->arena);
    llm_buf_init(&an->data, &at->ctx->arena);

    at->answer = an;
    at->request = r;

    r->state = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_answer_process_header(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_upstream_t     *u;
    ngx_http_llm_answer_t   *an;
    ngx_http_llm_attempt_t  *at;

    u = r->upstream;
    at = ngx_http_llm_get_ctx(r)->current;
    an = at->answer;

    if (at->first_byte == 0) {
        at->first_byte = ngx_current_msec;
    }

    if (!an->head_done) {

        rc = ngx_http_llm_head_parse(r, an);

        if (rc == NGX_AGAIN || rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_DECLINED) {
            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }

        rc = ngx_http_llm_answer_open(an);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    an->piece = u->buffer.pos;

    return ngx_http_llm_answer_gate(an);
}


/* the head is read: what kind of answer is it, and may it be one at all */

static ngx_int_t
ngx_http_llm_answer_open(ngx_http_llm_answer_t *an)
{
    ngx_int_t             rc;
    ngx_uint_t            status, raw;
    ngx_http_llm_ctx_t   *ctx;
    ngx_http_upstream_t  *u;

    u = an->request->upstream;
    ctx = an->at->ctx;
    status = an->at->status;

    raw = !ngx_http_llm_attempt_foreign(an->at)
          || (an->at->convert && an->at->convert->call.raw);

    an->kind = ngx_http_llm_head_kind(an);

    an->reader = llm_answer_create(&ctx->arena, an->at->op, an->kind);
    if (an->reader == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_llm_ending_init(an) != NGX_OK) {
        return NGX_ERROR;
    }

    if (status >= 300 && status < 400) {

        rc = an->at->convert && raw ? ngx_http_llm_converted_redirect(an)
                                    : NGX_DECLINED;

        return rc == NGX_DECLINED
               ? ngx_http_llm_answer_fail(an, "it redirected elsewhere") : rc;
    }

    if ((status == NGX_HTTP_OK && an->length && an->rest == 0
         && !(an->request->method & (NGX_HTTP_HEAD|NGX_HTTP_DELETE)))
        || (an->no_body && status < 400
            && (!raw || an->request->method == NGX_HTTP_POST)))
    {
        return ngx_http_llm_answer_fail(an, "it sent an empty answer");
    }

    if (an->encoded && !raw && status < 400) {
        return ngx_http_llm_answer_fail(an, "it sent a compressed answer");
    }

    if (an->no_body) {
        u->keepalive = !u->headers_in.connection_close;
    }

    return NGX_OK;
}


/*
 * Takes what u->buffer holds of the body.  NGX_AGAIN holds on, NGX_OK
 * commits the answer.
 */

static ngx_int_t
ngx_http_llm_answer_gate(ngx_http_llm_answer_t *an)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;

    b = &an->request->upstream->buffer;

    if (an->no_body) {
        an->gathered = 1;

        return an->at->status >= 400 ? ngx_http_llm_answer_gate_error(an)
                                     : ngx_http_llm_answer_commit(an);
    }

    rc = ngx_http_llm_stream_bytes(an, b->pos, b->last - b->pos);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_answer_fail(an, an->at->error);
    }

    b->pos = b->last;

    if (an->at->status >= 400) {
        rc = ngx_http_llm_answer_gate_error(an);

        return rc == NGX_AGAIN ? ngx_http_llm_answer_more(an) : rc;
    }

    if (an->kind == LLM_ANSWER_OPAQUE) {
        an->gathered = an->complete;
        return ngx_http_llm_answer_commit(an);
    }

    rc = (an->kind == LLM_ANSWER_JSON) ? ngx_http_llm_answer_gate_json(an)
                                       : ngx_http_llm_answer_gate_stream(an);

    if (rc == NGX_AGAIN) {
        return ngx_http_llm_answer_more(an);
    }

    return rc;
}


/*
 * A provider's HTTP error: its text tells what it is, and the class whether
 * another rung follows.  If none does it goes to the client as it came.
 */

static ngx_int_t
ngx_http_llm_answer_gate_error(ngx_http_llm_answer_t *an)
{
    llm_str_t                body;
    llm_failure_t            failure;
    ngx_http_llm_attempt_t  *at;

    at = an->at;

    if (!an->complete && (an->chunked || an->rest >= 0)
        && an->held_size < NGX_HTTP_LLM_MAX_ERROR)
    {
        return NGX_AGAIN;
    }

    if (ngx_http_llm_rewrite_gather(an, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    llm_failure_read(at->status, &body, &failure);

    at->failure = failure.kind;
    at->spent = failure.spent;
    at->model = failure.model;

    if (at->pace.retry_after_ms < 0) {
        at->pace.retry_after_ms = failure.delay_ms;
    }

    if (at->failure != LLM_FAILURE_CALLER) {

        at->error = ngx_http_llm_answer_told(an);

        /* the decision is to know what this failure meant for the breaker:
           afterwards the answer could not be passed on any more */

        ngx_http_llm_health_release(at);

        if (ngx_http_llm_ladder_decide(at)->move != LLM_MOVE_STOP) {

            /* one that ends with its connection is taken to be whole; what is
               translated is written anew */

            an->kept = an->complete || (!an->chunked && an->rest < 0)
                       || ngx_http_llm_attempt_foreign(at);

            return ngx_http_llm_answer_leave(an);
        }
    }

    if (ngx_http_llm_attempt_foreign(at)) {

        if (ngx_http_llm_rewrite_error(an) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_llm_answer_commit(an);
    }

    an->gathered = an->complete;

    return ngx_http_llm_answer_commit(an);
}


static void
ngx_http_llm_answer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_upstream_t    *u;
    ngx_http_llm_answer_t  *an;

    u = (ngx_http_upstream_t *) ((u_char *) pc
                                 - offsetof(ngx_http_upstream_t, peer));

    an = ((ngx_http_llm_attempt_t *) ngx_http_llm_get_ctx(u->input_filter_ctx)
          ->current)->answer;

    pc->free = an->peer_free;
    pc->free(pc, data, NGX_PEER_NEXT);
}


static ngx_int_t
ngx_http_llm_answer_gate_json(ngx_http_llm_answer_t *an)
{
    off_t                 max;
    ngx_http_upstream_t  *u;

    u = an->request->upstream;

    if (an->at->ctx->stream && an->at->convert == NULL) {
        return ngx_http_llm_answer_fail(an, "it answered a stream request "
                                        "without a stream");
    }

    /* a body that ends with its connection is over with its last brace */

    if (!an->complete && an->rest < 0 && !an->chunked
        && llm_answer_complete(an->reader))
    {
        an->complete = 1;
        u->headers_in.connection_close = 1;

        if (ngx_http_llm_stream_end(an) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!an->complete) {

        max = an->at->convert ? NGX_HTTP_LLM_MAX_CONVERTED
                              : NGX_HTTP_LLM_MAX_HELD;

        if (an->held_size <= max) {
            return NGX_AGAIN;
        }

        if (ngx_http_llm_attempt_foreign(an->at)) {
            return ngx_http_llm_answer_fail(an, "its answer is too large to "
                                            "be translated");
        }

        if (ngx_http_llm_stream_sign(an) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_llm_answer_commit(an);
    }

    return ngx_http_llm_answer_whole(an);
}


/* all of a JSON answer is held */

static ngx_int_t
ngx_http_llm_answer_whole(ngx_http_llm_answer_t *an)
{
    ngx_int_t                rc;
    ngx_http_llm_attempt_t  *at;

    at = an->at;

    /* what is an error elsewhere may tell of a job that failed */

    if (an->end_rc != LLM_OK && at->convert == NULL) {
        return ngx_http_llm_answer_fail(an, ngx_http_llm_answer_told(an));
    }

    rc = at->convert ? ngx_http_llm_converted_answer(an)
         : at->translate ? ngx_http_llm_rewrite_body(an)
         : ngx_http_llm_stream_sign(an);

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_answer_fail(an, at->error);
    }

    if (rc == NGX_DONE) {
        return ngx_http_llm_answer_leave(an);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    an->gathered = 1;

    ngx_http_llm_answer_close(an);

    return ngx_http_llm_answer_commit(an);
}


static ngx_int_t
ngx_http_llm_answer_gate_stream(ngx_http_llm_answer_t *an)
{
    unsigned  seen;

    if (!an->at->ctx->stream
        && !(an->at->op->flags & LLM_OP_BY_ID))
    {
        return ngx_http_llm_answer_fail(an, "it answered with a stream that "
                                        "was not asked for");
    }

    seen = llm_answer_seen(an->reader);

    if (seen & LLM_EVENT_CONTENT) {
        an->gathered = an->complete;
        return ngx_http_llm_answer_commit(an);
    }

    if (seen & LLM_EVENT_ERROR) {
        return ngx_http_llm_answer_fail(an, ngx_http_llm_answer_told(an));
    }

    if (an->complete || (seen & LLM_EVENT_DONE)) {
        return ngx_http_llm_answer_fail(an, "its stream ended without "
                                        "content");
    }

    /* pings of a stream that is translated are read, and nothing is held */

    if (an->at->bytes > NGX_HTTP_LLM_MAX_HELD
        && ngx_http_llm_attempt_foreign(an->at))
    {
        return ngx_http_llm_answer_fail(an, "its stream has no content");
    }

    if (an->held_size <= NGX_HTTP_LLM_MAX_EARLY && an->passed == 0) {
        return NGX_AGAIN;
    }

    /* one long first event, an image for instance, or no event at all */

    if (!llm_answer_begun(an->reader)) {
        return ngx_http_llm_answer_fail(an, "its stream has no events");
    }

    return ngx_http_llm_answer_commit(an);
}


/*
 * What was read stays where it is, since held bufs point there; a full
 * buffer is left to them and a new one taken.
 */

static ngx_int_t
ngx_http_llm_answer_more(ngx_http_llm_answer_t *an)
{
    size_t                size;
    ngx_buf_t            *b;
    ngx_http_upstream_t  *u;

    u = an->request->upstream;
    b = &u->buffer;

    if (an->kind == LLM_ANSWER_JSON) {

        /* the first byte has come; from now on a pause is what counts */

        ngx_add_timer(u->peer.connection->read,
                      an->at->route->provider->idle_timeout);
    }

    if (b->end - b->last >= 1024) {
        return NGX_AGAIN;
    }

    size = ngx_min((size_t) (b->end - b->start) * 2, NGX_HTTP_LLM_MAX_PIECE);

    b->start = ngx_palloc(an->request->pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->pos = b->last = b->start;
    b->end = b->start + size;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_llm_answer_commit(ngx_http_llm_answer_t *an)
{
    ngx_http_upstream_t  *u;

    u = an->request->upstream;

    /*
     * nginx sends a head by itself unless bytes are left for the filter:
     * what came last is shown to it again
     */

    if (ngx_http_llm_attempt_foreign(an->at)
        && ngx_http_llm_rewrite_head(an) != NGX_OK)
    {
        return NGX_ERROR;
    }

    u->buffer.pos = an->piece;
    an->primed = (u->buffer.pos == u->buffer.last);

    if (ngx_http_llm_answer_streams(an)) {

        /* an error event may have to follow what is here by now */

        u->headers_in.content_length_n = -1;

    } else if (an->gathered && !an->no_body) {
        u->headers_in.content_length_n = an->held_size;

    } else if (an->kind != LLM_ANSWER_OPAQUE && an->at->status < 400) {

        /* signatures change its length */

        u->headers_in.content_length_n = -1;
    }

    an->at->committed = 1;
    an->at->ctx->state = NGX_HTTP_LLM_SENDING;

    ngx_http_llm_health_answered(an->at);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_answer_fail(ngx_http_llm_answer_t *an, const char *error)
{
    an->at->failure = LLM_FAILURE_INVALID;
    an->at->error = error;

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


/* ends the upstream of an answer that goes no further.  Its peer did answer:
   nginx's own count of its failures, and the pool of connections, are to
   know */

static ngx_int_t
ngx_http_llm_answer_leave(ngx_http_llm_answer_t *an)
{
    ngx_http_upstream_t  *u;

    u = an->request->upstream;

    an->peer_free = u->peer.free;
    u->peer.free = ngx_http_llm_answer_free;

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


ngx_int_t
ngx_http_llm_answer_filter_init(void *data)
{
    ngx_http_request_t      *r = data;

    ngx_http_upstream_t     *u;
    ngx_http_llm_answer_t   *an;
    ngx_http_llm_attempt_t  *at;

    u = r->upstream;
    at = ngx_http_llm_get_ctx(r)->current;
    an = at->answer;

    /* from here on the idle timeout holds */

    u->conf = &at->route->provider->conf_body;

    if (an->complete) {
        u->length = 0;

    } else if (an->chunked) {
        u->length = 1;

    } else {
        u->length = an->rest;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_answer_filter(void *data, ssize_t bytes)
{
    ngx_http_request_t      *r = data;

    u_char                  *p;
    ngx_int_t                rc;
    ngx_chain_t             *cl, **ll;
    ngx_http_upstream_t     *u;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_answer_t   *an;
    ngx_http_llm_attempt_t  *at;

    u = r->upstream;
    ctx = ngx_http_llm_get_ctx(r);
    at = ctx->current;
    an = at->answer;

    p = u->buffer.last;
    u->buffer.last += bytes;

    if (!an->primed) {

        /* these bytes are the gate's, what they became is held already */

        an->primed = 1;

    } else {
        rc = ngx_http_llm_stream_bytes(an, p, bytes);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (an->held) {

        if (ctx->first_token == 0) {
            ctx->first_token = ngx_current_msec;
        }

        for (cl = u->out_bufs, ll = &u->out_bufs; cl; cl = cl->next) {
            ll = &cl->next;
        }

        *ll = an->held;

        if (an->gathered && an->kind == LLM_ANSWER_JSON) {

            /* all of it: no buffer of its own need tell of the end */

            for (cl = an->held; cl->next; cl = cl->next) { /* void */ }

            cl->buf->last_in_chain = 1;
            at->closed = 1;
        }

        an->held = NULL;
        an->held_last = &an->held;
    }

    if (an->complete) {
        u->length = 0;

        if (!r->connection->error
            && (at->status >= 400 || an->kind == LLM_ANSWER_OPAQUE
                || (an->end_rc == LLM_OK
                    && !(llm_answer_seen(an->reader) & LLM_EVENT_ERROR))))
        {
            ngx_http_llm_answer_close(an);
        }

        if (an->extra) {
            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "upstream sent more data than its answer has");
        }

    } else if (!an->chunked) {
        u->length = an->rest;
    }

    return NGX_OK;
}
