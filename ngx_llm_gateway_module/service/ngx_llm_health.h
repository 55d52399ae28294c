
/*
 * Health of upstreams in the zone, shared by all workers: breaker, cool-down,
 * latency, requests in flight, account limits, retry budget.  Knows no
 * request: the locked part takes a handle and numbers.
 *
 * The way of an attempt: check() any number of candidates, admit() where the
 * account has limits, acquire() the chosen one, answered() when its first
 * byte came, release() at its end.
 */


#ifndef _NGX_LLM_HEALTH_H_INCLUDED_
#define _NGX_LLM_HEALTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_zone.h"


/* one upstream: a provider, or a model at a provider */
typedef struct ngx_llm_health_s  ngx_llm_health_t;


typedef enum {
    NGX_LLM_HEALTH_OK = 0,
    NGX_LLM_HEALTH_OPEN,          /* breaker open: not now */
    NGX_LLM_HEALTH_RECOVERING,    /* this one rather elsewhere, if it can */
    NGX_LLM_HEALTH_PROBE,         /* half open: this caller may probe */
    NGX_LLM_HEALTH_COOLING,       /* the provider asked for a pause */
    NGX_LLM_HEALTH_AUTH,          /* our credential failed */
    NGX_LLM_HEALTH_DOWN,          /* the active probe says so */
    NGX_LLM_HEALTH_FULL           /* for callers: admit() said NGX_BUSY */
} ngx_llm_health_e;


/* how an attempt went, for the breaker */

typedef enum {
    NGX_LLM_HEALTH_SUCCESS = 0,
    NGX_LLM_HEALTH_FAILURE,       /* connect, timeout, reset, 5xx, invalid */
    NGX_LLM_HEALTH_REFUSED,       /* 429: no fault, but a pause */
    NGX_LLM_HEALTH_DENIED,        /* auth */
    NGX_LLM_HEALTH_NEUTRAL,       /* the caller's own error: it did answer */
    NGX_LLM_HEALTH_ABANDONED      /* client left, attempt aborted: no word */
} ngx_llm_health_result_e;


/* what the result changed, for the error log */

typedef enum {
    NGX_LLM_HEALTH_SAME = 0,
    NGX_LLM_HEALTH_OPENED,        /* opened, or opened again by a probe */
    NGX_LLM_HEALTH_REJECTED,      /* the same, for our credential's sake */
    NGX_LLM_HEALTH_CLOSED
} ngx_llm_health_change_e;


/*
 * An attempt under way, in the caller's memory.  A result of an attempt that
 * began before the breaker's last change says nothing about the time after,
 * so the ticket holds when it began.
 */

typedef struct {
    uint32_t                 epoch;
    uint32_t                 probe;      /* 0: an ordinary attempt */
    ngx_uint_t               taken;      /* 0: nothing to release */
} ngx_llm_health_ticket_t;


/*
 * Finds or makes the record of this name (1 to 511 bytes) in the zone; called
 * in init_process, by each worker for each name that it will use, so that
 * reload finds records by name and none is evicted under a living worker.
 * The handle is of the cycle's pool.  NULL: the zone is full of records in
 * use; every function below takes NULL and says healthy.
 */
ngx_llm_health_t *ngx_llm_health_get(ngx_llm_zone_t *zone, ngx_str_t *name);

/*
 * Whether the upstream may be tried now; takes nothing.  *wait is set to the
 * milliseconds until it may be worth asking again, where it may not.  While
 * it recovers the answer is drawn anew for each call.
 */
ngx_llm_health_e ngx_llm_health_check(ngx_llm_health_t *h, ngx_msec_t *wait);

/*
 * Takes the upstream for one attempt: counts it in flight, takes the single
 * probe if it is half open.  NGX_OK, or NGX_BUSY where the probe is under way
 * elsewhere: then nothing is taken.  A caller that tries an upstream in spite
 * of OPEN, AUTH, COOLING or DOWN gets NGX_OK; its success closes the breaker.
 */
ngx_int_t ngx_llm_health_acquire(ngx_llm_health_t *h,
    ngx_llm_health_ticket_t *ticket);

/*
 * The attempt's first byte (of content) came after this many milliseconds: a
 * probe need not wait for the end of its stream.  May be left out; at most
 * once for a ticket, and release() is then given -1.
 */
ngx_llm_health_change_e ngx_llm_health_answered(ngx_llm_health_t *h,
    ngx_llm_health_ticket_t *ticket, ngx_msec_int_t first_byte);

/*
 * The attempt's end; first_byte in milliseconds, -1 where none came.  Does
 * nothing if the ticket is not taken, so it may be called again by a clean-up.
 */
ngx_llm_health_change_e ngx_llm_health_release(ngx_llm_health_t *h,
    ngx_llm_health_ticket_t *ticket, ngx_llm_health_result_e result,
    ngx_msec_int_t first_byte);

/*
 * The provider asked for a pause; at most 5 minutes, the longest one counts.
 * 1: there was none before.
 */
ngx_uint_t ngx_llm_health_cool(ngx_llm_health_t *h, ngx_msec_t pause);

/*
 * x-ratelimit-remaining: if it is 0, nothing is left until reset milliseconds
 * passed.  Other values are ignored, negative ones being unknown.
 */
void ngx_llm_health_remaining(ngx_llm_health_t *h, ngx_int_t remaining,
    ngx_msec_t reset);

/*
 * The active probe's word; it lasts, over reload too: whoever finds no probe
 * configured for a name says 0.
 */
void ngx_llm_health_set_down(ngx_llm_health_t *h, ngx_uint_t down);

/*
 * Peak-EWMA of the first byte, microseconds; 0: unknown.  Falls while nothing
 * is sent, so that an upstream that was slow is tried again.
 */
ngx_uint_t ngx_llm_health_latency(ngx_llm_health_t *h);

/* attempts of all workers; those of a dead worker for at most a second */
ngx_uint_t ngx_llm_health_inflight(ngx_llm_health_t *h);

/*
 * The account's limits as a sliding minute: NGX_OK and counted, or NGX_BUSY,
 * nothing counted, and *wait milliseconds until it may fit.  Zero limits are
 * none.  tokens is an estimate that ngx_llm_health_tokens() corrects; one
 * above tpm fits when no other tokens are counted.  What is in flight is
 * compared with, and counted by acquire().  If the zone has no room for the
 * counters, rpm and tpm are not held.
 */
ngx_int_t ngx_llm_health_admit(ngx_llm_health_t *h, ngx_uint_t rpm,
    ngx_uint_t tpm, ngx_uint_t inflight, ngx_uint_t tokens, ngx_msec_t *wait);

/*
 * 0: the minute has room for one more request of so many tokens; else the
 * milliseconds until it may.  Nothing is counted.
 */
ngx_msec_t ngx_llm_health_full(ngx_llm_health_t *h, ngx_uint_t rpm,
    ngx_uint_t tpm, ngx_uint_t tokens);

/* admitted is ngx_current_msec at admit(): the minute that is corrected */
void ngx_llm_health_tokens(ngx_llm_health_t *h, ngx_msec_t admitted,
    ngx_int_t difference);

/*
 * Retry budget: requests and moves of the last ten seconds.  count() is
 * called for each first attempt; spend() for each retry or switch: NGX_OK and
 * counted, or NGX_BUSY if moves would exceed percent of requests (a floor of
 * three moves is always allowed).
 */
void ngx_llm_health_count(ngx_llm_health_t *h);
ngx_int_t ngx_llm_health_spend(ngx_llm_health_t *h, ngx_uint_t percent);
/* whether spend() would say NGX_OK */
ngx_uint_t ngx_llm_health_budget(ngx_llm_health_t *h, ngx_uint_t percent);

/* state for people: "closed", "open", "half_open" */
const char *ngx_llm_health_state(ngx_llm_health_t *h);


#endif /* _NGX_LLM_HEALTH_H_INCLUDED_ */
