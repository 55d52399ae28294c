
/*
 * Limits that several hosts share: the same arithmetic as in llm_limit.c, as
 * scripts that Redis runs, one at a time, by its own clock.
 *
 * A subject has two keys, PREFIX{TAG}:ID and PREFIX{TAG}:ID:leases.  The
 * first is a hash: what requests in flight hold (r, i, o, m: requests, input
 * and output tokens, nano-dollars), and each counter's time and spent
 * (t<id>, s<id>).  The second is a sorted set by the millisecond when each
 * ends: "l:ID:r:i:o:m" is a reservation, "x:ID" one that ended before it was
 * settled, "m:ID" a settlement that had none, "e:ID" one that was settled by
 * who could not know whether it was settled before: the call of a process that
 * died may still lie in a socket.
 *
 * Numbers pass as decimal text.  Lua's are doubles, so what may be larger
 * than 2^53 is added by HINCRBY and compared in two parts; times of smooth
 * limits are microseconds here.
 */


#ifndef _LLM_LIMIT_SCRIPT_H_INCLUDED_
#define _LLM_LIMIT_SCRIPT_H_INCLUDED_


#include "llm_limit.h"


/* how long Redis remembers a reservation that ended by itself, or what was
   settled without one; milliseconds */
#define LLM_SCRIPT_MEMORY  86400000


typedef enum {
    LLM_SCRIPT_FIRST = 0,     /* was never sent before: counts in any case */
    LLM_SCRIPT_AGAIN,         /* may have been executed: counts if there is
                                 a reservation to settle */
    LLM_SCRIPT_LATER          /* reserved elsewhere, while Redis was away:
                                 counts once for its id */
} llm_script_mode_e;


/* what a request asks of the subjects of one tag, or has come to */

typedef struct {
    const llm_subject_t  **subjects;
    unsigned               n;
    llm_str_t              id;        /* of the reservation: letters and
                                         digits, unlike any other's */
    llm_amount_t           asked;
    llm_amount_t           used;      /* to settle */
    int64_t               *marks;     /* one for each limit, in order: set by
                                         read(), for settling; may be NULL */
    llm_standing_t        *standings; /* the same, how it stands; may be
                                         NULL */
} llm_script_claim_t;


/* the words of a call: argv[0] and argv[1] are left for the caller, argv[2]
   is the number of keys, which follow */

typedef struct {
    llm_str_t             *argv;
    unsigned               argc;
} llm_script_call_t;


extern const llm_str_t  llm_script_reserve;
extern const llm_str_t  llm_script_settle;


/*
 * Whether two subjects may stand in one script on a cluster: keys, apps,
 * teams and owners of one owner may.
 */
int llm_script_same_tag(const llm_subject_t *a, const llm_subject_t *b);

/* appends the name of a subject's hash */
void llm_script_key(const llm_subject_t *subject, const llm_str_t *prefix,
    llm_buf_t *out);

/* all limits of the claim's subjects */
unsigned llm_script_limits(const llm_script_claim_t *claim);

/*
 * A call that reserves; now is Redis's clock as it is known, lease_ms how long
 * the reservation holds if nobody settles it; 0: nothing is reserved, the reply
 * tells how limits would stand.  LLM_OK or LLM_NOMEM.
 */
int llm_script_reserve_call(const llm_script_claim_t *claim,
    const llm_str_t *prefix, int64_t lease_ms, int64_t now,
    llm_arena_t *arena, llm_script_call_t *call);

/*
 * What the script said, as numbers in order.  LLM_OK: reserved; LLM_LIMIT:
 * refused; LLM_AGAIN: another window has begun by Redis's clock, ask once
 * more; LLM_INVALID: not a reply of this script.  *now is set to Redis's
 * clock but for LLM_INVALID.  The verdict is added to, so that it may stand
 * for several calls.
 */
int llm_script_reserve_read(const llm_script_claim_t *claim,
    const int64_t *reply, unsigned n, int64_t *now, llm_verdict_t *verdict);

/*
 * A call that settles what ended at this time, or, with nothing used, gives it
 * back.  Its reply is the number of subjects that it counted for.
 */
int llm_script_settle_call(const llm_script_claim_t *claim,
    llm_script_mode_e mode, const llm_str_t *prefix, int64_t now,
    llm_arena_t *arena, llm_script_call_t *call);

/* the words that prolong a reservation of one subject, a plain command */
int llm_script_renew_call(const llm_script_claim_t *claim, unsigned subject,
    const llm_str_t *prefix, int64_t until, llm_arena_t *arena,
    llm_script_call_t *call);


#endif /* _LLM_LIMIT_SCRIPT_H_INCLUDED_ */
