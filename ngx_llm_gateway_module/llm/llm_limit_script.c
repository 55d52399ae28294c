
#include "llm_limit_script.h"


/* of "-9223372036854775808", and of a name's second key */
#define LLM_SCRIPT_NUMBER  20
#define LLM_SCRIPT_LEASES  ":leases"

/* at most, for a limit; and behind a key and ahead of its limits */
#define LLM_SCRIPT_WORDS   8
#define LLM_SCRIPT_HEAD    4
#define LLM_SCRIPT_START   10

/*
 * How long the keys of a subject stay behind what they count, in case that a
 * host's clock is late; what never ends is kept for ten years after its last
 * use.  Milliseconds.
 */
#define LLM_SCRIPT_LATE    3600000
#define LLM_SCRIPT_EVER    ((int64_t) 315360000000)


/* words being written: text goes to p, which has room for all of them */

typedef struct {
    llm_str_t       *argv;
    unsigned         argc;
    unsigned char   *p;
} llm_script_words_t;


static int llm_script_begin(const llm_script_claim_t *claim,
    const llm_str_t *prefix, llm_arena_t *arena, llm_script_words_t *w);
static size_t llm_script_tag(const llm_subject_t *subject, llm_str_t *tag);
static void llm_script_text(llm_script_words_t *w, const char *s);
static void llm_script_str(llm_script_words_t *w, const llm_str_t *s);
static void llm_script_int(llm_script_words_t *w, int64_t n);
static unsigned char *llm_script_print(unsigned char *p, uint64_t n);
static void llm_script_amount(llm_script_words_t *w, const llm_amount_t *a);
static void llm_script_limit(llm_script_words_t *w, const llm_limit_t *limit,
    const llm_amount_t *ask, int64_t now);
static void llm_script_settle_limit(llm_script_words_t *w,
    const llm_limit_t *limit, const llm_script_claim_t *claim, int64_t mark,
    llm_script_mode_e mode, int64_t now);
static int64_t llm_script_ttl(const llm_subject_t *subject, int64_t now);
static void llm_script_done(llm_script_words_t *w, llm_script_call_t *call);


int
llm_script_same_tag(const llm_subject_t *a, const llm_subject_t *b)
{
    size_t     na, nb;
    llm_str_t  ta, tb;

    na = llm_script_tag(a, &ta);
    nb = llm_script_tag(b, &tb);

    return na == nb
           && ta.len == tb.len && memcmp(ta.data, tb.data, ta.len) == 0;
}


/*
 * What stands in braces: "owner=" (which is told by its length being
 * returned) and the owner, or the subject's own id.
 */

static size_t
llm_script_tag(const llm_subject_t *subject, llm_str_t *tag)
{
    if (subject->owner.len && subject->kind <= LLM_SUBJECT_OWNER) {
        *tag = subject->owner;
        return sizeof("owner=") - 1;
    }

    *tag = subject->id;

    return 0;
}


void
llm_script_key(const llm_subject_t *subject, const llm_str_t *prefix,
    llm_buf_t *out)
{
    size_t     n;
    llm_str_t  tag;

    n = llm_script_tag(subject, &tag);

    llm_buf_add(out, prefix->data, prefix->len);
    llm_buf_add(out, "{", 1);
    llm_buf_add(out, "owner=", n);
    llm_buf_add(out, tag.data, tag.len);
    llm_buf_add(out, "}:", 2);
    llm_buf_add(out, subject->id.data, subject->id.len);
}


unsigned
llm_script_limits(const llm_script_claim_t *claim)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < claim->n; i++) {
        n += claim->subjects[i]->nlimits;
    }

    return n;
}


/* room for all, and the keys */

static int
llm_script_begin(const llm_script_claim_t *claim, const llm_str_t *prefix,
    llm_arena_t *arena, llm_script_words_t *w)
{
    unsigned    i, n;
    llm_buf_t   keys;
    llm_str_t   name;

    n = LLM_SCRIPT_START + claim->n * LLM_SCRIPT_HEAD
        + llm_script_limits(claim) * LLM_SCRIPT_WORDS;

    w->argc = 2;

    w->argv = llm_alloc(arena, n * sizeof(llm_str_t));
    if (w->argv == NULL) {
        return LLM_NOMEM;
    }

    w->p = llm_alloc(arena, n * LLM_SCRIPT_NUMBER);
    if (w->p == NULL) {
        return LLM_NOMEM;
    }

    llm_script_int(w, 2 * (int64_t) claim->n);

    for (i = 0; i < claim->n; i++) {

        llm_buf_init(&keys, arena);
        llm_script_key(claim->subjects[i], prefix, &keys);

        name.len = keys.len;
        llm_buf_puts(&keys, LLM_SCRIPT_LEASES);

        if (keys.failed) {
            return LLM_NOMEM;
        }

        name.data = keys.data;
        llm_script_str(w, &name);

        name.len = keys.len;
        llm_script_str(w, &name);
    }

    return LLM_OK;
}


static void
llm_script_done(llm_script_words_t *w, llm_script_call_t *call)
{
    call->argv = w->argv;
    call->argc = w->argc;
}


static void
llm_script_text(llm_script_words_t *w, const char *s)
{
    w->argv[w->argc].len = strlen(s);
    w->argv[w->argc].data = (unsigned char *) s;
    w->argc++;
}


static void
llm_script_str(llm_script_words_t *w, const llm_str_t *s)
{
    w->argv[w->argc++] = *s;
}


static void
llm_script_int(llm_script_words_t *w, int64_t n)
{
    llm_str_t  *s;

    s = &w->argv[w->argc++];
    s->data = w->p;

    if (n < 0) {
        *w->p++ = '-';
        w->p = llm_script_print(w->p, 0 - (uint64_t) n);

    } else {
        w->p = llm_script_print(w->p, (uint64_t) n);
    }

    s->len = w->p - s->data;
}


static unsigned char *
llm_script_print(unsigned char *p, uint64_t n)
{
    size_t         len;
    unsigned char  text[LLM_SCRIPT_NUMBER];

    len = sizeof(text);

    do {
        text[--len] = (unsigned char) ('0' + n % 10);
        n /= 10;
    } while (n);

    memcpy(p, text + len, sizeof(text) - len);

    return p + sizeof(text) - len;
}


static void
llm_script_amount(llm_script_words_t *w, const llm_amount_t *a)
{
    llm_script_int(w, a->requests);
    llm_script_int(w, a->input_tokens);
    llm_script_int(w, a->output_tokens);
    llm_script_int(w, a->money);
}


int
llm_script_reserve_call(const llm_script_claim_t *claim,
    const llm_str_t *prefix, int64_t lease_ms, int64_t now,
    llm_arena_t *arena, llm_script_call_t *call)
{
    unsigned              i, j;
    const llm_subject_t  *subject;
    llm_script_words_t    w;

    if (llm_script_begin(claim, prefix, arena, &w) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_script_str(&w, &claim->id);
    llm_script_int(&w, lease_ms);
    llm_script_amount(&w, &claim->asked);

    for (i = 0; i < claim->n; i++) {
        subject = claim->subjects[i];

        llm_script_int(&w, llm_script_ttl(subject, now));
        llm_script_int(&w, subject->nlimits);

        for (j = 0; j < subject->nlimits; j++) {
            llm_script_limit(&w, &subject->limits[j], &claim->asked, now);
        }
    }

    llm_script_done(&w, call);

    return LLM_OK;
}


static void
llm_script_limit(llm_script_words_t *w, const llm_limit_t *limit,
    const llm_amount_t *ask, int64_t now)
{
    int64_t  start, end;

    static const char  *parts[LLM_LIMIT_N] = { "r", "t", "i", "o", "r", "m" };

    if (limit->kind == LLM_LIMIT_INFLIGHT) {
        llm_script_text(w, "f");
        llm_script_int(w, limit->shadow);
        llm_script_int(w, limit->amount);
        return;
    }

    llm_script_text(w, limit->smooth ? "s" : "c");
    llm_script_int(w, limit->shadow);
    llm_script_int(w, (int64_t) (limit->id & INT64_MAX));

    if (limit->smooth) {
        llm_script_int(w, llm_limit_length(limit) / 1000);
        llm_script_int(w, llm_limit_cost(limit, llm_limit_measure(limit, ask))
                          / 1000);
        return;
    }

    llm_limit_window(limit, now, &start, &end);

    llm_script_int(w, start);
    llm_script_int(w, end);
    llm_script_text(w, parts[limit->kind]);
    llm_script_int(w, limit->amount);
}


/* until nothing that the subject's limits count now would count any more */

static int64_t
llm_script_ttl(const llm_subject_t *subject, int64_t now)
{
    unsigned  i;
    int64_t   start, end, ttl;

    ttl = 0;

    for (i = 0; i < subject->nlimits; i++) {

        if (subject->limits[i].kind == LLM_LIMIT_INFLIGHT) {
            continue;
        }

        if (subject->limits[i].smooth) {
            end = now + llm_limit_length(&subject->limits[i]) / 500000;

        } else {
            llm_limit_window(&subject->limits[i], now, &start, &end);

            if (end == -1) {
                return LLM_SCRIPT_EVER;
            }
        }

        if (end - now > ttl) {
            ttl = end - now;
        }
    }

    ttl += LLM_SCRIPT_LATE;

    /* what is in flight comes to an end within a day, or is remembered so */

    return ttl > 2 * LLM_SCRIPT_MEMORY ? ttl : 2 * LLM_SCRIPT_MEMORY;
}


int
llm_script_settle_call(const llm_script_claim_t *claim,
    llm_script_mode_e mode, const llm_str_t *prefix, int64_t now,
    llm_arena_t *arena, llm_script_call_t *call)
{
    unsigned              i, j, n, limits;
    const llm_subject_t  *subject;
    llm_script_words_t    w;

    static const char  *modes[] = { "f", "a", "l" };

    if (llm_script_begin(claim, prefix, arena, &w) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_script_text(&w, modes[mode]);
    llm_script_str(&w, &claim->id);
    llm_script_amount(&w, &claim->asked);

    n = 0;

    for (i = 0; i < claim->n; i++) {
        subject = claim->subjects[i];
        limits = 0;

        for (j = 0; j < subject->nlimits; j++) {
            limits += (subject->limits[j].kind != LLM_LIMIT_INFLIGHT);
        }

        llm_script_int(&w, llm_script_ttl(subject, now));
        llm_script_int(&w, limits);

        for (j = 0; j < subject->nlimits; j++, n++) {

            if (subject->limits[j].kind != LLM_LIMIT_INFLIGHT) {
                llm_script_settle_limit(&w, &subject->limits[j], claim,
                                        claim->marks ? claim->marks[n] : 0,
                                        mode, now);
            }
        }
    }

    llm_script_done(&w, call);

    return LLM_OK;
}


/* what was reserved elsewhere has taken nothing of a smooth limit here */

static void
llm_script_settle_limit(llm_script_words_t *w, const llm_limit_t *limit,
    const llm_script_claim_t *claim, int64_t mark, llm_script_mode_e mode,
    int64_t now)
{
    int64_t  start, end, had, has;

    llm_script_text(w, limit->smooth ? "s" : "c");
    llm_script_int(w, (int64_t) (limit->id & INT64_MAX));

    has = llm_limit_measure(limit, &claim->used);

    if (!limit->smooth) {
        llm_limit_window(limit, now, &start, &end);

        llm_script_int(w, start);
        llm_script_int(w, has);
        return;
    }

    had = mode == LLM_SCRIPT_LATER ? 0
                                   : llm_limit_measure(limit, &claim->asked);

    llm_script_int(w, llm_limit_length(limit) / 1000);
    llm_script_int(w, llm_limit_cost(limit, had) / 1000);
    llm_script_int(w, llm_limit_cost(limit, has) / 1000);
    llm_script_int(w, mark);
}


int
llm_script_renew_call(const llm_script_claim_t *claim, unsigned subject,
    const llm_str_t *prefix, int64_t until, llm_arena_t *arena,
    llm_script_call_t *call)
{
    unsigned             i;
    llm_buf_t            b;
    llm_str_t            word;
    llm_script_words_t   w;
    const llm_amount_t  *a;

    a = &claim->asked;

    w.argc = 0;

    w.argv = llm_alloc(arena, 5 * sizeof(llm_str_t));
    if (w.argv == NULL) {
        return LLM_NOMEM;
    }

    w.p = llm_alloc(arena, LLM_SCRIPT_NUMBER);
    if (w.p == NULL) {
        return LLM_NOMEM;
    }

    llm_script_text(&w, "ZADD");

    llm_buf_init(&b, arena);
    llm_script_key(claim->subjects[subject], prefix, &b);
    llm_buf_puts(&b, LLM_SCRIPT_LEASES);

    if (b.failed) {
        return LLM_NOMEM;
    }

    word.len = b.len;
    word.data = b.data;

    llm_script_str(&w, &word);
    llm_script_text(&w, "XX");
    llm_script_int(&w, until);

    llm_buf_init(&b, arena);
    llm_buf_puts(&b, "l:");
    llm_buf_add(&b, claim->id.data, claim->id.len);

    for (i = 0; i < 4; i++) {
        llm_buf_add(&b, ":", 1);
        llm_buf_int(&b, i == 0 ? a->requests
                        : i == 1 ? a->input_tokens
                        : i == 2 ? a->output_tokens : a->money);
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    word.len = b.len;
    word.data = b.data;

    llm_script_str(&w, &word);
    llm_script_done(&w, call);

    return LLM_OK;
}


/*
 * The standings are computed anew from what Redis read, so that they are what
 * they would be on one host; the word that counts is the script's.
 */

int
llm_script_reserve_read(const llm_script_claim_t *claim,
    const int64_t *reply, unsigned n, int64_t *now, llm_verdict_t *verdict)
{
    int                   rc;
    int64_t               status;
    unsigned              i, j, count;
    llm_amount_t          held;
    llm_counter_t         counter;
    llm_standing_t        s;
    const llm_limit_t    *limit;
    const llm_subject_t  *subject;

    if (n < 2) {
        return LLM_INVALID;
    }

    status = reply[0];
    *now = reply[1];

    if (status == -1) {
        return LLM_AGAIN;
    }

    if (n != 2 + 4 * claim->n + 2 * llm_script_limits(claim)) {
        return LLM_INVALID;
    }

    count = 0;
    reply += 2;

    for (i = 0; i < claim->n; i++) {
        subject = claim->subjects[i];

        held.requests = reply[0];
        held.input_tokens = reply[1];
        held.output_tokens = reply[2];
        held.money = reply[3];

        reply += 4;

        for (j = 0; j < subject->nlimits; j++, count++, reply += 2) {

            limit = &subject->limits[j];

            counter.id = limit->id;
            counter.time = reply[0];
            counter.spent = reply[1];

            if (limit->smooth) {
                counter.time = *now * LLM_LIMIT_MS + reply[0] * 1000;
                counter.spent = 0;

                if (claim->marks) {
                    claim->marks[count] = reply[1];
                }
            }

            rc = llm_limit_check(limit, &counter, &held, &claim->asked, *now,
                                 &s);
            s.subject = subject;

            if ((int64_t) count + 1 == status) {
                rc = LLM_LIMIT;

            } else if (status == 0 && !limit->shadow) {
                rc = LLM_OK;
            }

            llm_verdict_add(verdict, &s, rc);

            if (claim->standings) {
                claim->standings[count] = s;
            }
        }
    }

    return status ? LLM_LIMIT : LLM_OK;
}
