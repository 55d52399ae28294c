
/*
 * What the zone holds, on disk: a journal of records that the services of the
 * zone put into it and get back when nginx starts.
 *
 * A record is {kind, key, value}: the whole state of one thing, never a
 * change of it, so that the last record of a key counts and it does no harm
 * to write one twice.  One worker of the host writes, once a second, what has
 * changed since.
 */


#ifndef _NGX_LLM_STATE_H_INCLUDED_
#define _NGX_LLM_STATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_zone.h"


#define NGX_LLM_STATE_KEY_MAX    1024         /* bytes */
#define NGX_LLM_STATE_VALUE_MAX  (16 * 1024)  /* bytes */


typedef struct ngx_llm_state_s         ngx_llm_state_t;
typedef struct ngx_llm_state_writer_s  ngx_llm_state_writer_t;


/* in the file: numbers are not given to another kind later */

typedef enum {
    NGX_LLM_STATE_QUOTA = 1,       /* counters of limits */
    NGX_LLM_STATE_KEY,             /* keys made at run time */
    NGX_LLM_STATE_TOTAL,           /* usage by day, key, team and model */
    NGX_LLM_STATE_LEDGER           /* what was not told to redis yet */
} ngx_llm_state_kind_e;


/*
 * What a service does with records of its kind.  All are called without the
 * zone's lock, load() in the master before there are workers, the others in
 * the worker that writes, or while it exits.
 */

typedef struct {
    ngx_llm_state_kind_e  kind;
    const char           *name;    /* for messages */
    void                 *data;    /* of the configuration cycle */

    /*
     * Takes one record; a later one of the same key replaces it, and one
     * whose value has no bytes removes it.  NGX_OK; NGX_DECLINED: cannot
     * make sense of it; NGX_ERROR: no room for it in the zone.
     */
    ngx_int_t           (*load)(void *data, ngx_str_t *key, ngx_str_t *value);

    /*
     * Puts what changed since it was put last, and forgets that it did.
     * NGX_OK: that was all; NGX_AGAIN: put() had no room, call me again.
     */
    ngx_int_t           (*changed)(void *data, ngx_llm_state_writer_t *w);

    /*
     * Puts everything, in an order that does not change while others are
     * added or removed, from behind the record with this key on (empty:
     * from the first).  Returns as changed() does, and is called again with
     * the key that was put last.
     */
    ngx_int_t           (*all)(void *data, ngx_llm_state_writer_t *w,
                               ngx_str_t *after);
} ngx_llm_state_kind_t;


/*
 * Declares that the zone's state is kept in this directory, which nginx makes
 * and gives to the workers' user.  Logs at emerg and returns NULL if it can
 * not be.
 */
ngx_llm_state_t *ngx_llm_state_add(ngx_conf_t *cf, ngx_str_t *dir,
    ngx_llm_zone_t *zone);

/* while the configuration is read: kind is copied */
ngx_int_t ngx_llm_state_register(ngx_llm_state_t *state,
    ngx_llm_state_kind_t *kind);

/*
 * Puts one record, a value without bytes telling that there is none any more.
 * NGX_OK, or NGX_AGAIN: the slice is full, nothing was put.  May be called
 * with the zone's lock held; does not block.
 */
ngx_int_t ngx_llm_state_put(ngx_llm_state_writer_t *w, ngx_str_t *key,
    ngx_str_t *value);

/*
 * init_module: locks the directory and loads, unless the zone's contents came
 * over a reload.  Does nothing for "nginx -t".  NGX_ERROR: nginx must not
 * start, which was logged.
 */
ngx_int_t ngx_llm_state_load(ngx_llm_state_t *state, ngx_cycle_t *cycle);

/* init_process and exit_process of workers */
ngx_int_t ngx_llm_state_start(ngx_llm_state_t *state, ngx_cycle_t *cycle);
void ngx_llm_state_stop(ngx_llm_state_t *state);


#endif /* _NGX_LLM_STATE_H_INCLUDED_ */
