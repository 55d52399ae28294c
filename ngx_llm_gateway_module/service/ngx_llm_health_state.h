
/*
 * What lies in the zone for an upstream, shared by the files that keep it.
 * Nobody else includes this.
 *
 * Everything is written under the zone's lock, which nginx takes away from a
 * worker that dies with it, but for the slots: each has one writer.  Words
 * are read without the lock where an answer that is a moment old will do.
 *
 * Times are ngx_current_msec: the host's monotonic clock, so the workers'
 * agree but for their caches' age.  They are compared by difference, and a
 * difference that cannot be is one of a clock that wrapped since.
 */


#ifndef _NGX_LLM_HEALTH_STATE_H_INCLUDED_
#define _NGX_LLM_HEALTH_STATE_H_INCLUDED_


#include "ngx_llm_health.h"


#define NGX_LLM_HEALTH_SECONDS   10     /* of results, and of the budget */
#define NGX_LLM_HEALTH_MINUTE    61     /* seconds: a minute, and the begun */

#define NGX_LLM_HEALTH_SLOTS     30     /* workers in one block of slots */

/* how far the caches of two workers' clocks may be apart */
#define NGX_LLM_HEALTH_SKEW      60000

#define NGX_LLM_HEALTH_COOL_MAX  300000


/* two counters for each second, in a ring that turns with time */

typedef struct {
    ngx_msec_t                   start;    /* of the second at pos */
    uint32_t                     pos;
    uint32_t                     size;
} ngx_llm_health_ring_t;


typedef struct {
    uint32_t                     n[2];
} ngx_llm_health_cell_t;


typedef struct {
    ngx_llm_health_ring_t        ring;
    ngx_llm_health_cell_t        cells[NGX_LLM_HEALTH_SECONDS];
} ngx_llm_health_recent_t;


typedef struct {
    ngx_llm_health_ring_t        ring;     /* n: requests, tokens */
    ngx_llm_health_cell_t        cells[NGX_LLM_HEALTH_MINUTE];
} ngx_llm_health_minute_t;


/* what a worker has in flight; a slot is written by its owner alone */

typedef struct {
    volatile ngx_pid_t           pid;      /* 0: nobody's */
    volatile uint32_t            inflight;
} ngx_llm_health_slot_t;


typedef struct ngx_llm_health_block_s  ngx_llm_health_block_t;

struct ngx_llm_health_block_s {
    ngx_llm_health_block_t      *next;
    ngx_uint_t                   first;    /* ngx_process_slot of slots[0] */
    ngx_llm_health_slot_t        slots[NGX_LLM_HEALTH_SLOTS];
};


/*
 *   CLOSED   --> OPEN      five failures in a row, or half of the recent
 *                          results; or our credential was refused
 *   OPEN     --> PROBING   until passed, and somebody acquires: the probe
 *   OPEN     --> CLOSED    an attempt in spite of the breaker succeeded
 *   PROBING  --> CLOSED    the probe was answered; then a while recovering
 *   PROBING  --> OPEN      for longer: the probe failed
 *   PROBING  --> OPEN      with until passed: it was abandoned, or refused
 *   PROBING  --> PROBING   it is given up, and somebody else acquires
 *
 * OPEN with until passed, and PROBING, are both "half open" to others.  The
 * epoch changes where the breaker opens or closes.
 */

typedef enum {
    NGX_LLM_HEALTH_IS_CLOSED = 0,
    NGX_LLM_HEALTH_IS_OPEN,
    NGX_LLM_HEALTH_IS_PROBING
} ngx_llm_health_state_e;


typedef struct ngx_llm_health_sh_s  ngx_llm_health_sh_t;

struct ngx_llm_health_sh_s {
    ngx_llm_health_sh_t         *next;     /* of the same hash */
    ngx_llm_health_block_t      *blocks;
    ngx_llm_health_minute_t     *minute;   /* NULL: no limits so far */
    ngx_uint_t                   used;     /* the last get(), for LRU */

    volatile uint32_t            state;
    volatile uint32_t            auth;     /* open for our credential */
    volatile uint32_t            epoch;
    volatile uint32_t            recovering;
    volatile uint32_t            cooling;
    volatile uint32_t            down;
    uint32_t                     fails;    /* in a row */
    uint32_t                     level;    /* failed probes */
    uint32_t                     probes;
    uint32_t                     probe;    /* under way, 0: none */

    volatile ngx_msec_t          until;    /* OPEN: the next probe */
    volatile ngx_msec_t          probed;   /* PROBING: since */
    volatile ngx_msec_t          closed;   /* recovering: since */
    volatile ngx_msec_t          cool;     /* cooling: until */
    ngx_atomic_t                 draws;

    volatile ngx_uint_t          latency;  /* microseconds at measured */
    volatile ngx_msec_t          measured;
    volatile ngx_msec_t          reaped;

    ngx_llm_health_recent_t      results;  /* n: successes, failures */
    ngx_llm_health_recent_t      budget;   /* n: requests, moves */

    uint32_t                     hash;
    uint16_t                     len;
    u_char                       name[1];
};


struct ngx_llm_health_s {
    ngx_llm_health_sh_t         *sh;
    ngx_llm_health_slot_t       *slot;     /* this worker's */
    ngx_llm_zone_t              *zone;
};


/* ngx_llm_health.c */

/* milliseconds since then; 0 if it is another worker's near future */
ngx_msec_t ngx_llm_health_since(ngx_msec_t then, ngx_msec_t now);
/* milliseconds until then, which never was further away than max */
ngx_msec_t ngx_llm_health_left(ngx_msec_t then, ngx_msec_t now,
    ngx_msec_t max);


/* ngx_llm_health_breaker.c; all but check() under the zone's lock */

/* OK, OPEN, PROBE or AUTH; of the breaker alone */
ngx_llm_health_e ngx_llm_health_breaker_check(ngx_llm_health_sh_t *sh,
    ngx_msec_t now, ngx_msec_t *wait);
ngx_int_t ngx_llm_health_breaker_acquire(ngx_llm_health_sh_t *sh,
    ngx_llm_health_ticket_t *ticket, ngx_msec_t now);
ngx_llm_health_change_e ngx_llm_health_breaker_result(ngx_llm_health_sh_t *sh,
    ngx_llm_health_ticket_t *ticket, ngx_llm_health_result_e result,
    ngx_msec_t now);
/* the share of a recovery that is let through: drawn for this caller */
ngx_uint_t ngx_llm_health_breaker_draw(ngx_llm_health_sh_t *sh,
    ngx_msec_t now);
/* whether the recovery is over */
ngx_uint_t ngx_llm_health_breaker_recovered(ngx_llm_health_sh_t *sh,
    ngx_msec_t now);


/* ngx_llm_health_limit.c; under the zone's lock */

void ngx_llm_health_ring_init(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t size, ngx_msec_t now);
/* drops the seconds that went by */
void ngx_llm_health_ring_turn(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_msec_t now);
/* to counter i of the current second; stays at its largest value */
void ngx_llm_health_ring_add(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t i, uint64_t n);
uint64_t ngx_llm_health_ring_sum(ngx_llm_health_ring_t *ring,
    ngx_llm_health_cell_t *cells, ngx_uint_t i);


#endif /* _NGX_LLM_HEALTH_STATE_H_INCLUDED_ */
