
/*
 * Health of upstreams by a clock that is driven: every transition of the
 * breaker, pauses, and the latency that is remembered.
 */


#include "health_case.h"


static void
records(void)
{
    char                      name[513];
    ngx_llm_health_t         *a, *b, *c;
    ngx_llm_health_ticket_t   t;

    a = get("openai");
    b = get("openai");
    c = get("openai/gpt");

    attempts(a, FAILURE, 5);

    is_int(check(b), NGX_LLM_HEALTH_OPEN, "a record is found by its name");
    is_int(check(c), NGX_LLM_HEALTH_OK, "another name has another record");

    memset(name, 'x', 512);
    name[512] = '\0';
    ok(get(name) == NULL, "512 bytes are no name");
    name[511] = '\0';
    ok(get(name) != NULL && get(name)->sh == get(name)->sh, "511 bytes are");
    ok(get("") == NULL, "no bytes are no name");

    is_int(check(NULL), NGX_LLM_HEALTH_OK, "no record: healthy");
    is_int(ngx_llm_health_acquire(NULL, &t), NGX_OK, "no record: acquired");
    is_int(ngx_llm_health_answered(NULL, &t, 1), NGX_LLM_HEALTH_SAME,
           "no record: answered");
    is_int(ngx_llm_health_release(NULL, &t, FAILURE, 1), NGX_LLM_HEALTH_SAME,
           "no record: released");
    is_int(ngx_llm_health_admit(NULL, 1, 1, 1, 9, &wait_ms), NGX_OK,
           "no record: admitted");
    is_int(ngx_llm_health_spend(NULL, 0), NGX_OK, "no record: a move");
    ok(ngx_llm_health_budget(NULL, 0), "no record: a budget");
    is_int(ngx_llm_health_latency(NULL), 0, "no record: no latency");
    is_int(ngx_llm_health_inflight(NULL), 0, "no record: nothing in flight");
    ok(strcmp(ngx_llm_health_state(NULL), "closed") == 0,
       "no record: closed");

    ngx_llm_health_cool(NULL, 1);
    ngx_llm_health_remaining(NULL, 0, 1);
    ngx_llm_health_set_down(NULL, 1);
    ngx_llm_health_count(NULL);
    ngx_llm_health_tokens(NULL, 0, 1);
}


static void
opens(void)
{
    int                i;
    ngx_llm_health_t  *h;

    h = fresh();
    attempts(h, FAILURE, 4);
    is_int(check(h), NGX_LLM_HEALTH_OK, "four failures do not open");
    attempts(h, REFUSED, 9);
    attempts(h, NEUTRAL, 9);
    attempts(h, ABANDONED, 9);
    is_int(check(h), NGX_LLM_HEALTH_OK, "neither do 429s and neutral ones");
    is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_OPENED,
           "nor do they break the row: the fifth opens");
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "it is open");
    ok(strcmp(ngx_llm_health_state(h), "open") == 0, "and says so");

    h = fresh();
    attempts(h, FAILURE, 4);
    attempts(h, SUCCESS, 1);
    attempts(h, FAILURE, 4);
    is_int(check(h), NGX_LLM_HEALTH_OK, "a success breaks the row");

    h = fresh();

    for (i = 0; i < 9; i++) {
        attempts(h, SUCCESS, 1);
        attempts(h, FAILURE, 1);
    }

    attempts(h, SUCCESS, 1);
    is_int(check(h), NGX_LLM_HEALTH_OK, "9 failures of 19 do not open");
    is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_OPENED,
           "10 failures of 20 open");

    later(5500);
    attempts(h, SUCCESS, 1);
    attempts(h, FAILURE, 1);
    ok(strcmp(ngx_llm_health_state(h), "closed") == 0,
       "what opened it once does not open it again");

    h = fresh();

    for (i = 0; i < 9; i++) {
        attempts(h, FAILURE, 1);
        attempts(h, SUCCESS, 1);
    }

    attempts(h, FAILURE, 1);
    is_int(check(h), NGX_LLM_HEALTH_OK, "nor do 10 failures of 19");
    is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_OPENED, "11 of 20 open");

    h = fresh();
    attempts(h, SUCCESS, 12);

    for (i = 0; i < 11; i++) {
        attempts(h, FAILURE, 1);
        attempts(h, REFUSED, 1);

        if (i % 4 == 3) {
            attempts(h, SUCCESS, 1);
        }
    }

    is_int(check(h), NGX_LLM_HEALTH_OK, "11 failures of 25 do not");

    h = fresh();

    for (i = 0; i < 40; i++) {
        attempts(h, SUCCESS, 1);
        attempts(h, FAILURE, 1);
        later(1200);
    }

    is_int(check(h), NGX_LLM_HEALTH_OK,
           "what is older than ten seconds is no part of the ratio");
}


static void
pauses(void)
{
    ngx_uint_t         i;
    ngx_llm_health_t  *h;

    static const ngx_msec_t  want[] = { 5000, 10000, 20000, 40000, 60000,
                                        60000, 60000 };

    h = fresh();
    attempts(h, FAILURE, 5);

    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        is_int(check(h), NGX_LLM_HEALTH_OPEN, "open, %d", (int) i);
        ok(between(wait_ms, want[i], want[i] * 11 / 10),
           "for as long as the probes that failed demand, %d", (int) i);
        later(want[i] - 1);
        is_int(check(h), NGX_LLM_HEALTH_OPEN, "still open, %d", (int) i);
        later(want[i] / 10 + 1);
        is_int(check(h), NGX_LLM_HEALTH_PROBE, "half open, %d", (int) i);
        ok(strcmp(ngx_llm_health_state(h), "half_open") == 0,
           "and says so, %d", (int) i);
        is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_OPENED,
               "the probe fails, %d", (int) i);
    }

    later(66000);
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_CLOSED, "a probe closes");
    attempts(h, FAILURE, 5);
    (void) check(h);
    ok(between(wait_ms, 5000, 5500), "after that it begins anew");
}


static void
jitter(void)
{
    int                i;
    ngx_msec_t         first;
    ngx_llm_health_t  *h;

    h = fresh();
    attempts(h, FAILURE, 5);
    (void) check(h);
    first = wait_ms;

    for (i = 0; i < 50 && wait_ms == first; i++) {
        h = fresh();
        attempts(h, FAILURE, 5);
        (void) check(h);
    }

    ok(wait_ms != first, "upstreams that open together are probed apart");
}


static void
probes(void)
{
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t, u, v;

    h = half_open();
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "a probe is offered");
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "asking takes nothing");
    is_int(ngx_llm_health_acquire(h, &t), NGX_OK, "the probe is taken");
    is_int(ngx_llm_health_acquire(h, &u), NGX_BUSY, "there is but one");
    is_int(ngx_llm_health_inflight(h), 1, "who was late is not in flight");
    is_int(ngx_llm_health_release(h, &u, SUCCESS, 1), NGX_LLM_HEALTH_SAME,
           "and has nothing to give back");
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "to others it is open");
    ok(between(wait_ms, 1, 1000), "for a short while");
    ok(strcmp(ngx_llm_health_state(h), "half_open") == 0, "and half open");
    is_int(ngx_llm_health_release(h, &t, SUCCESS, 1), NGX_LLM_HEALTH_CLOSED,
           "its success closes");

    h = half_open();
    is_int(attempt(h, REFUSED), NGX_LLM_HEALTH_SAME, "a 429 to a probe");
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "leaves it to the next");
    is_int(attempt(h, ABANDONED), NGX_LLM_HEALTH_SAME, "a client that left");
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "leaves it to the next");
    is_int(attempt(h, NEUTRAL), NGX_LLM_HEALTH_CLOSED,
           "an answer to a bad request closes");

    h = half_open();
    (void) ngx_llm_health_acquire(h, &t);
    later(59999);
    is_int(ngx_llm_health_acquire(h, &u), NGX_BUSY, "a probe has its minute");
    later(1);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "then it is given up");
    is_int(ngx_llm_health_acquire(h, &u), NGX_OK, "and another one taken");
    is_int(ngx_llm_health_acquire(h, &v), NGX_BUSY, "one");
    is_int(ngx_llm_health_release(h, &t, FAILURE, -1), NGX_LLM_HEALTH_SAME,
           "the failure of the one given up is no news");
    is_int(ngx_llm_health_acquire(h, &v), NGX_BUSY, "the other one goes on");
    is_int(ngx_llm_health_release(h, &u, FAILURE, -1), NGX_LLM_HEALTH_OPENED,
           "and its failure opens");

    later(11000);
    (void) ngx_llm_health_acquire(h, &t);
    later(60000);
    (void) ngx_llm_health_acquire(h, &u);
    is_int(ngx_llm_health_release(h, &t, ABANDONED, -1), NGX_LLM_HEALTH_SAME,
           "one given up is abandoned");
    is_int(ngx_llm_health_acquire(h, &v), NGX_BUSY, "that frees no other");
    later(60000);
    (void) ngx_llm_health_acquire(h, &v);
    is_int(ngx_llm_health_release(h, &u, SUCCESS, 1), NGX_LLM_HEALTH_CLOSED,
           "a success counts though it was given up");
    is_int(ngx_llm_health_release(h, &v, FAILURE, -1), NGX_LLM_HEALTH_SAME,
           "and then a failure of that time does not");

    h = half_open();
    (void) ngx_llm_health_acquire(h, &t);
    is_int(ngx_llm_health_answered(h, &t, 20), NGX_LLM_HEALTH_CLOSED,
           "the first byte closes");
    is_int(ngx_llm_health_latency(h), 20000, "and is measured");
    is_int(ngx_llm_health_answered(h, &t, 20), NGX_LLM_HEALTH_SAME, "once");
    is_int(ngx_llm_health_inflight(h), 1, "it is in flight still");
    attempts(h, FAILURE, 4);
    is_int(ngx_llm_health_release(h, &t, FAILURE, -1), NGX_LLM_HEALTH_OPENED,
           "and its end counts like that of others");
}


static void
late(void)
{
    int                       i;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t[8];

    h = fresh();

    for (i = 0; i < 8; i++) {
        (void) ngx_llm_health_acquire(h, &t[i]);
    }

    attempts(h, FAILURE, 5);
    is_int(ngx_llm_health_release(h, &t[0], SUCCESS, 1), NGX_LLM_HEALTH_SAME,
           "a success from before the opening does not close");
    is_int(ngx_llm_health_answered(h, &t[1], 1), NGX_LLM_HEALTH_SAME,
           "nor does a first byte");
    (void) ngx_llm_health_release(h, &t[1], SUCCESS, -1);
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "it is open");

    later(5500);
    attempts(h, SUCCESS, 1);

    for (i = 2; i < 8; i++) {
        (void) ngx_llm_health_release(h, &t[i], (i == 7) ? DENIED : FAILURE,
                                      -1);
    }

    ok(strcmp(ngx_llm_health_state(h), "closed") == 0,
       "failures from before do not open again");
    is_int(ngx_llm_health_inflight(h), 0, "but they are given back");

    h = fresh();
    attempts(h, FAILURE, 5);
    is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_SAME,
           "an attempt in spite of the breaker fails: no news");
    (void) check(h);
    ok(between(wait_ms, 5000, 5500), "the pause is the same");
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_CLOSED, "succeeds: closed");
}


static void
recovery(void)
{
    ngx_llm_health_t  *h;

    h = half_open();
    attempts(h, SUCCESS, 1);

    ok(between(share(h), 95, 105), "a tenth is let through at once");
    later(5000);
    ok(between(share(h), 545, 555), "more than half after five seconds");
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_SAME,
           "whoever acquires is not held");
    later(4999);
    ok(between(share(h), 990, 1000), "nearly all before ten");
    later(1);
    is_int(share(h), 1000, "all after ten");
    ok(!h->sh->recovering, "and that is that");

    h = half_open();
    attempts(h, SUCCESS, 1);
    attempts(h, FAILURE, 5);
    later(5500);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "it opens while it recovers");
}


static void
denied(void)
{
    ngx_uint_t                i;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t, u;

    static const ngx_msec_t  want[] = { 30000, 60000, 120000, 240000, 300000,
                                        300000 };

    h = fresh();
    (void) ngx_llm_health_acquire(h, &t);
    is_int(attempt(h, DENIED), NGX_LLM_HEALTH_REJECTED, "one is enough");
    is_int(ngx_llm_health_release(h, &t, DENIED, -1), NGX_LLM_HEALTH_SAME,
           "and told of once");
    later(10000);
    is_int(attempt(h, DENIED), NGX_LLM_HEALTH_SAME,
           "nor in spite of what is known");
    later(30000);
    attempts(h, DENIED, 1);
    later(66000);
    attempts(h, SUCCESS, 1);
    attempts(h, DENIED, 1);

    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        is_int(check(h), NGX_LLM_HEALTH_AUTH, "denied, %d", (int) i);
        ok(between(wait_ms, want[i], want[i] * 11 / 10),
           "for its time, %d", (int) i);
        later(want[i] * 11 / 10);
        is_int(check(h), NGX_LLM_HEALTH_PROBE, "then a probe, %d", (int) i);
        is_int(ngx_llm_health_acquire(h, &t), NGX_OK, "taken, %d", (int) i);
        is_int(ngx_llm_health_acquire(h, &u), NGX_BUSY, "one, %d", (int) i);
        is_int(check(h), NGX_LLM_HEALTH_AUTH, "others wait, %d", (int) i);
        is_int(ngx_llm_health_release(h, &t, DENIED, -1),
               NGX_LLM_HEALTH_REJECTED, "denied again, %d", (int) i);
    }

    later(330000);
    is_int(attempt(h, SUCCESS), NGX_LLM_HEALTH_CLOSED, "a success clears");
    is_int(share(h), 1000, "at once");

    attempts(h, DENIED, 1);
    later(33000);
    is_int(attempt(h, FAILURE), NGX_LLM_HEALTH_OPENED,
           "the probe fails otherwise");
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "that is a breaker");
    ok(between(wait_ms, 5000, 5500), "with its own time");
    is_int(attempt(h, DENIED), NGX_LLM_HEALTH_REJECTED,
           "denied in spite of it");
    is_int(check(h), NGX_LLM_HEALTH_AUTH, "that is ours");
    ok(between(wait_ms, 30000, 33000), "with its own time");
}


static void
cools(void)
{
    ngx_llm_health_t  *h;

    h = fresh();
    ngx_llm_health_cool(h, 0);
    is_int(check(h), NGX_LLM_HEALTH_OK, "no pause");
    is_int(ngx_llm_health_cool(h, 2000), 1, "a pause begins");
    is_int(check(h), NGX_LLM_HEALTH_COOLING, "a pause");
    is_int(wait_ms, 2000, "of two seconds");
    is_int(ngx_llm_health_cool(h, 1000), 0, "one is there already");
    (void) check(h);
    is_int(wait_ms, 2000, "a shorter one is no less");
    later(500);
    ngx_llm_health_cool(h, 3000);
    (void) check(h);
    is_int(wait_ms, 3000, "a longer one is more");
    later(2999);
    is_int(check(h), NGX_LLM_HEALTH_COOLING, "to its end");
    later(1);
    is_int(check(h), NGX_LLM_HEALTH_OK, "and not longer");
    ok(!h->sh->cooling, "and that is that");

    ngx_llm_health_cool(h, (ngx_msec_t) -1);
    (void) check(h);
    is_int(wait_ms, 300000, "five minutes are the longest");
    later(300000);

    ngx_llm_health_remaining(h, 1, 9000);
    ngx_llm_health_remaining(h, -1, 9000);
    is_int(check(h), NGX_LLM_HEALTH_OK, "as long as something is left");
    ngx_llm_health_remaining(h, 0, 9000);
    is_int(check(h), NGX_LLM_HEALTH_COOLING, "nothing is left");
    is_int(wait_ms, 9000, "until the reset");

    attempts(h, FAILURE, 5);
    is_int(check(h), NGX_LLM_HEALTH_OPEN, "open and cooling: open");
    is_int(wait_ms, 9000, "for the longer of the two");
    later(6000);
    is_int(check(h), NGX_LLM_HEALTH_COOLING, "there is no probe in a pause");
    later(3000);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "but after it");

    ngx_llm_health_set_down(h, 7);
    is_int(check(h), NGX_LLM_HEALTH_DOWN, "down");
    ok(wait_ms > 0, "for some time");
    ngx_llm_health_set_down(h, 0);
    is_int(check(h), NGX_LLM_HEALTH_PROBE, "up");
}


static void
latency(void)
{
    int                       i;
    ngx_llm_health_t         *h;
    ngx_llm_health_ticket_t   t;

    h = fresh();
    is_int(ngx_llm_health_latency(h), 0, "unknown");
    measured(h, -1);
    is_int(ngx_llm_health_latency(h), 0, "still unknown");
    measured(h, 100);
    is_int(ngx_llm_health_latency(h), 100000, "the first one");
    measured(h, 900);
    is_int(ngx_llm_health_latency(h), 900000, "a peak counts at once");
    measured(h, 100);
    is_int(ngx_llm_health_latency(h), 900000, "a fast one takes time");
    later(10000);
    measured(h, 100);
    ok(between(ngx_llm_health_latency(h), 393000, 395500),
       "of 800 above it 1/e is left after ten seconds");
    later(1000000);
    measured(h, 100);
    is_int(ngx_llm_health_latency(h), 100000, "in the end nothing");

    measured(h, 200);

    for (i = 0; i < 10000; i++) {
        later(1);
        measured(h, 100);
    }

    ok(between(ngx_llm_health_latency(h), 130000, 138000),
       "many small steps are as one large one");

    later(10000);
    ok(between(ngx_llm_health_latency(h), 47000, 51000),
       "it falls while nothing is sent");
    later(100000000);
    is_int(ngx_llm_health_latency(h), 1, "but is not unknown again");
    measured(h, 0);
    is_int(ngx_llm_health_latency(h), 1, "nothing is faster than that");
    measured(h, NGX_MAX_INT32_VALUE);
    is_int(ngx_llm_health_latency(h), 3600000000u, "nor slower than an hour");

    (void) ngx_llm_health_acquire(h, &t);
    (void) ngx_llm_health_acquire(h, &t);
    is_int(ngx_llm_health_inflight(h), 2, "two in flight");
    (void) ngx_llm_health_release(h, &t, SUCCESS, -1);
    (void) ngx_llm_health_release(h, &t, SUCCESS, -1);
    is_int(ngx_llm_health_inflight(h), 1, "a ticket is given back once");
}


int
main(void)
{
    health_begin();

    records();
    opens();
    pauses();
    jitter();
    probes();
    late();
    recovery();
    denied();
    cools();
    latency();

    return health_end();
}
