
/*
 * What the tests of health share: records, attempts, the clock.
 */


#ifndef _HEALTH_CASE_H_INCLUDED_
#define _HEALTH_CASE_H_INCLUDED_


#include "unit.h"
#include "stand_in.h"

#include "ngx_llm_health_state.h"


#define SUCCESS    NGX_LLM_HEALTH_SUCCESS
#define FAILURE    NGX_LLM_HEALTH_FAILURE
#define REFUSED    NGX_LLM_HEALTH_REFUSED
#define DENIED     NGX_LLM_HEALTH_DENIED
#define NEUTRAL    NGX_LLM_HEALTH_NEUTRAL
#define ABANDONED  NGX_LLM_HEALTH_ABANDONED

static ngx_llm_zone_t  *zone;
static ngx_msec_t       wait_ms;


static ngx_inline ngx_llm_health_t *
get(const char *name)
{
    ngx_str_t  s;

    s.len = strlen(name);
    s.data = (u_char *) name;

    return ngx_llm_health_get(zone, &s);
}


/* a record that no test has used */

static ngx_inline ngx_llm_health_t *
fresh(void)
{
    char        name[32];
    static int  n;

    snprintf(name, sizeof(name), "fresh %d", ++n);

    return get(name);
}


static ngx_inline int
check(ngx_llm_health_t *h)
{
    return ngx_llm_health_check(h, &wait_ms);
}


static ngx_inline void
later(ngx_msec_t ms)
{
    ngx_current_msec += ms;
}


/* one attempt from begin to end; what it changed */

static ngx_inline int
attempt(ngx_llm_health_t *h, ngx_llm_health_result_e result)
{
    ngx_llm_health_ticket_t  t;

    if (ngx_llm_health_acquire(h, &t) != NGX_OK) {
        return -1;
    }

    return ngx_llm_health_release(h, &t, result, -1);
}


static ngx_inline void
attempts(ngx_llm_health_t *h, ngx_llm_health_result_e result, int n)
{
    while (n--) {
        attempt(h, result);
    }
}


/* opened by failures, and the pause over */

static ngx_inline ngx_llm_health_t *
half_open(void)
{
    ngx_llm_health_t  *h;

    h = fresh();
    attempts(h, FAILURE, 5);
    later(5500);

    return h;
}


static ngx_inline int
between(ngx_msec_t n, ngx_msec_t least, ngx_msec_t most)
{
    if (n >= least && n <= most) {
        return 1;
    }

    printf("# %" PRIu64 " is not in %" PRIu64 " .. %" PRIu64 "\n",
           (uint64_t) n, (uint64_t) least, (uint64_t) most);

    return 0;
}


/* how many of 1000 callers are let through */

static ngx_inline int
share(ngx_llm_health_t *h)
{
    int  i, n;

    n = 0;

    for (i = 0; i < 1000; i++) {
        if (check(h) == NGX_LLM_HEALTH_OK) {
            n++;

        } else if (wait_ms == 0 || wait_ms > 1000) {
            return -1;
        }
    }

    return n;
}


static ngx_inline void
measured(ngx_llm_health_t *h, ngx_msec_int_t first_byte)
{
    ngx_llm_health_ticket_t  t;

    (void) ngx_llm_health_acquire(h, &t);
    (void) ngx_llm_health_release(h, &t, SUCCESS, first_byte);
}


/* begin and end of a test program */

static ngx_inline void
health_begin(void)
{
    plan(0);

    ngx_pid = getpid();
    ngx_current_msec = 1000000;
    zone = stand_in_zone(0);
}


static ngx_inline int
health_end(void)
{
    stand_in_zone_done(zone);

    while (stand_in_nkept) {
        free(stand_in_kept[--stand_in_nkept]);
    }

    return unit_end();
}


#endif /* _HEALTH_CASE_H_INCLUDED_ */
