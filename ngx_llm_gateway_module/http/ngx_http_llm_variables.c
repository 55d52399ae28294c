
/*
 * $llm_*: each field of the usage record, for log_format, map and whatever
 * else takes a variable.
 */


#include "ngx_http_llm_quota.h"


/* what a value's 28 bits of length hold, with room */
#define NGX_HTTP_LLM_VAR_MAX_LEN  (1 << 20)

/* strings of both layers, without looking at one as the other */
#define ngx_http_llm_var_str(s, t)  (s).len = (t).len; (s).data = (t).data


const ngx_str_t  ngx_http_llm_outcomes[] = {
    ngx_null_string,
    ngx_string("ok"),
    ngx_string("rejected"),
    ngx_string("upstream_error"),
    ngx_string("truncated"),
    ngx_string("client_closed")
};


const ngx_str_t  ngx_http_llm_rungs[] = {
    ngx_null_string,
    ngx_string("first"),
    ngx_string("retry"),
    ngx_string("switch"),
    ngx_string("backup")
};


const ngx_str_t  ngx_http_llm_protocols[] = {
    ngx_null_string,
    ngx_string("openai"),
    ngx_string("anthropic"),
    ngx_string("gemini"),
    ngx_string("bedrock")
};


static const ngx_str_t  ngx_http_llm_booleans[] = {
    ngx_string("false"),
    ngx_string("true")
};


/* the groups share getters: a new one goes to the right place */

typedef enum {

    /* of the request */

    NGX_HTTP_LLM_VAR_ID = 0,
    NGX_HTTP_LLM_VAR_CLASS,
    NGX_HTTP_LLM_VAR_ENDPOINT,
    NGX_HTTP_LLM_VAR_PROTOCOL,
    NGX_HTTP_LLM_VAR_STREAM,
    NGX_HTTP_LLM_VAR_MODEL,
    NGX_HTTP_LLM_VAR_REQUESTED_MODEL,
    NGX_HTTP_LLM_VAR_OUTCOME,
    NGX_HTTP_LLM_VAR_CODE,
    NGX_HTTP_LLM_VAR_REASON,
    NGX_HTTP_LLM_VAR_CLIENT_ADDR,

    /* of its key */

    NGX_HTTP_LLM_VAR_KEY,
    NGX_HTTP_LLM_VAR_OWNER,
    NGX_HTTP_LLM_VAR_TEAM,
    NGX_HTTP_LLM_VAR_APP,
    NGX_HTTP_LLM_VAR_ENV,

    /* of the attempt that stands for it */

    NGX_HTTP_LLM_VAR_RUNG,
    NGX_HTTP_LLM_VAR_PROVIDER,
    NGX_HTTP_LLM_VAR_ROUTE,
    NGX_HTTP_LLM_VAR_UPSTREAM_MODEL,
    NGX_HTTP_LLM_VAR_UPSTREAM_ADDR,

    /* of its bill */

    NGX_HTTP_LLM_VAR_USAGE,
    NGX_HTTP_LLM_VAR_RAW_USAGE,
    NGX_HTTP_LLM_VAR_ESTIMATED,
    NGX_HTTP_LLM_VAR_COST,
    NGX_HTTP_LLM_VAR_PRICE_VERSION,
    NGX_HTTP_LLM_VAR_RESERVED,
    NGX_HTTP_LLM_VAR_LIMIT,
    NGX_HTTP_LLM_VAR_TIME,

    /* numbers of the request */

    NGX_HTTP_LLM_VAR_STATUS,
    NGX_HTTP_LLM_VAR_ATTEMPTS,
    NGX_HTTP_LLM_VAR_LATENCY_MS,
    NGX_HTTP_LLM_VAR_TTFT_MS,
    NGX_HTTP_LLM_VAR_QUEUE_MS,
    NGX_HTTP_LLM_VAR_OVERHEAD_US,

    /* numbers of its bill */

    NGX_HTTP_LLM_VAR_INPUT_TOKENS,
    NGX_HTTP_LLM_VAR_OUTPUT_TOKENS,
    NGX_HTTP_LLM_VAR_TOTAL_TOKENS,
    NGX_HTTP_LLM_VAR_UNIT         /* UNIT + llm_usage_e */
} ngx_http_llm_var_e;


static ngx_int_t ngx_http_llm_variable_request(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_llm_variable_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_llm_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_llm_variable_bill(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_llm_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_llm_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static void ngx_http_llm_variable_set(ngx_http_variable_value_t *v,
    const void *data, size_t len);
static ngx_int_t ngx_http_llm_variable_set_int(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t n);
static ngx_int_t ngx_http_llm_variable_set_milli(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t n);


typedef struct {
    ngx_str_t                  name;
    ngx_http_get_variable_pt   handler;
    uintptr_t                  data;
} ngx_http_llm_variable_t;


#define ngx_http_llm_var(name, group, id)                                     \
    { ngx_string("llm_" name), ngx_http_llm_variable_##group,                 \
      NGX_HTTP_LLM_VAR_##id }

static const ngx_http_llm_variable_t  ngx_http_llm_variables[] = {

    ngx_http_llm_var("time", bill, TIME),
    ngx_http_llm_var("id", request, ID),
    ngx_http_llm_var("key", key, KEY),
    ngx_http_llm_var("owner", key, OWNER),
    ngx_http_llm_var("team", key, TEAM),
    ngx_http_llm_var("app", key, APP),
    ngx_http_llm_var("env", key, ENV),
    ngx_http_llm_var("class", request, CLASS),
    ngx_http_llm_var("endpoint", request, ENDPOINT),
    ngx_http_llm_var("protocol", request, PROTOCOL),
    ngx_http_llm_var("stream", request, STREAM),
    ngx_http_llm_var("model", request, MODEL),
    ngx_http_llm_var("requested_model", request, REQUESTED_MODEL),
    ngx_http_llm_var("status", number, STATUS),
    ngx_http_llm_var("outcome", request, OUTCOME),
    ngx_http_llm_var("code", request, CODE),
    ngx_http_llm_var("reason", request, REASON),
    ngx_http_llm_var("rung", route, RUNG),
    ngx_http_llm_var("provider", route, PROVIDER),
    ngx_http_llm_var("route", route, ROUTE),
    ngx_http_llm_var("upstream_model", route, UPSTREAM_MODEL),
    ngx_http_llm_var("upstream_addr", route, UPSTREAM_ADDR),
    ngx_http_llm_var("attempts", number, ATTEMPTS),
    ngx_http_llm_var("usage", bill, USAGE),
    ngx_http_llm_var("raw_usage", bill, RAW_USAGE),
    ngx_http_llm_var("input_tokens", count, INPUT_TOKENS),
    ngx_http_llm_var("output_tokens", count, OUTPUT_TOKENS),
    ngx_http_llm_var("total_tokens", count, TOTAL_TOKENS),
    ngx_http_llm_var("estimated", bill, ESTIMATED),
    ngx_http_llm_var("cost", bill, COST),
    ngx_http_llm_var("price_version", bill, PRICE_VERSION),
    ngx_http_llm_var("reserved", bill, RESERVED),
    ngx_http_llm_var("limit", bill, LIMIT),
    ngx_http_llm_var("latency_ms", number, LATENCY_MS),
    ngx_http_llm_var("ttft_ms", number, TTFT_MS),
    ngx_http_llm_var("queue_ms", number, QUEUE_MS),
    ngx_http_llm_var("overhead_us", number, OVERHEAD_US),
    ngx_http_llm_var("client_addr", request, CLIENT_ADDR),

#define NGX_HTTP_LLM_VAR_USAGE_UNIT(u, name, help)                            \
    { ngx_string("llm_" #name), ngx_http_llm_variable_count,                  \
      NGX_HTTP_LLM_VAR_UNIT + LLM_USAGE_##u },

    LLM_USAGE_MAP(NGX_HTTP_LLM_VAR_USAGE_UNIT)

#undef NGX_HTTP_LLM_VAR_USAGE_UNIT
};


ngx_int_t
ngx_http_llm_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name;
    ngx_uint_t            i, n;
    ngx_http_variable_t  *var;

    n = sizeof(ngx_http_llm_variables) / sizeof(ngx_http_llm_variable_t);

    for (i = 0; i < n; i++) {
        name = ngx_http_llm_variables[i].name;

        /* all of them change while a request runs */

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_llm_variables[i].handler;
        var->data = ngx_http_llm_variables[i].data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_variable_request(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t            s;
    ngx_uint_t           i;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_str_null(&s);

    switch (data) {

    case NGX_HTTP_LLM_VAR_ID:
        s = ctx->id;
        break;

    case NGX_HTTP_LLM_VAR_CLASS:
        if (ctx->class) {
            s = ctx->class->name;
        }

        break;

    case NGX_HTTP_LLM_VAR_ENDPOINT:
        if (ctx->target.op) {
            i = ctx->target.op->endpoint;
            ngx_http_llm_var_str(s, llm_endpoint_names[i]);
        }

        break;

    case NGX_HTTP_LLM_VAR_PROTOCOL:
        s = ngx_http_llm_protocols[ctx->protocol];
        break;

    case NGX_HTTP_LLM_VAR_STREAM:
        s = ngx_http_llm_booleans[ctx->stream];
        break;

    case NGX_HTTP_LLM_VAR_MODEL:
        if (ctx->model) {
            s = ctx->model->name;
        }

        break;

    case NGX_HTTP_LLM_VAR_REQUESTED_MODEL:
        s = ctx->asked;
        break;

    case NGX_HTTP_LLM_VAR_OUTCOME:
        s = ngx_http_llm_outcomes[ngx_http_llm_account_outcome(ctx)];
        break;

    case NGX_HTTP_LLM_VAR_CODE:
        ngx_http_llm_var_str(s, llm_error_names[ctx->error.code]);
        break;

    case NGX_HTTP_LLM_VAR_REASON:

        /*
         * Of what a provider did wrong: why the ladder ended on it.  The
         * message holds the provider's words, which are for the client.
         */

        if (ctx->error.code == LLM_ERROR_NONE
            || ctx->error.code == LLM_ERROR_UPSTREAM_ERROR
            || ctx->error.code == LLM_ERROR_UPSTREAM_TIMEOUT)
        {
            if (ctx->stop) {
                ngx_http_llm_var_str(s, llm_reason_texts[ctx->stop]);
            }

            break;
        }

        ngx_http_llm_var_str(s, ctx->error.message);
        break;

    case NGX_HTTP_LLM_VAR_CLIENT_ADDR:
        s = r->connection->addr_text;
        break;
    }

    ngx_http_llm_variable_set(v, s.data, s.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_variable_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t           *s;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL || ctx->key == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (data) {

    case NGX_HTTP_LLM_VAR_OWNER:
        s = &ctx->key->owner;
        break;

    case NGX_HTTP_LLM_VAR_TEAM:
        s = &ctx->key->team;
        break;

    case NGX_HTTP_LLM_VAR_APP:
        s = &ctx->key->app;
        break;

    case NGX_HTTP_LLM_VAR_ENV:
        s = &ctx->key->env;
        break;

    default: /* NGX_HTTP_LLM_VAR_KEY */
        s = &ctx->key->name;
    }

    ngx_http_llm_variable_set(v, s->data, s->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t         *s;
    ngx_http_llm_ctx_t      *ctx;
    ngx_http_llm_attempt_t  *at;

    ctx = ngx_http_llm_get_ctx(r);
    at = ctx ? ngx_http_llm_account_final(ctx) : NULL;

    if (at == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (data) {

    case NGX_HTTP_LLM_VAR_RUNG:
        s = &ngx_http_llm_rungs[at->rung];
        break;

    case NGX_HTTP_LLM_VAR_PROVIDER:
        s = &at->route->provider->name;
        break;

    case NGX_HTTP_LLM_VAR_ROUTE:
        s = &at->route->name;
        break;

    case NGX_HTTP_LLM_VAR_UPSTREAM_MODEL:
        s = &at->upstream_model;
        break;

    default: /* NGX_HTTP_LLM_VAR_UPSTREAM_ADDR */
        s = &at->addr;
    }

    ngx_http_llm_variable_set(v, s->data, s->len);

    return NGX_OK;
}


/*
 * The access log is written before the log handler settles, and a header may
 * ask for the cost even earlier: what is known by now is summed up.
 */

static ngx_int_t
ngx_http_llm_variable_bill(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    llm_buf_t            b;
    llm_str_t            s;
    ngx_uint_t           i;
    llm_arena_t          arena;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_llm_account_sum(ctx);

    ngx_memzero(&s, sizeof(llm_str_t));

    arena = ctx->arena;
    arena.left = NGX_HTTP_LLM_VAR_MAX_LEN;

    llm_buf_init(&b, &arena);

    switch (data) {

    case NGX_HTTP_LLM_VAR_USAGE:
        if (ctx->has_usage) {
            llm_usage_print(&ctx->usage, &b);
        }

        break;

    case NGX_HTTP_LLM_VAR_RAW_USAGE:
        s = ctx->raw_usage;
        break;

    case NGX_HTTP_LLM_VAR_ESTIMATED:
        if (ctx->has_usage) {
            i = ctx->usage.estimated;
            ngx_http_llm_var_str(s, ngx_http_llm_booleans[i]);
        }

        break;

    case NGX_HTTP_LLM_VAR_COST:
        if (ctx->has_cost) {
            llm_price_print(ctx->cost, &b);
        }

        break;

    case NGX_HTTP_LLM_VAR_PRICE_VERSION:
        if (ctx->price) {
            s = llm_price_version(ctx->price);
        }

        break;

    case NGX_HTTP_LLM_VAR_RESERVED:
        if (ngx_http_llm_quota_priced(ctx)) {
            llm_price_print(ctx->quota->asked.money, &b);
        }

        break;

    case NGX_HTTP_LLM_VAR_LIMIT:
        ngx_http_llm_quota_name(ctx, &b);
        break;

    case NGX_HTTP_LLM_VAR_TIME:
        ngx_http_llm_record_stamp(&b);
        break;
    }

    if (b.failed) {
        return NGX_ERROR;
    }

    if (b.len) {
        s.data = b.data;
        s.len = b.len;
    }

    ngx_http_llm_variable_set(v, s.data, s.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t              n;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    n = 0;

    switch (data) {

    case NGX_HTTP_LLM_VAR_ATTEMPTS:
        return ngx_http_llm_variable_set_int(r, v, ctx->attempts.nelts);

    case NGX_HTTP_LLM_VAR_LATENCY_MS:
        n = (ngx_msec_int_t) (ngx_current_msec - ctx->start);
        return ngx_http_llm_variable_set_int(r, v, ngx_max(n, 0));

    case NGX_HTTP_LLM_VAR_STATUS:
        n = ngx_http_llm_account_status(ctx);
        break;

    case NGX_HTTP_LLM_VAR_TTFT_MS:
        if (ctx->first_token) {
            n = (ngx_msec_int_t) (ctx->first_token - ctx->start);
            return ngx_http_llm_variable_set_int(r, v, ngx_max(n, 0));
        }

        break;

    case NGX_HTTP_LLM_VAR_QUEUE_MS:

        if (ctx->has_queued) {
            return ngx_http_llm_variable_set_int(r, v, ctx->queue_ms);
        }

        break;

    case NGX_HTTP_LLM_VAR_OVERHEAD_US:
        n = ctx->overhead_us;
        break;
    }

    /* zero stands for what was not reached */

    if (n == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_llm_variable_set_int(r, v, n);
}


static ngx_int_t
ngx_http_llm_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_uint_t           unit;
    llm_usage_t         *u;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx) {
        ngx_http_llm_account_sum(ctx);
    }

    if (ctx == NULL || !ctx->has_usage) {
        v->not_found = 1;
        return NGX_OK;
    }

    u = &ctx->usage;

    switch (data) {

    case NGX_HTTP_LLM_VAR_INPUT_TOKENS:
        return ngx_http_llm_variable_set_int(r, v, llm_usage_input(u));

    case NGX_HTTP_LLM_VAR_OUTPUT_TOKENS:
        return ngx_http_llm_variable_set_int(r, v, llm_usage_output(u));

    case NGX_HTTP_LLM_VAR_TOTAL_TOKENS:
        return ngx_http_llm_variable_set_int(r, v, llm_usage_input(u)
                                                   + llm_usage_output(u));
    }

    unit = data - NGX_HTTP_LLM_VAR_UNIT;

    if (!(u->known & ((uint32_t) 1 << unit))) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (LLM_USAGE_MILLI(unit)) {
        return ngx_http_llm_variable_set_milli(r, v, u->units[unit]);
    }

    return ngx_http_llm_variable_set_int(r, v, u->units[unit]);
}


/* an empty value is one that is not there */

static void
ngx_http_llm_variable_set(ngx_http_variable_value_t *v, const void *data,
    size_t len)
{
    if (len == 0 || len > NGX_HTTP_LLM_VAR_MAX_LEN) {
        v->not_found = 1;
        return;
    }

    v->data = (u_char *) data;
    v->len = (unsigned) len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
}


static ngx_int_t
ngx_http_llm_variable_set_int(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t n)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_llm_variable_set(v, p, llm_int_print(p, n) - p);

    return NGX_OK;
}


/* thousandths, as seconds */

static ngx_int_t
ngx_http_llm_variable_set_milli(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t n)
{
    u_char  *p, *last;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof(".000") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "%L.%03L", n / 1000, n % 1000);

    while (last[-1] == '0') {
        last--;
    }

    if (last[-1] == '.') {
        last--;
    }

    ngx_http_llm_variable_set(v, p, last - p);

    return NGX_OK;
}
