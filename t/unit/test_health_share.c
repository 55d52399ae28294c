
/*
 * Health of upstreams, what is counted and shared: the account's limits, the
 * retry budget, a full zone, a clock that wraps, and workers as processes.
 */


#include "health_case.h"


#define PROCESSES  8
#define ROUNDS     5000


/* times that full() and admit() did not say the same */

static unsigned  disagreed;


static int
admit(ngx_llm_health_t *h, ngx_uint_t rpm, ngx_uint_t tpm, ngx_uint_t tokens)
{
    int         rc;
    ngx_msec_t  full;

    full = ngx_llm_health_full(h, rpm, tpm, tokens);
    rc = ngx_llm_health_admit(h, rpm, tpm, 0, tokens, &wait_ms);

    disagreed += (full != wait_ms);

    return rc;
}


static void
limits(void)
{
    int                       i;
    ngx_msec_t                begun;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t;

    h = fresh();
    is_int(admit(h, 0, 0, 1000), NGX_OK, "no limits");
    ok(h->sh->minute == NULL, "nor memory for them");

    for (i = 0; i < 3; i++) {
        is_int(admit(h, 3, 0, 0), NGX_OK, "request %d of 3", i);
        later(10000);
    }

    is_int(admit(h, 3, 0, 0), NGX_BUSY, "no fourth");
    ok(between(wait_ms, 30000, 31000), "before the first is a minute old");
    later(wait_ms - 1);
    is_int(admit(h, 3, 0, 0), NGX_BUSY, "not sooner than told");
    later(1);
    is_int(admit(h, 3, 0, 0), NGX_OK, "but then");
    is_int(admit(h, 3, 0, 0), NGX_BUSY, "one");
    ok(between(wait_ms, 9000, 10000), "the next when the second is");

    h = fresh();
    is_int(admit(h, 2, 100, 60), NGX_OK, "tokens");
    is_int(admit(h, 2, 100, 60), NGX_BUSY, "that do not fit");
    is_int(admit(h, 2, 100, 40), NGX_OK, "count for nothing, nor a request");
    is_int(admit(h, 2, 0, 0), NGX_BUSY, "requests that do not fit");
    is_int(admit(h, 2, 1000, 1), NGX_BUSY, "though tokens would");
    is_int(admit(h, 9, 0, 0), NGX_OK, "a limit that was raised");
    is_int(admit(h, 0, 100, 1), NGX_BUSY, "count no tokens");
    later(61000);
    is_int(admit(h, 0, 100, 100), NGX_OK, "a minute is over");

    h = fresh();
    begun = ngx_current_msec;
    is_int(admit(h, 0, 100, 1000000), NGX_OK, "more than fits, alone");
    later(5000);
    is_int(admit(h, 0, 100, 1), NGX_BUSY, "is counted in full");
    ngx_llm_health_tokens(h, begun, -999990);
    is_int(admit(h, 0, 100, 90), NGX_OK, "until it is known better");
    is_int(admit(h, 0, 100, 1), NGX_BUSY, "to the token");
    later(56000);
    is_int(admit(h, 0, 100, 10), NGX_OK, "ten of then are forgotten");
    is_int(admit(h, 0, 100, 1), NGX_BUSY, "ninety of later are not");
    ngx_llm_health_tokens(h, begun, -50);
    is_int(admit(h, 0, 100, 1), NGX_BUSY,
           "what is forgotten is not taken from others");
    ngx_llm_health_tokens(h, ngx_current_msec, -10);
    is_int(admit(h, 0, 100, 10), NGX_OK, "what is not, is");
    ngx_llm_health_tokens(h, begun, 500);
    later(5000);
    is_int(admit(h, 0, 100, 1), NGX_BUSY, "more than estimated counts now");
    later(56001);
    is_int(admit(h, 0, 100, 100), NGX_OK, "for a minute");
    ngx_llm_health_tokens(h, ngx_current_msec, NGX_MAX_INT_T_VALUE);
    is_int(admit(h, 0, 1000, 1), NGX_BUSY, "the largest number is large");
    ngx_llm_health_tokens(h, ngx_current_msec, -NGX_MAX_INT_T_VALUE - 1);
    is_int(admit(h, 0, 100, 100), NGX_OK,
           "and the least one no less than none");

    h = fresh();
    is_int(ngx_llm_health_admit(h, 1, 1, 1, 1, &wait_ms), NGX_OK,
           "none in flight");
    (void) ngx_llm_health_acquire(h, &t);
    is_int(ngx_llm_health_admit(h, 9, 9, 1, 1, &wait_ms), NGX_BUSY,
           "one in flight");
    ok(wait_ms > 0, "for some time");
    is_int(ngx_llm_health_admit(h, 9, 9, 2, 1, &wait_ms), NGX_OK,
           "two may be");
    (void) ngx_llm_health_release(h, &t, SUCCESS, 1);

    h = fresh();
    zone->limit = zone->used;
    is_int(admit(h, 1, 0, 0), NGX_OK, "no room");
    is_int(admit(h, 1, 0, 0), NGX_OK, "no limits");
    zone->limit = STAND_IN_SIZE / 2;
    is_int(admit(h, 1, 0, 0), NGX_OK, "room");
    is_int(admit(h, 1, 0, 0), NGX_BUSY, "limits");
}


static void
budget(void)
{
    int                i;
    ngx_llm_health_t  *h;

    h = fresh();

    for (i = 0; i < 3; i++) {
        ok(ngx_llm_health_budget(h, 0), "room for move %d", i);
        is_int(ngx_llm_health_spend(h, 0), NGX_OK, "move %d is free", i);
    }

    ok(!ngx_llm_health_budget(h, 10), "no room");
    is_int(ngx_llm_health_spend(h, 10), NGX_BUSY, "a fourth is not");

    for (i = 0; i < 49; i++) {
        ngx_llm_health_count(h);
    }

    is_int(ngx_llm_health_spend(h, 10), NGX_OK, "49 requests: four");
    is_int(ngx_llm_health_spend(h, 10), NGX_BUSY, "not five");
    ngx_llm_health_count(h);
    is_int(ngx_llm_health_spend(h, 10), NGX_OK, "50 requests: five");
    is_int(ngx_llm_health_spend(h, 10), NGX_BUSY, "not six");
    is_int(ngx_llm_health_spend(h, (ngx_uint_t) 1 << 63), NGX_OK,
           "any percent");

    later(10000);
    is_int(ngx_llm_health_spend(h, 0), NGX_OK, "ten seconds later: anew");

    for (i = 0; i < 100; i++) {
        ngx_llm_health_count(h);
        later(1000);
    }

    for (i = 0; ngx_llm_health_spend(h, 100) == NGX_OK; i++) { /* void */ }

    is_int(i, 9, "of 100 requests in 100 seconds the last count");
}


/* a worker that asks for a name, knows whether it was here, and ends */

static void
visitor(const char *name, int known)
{
    ngx_pid_t          pid;
    ngx_llm_health_t  *h;

    pid = stand_in_worker(1);

    if (pid == 0) {
        h = get(name);

        if (h == NULL) {
            _exit(1);
        }

        if ((check(h) == NGX_LLM_HEALTH_DOWN) != known) {
            _exit(2);
        }

        ngx_llm_health_set_down(h, 1);
        _exit(0);
    }

    is_int(stand_in_wait(pid), 0, "%s is %s", name, known ? "known" : "new");
}


static void
eviction(void)
{
    size_t             size;
    ngx_llm_zone_t    *old;
    ngx_llm_health_t  *h;

    old = zone;
    zone = stand_in_zone(0);

    h = get("mine");
    attempts(h, FAILURE, 5);
    size = zone->used;
    visitor("one", 0);
    size = zone->used - size;
    visitor("two", 0);
    visitor("three", 0);
    visitor("one", 1);

    zone->limit = zone->used;

    later(5500);
    ok(get("four") != NULL, "a full zone has room: two is forgotten");
    ok(zone->used <= zone->limit, "for that");
    visitor("three", 1);
    visitor("one", 1);
    visitor("three", 1);
    ok(get("five") != NULL, "and again: one is");
    visitor("three", 1);
    ok(get("six") != NULL, "and again: three is");
    ok(get("seven") == NULL, "but none in use");
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "they are what they were");

    zone->limit += size - 64;
    later(1000);
    ok(get("seven") == NULL, "a part of a record is none");
    ok(get("seven") == NULL, "nor twice");
    zone->limit += 64;
    ok(get("seven") != NULL, "what is freed is found");
    is_int(zone->used, zone->limit, "all of it");

    stand_in_zone_done(zone);
    zone = old;
}


static void
wraps(void)
{
    ngx_msec_t                old;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t;

    old = ngx_current_msec;
    ngx_current_msec = (ngx_msec_t) -3000;

    h = fresh();
    is_int(check(h), NGX_LLM_HEALTH_OK, "closed before the clock wraps");
    is_int(admit(h, 1, 0, 0), NGX_OK, "a request before");
    ngx_llm_health_cool(h, 4000);
    attempts(h, FAILURE, 5);
    later(3500);
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "open over it");
    ok(between(wait_ms, 1500, 2000), "for the rest");
    is_int(admit(h, 1, 0, 0), NGX_BUSY, "no second request");
    ok(between(wait_ms, 56500, 57500), "for the rest");
    later(2000);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "half open after it");

    ngx_current_msec = (ngx_msec_t) -3000;
    h = fresh();
    attempts(h, FAILURE, 5);
    ngx_current_msec = (ngx_msec_t) -500 + 3000;
    (void) ngx_llm_health_acquire(h, &t);
    later(60000);
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_CLOSED, "a probe after it");
    ngx_current_msec = (ngx_msec_t) -1000;
    h->sh->closed = ngx_current_msec;
    later(6000);
    ok(between(share(h), 630, 650), "a recovery over it");
    measured(h, 300);

    /* half of the clock's range: what was is now in the future */

    ngx_llm_health_cool(h, 4000);
    attempts(h, FAILURE, 5);
    ngx_current_msec += (ngx_msec_t) 1 << (sizeof(ngx_msec_t) * 8 - 1);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "ages later nothing holds");
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_CLOSED, "nor the breaker");
    is_int(ngx_llm_health_latency(h), 1, "nor what was measured");
    is_int(admit(h, 1, 0, 0), NGX_OK, "nor a limit");
    is_int(admit(h, 1, 0, 0), NGX_BUSY, "but what begins then");

    /* a whole range but an hour: the past seems an hour away */

    ngx_llm_health_cool(h, 4000);
    attempts(h, FAILURE, 5);
    ngx_current_msec -= 3600000;
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "nor after more ages");
    is_int(admit(h, 1, 0, 0), NGX_OK, "nor a limit");
    is_int(admit(h, 1, 0, 0), NGX_BUSY, "but what begins then");

    /* another worker's clock is a little behind */

    ngx_current_msec = old;
    h = fresh();
    attempts(h, FAILURE, 5);
    (void) admit(h, 1, 0, 0);
    ngx_current_msec -= 40;
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "open to a clock behind");
    is_int(admit(h, 1, 0, 0), NGX_BUSY, "limits to a clock behind");
    ngx_current_msec += 5540;
    (void) ngx_llm_health_acquire(h, &t);
    ngx_current_msec -= 40;
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "a probe to a clock behind");
    ngx_current_msec += 40;
}


/* a worker in the slot that has three attempts in flight, and goes on so */

static ngx_pid_t
holder(ngx_llm_health_t *h, const char *name, ngx_int_t slot)
{
    int                       i;
    ngx_pid_t                 pid;
    ngx_uint_t                before;
    ngx_llm_health_ticket_t   t;

    before = ngx_llm_health_inflight(h);
    pid = stand_in_worker(slot);

    if (pid == 0) {
        h = get(name);

        for (i = 0; i < 3; i++) {
            (void) ngx_llm_health_acquire(h, &t);
        }

        for ( ;; ) {
            pause();
        }
    }

    while (ngx_llm_health_inflight(h) != before + 3) {
        sched_yield();
    }

    return pid;
}


static void
killed(void)
{
    ngx_pid_t                 near, far;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t;

    h = get("held");
    (void) ngx_llm_health_acquire(h, &t);

    near = holder(h, "held", NGX_LLM_HEALTH_SLOTS);
    far = holder(h, "held", NGX_MAX_PROCESSES - 1);

    is_int(ngx_llm_health_inflight(h), 7, "those of all workers");
    kill(near, SIGKILL);
    is_int(stand_in_wait(near), 256 + SIGKILL, "one is killed");
    is_int(ngx_llm_health_inflight(h), 7, "not noticed within the second");
    later(1000);
    is_int(ngx_llm_health_inflight(h), 4, "but after it");

    kill(far, SIGKILL);
    (void) stand_in_wait(far);
    is_int(ngx_llm_health_inflight(h), 4, "the next is asked for later");

    /* nginx starts another one in the place of the dead */

    far = stand_in_worker(NGX_MAX_PROCESSES - 1);

    if (far == 0) {
        h = get("held");
        (void) ngx_llm_health_acquire(h, &t);

        _exit(ngx_llm_health_inflight(h) != 2);
    }

    is_int(stand_in_wait(far), 0, "its place is taken, its count given back");
    later(1000);
    is_int(ngx_llm_health_inflight(h), 1, "ours is left");
}


typedef struct {
    ngx_atomic_t  ready;
    ngx_atomic_t  taken;
    ngx_atomic_t  busy;
    ngx_atomic_t  through;
    ngx_atomic_t  admitted;
    ngx_atomic_t  moves;
} tally_t;


/* all meet here, to go on together */

static void
meet(ngx_atomic_t *n, ngx_uint_t want)
{
    (void) ngx_atomic_fetch_add(n, 1);

    while (*n < want) {
        sched_yield();
    }
}


static void
worker(tally_t *tally, const char *probed, const char *counted)
{
    int                       i;
    ngx_int_t                 rc;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t, probe;

    h = get(probed);

    meet(&tally->ready, PROCESSES);

    rc = ngx_llm_health_acquire(h, &probe);
    (void) ngx_atomic_fetch_add(rc == NGX_OK ? &tally->taken : &tally->busy,
                                1);

    meet(&tally->ready, 2 * PROCESSES);

    if (rc == NGX_OK) {
        (void) ngx_llm_health_release(h, &probe, SUCCESS, 5);
    }

    meet(&tally->ready, 3 * PROCESSES);

    for (i = 0; i < 100; i++) {
        if (check(h) == NGX_LLM_HEALTH_OK) {
            (void) ngx_atomic_fetch_add(&tally->through, 1);
        }
    }

    h = get(counted);

    for (i = 0; i < ROUNDS; i++) {
        ngx_llm_health_count(h);

        if (admit(h, PROCESSES * ROUNDS / 2, 0, 1) == NGX_OK) {
            (void) ngx_atomic_fetch_add(&tally->admitted, 1);
        }

        if (ngx_llm_health_acquire(h, &t) != NGX_OK) {
            _exit(1);
        }

        if (i == ROUNDS - 1) {
            break;
        }

        (void) ngx_llm_health_release(h, &t, SUCCESS, 1);
    }

    meet(&tally->ready, 4 * PROCESSES);

    if (ngx_llm_health_inflight(h) != PROCESSES) {
        _exit(2);
    }

    for (i = 0; i < ROUNDS; i++) {
        if (ngx_llm_health_spend(h, 10) == NGX_OK) {
            (void) ngx_atomic_fetch_add(&tally->moves, 1);
        }
    }

    meet(&tally->ready, 5 * PROCESSES);

    (void) ngx_llm_health_release(h, &t, SUCCESS, 1);

    _exit(0);
}


static void
workers(void)
{
    int                       i;
    tally_t                  *tally;
    ngx_pid_t                 pids[PROCESSES];
    ngx_llm_health_t         *h;
    ngx_llm_health_recent_t  *r;

    tally = mmap(NULL, sizeof(tally_t), PROT_READ|PROT_WRITE,
                 MAP_ANON|MAP_SHARED, -1, 0);
    if (tally == MAP_FAILED) {
        stand_in_broken("mmap() failed");
    }

    h = get("probed");
    attempts(h, FAILURE, 5);
    later(5500);

    for (i = 0; i < PROCESSES; i++) {
        pids[i] = stand_in_worker(i + 1);

        if (pids[i] == 0) {
            worker(tally, "probed", "counted");
        }
    }

    for (i = 0; i < PROCESSES; i++) {
        is_int(stand_in_wait(pids[i]), 0, "worker %d", i);
    }

    is_int(tally->taken, 1, "one of all workers has the probe");
    is_int(tally->busy, PROCESSES - 1, "and the others have not");
    ok(between(tally->through, PROCESSES * 9, PROCESSES * 11),
       "a tenth is a tenth of all workers' callers");

    h = get("counted");
    r = &h->sh->results;

    is_int(ngx_llm_health_inflight(h), 0, "nothing is in flight");
    is_int(ngx_llm_health_ring_sum(&r->ring, r->cells, 0),
           PROCESSES * ROUNDS, "each success is counted");

    r = &h->sh->budget;

    is_int(ngx_llm_health_ring_sum(&r->ring, r->cells, 0),
           PROCESSES * ROUNDS, "each request is counted");
    is_int(tally->moves, PROCESSES * ROUNDS / 10, "as many moves as may be");
    is_int(tally->admitted, PROCESSES * ROUNDS / 2, "and requests");
    is_int(zone->lock, 0, "the lock is free");

    munmap(tally, sizeof(tally_t));
}


int
main(void)
{
    health_begin();

    limits();
    budget();
    eviction();
    wraps();
    killed();
    workers();

    is_int(disagreed, 0, "whether there is room is told without taking it");

    return health_end();
}
