
/* limits: words, smooth rates, windows of the calendar, arithmetic at the
   edges */


#include "unit.h"
#include "llm_limit.h"


#define T0  ((int64_t) 1790000000000)    /* 2026-09-21 14:13:20 UTC */
#define SUMS  2000


static llm_arena_t  *arena;


static llm_limit_t
limit(const char *text)
{
    llm_str_t     word;
    llm_limit_t   l;
    const char   *err;

    word.data = (unsigned char *) text;
    word.len = strlen(text);

    if (llm_limit_parse(&word, &l, &err) != LLM_OK) {
        printf("Bail out! %s: %s\n", text, err);
        exit(1);
    }

    return l;
}


static llm_amount_t
amount(int64_t requests, int64_t input, int64_t output, int64_t money)
{
    llm_amount_t  a;

    a.requests = requests;
    a.input_tokens = input;
    a.output_tokens = output;
    a.money = money;

    return a;
}


static void
test_words(void)
{
    llm_limit_t  a, b;

    a = limit("rpm=600");
    b = limit("requests=200k/m");

    is_int(a.kind, LLM_LIMIT_REQUESTS, "rpm counts requests");
    is_int(a.amount, 600, "so many");
    ok(a.smooth, "evenly");
    ok(a.id && a.id == b.id, "rpm= and requests=/m share a counter");
    is_int(b.amount, 200000, "k is thousands");

    is_int(limit("tpm=2m").amount, 2000000, "m is millions");
    ok(limit("tpm=2m").id != limit("tokens=1/h").id,
       "another window is another counter");
    ok(limit("tokens=1/30s").id != limit("tokens=1/s").id, "30 s are not 1 s");
    ok(limit("tokens=5/hour").smooth, "an hour is smooth");
    ok(!limit("tokens=5/day").smooth, "a day is the calendar's");
    ok(limit("tokens=5/2d").smooth, "two days are smooth");
    ok(!limit("requests=5/total").smooth, "so is everything");
    ok(!limit("budget=1/minute").smooth, "money goes by the calendar");
    is_int(limit("inflight=5").id, 0, "inflight has no counter");

    is_int(limit("budget=0.5/day").amount, 500000000, "USD to nano-dollars");
    is_int(limit("budget=1000/month").amount, 1000000000000, "many of them");
    is_int(limit("budget=0/day").amount, 0, "nothing but what is free");
    is_int(limit("budget=0.000000001/total").amount, 1, "the smallest one");
}


static void
test_nonsense(void)
{
    unsigned      i;
    llm_str_t     word;
    llm_limit_t   l;
    const char   *err;

    static const char  *words[] = {
        "", "rpm", "rpm=", "rpm=0", "rpm=-1", "rpm=1.5", "rpm=5/s", "rpm=5x",
        "rpm=k", "rps=5", "requests=5", "requests=5/", "requests=5/fortnight",
        "requests=5/0s", "requests=5/30", "requests=5/2day", "requests=/s",
        "requests=5/2week", "inflight=5/s", "inflight=0", "budget=5",
        "budget=/day", "budget=-1/day", "budget=1e3/day", "budget=x/day",
        "budget=1/31622401s", "budget=99999999999/day", "=5", "rpm=5 ",
        "tpm=9999999999999999", "requests=2000000m/s", "budget=$5/day",
        "requests=5/99999999999999999999s"
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        word.data = (unsigned char *) words[i];
        word.len = strlen(words[i]);
        err = NULL;

        is_int(llm_limit_parse(&word, &l, &err), LLM_INVALID,
               "\"%s\" is refused", words[i]);
        ok(err && *err, "in words");
    }
}


static void
test_rate(void)
{
    int             i;
    llm_mark_t      m;
    llm_limit_t     l;
    llm_amount_t    one, held;
    llm_counter_t   c;
    llm_standing_t  s;

    l = limit("rpm=7");
    one = amount(1, 0, 0, 0);
    held = amount(0, 0, 0, 0);

    memset(&c, 0, sizeof(c));
    memset(&m, 0, sizeof(m));

    for (i = 0; i < 7; i++) {
        is_int(llm_limit_check(&l, &c, &held, &one, T0, &s), LLM_OK,
               "request %d of 7 passes at once", i + 1);
        is_int(s.left, 7 - i, "%d are left", 7 - i);
        llm_limit_take(&l, &c, &one, &m, T0);
    }

    is_int(llm_limit_check(&l, &c, &held, &one, T0, &s), LLM_LIMIT,
           "the next is refused");
    is_int(s.spent, 7, "7 are spent");
    is_int(s.left, 0, "none is left");
    is_int(s.retry_ms, 8572, "a seventh of a minute later there is room");
    is_int(s.reset_ms, 60000, "after a minute it is whole");

    is_int(llm_limit_check(&l, &c, &held, &one, T0 + 8571, &s), LLM_LIMIT,
           "not a millisecond before");
    is_int(llm_limit_check(&l, &c, &held, &one, T0 + 8572, &s), LLM_OK,
           "but then");

    is_int(llm_limit_check(&l, NULL, &held, &one, T0, &s), LLM_OK,
           "a counter that is not there yet was never used");

    ok(!llm_limit_idle(&c, 0, T0 + 59999), "it counts for the minute");
    ok(llm_limit_idle(&c, 0, T0 + 60000), "and is forgotten then");

    /* a clock that was set back a day */

    is_int(llm_limit_check(&l, &c, &held, &one, T0 - 86400000, &s), LLM_LIMIT,
           "a clock set back keeps a rate closed");
    ok(s.retry_ms <= 70000, "for two windows at most");
}


static void
test_rate_ask(void)
{
    llm_mark_t      m;
    llm_limit_t     l;
    llm_amount_t    held, ask;
    llm_counter_t   c;
    llm_standing_t  s;

    memset(&c, 0, sizeof(c));
    memset(&m, 0, sizeof(m));
    held = amount(0, 0, 0, 0);
    l = limit("tpm=1k");

    ask = amount(1, 500, 501, 0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "more than there ever is does not fit");
    is_int(s.retry_ms, -1, "nor by waiting");
    is_int(s.asked, 1001, "input and output are counted");

    ask = amount(1, 400, 200, 0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK, "600 fit");
    llm_limit_take(&l, &c, &ask, &m, T0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "not twice");
    is_int(s.retry_ms, 12000, "until 200 flowed off");

    ask = amount(1, 0, 0, 0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK,
           "what takes no token always does");

    ask = amount(1, 500, 900, 0);
    l = limit("input_tokens=1k/m");
    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_OK,
           "input alone");
    l = limit("output_tokens=1k/m");
    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_OK,
           "output alone");
    is_int(s.asked, 900, "is measured");

    l = limit("tokens=1000000000000/366d");
    ask = amount(1, (int64_t) 1 << 53, (int64_t) 1 << 53, 0);
    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_LIMIT,
           "numbers beyond 64 bits on the way");

    ask = amount(1, INT64_MAX, INT64_MAX, INT64_MAX);
    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_LIMIT,
           "sums stop at the largest number");
    llm_limit_take(&l, &c, &ask, &m, T0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "and stay there");
}


static void
test_refund(void)
{
    llm_mark_t      mark, late;
    llm_limit_t     l;
    llm_amount_t    held, ask, used;
    llm_counter_t   c;
    llm_standing_t  s;

    l = limit("tpm=60");
    held = amount(0, 0, 0, 0);

    memset(&c, 0, sizeof(c));
    ask = amount(1, 0, 60, 0);
    used = amount(1, 0, 10, 0);

    memset(&mark, 0, sizeof(mark));
    llm_limit_take(&l, &c, &ask, &mark, T0);
    llm_limit_settle(&l, &c, &used, &mark, T0 + 1000);
    (void) llm_limit_check(&l, &c, &held, &ask, T0 + 1000, &s);
    is_int(s.left, 51, "what was not used is there again at once");

    /* A takes all, and by its end all of it flowed off */

    memset(&c, 0, sizeof(c));
    used = amount(1, 0, 0, 0);

    memset(&mark, 0, sizeof(mark));
    llm_limit_take(&l, &c, &ask, &mark, T0);
    memset(&late, 0, sizeof(late));
    llm_limit_take(&l, &c, &ask, &late, T0 + 60000);
    llm_limit_settle(&l, &c, &used, &mark, T0 + 60000);
    (void) llm_limit_check(&l, &c, &held, &ask, T0 + 60000, &s);
    is_int(s.left, 0, "nothing of another's part is given back");

    llm_limit_settle(&l, &c, &used, &late, T0 + 60000);
    (void) llm_limit_check(&l, &c, &held, &ask, T0 + 60000, &s);
    is_int(s.left, 60, "only of the own");

    /* more than was reserved is owed */

    memset(&c, 0, sizeof(c));
    used = amount(1, 0, 90, 0);

    memset(&mark, 0, sizeof(mark));
    llm_limit_take(&l, &c, &ask, &mark, T0);
    llm_limit_settle(&l, &c, &used, &mark, T0);
    ask = amount(1, 0, 1, 0);
    is_int(llm_limit_check(&l, &c, &held, &ask, T0 + 30999, &s), LLM_LIMIT,
           "a debt is waited for");
    is_int(llm_limit_check(&l, &c, &held, &ask, T0 + 31000, &s), LLM_OK,
           "and then paid");
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT, "before");
    is_int(s.spent, 90, "more is spent than the limit");
    is_int(s.left, 0, "none is left");
}


/*
 * Any order of requests, ends and refunds: what was used inside any minute is
 * never more than the burst and what flowed off meanwhile.
 */

static void
test_bound(void)
{
    int             i, j, n, live, pick;
    int64_t         now, sum, worst, over;
    llm_limit_t     l;
    llm_amount_t    held, ask, used;
    llm_counter_t   c;
    llm_standing_t  s;

    struct {
        int64_t     at, used;
        llm_mark_t  mark;
        int         ended;
    } all[SUMS];

    l = limit("tpm=600");
    held = amount(0, 0, 0, 0);
    memset(&c, 0, sizeof(c));
    srand(7);

    now = T0;
    n = 0;
    live = 0;

    while (n < SUMS) {
        now += rand() % 2000;

        ask = amount(1, 0, 1 + rand() % 200, 0);

        if (live < 12
            && llm_limit_check(&l, &c, &held, &ask, now, &s) == LLM_OK)
        {
            all[n].at = now;
            all[n].used = rand() % (ask.output_tokens + 1);
            memset(&all[n].mark, 0, sizeof(llm_mark_t));
            llm_limit_take(&l, &c, &ask, &all[n].mark, now);
            all[n].ended = 0;
            n++;
            live++;
        }

        if (live && rand() % 2) {

            for (pick = n - 1 - rand() % 12; pick > 0; pick--) {
                if (!all[pick].ended) {
                    break;
                }
            }

            if (pick >= 0 && !all[pick].ended) {
                used = amount(1, 0, all[pick].used, 0);
                llm_limit_settle(&l, &c, &used, &all[pick].mark, now);
                all[pick].ended = 1;
                live--;
            }
        }
    }

    worst = 0;

    for (i = 0; i < n; i++) {
        sum = 0;

        for (j = i; j < n; j++) {
            sum += all[j].used;
            over = sum - 600 - (all[j].at - all[i].at) * 600 / 60000;
            worst = over > worst ? over : worst;
        }
    }

    is_int(worst, 0, "no stretch of time held more than burst and flow");
}


static void
test_budget(void)
{
    int64_t         start, end;
    llm_mark_t      m;
    llm_limit_t     l;
    llm_amount_t    held, ask, used;
    llm_counter_t   c;
    llm_standing_t  s;

    l = limit("budget=0.000001/minute");    /* 1000 nano-dollars */
    memset(&c, 0, sizeof(c));
    held = amount(0, 0, 0, 0);
    ask = amount(1, 0, 0, 600);

    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK, "600 fit");
    llm_limit_take(&l, &c, &ask, &m, T0);
    llm_amount_add(&held, &ask);

    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "600 are held, 600 more do not fit");
    is_int(s.spent, 0, "nothing is spent");
    is_int(s.held, 600, "600 are in flight");
    is_int(s.left, 400, "400 are left");
    is_int(s.reset_ms, 40000, "the minute ends in 40 seconds");
    is_int(s.retry_ms, 1000, "but what is in flight may take less");

    used = amount(1, 0, 0, 401);
    llm_limit_settle(&l, &c, &used, NULL, T0);
    llm_amount_sub(&held, &ask);

    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "599 are left");
    is_int(s.retry_ms, 40000, "until the minute ends");
    ask.money = 599;
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK,
           "to the nano-dollar");

    llm_limit_window(&l, T0, &start, &end);
    ok(!llm_limit_idle(&c, end, end - 1), "it counts while the window does");
    ok(llm_limit_idle(&c, end, end), "and not after");

    ask.money = 1000;
    is_int(llm_limit_check(&l, &c, &held, &ask, T0 + 40000, &s), LLM_OK,
           "the next minute is a new one");
    is_int(llm_limit_check(&l, &c, &held, &ask, T0 + 39999, &s), LLM_LIMIT,
           "the last millisecond is not");

    used.money = 10;
    llm_limit_settle(&l, &c, &used, NULL, T0 + 40000);
    is_int(c.spent, 10, "an end counts in the window that it falls into");
    llm_limit_settle(&l, &c, &used, NULL, T0);
    is_int(c.spent, 20, "a clock set back opens no window anew");

    ask.money = 1001;
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_LIMIT,
           "more than there is");
    is_int(s.retry_ms, -1, "waits in vain");

    l = limit("budget=1/total");
    c.time = 0;
    c.spent = 1000000001;
    ask.money = 0;
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK,
           "what is free passes when more was spent than allowed");
    is_int(s.left, 0, "though nothing is left");
    is_int(s.reset_ms, -1, "and nothing resets");
    ok(!llm_limit_idle(&c, -1, T0), "a total counts for ever");

    c.spent = -INT64_MAX;
    ask.money = INT64_MAX;
    is_int(llm_limit_check(&l, &c, &held, &ask, T0, &s), LLM_OK,
           "topped up by all there is");
    is_int(s.left, INT64_MAX, "that is the most that is told");

    c.spent = INT64_MAX;
    used.money = INT64_MAX;
    llm_limit_settle(&l, &c, &used, NULL, T0);
    is_int(c.spent, INT64_MAX, "sums stop at the largest number");
}


/* somebody who knows the counter, and not its limit */

static void
test_charge(void)
{
    int64_t        start, end;
    llm_limit_t    l;
    llm_amount_t   used;
    llm_counter_t  c;

    used = amount(1, 20, 30, 400);

    l = limit("budget=1/minute");
    memset(&c, 0, sizeof(c));
    c.id = l.id;
    llm_limit_window(&l, T0, &start, &end);

    c.time = start;

    llm_limit_charge(&c, &used);
    is_int(c.spent, 400, "a budget gets its money");
    is_int(c.time, start, "in the window that it is in");
    llm_limit_settle(&l, &c, &used, NULL, end);
    is_int(c.spent, 400, "which the next one does not know of");

    l = limit("tokens=1m/day");
    memset(&c, 0, sizeof(c));
    c.id = l.id;
    llm_limit_charge(&c, &used);
    is_int(c.spent, 50, "one of tokens both of them, without an end");

    c.spent = INT64_MAX - 1;
    llm_limit_charge(&c, &used);
    is_int(c.spent, INT64_MAX, "a sum stops at the largest number");
}


static void
test_inflight(void)
{
    llm_limit_t     l;
    llm_amount_t    held, ask;
    llm_standing_t  s;

    l = limit("inflight=2");
    ask = amount(1, 9, 9, 9);
    held = amount(1, 9, 9, 9);

    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_OK, "a second");
    is_int(s.left, 1, "is the last");
    held.requests = 2;
    is_int(llm_limit_check(&l, NULL, &held, &ask, T0, &s), LLM_LIMIT,
           "a third is one too many");
    is_int(s.held, 2, "two are there");
    is_int(s.retry_ms, 1000, "it may try again soon");
}


static void
window(const char *text, const char *zone, int64_t now, int64_t want_start,
    int64_t want_end)
{
    int64_t          start, end;
    llm_str_t        name;
    llm_limit_t      l;
    const llm_tz_t  *tz;

    l = limit(text);

    if (zone) {
        name.data = (unsigned char *) zone;
        name.len = strlen(zone);

        if (llm_tz_load(arena, &name, &tz) != LLM_OK) {
            ok(0, "no zone %s: is tzdata installed?", zone);
            return;
        }

        llm_limit_set_tz(&l, tz);
    }

    llm_limit_window(&l, now * 1000 + 999, &start, &end);

    is_int(start, want_start * 1000, "%s in %s from", text,
           zone ? zone : "UTC");
    is_int(end, want_end * 1000, "to");
}


static void
test_windows(void)
{
    int64_t      start, end;
    llm_limit_t  l;

    /* 2026-09-21 14:13:20 UTC, a Monday */

    window("budget=1/s", NULL, 1790000000, 1790000000, 1790000001);
    window("budget=1/minute", NULL, 1790000000, 1789999980, 1790000040);
    window("budget=1/hour", NULL, 1790000000, 1789999200, 1790002800);
    window("budget=1/day", NULL, 1790000000, 1789948800, 1790035200);
    window("budget=1/week", NULL, 1790000000, 1789948800, 1790553600);
    window("budget=1/week", NULL, 1789948799, 1789344000, 1789948800);
    window("budget=1/month", NULL, 1790000000, 1788220800, 1790812800);
    window("budget=1/10s", NULL, 1790000007, 1790000000, 1790000010);

    /* ends of months and years, leap days */

    window("budget=1/month", NULL, 1798761599, 1796083200, 1798761600);
    window("budget=1/month", NULL, 1798761600, 1798761600, 1801440000);
    window("budget=1/month", NULL, 1835308800, 1832976000, 1835481600);
    window("budget=1/month", NULL, 4107542399, 4105123200, 4107542400);

    /* east of Greenwich by half an hour more */

    window("budget=1/hour", "Asia/Kolkata", 1790000000, 1789997400,
           1790001000);
    window("budget=1/day", "Asia/Kolkata", 1790000000, 1789929000, 1790015400);

    /* Berlin, 2026: clocks go forward on 29 March, back on 25 October */

    window("budget=1/day", "Europe/Berlin", 1774743600, 1774738800,
           1774821600);
    window("budget=1/day", "Europe/Berlin", 1774760000, 1774738800,
           1774821600);
    window("budget=1/day", "Europe/Berlin", 1792900000, 1792879200,
           1792969200);
    window("budget=1/week", "Europe/Berlin", 1792900000, 1792360800,
           1792969200);
    window("budget=1/month", "Europe/Berlin", 1792900000, 1790805600,
           1793487600);

    /* New York */

    window("budget=1/day", "America/New_York", 1790000000, 1789963200,
           1790049600);

    /* Cairo: clocks go from midnight to one on 24 April 2026 */

    window("budget=1/day", "Africa/Cairo", 1777000000, 1776981600,
           1777064400);

    l = limit("budget=1/total");
    llm_limit_window(&l, T0, &start, &end);
    is_int(start, 0, "all of time is one window");
    is_int(end, -1, "that never ends");
}


static void
test_zones(void)
{
    unsigned          i;
    llm_str_t         name;
    const llm_tz_t   *tz;

    static const char  *bad[] = {
        "", "/etc/localtime", "../zoneinfo/UTC", "Mars/Olympus", "CET 1",
        "Europe", "tzdata.zi", "Europe/Berlin "
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        name.data = (unsigned char *) bad[i];
        name.len = strlen(bad[i]);
        is_int(llm_tz_load(arena, &name, &tz), LLM_DECLINED,
               "\"%s\" is no zone", bad[i]);
    }

    name.data = (unsigned char *) "UTC";
    name.len = 3;
    is_int(llm_tz_load(arena, &name, &tz), LLM_OK, "UTC is one");
    ok(getenv("TZ") == NULL, "the environment is as it was");
}


int
main(void)
{
    plan(0);

    unsetenv("TZ");

    arena = llm_arena_create(1024 * 1024);

    test_words();
    test_nonsense();
    test_rate();
    test_rate_ask();
    test_refund();
    test_bound();
    test_budget();
    test_charge();
    test_inflight();
    test_windows();
    test_zones();

    llm_arena_free(arena);

    return unit_end();
}
