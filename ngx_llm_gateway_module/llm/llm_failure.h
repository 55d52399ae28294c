
/*
 * What a provider's failure is: its kind, whose it is, and for how long.
 */


#ifndef _LLM_FAILURE_H_INCLUDED_
#define _LLM_FAILURE_H_INCLUDED_


#include "llm_base.h"


/* kinds of failure, as "on=" names them */

#define LLM_FAILURE_MAP(F)                                                    \
    F(CONNECT, connect) F(TIMEOUT, timeout) F(RESET, reset) F(429, 429)       \
    F(5XX, 5xx) F(INVALID, invalid) F(AUTH, auth) F(CONTEXT, context)         \
    F(LIMIT, limit)

typedef enum {
    LLM_FAILURE_NONE = 0,
#define LLM_FAILURE_ENUM(f, name)  LLM_FAILURE_##f,
    LLM_FAILURE_MAP(LLM_FAILURE_ENUM)
#undef LLM_FAILURE_ENUM
    LLM_FAILURE_CALLER,          /* the caller's own: moves nothing */
    LLM_FAILURE_N
} llm_failure_e;

#define llm_failure_bit(f)  ((uint32_t) 1 << (f))

extern const llm_str_t  llm_failure_names[LLM_FAILURE_N];

/* the failure of that name in "on=", or LLM_FAILURE_NONE */
llm_failure_e llm_failure_by_name(const llm_str_t *name);


/* a provider's HTTP error, as far as its status and body tell */

typedef struct {
    llm_failure_e    kind;
    int64_t          delay_ms;       /* the pause its body asks for; -1 */
    unsigned         spent:1;        /* 429: money or quota of the account are
                                        used up, no pause of seconds helps */
    unsigned         model:1;        /* what is refused, or used up, is this
                                        model's, not the account's */
} llm_failure_t;

/*
 * Judges an HTTP status that is no success; body is the beginning of the error
 * body, to tell "prompt too long", an empty account, credential errors that
 * come as 400, and content or a model that a 403 is about.  Its kind is CALLER
 * for all that another route would answer alike.
 */
void llm_failure_read(unsigned status, const llm_str_t *body,
    llm_failure_t *f);


#endif /* _LLM_FAILURE_H_INCLUDED_ */
