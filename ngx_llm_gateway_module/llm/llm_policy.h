
/*
 * What a traffic class declares, and the decision after a failed attempt:
 * retry, switch, use a backup, queue, or stop, and why.
 */


#ifndef _LLM_POLICY_H_INCLUDED_
#define _LLM_POLICY_H_INCLUDED_


#include "llm_failure.h"


#define LLM_POLICY_MAX_ATTEMPTS  16


/* what a class allows; masks are of llm_failure_bit() */

typedef struct {
    unsigned         retries;        /* on one route */
    uint32_t         retry_on;
    int64_t          backoff_ms;     /* before the first retry; then doubling */
    int64_t          backoff_max_ms;
    uint32_t         switch_on;
    uint32_t         backup_on;
    uint32_t         queue_on;
    unsigned         attempts;       /* all rungs together */
    int64_t          deadline_ms;    /* over the whole ladder; 0: none */
} llm_policy_t;


/* where a ladder stands after a failure */

typedef struct {
    llm_failure_e    failure;
    unsigned         attempts;       /* that were made */
    unsigned         retries;        /* of those, retries of this route */
    int64_t          elapsed_ms;     /* since the first was started */
    int64_t          retry_after_ms; /* what the provider asked for; -1 */
    uint32_t         random;         /* jitter */
    unsigned         committed:1;    /* content went to the client */
    unsigned         budget:1;       /* the retry budget has some left */
    unsigned         routes:1;       /* another route of the model is left */
    unsigned         backups:1;      /* an approved backup is left */
    unsigned         queued:1;       /* it has waited in the queue before */
} llm_ladder_t;


typedef enum {
    LLM_MOVE_STOP = 0,
    LLM_MOVE_RETRY,
    LLM_MOVE_SWITCH,
    LLM_MOVE_BACKUP,
    LLM_MOVE_QUEUE
} llm_move_e;


/* reasons: stable codes of records, errors and explanations */

#define LLM_REASON_MAP(R)                                                     \
    R(ALLOWED,        allowed,          "the class allows this move")         \
    R(CALLER,         caller_error,     "the caller's own error moves "       \
                                        "nothing")                            \
    R(COMMITTED,      committed,        "content had gone to the client")     \
    R(ATTEMPTS,       attempts,         "all attempts of the class were made")\
    R(DEADLINE,       deadline,         "the class's deadline passed")        \
    R(BUDGET,         retry_budget,     "the retry budget was used up")       \
    R(CLASS,          class,            "the class allows no further move on "\
                                        "this failure")                       \
    R(ROUTES,         no_more_routes,   "no other route was left")            \
    R(QUEUE,          queue,            "the queue was full, or no room came "\
                                        "in time")

typedef enum {
#define LLM_REASON_ENUM(r, name, text)  LLM_REASON_##r,
    LLM_REASON_MAP(LLM_REASON_ENUM)
#undef LLM_REASON_ENUM
    LLM_REASON_N
} llm_reason_e;

extern const llm_str_t  llm_reason_names[LLM_REASON_N];
extern const llm_str_t  llm_reason_texts[LLM_REASON_N];
extern const llm_str_t  llm_move_names[];              /* by move */


typedef struct {
    llm_move_e       move;
    llm_reason_e     reason;         /* ALLOWED, or what stopped the ladder */
    int64_t          delay_ms;       /* before a retry */
} llm_decision_t;

/*
 * The next rung.  A retry of the same route comes before a switch, that
 * before a backup, that before the queue; each only if the class allows it on
 * this failure, and all but the queue only with some budget left.
 *
 * The delay of a retry doubles from backoff_ms to backoff_max_ms, of which up
 * to a half is drawn off.  If the provider asked for more, that is waited
 * instead, where the deadline leaves room; but beyond backoff_max_ms only if
 * neither switch nor backup can be made instead.
 */
llm_decision_t llm_policy_next(const llm_policy_t *policy,
    const llm_ladder_t *ladder);


/* the class "default": retry 1 on connect; switch on connect, timeout, 5xx,
   429; no backup; no queue; 3 attempts */
void llm_policy_default(llm_policy_t *policy);


#endif /* _LLM_POLICY_H_INCLUDED_ */
