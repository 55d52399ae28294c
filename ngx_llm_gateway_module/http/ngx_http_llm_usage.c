
/*
 * Usage and cost of one attempt: what the provider told, or an estimate, and
 * what its price makes of it.
 */


#include "ngx_http_llm_usage.h"
#include "ngx_http_llm_prices.h"


static ngx_uint_t ngx_http_llm_usage_produced(ngx_http_llm_attempt_t *at);
static void ngx_http_llm_usage_estimate(ngx_http_llm_attempt_t *at);
static int64_t ngx_http_llm_usage_spoken(ngx_http_llm_attempt_t *at);
static void ngx_http_llm_usage_cut(ngx_http_llm_attempt_t *at);
static void ngx_http_llm_usage_seen(llm_usage_t *u, int64_t seen);
static void ngx_http_llm_usage_compact(ngx_http_llm_attempt_t *at);
static void ngx_http_llm_usage_cost(ngx_http_llm_attempt_t *at);
static const llm_price_t *ngx_http_llm_usage_price(
    ngx_http_llm_attempt_t *at);
static ngx_uint_t ngx_http_llm_usage_pictures(ngx_http_llm_attempt_t *at);
static const llm_price_t *ngx_http_llm_usage_overlay(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, const llm_price_t *base);


void
ngx_http_llm_account_attempt(ngx_http_llm_attempt_t *at)
{
    const llm_op_t  *op;

    op = at->op;

    at->accounted = 1;
    at->price = NULL;

    if ((op->flags & LLM_OP_FREE) || !ngx_http_llm_usage_produced(at)) {

        /* numbers in polls, counts and errors are nobody's usage */

        ngx_memzero(&at->usage, sizeof(llm_usage_t));
        at->raw_usage.len = 0;
        at->has_usage = 0;

        at->cost = 0;
        at->has_cost = 1;
        return;
    }

    if (!at->has_usage) {
        ngx_memzero(&at->usage, sizeof(llm_usage_t));
        at->raw_usage.len = 0;
        ngx_http_llm_usage_estimate(at);

    } else {
        ngx_http_llm_usage_cut(at);
    }

    if (!at->has_usage) {
        at->has_cost = 0;
        return;
    }

    llm_usage_set(&at->usage, LLM_USAGE_REQUESTS, 1);

    ngx_http_llm_usage_compact(at);
    ngx_http_llm_usage_cost(at);
}


/*
 * Whether the provider made something that it bills: an answer that failed
 * before its first byte, or that was an error under a good status, is none.
 */

static ngx_uint_t
ngx_http_llm_usage_produced(ngx_http_llm_attempt_t *at)
{
    if (at->status < 200 || at->status > 299) {
        return 0;
    }

    if (at->failure == LLM_FAILURE_CALLER) {

        /* refused in a good answer: an image against the rules */

        return at->has_usage;
    }

    if (at->failure == LLM_FAILURE_NONE
        || at->committed
        || at->has_usage
        || at->text_bytes)
    {
        return 1;
    }

    return at->bytes > 0
           && (at->failure == LLM_FAILURE_RESET
               || at->failure == LLM_FAILURE_TIMEOUT);
}


/* usage that no provider told; has_usage stays 0 where nothing is known */

static void
ngx_http_llm_usage_estimate(ngx_http_llm_attempt_t *at)
{
    if (ngx_http_llm_usage_guess(at->ctx,
                         llm_usage_estimate((uint64_t) at->ctx->body_length),
                         ngx_http_llm_usage_spoken(at), at->items,
                         &at->usage)
        == NGX_OK)
    {
        at->has_usage = 1;
    }
}


static int64_t
ngx_http_llm_usage_spoken(ngx_http_llm_attempt_t *at)
{
    return at->text_tokens ? at->text_tokens
                           : llm_usage_estimate(at->text_bytes);
}


ngx_int_t
ngx_http_llm_usage_guess(ngx_http_llm_ctx_t *ctx, int64_t input,
    int64_t output, int64_t items, llm_usage_t *u)
{
    llm_request_t  *req;

    req = &ctx->req;

    switch (ctx->target.op->op) {

    case LLM_OP_EMBEDDINGS:
    case LLM_OP_GEMINI_EMBED:
    case LLM_OP_GEMINI_BATCH_EMBED:
        llm_usage_set(u, LLM_USAGE_INPUT, input);
        u->estimated = 1;
        break;

    case LLM_OP_MODERATIONS:

        /* the call is the unit */

        break;

    case LLM_OP_RERANK:
        llm_usage_set(u, LLM_USAGE_SEARCHES, 1);
        u->estimated = 1;
        break;

    case LLM_OP_IMAGE_GENERATIONS:
    case LLM_OP_IMAGE_EDITS:
    case LLM_OP_IMAGE_VARIATIONS:

        if (items > 0) {
            llm_usage_set(u, LLM_USAGE_IMAGES, items);

        } else {
            llm_usage_set(u, LLM_USAGE_IMAGES, req->n);
            u->estimated = 1;
        }

        break;

    case LLM_OP_SPEECH:

        if (req->characters < 0) {
            return NGX_DECLINED;
        }

        llm_usage_set(u, LLM_USAGE_CHARACTERS, req->characters);
        break;

    case LLM_OP_VIDEO_CREATE:
    case LLM_OP_VIDEO_REMIX:
    case LLM_OP_GEMINI_LONG:

        /* a job is billed as it is taken: polls are free */

        if (req->seconds < 0) {
            return NGX_DECLINED;
        }

        llm_usage_set(u, LLM_USAGE_VIDEO_SECONDS,
                      ngx_min(req->seconds, LLM_USAGE_MAX / 1000) * 1000);
        break;

    default:

        if (!ngx_http_llm_usage_speaks(ctx->target.op)) {
            return NGX_DECLINED;
        }

        llm_usage_set(u, LLM_USAGE_INPUT, input);
        llm_usage_set(u, LLM_USAGE_OUTPUT, output);
        u->estimated = 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_usage_bound(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, const llm_usage_t *usage, int64_t *cost)
{
    int64_t                  n;
    llm_usage_t             *u;
    ngx_http_llm_attempt_t   at;

    ngx_memzero(&at, sizeof(ngx_http_llm_attempt_t));

    at.ctx = ctx;
    at.candidate = cand;
    at.route = cand->route;
    at.usage = *usage;

    u = &at.usage;

    llm_usage_set(u, LLM_USAGE_REQUESTS, 1);

    if (cand->route->to.dialect == LLM_DIALECT_MESSAGES
        && u->units[LLM_USAGE_INPUT])
    {
        /* a prompt may be cached, which costs more than to read it */

        llm_usage_set(u, LLM_USAGE_CACHE_WRITE_5M, u->units[LLM_USAGE_INPUT]);
        llm_usage_set(u, LLM_USAGE_INPUT, 0);
    }

    ngx_http_llm_usage_cost(&at);

    if (!at.has_cost) {
        return NGX_DECLINED;
    }

    *cost = at.cost;

    if (u->units[LLM_USAGE_OUTPUT] == 0) {
        return NGX_OK;
    }

    n = u->units[LLM_USAGE_OUTPUT];
    llm_usage_set(u, LLM_USAGE_OUTPUT, 0);
    llm_usage_set(u, LLM_USAGE_REASONING, n);

    ngx_http_llm_usage_cost(&at);

    if (at.has_cost) {
        *cost = ngx_max(*cost, at.cost);
    }

    return NGX_OK;
}


int64_t
ngx_http_llm_usage_ceiling(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    const llm_price_t  *price;

    if (cand->route->model->max_tokens >= 0) {
        return cand->route->model->max_tokens;
    }

    price = ngx_http_llm_usage_listed(ctx, cand);

    return price ? llm_price_max_output(price) : -1;
}


/*
 * Where a protocol tells its usage from the start on (OpenAI's comes last and
 * is final), it may be behind what was already said when a stream was cut:
 * the text that passed is then the better measure of the output.
 */

static void
ngx_http_llm_usage_cut(ngx_http_llm_attempt_t *at)
{
    ngx_connection_t  *c;

    c = at->ctx->request->connection;

    if (!at->truncated
        && at->stopped == NULL
        && at->failure == LLM_FAILURE_NONE
        && at->rc == NGX_OK
        && !c->error
        && !c->timedout)
    {
        return;
    }

    if (at->op->protocol == LLM_PROTOCOL_OPENAI
        || !ngx_http_llm_usage_speaks(at->op))
    {
        return;
    }

    ngx_http_llm_usage_seen(&at->usage, ngx_http_llm_usage_spoken(at));
}


/* at least what was seen */

static void
ngx_http_llm_usage_seen(llm_usage_t *u, int64_t seen)
{
    int64_t  told;

    told = llm_usage_output(u);

    if (seen > told) {
        llm_usage_set(u, LLM_USAGE_OUTPUT,
                      u->units[LLM_USAGE_OUTPUT] + (seen - told));
        u->estimated = 1;
    }
}


void
ngx_http_llm_usage_so_far(ngx_http_llm_attempt_t *at, llm_answer_t *reader,
    int64_t tokens, llm_usage_t *usage, int64_t *cost)
{
    llm_str_t               raw;
    ngx_http_llm_attempt_t  now;

    ngx_memzero(&now, sizeof(ngx_http_llm_attempt_t));

    now.ctx = at->ctx;
    now.candidate = at->candidate;
    now.route = at->route;
    now.tier = llm_answer_tier(reader);

    if (llm_answer_usage(reader, &now.usage, &raw) == LLM_OK) {
        ngx_http_llm_usage_seen(&now.usage, tokens);

    } else {
        ngx_memzero(&now.usage, sizeof(llm_usage_t));

        (void) ngx_http_llm_usage_guess(at->ctx,
                         llm_usage_estimate((uint64_t) at->ctx->body_length),
                         tokens, 0, &now.usage);
    }

    llm_usage_set(&now.usage, LLM_USAGE_REQUESTS, 1);

    ngx_http_llm_usage_cost(&now);

    *usage = now.usage;
    *cost = now.has_cost ? now.cost : 0;
}


ngx_uint_t
ngx_http_llm_usage_speaks(const llm_op_t *op)
{
    switch (op->op) {

    case LLM_OP_CHAT:
    case LLM_OP_RESPONSES:
    case LLM_OP_COMPLETIONS:
    case LLM_OP_MESSAGES:
    case LLM_OP_GENERATE:
    case LLM_OP_GENERATE_STREAM:
        return 1;

    default:
        return 0;
    }
}


/*
 * A provider may send its JSON over many lines, a record is one.  White
 * space outside of strings goes; inside, JSON allows no control characters.
 */

static void
ngx_http_llm_usage_compact(ngx_http_llm_attempt_t *at)
{
    size_t       n;
    u_char      *p, *last, *dst, *out;
    ngx_uint_t   quoted;

    p = at->raw_usage.data;
    n = at->raw_usage.len;

    if (n == 0
        || (memchr(p, LF, n) == NULL && memchr(p, CR, n) == NULL
            && memchr(p, '\t', n) == NULL))
    {
        return;
    }

    last = p + n;

    out = ngx_pnalloc(at->ctx->request->pool, at->raw_usage.len);
    if (out == NULL) {
        at->raw_usage.len = 0;
        return;
    }

    dst = out;
    quoted = 0;

    for (p = at->raw_usage.data; p < last; p++) {

        if (*p < 0x20 || (*p == ' ' && !quoted)) {
            continue;
        }

        if (*p == '"') {
            quoted = !quoted;

        } else if (*p == '\\' && quoted && p + 1 < last) {
            *dst++ = *p++;

            if (*p < 0x20) {
                continue;
            }
        }

        *dst++ = *p;
    }

    at->raw_usage.data = out;
    at->raw_usage.len = dst - out;
}


static void
ngx_http_llm_usage_cost(ngx_http_llm_attempt_t *at)
{
    llm_price_how_t      how;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;

    at->price = ngx_http_llm_usage_price(at);
    at->has_cost = 0;

    if (at->price == NULL) {
        return;
    }

    how.tier = at->tier;
    how.size = ctx->req.size;
    how.quality = ctx->req.quality;

    if (llm_price_cost(at->price, &at->usage, &how, &at->cost) == LLM_OK) {
        at->has_cost = 1;
    }
}


/*
 * Pictures that are billed by their number have prices of their own, by size
 * and quality, which only the request tells.
 */

static const llm_price_t *
ngx_http_llm_usage_price(ngx_http_llm_attempt_t *at)
{
    unsigned             n;
    llm_str_t            prefixes[NGX_HTTP_LLM_PREFIXES];
    llm_prices_t        *prices;
    llm_request_t       *req;
    const llm_price_t   *price;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;
    prices = ctx->lmcf->prices;

    if (prices && ngx_http_llm_usage_pictures(at)) {

        req = &ctx->req;
        n = ngx_http_llm_prices_prefixes(at->route->provider, prefixes);

        price = llm_prices_image(prices, prefixes, n,
                              ngx_http_llm_pure(&at->candidate->upstream_model),
                              &req->size, &req->quality);
        if (price) {
            return price;
        }
    }

    return ngx_http_llm_usage_listed(ctx, at->candidate);
}


/* whether pictures are billed by their number, at catalogue prices */

static ngx_uint_t
ngx_http_llm_usage_pictures(ngx_http_llm_attempt_t *at)
{
    llm_usage_t  *u;

    u = &at->usage;

    return u->units[LLM_USAGE_IMAGES] > 0
           && llm_usage_input(u) + llm_usage_output(u) == 0
           && at->route->model->price_fields.nelts == 0;
}


/*
 * The route's price was found when the configuration was read, but for that
 * of an upstream model made of captures: it is looked up once for a
 * candidate.  Prices given for the model itself go before the catalogue's.
 */

const llm_price_t *
ngx_http_llm_usage_listed(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand)
{
    unsigned               n;
    llm_str_t              prefixes[NGX_HTTP_LLM_PREFIXES];
    llm_prices_t          *prices;
    const llm_price_t     *price;
    ngx_http_llm_route_t  *route;

    route = cand->route;
    prices = ctx->lmcf->prices;

    if (prices == NULL || !route->captures) {
        return route->price;
    }

    if (cand->listed) {
        return cand->price;
    }

    n = ngx_http_llm_prices_prefixes(route->provider, prefixes);

    price = llm_prices_find(prices, prefixes, n,
                            ngx_http_llm_pure(&cand->upstream_model),
                            ngx_http_llm_pure(&route->model->name));

    cand->price = price ? ngx_http_llm_usage_overlay(ctx, route, price)
                        : route->price;
    cand->listed = 1;

    return cand->price;
}


/* the model's own prices laid over the catalogue's */

static const llm_price_t *
ngx_http_llm_usage_overlay(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, const llm_price_t *base)
{
    llm_str_t      field, usd;
    ngx_uint_t     i;
    llm_price_t   *price;
    ngx_array_t   *fields;
    ngx_keyval_t  *kv;

    fields = &route->model->price_fields;

    if (fields->nelts == 0) {
        return base;
    }

    price = llm_price_inline(&ctx->arena, base);
    if (price == NULL) {
        return NULL;
    }

    kv = fields->elts;

    for (i = 0; i < fields->nelts; i++) {
        field.data = kv[i].key.data;
        field.len = kv[i].key.len;
        usd.data = kv[i].value.data;
        usd.len = kv[i].value.len;

        if (llm_price_set(price, &field, &usd) != LLM_OK) {
            return NULL;
        }
    }

    return price;
}
