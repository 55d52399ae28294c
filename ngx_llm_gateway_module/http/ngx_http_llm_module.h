
/*
 * The life of a request: its context, shared by the files of this layer.
 */


#ifndef _NGX_HTTP_LLM_MODULE_H_INCLUDED_
#define _NGX_HTTP_LLM_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "llm_answer.h"
#include "llm_base.h"
#include "llm_convert.h"
#include "llm_endpoint.h"
#include "llm_error.h"
#include "llm_failure.h"
#include "llm_pace.h"
#include "llm_price.h"
#include "llm_request.h"
#include "llm_splice.h"
#include "llm_translate.h"
#include "llm_usage.h"
#include "ngx_http_llm_conf.h"
#include "ngx_llm_compat.h"
#include "ngx_llm_health.h"


/* a pool as the pure layer's memory, and its strings as nginx's */
#define ngx_http_llm_str(s)   ((ngx_str_t *) (s))
#define ngx_http_llm_pure(s)  ((llm_str_t *) (s))
/* copies a string of the pure layer */
#define ngx_http_llm_str_set(dst, src)                                        \
    (dst)->len = (src)->len; (dst)->data = (src)->data


/*
 * Where a main request stands.  Who owns it meanwhile is in brackets.
 *
 *   START     access handler not called yet
 *   BODY      the body is being read [nginx's body reader]
 *   RESERVING routes are chosen; limits are asked [the quota's backend]
 *   PLANNED   allowed, its routes are chosen
 *   QUEUED    waits for a route with room [the queue; its timer]
 *   BACKOFF   waits before it retries [the ladder's timer]
 *   ASKING    limits are asked, in Redis, for what an attempt takes beyond its
 *             request, and for its provider [the quota's backend]
 *   ATTEMPT   a subrequest talks to a provider [the subrequest]
 *   SENDING   an attempt's head was committed; its body passes
 *             [the subrequest]
 *   DONE      the answer, or our own error, is on its way
 *
 *   START -> BODY -> RESERVING -> PLANNED -> ATTEMPT -> SENDING -> DONE
 *   PLANNED, BACKOFF, ATTEMPT -> ASKING -> ATTEMPT
 *                                              (its limits have room)
 *   PLANNED, ASKING, ATTEMPT -> QUEUED -> ATTEMPT
 *                                              (room came; who is QUEUED may
 *                                               be asking, too)
 *   ATTEMPT -> BACKOFF -> ATTEMPT              (retry)
 *   ATTEMPT -> ATTEMPT                         (switch, backup, a second call
 *                                               of one attempt)
 *   START, BODY, RESERVING, PLANNED, QUEUED, ASKING, ATTEMPT -> DONE
 *                                              (refused, failed, answered
 *                                               by the gateway itself)
 */

typedef enum {
    NGX_HTTP_LLM_START = 0,
    NGX_HTTP_LLM_BODY,
    NGX_HTTP_LLM_RESERVING,
    NGX_HTTP_LLM_PLANNED,
    NGX_HTTP_LLM_QUEUED,
    NGX_HTTP_LLM_BACKOFF,
    NGX_HTTP_LLM_ASKING,
    NGX_HTTP_LLM_ATTEMPT,
    NGX_HTTP_LLM_SENDING,
    NGX_HTTP_LLM_DONE
} ngx_http_llm_state_e;


typedef enum {
    NGX_HTTP_LLM_OUTCOME_NONE = 0,   /* still running */
    NGX_HTTP_LLM_OUTCOME_OK,
    NGX_HTTP_LLM_OUTCOME_REJECTED,
    NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR,
    NGX_HTTP_LLM_OUTCOME_TRUNCATED,
    NGX_HTTP_LLM_OUTCOME_CLIENT_CLOSED
} ngx_http_llm_outcome_e;


typedef enum {
    NGX_HTTP_LLM_RUNG_NONE = 0,
    NGX_HTTP_LLM_RUNG_FIRST,
    NGX_HTTP_LLM_RUNG_RETRY,
    NGX_HTTP_LLM_RUNG_SWITCH,
    NGX_HTTP_LLM_RUNG_BACKUP
} ngx_http_llm_rung_e;


typedef struct ngx_http_llm_quota_s    ngx_http_llm_quota_t;


/* what a ladder was about when it had to ask for limits */

typedef enum {
    NGX_HTTP_LLM_TURN_FIRST = 0,     /* a first attempt */
    NGX_HTTP_LLM_TURN_MOVE,          /* a switch, or a backup */
    NGX_HTTP_LLM_TURN_RETRY,
    NGX_HTTP_LLM_TURN_RESORT,        /* the last resort */
    NGX_HTTP_LLM_TURN_WAKE           /* a look from the queue */
} ngx_http_llm_turn_e;


/* why a candidate route was kept or skipped */

typedef struct {
    ngx_http_llm_route_t      *route;
    const llm_op_t            *op;        /* of the provider: the client's, or
                                             what it is translated to */
    ngx_str_t                  upstream_model;  /* captures filled in */
    const char                *reason;    /* a code: "kept", "inactive",
                                             "protocol_mismatch" ... */
    ngx_http_llm_quota_t      *quota;     /* of limits on its provider, for the
                                             next attempt; NULL: none yet */
    ngx_msec_t                 wait;      /* busy: ask again after that, ms */
    const llm_price_t         *price;     /* listed: by captures that are
                                             filled in; NULL: unknown */
    uint64_t                   rank;      /* by which the class orders it */
    unsigned                   listed:1;
    unsigned                   kept:1;
    unsigned                   tried:1;
    unsigned                   busy:1;    /* was taken by others just now */
    unsigned                   forced:1;  /* is tried as the least bad */
    unsigned                   backup:1;  /* of an approved backup model */
    unsigned                   translate:1;  /* request and answer are not
                                                passed as they are */
    llm_convert_e              convert;      /* how, if it is no conversation
                                                that is translated */
} ngx_http_llm_candidate_t;


typedef struct ngx_http_llm_ctx_s      ngx_http_llm_ctx_t;
typedef struct ngx_http_llm_attempt_s  ngx_http_llm_attempt_t;
typedef struct ngx_http_llm_chunk_s    ngx_http_llm_chunk_t;
typedef struct ngx_http_llm_convert_s  ngx_http_llm_convert_t;


/* one attempt: what the record tells of it, and its running parts */

struct ngx_http_llm_attempt_s {
    ngx_http_llm_ctx_t        *ctx;
    ngx_http_request_t        *request;       /* the subrequest */
    ngx_http_llm_candidate_t  *candidate;
    ngx_http_llm_route_t      *route;
    const llm_op_t            *op;            /* the provider's operation */
    llm_translate_t           *translate;     /* NULL: both sides speak the
                                                 same */
    ngx_http_llm_convert_t    *convert;       /* the same of what is no
                                                 conversation */
    llm_str_t                  translated;    /* its request */
    ngx_str_t                  upstream_model; /* captures filled in */
    ngx_uint_t                 n;             /* from 1 */
    ngx_uint_t                 retry;         /* retries of this route before
                                                 it */
    ngx_http_llm_rung_e        rung;

    llm_failure_e              failure;
    const char                *error;         /* in words, or NULL */
    const char                *words;         /* the same without its kind */
    llm_str_t                  detail;        /* the provider's own words, for
                                                 the client alone */
    llm_decision_t             decision;      /* once decided */
    llm_pace_t                 pace;          /* what the provider says of its
                                                 limits */
    ngx_uint_t                 admitted;      /* tokens counted against the
                                                 account's limit */
    ngx_llm_health_ticket_t    route_ticket;
    ngx_llm_health_ticket_t    provider_ticket;
    ngx_http_llm_quota_t      *quota;         /* what it holds of limits on
                                                 its provider; NULL: none */
    ngx_str_t                  addr;          /* peer, or empty */
    ngx_uint_t                 status;        /* provider's; 0: none came */
    ngx_msec_t                 start;         /* ngx_current_msec values */
    ngx_msec_t                 first_byte;    /* 0: none came */
    ngx_msec_t                 end;           /* 0: still running */
    off_t                      bytes;         /* of the answer's body */

    llm_usage_t                usage;
    llm_str_t                  raw_usage;
    uint64_t                   text_bytes;    /* of generated text seen */
    int64_t                    text_tokens;   /* the same, where a limit ended
                                                 the stream; 0: estimated */
    llm_standing_t            *stopped;       /* the limit that did, NULL: none;
                                                 its limit NULL: its counters
                                                 were not available */
    int64_t                    items;         /* elements of "data" */
    llm_str_t                  tier;          /* service tier of the answer */
    const llm_price_t         *price;         /* NULL: unknown */
    int64_t                    cost;          /* nano-dollars */
    ngx_int_t                  rc;            /* the upstream's last word */
    unsigned                   has_usage:1;
    unsigned                   has_cost:1;
    unsigned                   accounted:1;   /* usage and cost are final */
    unsigned                   ended:1;       /* its upstream is gone */
    unsigned                   committed:1;   /* its head went out */
    unsigned                   truncated:1;   /* committed, then cut */
    unsigned                   stale:1;       /* died on a reused connection
                                                 before a byte came */
    unsigned                   repeated:1;    /* that was repeated once */
    unsigned                   decided:1;     /* what follows a failure */
    unsigned                   acquired:1;    /* counted in flight */
    unsigned                   forced:1;      /* the least bad: whatever its
                                                 health says */
    unsigned                   answered:1;    /* its health knows so */
    unsigned                   spent:1;       /* the account is used up */
    unsigned                   model:1;       /* or this model alone is refused
                                                 or used up, not the account */
    unsigned                   overdue:1;     /* the class's deadline passed */
    unsigned                   told:1;        /* error has its kind in front */
    unsigned                   closed:1;      /* its last buffer was marked */

    unsigned                   tokenless:1;   /* waits for a token, in */
    ngx_queue_t                token;         /* a provider's queue */

    void                      *answer;        /* private to _answer.c */
};


/* whether an attempt's request and answer are not passed as they are */

#define ngx_http_llm_attempt_foreign(at)                                      \
    ((at)->translate != NULL || (at)->convert != NULL)


struct ngx_http_llm_ctx_s {
    ngx_http_request_t        *request;       /* the main request */
    ngx_http_llm_main_conf_t  *lmcf;
    ngx_http_llm_loc_conf_t   *llcf;
    llm_arena_t                arena;         /* over r->pool, */
    size_t                     first;         /* of which this may be taken
                                                 from it directly */
    u_char                    *chunk;         /* small pieces from here */
    ngx_http_llm_chunk_t      *chunks;        /* the last one, and others */

    ngx_http_llm_state_e       state;
    ngx_http_llm_outcome_e     outcome;
    ngx_http_llm_rung_e        rung;

    ngx_str_t                  id;            /* X-LLM-Request-Id */
    llm_target_t               target;        /* target.op NULL: no endpoint */
    llm_protocol_e             protocol;      /* the client's, for errors */
    ngx_http_llm_key_t        *key;           /* NULL: none */
    ngx_http_llm_class_t      *class;
    ngx_http_llm_class_t      *asked_class;   /* by an operator's question */
    void                      *admin;         /* private to _admin*.c */
    ngx_addr_t                *asked_address; /* the same; NULL: any */

    llm_request_t              req;
    off_t                      body_length;   /* bytes of the client's body */
    llm_scan_t                *scan;          /* of a JSON body */
    llm_multipart_t           *multipart;
    off_t                      scanned;       /* bytes the scanner took */
    int                        scan_rc;       /* LLM_OK, or why it stopped */
    llm_error_t                untranslatable;  /* why a route could not take
                                                 it; code NONE: none */
    llm_form_t                *form;          /* the body as it was read for */
    ngx_http_llm_model_t      *form_model;    /* translation, with what this
                                                 model says of its members */

    ngx_str_t                  asked;         /* model name as requested */
    ngx_http_llm_model_t      *model;
    int                       *captures;      /* of the alias, if it has any */
    ngx_uint_t                 ncaptures;

    ngx_array_t                candidates;    /* ngx_http_llm_candidate_t *:
                                                 all routes, decided on */
    ngx_http_llm_candidate_t **plan;          /* those kept, in order */
    ngx_uint_t                 nplan;
    ngx_http_llm_model_t      *served;        /* whose plan this is: the model
                                                 asked for, or a backup */
    ngx_http_llm_candidate_t **own_plan;      /* of the model asked for */
    ngx_uint_t                 own_nplan;
    ngx_uint_t                 next_backup;   /* index in model->backups */
    ngx_str_t                  provider_id;   /* BY_ID: the id as the provider
                                                 knows it */
    llm_str_t                  text;          /* the body in one piece, once it
                                                 was needed */

    ngx_http_llm_quota_t      *quota;         /* what it holds of limits on
                                                 its caller and model; NULL:
                                                 there are none */
    llm_standing_t             limited;       /* the limit on a provider that
                                                 refused a route last */

    ngx_array_t                attempts;      /* ngx_http_llm_attempt_t * */
    ngx_http_llm_attempt_t    *current;       /* the last one started */
    ngx_http_llm_attempt_t    *spare;         /* one that found no room */
    ngx_http_llm_attempt_t    *pending;       /* limits are asked for it; NULL:
                                                 for none */
    ngx_http_llm_turn_e        turn;          /* in which it was, its rung, */
    ngx_http_llm_rung_e        turn_rung;     /* and what the ladder stops by */
    llm_reason_e               turn_reason;   /* else (RESORT) */
    ngx_uint_t                 asks;          /* questions so far: each has an
                                                 id of its own */
    llm_reason_e               stop;          /* what ended the ladder */
    ngx_msec_t                 ladder_start;  /* ngx_current_msec */
    ngx_event_t                timer;         /* of back-off and queue */
    ngx_event_t                deadline;      /* of the class */
    ngx_queue_t                queue;         /* link of the waiting */
    ngx_msec_t                 queued_at;     /* 0: is not waiting */
    ngx_msec_t                 queue_ms;      /* waited so far */
    ngx_uint_t                 retry_after;   /* seconds, of our own 429 and
                                                 503; 0: not known */

    llm_error_t                error;         /* our own; code NONE: none */
    ngx_buf_t                 *error_buf;     /* its body, ready to be sent */

    /* what the request used, all attempts; set when the last one ended */
    llm_usage_t                usage;
    llm_str_t                  raw_usage;
    int64_t                    cost;          /* nano-dollars */
    const llm_price_t         *price;
    unsigned                   has_usage:1;
    unsigned                   has_cost:1;    /* 0: price unknown */
    unsigned                   settled:1;

    unsigned                   authorized:1;  /* the access phase said yes */
    unsigned                   body_waiting:1;  /* the reader owns r */
    unsigned                   body_done:1;     /* it called back */
    unsigned                   stream:1;      /* a stream was asked for */
    unsigned                   strip_usage:1; /* hide include_usage's chunk */
    unsigned                   waiting:1;     /* is in a queue */
    unsigned                   again:1;       /* room came while it asked */
    unsigned                   has_queued:1;  /* it has waited before */
    unsigned                   local:1;       /* answered by the gateway */
    unsigned                   watched:1;     /* cleanup of timers is set */
    unsigned                   logged:1;
    unsigned                   error_sent:1;

    /* ngx_current_msec values; 0: not reached */
    ngx_msec_t                 start;
    ngx_msec_t                 body_read_at;
    ngx_msec_t                 first_token;   /* first body byte to client */
    ngx_uint_t                 overhead_us;   /* CPU of the gateway's own
                                                 decisions, access to plan */
};


/* _access.c */

/*
 * The context of the request, of its main one where r is an attempt, or NULL.
 * It outlives internal redirects (error_page).
 */
ngx_http_llm_ctx_t *ngx_http_llm_get_ctx(ngx_http_request_t *r);

/* the same, made if there is none; NULL without memory */
ngx_http_llm_ctx_t *ngx_http_llm_create_ctx(ngx_http_request_t *r);

ngx_int_t ngx_http_llm_access_handler(ngx_http_request_t *r);

/*
 * Notes an error of our own and returns its HTTP status for a phase handler
 * to return; the output filters write the body.  param may be NULL; message
 * is formatted as ngx_log_error() does.
 */
#define NGX_HTTP_LLM_MAX_MESSAGE  1024    /* bytes */

ngx_int_t ngx_http_llm_refuse(ngx_http_llm_ctx_t *ctx, llm_error_e code,
    const char *param, const char *fmt, ...);
/* the same where ctx->error is filled in already */
ngx_int_t ngx_http_llm_refused(ngx_http_llm_ctx_t *ctx);

/* whether ctx->key, if there is one, is good for this endpoint now */
ngx_int_t ngx_http_llm_check_scope(ngx_http_llm_ctx_t *ctx);

/* a monotonic clock in microseconds */
uint64_t ngx_http_llm_clock_us(void);


/* _arena.c: makes ctx->arena; what it gave out goes with done() */
void ngx_http_llm_arena_init(ngx_http_llm_ctx_t *ctx);
void ngx_http_llm_arena_done(ngx_http_llm_ctx_t *ctx);
/* exit_process */
void ngx_http_llm_arena_stop(void);


/* _authenticate.c */

/*
 * Sets ctx->key from the request's credentials; NGX_OK without one where the
 * location needs none, else the status of a refusal.
 */
ngx_int_t ngx_http_llm_authenticate(ngx_http_llm_ctx_t *ctx);


/* _runtime.c: keys that were made at run time, in the request's memory: by a
   secret's digest; NGX_OK, NGX_DECLINED: there is none, NGX_ERROR */
ngx_int_t ngx_http_llm_runtime_find(ngx_http_llm_ctx_t *ctx, u_char *digest,
    ngx_http_llm_key_t **key, ngx_http_llm_secret_t **secret);
/* by name, or NULL */
ngx_http_llm_key_t *ngx_http_llm_runtime_by_name(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *name);
/* the first whose name sorts behind this one, which becomes its: NGX_OK, *key
   being NULL where it cannot be used; NGX_DECLINED: there is none; NGX_ERROR */
ngx_int_t ngx_http_llm_runtime_next(ngx_http_llm_ctx_t *ctx, ngx_str_t *name,
    ngx_http_llm_key_t **key);


/* _body.c */

/*
 * Reads the body and has it scanned as it arrives.  NGX_OK: it is there and
 * ctx->req is filled in; NGX_DONE: it is being read, phases go on by
 * themselves; else the status of a refusal.
 */
ngx_int_t ngx_http_llm_body_read(ngx_http_llm_ctx_t *ctx);

ngx_int_t ngx_http_llm_body_init(ngx_conf_t *cf);


/* _edit.c */

/*
 * A JSON body in one piece, with what the model says of its members; it is
 * read back if it went to a file.
 */
ngx_int_t ngx_http_llm_body_text(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model, llm_str_t *text);


/* _routes.c */

/*
 * Decides on each route of the model and sets ctx->plan to those kept, in
 * the class's order.  NGX_DECLINED: none was kept.
 */
ngx_int_t ngx_http_llm_routes_plan(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model, ngx_uint_t backup);
/* a plan of the one route that made an id; NGX_DECLINED: its provider cannot
   serve the operation */
ngx_int_t ngx_http_llm_routes_pin(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route);
/* whether the class may use this backup, and a route of it would be kept */
ngx_uint_t ngx_http_llm_routes_any(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_backup_t *backup);
/*
 * The next route of the plan that may be tried now, or NULL; *failure tells
 * what keeps the others, *wait in milliseconds when to ask again.
 */
ngx_http_llm_candidate_t *ngx_http_llm_routes_next(ngx_http_llm_ctx_t *ctx,
    llm_failure_e *failure, ngx_msec_t *wait);
/* the route that looks least bad though all are open, or NULL */
ngx_http_llm_candidate_t *ngx_http_llm_routes_least_bad(
    ngx_http_llm_ctx_t *ctx);


/* _order.c */

/* puts ctx->plan, which is sorted by priority, in the class's order */
void ngx_http_llm_order(ngx_http_llm_ctx_t *ctx);


/* _plan.c */

/* the class that the location names, else the key: it is told of requests, too,
   that are refused before they come to plan() */
void ngx_http_llm_plan_fixed_class(ngx_http_llm_ctx_t *ctx);
/* chooses class, model and routes after the body is known; NGX_OK or the
   status of a refusal */
ngx_int_t ngx_http_llm_plan(ngx_http_llm_ctx_t *ctx);


/* _models.c: GET …/models and …/models/{id} */

ngx_int_t ngx_http_llm_models_handler(ngx_http_llm_ctx_t *ctx);
/* the shape that the client's headers or path ask for; errors take it too */
llm_protocol_e ngx_http_llm_models_shape(ngx_http_request_t *r);
/* notes the time of the configuration: what models tell as "created" */
void ngx_http_llm_models_init(void);


/* _ladder.c */

/* the location's content handler, of main requests and of attempts */
ngx_int_t ngx_http_llm_content_handler(ngx_http_request_t *r);

/*
 * What follows this failed attempt, decided once: at->decision.  Called by the
 * gate for an answer that could be passed on, and after attempts without one.
 */
llm_decision_t *ngx_http_llm_ladder_decide(ngx_http_llm_attempt_t *at);


/* _wait.c */

/*
 * Where nobody else reads from the client of r: one that left ends it as
 * "client_closed".  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_llm_client_watch(ngx_http_request_t *r);


/* _queue.c */

/* room may have come for this model: looks at it soon */
void ngx_http_llm_queue_kick(ngx_http_llm_model_t *model);
ngx_int_t ngx_http_llm_queue_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);


/* _health.c */

/* init_process: finds the records of all routes and providers */
ngx_int_t ngx_http_llm_health_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);

/*
 * Why the route may not be tried now, a code, or NULL; *wait in milliseconds
 * tells when to ask again.
 */
const char *ngx_http_llm_health_reason(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, ngx_msec_t *wait);
/* whether its breaker is open, its credential refused or its provider down;
   a pause that was asked for is not meant */
ngx_uint_t ngx_http_llm_health_shut(ngx_http_llm_route_t *route);
/* takes the route for an attempt: NGX_OK, or NGX_BUSY with a reason */
ngx_int_t ngx_http_llm_health_acquire(ngx_http_llm_attempt_t *at,
    const char **reason, ngx_msec_t *wait);
/* its first content came: a probe need not wait for the end */
void ngx_http_llm_health_answered(ngx_http_llm_attempt_t *at);
/* gives it back with what was learnt; does nothing the second time */
void ngx_http_llm_health_release(ngx_http_llm_attempt_t *at);
/* peak latency of the first byte, microseconds; requests in flight */
ngx_uint_t ngx_http_llm_health_latency(ngx_http_llm_route_t *route);
ngx_uint_t ngx_http_llm_health_inflight(ngx_http_llm_route_t *route);
/* the retry budget of the class at this route: may a move be made, and make
   it */
ngx_uint_t ngx_http_llm_health_budget(ngx_http_llm_route_t *route,
    ngx_uint_t percent);
ngx_int_t ngx_http_llm_health_spend(ngx_http_llm_route_t *route,
    ngx_uint_t percent);
/* the record of a provider, NULL where the zone is full */
ngx_llm_health_t *ngx_http_llm_health_provider(
    ngx_http_llm_provider_t *provider);
/* what a provider's header says of its limits; name in lower case */
void ngx_http_llm_health_header(ngx_http_llm_attempt_t *at, ngx_str_t *name,
    ngx_str_t *value);


/* _check.c: active probes */

/* preconfiguration: notes when it was, so that newer workers are known */
void ngx_http_llm_check_configured(void);
/* init_process, after health_init(); exit_process */
ngx_int_t ngx_http_llm_check_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
void ngx_http_llm_check_stop(void);


/* _admin.c */

/* access and content handlers of a location with llm_admin */
ngx_int_t ngx_http_llm_admin_access(ngx_http_request_t *r);
ngx_int_t ngx_http_llm_admin_content(ngx_http_request_t *r);
/* whether the request carries the token of an llm_admin in X-LLM-Explain */
ngx_uint_t ngx_http_llm_admin_explains(ngx_http_llm_ctx_t *ctx);


/* _attempt.c */

/* sets up the upstream of an attempt's subrequest */
ngx_int_t ngx_http_llm_attempt_handler(ngx_http_request_t *r,
    ngx_http_llm_attempt_t *at);


/* _answer.c */

/* callbacks of the attempt's upstream */
ngx_int_t ngx_http_llm_answer_init(ngx_http_request_t *r,
    ngx_http_llm_attempt_t *at);
ngx_int_t ngx_http_llm_answer_process_header(ngx_http_request_t *r);
ngx_int_t ngx_http_llm_answer_filter_init(void *data);
ngx_int_t ngx_http_llm_answer_filter(void *data, ssize_t bytes);
/* the explicit end of a stream that was cut, for the client */
ngx_int_t ngx_http_llm_answer_cut(ngx_http_llm_attempt_t *at,
    ngx_chain_t **out);
/*
 * Answers the client with this attempt's HTTP error, which was given up for a
 * rung that could not be taken after all, and finalizes the main request.
 * NGX_DECLINED: it brought none, or not all of it.
 */
ngx_int_t ngx_http_llm_answer_resend(ngx_http_llm_attempt_t *at);
/* the upstream is over: closes the attempt's books */
void ngx_http_llm_answer_finalize(ngx_http_request_t *r, ngx_int_t rc);


/* _sign.c: ids that carry their route */

#define NGX_HTTP_LLM_SIGN_LEN  26    /* "_g", tag, 16 of MAC */

/* signature of id (as the provider knows it) for this route and key */
ngx_int_t ngx_http_llm_sign(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, llm_str_t *id,
    u_char out[NGX_HTTP_LLM_SIGN_LEN]);
/*
 * Takes a signed id apart: its route and the provider's own id.
 * NGX_DECLINED: not signed, tampered with, or signed for another key.
 */
ngx_int_t ngx_http_llm_verify(ngx_http_llm_ctx_t *ctx, ngx_str_t *signed_id,
    ngx_http_llm_route_t **route, ngx_str_t *id);


/* _output.c */

/* header and body filters: an attempt's head becomes the answer's, our own
   errors get their body */
ngx_int_t ngx_http_llm_output_init(ngx_conf_t *cf);
/* answers the main request; the result is to finalize it with */
ngx_int_t ngx_http_llm_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, llm_buf_t *body);
/*
 * Adds a header to the answer; name is not copied.  Values come from the
 * configuration, or from a request: those with bytes that have no place in a
 * header are left out.
 */
ngx_int_t ngx_http_llm_add_header(ngx_http_request_t *r, const char *name,
    size_t len, ngx_str_t *value);


/* _account.c */

/*
 * Usage and cost over the attempts that ended so far; may be called again,
 * while more attempts may follow.
 */
void ngx_http_llm_account_sum(ngx_http_llm_ctx_t *ctx);
/*
 * Closes the books of a request: usage and cost over its attempts, from what
 * providers told or from estimates.  Runs once; called when the last attempt
 * ended and again, as a guard, from the log handler.
 */
void ngx_http_llm_account_settle(ngx_http_llm_ctx_t *ctx);
/*
 * How the request went, as far as can be said now: NONE while an attempt runs
 * or before there is a status.  What ctx->outcome says holds, but for OK
 * where the client left before the end.
 */
ngx_http_llm_outcome_e ngx_http_llm_account_outcome(ngx_http_llm_ctx_t *ctx);
/* HTTP status that the client got; 0: none yet */
ngx_uint_t ngx_http_llm_account_status(ngx_http_llm_ctx_t *ctx);
/* the attempt that stands for the request: the last; NULL: there was none */
ngx_http_llm_attempt_t *ngx_http_llm_account_final(ngx_http_llm_ctx_t *ctx);
/* log phase: one line of the usage log */
ngx_int_t ngx_http_llm_account_log_handler(ngx_http_request_t *r);
/* the end of its memory: what never came to that phase is settled all the
   same */
void ngx_http_llm_account_leave(ngx_http_llm_ctx_t *ctx);


/* _record.c */

/* appends the usage record of a settled request, with its newline */
void ngx_http_llm_record_print(ngx_http_llm_ctx_t *ctx, llm_buf_t *out);
/* its first parts: the time, which opens it; who asked for what */
void ngx_http_llm_record_time(llm_buf_t *b);
void ngx_http_llm_record_request(ngx_http_llm_ctx_t *ctx, llm_buf_t *b);
/* appends attempts, and the decision, as JSON arrays, for errors too */
void ngx_http_llm_account_print_attempts(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *out);
void ngx_http_llm_account_print_decision(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *out);


/* _variables.c */

ngx_int_t ngx_http_llm_add_variables(ngx_conf_t *cf);

extern const ngx_str_t  ngx_http_llm_outcomes[];    /* by outcome */
extern const ngx_str_t  ngx_http_llm_rungs[];       /* by rung */
extern const ngx_str_t  ngx_http_llm_protocols[];   /* by protocol */


#endif /* _NGX_HTTP_LLM_MODULE_H_INCLUDED_ */
