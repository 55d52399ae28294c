
/*
 * What the files of llm_admin share: a request of an operator, and the routes
 * that answer.
 */


#ifndef _NGX_HTTP_LLM_ADMIN_H_INCLUDED_
#define _NGX_HTTP_LLM_ADMIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"
#include "ngx_llm_quota.h"


#define NGX_HTTP_LLM_ADMIN_BODY_MAX   65536      /* bytes */
#define NGX_HTTP_LLM_ADMIN_PAGE       100        /* items, if not asked for */
#define NGX_HTTP_LLM_ADMIN_PAGE_MAX   1000
#define NGX_HTTP_LLM_ADMIN_LOOK_MAX   20000      /* records looked at */
#define NGX_HTTP_LLM_ADMIN_NAMED_MAX  1000       /* read whole, for a page */


typedef struct ngx_http_llm_admin_s  ngx_http_llm_admin_t;

/*
 * Answers: appends the JSON body to b.  NGX_OK, or the status of a refusal;
 * NGX_ERROR without memory.
 */
typedef ngx_int_t (*ngx_http_llm_admin_pt)(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);


/* .../RESOURCE, .../RESOURCE/NAME, .../RESOURCE/NAME/ACTION */

typedef struct {
    ngx_uint_t                 method;
    ngx_str_t                  resource;
    ngx_uint_t                 named;         /* has a NAME */
    ngx_str_t                  action;        /* or empty */
    ngx_http_llm_admin_pt      handler;
} ngx_http_llm_admin_route_t;


struct ngx_http_llm_admin_s {
    ngx_http_llm_ctx_t          *ctx;
    ngx_http_llm_admin_route_t  *route;
    ngx_str_t                    name;
    ngx_str_t                    body;        /* an object that was scanned, or
                                                 empty */
    ngx_uint_t                   status;      /* of the answer */
};


/* _admin_route.c: sets adm->route and adm->name, or refuses */
ngx_int_t ngx_http_llm_admin_find(ngx_http_llm_admin_t *adm);


/* _admin.c */

/* an argument of the query, unescaped.  NGX_OK, NGX_DECLINED: it is not
   there, NGX_ERROR */
ngx_int_t ngx_http_llm_admin_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);
/* the same as a number of at least 1; n is left alone where it is not there.
   NGX_OK, or a refusal */
ngx_int_t ngx_http_llm_admin_arg_number(ngx_http_llm_admin_t *adm,
    const char *name, ngx_uint_t *n, ngx_uint_t max);

/* a member of the body as it stands, NULL: it is not there */
llm_str_t *ngx_http_llm_admin_member(ngx_http_llm_admin_t *adm,
    const char *name, llm_str_t *value);
/* the same as a string: NGX_OK, NGX_DECLINED, or a refusal */
ngx_int_t ngx_http_llm_admin_string(ngx_http_llm_admin_t *adm,
    const char *name, ngx_str_t *value);

/* sends an answer */
ngx_int_t ngx_http_llm_admin_send(ngx_http_request_t *r, ngx_uint_t status,
    llm_buf_t *b);
/* the same for what had to wait, and ends it */
void ngx_http_llm_admin_finish(ngx_http_request_t *r, ngx_uint_t status,
    llm_buf_t *b);

/* appends ,"name":"value" */
void ngx_http_llm_admin_print(llm_buf_t *b, const char *name,
    ngx_str_t *value);


/* _admin_explain.c: its own access phase, since the body is a model's */

ngx_int_t ngx_http_llm_admin_subject(ngx_http_llm_ctx_t *ctx);
/* NGX_OK; NGX_DONE: it answers by itself; NGX_ERROR */
ngx_int_t ngx_http_llm_admin_explain(ngx_http_llm_ctx_t *ctx, llm_buf_t *b);


/* _admin_keys.c, _admin_key.c */

ngx_int_t ngx_http_llm_admin_keys_list(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_get(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_create(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_patch(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_put(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_delete(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_rotate(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_disable(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_keys_enable(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
/* appends a record as an object, without its closing brace */
void ngx_http_llm_admin_keys_print(ngx_llm_keys_entry_t *entry, llm_buf_t *b);


/* _admin_limits.c */

ngx_int_t ngx_http_llm_admin_limits_get(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_limits_reset(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);
ngx_int_t ngx_http_llm_admin_limits_topup(ngx_http_llm_admin_t *adm,
    llm_buf_t *b);

/* a counter that is reset, add being NGX_LLM_QUOTA_RESET, or topped up */

typedef struct {
    ngx_str_t                  subject;       /* "team=acme/search" */
    ngx_str_t                  limit;         /* as it was asked for */
    uint64_t                   counter;
    int64_t                    add;
    ngx_uint_t                 topup;
} ngx_http_llm_admin_adjust_t;

/* in this host's zone; NGX_DECLINED: nothing is counted */
ngx_int_t ngx_http_llm_admin_limits_zone(ngx_http_llm_admin_adjust_t *adjust);
/* refuses, since nothing is counted; tells that it was done */
ngx_int_t ngx_http_llm_admin_limits_none(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust);
void ngx_http_llm_admin_limits_tell(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust, llm_buf_t *b);

/* what is counted, subject by subject, in the order of ngx_llm_quota_next() */

typedef struct {
    ngx_uint_t                 n;             /* told so far, */
    ngx_uint_t                 max;           /* at most */
    ngx_llm_quota_entry_t      entry;
    const llm_subject_t       *subject;       /* of it; NULL: not known */
    ngx_uint_t                 counted;       /* this host counts it */
    const llm_subject_t      **named;         /* those that have limits, after
                                                 the entry that a page begins
                                                 behind, at most max */
    ngx_uint_t                 nnamed;
    ngx_uint_t                 cut;           /* there may be others */
} ngx_http_llm_admin_sheet_t;

/*
 * _admin_named.c: adds subjects that the configuration, and keys made at run
 * time, name with a limit, whoever counts them.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_llm_admin_named(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_sheet_t *sheet);
/* the next of them: NGX_OK, or NGX_DONE; next is that of this host, or NULL */
ngx_int_t ngx_http_llm_admin_named_next(ngx_http_llm_admin_sheet_t *sheet,
    ngx_llm_quota_entry_t *next);

/* the next one, as this host counts it, if it does; NGX_DONE: there is none */
ngx_int_t ngx_http_llm_admin_sheet_next(ngx_http_llm_admin_sheet_t *sheet);
void ngx_http_llm_admin_sheet_print(ngx_http_llm_admin_sheet_t *sheet,
    llm_buf_t *b);
void ngx_http_llm_admin_sheet_close(ngx_http_llm_admin_sheet_t *sheet,
    llm_buf_t *b);

/*
 * _admin_counters.c: goes on with a page as Redis counts, and sends it.
 * NGX_DONE: it answers by itself; NGX_DECLINED: Redis is not asked; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_admin_counters(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_sheet_t *sheet, llm_buf_t *b);

/* _admin_shared.c: as much of a subject as its key in Redis is made of */
void ngx_http_llm_admin_shared_subject(ngx_http_llm_admin_t *adm,
    ngx_str_t *id, llm_subject_t *s);

/* resets or tops up in Redis.  NGX_DONE: it answers by itself; or a
   refusal */
ngx_int_t ngx_http_llm_admin_shared(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust);

/*
 * Appends ,"usage":[...]: how each limit that holds for the key stands on this
 * host, or, one by one between open() and close(), as somebody else told.
 */
void ngx_http_llm_admin_limits_key(ngx_http_llm_key_t *key, llm_buf_t *b);
void ngx_http_llm_admin_limits_open(llm_buf_t *b);
void ngx_http_llm_admin_limits_one(llm_standing_t *s, ngx_uint_t n,
    llm_buf_t *b);
void ngx_http_llm_admin_limits_close(llm_buf_t *b);

/*
 * _admin_live.c: appends the same as Redis counts it to what b has, closes the
 * object, and sends it.  NGX_DONE: it answers by itself; NGX_DECLINED: Redis
 * is not asked; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_admin_live(ngx_http_llm_admin_t *adm,
    ngx_http_llm_key_t *key, llm_buf_t *b);


/* _totals.c */

ngx_int_t ngx_http_llm_totals_get(ngx_http_llm_admin_t *adm, llm_buf_t *b);


/* _admin_openapi.c */

ngx_int_t ngx_http_llm_admin_openapi(ngx_http_llm_admin_t *adm, llm_buf_t *b);


#endif /* _NGX_HTTP_LLM_ADMIN_H_INCLUDED_ */
