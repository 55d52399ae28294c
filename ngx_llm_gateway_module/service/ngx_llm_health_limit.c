
/*
 * Counts over time: the account's minute, the retry budget, and the ring of
 * seconds that they, and the breaker's results, are kept in.
 */


#include "ngx_llm_health_state.h"


#define NGX_LLM_HEALTH_SECOND     1000
#define NGX_LLM_HEALTH_MOVES_MIN  3

/* attempts end when they like: a guess at when one will */
#define NGX_LLM_HEALTH_FULL_ASK   100


static ngx_llm_health_minute_t *ngx_llm_health_minute(ngx_llm_health_t *h,
    ngx_msec_t now);
static ngx_msec_t ngx_llm_health_minute_full(ngx_llm_health_minute_t *m,
    ngx_uint_t rpm, ngx_uint_t tpm, ngx_uint_t tokens, ngx_msec_t now);
static ngx_msec_t ngx_llm_health_minute_wait(ngx_llm_health_minute_t *m,
    ngx_uint_t i, uint64_t need, uint64_t limit, ngx_msec_t now);
static ngx_uint_t ngx_llm_health_moves_left(ngx_llm_health_sh_t *sh,
    ngx_uint_t percent);


void
ngx_llm_health_ring_init(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t size, ngx_msec_t now)
{
    ring->start = now;
    ring->pos = 0;
    ring->size = (uint32_t) size;

    ngx_memzero(cells, size * sizeof(ngx_llm_health_cell_t));
}


void
ngx_llm_health_ring_turn(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_msec_t now)
{
    ngx_msec_t  seconds;

    seconds = ngx_llm_health_since(ring->start, now) / NGX_LLM_HEALTH_SECOND;

    if (seconds >= ring->size) {
        ngx_llm_health_ring_init(ring, cells, ring->size, now);
        return;
    }

    while (seconds--) {
        ring->start += NGX_LLM_HEALTH_SECOND;
        ring->pos = (ring->pos + 1) % ring->size;

        cells[ring->pos].n[0] = 0;
        cells[ring->pos].n[1] = 0;
    }
}


void
ngx_llm_health_ring_add(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t i, uint64_t n)
{
    uint32_t  *cell;

    cell = &cells[ring->pos].n[i];

    n = ngx_min(n, (uint64_t) NGX_MAX_UINT32_VALUE - *cell);

    *cell += (uint32_t) n;
}


uint64_t
ngx_llm_health_ring_sum(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t i)
{
    uint32_t  k;
    uint64_t  sum;

    sum = 0;

    for (k = 0; k < ring->size; k++) {
        sum += cells[k].n[i];
    }

    return sum;
}


ngx_int_t
ngx_llm_health_admit(ngx_llm_health_t *h, ngx_uint_t rpm, ngx_uint_t tpm,
    ngx_uint_t inflight, ngx_uint_t tokens, ngx_msec_t *wait)
{
    ngx_msec_t                now;
    ngx_llm_health_minute_t  *m;

    *wait = 0;

    if (h == NULL) {
        return NGX_OK;
    }

    if (inflight && ngx_llm_health_inflight(h) >= inflight) {
        *wait = NGX_LLM_HEALTH_FULL_ASK;
        return NGX_BUSY;
    }

    if (rpm == 0 && tpm == 0) {
        return NGX_OK;
    }

    now = ngx_current_msec;

    ngx_llm_zone_lock(h->zone);

    m = ngx_llm_health_minute(h, now);

    if (m == NULL) {
        ngx_llm_zone_unlock(h->zone);
        return NGX_OK;
    }

    *wait = ngx_llm_health_minute_full(m, rpm, tpm, tokens, now);

    if (*wait == 0) {
        ngx_llm_health_ring_add(&m->ring, m->cells, 0, 1);
        ngx_llm_health_ring_add(&m->ring, m->cells, 1, tokens);
    }

    ngx_llm_zone_unlock(h->zone);

    return *wait ? NGX_BUSY : NGX_OK;
}


ngx_msec_t
ngx_llm_health_full(ngx_llm_health_t *h, ngx_uint_t rpm, ngx_uint_t tpm,
    ngx_uint_t tokens)
{
    ngx_msec_t                now, wait;
    ngx_llm_health_minute_t  *m;

    if (h == NULL || h->sh->minute == NULL) {
        return 0;
    }

    now = ngx_current_msec;

    ngx_llm_zone_lock(h->zone);

    m = ngx_llm_health_minute(h, now);
    wait = m ? ngx_llm_health_minute_full(m, rpm, tpm, tokens, now) : 0;

    ngx_llm_zone_unlock(h->zone);

    return wait;
}


/* most upstreams have no limits of their own, and no memory for them */

static ngx_llm_health_minute_t *
ngx_llm_health_minute(ngx_llm_health_t *h, ngx_msec_t now)
{
    ngx_llm_health_minute_t  *m;

    m = h->sh->minute;

    if (m) {
        ngx_llm_health_ring_turn(&m->ring, m->cells, now);
        return m;
    }

    m = ngx_llm_zone_alloc_locked(h->zone, sizeof(ngx_llm_health_minute_t));
    if (m == NULL) {
        return NULL;
    }

    ngx_llm_health_ring_init(&m->ring, m->cells, NGX_LLM_HEALTH_MINUTE, now);

    h->sh->minute = m;

    return m;
}


/* 0: one more request fits; else the time until it may */

static ngx_msec_t
ngx_llm_health_minute_full(ngx_llm_health_minute_t *m, ngx_uint_t rpm,
    ngx_uint_t tpm, ngx_uint_t tokens, ngx_msec_t now)
{
    ngx_msec_t  wait, w;

    wait = rpm ? ngx_llm_health_minute_wait(m, 0, 1, rpm, now) : 0;

    if (tpm) {

        /* an estimate that never fits would wait for ever */

        w = ngx_llm_health_minute_wait(m, 1, ngx_min(tokens, tpm), tpm, now);
        wait = ngx_max(wait, w);
    }

    return wait;
}


/* 0: it fits now; else how many of the oldest seconds must go by first */

static ngx_msec_t
ngx_llm_health_minute_wait(ngx_llm_health_minute_t *m, ngx_uint_t i,
    uint64_t need, uint64_t limit, ngx_msec_t now)
{
    uint64_t        sum;
    ngx_uint_t      k;
    ngx_msec_int_t  wait;

    sum = ngx_llm_health_ring_sum(&m->ring, m->cells, i);

    if (sum + need <= limit) {
        return 0;
    }

    for (k = 1; k < NGX_LLM_HEALTH_MINUTE; k++) {
        sum -= m->cells[(m->ring.pos + k) % NGX_LLM_HEALTH_MINUTE].n[i];

        if (sum + need <= limit) {
            break;
        }
    }

    wait = (ngx_msec_int_t) (m->ring.start + k * NGX_LLM_HEALTH_SECOND - now);

    return wait > 0 ? (ngx_msec_t) wait : 1;
}


void
ngx_llm_health_tokens(ngx_llm_health_t *h, ngx_msec_t admitted,
    ngx_int_t difference)
{
    uint32_t                 *n;
    uint64_t                  less;
    ngx_msec_t                back;
    ngx_msec_int_t            before;
    ngx_llm_health_minute_t  *m;

    if (h == NULL || difference == 0) {
        return;
    }

    ngx_llm_zone_lock(h->zone);

    m = h->sh->minute;

    if (m == NULL) {
        goto done;
    }

    ngx_llm_health_ring_turn(&m->ring, m->cells, ngx_current_msec);

    if (difference > 0) {
        ngx_llm_health_ring_add(&m->ring, m->cells, 1, (uint64_t) difference);
        goto done;
    }

    /*
     * What was estimated too high is taken from the second that it was
     * counted in; if that one is forgotten the others are not to suffer.
     */

    back = 0;
    before = (ngx_msec_int_t) (m->ring.start - admitted);

    if (before > 0) {
        back = ((ngx_msec_t) before + NGX_LLM_HEALTH_SECOND - 1)
               / NGX_LLM_HEALTH_SECOND;

        if (back >= NGX_LLM_HEALTH_MINUTE) {
            goto done;
        }
    }

    n = &m->cells[(m->ring.pos + NGX_LLM_HEALTH_MINUTE - back)
                  % NGX_LLM_HEALTH_MINUTE].n[1];

    less = (uint64_t) 0 - (uint64_t) (int64_t) difference;

    *n -= (uint32_t) ngx_min(less, (uint64_t) *n);

done:

    ngx_llm_zone_unlock(h->zone);
}


void
ngx_llm_health_count(ngx_llm_health_t *h)
{
    ngx_llm_health_recent_t  *b;

    if (h == NULL) {
        return;
    }

    b = &h->sh->budget;

    ngx_llm_zone_lock(h->zone);

    ngx_llm_health_ring_turn(&b->ring, b->cells, ngx_current_msec);
    ngx_llm_health_ring_add(&b->ring, b->cells, 0, 1);

    ngx_llm_zone_unlock(h->zone);
}


ngx_int_t
ngx_llm_health_spend(ngx_llm_health_t *h, ngx_uint_t percent)
{
    ngx_int_t                 rc;
    ngx_llm_health_recent_t  *b;

    if (h == NULL) {
        return NGX_OK;
    }

    b = &h->sh->budget;
    rc = NGX_BUSY;

    ngx_llm_zone_lock(h->zone);

    ngx_llm_health_ring_turn(&b->ring, b->cells, ngx_current_msec);

    if (ngx_llm_health_moves_left(h->sh, percent)) {
        ngx_llm_health_ring_add(&b->ring, b->cells, 1, 1);
        rc = NGX_OK;
    }

    ngx_llm_zone_unlock(h->zone);

    return rc;
}


ngx_uint_t
ngx_llm_health_budget(ngx_llm_health_t *h, ngx_uint_t percent)
{
    ngx_uint_t                left;
    ngx_llm_health_recent_t  *b;

    if (h == NULL) {
        return 1;
    }

    b = &h->sh->budget;

    ngx_llm_zone_lock(h->zone);

    ngx_llm_health_ring_turn(&b->ring, b->cells, ngx_current_msec);
    left = ngx_llm_health_moves_left(h->sh, percent);

    ngx_llm_zone_unlock(h->zone);

    return left;
}


static ngx_uint_t
ngx_llm_health_moves_left(ngx_llm_health_sh_t *sh, ngx_uint_t percent)
{
    uint64_t                  requests, moves, most;
    ngx_llm_health_recent_t  *b;

    b = &sh->budget;

    requests = ngx_llm_health_ring_sum(&b->ring, b->cells, 0);
    moves = ngx_llm_health_ring_sum(&b->ring, b->cells, 1);

    /* ten counters of 32 bits, and percents of 16: no overflow */

    percent = ngx_min(percent, 0xffff);
    most = requests * percent / 100;

    return moves < ngx_max(most, NGX_LLM_HEALTH_MOVES_MIN);
}
