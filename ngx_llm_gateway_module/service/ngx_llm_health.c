
/*
 * Whether an upstream may be tried, what attempts say about it, and how fast
 * it answers.
 */


#include "ngx_llm_health_state.h"


#define NGX_LLM_HEALTH_DOWN_ASK  1000
#define NGX_LLM_HEALTH_DRAW_ASK  100

/* a first byte after more than this many milliseconds is no slower */
#define NGX_LLM_HEALTH_SLOWEST   3600000

/* in how many milliseconds a time constant of 10 seconds halves */
#define NGX_LLM_HEALTH_HALF      6931
#define NGX_LLM_HEALTH_ONE       ((uint64_t) 1 << 20)


static void ngx_llm_health_settle(ngx_llm_health_t *h, ngx_msec_t now);
static void ngx_llm_health_measure(ngx_llm_health_sh_t *sh,
    ngx_msec_int_t first_byte, ngx_msec_t now);
static ngx_uint_t ngx_llm_health_decay(ngx_uint_t n, ngx_msec_t age);


ngx_msec_t
ngx_llm_health_since(ngx_msec_t then, ngx_msec_t now)
{
    ngx_msec_int_t  age;

    age = (ngx_msec_int_t) (now - then);

    if (age >= 0) {
        return (ngx_msec_t) age;
    }

    return age >= -NGX_LLM_HEALTH_SKEW ? 0 : NGX_MAX_INT32_VALUE;
}


ngx_msec_t
ngx_llm_health_left(ngx_msec_t then, ngx_msec_t now, ngx_msec_t max)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (then - now);

    if (left <= 0 || left > (ngx_msec_int_t) max + NGX_LLM_HEALTH_SKEW) {
        return 0;
    }

    return ngx_min((ngx_msec_t) left, max);
}


ngx_llm_health_e
ngx_llm_health_check(ngx_llm_health_t *h, ngx_msec_t *wait)
{
    ngx_msec_t            now, cool;
    ngx_llm_health_e      rc;
    ngx_llm_health_sh_t  *sh;

    *wait = 0;

    if (h == NULL) {
        return NGX_LLM_HEALTH_OK;
    }

    sh = h->sh;

    if (sh->state == NGX_LLM_HEALTH_IS_CLOSED
        && !(sh->recovering | sh->cooling | sh->down))
    {
        return NGX_LLM_HEALTH_OK;
    }

    now = ngx_current_msec;
    cool = 0;

    ngx_llm_health_settle(h, now);

    if (sh->cooling) {
        cool = ngx_llm_health_left(sh->cool, now, NGX_LLM_HEALTH_COOL_MAX);
    }

    rc = ngx_llm_health_breaker_check(sh, now, wait);

    if (sh->down) {
        rc = NGX_LLM_HEALTH_DOWN;
        *wait = ngx_max(*wait, NGX_LLM_HEALTH_DOWN_ASK);

    } else if (*wait == 0) {

        if (cool) {
            rc = NGX_LLM_HEALTH_COOLING;

        } else if (rc == NGX_LLM_HEALTH_OK
                   && sh->recovering
                   && !ngx_llm_health_breaker_draw(sh, now))
        {
            rc = NGX_LLM_HEALTH_RECOVERING;
            *wait = NGX_LLM_HEALTH_DRAW_ASK;
        }
    }

    *wait = ngx_max(*wait, cool);

    return rc;
}


/* what time has ended is forgotten, so that it cannot come back by a wrap */

static void
ngx_llm_health_settle(ngx_llm_health_t *h, ngx_msec_t now)
{
    ngx_uint_t            cooled, recovered;
    ngx_llm_health_sh_t  *sh;

    sh = h->sh;

    cooled = sh->cooling
             && ngx_llm_health_left(sh->cool, now, NGX_LLM_HEALTH_COOL_MAX)
                == 0;

    recovered = sh->recovering && ngx_llm_health_breaker_recovered(sh, now);

    if (!cooled && !recovered) {
        return;
    }

    ngx_llm_zone_lock(h->zone);

    if (sh->cooling
        && ngx_llm_health_left(sh->cool, now, NGX_LLM_HEALTH_COOL_MAX) == 0)
    {
        sh->cooling = 0;
    }

    if (sh->recovering && ngx_llm_health_breaker_recovered(sh, now)) {
        sh->recovering = 0;
    }

    ngx_llm_zone_unlock(h->zone);
}


ngx_int_t
ngx_llm_health_acquire(ngx_llm_health_t *h, ngx_llm_health_ticket_t *ticket)
{
    ngx_int_t             rc;
    ngx_llm_health_sh_t  *sh;

    ngx_memzero(ticket, sizeof(ngx_llm_health_ticket_t));

    if (h == NULL) {
        return NGX_OK;
    }

    sh = h->sh;

    ticket->epoch = sh->epoch;

    ngx_memory_barrier();

    if (sh->state != NGX_LLM_HEALTH_IS_CLOSED) {

        ngx_llm_zone_lock(h->zone);

        rc = ngx_llm_health_breaker_acquire(sh, ticket, ngx_current_msec);

        ngx_llm_zone_unlock(h->zone);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    h->slot->inflight++;
    ticket->taken = 1;

    return NGX_OK;
}


ngx_llm_health_change_e
ngx_llm_health_answered(ngx_llm_health_t *h, ngx_llm_health_ticket_t *ticket,
    ngx_msec_int_t first_byte)
{
    ngx_msec_t               now;
    ngx_llm_health_change_e  change;

    if (h == NULL || !ticket->taken) {
        return NGX_LLM_HEALTH_SAME;
    }

    now = ngx_current_msec;
    change = NGX_LLM_HEALTH_SAME;

    ngx_llm_zone_lock(h->zone);

    ngx_llm_health_measure(h->sh, first_byte, now);

    if (h->sh->state != NGX_LLM_HEALTH_IS_CLOSED) {
        change = ngx_llm_health_breaker_result(h->sh, ticket,
                                               NGX_LLM_HEALTH_SUCCESS, now);
    }

    if (change == NGX_LLM_HEALTH_CLOSED) {

        /* from here on it is an attempt like others, with an end to count */

        ticket->epoch = h->sh->epoch;
        ticket->probe = 0;
    }

    ngx_llm_zone_unlock(h->zone);

    return change;
}


ngx_llm_health_change_e
ngx_llm_health_release(ngx_llm_health_t *h, ngx_llm_health_ticket_t *ticket,
    ngx_llm_health_result_e result, ngx_msec_int_t first_byte)
{
    ngx_msec_t               now;
    ngx_llm_health_change_e  change;

    if (h == NULL || !ticket->taken) {
        return NGX_LLM_HEALTH_SAME;
    }

    ticket->taken = 0;

    if (h->slot->inflight) {
        h->slot->inflight--;
    }

    now = ngx_current_msec;

    ngx_llm_zone_lock(h->zone);

    ngx_llm_health_measure(h->sh, first_byte, now);

    change = ngx_llm_health_breaker_result(h->sh, ticket, result, now);

    ngx_llm_zone_unlock(h->zone);

    return change;
}


ngx_uint_t
ngx_llm_health_cool(ngx_llm_health_t *h, ngx_msec_t pause)
{
    ngx_msec_t            now, left;
    ngx_llm_health_sh_t  *sh;

    if (h == NULL || pause == 0) {
        return 0;
    }

    sh = h->sh;
    now = ngx_current_msec;
    pause = ngx_min(pause, NGX_LLM_HEALTH_COOL_MAX);

    ngx_llm_zone_lock(h->zone);

    left = sh->cooling ? ngx_llm_health_left(sh->cool, now,
                                             NGX_LLM_HEALTH_COOL_MAX)
                       : 0;

    if (pause > left) {
        sh->cool = now + pause;

        ngx_memory_barrier();
        sh->cooling = 1;
    }

    ngx_llm_zone_unlock(h->zone);

    return left == 0;
}


void
ngx_llm_health_remaining(ngx_llm_health_t *h, ngx_int_t remaining,
    ngx_msec_t reset)
{
    if (remaining == 0) {
        (void) ngx_llm_health_cool(h, reset);
    }
}


void
ngx_llm_health_set_down(ngx_llm_health_t *h, ngx_uint_t down)
{
    if (h) {
        h->sh->down = (down != 0);
    }
}


static void
ngx_llm_health_measure(ngx_llm_health_sh_t *sh, ngx_msec_int_t first_byte,
    ngx_msec_t now)
{
    ngx_msec_t  age;
    ngx_uint_t  n, last;

    if (first_byte < 0) {
        return;
    }

    n = (ngx_uint_t) ngx_min(first_byte, NGX_LLM_HEALTH_SLOWEST) * 1000;
    n = ngx_max(n, 1);

    last = sh->latency;

    if (n < last) {
        age = ngx_llm_health_since(sh->measured, now);
        n += ngx_llm_health_decay(last - n, age);
    }

    sh->measured = now;
    sh->latency = n;
}


ngx_uint_t
ngx_llm_health_latency(ngx_llm_health_t *h)
{
    ngx_msec_t  age;
    ngx_uint_t  n;

    if (h == NULL || h->sh->latency == 0) {
        return 0;
    }

    age = ngx_llm_health_since(h->sh->measured, ngx_current_msec);
    n = ngx_llm_health_decay(h->sh->latency, age);

    return ngx_max(n, 1);
}


/* n * 2^(-age / HALF), rounded down; n fits in 32 bits */

static ngx_uint_t
ngx_llm_health_decay(ngx_uint_t n, ngx_msec_t age)
{
    uint64_t    f, w;
    ngx_msec_t  halves;

    halves = age / NGX_LLM_HEALTH_HALF;

    if (halves >= 32) {
        return 0;
    }

    /* in a half, 2^-f is within 1/5000 of 1 - 0.6717 f + 0.1717 f^2 */

    f = (age % NGX_LLM_HEALTH_HALF) * NGX_LLM_HEALTH_ONE / NGX_LLM_HEALTH_HALF;

    w = NGX_LLM_HEALTH_ONE - f * 6717 / 10000
        + f * f / NGX_LLM_HEALTH_ONE * 1717 / 10000;

    return (ngx_uint_t) ((n * w / NGX_LLM_HEALTH_ONE) >> halves);
}


const char *
ngx_llm_health_state(ngx_llm_health_t *h)
{
    ngx_msec_t  wait;

    if (h == NULL || h->sh->state == NGX_LLM_HEALTH_IS_CLOSED) {
        return "closed";
    }

    if (h->sh->state == NGX_LLM_HEALTH_IS_PROBING
        || ngx_llm_health_breaker_check(h->sh, ngx_current_msec, &wait)
           == NGX_LLM_HEALTH_PROBE)
    {
        return "half_open";
    }

    return "open";
}
