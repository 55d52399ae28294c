
/*
 * The usage record: one line of JSON that tells of a request.
 */


#include "ngx_http_llm_label.h"
#include "ngx_http_llm_quota.h"


#define ngx_http_llm_record_text(b, s)       ngx_http_llm_label_text(b, s)
#define ngx_http_llm_record_str(b, name, s)  ngx_http_llm_label_str(b, name, s)

/* the same of one of our own words, which need no escapes */

#define ngx_http_llm_record_word(b, name, s)                                  \
    do {                                                                      \
        if ((s)->len) {                                                       \
            ngx_http_llm_record_text(b, ",\"" name "\":\"");                  \
            llm_buf_add(b, (s)->data, (s)->len);                              \
            ngx_http_llm_record_text(b, "\"");                                \
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


/* where a part of the record stands in it */

typedef struct {
    size_t   from;
    size_t   to;
} ngx_http_llm_record_part_t;


/* what an attempt has in common with the request that it stands for */

typedef struct {
    ngx_http_llm_record_part_t  route;
    ngx_http_llm_record_part_t  usage;
    ngx_http_llm_record_part_t  cost;
} ngx_http_llm_record_parts_t;


static void ngx_http_llm_record_outcome(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *b);
static void ngx_http_llm_record_route(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static void ngx_http_llm_record_attempts(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b);
static void ngx_http_llm_record_attempt(ngx_http_llm_attempt_t *at,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b);
static void ngx_http_llm_record_bill(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b);
static ngx_uint_t ngx_http_llm_record_again(ngx_http_llm_record_part_t *part,
    llm_buf_t *b);
static void ngx_http_llm_record_cost(ngx_uint_t known, int64_t nano,
    llm_buf_t *b);
static int64_t ngx_http_llm_record_span(ngx_msec_t from, ngx_msec_t to);


void
ngx_http_llm_record_print(ngx_http_llm_ctx_t *ctx, llm_buf_t *out)
{
    ngx_connection_t             *c;
    ngx_http_llm_attempt_t       *at;
    ngx_http_llm_record_parts_t   parts;

    c = ctx->request->connection;

    ngx_http_llm_record_time(out);
    ngx_http_llm_record_request(ctx, out);
    ngx_http_llm_record_outcome(ctx, out);

    at = ngx_http_llm_account_final(ctx);

    ngx_memzero(&parts, sizeof(ngx_http_llm_record_parts_t));

    parts.route.from = out->len;

    if (at) {
        ngx_http_llm_record_route(at, out);
    }

    parts.route.to = out->len;

    ngx_http_llm_record_text(out, ",\"attempts\":");
    ngx_http_llm_record_attempts(ctx, &parts, out);

    ngx_http_llm_record_bill(ctx, &parts, out);

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

void
ngx_http_llm_record_time(llm_buf_t *b)
{
    ngx_http_llm_record_text(b, "{\"time\":\"");
    ngx_http_llm_record_stamp(b);
    ngx_http_llm_record_text(b, "\"");
}


void
ngx_http_llm_record_stamp(llm_buf_t *b)
{
    u_char           ms[sizeof("000Z") - 1];
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

    llm_buf_add(b, text, sizeof(text));
    llm_buf_add(b, ms, sizeof(ms));
}


void
ngx_http_llm_record_request(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_http_llm_record_word(b, "id", &ctx->id);

    if (ctx->key) {
        ngx_http_llm_label_key(ctx->key, b);
    }

    if (ctx->class) {
        ngx_http_llm_record_str(b, "class", &ctx->class->name);
    }

    if (ctx->target.op) {
        ngx_http_llm_record_word(b, "endpoint",
                          &llm_endpoint_names[ctx->target.op->endpoint]);
    }

    ngx_http_llm_record_word(b, "protocol",
                             &ngx_http_llm_protocols[ctx->protocol]);

    ngx_http_llm_record_bool(b, "stream", ctx->stream);

    if (ctx->model) {
        ngx_http_llm_record_str(b, "model", &ctx->model->name);
    }
}


static void
ngx_http_llm_record_outcome(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_uint_t  status;

    status = ngx_http_llm_account_status(ctx);

    if (status) {
        ngx_http_llm_record_num(b, "status", status);
    }

    ngx_http_llm_record_word(b, "outcome",
                             &ngx_http_llm_outcomes[ctx->outcome]);
    ngx_http_llm_record_word(b, "code", &llm_error_names[ctx->error.code]);
}


/* where an attempt went */

static void
ngx_http_llm_record_route(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    ngx_http_llm_record_word(b, "rung", &ngx_http_llm_rungs[at->rung]);
    ngx_http_llm_label_route(at->route, b);
    ngx_http_llm_record_str(b, "upstream_model", &at->upstream_model);
}


void
ngx_http_llm_account_print_attempts(ngx_http_llm_ctx_t *ctx, llm_buf_t *out)
{
    ngx_http_llm_record_attempts(ctx, NULL, out);
}


/* most requests have one attempt, which shares its parts with them */

static void
ngx_http_llm_record_attempts(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b)
{
    ngx_uint_t                i;
    ngx_http_llm_attempt_t  **ats;

    ats = ctx->attempts.elts;

    if (ctx->attempts.nelts != 1
        || !ats[0]->accounted
        || ats[0]->cost != ctx->cost)
    {
        parts = NULL;
    }

    ngx_http_llm_record_text(b, "[");

    for (i = 0; i < ctx->attempts.nelts; i++) {
        if (i) {
            ngx_http_llm_record_text(b, ",");
        }

        ngx_http_llm_record_attempt(ats[i], parts, b);
    }

    ngx_http_llm_record_text(b, "]");
}


/* parts may be NULL: nothing is shared */

static void
ngx_http_llm_record_attempt(ngx_http_llm_attempt_t *at,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b)
{
    size_t  usage, cost;

    ngx_http_llm_record_text(b, "{\"n\":");
    llm_buf_int(b, at->n);

    if (parts == NULL || !ngx_http_llm_record_again(&parts->route, b)) {
        ngx_http_llm_record_route(at, b);
    }

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

    usage = b->len;

    if (at->has_usage) {
        ngx_http_llm_record_text(b, ",\"usage\":");
        llm_usage_print(&at->usage, b);
    }

    cost = b->len;

    ngx_http_llm_record_cost(at->has_cost, at->cost, b);

    if (parts) {
        parts->usage.from = usage;
        parts->usage.to = cost;
        parts->cost.from = cost;
        parts->cost.to = b->len;
    }

    ngx_http_llm_record_text(b, "}");
}


static void
ngx_http_llm_record_bill(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_record_parts_t *parts, llm_buf_t *b)
{
    llm_str_t  version;

    if (ctx->has_usage) {

        if (!ngx_http_llm_record_again(&parts->usage, b)) {
            ngx_http_llm_record_text(b, ",\"usage\":");
            llm_usage_print(&ctx->usage, b);
        }

        if (ctx->raw_usage.len) {
            ngx_http_llm_record_text(b, ",\"raw_usage\":");
            llm_buf_add(b, ctx->raw_usage.data, ctx->raw_usage.len);
        }

        ngx_http_llm_record_bool(b, "estimated", ctx->usage.estimated);
    }

    if (!ngx_http_llm_record_again(&parts->cost, b)) {
        ngx_http_llm_record_cost(ctx->has_cost, ctx->cost, b);
    }

    if (ctx->price) {
        version = llm_price_version(ctx->price);
        ngx_http_llm_record_str(b, "price_version", &version);
    }

    if (ngx_http_llm_quota_priced(ctx)) {
        ngx_http_llm_record_text(b, ",\"reserved\":\"");
        llm_price_print(ctx->quota->asked.money, b);
        ngx_http_llm_record_text(b, "\"");
    }
}


/* the same text again; 0: there is none */

static ngx_uint_t
ngx_http_llm_record_again(ngx_http_llm_record_part_t *part, llm_buf_t *b)
{
    if (part->from == part->to || b->failed) {
        return 0;
    }

    /* a buffer that grows leaves its old block alone */

    llm_buf_add(b, b->data + part->from, part->to - part->from);

    return 1;
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
                                c->upstream_model.len ? &c->upstream_model
                                                      : &route->upstream_model);
        ngx_http_llm_record_bool(out, "kept", c->kept);

        if (c->reason) {
            ngx_http_llm_record_text(out, ",\"reason\":");
            llm_buf_json(out, c->reason, ngx_strlen(c->reason));
        }

        if (c->translate && c->op) {
            ngx_http_llm_record_text(out, ",\"translated\":true");
        }

        ngx_http_llm_record_text(out, "}");
    }

    if (ctx->limited.limit) {

        if (ctx->candidates.nelts) {
            ngx_http_llm_record_text(out, ",");
        }

        ngx_http_llm_quota_print(out, &ctx->limited, 1);
    }

    ngx_http_llm_record_text(out, "]");
}
