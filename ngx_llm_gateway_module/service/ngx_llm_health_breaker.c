
/*
 * The breaker of an upstream: when it opens, who probes, how it recovers.
 */


#include "ngx_llm_health_state.h"


#define NGX_LLM_HEALTH_FAILS       5         /* in a row */
#define NGX_LLM_HEALTH_RESULTS     20        /* for a ratio to mean a thing */

#define NGX_LLM_HEALTH_OPEN_MIN    5000
#define NGX_LLM_HEALTH_OPEN_MAX    60000
#define NGX_LLM_HEALTH_AUTH_MIN    30000
#define NGX_LLM_HEALTH_AUTH_MAX    300000
#define NGX_LLM_HEALTH_LEVEL_MAX   8         /* doublings: all are at max */

/* the longest time that open() makes, jitter included */
#define NGX_LLM_HEALTH_UNTIL_MAX                                              \
    (NGX_LLM_HEALTH_AUTH_MAX + NGX_LLM_HEALTH_AUTH_MAX / 10)

#define NGX_LLM_HEALTH_PROBE_MAX   60000
#define NGX_LLM_HEALTH_PROBE_ASK   500

#define NGX_LLM_HEALTH_RECOVERY    10000
#define NGX_LLM_HEALTH_SHARE_MIN   10        /* percent */


static void ngx_llm_health_breaker_open(ngx_llm_health_sh_t *sh,
    ngx_uint_t auth, ngx_uint_t level, ngx_msec_t now);
static void ngx_llm_health_breaker_close(ngx_llm_health_sh_t *sh,
    ngx_msec_t now);
static void ngx_llm_health_breaker_free(ngx_llm_health_sh_t *sh,
    ngx_msec_t now);
static ngx_llm_health_change_e ngx_llm_health_breaker_failed(
    ngx_llm_health_sh_t *sh, ngx_uint_t probe, ngx_msec_t now);
static ngx_llm_health_change_e ngx_llm_health_breaker_denied(
    ngx_llm_health_sh_t *sh, ngx_uint_t probe, ngx_msec_t now);


ngx_llm_health_e
ngx_llm_health_breaker_check(ngx_llm_health_sh_t *sh, ngx_msec_t now,
    ngx_msec_t *wait)
{
    ngx_msec_t  age;

    switch (sh->state) {

    case NGX_LLM_HEALTH_IS_OPEN:

        *wait = ngx_llm_health_left(sh->until, now, NGX_LLM_HEALTH_UNTIL_MAX);

        if (*wait == 0) {
            return NGX_LLM_HEALTH_PROBE;
        }

        break;

    case NGX_LLM_HEALTH_IS_PROBING:

        age = ngx_llm_health_since(sh->probed, now);

        if (age >= NGX_LLM_HEALTH_PROBE_MAX) {
            return NGX_LLM_HEALTH_PROBE;
        }

        *wait = ngx_min(NGX_LLM_HEALTH_PROBE_MAX - age,
                        NGX_LLM_HEALTH_PROBE_ASK);
        break;

    default: /* NGX_LLM_HEALTH_IS_CLOSED */
        return NGX_LLM_HEALTH_OK;
    }

    return sh->auth ? NGX_LLM_HEALTH_AUTH : NGX_LLM_HEALTH_OPEN;
}


ngx_int_t
ngx_llm_health_breaker_acquire(ngx_llm_health_sh_t *sh,
    ngx_llm_health_ticket_t *ticket, ngx_msec_t now)
{
    ngx_msec_t  wait;

    ticket->epoch = sh->epoch;
    ticket->probe = 0;

    switch (ngx_llm_health_breaker_check(sh, now, &wait)) {

    case NGX_LLM_HEALTH_PROBE:
        break;

    case NGX_LLM_HEALTH_OK:
        return NGX_OK;

    default:
        return (sh->state == NGX_LLM_HEALTH_IS_PROBING) ? NGX_BUSY : NGX_OK;
    }

    /*
     * The epoch stays: a probe that was given up because it takes so long
     * may still succeed, and where all answers take so long it has to count.
     */

    if (++sh->probes == 0) {
        sh->probes = 1;
    }

    sh->probe = sh->probes;
    sh->probed = now;

    ngx_memory_barrier();

    sh->state = NGX_LLM_HEALTH_IS_PROBING;

    ticket->probe = sh->probe;

    return NGX_OK;
}


ngx_llm_health_change_e
ngx_llm_health_breaker_result(ngx_llm_health_sh_t *sh,
    ngx_llm_health_ticket_t *ticket, ngx_llm_health_result_e result,
    ngx_msec_t now)
{
    ngx_uint_t  probe;

    if (ticket->epoch != sh->epoch) {
        return NGX_LLM_HEALTH_SAME;
    }

    /* not one that was given up */

    probe = (ticket->probe && ticket->probe == sh->probe);

    switch (result) {

    case NGX_LLM_HEALTH_SUCCESS:

        if (sh->state == NGX_LLM_HEALTH_IS_CLOSED) {
            sh->fails = 0;

            ngx_llm_health_ring_turn(&sh->results.ring, sh->results.cells,
                                     now);
            ngx_llm_health_ring_add(&sh->results.ring, sh->results.cells,
                                    0, 1);

            return NGX_LLM_HEALTH_SAME;
        }

        ngx_llm_health_breaker_close(sh, now);

        return NGX_LLM_HEALTH_CLOSED;

    case NGX_LLM_HEALTH_NEUTRAL:

        if (ticket->probe) {
            ngx_llm_health_breaker_close(sh, now);
            return NGX_LLM_HEALTH_CLOSED;
        }

        return NGX_LLM_HEALTH_SAME;

    case NGX_LLM_HEALTH_FAILURE:
        return ngx_llm_health_breaker_failed(sh, probe, now);

    case NGX_LLM_HEALTH_DENIED:
        return ngx_llm_health_breaker_denied(sh, probe, now);

    default: /* NGX_LLM_HEALTH_REFUSED, NGX_LLM_HEALTH_ABANDONED */

        if (probe) {
            ngx_llm_health_breaker_free(sh, now);
        }

        return NGX_LLM_HEALTH_SAME;
    }
}


static ngx_llm_health_change_e
ngx_llm_health_breaker_failed(ngx_llm_health_sh_t *sh, ngx_uint_t probe,
    ngx_msec_t now)
{
    uint64_t  good, bad;

    if (sh->state != NGX_LLM_HEALTH_IS_CLOSED) {

        if (!probe) {
            return NGX_LLM_HEALTH_SAME;
        }

        ngx_llm_health_breaker_open(sh, 0, sh->auth ? 0 : sh->level + 1, now);

        return NGX_LLM_HEALTH_OPENED;
    }

    sh->fails++;

    ngx_llm_health_ring_turn(&sh->results.ring, sh->results.cells, now);
    ngx_llm_health_ring_add(&sh->results.ring, sh->results.cells, 1, 1);

    if (sh->fails < NGX_LLM_HEALTH_FAILS) {
        good = ngx_llm_health_ring_sum(&sh->results.ring, sh->results.cells,
                                       0);
        bad = ngx_llm_health_ring_sum(&sh->results.ring, sh->results.cells,
                                      1);

        if (good + bad < NGX_LLM_HEALTH_RESULTS || bad < good) {
            return NGX_LLM_HEALTH_SAME;
        }
    }

    ngx_llm_health_breaker_open(sh, 0, 0, now);

    return NGX_LLM_HEALTH_OPENED;
}


static ngx_llm_health_change_e
ngx_llm_health_breaker_denied(ngx_llm_health_sh_t *sh, ngx_uint_t probe,
    ngx_msec_t now)
{
    ngx_uint_t  known;

    known = (sh->state != NGX_LLM_HEALTH_IS_CLOSED && sh->auth);

    if (known && !probe) {
        return NGX_LLM_HEALTH_SAME;
    }

    ngx_llm_health_breaker_open(sh, 1, known ? sh->level + 1 : 0, now);

    return NGX_LLM_HEALTH_REJECTED;
}


static void
ngx_llm_health_breaker_open(ngx_llm_health_sh_t *sh, ngx_uint_t auth,
    ngx_uint_t level, ngx_msec_t now)
{
    ngx_msec_t  pause, max;

    level = ngx_min(level, NGX_LLM_HEALTH_LEVEL_MAX);

    pause = auth ? NGX_LLM_HEALTH_AUTH_MIN : NGX_LLM_HEALTH_OPEN_MIN;
    max = auth ? NGX_LLM_HEALTH_AUTH_MAX : NGX_LLM_HEALTH_OPEN_MAX;

    pause = ngx_min(pause << level, max);

    /* upstreams that failed together should not be probed together */

    pause += (ngx_msec_t) ngx_random() % (pause / 10);

    sh->auth = auth;
    sh->level = level;
    sh->fails = 0;
    sh->probe = 0;
    sh->recovering = 0;
    sh->until = now + pause;

    ngx_memory_barrier();

    sh->state = NGX_LLM_HEALTH_IS_OPEN;

    /*
     * Last: whoever acquires without the lock reads the epoch first, and must
     * not take this one for that of a closed breaker.
     */

    ngx_memory_barrier();

    sh->epoch++;
}


static void
ngx_llm_health_breaker_close(ngx_llm_health_sh_t *sh, ngx_msec_t now)
{
    /*
     * An upstream that comes back may not bear all its traffic at once.  A
     * credential that is accepted again is no matter of load.
     */

    sh->closed = now;
    sh->recovering = !sh->auth;

    sh->auth = 0;
    sh->level = 0;
    sh->fails = 0;
    sh->probe = 0;
    sh->epoch++;

    ngx_llm_health_ring_init(&sh->results.ring, sh->results.cells,
                             NGX_LLM_HEALTH_SECONDS, now);

    ngx_memory_barrier();

    sh->state = NGX_LLM_HEALTH_IS_CLOSED;
}


/* nothing was learnt: the next one probes */

static void
ngx_llm_health_breaker_free(ngx_llm_health_sh_t *sh, ngx_msec_t now)
{
    sh->probe = 0;
    sh->until = now;

    ngx_memory_barrier();

    sh->state = NGX_LLM_HEALTH_IS_OPEN;
}


ngx_uint_t
ngx_llm_health_breaker_draw(ngx_llm_health_sh_t *sh, ngx_msec_t now)
{
    uint32_t    place;
    ngx_msec_t  age, share;

    age = ngx_llm_health_since(sh->closed, now);

    if (age >= NGX_LLM_HEALTH_RECOVERY) {
        return 1;
    }

    share = NGX_LLM_HEALTH_SHARE_MIN
            + age * (100 - NGX_LLM_HEALTH_SHARE_MIN) / NGX_LLM_HEALTH_RECOVERY;

    /*
     * Multiples of the golden ratio fill a circle evenly, however many of
     * them there are: of few draws, too, the share is what it should be.
     */

    place = (uint32_t) ngx_atomic_fetch_add(&sh->draws, 1) * 2654435769u;

    return ((uint64_t) place * 100) >> 32 < share;
}


ngx_uint_t
ngx_llm_health_breaker_recovered(ngx_llm_health_sh_t *sh, ngx_msec_t now)
{
    return ngx_llm_health_since(sh->closed, now) >= NGX_LLM_HEALTH_RECOVERY;
}
