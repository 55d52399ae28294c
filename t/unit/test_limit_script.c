
/*
 * limits in Redis: the scripts, run by a redis-server that this test starts
 */


#include "unit.h"
#include "llm_limit_script.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>


#define LEASE  60000
#define USD    ((int64_t) 1000000000)


static llm_arena_t   *arena;
static redisContext  *redis;
static pid_t          server;
static char           dir[64];
static int64_t        now;
static llm_str_t      prefix = llm_string("t:");


static void
server_stop(void)
{
    char  command[128];

    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }

    if (dir[0]) {
        snprintf(command, sizeof(command), "rm -rf %s", dir);
        if (system(command) != 0) {
            printf("# %s stays\n", dir);
        }
    }
}


static int
server_start(void)
{
    int   i;
    char  path[128];

    strcpy(dir, "/tmp/llm-script-XXXXXX");

    if (mkdtemp(dir) == NULL) {
        return 0;
    }

    atexit(server_stop);
    snprintf(path, sizeof(path), "%s/s", dir);

    server = fork();

    if (server == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(1);
        }

        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               path, "--save", "", "--dir", dir, NULL);
        _exit(127);
    }

    for (i = 0; i < 500; i++) {

        redis = redisConnectUnix(path);

        if (redis && redis->err == 0) {
            return 1;
        }

        if (redis) {
            redisFree(redis);
        }

        if (waitpid(server, NULL, WNOHANG) == server) {
            server = 0;
            return 0;
        }

        usleep(20000);
    }

    return 0;
}


static void
clear(void)
{
    freeReplyObject(redisCommand(redis, "FLUSHALL"));
}


/* milliseconds by Redis */

static int64_t
clock_ms(void)
{
    int64_t      ms;
    redisReply  *r;

    r = redisCommand(redis, "TIME");
    ms = strtoll(r->element[0]->str, NULL, 10) * 1000
         + strtoll(r->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(r);

    return ms;
}


static redisReply *
run(const llm_str_t *script, llm_script_call_t *call)
{
    size_t       len[256];
    unsigned     i;
    redisReply  *r;
    const char  *argv[256];

    argv[0] = "EVAL";
    len[0] = 4;
    argv[1] = (const char *) script->data;
    len[1] = script->len;

    for (i = 2; i < call->argc; i++) {
        argv[i] = (const char *) call->argv[i].data;
        len[i] = call->argv[i].len;
    }

    r = redisCommandArgv(redis, (int) call->argc, argv, len);

    if (r == NULL || r->type == REDIS_REPLY_ERROR) {
        printf("Bail out! redis: %s\n", r ? r->str : redis->errstr);
        exit(1);
    }

    return r;
}


static llm_limit_t
limit(const char *text)
{
    llm_str_t     word;
    llm_limit_t   l;
    const char   *err;

    word = unit_str(text);

    if (llm_limit_parse(&word, &l, &err) != LLM_OK) {
        printf("Bail out! %s: %s\n", text, err);
        exit(1);
    }

    return l;
}


/* limits: words parted by spaces, "~" in front of a shadow */

static llm_subject_t *
subject(llm_subject_e kind, const char *id, const char *owner,
    const char *limits)
{
    char           *word, *copy;
    llm_subject_t  *s;

    s = llm_calloc(arena, sizeof(llm_subject_t));
    s->limits = llm_calloc(arena, 8 * sizeof(llm_limit_t));
    s->kind = kind;
    s->id = unit_str(id);
    s->owner = unit_str(owner);

    copy = llm_alloc(arena, strlen(limits) + 1);
    strcpy(copy, limits);

    for (word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        s->limits[s->nlimits] = limit(word + (word[0] == '~'));
        s->limits[s->nlimits].shadow = (word[0] == '~');
        s->nlimits++;
    }

    return s;
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


static llm_script_claim_t *
claim(const char *id, llm_subject_t *a, llm_subject_t *b, llm_amount_t ask)
{
    llm_script_claim_t  *c;

    c = llm_calloc(arena, sizeof(llm_script_claim_t));
    c->subjects = llm_calloc(arena, 2 * sizeof(llm_subject_t *));
    c->subjects[0] = a;
    c->subjects[1] = b;
    c->n = b ? 2 : 1;
    c->id = unit_str(id);
    c->asked = ask;
    c->marks = llm_calloc(arena, 32 * sizeof(int64_t));

    return c;
}


static llm_verdict_t  verdict;


static int
reserve_for(llm_script_claim_t *c, int64_t lease)
{
    int                 rc;
    size_t              i;
    int64_t             reply[256];
    redisReply         *r;
    llm_script_call_t   call;

    memset(&verdict, 0, sizeof(llm_verdict_t));

    if (llm_script_reserve_call(c, &prefix, lease, now, arena, &call)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    r = run(&llm_script_reserve, &call);

    for (i = 0; i < r->elements; i++) {
        reply[i] = strtoll(r->element[i]->str, NULL, 10);
    }

    rc = llm_script_reserve_read(c, reply, (unsigned) r->elements, &now,
                                 &verdict);
    freeReplyObject(r);

    return rc;
}


static int
reserve(llm_script_claim_t *c)
{
    return reserve_for(c, LEASE);
}


static long long
settle(llm_script_claim_t *c, llm_script_mode_e mode, llm_amount_t used)
{
    long long           n;
    redisReply         *r;
    llm_script_call_t   call;

    c->used = used;

    if (llm_script_settle_call(c, mode, &prefix, now, arena, &call) != LLM_OK)
    {
        return -1;
    }

    r = run(&llm_script_settle, &call);
    n = r->integer;
    freeReplyObject(r);

    return n;
}


static void
test_names(void)
{
    llm_buf_t       b;
    llm_str_t       name;
    llm_subject_t  *key, *team, *env;

    key = subject(LLM_SUBJECT_KEY, "key=k", "acme", "rpm=1");
    team = subject(LLM_SUBJECT_TEAM, "team=acme/search", "acme", "rpm=1");
    env = subject(LLM_SUBJECT_ENV, "env=prod", "", "rpm=1");

    llm_buf_init(&b, arena);
    llm_script_key(team, &prefix, &b);
    name.data = b.data;
    name.len = b.len;
    is_str(name, "t:{owner=acme}:team=acme/search",
           "what belongs to an owner has the owner's hash tag");

    llm_buf_init(&b, arena);
    llm_script_key(env, &prefix, &b);
    name.data = b.data;
    name.len = b.len;
    is_str(name, "t:{env=prod}:env=prod", "other subjects have their own");

    ok(llm_script_same_tag(key, team), "a key and its owner's team together");
    ok(!llm_script_same_tag(key, env), "an environment goes alone");
}


static void
test_budget(void)
{
    llm_subject_t       *s;
    llm_script_claim_t  *a, *b, *c;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "budget=1/day");

    a = claim("a", s, NULL, amount(1, 10, 10, USD / 2));
    b = claim("b", s, NULL, amount(1, 10, 10, USD / 2));
    c = claim("c", s, NULL, amount(1, 10, 10, 1));

    is_int(reserve(a), LLM_OK, "half of the budget is reserved");
    is_int(reserve(b), LLM_OK, "and the other half");
    is_int(reserve(c), LLM_LIMIT, "there is no nano-dollar left");
    is_int(verdict.refused.held, USD, "all is held by requests in flight");
    is_int(verdict.refused.spent, 0, "nothing is spent");
    ok(verdict.refused.limit == &s->limits[0], "the limit is told");
    is_int(verdict.refused.retry_ms <= 1000, 1,
           "it may fit when one of them ends");

    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 1, 1, USD / 2 - 1)), 1,
           "one came to less");
    is_int(reserve(c), LLM_OK, "which can be used at once");
    is_int(settle(b, LLM_SCRIPT_FIRST, amount(1, 1, 1, USD / 2)), 1, "used up");
    is_int(settle(c, LLM_SCRIPT_FIRST, amount(1, 1, 1, 1)), 1, "to the end");

    c = claim("d", s, NULL, amount(1, 10, 10, 1));
    is_int(reserve(c), LLM_LIMIT, "nothing is left");
    is_int(verdict.refused.spent, USD, "spent equals the limit");
    is_int(verdict.refused.held, 0, "and nothing is held");

    c = claim("e", s, NULL, amount(1, 10, 10, 0));
    is_int(reserve(c), LLM_OK, "what takes nothing fits");
}


/* numbers that are no doubles */

static void
test_exact(void)
{
    int64_t              big;
    llm_subject_t       *s;
    llm_script_claim_t  *a;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "budget=9000000000/total");
    big = 9000000000 * USD;

    a = claim("a", s, NULL, amount(1, 0, 0, big - 1));
    is_int(reserve(a), LLM_OK, "nine billion dollars less one nano-dollar");
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, big - 1)), 1, "spent");

    a = claim("b", s, NULL, amount(1, 0, 0, 2));
    is_int(reserve(a), LLM_LIMIT, "two more are one too many");
    is_int(verdict.refused.spent, big - 1, "told to the nano-dollar");

    a = claim("c", s, NULL, amount(1, 0, 0, 1));
    is_int(reserve(a), LLM_OK, "one more fits");
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, INT64_MAX - 5)), 1,
           "an absurd cost");

    a = claim("d", s, NULL, amount(1, 0, 0, 1));
    is_int(reserve(a), LLM_LIMIT, "leaves nothing");
    is_int(verdict.refused.spent, INT64_MAX, "the sum stays at its largest");
}


static void
test_once(void)
{
    redisReply          *r;
    llm_subject_t       *s;
    llm_script_claim_t  *a;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "budget=10/day");
    a = claim("a", s, NULL, amount(1, 0, 0, USD));

    is_int(reserve(a), LLM_OK, "reserved");
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, 7)), 1, "settled");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 7)), 0,
           "sent again because nobody knew: not counted twice");

    a = claim("b", s, NULL, amount(1, 0, 0, USD));
    is_int(reserve(a), LLM_OK, "another, whose first sending was lost");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 7)), 1,
           "is counted the second time");
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, 7)), 0,
           "the first comes late, out of a dead worker's socket: it is not");

    a = claim("e", s, NULL, amount(1, 0, 0, USD));
    is_int(reserve(a), LLM_OK, "another, that nothing was used of");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(0, 0, 0, 0)), 1, "given back");
    r = redisCommand(redis, "ZCARD t:{key=k}:key=k:leases");
    is_int(r->integer, 1, "and nothing remembers it");
    freeReplyObject(r);

    a = claim("c", s, NULL, amount(1, 0, 0, USD));
    is_int(reserve(a), LLM_OK, "another");
    clear();
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, 7)), 1,
           "Redis came back empty: counted all the same");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 7)), 0, "once");

    a = claim("d", s, NULL, amount(0, 0, 0, 0));
    is_int(settle(a, LLM_SCRIPT_LATER, amount(1, 0, 0, 5)), 1,
           "what was reserved elsewhere counts");
    is_int(settle(a, LLM_SCRIPT_LATER, amount(1, 0, 0, 5)), 0, "once");

    a = claim("e", s, NULL, amount(1, 0, 0, 10 * USD));
    is_int(reserve(a), LLM_LIMIT, "it is all there");
    is_int(verdict.refused.spent, 12, "seven and five");
}


static void
test_leases(void)
{
    llm_subject_t       *s;
    llm_script_claim_t  *a, *b;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "inflight=1 budget=1/day");
    a = claim("a", s, NULL, amount(1, 0, 0, USD));
    b = claim("b", s, NULL, amount(1, 0, 0, USD));

    is_int(reserve_for(a, 100), LLM_OK, "a reservation for a moment");
    is_int(reserve(b), LLM_LIMIT, "there is room for one");
    is_int(verdict.refused.limit->kind, LLM_LIMIT_INFLIGHT, "in flight");

    usleep(150000);

    is_int(reserve(b), LLM_OK, "its host is gone: the room comes back");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 3)), 1,
           "the host was alive after all: its spend counts");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 3)), 0, "once");
    is_int(settle(b, LLM_SCRIPT_FIRST, amount(1, 0, 0, USD - 3)), 1, "and");

    a = claim("c", s, NULL, amount(1, 0, 0, 1));
    is_int(reserve(a), LLM_LIMIT, "spent");
    is_int(verdict.refused.spent, USD, "to the nano-dollar");
    is_int(verdict.refused.held, 0, "nothing is held");
}


static void
test_renew(void)
{
    unsigned             i;
    size_t               len[8];
    const char          *argv[8];
    llm_subject_t       *s;
    llm_script_call_t    call;
    llm_script_claim_t  *a, *b;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "inflight=1");
    a = claim("a", s, NULL, amount(1, 2, 3, 4));
    b = claim("b", s, NULL, amount(1, 0, 0, 0));

    is_int(reserve_for(a, 100), LLM_OK, "a reservation for a moment");
    is_int(llm_script_renew_call(a, 0, &prefix, now + LEASE, arena, &call),
           LLM_OK, "is prolonged");

    for (i = 0; i < call.argc; i++) {
        argv[i] = (const char *) call.argv[i].data;
        len[i] = call.argv[i].len;
    }

    freeReplyObject(redisCommandArgv(redis, (int) call.argc, argv, len));
    usleep(150000);

    is_int(reserve(b), LLM_LIMIT, "and holds on");
    is_int(settle(a, LLM_SCRIPT_AGAIN, amount(1, 0, 0, 0)), 1, "until its end");
    is_int(reserve(b), LLM_OK, "then there is room");
}


static void
test_smooth(void)
{
    int                  i;
    llm_subject_t       *s;
    llm_script_claim_t  *a[8], *b;

    static const char  *ids[] = { "r0", "r1", "r2", "r3", "r4" };

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "requests=5/h");

    for (i = 0; i < 5; i++) {
        a[i] = claim(ids[i], s, NULL, amount(1, 0, 0, 0));
        is_int(reserve(a[i]), LLM_OK, "request %d of a burst", i + 1);
    }

    b = claim("b", s, NULL, amount(1, 0, 0, 0));
    is_int(reserve(b), LLM_LIMIT, "one too many");
    ok(verdict.refused.retry_ms > 700000 && verdict.refused.retry_ms <= 720000,
       "the next one in twelve minutes");
    is_int(verdict.requests.left, 0, "nothing remains");

    is_int(settle(a[2], LLM_SCRIPT_FIRST, amount(0, 0, 0, 0)), 1,
           "one did not take place");
    is_int(reserve(b), LLM_OK, "its room is given back");

    b = claim("c", s, NULL, amount(1, 0, 0, 0));
    is_int(reserve(b), LLM_LIMIT, "once");

    s = subject(LLM_SUBJECT_KEY, "key=t", "", "tpm=1000");
    a[0] = claim("t0", s, NULL, amount(1, 400, 400, 0));
    is_int(reserve(a[0]), LLM_OK, "800 tokens reserved");

    b = claim("t1", s, NULL, amount(1, 400, 0, 0));
    is_int(reserve(b), LLM_LIMIT, "400 more do not fit");
    is_int(settle(a[0], LLM_SCRIPT_FIRST, amount(1, 100, 100, 0)), 1,
           "it was 200");
    is_int(reserve(b), LLM_OK, "now they do");
    ok(verdict.tokens.left >= 790 && verdict.tokens.left <= 810,
       "before it 800 were left: %" PRId64, verdict.tokens.left);
}


/* all or none, shadows, clocks */

static void
test_rules(void)
{
    int64_t              start, end;
    redisReply          *r;
    llm_subject_t       *key, *team;
    llm_script_claim_t  *a;

    clear();

    key = subject(LLM_SUBJECT_KEY, "key=k", "acme", "rpm=10 budget=1/day");
    team = subject(LLM_SUBJECT_TEAM, "team=acme/t", "acme", "inflight=1");

    a = claim("a", key, team, amount(2, 0, 0, 5));
    is_int(reserve(a), LLM_LIMIT, "the second subject refuses");
    ok(verdict.refused.subject == team, "and is named");

    r = redisCommand(redis, "DBSIZE");
    is_int(r->integer, 0, "the first one holds nothing");
    freeReplyObject(r);

    team->limits[0].shadow = 1;
    is_int(reserve(a), LLM_OK, "a shadow refuses nothing");
    ok(verdict.shadow.subject == team, "but is told");

    r = redisCommand(redis, "HGET t:{owner=acme}:team=acme/t r");
    ok(strcmp(r->str, "2") == 0, "and counts");
    freeReplyObject(r);

    r = redisCommand(redis, "EVAL %s 0",
                     "for _, k in ipairs(redis.call('KEYS', '*')) do "
                     "if redis.call('PTTL', k) <= 0 then return k end end "
                     "return 'none'");
    ok(strcmp(r->str, "none") == 0, "every key expires");
    freeReplyObject(r);

    /* a clock that is a day late */

    llm_limit_window(&key->limits[1], now, &start, &end);
    now = start - 1;
    a = claim("b", key, NULL, amount(1, 0, 0, 5));
    is_int(reserve(a), LLM_AGAIN, "Redis's clock counts");
    ok(now >= start, "and is told");
    is_int(reserve(a), LLM_OK, "so that the next call is right");
}


/* a window turns, and a settlement of the old one comes late */

static void
test_turn(void)
{
    int64_t              start, end, later;
    llm_subject_t       *s;
    llm_script_claim_t  *a;

    clear();

    s = subject(LLM_SUBJECT_KEY, "key=k", "", "budget=1/s");
    a = claim("a", s, NULL, amount(1, 0, 0, USD));

    while (reserve(a) == LLM_AGAIN) { /* void */ }
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, USD)), 1, "all spent");

    llm_limit_window(&s->limits[0], now, &start, &end);
    later = now;
    usleep((useconds_t) (end - now + 20) * 1000);

    now = clock_ms();
    a = claim("b", s, NULL, amount(1, 0, 0, USD));
    is_int(reserve(a), LLM_OK, "the next second has its own budget");

    now = later;
    is_int(settle(a, LLM_SCRIPT_FIRST, amount(1, 0, 0, USD)), 1,
           "what ended in the second before");
    now = clock_ms();
    a = claim("c", s, NULL, amount(1, 0, 0, USD));
    is_int(reserve(a), LLM_OK, "is not counted in this one");
}


static void
test_replies(void)
{
    int64_t              reply[3] = { 0, 5, 0 }, t;
    llm_verdict_t        v;
    llm_script_claim_t  *a;

    a = claim("a", subject(LLM_SUBJECT_KEY, "key=k", "", "rpm=1"), NULL,
              amount(1, 0, 0, 0));

    is_int(llm_script_reserve_read(a, reply, 1, &t, &v), LLM_INVALID,
           "a reply that is too short");
    is_int(llm_script_reserve_read(a, reply, 3, &t, &v), LLM_INVALID,
           "a reply for other limits");
}


int
main(void)
{
    plan(0);

    if (!server_start()) {
        printf("1..0 # SKIP no redis-server\n");
        return 0;
    }

    arena = llm_arena_create(16 * 1024 * 1024);
    now = clock_ms();

    test_names();
    test_budget();
    test_exact();
    test_once();
    test_leases();
    test_renew();
    test_smooth();
    test_rules();
    test_turn();
    test_replies();

    redisFree(redis);
    llm_arena_free(arena);

    return unit_end();
}
