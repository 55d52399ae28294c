
/*
 * Health of upstreams in the zone, shared by all workers: breaker, cool-down,
 * latency, requests in flight, account limits, retry budget.  Knows no
 * request: the locked part takes a handle and numbers.
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
    NGX_LLM_HEALTH_OPEN,          /* breaker open */
    NGX_LLM_HEALTH_PROBE,         /* half open: this caller may probe */
    NGX_LLM_HEALTH_COOLING,       /* the provider asked for a pause */
    NGX_LLM_HEALTH_AUTH,          /* our credential failed */
    NGX_LLM_HEALTH_DOWN,          /* the active probe says so */
    NGX_LLM_HEALTH_FULL           /* the account's limit is reached */
} ngx_llm_health_e;


/* how an attempt went, for the breaker */

typedef enum {
    NGX_LLM_HEALTH_SUCCESS = 0,
    NGX_LLM_HEALTH_FAILURE,       /* connect, timeout, reset, 5xx, invalid */
    NGX_LLM_HEALTH_REFUSED,       /* 429: no fault, but a pause */
    NGX_LLM_HEALTH_DENIED,        /* auth */
    NGX_LLM_HEALTH_NEUTRAL        /* the caller's own error, client left */
} ngx_llm_health_result_e;


/*
 * Finds or makes the record of this name (at most 511 bytes) in the zone;
 * called in init_process, so that reload finds records by name.  NULL: the
 * zone is full; every function below takes NULL and says healthy.
 */
ngx_llm_health_t *ngx_llm_health_get(ngx_llm_zone_t *zone, ngx_str_t *name);

/*
 * Whether the upstream may be tried now; takes nothing.  *wait is set to the
 * milliseconds until it may be worth asking again, where it may not.
 */
ngx_llm_health_e ngx_llm_health_check(ngx_llm_health_t *h, ngx_msec_t *wait);

/*
 * Takes the upstream for one attempt: counts it in flight, takes the single
 * probe if it is half open.  NGX_OK, or NGX_BUSY where another worker was
 * faster to take the probe.  Each NGX_OK is paired with one release().
 */
ngx_int_t ngx_llm_health_acquire(ngx_llm_health_t *h);
/* first_byte in milliseconds, -1 where none came */
void ngx_llm_health_release(ngx_llm_health_t *h, ngx_llm_health_result_e result,
    ngx_msec_int_t first_byte);

/* the provider asked for a pause of this many milliseconds (bounded) */
void ngx_llm_health_cool(ngx_llm_health_t *h, ngx_msec_t pause);
/* x-ratelimit-remaining: nothing is left until reset milliseconds passed */
void ngx_llm_health_remaining(ngx_llm_health_t *h, ngx_int_t remaining,
    ngx_msec_t reset);
/* the active probe's word */
void ngx_llm_health_set_down(ngx_llm_health_t *h, ngx_uint_t down);

/* peak-EWMA of the first byte, microseconds; 0: unknown */
ngx_uint_t ngx_llm_health_latency(ngx_llm_health_t *h);
ngx_uint_t ngx_llm_health_inflight(ngx_llm_health_t *h);

/*
 * The account's limits as a sliding minute: NGX_OK and counted, or NGX_BUSY
 * and nothing counted.  Zero limits are none.  tokens is an estimate that
 * ngx_llm_health_tokens() corrects by a difference.
 */
ngx_int_t ngx_llm_health_admit(ngx_llm_health_t *h, ngx_uint_t rpm,
    ngx_uint_t tpm, ngx_uint_t inflight, ngx_uint_t tokens, ngx_msec_t *wait);
void ngx_llm_health_tokens(ngx_llm_health_t *h, ngx_int_t difference);

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
