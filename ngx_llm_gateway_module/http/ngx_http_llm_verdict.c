
/*
 * The end of an answer: was it whole, what went wrong, what did it use, and
 * what does the client get to hear of it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_header.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"


static void ngx_http_llm_answer_judge_none(ngx_http_request_t *r,
    ngx_http_llm_attempt_t *at, ngx_int_t rc);
static void ngx_http_llm_answer_judge(ngx_http_llm_answer_t *an, ngx_int_t rc);
static ngx_int_t ngx_http_llm_answer_resend_head(ngx_http_llm_answer_t *an,
    ngx_http_request_t *r);


void
ngx_http_llm_answer_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_upstream_t     *u;
    ngx_http_llm_answer_t   *an;
    ngx_http_llm_attempt_t  *at;

    u = r->upstream;
    at = ngx_http_llm_get_ctx(r)->current;

    if (at == NULL || at->request != r) {
        return;
    }

    an = at->answer;

    /* the keepalive pool of newer versions knows connections by it */

    u->conf = &at->route->provider->conf;

    at->rc = rc;

    if (u->state && u->state->peer) {
        at->addr = *u->state->peer;
    }

    if (!at->committed) {
        ngx_http_llm_answer_judge_none(r, at, rc);

    } else {
        ngx_http_llm_answer_judge(an, rc);
    }

    ngx_http_llm_answer_account(an);

    ngx_http_llm_health_release(at);
}


/* the upstream ended before its head was committed */

static void
ngx_http_llm_answer_judge_none(ngx_http_request_t *r,
    ngx_http_llm_attempt_t *at, ngx_int_t rc)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST || rc == NGX_DONE) {
        at->error = "the client left";
        return;
    }

    if (at->error || (at->convert && at->convert->again)) {

        /* the gate has judged; $upstream_status is to tell the answer's */

        if (u->state && at->status) {
            u->state->status = at->status;
        }

        return;
    }

    if (at->overdue) {
        at->failure = LLM_FAILURE_TIMEOUT;
        at->error = "the deadline of its class passed";
        return;
    }

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {

        if (u->state && u->state->connect_time == (ngx_msec_t) -1) {
            at->failure = LLM_FAILURE_CONNECT;
            at->error = "the connection was not established in time";

        } else {
            at->failure = LLM_FAILURE_TIMEOUT;
            at->error = "no answer came in time";
        }

        return;
    }

    if (u->state == NULL || u->state->connect_time == (ngx_msec_t) -1) {
        at->failure = LLM_FAILURE_CONNECT;
        at->error = "no connection could be established";
        return;
    }

    at->failure = LLM_FAILURE_RESET;
    at->error = "the connection closed before an answer was complete";

    if (u->peer.cached && at->first_byte == 0) {
        at->stale = 1;
    }
}


/* the upstream ended after its head went out: was the answer whole */

static void
ngx_http_llm_answer_judge(ngx_http_llm_answer_t *an, ngx_int_t rc)
{
    ngx_http_request_t      *r;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    r = an->request;

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST || rc == NGX_DONE
        || r->connection->error)
    {
        at->error = "the client left";
        return;
    }

    if (rc == NGX_OK && !an->ended) {

        /* the body ended with its connection */

        if (ngx_http_llm_stream_end(an) != NGX_OK) {
            rc = NGX_ERROR;

        } else if (an->held) {
            (void) ngx_http_output_filter(r, an->held);
            an->held = NULL;
        }
    }

    if (rc == NGX_OK
        && (at->status >= 400 || an->kind == LLM_ANSWER_OPAQUE
            || (an->kind == LLM_ANSWER_JSON && an->gathered)))
    {
        return;
    }

    if (rc == NGX_OK && an->end_rc == LLM_OK
        && !(an->kind != LLM_ANSWER_JSON
             && (llm_answer_seen(an->reader) & LLM_EVENT_ERROR)))
    {
        return;
    }

    at->truncated = 1;

    if (at->error == NULL) {

        if (llm_answer_seen(an->reader) & LLM_EVENT_ERROR) {
            at->error = ngx_http_llm_answer_told(an);

        } else if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
            at->error = "it stalled";

        } else if (rc == NGX_OK) {
            at->error = "it ended without its proper end";

        } else {
            at->error = "the connection closed before the answer was complete";
        }
    }

    at->failure = rc == NGX_HTTP_GATEWAY_TIME_OUT ? LLM_FAILURE_TIMEOUT
                  : an->stopped ? LLM_FAILURE_INVALID
                  : LLM_FAILURE_RESET;
}


/* usage and cost, as soon as nothing more can come */

void
ngx_http_llm_answer_account(ngx_http_llm_answer_t *an)
{
    llm_str_t                tier;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    ctx = at->ctx;

    if (at->accounted) {
        return;
    }

    if (an->reader) {
        at->has_usage = (at->convert
                         ? llm_convert_usage(at->convert->convert, &at->usage,
                                             &at->raw_usage)
                         : llm_answer_usage(an->reader, &at->usage,
                                            &at->raw_usage))
                        == LLM_OK;

        at->text_bytes = llm_answer_text(an->reader);
        at->items = llm_answer_items(an->reader);

        tier = llm_answer_tier(an->reader);

        if (tier.len) {
            (void) llm_str_dup(&ctx->arena, &at->tier, tier.data, tier.len);
        }

        if (at->status >= 400 && at->error == NULL) {
            at->error = ngx_http_llm_answer_told(an);
        }
    }

    ngx_http_llm_account_attempt(at);

    at->accounted = 1;

    ngx_http_llm_quota_learn(at);
}


void
ngx_http_llm_answer_close(ngx_http_llm_answer_t *an)
{
    ngx_http_llm_answer_account(an);
    ngx_http_llm_quota_settle(an->at->ctx);
}


ngx_int_t
ngx_http_llm_answer_cut(ngx_http_llm_attempt_t *at, ngx_chain_t **out)
{
    llm_buf_t               text;
    llm_error_t             err;
    ngx_buf_t              *b;
    ngx_chain_t            *cl;
    ngx_http_llm_ctx_t     *ctx;
    ngx_http_llm_answer_t  *an;

    ctx = at->ctx;
    an = at->answer;

    if (at->translate ? !ngx_http_llm_answer_streams(an)
                      : (an->kind != LLM_ANSWER_SSE
                         && (an->kind != LLM_ANSWER_ARRAY || an->passed)))
    {
        return NGX_DECLINED;
    }

    llm_buf_init(&text, &ctx->arena);

    ngx_memzero(&err, sizeof(llm_error_t));

    err.code = at->failure == LLM_FAILURE_TIMEOUT
               ? LLM_ERROR_UPSTREAM_TIMEOUT
               : LLM_ERROR_UPSTREAM_ERROR;

    (void) ngx_http_llm_refuse(ctx, err.code, NULL,
                               "the stream of provider \"%V\" was cut: %s%s%V",
                               &at->route->provider->name,
                               at->words ? at->words : at->error,
                               at->detail.len ? ": " : "",
                               ngx_http_llm_str(&at->detail));

    if (at->translate) {

        err.message = ctx->error.message;
        err.request_id = *ngx_http_llm_pure(&ctx->id);

        /* a provider that told what went wrong is told in its own words */

        llm_translate_break(at->translate, llm_translate_fault(at->translate)
                                           ? NULL : &err, &text);

        if (text.failed) {
            return NGX_ERROR;
        }

    } else if (llm_answer_seen(an->reader) & LLM_EVENT_ERROR) {

        /* the provider's own error event went on already */

    } else {

        if (an->passed) {
            llm_buf_puts(&text, "\n\n");
        }

        err.message = ctx->error.message;
        err.request_id = *ngx_http_llm_pure(&ctx->id);

        llm_error_print_event(ctx->target.op,
                              an->kind == LLM_ANSWER_ARRAY
                              ? LLM_ERROR_ARRAY_NEXT : 0,
                              llm_answer_sequence(an->reader), &err, &text);

        if (text.failed) {
            return NGX_ERROR;
        }
    }

    b = ngx_calloc_buf(ctx->request->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    cl = ngx_alloc_chain_link(ctx->request->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    if (text.len) {
        b->memory = 1;
        b->pos = text.data;
        b->last = text.data + text.len;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    cl->buf = b;
    cl->next = NULL;

    *out = cl;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_answer_resend(ngx_http_llm_attempt_t *at)
{
    ngx_int_t               rc;
    ngx_chain_t            *cl;
    ngx_http_request_t     *r;
    ngx_http_llm_answer_t  *an;

    an = at->answer;

    if (an == NULL || !an->kept) {
        return NGX_DECLINED;
    }

    r = at->ctx->request;

    at->ctx->state = NGX_HTTP_LLM_DONE;
    at->ctx->first_token = ngx_current_msec;

    if (ngx_http_llm_attempt_foreign(at)
        && (ngx_http_llm_rewrite_error(an) != NGX_OK
            || ngx_http_llm_rewrite_head(an) != NGX_OK))
    {
        ngx_http_finalize_request(r, NGX_ERROR);
        return NGX_OK;
    }

    rc = ngx_http_llm_answer_resend_head(an, r);

    if (rc == NGX_OK) {
        rc = ngx_http_send_header(r);
    }

    if (rc != NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return NGX_OK;
    }

    if (an->held == NULL) {
        ngx_http_finalize_request(r, ngx_http_send_special(r, NGX_HTTP_LAST));
        return NGX_OK;
    }

    for (cl = an->held; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, an->held));

    return NGX_OK;
}


/* what nginx makes of an upstream's head; hidden headers are out already */

static ngx_int_t
ngx_http_llm_answer_resend_head(ngx_http_llm_answer_t *an,
    ngx_http_request_t *r)
{
    ngx_table_elt_t            *h, *out;
    ngx_http_upstream_t        *u;
    ngx_http_llm_header_walk_t  walk;

    u = an->request->upstream;

    r->headers_out.status = u->headers_in.status_n;
    r->headers_out.status_line = u->headers_in.status_line;
    r->headers_out.content_length_n = an->held_size;

    for (h = ngx_http_llm_header_first(&walk, &u->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (h == u->headers_in.content_type) {
            r->headers_out.content_type = h->value;
            r->headers_out.content_type_len = h->value.len;
            r->headers_out.content_type_lowcase = NULL;
            continue;
        }

        out = ngx_list_push(&r->headers_out.headers);
        if (out == NULL) {
            return NGX_ERROR;
        }

        *out = *h;

        if (out->key.len == sizeof("content-encoding") - 1
            && ngx_strncmp(out->lowcase_key, "content-encoding",
                           sizeof("content-encoding") - 1)
               == 0)
        {
            r->headers_out.content_encoding = out;
        }
    }

    return NGX_OK;
}


/*
 * What went wrong in an answer that the reader took for an error.  Providers
 * quote prompts and keys in their messages: those are for the client alone,
 * never for a log.
 */

const char *
ngx_http_llm_answer_told(ngx_http_llm_answer_t *an)
{
    llm_str_t  text;

    text = llm_answer_error(an->reader);

    if (text.len == 0) {
        return an->at->status >= 400 ? "it answered with an error"
                                     : "it is no complete answer";
    }

    (void) llm_str_dup(&an->at->ctx->arena, &an->at->detail, text.data,
                       text.len);

    return "it answered with an error";
}
