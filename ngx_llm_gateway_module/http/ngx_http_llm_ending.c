
/*
 * A stream that the gateway ends, because its caller may use no more: what the
 * client gets ends as if the answer had reached its longest, and the
 * provider's connection is closed.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_answer.h"
#include "ngx_http_llm_quota.h"


static ngx_uint_t ngx_http_llm_ending_due(ngx_http_llm_answer_t *an);
static ngx_int_t ngx_http_llm_ending_data(ngx_http_llm_answer_t *an,
    u_char *data, size_t len, llm_str_t *text);
static ngx_int_t ngx_http_llm_ending_sign(ngx_http_llm_answer_t *an);


ngx_int_t
ngx_http_llm_ending_init(ngx_http_llm_answer_t *an)
{
    ngx_http_llm_ctx_t      *ctx;
    llm_ending_conf_t        conf;
    ngx_http_llm_quota_t    *q, *own;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    ctx = at->ctx;
    q = ctx->quota;
    own = at->quota;

    if (!(q && q->held && q->bounded) && !(own && own->held && own->bounded)) {
        return NGX_OK;
    }

    if (at->status != NGX_HTTP_OK || !ctx->stream
        || !ngx_http_llm_answer_streams(an)
        || !ngx_http_llm_usage_speaks(ctx->target.op))
    {
        return NGX_OK;
    }

    an->guarded = 1;

    llm_buf_init(&an->end, &ctx->arena);

    if (at->translate) {
        return NGX_OK;
    }

    conf.op = ctx->target.op;
    conf.answers = ctx->req.n;
    conf.usage = ctx->req.include_usage;
    conf.array = (an->kind == LLM_ANSWER_ARRAY);

    an->ending = llm_ending_create(&ctx->arena, &conf);

    return an->ending ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_llm_ending_look(ngx_http_llm_answer_t *an, u_char *data, size_t len)
{
    ngx_int_t     rc;
    llm_str_t     text;
    unsigned      bits;
    ngx_uint_t    due;

    bits = llm_answer_event(an->reader);

    due = (bits & LLM_EVENT_CONTENT)
          && !(bits & (LLM_EVENT_DONE|LLM_EVENT_ERROR))
          && ngx_http_llm_ending_due(an);

    if (an->ending == NULL) {
        return due ? NGX_BUSY : NGX_OK;
    }

    if (!due && !llm_ending_follows(an->ending)) {
        return NGX_OK;
    }

    rc = ngx_http_llm_ending_data(an, data, len, &text);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (llm_ending_follows(an->ending)) {
        llm_ending_event(an->ending, &text);
    }

    if (!due) {
        return NGX_OK;
    }

    an->end.len = 0;

    switch (llm_ending_print(an->ending, &text, &an->used, &an->end)) {

    case LLM_OK:
        return NGX_BUSY;

    case LLM_AGAIN:
        return NGX_OK;

    default: /* LLM_NOMEM */
        return NGX_ERROR;
    }
}


/* whether the answer has used what it may use */

static ngx_uint_t
ngx_http_llm_ending_due(ngx_http_llm_answer_t *an)
{
    int64_t                  cost, slack;
    uint64_t                 text;
    unsigned                 told;
    ngx_http_llm_attempt_t  *at;

    at = an->at;

    text = llm_answer_text(an->reader);
    told = llm_answer_told(an->reader);

    if (text < an->guard_text && told == an->guard_told) {
        return 0;
    }

    an->guard_told = told;

    at->text_tokens = ngx_http_llm_quota_spoken(at, text);

    ngx_http_llm_usage_so_far(at, an->reader, at->text_tokens, &an->used,
                              &cost);

    if (ngx_http_llm_quota_stream(at, &an->used, cost, &slack) != NGX_OK) {
        return 1;
    }

    /* a token has at least a byte */

    at->text_tokens = 0;
    an->guard_text = text + (uint64_t) slack;

    return 0;
}


/*
 * The data of the event that just ended, with ids as the client gets them.
 * NGX_DECLINED: it has none, or its beginning went on already.
 */

static ngx_int_t
ngx_http_llm_ending_data(ngx_http_llm_answer_t *an, u_char *data, size_t len,
    llm_str_t *text)
{
    unsigned      n;
    llm_str_t     name;
    ngx_chain_t  *cl;

    if (an->passed) {
        return NGX_DECLINED;
    }

    (void) llm_answer_ids(an->reader, &n);

    cl = an->tail;

    if (cl || n) {
        an->out.len = 0;

        if (cl) {
            llm_buf_add(&an->out, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }

        llm_buf_add(&an->out, data, len);

        if (n && ngx_http_llm_ending_sign(an) != NGX_OK) {
            return NGX_ERROR;
        }

        if (an->out.failed) {
            return NGX_ERROR;
        }

        data = an->out.data;
        len = an->out.len;
    }

    return ngx_http_llm_rewrite_data(an, data, len, &name, text);
}


static ngx_int_t
ngx_http_llm_ending_sign(ngx_http_llm_answer_t *an)
{
    u_char                 *sig;
    size_t                  at;
    unsigned                i, n;
    const llm_answer_id_t  *ids;

    ids = llm_answer_ids(an->reader, &n);

    for (i = n; i > 0; i--) {

        sig = ngx_http_llm_stream_signature(an, &ids[i - 1].id);
        if (sig == NULL) {
            return NGX_ERROR;
        }

        at = ids[i - 1].offset;

        if (at > an->out.len
            || llm_buf_reserve(&an->out, NGX_HTTP_LLM_SIGN_LEN) != LLM_OK)
        {
            return NGX_ERROR;
        }

        ngx_memmove(an->out.data + at + NGX_HTTP_LLM_SIGN_LEN,
                    an->out.data + at, an->out.len - at);
        ngx_memcpy(an->out.data + at, sig, NGX_HTTP_LLM_SIGN_LEN);

        an->out.len += NGX_HTTP_LLM_SIGN_LEN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_ending_send(ngx_http_llm_answer_t *an)
{
    llm_translate_t         *x;
    ngx_http_llm_attempt_t  *at;

    at = an->at;
    x = at->translate;

    if (x) {

        /* it ended with this event, or has not begun for the client */

        if (llm_translate_ended(x) || !llm_translate_begun(x)) {
            at->stopped = NULL;
            at->text_tokens = 0;
            return NGX_OK;
        }

        an->end.len = 0;

        llm_translate_usage(x, &an->used);
        llm_translate_length(x, &an->end);
    }

    if (an->end.failed
        || ngx_http_llm_piece_append(an, an->end.data, an->end.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    an->stopped = 1;
    an->ended = 1;
    an->end_rc = LLM_OK;

    at->error = "its answer was ended by a limit";

    return NGX_OK;
}


void
ngx_http_llm_ending_tell(ngx_http_llm_attempt_t *at)
{
    llm_standing_t      *s;
    ngx_http_llm_ctx_t  *ctx;

    s = at->stopped;
    ctx = at->ctx;

    if (s->limit == NULL) {
        ctx->error.code = LLM_ERROR_QUOTA_UNAVAILABLE;

        ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                      "llm answer of route \"%V\" was ended: it outran what "
                      "was reserved for it, and counters of limits are not "
                      "available",
                      &at->route->name);
        return;
    }

    ctx->error.code = ngx_http_llm_quota_code(s->limit);

    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "llm answer of route \"%V\" was ended: it outran what was "
                  "reserved for it, and limit \"%V\" of %V has no more",
                  &at->route->name, ngx_http_llm_limit_text(s->limit),
                  ngx_http_llm_str(&s->subject->id));
}
