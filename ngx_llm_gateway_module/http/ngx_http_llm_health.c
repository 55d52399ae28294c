
/*
 * Health of routes and providers, as the ladder sees it: which record stands
 * for which, what an attempt's end means for it, and what providers say of
 * their own limits.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"


/* a provider's Retry-After is believed up to this, milliseconds */
#define NGX_HTTP_LLM_MAX_PAUSE      300000

/* "PROVIDER MODEL" of a record, bytes: the service takes no more */
#define NGX_HTTP_LLM_HEALTH_NAME    511

/* the pause after a 429 that names none */
#define NGX_HTTP_LLM_DEFAULT_PAUSE  1000


static ngx_llm_health_result_e ngx_http_llm_health_result(
    ngx_http_llm_attempt_t *at);
static void ngx_http_llm_health_log(ngx_http_llm_attempt_t *at,
    ngx_llm_health_change_e change);
static ngx_msec_int_t ngx_http_llm_health_duration(ngx_str_t *value);
static ngx_uint_t ngx_http_llm_health_estimate(ngx_http_llm_attempt_t *at);


/* by route->index and provider->index; of this process */

static ngx_llm_health_t  **ngx_http_llm_route_health;
static ngx_llm_health_t  **ngx_http_llm_provider_health;


ngx_int_t
ngx_http_llm_health_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    u_char                    *p;
    ngx_str_t                  name;
    ngx_uint_t                 i, k;
    ngx_http_llm_model_t     **model;
    ngx_http_llm_route_t     **route;
    ngx_http_llm_provider_t  **provider;
    u_char                     buf[NGX_HTTP_LLM_HEALTH_NAME];

    ngx_http_llm_route_health = ngx_pcalloc(cycle->pool,
                                            (lmcf->nroutes + 1)
                                            * sizeof(ngx_llm_health_t *));
    ngx_http_llm_provider_health = ngx_pcalloc(cycle->pool,
                                               (lmcf->providers.nelts + 1)
                                               * sizeof(ngx_llm_health_t *));

    if (ngx_http_llm_route_health == NULL
        || ngx_http_llm_provider_health == NULL)
    {
        return NGX_ERROR;
    }

    name.data = buf;
    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {
        p = ngx_snprintf(buf, sizeof(buf), "%V", &provider[i]->name);
        name.len = p - buf;

        ngx_http_llm_provider_health[provider[i]->index] =
            ngx_llm_health_get(lmcf->zone, &name);
    }

    /* one upstream model at one provider, whatever models lead there */

    model = lmcf->models.elts;

    for (i = 0; i < lmcf->models.nelts; i++) {

        route = model[i]->routes.elts;

        for (k = 0; k < model[i]->routes.nelts; k++) {

            p = ngx_snprintf(buf, sizeof(buf), "%V %V",
                             &route[k]->provider->name,
                             &route[k]->upstream_model);
            name.len = p - buf;

            ngx_http_llm_route_health[route[k]->index] =
                ngx_llm_health_get(lmcf->zone, &name);
        }
    }

    return NGX_OK;
}


const char *
ngx_http_llm_health_reason(ngx_http_llm_route_t *route, ngx_msec_t *wait)
{
    ngx_llm_health_t  *h;

    h = ngx_http_llm_provider_health[route->provider->index];

    switch (ngx_llm_health_check(h, wait)) {

    case NGX_LLM_HEALTH_AUTH:
        return "provider_denied";

    case NGX_LLM_HEALTH_DOWN:
        return "provider_down";

    default:
        break;
    }

    if (route->provider->limit_inflight
        && ngx_llm_health_inflight(h) >= route->provider->limit_inflight)
    {
        *wait = 0;
        return "account_full";
    }

    h = ngx_http_llm_route_health[route->index];

    switch (ngx_llm_health_check(h, wait)) {

    case NGX_LLM_HEALTH_OPEN:
        return "breaker_open";

    case NGX_LLM_HEALTH_RECOVERING:
        return "recovering";

    case NGX_LLM_HEALTH_COOLING:
        return "cooling_down";

    default: /* OK, or the half open one's probe */
        return NULL;
    }
}


ngx_uint_t
ngx_http_llm_health_shut(ngx_http_llm_route_t *route)
{
    ngx_msec_t         wait;
    ngx_llm_health_t  *h;

    h = ngx_http_llm_provider_health[route->provider->index];

    switch (ngx_llm_health_check(h, &wait)) {

    case NGX_LLM_HEALTH_AUTH:
    case NGX_LLM_HEALTH_DOWN:
        return 1;

    default:
        break;
    }

    h = ngx_http_llm_route_health[route->index];

    return ngx_llm_health_check(h, &wait) == NGX_LLM_HEALTH_OPEN;
}


ngx_int_t
ngx_http_llm_health_acquire(ngx_http_llm_attempt_t *at, const char **reason,
    ngx_msec_t *wait)
{
    ngx_uint_t                tokens;
    ngx_llm_health_t         *rh, *ph;
    ngx_http_llm_provider_t  *provider;

    provider = at->route->provider;

    rh = ngx_http_llm_route_health[at->route->index];
    ph = ngx_http_llm_provider_health[provider->index];

    tokens = provider->limit_tpm ? ngx_http_llm_health_estimate(at) : 0;

    if (ngx_llm_health_admit(ph, provider->limit_rpm, provider->limit_tpm,
                             provider->limit_inflight, tokens, wait)
        != NGX_OK)
    {
        *reason = "account_full";
        return NGX_BUSY;
    }

    if (ngx_llm_health_acquire(rh, &at->route_ticket) != NGX_OK
        && !at->forced)
    {
        ngx_llm_health_tokens(ph, ngx_current_msec, -(ngx_int_t) tokens);
        *reason = "breaker_open";
        *wait = 1000;
        return NGX_BUSY;
    }

    if (ngx_llm_health_acquire(ph, &at->provider_ticket) != NGX_OK
        && !at->forced)
    {
        (void) ngx_llm_health_release(rh, &at->route_ticket,
                                      NGX_LLM_HEALTH_ABANDONED, -1);
        ngx_llm_health_tokens(ph, ngx_current_msec, -(ngx_int_t) tokens);
        *reason = "provider_denied";
        *wait = 1000;
        return NGX_BUSY;
    }

    at->acquired = 1;
    at->admitted = tokens;

    if (at->rung == NGX_HTTP_LLM_RUNG_FIRST) {
        ngx_llm_health_count(rh);
    }

    return NGX_OK;
}


/* input by its bytes, output by what the request allows */

static ngx_uint_t
ngx_http_llm_health_estimate(ngx_http_llm_attempt_t *at)
{
    ngx_uint_t           n;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;

    n = llm_usage_estimate(ngx_min(ctx->body_length, 1024 * 1024));

    if (ctx->req.max_tokens > 0) {
        n += ctx->req.max_tokens;

    } else if (at->route->model->max_tokens > 0) {
        n += at->route->model->max_tokens;
    }

    return n;
}


void
ngx_http_llm_health_answered(ngx_http_llm_attempt_t *at)
{
    ngx_uint_t         i;
    ngx_msec_int_t     first;
    ngx_llm_health_t  *h;

    if (!at->acquired || at->answered || at->status >= 400) {
        return;
    }

    at->answered = 1;

    i = at->route->index;
    h = ngx_http_llm_route_health[i];
    first = (ngx_msec_int_t) (ngx_current_msec - at->start);

    ngx_http_llm_health_log(at, ngx_llm_health_answered(h, &at->route_ticket,
                                                        first));

    h = ngx_http_llm_provider_health[at->route->provider->index];

    (void) ngx_llm_health_answered(h, &at->provider_ticket, -1);
}


void
ngx_http_llm_health_release(ngx_http_llm_attempt_t *at)
{
    int64_t                   used;
    ngx_msec_t                pause;
    ngx_llm_health_t         *rh, *ph;
    ngx_llm_health_result_e   result;

    if (!at->acquired) {
        return;
    }

    at->acquired = 0;

    rh = ngx_http_llm_route_health[at->route->index];
    ph = ngx_http_llm_provider_health[at->route->provider->index];

    result = ngx_http_llm_health_result(at);

    ngx_http_llm_health_log(at, ngx_llm_health_release(rh, &at->route_ticket,
                                    result == NGX_LLM_HEALTH_DENIED
                                    ? NGX_LLM_HEALTH_NEUTRAL : result, -1));

    /* the account as a whole fails only where its credential does; an attempt
       without an answer says nothing of that */

    if (ngx_llm_health_release(ph, &at->provider_ticket,
                               result == NGX_LLM_HEALTH_FAILURE
                               ? NGX_LLM_HEALTH_ABANDONED : result, -1)
        == NGX_LLM_HEALTH_REJECTED)
    {
        ngx_log_error(NGX_LOG_CRIT, at->ctx->request->connection->log, 0,
                      "llm provider \"%V\" refused our credential with status "
                      "%ui: it is left out until a probe succeeds",
                      &at->route->provider->name, at->status);
    }

    if (result == NGX_LLM_HEALTH_REFUSED
        || (at->status == NGX_HTTP_SERVICE_UNAVAILABLE
            && at->retry_after > 0))
    {
        pause = at->retry_after >= 0 ? (ngx_msec_t) at->retry_after
                                     : NGX_HTTP_LLM_DEFAULT_PAUSE;

        ngx_llm_health_cool(rh, ngx_min(pause, NGX_HTTP_LLM_MAX_PAUSE));
    }

    if (at->exhausted && at->reset > 0) {

        /* go elsewhere before the next one is refused */

        ngx_llm_health_remaining(rh, 0, ngx_min((ngx_msec_t) at->reset,
                                                NGX_HTTP_LLM_MAX_PAUSE));
    }

    if (at->route->provider->limit_tpm) {
        used = at->has_usage ? llm_usage_input(&at->usage)
                               + llm_usage_output(&at->usage)
                             : 0;

        ngx_llm_health_tokens(ph, at->start,
                              (ngx_int_t) (used - (int64_t) at->admitted));
    }

    /* room came: those who wait for this model look at it */

    ngx_http_llm_queue_kick(at->ctx->model);
}


static void
ngx_http_llm_health_log(ngx_http_llm_attempt_t *at,
    ngx_llm_health_change_e change)
{
    ngx_log_t  *log;

    log = at->ctx->request->connection->log;

    if (change == NGX_LLM_HEALTH_OPENED) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "llm breaker of \"%V\" at provider \"%V\" opened",
                      &at->upstream_model, &at->route->provider->name);

    } else if (change == NGX_LLM_HEALTH_CLOSED) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "llm breaker of \"%V\" at provider \"%V\" closed",
                      &at->upstream_model, &at->route->provider->name);
    }
}


static ngx_llm_health_result_e
ngx_http_llm_health_result(ngx_http_llm_attempt_t *at)
{
    /* a class that is in a hurry says nothing about the upstream */

    if (at->stale || at->overdue) {
        return NGX_LLM_HEALTH_ABANDONED;
    }

    if (at->rc == NGX_HTTP_CLIENT_CLOSED_REQUEST || at->rc == NGX_DONE) {
        return at->status && at->status < 400 ? NGX_LLM_HEALTH_SUCCESS
                                              : NGX_LLM_HEALTH_ABANDONED;
    }

    switch (at->failure) {

    case LLM_FAILURE_NONE:
        return NGX_LLM_HEALTH_SUCCESS;

    case LLM_FAILURE_429:
        return NGX_LLM_HEALTH_REFUSED;

    case LLM_FAILURE_AUTH:
        return NGX_LLM_HEALTH_DENIED;

    case LLM_FAILURE_CALLER:
    case LLM_FAILURE_CONTEXT:
    case LLM_FAILURE_LIMIT:
        return NGX_LLM_HEALTH_NEUTRAL;

    default:
        return NGX_LLM_HEALTH_FAILURE;
    }
}


ngx_llm_health_t *
ngx_http_llm_health_provider(ngx_http_llm_provider_t *provider)
{
    return ngx_http_llm_provider_health[provider->index];
}


ngx_uint_t
ngx_http_llm_health_latency(ngx_http_llm_route_t *route)
{
    return ngx_llm_health_latency(ngx_http_llm_route_health[route->index]);
}


ngx_uint_t
ngx_http_llm_health_inflight(ngx_http_llm_route_t *route)
{
    return ngx_llm_health_inflight(ngx_http_llm_route_health[route->index]);
}


ngx_uint_t
ngx_http_llm_health_budget(ngx_http_llm_route_t *route, ngx_uint_t percent)
{
    return percent >= 100
           || ngx_llm_health_budget(ngx_http_llm_route_health[route->index],
                                    percent);
}


ngx_int_t
ngx_http_llm_health_spend(ngx_http_llm_route_t *route, ngx_uint_t percent)
{
    if (percent >= 100) {
        return NGX_OK;
    }

    return ngx_llm_health_spend(ngx_http_llm_route_health[route->index],
                                percent);
}


void
ngx_http_llm_health_header(ngx_http_llm_attempt_t *at, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_int_t       n;
    ngx_msec_int_t  ms;

    if (name->len == sizeof("retry-after") - 1
        && ngx_memcmp(name->data, "retry-after", name->len) == 0)
    {
        n = ngx_atoi(value->data, value->len);

        if (n != NGX_ERROR) {
            ms = ngx_min(n, 86400) * 1000;

        } else {
            n = ngx_parse_http_time(value->data, value->len);
            ms = (n == NGX_ERROR || n <= ngx_time())
                 ? -1 : ngx_min(n - ngx_time(), 86400) * 1000;
        }

        if (at->retry_after < 0) {
            at->retry_after = ms;
        }

    } else if (name->len == sizeof("retry-after-ms") - 1
               && ngx_memcmp(name->data, "retry-after-ms", name->len) == 0)
    {
        n = ngx_atoi(value->data, value->len);

        if (n != NGX_ERROR) {
            at->retry_after = ngx_min(n, 86400000);
        }

    } else if (name->len > sizeof("x-ratelimit-remaining-") - 1
               && ngx_memcmp(name->data, "x-ratelimit-remaining-",
                             sizeof("x-ratelimit-remaining-") - 1)
                  == 0)
    {
        if (value->len == 1 && value->data[0] == '0') {
            at->exhausted = 1;
        }

    } else if (name->len > sizeof("x-ratelimit-reset-") - 1
               && ngx_memcmp(name->data, "x-ratelimit-reset-",
                             sizeof("x-ratelimit-reset-") - 1)
                  == 0)
    {
        ms = ngx_http_llm_health_duration(value);

        if (ms > 0 && (at->reset == 0 || ms < at->reset)) {
            at->reset = ms;
        }
    }
}


/* "120ms", "6m0s", "1h2m3.5s", or plain seconds; -1 if it is none */

static ngx_msec_int_t
ngx_http_llm_health_duration(ngx_str_t *value)
{
    u_char          *p, *end;
    ngx_uint_t       scale;
    ngx_msec_int_t   ms, n;

    p = value->data;
    end = p + value->len;
    ms = 0;

    while (p < end) {

        if (*p < '0' || *p > '9') {
            return -1;
        }

        for (n = 0; p < end && *p >= '0' && *p <= '9'; p++) {
            if (n > 100000000) {
                return -1;
            }

            n = n * 10 + (*p - '0');
        }

        /* fractions: three digits of them are milliseconds */

        n *= 1000;

        if (p < end && *p == '.') {

            for (p++, scale = 100; p < end && *p >= '0' && *p <= '9'; p++) {
                n += (*p - '0') * scale;
                scale /= 10;
            }
        }

        if (end - p >= 2 && p[0] == 'm' && p[1] == 's') {
            ms += n / 1000;
            p += 2;
            continue;
        }

        switch (p < end ? *p : 's') {

        case 's':
            ms += n;
            break;

        case 'm':
            ms += n * 60;
            break;

        case 'h':
            ms += n * 3600;
            break;

        default:
            return -1;
        }

        p++;
    }

    return ngx_min(ms, 86400000);
}
