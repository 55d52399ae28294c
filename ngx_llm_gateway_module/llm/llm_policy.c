
/*
 * The ladder's decision, as a function of what the class declares and where
 * the ladder stands: no clock, no random source, no memory of its own.
 */


#include "llm_policy.h"


static llm_move_e llm_policy_move(const llm_policy_t *policy,
    const llm_ladder_t *ladder, uint32_t bit, int64_t delay);
static llm_reason_e llm_policy_stop(const llm_policy_t *policy,
    uint32_t bit, unsigned retry);
static int64_t llm_policy_delay(const llm_policy_t *policy,
    const llm_ladder_t *ladder);
static unsigned llm_policy_fits(const llm_policy_t *policy,
    const llm_ladder_t *ladder, int64_t delay);


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
