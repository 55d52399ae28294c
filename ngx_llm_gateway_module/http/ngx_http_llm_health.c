
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

/* when to ask again where another request probes just now */
#define NGX_HTTP_LLM_PROBE_PAUSE    1000


static ngx_llm_health_result_e ngx_http_llm_health_result(
    ngx_http_llm_attempt_t *at);
static void ngx_http_llm_health_pause(ngx_http_llm_attempt_t *at,
    ngx_llm_health_t *rh, ngx_llm_health_t *ph,
    ngx_llm_health_result_e result);
static void ngx_http_llm_health_log(ngx_http_llm_attempt_t *at,
    ngx_llm_health_change_e change);
static ngx_uint_t ngx_http_llm_health_estimate(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route);


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
ngx_http_llm_health_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, ngx_msec_t *wait)
{
    ngx_uint_t                tokens;
    ngx_llm_health_t         *h;
    ngx_http_llm_provider_t  *provider;

    provider = route->provider;
    h = ngx_http_llm_provider_health[provider->index];

    switch (ngx_llm_health_check(h, wait)) {

    case NGX_LLM_HEALTH_AUTH:
        return "provider_denied";

    case NGX_LLM_HEALTH_DOWN:
        return "provider_down";

    case NGX_LLM_HEALTH_COOLING:
        return "account_spent";

    default:
        break;
    }

    if (provider->limit_inflight
        && ngx_llm_health_inflight(h) >= provider->limit_inflight)
    {
        *wait = 0;
        return "account_full";
    }

    if (provider->limit_rpm | provider->limit_tpm) {

        tokens = provider->limit_tpm
                 ? ngx_http_llm_health_estimate(ctx, route) : 0;

        *wait = ngx_llm_health_full(h, provider->limit_rpm,
                                    provider->limit_tpm, tokens);
        if (*wait) {
            return "account_full";
        }
    }

    h = ngx_http_llm_route_health[route->index];

    switch (ngx_llm_health_check(h, wait)) {

    case NGX_LLM_HEALTH_OPEN:
        return "breaker_open";

    case NGX_LLM_HEALTH_RECOVERING:
        return "recovering";

    case NGX_LLM_HEALTH_COOLING:
        return "cooling_down";

    case NGX_LLM_HEALTH_AUTH:
        return "model_denied";

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
    case NGX_LLM_HEALTH_COOLING:
        return 1;

    default:
        break;
    }

    h = ngx_http_llm_route_health[route->index];

    switch (ngx_llm_health_check(h, &wait)) {

    case NGX_LLM_HEALTH_OPEN:
    case NGX_LLM_HEALTH_AUTH:
        return 1;

    default:
        return 0;
    }
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

    tokens = provider->limit_tpm
             ? ngx_http_llm_health_estimate(at->ctx, at->route) : 0;

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
        *wait = NGX_HTTP_LLM_PROBE_PAUSE;
        return NGX_BUSY;
    }

    if (ngx_llm_health_acquire(ph, &at->provider_ticket) != NGX_OK
        && !at->forced)
    {
        (void) ngx_llm_health_release(rh, &at->route_ticket,
                                      NGX_LLM_HEALTH_ABANDONED, -1);
        ngx_llm_health_tokens(ph, ngx_current_msec, -(ngx_int_t) tokens);
        *reason = "provider_denied";
        *wait = NGX_HTTP_LLM_PROBE_PAUSE;
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
ngx_http_llm_health_estimate(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route)
{
    ngx_uint_t  n;

    n = llm_usage_estimate(ngx_min(ctx->body_length, 1024 * 1024));

    if (ctx->req.max_tokens > 0) {
        n += ctx->req.max_tokens;

    } else if (route->model->max_tokens > 0) {
        n += route->model->max_tokens;
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
                                    && !at->model
                                    ? NGX_LLM_HEALTH_NEUTRAL : result, -1));

    /* the account as a whole fails only where its credential does; an attempt
       without an answer says nothing of that */

    ngx_http_llm_health_log(at, ngx_llm_health_release(ph,
                                    &at->provider_ticket,
                                    result == NGX_LLM_HEALTH_FAILURE
                                    ? NGX_LLM_HEALTH_ABANDONED
                                    : result == NGX_LLM_HEALTH_DENIED
                                      && at->model
                                      ? NGX_LLM_HEALTH_NEUTRAL : result, -1));

    ngx_http_llm_health_pause(at, rh, ph, result);

    if (at->route->provider->limit_tpm) {
        used = at->has_usage ? llm_usage_input(&at->usage)
                               + llm_usage_output(&at->usage)
                             : 0;

        ngx_llm_health_tokens(ph, at->start,
                              (ngx_int_t) (used - (int64_t) at->admitted));
    }

    /* room came: those who wait for this model look at it; not for what one of
       them took and gave back in the same look */

    if (at->request) {
        ngx_http_llm_queue_kick(at->ctx->model);
    }
}


/* what the provider said of its limits: one pauses, the other goes elsewhere
   before the next request is refused */

static void
ngx_http_llm_health_pause(ngx_http_llm_attempt_t *at, ngx_llm_health_t *rh,
    ngx_llm_health_t *ph, ngx_llm_health_result_e result)
{
    int64_t  wish;

    wish = at->pace.retry_after_ms;

    if (at->spent && at->model) {
        (void) ngx_llm_health_cool(rh, NGX_HTTP_LLM_MAX_PAUSE);

    } else if (at->spent) {

        if (ngx_llm_health_cool(ph, NGX_HTTP_LLM_MAX_PAUSE)) {
            ngx_log_error(NGX_LOG_ERR, at->ctx->request->connection->log, 0,
                          "llm account of provider \"%V\" is used up, by its "
                          "answer with status %ui: it is left out for 5 "
                          "minutes",
                          &at->route->provider->name, at->status);
        }

    } else if (result == NGX_LLM_HEALTH_REFUSED
               || (at->status == NGX_HTTP_SERVICE_UNAVAILABLE && wish > 0))
    {
        wish = wish >= 0 ? wish : NGX_HTTP_LLM_DEFAULT_PAUSE;

        (void) ngx_llm_health_cool(rh, (ngx_msec_t)
                                       ngx_min(wish, NGX_HTTP_LLM_MAX_PAUSE));
    }

    if (at->pace.empty) {
        wish = llm_pace_pause(&at->pace);

        ngx_llm_health_remaining(rh, 0, (ngx_msec_t)
                                        ngx_min(wish, NGX_HTTP_LLM_MAX_PAUSE));
    }
}


static void
ngx_http_llm_health_log(ngx_http_llm_attempt_t *at,
    ngx_llm_health_change_e change)
{
    ngx_log_t  *log;

    log = at->ctx->request->connection->log;

    if (change == NGX_LLM_HEALTH_REJECTED && at->model) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "llm provider \"%V\" refused our credential for model "
                      "\"%V\" with status %ui: the model is left out there "
                      "until a probe succeeds",
                      &at->route->provider->name, &at->upstream_model,
                      at->status);

    } else if (change == NGX_LLM_HEALTH_REJECTED) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "llm provider \"%V\" refused our credential with status "
                      "%ui: it is left out until a probe succeeds",
                      &at->route->provider->name, at->status);

    } else if (change == NGX_LLM_HEALTH_OPENED) {
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
    time_t       t;
    ngx_time_t  *tp;

    /* all that tell a pace begin so, and few others */

    if (*name->data != 'r' && *name->data != 'x' && *name->data != 'a') {
        return;
    }

    tp = ngx_timeofday();

    if (llm_pace_header(&at->pace, ngx_http_llm_pure(name),
                        ngx_http_llm_pure(value),
                        (int64_t) tp->sec * 1000 + tp->msec)
        != LLM_INVALID
        || at->pace.retry_after_ms >= 0
        || name->len != sizeof("retry-after") - 1)
    {
        return;
    }

    /* Retry-After may be a date */

    t = ngx_parse_http_time(value->data, value->len);

    if (t != (time_t) NGX_ERROR && t > tp->sec) {
        at->pace.retry_after_ms = ngx_min((int64_t) (t - tp->sec) * 1000,
                                          LLM_PACE_MAX);
    }
}
