
/*
 * What clients and operators get to hear of limits: refusals, headers, the
 * decision.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_header.h"
#include "ngx_http_llm_quota.h"


static ngx_int_t ngx_http_llm_quota_header(ngx_http_llm_ctx_t *ctx,
    llm_standing_t *s, const ngx_str_t names[3], ngx_str_t *what);
static void ngx_http_llm_quota_hide(ngx_http_request_t *r, ngx_str_t *what);
static void ngx_http_llm_quota_amount(llm_buf_t *b, const llm_limit_t *limit,
    int64_t n);
static void ngx_http_llm_quota_message(llm_buf_t *b, llm_standing_t *s);
static void ngx_http_llm_quota_time(llm_buf_t *b, int64_t ms);
static void ngx_http_llm_quota_text(llm_buf_t *b, const llm_str_t *s);
static void ngx_http_llm_quota_member(llm_buf_t *b, const char *name,
    const llm_str_t *value);


ngx_int_t
ngx_http_llm_quota_refuse(ngx_http_llm_ctx_t *ctx, llm_standing_t *s)
{
    llm_buf_t  b;

    llm_buf_init(&b, &ctx->arena);

    ngx_http_llm_quota_message(&b, s);

    if (b.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&ctx->error, sizeof(llm_error_t));

    ctx->error.code = ngx_http_llm_quota_code(s->limit);
    ctx->error.message.data = b.data;
    ctx->error.message.len = b.len;

    ctx->limited = *s;

    if (s->retry_ms != -1) {
        ctx->retry_after = (ngx_uint_t) ((s->retry_ms + 999) / 1000);

    } else if (s->reset_ms != -1) {

        /* in vain, but a client that insists is not to do it at once */

        ctx->retry_after = (ngx_uint_t) ((s->reset_ms + 999) / 1000);
        ctx->retry_after = ngx_max(ctx->retry_after, 60);
    }

    return ngx_http_llm_refused(ctx);
}


llm_error_e
ngx_http_llm_quota_code(const llm_limit_t *limit)
{
    switch (limit->kind) {

    case LLM_LIMIT_BUDGET:
        return LLM_ERROR_BUDGET_EXCEEDED;

    case LLM_LIMIT_INFLIGHT:
        return LLM_ERROR_CONCURRENCY_EXCEEDED;

    default:
        return LLM_ERROR_RATE_LIMIT_EXCEEDED;
    }
}


void
ngx_http_llm_quota_name(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    llm_standing_t          *s;
    ngx_http_llm_attempt_t  *at;

    at = ngx_http_llm_account_final(ctx);

    if (at && at->stopped) {
        s = at->stopped;

    } else if (ctx->error.code >= LLM_ERROR_BUDGET_EXCEEDED
               && ctx->error.code <= LLM_ERROR_CONCURRENCY_EXCEEDED)
    {
        s = &ctx->limited;

    } else {
        return;
    }

    if (s->limit) {
        ngx_http_llm_quota_text(b, &s->subject->id);
        llm_buf_puts(b, " ");
        ngx_http_llm_quota_text(b, &s->limit->text);
    }
}


void
ngx_http_llm_quota_shadow(ngx_http_llm_ctx_t *ctx, llm_standing_t *s)
{
    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "llm limit \"%V\" of %V would have refused the request, but "
                  "is in shadow: %L spent, %L in flight, %L asked for",
                  ngx_http_llm_limit_text(s->limit),
                  ngx_http_llm_str(&s->subject->id), s->spent, s->held,
                  s->asked);
}


/* who, which rule, how it stands, when that changes */

static void
ngx_http_llm_quota_message(llm_buf_t *b, llm_standing_t *s)
{
    const llm_limit_t  *limit;

    limit = s->limit;

    llm_buf_puts(b, limit->kind == LLM_LIMIT_BUDGET ? "budget" : "limit");
    llm_buf_puts(b, " \"");
    ngx_http_llm_quota_text(b, &limit->text);
    llm_buf_puts(b, "\" of ");
    ngx_http_llm_quota_text(b, &llm_subject_names[s->subject->kind]);
    llm_buf_puts(b, " \"");
    ngx_http_llm_quota_text(b, &s->subject->name);
    llm_buf_puts(b, "\" is reached: ");

    if (limit->kind == LLM_LIMIT_INFLIGHT) {
        llm_buf_int(b, s->held);
        llm_buf_puts(b, " requests are in flight; try again when one has "
                        "ended");
        return;
    }

    ngx_http_llm_quota_amount(b, limit, s->spent);
    llm_buf_puts(b, " spent");

    if (!limit->smooth) {
        llm_buf_puts(b, ", ");
        ngx_http_llm_quota_amount(b, limit, s->held);
        llm_buf_puts(b, " reserved by requests in flight");
    }

    llm_buf_puts(b, limit->kind == LLM_LIMIT_REQUESTS
                    ? ", of " : ", this one may take ");

    if (limit->kind != LLM_LIMIT_REQUESTS) {
        ngx_http_llm_quota_amount(b, limit, s->asked);
        llm_buf_puts(b, ", of ");
    }

    ngx_http_llm_quota_amount(b, limit, limit->amount);

    if (s->asked > limit->amount) {
        llm_buf_puts(b, "; it never fits, ask for less (max_tokens)");

    } else if (limit->smooth) {
        llm_buf_puts(b, "; try again in ");
        llm_buf_int(b, (s->retry_ms + 999) / 1000);
        llm_buf_puts(b, " s");
    }

    if (limit->smooth) {
        return;
    }

    if (s->reset_ms == -1) {
        llm_buf_puts(b, "; it does not reset");
        return;
    }

    llm_buf_puts(b, "; it resets at ");
    ngx_http_llm_quota_time(b, ngx_llm_quota_now() + s->reset_ms);
}


static void
ngx_http_llm_quota_amount(llm_buf_t *b, const llm_limit_t *limit, int64_t n)
{
    static const char  *what[] = {
#define NGX_HTTP_LLM_WHAT(l, word, what)  " " what,
        LLM_LIMIT_MAP(NGX_HTTP_LLM_WHAT)
#undef NGX_HTTP_LLM_WHAT
    };

    ngx_http_llm_quota_number(b, limit, n);
    llm_buf_puts(b, what[limit->kind]);
}


void
ngx_http_llm_quota_number(llm_buf_t *b, const llm_limit_t *limit, int64_t n)
{
    if (limit->kind != LLM_LIMIT_BUDGET) {
        llm_buf_int(b, n);
        return;
    }

    /* a budget that was topped up stands below nothing */

    if (n < 0) {
        llm_buf_puts(b, "-");
    }

    llm_price_print(n < 0 ? -n : n, b);
}


static void
ngx_http_llm_quota_time(llm_buf_t *b, int64_t ms)
{
    u_char    text[sizeof("2026-11-22T13:05:07Z")];
    ngx_tm_t  tm;

    ngx_gmtime((time_t) ((ms + 999) / 1000), &tm);

    llm_buf_add(b, text,
                ngx_snprintf(text, sizeof(text),
                             "%4d-%02d-%02dT%02d:%02d:%02dZ",
                             tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                             tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec)
                - text);
}


void
ngx_http_llm_quota_print(llm_buf_t *b, llm_standing_t *s, ngx_uint_t refused)
{
    const llm_limit_t  *limit;

    limit = s->limit;

    llm_buf_puts(b, "{\"limit\":");
    llm_buf_json(b, limit->text.data, limit->text.len);

    ngx_http_llm_quota_member(b, "subject", &s->subject->id);

    llm_buf_puts(b, refused ? ",\"kept\":false" : ",\"kept\":true");

    if (refused) {
        ngx_http_llm_quota_member(b, "reason",
                          &llm_error_names[ngx_http_llm_quota_code(limit)]);
    }

    if (limit->shadow) {
        llm_buf_puts(b, ",\"shadow\":true");
    }

    llm_buf_puts(b, ",\"spent\":\"");
    ngx_http_llm_quota_number(b, limit, s->spent);
    llm_buf_puts(b, "\",\"reserved\":\"");
    ngx_http_llm_quota_number(b, limit, s->held);
    llm_buf_puts(b, "\",\"asked\":\"");
    ngx_http_llm_quota_number(b, limit, s->asked);
    llm_buf_puts(b, "\",\"amount\":\"");
    ngx_http_llm_quota_number(b, limit, limit->amount);
    llm_buf_puts(b, "\"");

    if (s->reset_ms > 0) {
        llm_buf_puts(b, ",\"resets\":\"");
        ngx_http_llm_quota_time(b, ngx_llm_quota_now() + s->reset_ms);
        llm_buf_puts(b, "\"");
    }

    if (refused && s->retry_ms > 0) {
        llm_buf_puts(b, ",\"retry_ms\":");
        llm_buf_int(b, s->retry_ms);
    }

    llm_buf_puts(b, "}");
}


static void
ngx_http_llm_quota_member(llm_buf_t *b, const char *name,
    const llm_str_t *value)
{
    llm_buf_puts(b, ",\"");
    llm_buf_puts(b, name);
    llm_buf_puts(b, "\":");
    llm_buf_json(b, value->data, value->len);
}


static void
ngx_http_llm_quota_text(llm_buf_t *b, const llm_str_t *s)
{
    llm_buf_add(b, s->data, s->len);
}


/* as OpenAI tells it: "12s", "6m0s", "1h0m0s", "350ms" */

u_char *
ngx_http_llm_quota_duration(u_char *p, int64_t ms)
{
    int64_t  sec;

    if (ms < 1000) {
        return ngx_sprintf(p, "%Lms", ngx_max(ms, 0));
    }

    sec = (ms + 999) / 1000;

    if (sec >= 3600) {
        p = ngx_sprintf(p, "%Lh", sec / 3600);
    }

    if (sec >= 60) {
        p = ngx_sprintf(p, "%Lm", sec / 60 % 60);
    }

    return ngx_sprintf(p, "%Ls", sec % 60);
}


ngx_int_t
ngx_http_llm_quota_headers(ngx_http_llm_ctx_t *ctx)
{
    llm_verdict_t  *v;

    static const ngx_str_t  requests[] = {
        ngx_string("X-RateLimit-Limit-Requests"),
        ngx_string("X-RateLimit-Remaining-Requests"),
        ngx_string("X-RateLimit-Reset-Requests")
    };

    static const ngx_str_t  tokens[] = {
        ngx_string("X-RateLimit-Limit-Tokens"),
        ngx_string("X-RateLimit-Remaining-Tokens"),
        ngx_string("X-RateLimit-Reset-Tokens")
    };

    static ngx_str_t  of_requests = ngx_string("-requests");
    static ngx_str_t  of_tokens = ngx_string("-tokens");

    v = &ctx->quota->verdict;

    if (ngx_http_llm_quota_header(ctx, &v->requests, requests, &of_requests)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_llm_quota_header(ctx, &v->tokens, tokens, &of_tokens);
}


static ngx_int_t
ngx_http_llm_quota_header(ngx_http_llm_ctx_t *ctx, llm_standing_t *s,
    const ngx_str_t names[3], ngx_str_t *what)
{
    u_char              *p;
    ngx_str_t            value[3];
    ngx_uint_t           i;
    ngx_http_request_t  *r;

    if (s->limit == NULL) {
        return NGX_OK;
    }

    r = ctx->request;

    ngx_http_llm_quota_hide(r, what);

    p = ngx_pnalloc(r->pool, 3 * 32);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value[0].data = p;
    p = ngx_sprintf(p, "%L", s->limit->amount);
    value[0].len = p - value[0].data;

    value[1].data = p;
    p = ngx_sprintf(p, "%L", s->left);
    value[1].len = p - value[1].data;

    value[2].data = p;
    value[2].len = 0;

    if (s->reset_ms != -1) {
        value[2].len = ngx_http_llm_quota_duration(p, s->reset_ms) - p;
    }

    for (i = 0; i < 3; i++) {
        if (ngx_http_llm_add_header(r, (char *) names[i].data, names[i].len,
                                    &value[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* what a provider told of our account says nothing to this client */

static void
ngx_http_llm_quota_hide(ngx_http_request_t *r, ngx_str_t *what)
{
    ngx_table_elt_t            *h;
    ngx_http_llm_header_walk_t  walk;

    for (h = ngx_http_llm_header_first(&walk, &r->headers_out.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (h->key.len > sizeof("x-ratelimit-") - 1 + what->len
            && ngx_strncasecmp(h->key.data, (u_char *) "x-ratelimit-",
                               sizeof("x-ratelimit-") - 1)
               == 0
            && ngx_strncasecmp(h->key.data + h->key.len - what->len,
                               what->data, what->len)
               == 0)
        {
            h->hash = 0;
        }
    }
}
