
/*
 * What follows a failed attempt.  Single rows show each rule; then all of
 * failure, class and state are run through against the same rules, told in
 * another way.
 */


#include "unit.h"
#include "llm_policy.h"

#include <limits.h>


#define BIT(f)  llm_failure_bit(LLM_FAILURE_##f)
#define NONE    LLM_FAILURE_NONE
#define CALLER  LLM_FAILURE_CALLER


/* ---- names */

static void
test_names(void)
{
    unsigned  i;

    is_str(llm_move_names[LLM_MOVE_STOP], "stop", "stop");
    is_str(llm_move_names[LLM_MOVE_RETRY], "retry", "retry");
    is_str(llm_move_names[LLM_MOVE_SWITCH], "switch", "switch");
    is_str(llm_move_names[LLM_MOVE_BACKUP], "backup", "backup");
    is_str(llm_move_names[LLM_MOVE_QUEUE], "queue", "queue");

    is_str(llm_reason_names[LLM_REASON_ALLOWED], "allowed", "first reason");
    is_str(llm_reason_names[LLM_REASON_BUDGET], "retry_budget", "a reason");
    is_str(llm_reason_names[LLM_REASON_ROUTES], "no_more_routes",
           "last reason");

    for (i = 0; i < LLM_REASON_N; i++) {
        ok(llm_reason_names[i].len && llm_reason_texts[i].len,
           "reason %u has a code and a text", i);
    }
}


/* ---- single rules */

/* the class of most rows: all rungs on 429; one retry, three attempts */

static llm_policy_t
class_all(void)
{
    llm_policy_t  p;

    memset(&p, 0, sizeof(llm_policy_t));

    p.retries = 1;
    p.retry_on = BIT(429) | BIT(5XX);
    p.switch_on = BIT(429) | BIT(5XX);
    p.backup_on = BIT(429) | BIT(5XX) | BIT(CONTEXT);
    p.queue_on = BIT(429) | BIT(LIMIT);
    p.backoff_ms = 100;
    p.backoff_max_ms = 2000;
    p.attempts = 8;
    p.deadline_ms = 10000;

    return p;
}


static llm_ladder_t
state(llm_failure_e failure)
{
    llm_ladder_t  l;

    memset(&l, 0, sizeof(llm_ladder_t));

    l.failure = failure;
    l.attempts = 1;
    l.retry_after_ms = -1;
    l.budget = 1;
    l.routes = 1;
    l.backups = 1;

    return l;
}


static void
is_next(const llm_policy_t *p, const llm_ladder_t *l, llm_move_e move,
    llm_reason_e reason, const char *what)
{
    llm_decision_t  d;

    d = llm_policy_next(p, l);

    is_int(d.move, move, "%s: the move", what);
    is_int(d.reason, reason, "%s: the reason", what);

    if (move != LLM_MOVE_RETRY) {
        is_int(d.delay_ms, 0, "%s: no delay", what);
    }
}


static void
test_rungs(void)
{
    llm_policy_t  p;
    llm_ladder_t  l;

    p = class_all();
    l = state(LLM_FAILURE_429);

    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED, "first a retry");

    l.retries = 1;
    is_next(&p, &l, LLM_MOVE_SWITCH, LLM_REASON_ALLOWED, "then a switch");

    l.routes = 0;
    is_next(&p, &l, LLM_MOVE_BACKUP, LLM_REASON_ALLOWED, "then a backup");

    l.backups = 0;
    is_next(&p, &l, LLM_MOVE_QUEUE, LLM_REASON_ALLOWED, "then the queue");

    l.queued = 1;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ROUTES, "then nothing");

    l = state(LLM_FAILURE_CONTEXT);
    is_next(&p, &l, LLM_MOVE_BACKUP, LLM_REASON_ALLOWED,
            "what only a backup mends goes there at once");

    l.backups = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ROUTES, "if there is one");

    l = state(LLM_FAILURE_LIMIT);
    l.attempts = 0;
    l.routes = 0;
    is_next(&p, &l, LLM_MOVE_QUEUE, LLM_REASON_ALLOWED,
            "no room anywhere: the queue");

    l.queued = 1;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS, "but once");

    l = state(LLM_FAILURE_5XX);
    l.attempts = 0;
    l.routes = 0;
    is_next(&p, &l, LLM_MOVE_BACKUP, LLM_REASON_ALLOWED,
            "routes known to be dead are not retried");

    l.backups = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ROUTES, "but given up");
}


static void
test_stops(void)
{
    llm_policy_t  p;
    llm_ladder_t  l;

    p = class_all();

    l = state(CALLER);
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CALLER, "the caller's own");

    l = state(LLM_FAILURE_5XX);
    l.committed = 1;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_COMMITTED, "content went out");

    l = state(LLM_FAILURE_RESET);
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS, "not in any on=");

    l = state(LLM_FAILURE_5XX);
    l.attempts = 8;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ATTEMPTS, "all attempts made");

    l = state(LLM_FAILURE_RESET);
    l.attempts = 8;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS,
            "the class said no before attempts did");

    l = state(LLM_FAILURE_5XX);
    l.elapsed_ms = 9999;
    is_next(&p, &l, LLM_MOVE_SWITCH, LLM_REASON_ALLOWED,
            "no time for a back-off, but for a switch");

    l.elapsed_ms = 10000;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_DEADLINE, "the deadline passed");

    l.elapsed_ms = INT64_MAX;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_DEADLINE, "long ago");

    l = state(LLM_FAILURE_5XX);
    l.elapsed_ms = 9999;
    l.routes = 0;
    l.backups = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_DEADLINE,
            "only a retry was left, and no time for it");

    l = state(LLM_FAILURE_5XX);
    l.budget = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_BUDGET, "no budget");

    l.failure = LLM_FAILURE_429;
    is_next(&p, &l, LLM_MOVE_QUEUE, LLM_REASON_ALLOWED,
            "no budget, but the queue needs none");

    l = state(LLM_FAILURE_5XX);
    l.budget = 0;
    l.retries = 1;
    l.routes = 0;
    l.backups = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ROUTES,
            "a budget would not have helped");

    /* retry 1, and nothing else: no route was ever to be had */

    p.switch_on = 0;
    p.backup_on = 0;
    p.queue_on = 0;

    l = state(LLM_FAILURE_5XX);
    l.retries = 1;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS, "all retries made");

    p.retries = 0;
    l.retries = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS, "retry 0");
}


static void
test_default(void)
{
    int           f;
    llm_policy_t  p;
    llm_ladder_t  l;

    memset(&p, 0xff, sizeof(llm_policy_t));
    llm_policy_default(&p);

    is_int(p.attempts, 3, "default: three attempts");
    is_int(p.retries, 1, "default: one retry");
    is_int(p.retry_on, BIT(CONNECT), "default: on connect");
    is_int(p.switch_on, BIT(CONNECT) | BIT(TIMEOUT) | BIT(5XX) | BIT(429),
           "default: switches");
    is_int(p.backup_on, 0, "default: no backup");
    is_int(p.queue_on, 0, "default: no queue");
    is_int(p.deadline_ms, 0, "default: no deadline");

    for (f = 1; f < LLM_FAILURE_N; f++) {
        l = state((llm_failure_e) f);
        l.retries = 1;

        if (p.switch_on & llm_failure_bit(f)) {
            is_next(&p, &l, LLM_MOVE_SWITCH, LLM_REASON_ALLOWED,
                    (char *) llm_failure_names[f].data);

        } else {
            is_next(&p, &l, LLM_MOVE_STOP,
                    f == CALLER ? LLM_REASON_CALLER : LLM_REASON_CLASS,
                    (char *) llm_failure_names[f].data);
        }
    }

    l = state(LLM_FAILURE_CONNECT);
    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED, "connect: retry");

    l.attempts = 3;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ATTEMPTS, "but three in all");
}


/* ---- delays */

static void
test_delays(void)
{
    int64_t       max, low[8], high[8];
    uint64_t      r;
    unsigned      i;
    llm_policy_t  p;
    llm_ladder_t  l;

    p = class_all();
    p.retries = 8;
    p.deadline_ms = 0;
    p.attempts = 16;

    for (i = 0; i < 8; i++) {
        low[i] = INT64_MAX;
        high[i] = 0;

        for (r = 0; r <= UINT32_MAX; r += 999983) {
            l = state(LLM_FAILURE_5XX);
            l.retries = i;
            l.random = (uint32_t) r;

            max = llm_policy_next(&p, &l).delay_ms;
            low[i] = max < low[i] ? max : low[i];
            high[i] = max > high[i] ? max : high[i];
        }

        max = 100 << i;
        max = max > 2000 ? 2000 : max;

        ok(low[i] >= max / 2 && low[i] < max / 2 + max / 20
           && high[i] <= max && high[i] > max - max / 20,
           "retry %u waits from %d to %d ms", i + 1, (int) low[i],
           (int) high[i]);
    }

    /* the smallest and the largest that can be written */

    p.backoff_ms = 1;
    p.backoff_max_ms = 1;

    for (i = 0; i < 5; i++) {
        l = state(LLM_FAILURE_5XX);
        l.random = i * 858993459u;
        is_int(llm_policy_next(&p, &l).delay_ms, 1, "1 ms is never none");
    }

    p.backoff_ms = INT64_MAX / 2 + 1;
    p.backoff_max_ms = INT64_MAX;
    p.retries = 16;

    for (i = 0; i < 4; i++) {
        l = state(LLM_FAILURE_5XX);
        l.retries = i;
        l.random = UINT32_MAX;

        ok(llm_policy_next(&p, &l).delay_ms > INT64_MAX / 4,
           "no overflow in retry %u", i + 1);
    }
}


static void
test_patience(void)
{
    llm_policy_t    p;
    llm_ladder_t    l;
    llm_decision_t  d;

    p = class_all();

    l = state(LLM_FAILURE_5XX);
    l.retry_after_ms = 700;
    d = llm_policy_next(&p, &l);
    is_int(d.move, LLM_MOVE_RETRY, "the provider's wish is heard");
    is_int(d.delay_ms, 700, "to the millisecond");

    l.retry_after_ms = 0;
    d = llm_policy_next(&p, &l);
    ok(d.delay_ms >= 50 && d.delay_ms <= 100, "but for at once");

    l.retry_after_ms = 2000;
    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED,
            "as long as the back-off may be");

    l.retry_after_ms = 2001;
    is_next(&p, &l, LLM_MOVE_SWITCH, LLM_REASON_ALLOWED,
            "longer, while another route is there");

    l.routes = 0;
    is_next(&p, &l, LLM_MOVE_BACKUP, LLM_REASON_ALLOWED,
            "longer, while a backup is there");

    l.backups = 0;
    d = llm_policy_next(&p, &l);
    is_int(d.move, LLM_MOVE_RETRY, "longer, with nothing else there");
    is_int(d.delay_ms, 2001, "is waited");

    l.elapsed_ms = 7998;
    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED,
            "a millisecond before the deadline");

    l.elapsed_ms = 7999;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_DEADLINE, "not up to it");

    l.failure = LLM_FAILURE_429;
    is_next(&p, &l, LLM_MOVE_QUEUE, LLM_REASON_ALLOWED, "but in the queue");

    l.failure = LLM_FAILURE_5XX;
    l.elapsed_ms = 1;
    l.retry_after_ms = INT64_MAX;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_DEADLINE, "for ever");

    p.deadline_ms = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_ROUTES,
            "for ever, without a deadline");

    p.switch_on = 0;
    p.backup_on = 0;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS,
            "for ever, in a class of retries");

    p.backoff_max_ms = 100;
    l.retry_after_ms = 2000;
    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED,
            "without a deadline 2 s are granted");

    l.retry_after_ms = 2001;
    is_next(&p, &l, LLM_MOVE_STOP, LLM_REASON_CLASS, "and no more");

    p.backoff_max_ms = 5000;
    l.retry_after_ms = 5000;
    is_next(&p, &l, LLM_MOVE_RETRY, LLM_REASON_ALLOWED,
            "or what the back-off may be");
}


/* ---- everything */

/* what may come of this, told as conditions on the outcome */

static const char *
wrong(const llm_policy_t *p, const llm_ladder_t *l, const llm_decision_t *d)
{
    int64_t   left, wait;
    uint32_t  bit;
    unsigned  retry, in_time, prompt, sw, backup, queue, none;

    bit = llm_failure_bit(l->failure);
    left = p->deadline_ms ? p->deadline_ms - l->elapsed_ms : INT64_MAX;

    wait = p->deadline_ms ? left - 1 : 2000;
    retry = (p->retry_on & bit) && l->attempts && l->retries < p->retries;
    in_time = l->retry_after_ms <= wait;
    prompt = l->retry_after_ms <= p->backoff_max_ms;
    sw = (p->switch_on & bit) && l->routes;
    backup = (p->backup_on & bit) && l->backups;
    queue = (p->queue_on & bit) && !l->queued;
    none = !l->budget;

    if ((d->move == LLM_MOVE_STOP) == (d->reason == LLM_REASON_ALLOWED)) {
        return "a stop has a reason, a move is allowed";
    }

    if (d->move != LLM_MOVE_RETRY && d->delay_ms) {
        return "only a retry is delayed";
    }

    if (l->committed) {
        return d->reason == LLM_REASON_COMMITTED ? NULL : "committed";
    }

    if (l->failure == CALLER) {
        return d->reason == LLM_REASON_CALLER ? NULL : "caller";
    }

    if (!(p->retries && (p->retry_on & bit))
        && !((p->switch_on | p->backup_on | p->queue_on) & bit))
    {
        return d->reason == LLM_REASON_CLASS ? NULL : "class";
    }

    if (l->attempts == p->attempts) {
        return d->reason == LLM_REASON_ATTEMPTS ? NULL : "attempts";
    }

    if (left <= 0) {
        return d->reason == LLM_REASON_DEADLINE ? NULL : "deadline";
    }

    switch (d->move) {

    case LLM_MOVE_RETRY:
        if (d->delay_ms <= 0 || (p->deadline_ms && d->delay_ms >= left)
            || d->delay_ms < l->retry_after_ms)
        {
            return "a delay in its bounds";
        }

        return (retry && in_time && !none && (prompt || !(sw || backup)))
               ? NULL : "a retry without right";

    case LLM_MOVE_SWITCH:
        return (sw && !none && !(retry && in_time && prompt))
               ? NULL : "a switch without right";

    case LLM_MOVE_BACKUP:
        return (backup && !sw && !none && !(retry && in_time && prompt))
               ? NULL : "a backup without right";

    case LLM_MOVE_QUEUE:
        return (queue && (none || !((retry && in_time) || sw || backup)))
               ? NULL : "a queue without right";

    default:
        break;
    }

    if (queue) {
        return "it could have waited";
    }

    if ((retry && in_time) || sw || backup) {
        return (none && d->reason == LLM_REASON_BUDGET)
               ? NULL : "only the budget could stop this";
    }

    if (retry && p->deadline_ms) {
        return d->reason == LLM_REASON_DEADLINE ? NULL : "late retry";
    }

    if ((p->switch_on | p->backup_on) & bit) {
        return d->reason == LLM_REASON_ROUTES ? NULL : "routes";
    }

    return d->reason == LLM_REASON_CLASS ? NULL : "class at the end";
}


static void
test_all(llm_failure_e failure)
{
    unsigned        rungs, flags, attempts, retries, made, deadline, after;
    unsigned long   n, bad;
    const char     *what, *first;
    llm_policy_t    p;
    llm_ladder_t    l;
    llm_decision_t  d;

    /* a wish that no back-off has, so that all delays are below a bound */

    static const int64_t  wishes[] = { -1, 150, 1500, 2500, 50000 };
    static const int64_t  deadlines[] = { 0, 900, 2000, 3000, 100000 };

    n = 0;
    bad = 0;
    first = "";

    for (rungs = 0; rungs < 16; rungs++)
    for (flags = 0; flags < 32; flags++)
    for (attempts = 0; attempts <= 2; attempts++)
    for (retries = 0; retries <= 2; retries++)
    for (made = 0; made <= 2; made++)
    for (deadline = 0; deadline < 5; deadline++)
    for (after = 0; after < 5; after++) {

        /* another kind is allowed everywhere, and must not matter */

        memset(&p, 0, sizeof(llm_policy_t));
        p.retries = retries;
        p.retry_on = (rungs & 1 ? llm_failure_bit(failure) : 0) | 1u << 31;
        p.switch_on = (rungs & 2 ? llm_failure_bit(failure) : 0) | 1u << 31;
        p.backup_on = (rungs & 4 ? llm_failure_bit(failure) : 0) | 1u << 31;
        p.queue_on = (rungs & 8 ? llm_failure_bit(failure) : 0) | 1u << 31;
        p.backoff_ms = 100;
        p.backoff_max_ms = 1000;
        p.attempts = 2;
        p.deadline_ms = deadlines[deadline];

        l = state(failure);
        l.attempts = attempts;
        l.retries = made;
        l.elapsed_ms = 1000;
        l.retry_after_ms = wishes[after];
        l.random = (uint32_t) (n * 2654435761u);
        l.committed = (flags & 1) != 0;
        l.budget = (flags & 2) != 0;
        l.routes = (flags & 4) != 0;
        l.backups = (flags & 8) != 0;
        l.queued = (flags & 16) != 0;

        d = llm_policy_next(&p, &l);
        what = wrong(&p, &l, &d);
        n++;

        if (what && bad++ == 0) {
            first = what;
            printf("# rungs=%u flags=%u attempts=%u retries=%u made=%u "
                   "deadline=%u after=%u: move=%u reason=%u\n", rungs, flags,
                   attempts, retries, made, deadline, after, d.move,
                   d.reason);
        }
    }

    ok(bad == 0, "%s: %lu states, %lu wrong %s",
       (char *) llm_failure_names[failure].data, n, bad, first);
}


int
main(void)
{
    int  f;

    plan(0);

    test_names();
    test_rungs();
    test_stops();
    test_default();
    test_delays();
    test_patience();

    for (f = 1; f < LLM_FAILURE_N; f++) {
        test_all((llm_failure_e) f);
    }

    return unit_end();
}
