
/*
 * Active probes: one worker of the host asks each provider that has "check"
 * for its list of models, once an interval, and tells all others through the
 * zone what to think of it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"
#include "ngx_http_llm_probe.h"


#define NGX_HTTP_LLM_CHECK_ROOT      "check"

/* how often a worker looks whether it is to probe: at most, milliseconds */
#define NGX_HTTP_LLM_CHECK_TICK      1000

/* a worker may be late by that much, whatever the interval; milliseconds */
#define NGX_HTTP_LLM_CHECK_LATE      2000

/* workers of an older configuration wait that much longer; milliseconds */
#define NGX_HTTP_LLM_CHECK_HANDOVER  5000

/* first probes are spread over at most that, milliseconds */
#define NGX_HTTP_LLM_CHECK_SPREAD    1000


/*
 * The zone's record of who probes.  A configuration's workers know each other
 * by its birth: those of a newer one take over at once, and what older ones
 * still learn counts no more.
 */

typedef struct {
    ngx_pid_t                 pid;          /* 0: nobody */
    ngx_msec_t                beat;         /* its last sign of life */
    uint64_t                  birth;
} ngx_http_llm_check_sh_t;


typedef struct {
    ngx_http_llm_provider_t  *provider;
    ngx_llm_health_t         *health;
    ngx_http_llm_probe_t     *probe;
    ngx_event_t               timer;
    ngx_uint_t                good;         /* in a row */
    ngx_uint_t                bad;          /* in a row */
    unsigned                  denied:1;     /* and it was told */
} ngx_http_llm_check_item_t;


typedef struct {
    volatile ngx_http_llm_check_sh_t  *sh;  /* NULL: nothing to do here */
    ngx_llm_zone_t                    *zone;
    ngx_http_llm_check_item_t         *items;
    ngx_uint_t                         nitems;
    ngx_event_t                        timer;
    ngx_msec_t                         tick;
    ngx_msec_t                         stale;
    unsigned                           leads:1;
} ngx_http_llm_check_t;


static ngx_int_t ngx_http_llm_check_add(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider);
static void ngx_http_llm_check_succeed(void);
static void ngx_http_llm_check_tick_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_llm_check_elect(void);
static ngx_uint_t ngx_http_llm_check_vacant(void);
static void ngx_http_llm_check_begin(void);
static void ngx_http_llm_check_end(void);
static void ngx_http_llm_check_timer_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_llm_check_probed(void *data, ngx_uint_t status,
    ngx_str_t *reason, ngx_str_t *addr);
static ngx_uint_t ngx_http_llm_check_alive(ngx_http_llm_check_item_t *item,
    ngx_uint_t status);
static void ngx_http_llm_check_failed(ngx_http_llm_check_item_t *item,
    ngx_str_t *reason, ngx_str_t *addr);
static void ngx_http_llm_check_passed(ngx_http_llm_check_item_t *item);


/* of this process */
static ngx_http_llm_check_t  ngx_http_llm_check;

/* debug logs of timers want a descriptor */
static ngx_connection_t      ngx_http_llm_check_dumb;

/* of the configuration that was read last, milliseconds; workers inherit it */
static uint64_t              ngx_http_llm_check_birth;


void
ngx_http_llm_check_configured(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    ngx_http_llm_check_birth = (uint64_t) tp->sec * 1000 + tp->msec;
}


ngx_int_t
ngx_http_llm_check_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                 i;
    ngx_msec_t                 interval;
    ngx_http_llm_check_t      *check;
    ngx_http_llm_provider_t  **provider;

    check = &ngx_http_llm_check;

    ngx_memzero(check, sizeof(ngx_http_llm_check_t));

    if (lmcf->providers.nelts == 0) {
        return NGX_OK;
    }

    check->items = ngx_pcalloc(cycle->pool,
                               lmcf->providers.nelts
                               * sizeof(ngx_http_llm_check_item_t));
    if (check->items == NULL) {
        return NGX_ERROR;
    }

    check->zone = lmcf->zone;
    check->sh = ngx_llm_zone_root(lmcf->zone, NGX_HTTP_LLM_CHECK_ROOT,
                                  sizeof(ngx_http_llm_check_sh_t));

    /* first, so that no worker of an older configuration judges after us */

    if (check->sh) {
        ngx_http_llm_check_succeed();
    }

    provider = lmcf->providers.elts;
    interval = NGX_MAX_INT32_VALUE / 4;

    for (i = 0; i < lmcf->providers.nelts; i++) {

        if (provider[i]->check_interval && check->sh) {
            if (ngx_http_llm_check_add(cycle, provider[i]) != NGX_OK) {
                return NGX_ERROR;
            }

            interval = ngx_min(interval, provider[i]->check_interval);
            continue;
        }

        if (provider[i]->check_interval) {
            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "no room in the zone to probe llm provider \"%V\"",
                          &provider[i]->name);
        }

        ngx_llm_health_set_down(ngx_http_llm_health_provider(provider[i]), 0);
    }

    if (check->nitems == 0) {
        check->sh = NULL;
        return NGX_OK;
    }

    check->tick = ngx_min(interval, NGX_HTTP_LLM_CHECK_TICK);
    check->stale = ngx_max(2 * interval, NGX_HTTP_LLM_CHECK_LATE);

    ngx_http_llm_check_dumb.fd = (ngx_socket_t) -1;

    check->timer.handler = ngx_http_llm_check_tick_handler;
    check->timer.data = &ngx_http_llm_check_dumb;
    check->timer.log = cycle->log;
    check->timer.cancelable = 1;

    ngx_add_timer(&check->timer, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_check_add(ngx_cycle_t *cycle, ngx_http_llm_provider_t *provider)
{
    ngx_http_llm_check_item_t  *item;

    item = &ngx_http_llm_check.items[ngx_http_llm_check.nitems++];

    item->provider = provider;
    item->health = ngx_http_llm_health_provider(provider);

    item->probe = ngx_http_llm_probe_create(cycle, provider,
                                            ngx_http_llm_check_probed, item);
    if (item->probe == NULL) {
        return NGX_ERROR;
    }

    item->timer.handler = ngx_http_llm_check_timer_handler;
    item->timer.data = item;
    item->timer.log = cycle->log;
    item->timer.cancelable = 1;

    return NGX_OK;
}


void
ngx_http_llm_check_stop(void)
{
    ngx_http_llm_check_t  *check;

    check = &ngx_http_llm_check;

    if (check->sh == NULL) {
        return;
    }

    if (check->timer.timer_set) {
        ngx_del_timer(&check->timer);
    }

    ngx_http_llm_check_end();

    ngx_llm_zone_lock(check->zone);

    if (check->sh->pid == ngx_pid) {
        check->sh->pid = 0;
    }

    ngx_llm_zone_unlock(check->zone);

    check->sh = NULL;
}


/* the first worker of a newer configuration dismisses whoever probes */

static void
ngx_http_llm_check_succeed(void)
{
    volatile ngx_http_llm_check_sh_t  *sh;

    sh = ngx_http_llm_check.sh;

    ngx_llm_zone_lock(ngx_http_llm_check.zone);

    if (sh->birth < ngx_http_llm_check_birth) {
        sh->birth = ngx_http_llm_check_birth;
        sh->beat = ngx_current_msec;
        sh->pid = 0;
    }

    ngx_llm_zone_unlock(ngx_http_llm_check.zone);
}


static void
ngx_http_llm_check_tick_handler(ngx_event_t *ev)
{
    ngx_uint_t             leads;
    ngx_http_llm_check_t  *check;

    check = &ngx_http_llm_check;

    if (ngx_exiting) {
        ngx_http_llm_check_stop();
        return;
    }

    leads = ngx_http_llm_check_elect();

    if (leads && !check->leads) {
        ngx_http_llm_check_begin();

    } else if (!leads && check->leads) {
        ngx_http_llm_check_end();
    }

    ngx_add_timer(ev, check->tick);
}


static ngx_uint_t
ngx_http_llm_check_elect(void)
{
    ngx_uint_t                         leads;
    volatile ngx_http_llm_check_sh_t  *sh;

    sh = ngx_http_llm_check.sh;

    ngx_llm_zone_lock(ngx_http_llm_check.zone);

    leads = (sh->pid == ngx_pid || ngx_http_llm_check_vacant());

    if (leads) {
        sh->pid = ngx_pid;
        sh->beat = ngx_current_msec;
    }

    ngx_llm_zone_unlock(ngx_http_llm_check.zone);

    return leads;
}


/* whether whoever probed does no more; the zone is locked */

static ngx_uint_t
ngx_http_llm_check_vacant(void)
{
    ngx_msec_t                         silent;
    volatile ngx_http_llm_check_sh_t  *sh;

    sh = ngx_http_llm_check.sh;

    /* clocks of workers differ by what each turn of their loops took */

    silent = ngx_max((ngx_msec_int_t) (ngx_current_msec - sh->beat), 0);

    /*
     * Workers of an older configuration are about to leave, unless those of
     * the newer one failed to stay.
     */

    if (sh->birth > ngx_http_llm_check_birth
        && silent <= ngx_http_llm_check.stale + NGX_HTTP_LLM_CHECK_HANDOVER)
    {
        return 0;
    }

    return sh->pid == 0
           || silent > ngx_http_llm_check.stale
           || (kill(sh->pid, 0) == -1 && ngx_errno == ESRCH);
}


static void
ngx_http_llm_check_begin(void)
{
    ngx_uint_t                  i;
    ngx_msec_t                  spread;
    ngx_http_llm_check_t       *check;
    ngx_http_llm_check_item_t  *item;

    check = &ngx_http_llm_check;

    check->leads = 1;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "this worker probes llm providers");

    for (i = 0; i < check->nitems; i++) {
        item = &check->items[i];

        item->good = 0;
        item->bad = 0;

        spread = ngx_min(item->provider->check_interval,
                         NGX_HTTP_LLM_CHECK_SPREAD);

        ngx_add_timer(&item->timer, i * spread / check->nitems);
    }
}


static void
ngx_http_llm_check_end(void)
{
    ngx_uint_t                  i;
    ngx_http_llm_check_t       *check;
    ngx_http_llm_check_item_t  *item;

    check = &ngx_http_llm_check;

    check->leads = 0;

    for (i = 0; i < check->nitems; i++) {
        item = &check->items[i];

        if (item->timer.timer_set) {
            ngx_del_timer(&item->timer);
        }

        ngx_http_llm_probe_stop(item->probe);
    }
}


static void
ngx_http_llm_check_timer_handler(ngx_event_t *ev)
{
    ngx_http_llm_check_item_t  *item;

    item = ev->data;

    if (ngx_exiting || ngx_http_llm_check.sh->pid != ngx_pid) {

        /* the next tick clears up */

        return;
    }

    ngx_add_timer(ev, item->provider->check_interval);

    ngx_http_llm_probe_start(item->probe);
}


static ngx_uint_t
ngx_http_llm_check_probed(void *data, ngx_uint_t status, ngx_str_t *reason,
    ngx_str_t *addr)
{
    ngx_str_t                   text;
    ngx_http_llm_check_item_t  *item;
    u_char                      buf[sizeof("status ") + NGX_INT_T_LEN];

    item = data;

    /* by now another worker may know better */

    if (ngx_exiting || ngx_http_llm_check.sh->pid != ngx_pid) {
        return 1;
    }

    if (ngx_http_llm_check_alive(item, status)) {
        ngx_http_llm_check_passed(item);
        return 1;
    }

    text = *reason;

    if (status) {
        text.data = buf;
        text.len = ngx_sprintf(buf, "status %ui", status) - buf;
    }

    ngx_http_llm_check_failed(item, &text, addr);

    return 0;
}


/*
 * Whoever answers is alive, though it may have no list of models, or be busy;
 * but nothing can be done there without a credential.  Those that are made for
 * a request are not sent with a probe: whoever misses one is alive, too.
 */

static ngx_uint_t
ngx_http_llm_check_alive(ngx_http_llm_check_item_t *item, ngx_uint_t status)
{
    if ((status != NGX_HTTP_UNAUTHORIZED && status != NGX_HTTP_FORBIDDEN)
        || item->provider->credential != NGX_HTTP_LLM_CREDENTIAL_KEY)
    {

        if (status) {
            item->denied = 0;
        }

        return status && status < NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!item->denied) {
        item->denied = 1;

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "llm provider \"%V\" refused our credential with status "
                      "%ui when it was probed", &item->provider->name, status);
    }

    return 0;
}


static void
ngx_http_llm_check_failed(ngx_http_llm_check_item_t *item, ngx_str_t *reason,
    ngx_str_t *addr)
{
    ngx_msec_t  wait;

    item->good = 0;
    item->bad++;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "probe %ui of llm provider \"%V\" failed: %V, "
                  "upstream: \"%V\"", item->bad, &item->provider->name,
                  reason, addr);

    if (item->bad < item->provider->check_fall
        || ngx_llm_health_check(item->health, &wait) == NGX_LLM_HEALTH_DOWN)
    {
        return;
    }

    ngx_llm_health_set_down(item->health, 1);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "llm provider \"%V\" is down: %ui probes failed, the last "
                  "one: %V, upstream: \"%V\"", &item->provider->name,
                  item->bad, reason, addr);
}


static void
ngx_http_llm_check_passed(ngx_http_llm_check_item_t *item)
{
    ngx_msec_t  wait;

    item->bad = 0;
    item->good++;

    if (item->good < item->provider->check_rise
        || ngx_llm_health_check(item->health, &wait) != NGX_LLM_HEALTH_DOWN)
    {
        return;
    }

    ngx_llm_health_set_down(item->health, 0);

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "llm provider \"%V\" is up: %ui probes succeeded",
                  &item->provider->name, item->good);
}
