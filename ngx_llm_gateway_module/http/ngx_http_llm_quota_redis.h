
/*
 * A request that is limited in Redis: shared by _quota_redis.c and
 * _quota_redis_more.c alone.
 */


#ifndef _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_
#define _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_


#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* reservations for more of one request, or attempt */
#define NGX_HTTP_LLM_QUOTA_MORE  64


/*
 *   ASKING -> REDIS      all claims are reserved there
 *   ASKING -> REFUSED    one was not; the others were given back
 *   ASKING -> LOCAL      Redis is unavailable: on_error
 *   ASKING -> OPEN
 *   ASKING -> CLOSED
 *
 * REFUSED, and what was given back, -> ASKING: an attempt that waits in the
 * queue asks again, under another id
 */

typedef enum {
    NGX_HTTP_LLM_QUOTA_ASKING = 0,
    NGX_HTTP_LLM_QUOTA_REDIS,
    NGX_HTTP_LLM_QUOTA_REFUSED,
    NGX_HTTP_LLM_QUOTA_LOCAL,
    NGX_HTTP_LLM_QUOTA_OPEN,
    NGX_HTTP_LLM_QUOTA_CLOSED
} ngx_http_llm_quota_where_e;


typedef struct ngx_http_llm_quota_redis_s  ngx_http_llm_quota_redis_t;

struct ngx_http_llm_quota_redis_s {
    ngx_http_llm_quota_where_e   where;
    ngx_http_llm_redis_lease_t   lease;      /* the claims, by hash tag */
    ngx_http_llm_quota_redis_t  *more;       /* reservations for more, the
                                                last one first */
    ngx_http_llm_quota_redis_t  *next;       /* this one is such */
    ngx_http_llm_quota_redis_t  *asking;     /* that of them which is asked
                                                for; NULL: none */
    ngx_uint_t                   asked;      /* how often, for their ids */
    ngx_http_llm_ctx_t          *ctx;
    ngx_http_llm_quota_t        *q;
    ngx_llm_redis_command_t     *command;    /* under way */
    ngx_uint_t                   current;    /* claim that is asked for */
    ngx_uint_t                   tries;
    ngx_int_t                    rc;         /* reserve()'s answer */
    u_char                      *name;       /* room for an id */
    llm_amount_t                 parts;      /* attempts that were settled, */
    ngx_llm_tally_letter_t      *drafts[NGX_LLM_QUOTA_SUBJECTS];   /* and what
                                                Redis is told should this
                                                worker die */
    llm_verdict_t                verdict;    /* of all claims so far */
    unsigned                     part:1;     /* it is for more */
    unsigned                     open:1;     /* asked, and not told of yet */
};


/* _quota_redis.c */

/* a reservation of its own, with its cleanup; NULL without memory */
ngx_http_llm_quota_redis_t *ngx_http_llm_quota_redis_create(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q);
/* of so much, under this id, which outlives it */
void ngx_http_llm_quota_redis_begin(ngx_http_llm_quota_redis_t *st,
    llm_str_t *id, llm_amount_t *asked);
/* ends a question that is under way: what it reserves is given back */
void ngx_http_llm_quota_redis_cleanup(void *data);
/* asks for the claim that is next; NGX_OK, or NGX_ERROR: Redis is away */
ngx_int_t ngx_http_llm_quota_redis_ask(ngx_http_llm_quota_redis_t *st);


/* _quota_redis_more.c */

/* the backend's extend() */
ngx_int_t ngx_http_llm_quota_redis_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *amount);
/* nobody waits for it any more */
void ngx_http_llm_quota_redis_more_forget(ngx_http_llm_quota_redis_t *st);
/* the reservation ends: all for more with it */
void ngx_http_llm_quota_redis_more_end(ngx_http_llm_quota_redis_t *st);


#endif /* _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_ */
