
/*
 * From how each limit stands to the word on a request.
 */


#include "llm_limit.h"


static void llm_verdict_refuse(llm_verdict_t *v, const llm_standing_t *s);
static void llm_verdict_nearest(llm_standing_t *nearest,
    const llm_standing_t *s);
static int llm_verdict_order(const llm_standing_t *a, const llm_standing_t *b,
    unsigned taken);
static void llm_verdict_taken(llm_standing_t *s);


void
llm_verdict_add(llm_verdict_t *v, const llm_standing_t *s, int rc)
{
    if (s->limit->shadow) {

        if (rc == LLM_LIMIT && v->shadow.limit == NULL) {
            v->shadow = *s;
        }

        return;
    }

    if (rc == LLM_LIMIT) {
        llm_verdict_refuse(v, s);
    }

    switch (s->limit->kind) {

    case LLM_LIMIT_REQUESTS:
        llm_verdict_nearest(&v->requests, s);
        break;

    case LLM_LIMIT_TOKENS:
    case LLM_LIMIT_INPUT_TOKENS:
    case LLM_LIMIT_OUTPUT_TOKENS:
        llm_verdict_nearest(&v->tokens, s);
        break;

    default: /* LLM_LIMIT_INFLIGHT, LLM_LIMIT_BUDGET */
        break;
    }
}


static void
llm_verdict_refuse(llm_verdict_t *v, const llm_standing_t *s)
{
    llm_standing_t  *r;

    r = &v->refused;

    if (r->limit
        && (r->retry_ms == -1
            || (s->retry_ms != -1 && s->retry_ms <= r->retry_ms)))
    {
        return;
    }

    *r = *s;
}


/*
 * The limit of which the smallest share is left behind this request: five of
 * 100 requests are more than none of one, though both limits were untouched.
 */

static void
llm_verdict_nearest(llm_standing_t *nearest, const llm_standing_t *s)
{
    int  order;

    if (nearest->limit) {
        order = llm_verdict_order(nearest, s, 1);

        if (order == 0) {
            order = llm_verdict_order(nearest, s, 0);
        }

        if (order <= 0) {
            return;
        }
    }

    *nearest = *s;
}


/* compares what is left of both, as shares; taken: behind this request */

static int
llm_verdict_order(const llm_standing_t *a, const llm_standing_t *b,
    unsigned taken)
{
    int64_t   left_a, left_b;
    __int128  x, y;

    left_a = a->left;
    left_b = b->left;

    if (taken) {
        left_a = left_a > a->asked ? left_a - a->asked : 0;
        left_b = left_b > b->asked ? left_b - b->asked : 0;
    }

    x = (__int128) left_a * b->limit->amount;
    y = (__int128) left_b * a->limit->amount;

    return x < y ? -1 : x > y;
}


void
llm_verdict_take(llm_verdict_t *v)
{
    llm_verdict_taken(&v->requests);
    llm_verdict_taken(&v->tokens);
}


static void
llm_verdict_taken(llm_standing_t *s)
{
    if (s->limit == NULL) {
        return;
    }

    s->left = s->left > s->asked ? s->left - s->asked : 0;

    if (s->limit->smooth) {

        /* what was asked for takes its share of the window to flow off */

        s->spent += s->asked;
        s->reset_ms += (llm_limit_cost(s->limit, s->asked) + LLM_LIMIT_MS - 1)
                       / LLM_LIMIT_MS;

    } else {
        s->held += s->asked;
    }
}
