
/*
 * How fast a provider wants to be asked: the pause that it asks for, and what
 * its headers say is left of the windows of its rate limits.
 */


#ifndef _LLM_PACE_H_INCLUDED_
#define _LLM_PACE_H_INCLUDED_


#include "llm_base.h"


/* no pause is longer, milliseconds */
#define LLM_PACE_MAX      86400000

/* a window that nobody tells the end of, milliseconds */
#define LLM_PACE_UNKNOWN  1000

#define LLM_PACE_WINDOWS  5


typedef struct {
    int64_t          retry_after_ms;     /* what it asked for; -1 */
    uint32_t         reset_ms[LLM_PACE_WINDOWS];    /* 0: not told */
    uint32_t         period_ms[LLM_PACE_WINDOWS];   /* the same by its length */
    uint8_t          empty;              /* bits of windows that are used up */
} llm_pace_t;


void llm_pace_init(llm_pace_t *pace);

/*
 * Takes one header of an answer, its name in lower case; now_ms is Unix time.
 * LLM_OK; LLM_DECLINED: it is none of these; LLM_INVALID: its value is not
 * understood, which for Retry-After may still be an HTTP date.
 *
 *     retry-after, retry-after-ms
 *     x-ratelimit-{remaining,reset,renewalperiod}[-WINDOW]
 *     anthropic-ratelimit-WINDOW-{remaining,reset}
 */
int llm_pace_header(llm_pace_t *pace, const llm_str_t *name,
    const llm_str_t *value, int64_t now_ms);

/*
 * Milliseconds until all windows that are used up begin anew, LLM_PACE_MAX at
 * most; 0: something is left of each.
 */
int64_t llm_pace_pause(const llm_pace_t *pace);

/*
 * A duration at the beginning of text, ("120ms", "6m0s", "1h2m3.5s", plain
 * seconds), in milliseconds, LLM_PACE_MAX at most; *used is its length.  -1:
 * there is none.
 */
int64_t llm_pace_duration(const llm_str_t *text, size_t *used);


#endif /* _LLM_PACE_H_INCLUDED_ */
