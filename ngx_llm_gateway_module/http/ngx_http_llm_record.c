
/*
 * The usage record: one line of JSON that tells of a request.
 */


#include "ngx_http_llm_module.h"


#define ngx_http_llm_record_text(b, s)  llm_buf_add(b, s, sizeof(s) - 1)

/* a member whose string is left out where it is empty */

#define ngx_http_llm_record_str(b, name, s)                                   \
    do {                                                                      \
        if ((s)->len) {                                                       \
            ngx_http_llm_record_text(b, ",\"" name "\":");                    \
            llm_buf_json(b, (s)->data, (s)->len);                             \
        }                                                                     \
    } while (0)

#define ngx_http_llm_record_num(b, name, n)                                   \
    do {                                                                      \
        ngx_http_llm_record_text(b, ",\"" name "\":");                        \
        llm_buf_int(b, n);                                                    \
    } while (0)

#define ngx_http_llm_record_bool(b, name, f)                                  \
    do {                                                                      \
        if (f) {                                                              \
            ngx_http_llm_record_text(b, ",\"" name "\":true");                \
        } else {                                                              \
            ngx_http_llm_record_text(b, ",\"" name "\":false");               \
        }                                                                     \
    } while (0)


static void ngx_http_llm_record_time(llm_buf_t *b);
static void ngx_http_llm_record_request(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *b);
static void ngx_http_llm_record_route(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static void ngx_http_llm_record_attempt(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static void ngx_http_llm_record_bill(ngx_http_llm_ctx_t *ctx, llm_buf_t *b);
static void ngx_http_llm_record_cost(ngx_uint_t known, int64_t nano,
    llm_buf_t *b);
static int64_t ngx_http_llm_record_span(ngx_msec_t from, ngx_msec_t to);


void
ngx_http_llm_record_print(ngx_http_llm_ctx_t *ctx, llm_buf_t *out)
{
    ngx_connection_t        *c;
    ngx_http_llm_attempt_t  *at;

    c = ctx->request->connection;

    ngx_http_llm_record_time(out);
    ngx_http_llm_record_request(ctx, out);

    at = ngx_http_llm_account_final(ctx);

    if (at) {
        ngx_http_llm_record_route(at, out);
    }

    ngx_http_llm_record_text(out, ",\"attempts\":");
    ngx_http_llm_account_print_attempts(ctx, out);

    ngx_http_llm_record_bill(ctx, out);

    ngx_http_llm_record_num(out, "latency_ms",
                  ngx_http_llm_record_span(ctx->start, ngx_current_msec));

    if (ctx->first_token) {
        ngx_http_llm_record_num(out, "ttft_ms",
                  ngx_http_llm_record_span(ctx->start, ctx->first_token));
    }

    if (ctx->has_queued) {
        ngx_http_llm_record_num(out, "queue_ms", ctx->queue_ms);
    }

    if (ctx->overhead_us) {
        ngx_http_llm_record_num(out, "overhead_us", ctx->overhead_us);
    }

    ngx_http_llm_record_str(out, "client_addr", &c->addr_text);

    ngx_http_llm_record_text(out, "}\n");
}


/* opens the object with when it was written: lines are in order of time */

static void
ngx_http_llm_record_time(llm_buf_t *b)
{
    u_char           ms[sizeof("000Z\"") - 1];
    ngx_tm_t         tm;
    ngx_time_t      *tp;

    static time_t    sec = -1;
    static u_char    text[sizeof("2026-11-22T13:05:07.") - 1];

    tp = ngx_timeofday();

    if (tp->sec != sec) {
        ngx_gmtime(tp->sec, &tm);

        (void) ngx_snprintf(text, sizeof(text),
                            "%4d-%02d-%02dT%02d:%02d:%02d.",
                            tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                            tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
        sec = tp->sec;
    }

    ms[0] = (u_char) ('0' + tp->msec / 100 % 10);
    ms[1] = (u_char) ('0' + tp->msec / 10 % 10);
    ms[2] = (u_char) ('0' + tp->msec % 10);
    ms[3] = 'Z';
    ms[4] = '"';

    ngx_http_llm_record_text(b, "{\"time\":\"");
    llm_buf_add(b, text, sizeof(text));
    llm_buf_add(b, ms, sizeof(ms));
}


/* who asked for what, and how it went */

static void
ngx_http_llm_record_request(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_uint_t            status;
    ngx_http_llm_key_t   *key;

    ngx_http_llm_record_str(b, "id", &ctx->id);

    key = ctx->key;

    if (key) {
        ngx_http_llm_record_str(b, "key", &key->name);
        ngx_http_llm_record_str(b, "owner", &key->owner);
        ngx_http_llm_record_str(b, "team", &key->team);
        ngx_http_llm_record_str(b, "app", &key->app);
        ngx_http_llm_record_str(b, "env", &key->env);
    }

    if (ctx->class) {
        ngx_http_llm_record_str(b, "class", &ctx->class->name);
    }

    if (ctx->target.op) {
        ngx_http_llm_record_str(b, "endpoint",
                          &llm_endpoint_names[ctx->target.op->endpoint]);
    }

    ngx_http_llm_record_str(b, "protocol",
                            &ngx_http_llm_protocols[ctx->protocol]);

    ngx_http_llm_record_bool(b, "stream", ctx->stream);

    if (ctx->model) {
        ngx_http_llm_record_str(b, "model", &ctx->model->name);
    }

    status = ngx_http_llm_account_status(ctx);

    if (status) {
        ngx_http_llm_record_num(b, "status", status);
    }

    ngx_http_llm_record_str(b, "outcome",
                            &ngx_http_llm_outcomes[ctx->outcome]);
    ngx_http_llm_record_str(b, "code", &llm_error_names[ctx->error.code]);
}


/* where an attempt went */

static void
ngx_http_llm_record_route(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    ngx_http_llm_record_str(b, "rung", &ngx_http_llm_rungs[at->rung]);
    ngx_http_llm_record_str(b, "provider", &at->route->provider->name);
    ngx_http_llm_record_str(b, "route", &at->route->name);
    ngx_http_llm_record_str(b, "upstream_model", &at->upstream_model);
}


void
ngx_http_llm_account_print_attempts(ngx_http_llm_ctx_t *ctx, llm_buf_t *out)
{
    ngx_uint_t                i;
    ngx_http_llm_attempt_t  **ats;

    ats = ctx->attempts.elts;

    ngx_http_llm_record_text(out, "[");

    for (i = 0; i < ctx->attempts.nelts; i++) {
        if (i) {
            ngx_http_llm_record_text(out, ",");
        }

        ngx_http_llm_record_attempt(ats[i], out);
    }

    ngx_http_llm_record_text(out, "]");
}


static void
ngx_http_llm_record_attempt(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    ngx_http_llm_record_text(b, "{\"n\":");
    llm_buf_int(b, at->n);

    ngx_http_llm_record_route(at, b);
    ngx_http_llm_record_str(b, "addr", &at->addr);

    if (at->status) {
        ngx_http_llm_record_num(b, "status", at->status);
    }

    if (at->error) {
        ngx_http_llm_record_text(b, ",\"error\":");
        llm_buf_json(b, at->error, ngx_strlen(at->error));
    }

    ngx_http_llm_record_num(b, "start_ms",
                      ngx_http_llm_record_span(at->ctx->start, at->start));

    if (at->first_byte) {
        ngx_http_llm_record_num(b, "first_byte_ms",
                      ngx_http_llm_record_span(at->start, at->first_byte));
    }

    if (at->end) {
        ngx_http_llm_record_num(b, "total_ms",
                      ngx_http_llm_record_span(at->start, at->end));
    }

    ngx_http_llm_record_num(b, "bytes", at->bytes);

    if (at->has_usage) {
        ngx_http_llm_record_text(b, ",\"usage\":");
        llm_usage_print(&at->usage, b);
    }

    ngx_http_llm_record_cost(at->has_cost, at->cost, b);

    ngx_http_llm_record_text(b, "}");
}


static void
ngx_http_llm_record_bill(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    llm_str_t  version;

    if (ctx->has_usage) {
        ngx_http_llm_record_text(b, ",\"usage\":");
        llm_usage_print(&ctx->usage, b);

        if (ctx->raw_usage.len) {
            ngx_http_llm_record_text(b, ",\"raw_usage\":");
            llm_buf_add(b, ctx->raw_usage.data, ctx->raw_usage.len);
        }

        ngx_http_llm_record_bool(b, "estimated", ctx->usage.estimated);
    }

    ngx_http_llm_record_cost(ctx->has_cost, ctx->cost, b);

    if (ctx->price) {
        version = llm_price_version(ctx->price);
        ngx_http_llm_record_str(b, "price_version", &version);
    }
}


/* unknown is null, never zero */

static void
ngx_http_llm_record_cost(ngx_uint_t known, int64_t nano, llm_buf_t *b)
{
    if (!known) {
        ngx_http_llm_record_text(b, ",\"cost\":null");
        return;
    }

    ngx_http_llm_record_text(b, ",\"cost\":\"");
    llm_price_print(nano, b);
    ngx_http_llm_record_text(b, "\"");
}


static int64_t
ngx_http_llm_record_span(ngx_msec_t from, ngx_msec_t to)
{
    ngx_msec_int_t  ms;

    ms = (ngx_msec_int_t) (to - from);

    return ngx_max(ms, 0);
}


void
ngx_http_llm_account_print_decision(ngx_http_llm_ctx_t *ctx, llm_buf_t *out)
{
    ngx_uint_t                  i;
    ngx_http_llm_route_t       *route;
    ngx_http_llm_candidate_t   *c, **cand;

    cand = ctx->candidates.elts;

    ngx_http_llm_record_text(out, "[");

    for (i = 0; i < ctx->candidates.nelts; i++) {
        c = cand[i];
        route = c->route;

        if (i) {
            ngx_http_llm_record_text(out, ",");
        }

        ngx_http_llm_record_text(out, "{\"route\":");
        llm_buf_json(out, route->name.data, route->name.len);

        ngx_http_llm_record_str(out, "provider", &route->provider->name);
        ngx_http_llm_record_str(out, "upstream_model",
                                &route->upstream_model);
        ngx_http_llm_record_bool(out, "kept", c->kept);

        if (c->reason) {
            ngx_http_llm_record_text(out, ",\"reason\":");
            llm_buf_json(out, c->reason, ngx_strlen(c->reason));
        }

        ngx_http_llm_record_text(out, "}");
    }

    ngx_http_llm_record_text(out, "]");
}
