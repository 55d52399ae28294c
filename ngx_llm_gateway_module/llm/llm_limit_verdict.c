
/*
 * From how each limit stands to the word on a request.
 */


#include "llm_limit.h"


static void llm_verdict_refuse(llm_verdict_t *v, const llm_standing_t *s);
static void llm_verdict_nearest(llm_standing_t *nearest,
    const llm_standing_t *s);


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


static void
llm_verdict_nearest(llm_standing_t *nearest, const llm_standing_t *s)
{
    if (nearest->limit
        && (__int128) nearest->left * s->limit->amount
           <= (__int128) s->left * nearest->limit->amount)
    {
        return;
    }

    *nearest = *s;
}


void
llm_verdict_take(llm_verdict_t *v)
{
    llm_standing_take(&v->requests);
    llm_standing_take(&v->tokens);
}


void
llm_standing_take(llm_standing_t *s)
{
    if (s->limit == NULL) {
        return;
    }

    s->left = s->left > s->asked ? s->left - s->asked : 0;

    if (s->limit->smooth) {

        /* what was asked for takes its share of the window to flow off */

        s->spent += s->asked;
        s->reset_ms += (llm_limit_cost(s->limit, s->asked) + 999999) / 1000000;

    } else {
        s->held += s->asked;
    }
}
