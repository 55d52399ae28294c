
/*
 * The ladder's decision, as a function of what the class declares and where
 * the ladder stands: no clock, no random source, no memory of its own.
 */


#include "llm_policy.h"


static int64_t llm_policy_delay(const llm_policy_t *policy,
    const llm_ladder_t *ladder);
static unsigned llm_policy_fits(const llm_policy_t *policy,
    const llm_ladder_t *ladder, int64_t delay);
static unsigned llm_failure_body_has(const llm_str_t *body, const char **texts);
static const unsigned char *llm_failure_find(const unsigned char *p,
    size_t len, const char *text);


const llm_str_t  llm_failure_names[LLM_FAILURE_N] = {
    llm_string("none"),
#define LLM_FAILURE_NAME(f, name)  llm_string(#name),
    LLM_FAILURE_MAP(LLM_FAILURE_NAME)
#undef LLM_FAILURE_NAME
    llm_string("caller")
};


const llm_str_t  llm_reason_names[LLM_REASON_N] = {
#define LLM_REASON_NAME(r, name, text)  llm_string(#name),
    LLM_REASON_MAP(LLM_REASON_NAME)
#undef LLM_REASON_NAME
};


const llm_str_t  llm_reason_texts[LLM_REASON_N] = {
#define LLM_REASON_TEXT(r, name, text)  llm_string(text),
    LLM_REASON_MAP(LLM_REASON_TEXT)
#undef LLM_REASON_TEXT
};


const llm_str_t  llm_move_names[] = {
    llm_string("stop"),
    llm_string("retry"),
    llm_string("switch"),
    llm_string("backup"),
    llm_string("queue")
};


/* how providers say that a prompt is too long for their model */

static const char  *llm_failure_context_texts[] = {
    "context_length_exceeded",
    "prompt is too long",
    "maximum context length",
    "input token count",
    "input is too long for requested model",
    "input tokens exceeded",
    "exceeds maximum length",
    "too many tokens",
    "exceeded max context length",
    "total length of all messages is too long",
    NULL
};


/* credential and account errors that come as 400 or 429 */

static const char  *llm_failure_auth_texts[] = {
    "api_key_invalid",
    "incorrect api key",
    "credit balance is too low",
    "insufficient_quota",
    NULL
};


llm_failure_e
llm_failure_by_name(const llm_str_t *name)
{
    unsigned  i;

    for (i = LLM_FAILURE_NONE + 1; i < LLM_FAILURE_CALLER; i++) {
        if (name->len == llm_failure_names[i].len
            && memcmp(name->data, llm_failure_names[i].data, name->len) == 0)
        {
            return (llm_failure_e) i;
        }
    }

    return LLM_FAILURE_NONE;
}


llm_failure_e
llm_failure_status(unsigned status, const llm_str_t *body)
{
    switch (status) {

    case 401:
    case 402:
    case 403:
        return LLM_FAILURE_AUTH;

    case 400:
    case 413:
        if (llm_failure_body_has(body, llm_failure_context_texts)) {
            return LLM_FAILURE_CONTEXT;
        }

        if (llm_failure_body_has(body, llm_failure_auth_texts)) {
            return LLM_FAILURE_AUTH;
        }

        return LLM_FAILURE_CALLER;

    case 408:
        return LLM_FAILURE_TIMEOUT;

    case 429:
        return llm_failure_body_has(body, llm_failure_auth_texts)
               ? LLM_FAILURE_AUTH : LLM_FAILURE_429;

    case 500:
    case 502:
    case 503:
    case 504:
    case 529:
        return LLM_FAILURE_5XX;
    }

    /* what a CDN in front of a provider says of a dead origin */

    return (status >= 520 && status <= 524) ? LLM_FAILURE_5XX
                                            : LLM_FAILURE_CALLER;
}


static unsigned
llm_failure_body_has(const llm_str_t *body, const char **texts)
{
    for ( /* void */ ; *texts; texts++) {
        if (llm_failure_find(body->data, body->len, *texts)) {
            return 1;
        }
    }

    return 0;
}


/* text is in lower case */

static const unsigned char *
llm_failure_find(const unsigned char *p, size_t len, const char *text)
{
    size_t  i, n;

    n = strlen(text);

    for ( /* void */ ; len >= n; p++, len--) {

        for (i = 0; i < n; i++) {
            if ((p[i] | ((p[i] >= 'A' && p[i] <= 'Z') ? 0x20 : 0))
                != (unsigned char) text[i])
            {
                break;
            }
        }

        if (i == n) {
            return p;
        }
    }

    return NULL;
}


llm_decision_t
llm_policy_next(const llm_policy_t *policy, const llm_ladder_t *ladder)
{
    int64_t         delay;
    uint32_t        bit;
    unsigned        allowed;
    llm_decision_t  d;

    d.move = LLM_MOVE_STOP;
    d.delay_ms = 0;

    if (ladder->committed) {
        d.reason = LLM_REASON_COMMITTED;
        return d;
    }

    if (ladder->failure == LLM_FAILURE_CALLER
        || ladder->failure == LLM_FAILURE_NONE)
    {
        d.reason = LLM_REASON_CALLER;
        return d;
    }

    bit = llm_failure_bit(ladder->failure);
    allowed = ((policy->retry_on & bit) && policy->retries)
              || ((policy->switch_on | policy->backup_on | policy->queue_on)
                  & bit);

    if (!allowed) {
        d.reason = LLM_REASON_CLASS;
        return d;
    }

    if (ladder->attempts >= policy->attempts) {
        d.reason = LLM_REASON_ATTEMPTS;
        return d;
    }

    if (!llm_policy_fits(policy, ladder, 0)) {
        d.reason = LLM_REASON_DEADLINE;
        return d;
    }

    d.reason = LLM_REASON_ALLOWED;

    if (ladder->budget) {

        if ((policy->retry_on & bit) && ladder->retries < policy->retries) {
            delay = llm_policy_delay(policy, ladder);

            if (llm_policy_fits(policy, ladder, delay)) {
                d.move = LLM_MOVE_RETRY;
                d.delay_ms = delay;
                return d;
            }
        }

        if ((policy->switch_on & bit) && ladder->routes) {
            d.move = LLM_MOVE_SWITCH;
            return d;
        }

        if ((policy->backup_on & bit) && ladder->backups) {
            d.move = LLM_MOVE_BACKUP;
            return d;
        }
    }

    /* waiting adds no load, so it needs no budget */

    if ((policy->queue_on & bit) && !ladder->queued) {
        d.move = LLM_MOVE_QUEUE;
        return d;
    }

    d.reason = ladder->budget ? LLM_REASON_ROUTES : LLM_REASON_BUDGET;

    return d;
}


static int64_t
llm_policy_delay(const llm_policy_t *policy, const llm_ladder_t *ladder)
{
    int64_t   delay;
    unsigned  i;

    delay = policy->backoff_ms;

    for (i = 0; i < ladder->retries && delay < policy->backoff_max_ms; i++) {
        delay *= 2;
    }

    if (delay > policy->backoff_max_ms) {
        delay = policy->backoff_max_ms;
    }

    /* half fixed, half drawn: never at once, never in step */

    if (delay > 0) {
        delay = delay / 2 + (int64_t) (ladder->random % (delay / 2 + 1));
    }

    return ladder->retry_after_ms > delay ? ladder->retry_after_ms : delay;
}


/* a provider that asks for more patience than the class has is not waited
   for: the back-off's upper bound holds for it too where no deadline does */

static unsigned
llm_policy_fits(const llm_policy_t *policy, const llm_ladder_t *ladder,
    int64_t delay)
{
    if (policy->deadline_ms) {
        return ladder->elapsed_ms + delay < policy->deadline_ms;
    }

    return delay <= (policy->backoff_max_ms > 2000 ? policy->backoff_max_ms
                                                   : 2000);
}


void
llm_policy_default(llm_policy_t *policy)
{
    memset(policy, 0, sizeof(llm_policy_t));

    policy->retries = 1;
    policy->retry_on = llm_failure_bit(LLM_FAILURE_CONNECT);
    policy->switch_on = llm_failure_bit(LLM_FAILURE_CONNECT)
                        | llm_failure_bit(LLM_FAILURE_TIMEOUT)
                        | llm_failure_bit(LLM_FAILURE_5XX)
                        | llm_failure_bit(LLM_FAILURE_429);
    policy->backoff_ms = 100;
    policy->backoff_max_ms = 2000;
    policy->attempts = 3;
}
