
#include "llm_limit.h"


/*
 * A smooth limit is a bucket of "amount" units that empties evenly in one
 * window.  Its content is kept as time: how long it takes to run empty from
 * now on.  In nanoseconds one unit still has a length where millions of them
 * go into a minute.
 *
 * Of a request that took n units and used fewer, only what is still in the
 * bucket can be given back.  Its own part ends at its mark, and moves forward
 * as others give back: "spent" of a smooth counter sums these gifts up,
 * modulo 2^64, and a mark has the sum of its day added, so that one
 * subtraction tells where the part ends now.  Gifts of those behind are
 * counted too, which gives back too little rather than too much.
 */

#define LLM_LIMIT_NEVER  (INT64_MAX / 4)


static int64_t llm_limit_level(const llm_limit_t *limit,
    const llm_counter_t *counter, int64_t now);
static int llm_limit_check_smooth(const llm_limit_t *limit,
    const llm_counter_t *counter, int64_t now, llm_standing_t *s);
static int llm_limit_check_calendar(const llm_limit_t *limit,
    const llm_counter_t *counter, int64_t now, llm_standing_t *s);
static void llm_limit_turn(const llm_limit_t *limit, llm_counter_t *counter,
    int64_t now);
static int64_t llm_limit_add(int64_t a, int64_t b);
static int64_t llm_limit_rest(const llm_limit_t *limit, int64_t taken);
static int64_t llm_limit_sub(int64_t a, int64_t b);


const llm_str_t  llm_limit_names[LLM_LIMIT_N] = {
#define LLM_LIMIT_NAME(l, word, what)  llm_string(word),
    LLM_LIMIT_MAP(LLM_LIMIT_NAME)
#undef LLM_LIMIT_NAME
};


const llm_str_t  llm_subject_names[LLM_SUBJECT_N] = {
#define LLM_SUBJECT_NAME(s, name)  llm_string(#name),
    LLM_SUBJECT_MAP(LLM_SUBJECT_NAME)
#undef LLM_SUBJECT_NAME
};


/* FNV-1a */

uint32_t
llm_subject_hash(const unsigned char *data, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash = (hash ^ data[i]) * 16777619u;
    }

    return hash;
}


llm_limit_e
llm_limit_kind(uint64_t id)
{
    return (llm_limit_e) ((id >> 56) - 1);
}


int64_t
llm_limit_measure(const llm_limit_t *limit, const llm_amount_t *a)
{
    switch (limit->kind) {

    case LLM_LIMIT_TOKENS:
        return llm_limit_add(a->input_tokens, a->output_tokens);

    case LLM_LIMIT_INPUT_TOKENS:
        return a->input_tokens;

    case LLM_LIMIT_OUTPUT_TOKENS:
        return a->output_tokens;

    case LLM_LIMIT_BUDGET:
        return a->money;

    default: /* LLM_LIMIT_REQUESTS, LLM_LIMIT_INFLIGHT */
        return a->requests;
    }
}


int
llm_limit_check(const llm_limit_t *limit, const llm_counter_t *counter,
    const llm_amount_t *held, const llm_amount_t *ask, int64_t now,
    llm_standing_t *s)
{
    s->limit = limit;
    s->held = llm_limit_measure(limit, held);
    s->asked = llm_limit_measure(limit, ask);
    s->spent = 0;

    if (limit->kind == LLM_LIMIT_INFLIGHT) {
        s->left = limit->amount > s->held ? limit->amount - s->held : 0;
        s->reset_ms = 0;
        s->retry_ms = 0;

        if (s->asked <= s->left) {
            return LLM_OK;
        }

        /* requests end when they like */

        s->retry_ms = s->asked <= limit->amount ? 1000 : -1;

        return LLM_LIMIT;
    }

    return limit->smooth ? llm_limit_check_smooth(limit, counter, now, s)
                         : llm_limit_check_calendar(limit, counter, now, s);
}


static int
llm_limit_check_smooth(const llm_limit_t *limit, const llm_counter_t *counter,
    int64_t now, llm_standing_t *s)
{
    int64_t  level, length, cost, wait;

    length = llm_limit_length(limit);
    level = llm_limit_level(limit, counter, now);
    cost = llm_limit_cost(limit, s->asked);

    s->spent = (int64_t) (((__int128) level * limit->amount + length / 2)
                          / length);
    s->left = level < length
              ? (int64_t) ((__int128) (length - level) * limit->amount
                           / length)
              : 0;

    s->reset_ms = (level + LLM_LIMIT_MS - 1) / LLM_LIMIT_MS;
    s->retry_ms = 0;

    if (cost == 0 || cost <= length - level) {
        return LLM_OK;
    }

    if (cost > length) {
        s->retry_ms = -1;
        return LLM_LIMIT;
    }

    wait = level + cost - length;
    s->retry_ms = (wait + LLM_LIMIT_MS - 1) / LLM_LIMIT_MS;

    return LLM_LIMIT;
}


static int
llm_limit_check_calendar(const llm_limit_t *limit,
    const llm_counter_t *counter, int64_t now, llm_standing_t *s)
{
    int64_t  start, end, taken;

    llm_limit_window(limit, now, &start, &end);

    /* a clock that was set back must not open a window anew */

    if (counter && counter->time >= start) {
        s->spent = counter->spent;
    }

    s->reset_ms = end == -1 ? -1 : end - now;
    s->retry_ms = 0;

    taken = llm_limit_add(s->spent, s->held);
    s->left = llm_limit_rest(limit, taken);

    /* what takes nothing fits into a window that is used up too */

    if (s->asked <= s->left) {
        return LLM_OK;
    }

    if (s->asked > limit->amount) {
        s->retry_ms = -1;

    } else if (s->held && s->asked <= llm_limit_rest(limit, s->spent)) {

        /* what is in flight may turn out to take less */

        s->retry_ms = 1000;

        if (s->reset_ms != -1 && s->reset_ms < s->retry_ms) {
            s->retry_ms = s->reset_ms;
        }

    } else {
        s->retry_ms = s->reset_ms;
    }

    return LLM_LIMIT;
}


/* what was topped up has spent less than nothing */

static int64_t
llm_limit_rest(const llm_limit_t *limit, int64_t taken)
{
    if (taken < 0 && limit->amount > INT64_MAX + taken) {
        return INT64_MAX;
    }

    return taken < limit->amount ? limit->amount - taken : 0;
}


void
llm_limit_take(const llm_limit_t *limit, llm_counter_t *counter,
    const llm_amount_t *ask, llm_mark_t *mark, int64_t now)
{
    int64_t  cost;

    if (!limit->smooth) {
        llm_limit_turn(limit, counter, now);
        return;
    }

    cost = llm_limit_cost(limit, llm_limit_measure(limit, ask));

    counter->time = now * LLM_LIMIT_MS
                    + llm_limit_level(limit, counter, now) + cost;

    mark->end = (int64_t) ((uint64_t) counter->time
                           + (uint64_t) counter->spent);
    mark->cost += cost;
}


void
llm_limit_settle(const llm_limit_t *limit, llm_counter_t *counter,
    const llm_amount_t *used, const llm_mark_t *mark, int64_t now)
{
    int64_t     has, level;
    llm_mark_t  rest;

    if (!limit->smooth) {
        llm_limit_turn(limit, counter, now);
        counter->spent = llm_limit_add(counter->spent,
                                       llm_limit_measure(limit, used));
        return;
    }

    has = llm_limit_cost(limit, llm_limit_measure(limit, used));

    if (has < mark->cost) {
        rest.end = mark->end;
        rest.cost = mark->cost - has;

        llm_limit_refund(counter, &rest, now);
        return;
    }

    level = llm_limit_add(llm_limit_level(limit, counter, now),
                          has - mark->cost);

    counter->time = now * LLM_LIMIT_MS
                    + (level < LLM_LIMIT_NEVER ? level : LLM_LIMIT_NEVER);
}


void
llm_limit_refund(llm_counter_t *counter, const llm_mark_t *mark, int64_t now)
{
    int64_t  back, own, level;

    level = counter->time - now * LLM_LIMIT_MS;
    own = (int64_t) ((uint64_t) mark->end - (uint64_t) counter->spent)
          - now * LLM_LIMIT_MS;

    back = mark->cost;

    if (back > own) {
        back = own;
    }

    if (back > level) {
        back = level;
    }

    if (back > 0) {
        counter->time -= back;
        counter->spent = (int64_t) ((uint64_t) counter->spent
                                    + (uint64_t) back);
    }
}


void
llm_limit_charge(llm_counter_t *counter, const llm_amount_t *used)
{
    llm_limit_t  limit;

    limit.kind = llm_limit_kind(counter->id);

    counter->spent = llm_limit_add(counter->spent,
                                   llm_limit_measure(&limit, used));
}


int
llm_limit_idle(const llm_counter_t *counter, int64_t end, int64_t now)
{
    if (end == 0) {
        return counter->time <= now * LLM_LIMIT_MS;
    }

    return counter->spent == 0 || (end != -1 && end <= now);
}


int64_t
llm_limit_length(const llm_limit_t *limit)
{
    static const int64_t  seconds[LLM_WINDOW_N] = {
        1, 1, 60, 3600, 86400, 1, 1, 1
    };

    return limit->n * seconds[limit->unit] * 1000 * LLM_LIMIT_MS;
}


int64_t
llm_limit_cost(const llm_limit_t *limit, int64_t n)
{
    __int128  cost;

    cost = (__int128) n * llm_limit_length(limit) / limit->amount;

    return cost < LLM_LIMIT_NEVER ? (int64_t) cost : LLM_LIMIT_NEVER;
}


/*
 * What the bucket holds.  A request may use more than was reserved for it,
 * which is owed for up to one window more; what lies further ahead is of a
 * clock that was set back.
 */

static int64_t
llm_limit_level(const llm_limit_t *limit, const llm_counter_t *counter,
    int64_t now)
{
    int64_t  level, most;

    if (counter == NULL || counter->time <= now * LLM_LIMIT_MS) {
        return 0;
    }

    level = counter->time - now * LLM_LIMIT_MS;
    most = 2 * llm_limit_length(limit);

    return level < most ? level : most;
}


static void
llm_limit_turn(const llm_limit_t *limit, llm_counter_t *counter, int64_t now)
{
    int64_t  start, end;

    llm_limit_window(limit, now, &start, &end);

    if (counter->time < start) {
        counter->time = start;
        counter->spent = 0;
    }
}


void
llm_amount_add(llm_amount_t *a, const llm_amount_t *b)
{
    a->requests = llm_limit_add(a->requests, b->requests);
    a->input_tokens = llm_limit_add(a->input_tokens, b->input_tokens);
    a->output_tokens = llm_limit_add(a->output_tokens, b->output_tokens);
    a->money = llm_limit_add(a->money, b->money);
}


void
llm_amount_sub(llm_amount_t *a, const llm_amount_t *b)
{
    a->requests = llm_limit_sub(a->requests, b->requests);
    a->input_tokens = llm_limit_sub(a->input_tokens, b->input_tokens);
    a->output_tokens = llm_limit_sub(a->output_tokens, b->output_tokens);
    a->money = llm_limit_sub(a->money, b->money);
}


static int64_t
llm_limit_add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}


static int64_t
llm_limit_sub(int64_t a, int64_t b)
{
    return a > b ? a - b : 0;
}
