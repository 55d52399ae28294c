
/*
 * The ladder's decision, as a function of what the class declares and where
 * the ladder stands: no clock, no random source, no memory of its own.
 */


#include "llm_policy.h"


static unsigned llm_failure_body_has(const llm_str_t *body,
    const char **texts);
static unsigned llm_failure_body_auth(const llm_str_t *body);
static const unsigned char *llm_failure_find(const unsigned char *p,
    size_t len, const char *text);
static unsigned llm_failure_starts(const unsigned char *p, size_t len,
    const char *text, size_t n);
static llm_move_e llm_policy_move(const llm_policy_t *policy,
    const llm_ladder_t *ladder, uint32_t bit, int64_t delay);
static llm_reason_e llm_policy_stop(const llm_policy_t *policy,
    uint32_t bit, unsigned retry);
static int64_t llm_policy_delay(const llm_policy_t *policy,
    const llm_ladder_t *ladder);
static unsigned llm_policy_fits(const llm_policy_t *policy,
    const llm_ladder_t *ladder, int64_t delay);


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
    "exceed_context_size_error",
    "prompt is too long",
    "maximum context length",
    "maximum prompt length",
    "exceed context limit",
    "input token count",
    "input is too long for requested model",
    "input tokens exceeded",
    "exceeds maximum length",
    "too many tokens",
    "exceeded max context length",
    "total length of all messages is too long",
    NULL
};


/* that a 403 is about what the caller wrote */

static const char  *llm_failure_content_texts[] = {
    "content_policy",
    "content_filter",
    "flagged_input",
    "moderation_blocked",
    "input was flagged",
    NULL
};


/*
 * Credential and account errors that come as 400 or 429.  They set a whole
 * provider aside, and messages repeat what a caller wrote: so they count only
 * as a value, or its beginning, of the member that tells them.
 */

static const struct {
    const char      *name;
    const char      *value;
    unsigned         whole;
} llm_failure_auth_members[] = {
    { "\"reason\"", "api_key_invalid", 1 },
    { "\"error\"", "incorrect api key provided", 0 },
    { "\"message\"", "incorrect api key provided", 0 },
    { "\"message\"", "your credit balance is too low", 0 },
    { "\"code\"", "insufficient_quota", 1 },
    { "\"type\"", "insufficient_quota", 1 },
    { NULL, NULL, 0 }
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
        return LLM_FAILURE_AUTH;

    case 403:
        return llm_failure_body_has(body, llm_failure_content_texts)
               ? LLM_FAILURE_CALLER : LLM_FAILURE_AUTH;

    case 400:
    case 413:
        if (llm_failure_body_has(body, llm_failure_context_texts)) {
            return LLM_FAILURE_CONTEXT;
        }

        return llm_failure_body_auth(body) ? LLM_FAILURE_AUTH
                                           : LLM_FAILURE_CALLER;

    case 408:
        return LLM_FAILURE_TIMEOUT;

    case 429:
        return llm_failure_body_auth(body) ? LLM_FAILURE_AUTH
                                           : LLM_FAILURE_429;

    /* "capacity exceeded" of one provider */

    case 498:
        return LLM_FAILURE_429;

    case 500:
    case 502:
    case 503:
    case 504:
        return LLM_FAILURE_5XX;
    }

    /* overload, and what a CDN says of a dead provider behind it */

    if (status >= 520 && status <= 530) {
        return LLM_FAILURE_5XX;
    }

    /* redirects are not followed, so this is no answer */

    if (status >= 300 && status < 400) {
        return LLM_FAILURE_INVALID;
    }

    return LLM_FAILURE_CALLER;
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


/* a quote inside a JSON string is escaped, so what is found is a member */

static unsigned
llm_failure_body_auth(const llm_str_t *body)
{
    size_t                n;
    unsigned              i, colon;
    const char           *name, *value;
    const unsigned char  *p, *last;

    last = body->data + body->len;

    for (i = 0; llm_failure_auth_members[i].name; i++) {

        name = llm_failure_auth_members[i].name;
        value = llm_failure_auth_members[i].value;
        n = strlen(value);

        p = llm_failure_find(body->data, body->len, name);

        for ( /* void */ ; p; p = llm_failure_find(p, last - p, name)) {

            p += strlen(name);
            colon = 0;

            while (p < last && (*p == ' ' || *p == '\t' || *p == '\r'
                                || *p == '\n' || *p == ':'))
            {
                colon |= (*p++ == ':');
            }

            if (!colon || p == last || *p != '"') {
                continue;
            }

            p++;

            if (!llm_failure_starts(p, last - p, value, n)) {
                continue;
            }

            if (!llm_failure_auth_members[i].whole
                || ((size_t) (last - p) > n && p[n] == '"'))
            {
                return 1;
            }
        }
    }

    return 0;
}


static const unsigned char *
llm_failure_find(const unsigned char *p, size_t len, const char *text)
{
    size_t  n;

    n = strlen(text);

    for ( /* void */ ; len >= n; p++, len--) {
        if (llm_failure_starts(p, len, text, n)) {
            return p;
        }
    }

    return NULL;
}


/* text is in lower case */

static unsigned
llm_failure_starts(const unsigned char *p, size_t len, const char *text,
    size_t n)
{
    size_t         i;
    unsigned char  c;

    if (len < n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        c = (p[i] >= 'A' && p[i] <= 'Z') ? p[i] | 0x20 : p[i];

        if (c != (unsigned char) text[i]) {
            return 0;
        }
    }

    return 1;
}


llm_decision_t
llm_policy_next(const llm_policy_t *policy, const llm_ladder_t *ladder)
{
    int64_t         delay;
    uint32_t        bit;
    unsigned        retry;
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
    retry = policy->retries && (policy->retry_on & bit);

    if (!retry
        && !((policy->switch_on | policy->backup_on | policy->queue_on) & bit))
    {
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

    /* before the first attempt there is nothing to repeat */

    retry = retry && ladder->attempts && ladder->retries < policy->retries;
    delay = retry ? llm_policy_delay(policy, ladder) : -1;

    d.move = llm_policy_move(policy, ladder, bit, delay);

    /* waiting in the queue adds no load, so it needs no budget */

    if (d.move != LLM_MOVE_STOP && ladder->budget) {
        d.reason = LLM_REASON_ALLOWED;
        d.delay_ms = d.move == LLM_MOVE_RETRY ? delay : 0;
        return d;
    }

    if ((policy->queue_on & bit) && !ladder->queued) {
        d.reason = LLM_REASON_ALLOWED;
        d.move = LLM_MOVE_QUEUE;
        return d;
    }

    d.reason = d.move != LLM_MOVE_STOP
               ? LLM_REASON_BUDGET
               : llm_policy_stop(policy, bit, retry);
    d.move = LLM_MOVE_STOP;

    return d;
}


/*
 * The next rung that adds load, whether the budget allows it or not.  A retry
 * for which the provider wants more patience than the class's back-off has
 * comes last: another route may answer at once.  delay is -1 where no retry
 * is left.
 */

static llm_move_e
llm_policy_move(const llm_policy_t *policy, const llm_ladder_t *ladder,
    uint32_t bit, int64_t delay)
{
    unsigned  retry;

    retry = delay >= 0 && llm_policy_fits(policy, ladder, delay);

    if (retry && delay <= policy->backoff_max_ms) {
        return LLM_MOVE_RETRY;
    }

    if ((policy->switch_on & bit) && ladder->routes) {
        return LLM_MOVE_SWITCH;
    }

    if ((policy->backup_on & bit) && ladder->backups) {
        return LLM_MOVE_BACKUP;
    }

    return retry ? LLM_MOVE_RETRY : LLM_MOVE_STOP;
}


/* why nothing was left; retry: one was, but its delay did not fit */

static llm_reason_e
llm_policy_stop(const llm_policy_t *policy, uint32_t bit, unsigned retry)
{
    if (retry && policy->deadline_ms) {
        return LLM_REASON_DEADLINE;
    }

    if ((policy->switch_on | policy->backup_on) & bit) {
        return LLM_REASON_ROUTES;
    }

    return LLM_REASON_CLASS;
}


static int64_t
llm_policy_delay(const llm_policy_t *policy, const llm_ladder_t *ladder)
{
    int64_t   delay;
    unsigned  i;

    delay = policy->backoff_ms;

    for (i = 0; i < ladder->retries && delay < policy->backoff_max_ms; i++) {
        delay = delay > policy->backoff_max_ms / 2 ? policy->backoff_max_ms
                                                   : delay * 2;
    }

    if (delay > policy->backoff_max_ms) {
        delay = policy->backoff_max_ms;
    }

    /* half fixed, half drawn: never at once, never in step */

    delay -= (int64_t) (ladder->random % (delay / 2 + 1));

    return ladder->retry_after_ms > delay ? ladder->retry_after_ms : delay;
}


/* a provider that asks for more patience than the class has is not waited
   for: the back-off's upper bound holds for it too where no deadline does */

static unsigned
llm_policy_fits(const llm_policy_t *policy, const llm_ladder_t *ladder,
    int64_t delay)
{
    if (policy->deadline_ms) {
        return delay < policy->deadline_ms - ladder->elapsed_ms;
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
