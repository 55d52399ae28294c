
/*
 * Limits: what a subject may use in a window, as arithmetic on integers.
 * Nothing here reads a clock or keeps state of its own: time comes in as
 * milliseconds since the epoch, counters belong to the caller.
 *
 * Requests and tokens per second, minute, hour or N of these are smooth: a
 * generic cell rate (GCRA) whose burst is the whole amount, so that "rpm=5"
 * lets five through at once and one more every 12 seconds.  Everything by
 * day, week, month or in total, and money in any window, is counted in
 * windows that turn with the calendar (UTC, or a time zone).
 */


#ifndef _LLM_LIMIT_H_INCLUDED_
#define _LLM_LIMIT_H_INCLUDED_


#include "llm_base.h"


/* kind, its word in the configuration, what is counted */

#define LLM_LIMIT_MAP(L)                                                      \
    L(REQUESTS,      "requests",      "requests")                             \
    L(TOKENS,        "tokens",        "tokens")                               \
    L(INPUT_TOKENS,  "input_tokens",  "input tokens")                         \
    L(OUTPUT_TOKENS, "output_tokens", "output tokens")                        \
    L(INFLIGHT,      "inflight",      "requests at once")                     \
    L(BUDGET,        "budget",        "USD")

typedef enum {
#define LLM_LIMIT_ENUM(l, word, what)  LLM_LIMIT_##l,
    LLM_LIMIT_MAP(LLM_LIMIT_ENUM)
#undef LLM_LIMIT_ENUM
    LLM_LIMIT_N
} llm_limit_e;


typedef enum {
    LLM_WINDOW_NONE = 0,             /* of inflight */
    LLM_WINDOW_SECOND,               /* n of these ... */
    LLM_WINDOW_MINUTE,
    LLM_WINDOW_HOUR,
    LLM_WINDOW_DAY,
    LLM_WINDOW_WEEK,                 /* begins on Monday */
    LLM_WINDOW_MONTH,
    LLM_WINDOW_TOTAL,                /* never turns */
    LLM_WINDOW_N
} llm_window_e;


/* kinds of subject: the parties whose use is counted */

#define LLM_SUBJECT_MAP(S)                                                    \
    S(KEY,      key)                                                          \
    S(APP,      app)                                                          \
    S(TEAM,     team)                                                         \
    S(OWNER,    owner)                                                        \
    S(ENV,      env)                                                          \
    S(MODEL,    model)                                                        \
    S(PROVIDER, provider)

typedef enum {
#define LLM_SUBJECT_ENUM(s, name)  LLM_SUBJECT_##s,
    LLM_SUBJECT_MAP(LLM_SUBJECT_ENUM)
#undef LLM_SUBJECT_ENUM
    LLM_SUBJECT_N
} llm_subject_e;


/* a time zone's offsets from UTC by time: see llm_limit_tz.c */
typedef struct llm_tz_s  llm_tz_t;


typedef struct {
    llm_limit_e      kind;
    llm_window_e     unit;
    int64_t          amount;         /* above 0; of a budget nano-dollars,
                                        which may be 0 */
    int64_t          n;              /* units in a window: 30 of "10/30s" */
    const llm_tz_t  *tz;             /* NULL: UTC */
    uint64_t         id;             /* of the counter: limits of one subject
                                        that differ by amount or shadow alone
                                        share one; 0: inflight has none */
    llm_str_t        text;           /* as written: "rpm=5", "budget=10/day" */
    unsigned         smooth:1;       /* GCRA; 0: calendar */
    unsigned         shadow:1;       /* counts and tells, refuses nothing */
} llm_limit_t;


typedef struct {
    llm_subject_e    kind;
    llm_str_t        name;           /* "search"; apps and teams with an owner
                                        "acme/search" */
    llm_str_t        id;             /* "team=acme/search" */
    llm_str_t        owner;          /* of key, app, team and owner: who it
                                        belongs to, or empty */
    uint32_t         hash;           /* llm_subject_hash() of id */
    unsigned         nlimits;
    llm_limit_t     *limits;
} llm_subject_t;


/* what a request takes, or holds, or has used; all of it 0 or above */

typedef struct {
    int64_t          requests;
    int64_t          input_tokens;
    int64_t          output_tokens;
    int64_t          money;          /* nano-dollars */
} llm_amount_t;


/*
 * A counter of a subject.  One that was never used is all zero but for its
 * id.  time is, if smooth, when the bucket is empty again (GCRA's theoretical
 * arrival time), in nanoseconds since the epoch, and spent what was given
 * back; if by the calendar, time is when the window that spent belongs to
 * began, in milliseconds.
 */

typedef struct {
    uint64_t         id;
    int64_t          time;
    int64_t          spent;
} llm_counter_t;

/* a millisecond of smooth counters' time */
#define LLM_LIMIT_MS  ((int64_t) 1000000)


/* a request's part of a smooth counter: where it ends (see llm_limit.c) and
   how long it is, in nanoseconds; all zero before it is taken */

typedef struct {
    int64_t          end;
    int64_t          cost;
} llm_mark_t;


/*
 * How a limit stands for a request.  spent and held are in the limit's own
 * unit (nano-dollars of a budget); what is held by requests in flight is in
 * spent already where a limit is smooth.
 */

typedef struct {
    const llm_subject_t  *subject;
    const llm_limit_t    *limit;     /* NULL: none */
    int64_t               spent;     /* in this window */
    int64_t               held;      /* reserved by requests in flight */
    int64_t               asked;     /* by this request */
    int64_t               left;      /* what a request could take now */
    int64_t               reset_ms;  /* until the window turns, or a smooth
                                        one is whole again; -1: never */
    int64_t               retry_ms;  /* until this request may fit; -1: not by
                                        waiting */
} llm_standing_t;


/*
 * The word on a request.  Limits that refuse nothing now are told too, those
 * that are nearest to it: what X-RateLimit-* says.
 */

typedef struct {
    llm_standing_t   refused;        /* limit NULL: allowed */
    llm_standing_t   shadow;         /* the first one that would have */
    llm_standing_t   requests;       /* nearest, of limits on requests */
    llm_standing_t   tokens;         /* and on tokens of any kind */
} llm_verdict_t;


extern const llm_str_t  llm_limit_names[LLM_LIMIT_N];
extern const llm_str_t  llm_subject_names[LLM_SUBJECT_N];


/*
 * Reads one word of a "limit" directive: "rpm=5", "tpm=2m", "inflight=50",
 * "requests=10/s", "tokens=1m/day", "budget=0.5/month", "budget=1/30s".  The
 * text is not copied.  LLM_OK, or LLM_INVALID with *err in words.
 * llm_limit_set_tz() lays a time zone over a limit with a calendar window.
 */
int llm_limit_parse(const llm_str_t *word, llm_limit_t *limit,
    const char **err);
void llm_limit_set_tz(llm_limit_t *limit, const llm_tz_t *tz);

/*
 * A time zone by its name in the system's data, such as "Europe/Berlin", as
 * offsets until 2100, kept in the arena.  Swaps the environment for a moment:
 * not for programs with threads.  LLM_OK, LLM_DECLINED: no such zone,
 * LLM_NOMEM.
 */
int llm_tz_load(llm_arena_t *arena, const llm_str_t *name,
    const llm_tz_t **tz);

/* the window of a calendar limit at now: its first millisecond and that of
   the next one; -1: there is none */
void llm_limit_window(const llm_limit_t *limit, int64_t now, int64_t *start,
    int64_t *end);

uint32_t llm_subject_hash(const unsigned char *data, size_t len);

/* the part of an amount that a limit counts */
int64_t llm_limit_measure(const llm_limit_t *limit, const llm_amount_t *a);

/*
 * Of a smooth limit, in nanoseconds: its window, and how long n units take to
 * flow off.  That is rounded down, since the whole amount must fit into the
 * bucket one by one; at most a quarter of INT64_MAX.
 */
int64_t llm_limit_length(const llm_limit_t *limit);
int64_t llm_limit_cost(const llm_limit_t *limit, int64_t n);

/*
 * How the limit stands and whether ask fits: LLM_OK or LLM_LIMIT.  counter may
 * be NULL: never used.  held is what all requests in flight hold on the
 * subject.  s->subject is left alone.
 */
int llm_limit_check(const llm_limit_t *limit, const llm_counter_t *counter,
    const llm_amount_t *held, const llm_amount_t *ask, int64_t now,
    llm_standing_t *s);

/*
 * Counts a request in, after every check said yes, or more of it: the mark is
 * what settling wants back.  Only smooth limits and windows that turned change
 * here; the caller adds to what the subject's requests hold.
 */
void llm_limit_take(const llm_limit_t *limit, llm_counter_t *counter,
    const llm_amount_t *ask, llm_mark_t *mark, int64_t now);

/*
 * The request's end: used is what it came to.  Of what was not used a smooth
 * limit gives back the part that has not flowed off by itself, so that no
 * window holds more than it should.  Calendar windows count what was used
 * where the request ends.
 */
void llm_limit_settle(const llm_limit_t *limit, llm_counter_t *counter,
    const llm_amount_t *used, const llm_mark_t *mark, int64_t now);

/* a smooth counter gets all of a request's part back, as far as it is left */
void llm_limit_refund(llm_counter_t *counter, const llm_mark_t *mark,
    int64_t now);

/*
 * A calendar counter gets what was used, for somebody who does not know its
 * limit: the kind is in its id.  It counts in the window that the counter is
 * in, even if that is over: limits ask no more for it, but the ledger does.
 */
void llm_limit_charge(llm_counter_t *counter, const llm_amount_t *used);

/* what a counter of this id counts */
llm_limit_e llm_limit_kind(uint64_t id);

/* whether nothing of a counter counts any more, so that it may be forgotten;
   end is that of its window as llm_limit_window() told, 0 if smooth */
int llm_limit_idle(const llm_counter_t *counter, int64_t end, int64_t now);

/*
 * Adds how one limit stands to the word on a request; rc is what check() said.
 * Of several that refuse the one counts that does so for the longest: to wait
 * for another is in vain.  Of those that do not the nearest is told: the one
 * of which the smallest share is left behind the request.
 */
void llm_verdict_add(llm_verdict_t *v, const llm_standing_t *s, int rc);
/* what is told of limits, after the request was counted in */
void llm_verdict_take(llm_verdict_t *v);

/* sums that stop at the largest number, and never fall below 0 */
void llm_amount_add(llm_amount_t *a, const llm_amount_t *b);
void llm_amount_sub(llm_amount_t *a, const llm_amount_t *b);


#endif /* _LLM_LIMIT_H_INCLUDED_ */
