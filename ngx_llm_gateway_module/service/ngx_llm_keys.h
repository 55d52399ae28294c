
/*
 * Keys that are made at run time: records in the zone, found by the digest of
 * a secret or by name, saved by the journal.  What a record says is text to
 * this service; its name, its secrets and a version are not.
 */


#ifndef _NGX_LLM_KEYS_H_INCLUDED_
#define _NGX_LLM_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_state.h"
#include "ngx_llm_zone.h"


#define NGX_LLM_KEYS_DIGEST_LEN  32            /* SHA-256 */
#define NGX_LLM_KEYS_SECRETS     8             /* of one key */
#define NGX_LLM_KEYS_NAME_MAX    128           /* bytes */
#define NGX_LLM_KEYS_TEXT_MAX    (12 * 1024)   /* bytes */


typedef struct ngx_llm_keys_s  ngx_llm_keys_t;


typedef struct {
    u_char               digest[NGX_LLM_KEYS_DIGEST_LEN];
    int64_t              until;       /* the first second it is no longer
                                         valid; 0: always */
} ngx_llm_keys_secret_t;


/* a copy of a record; name and text lie in the pool of whoever asked */

typedef struct {
    ngx_str_t              name;
    ngx_str_t              text;
    uint64_t               version;   /* of this record: changes with it */
    int64_t                stamp;     /* when it was changed, ms: the later one
                                         of two hosts' records counts */
    ngx_uint_t             deleted;   /* merge(), owed(): it is no more */
    ngx_uint_t             nsecrets;
    ngx_llm_keys_secret_t  secrets[NGX_LLM_KEYS_SECRETS];
} ngx_llm_keys_entry_t;


/*
 * state may be NULL: keys live as long as the zone.  shared: other hosts are
 * told of changes, and of what was removed.
 */
ngx_llm_keys_t *ngx_llm_keys_add(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state, ngx_uint_t shared);

/* init_process; NGX_ERROR: no room in the zone, logged */
ngx_int_t ngx_llm_keys_start(ngx_llm_keys_t *keys, ngx_cycle_t *cycle);

/*
 * The record that this digest is a secret of, compared in constant time; i is
 * that secret's index.  NGX_OK, NGX_DECLINED: there is none, NGX_ERROR: no
 * memory.  Costs no lock while there are no records.
 */
ngx_int_t ngx_llm_keys_find(ngx_llm_keys_t *keys, u_char *digest,
    ngx_pool_t *pool, ngx_llm_keys_entry_t *entry, ngx_uint_t *i);

/* the record of this name; returns as ngx_llm_keys_find() */
ngx_int_t ngx_llm_keys_get(ngx_llm_keys_t *keys, ngx_str_t *name,
    ngx_pool_t *pool, ngx_llm_keys_entry_t *entry);

/* the first record whose name sorts behind this one, byte by byte */
ngx_int_t ngx_llm_keys_next(ngx_llm_keys_t *keys, ngx_str_t *after,
    ngx_pool_t *pool, ngx_llm_keys_entry_t *entry);

/*
 * Stores a record.  entry->version is 0 for a new one, else that of the copy
 * which was changed; on NGX_OK it is the new one.  entry->stamp is the time;
 * what is stored is later than what was.
 *
 * NGX_OK; NGX_AGAIN: it was changed meanwhile, or exists, or does not;
 * NGX_BUSY: a secret is that of another record; NGX_ERROR: the zone is full.
 */
ngx_int_t ngx_llm_keys_set(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry);

/* NGX_OK, NGX_AGAIN or NGX_ERROR as above */
ngx_int_t ngx_llm_keys_remove(ngx_llm_keys_t *keys,
    ngx_llm_keys_entry_t *entry);

/* how many there are */
ngx_uint_t ngx_llm_keys_count(ngx_llm_keys_t *keys);


/* for whoever tells other hosts: ngx_llm_keys_share.c */

#define NGX_LLM_KEYS_EPOCH       32            /* bytes */
#define NGX_LLM_KEYS_VALUE_MAX   (9 + NGX_LLM_KEYS_SECRETS                    \
                                      * (NGX_LLM_KEYS_DIGEST_LEN + 8)         \
                                  + NGX_LLM_KEYS_TEXT_MAX)

/* what was heard from them: changes up to a number, of one epoch */

typedef struct {
    u_char                 epoch[NGX_LLM_KEYS_EPOCH];
    size_t                 len;        /* 0: nothing yet */
    uint64_t               number;
} ngx_llm_keys_heard_t;

void ngx_llm_keys_heard(ngx_llm_keys_t *keys, ngx_llm_keys_heard_t *heard);
void ngx_llm_keys_hear(ngx_llm_keys_t *keys, ngx_llm_keys_heard_t *heard);

/* all records are to be told: whoever kept them has none, or others */
void ngx_llm_keys_owe_all(ngx_llm_keys_t *keys);

/*
 * A record that others are to be told, and with the next call the next one, in
 * turn: its name and value in memory of this function's.  NGX_OK, or
 * NGX_DECLINED: there is none.
 */
ngx_int_t ngx_llm_keys_owed(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry,
    ngx_str_t *value);
/* they know of this version of it */
void ngx_llm_keys_told(ngx_llm_keys_t *keys, ngx_str_t *name,
    uint64_t version);
ngx_uint_t ngx_llm_keys_owes(ngx_llm_keys_t *keys);

/*
 * Another host's record, by its value.  NGX_OK; NGX_DECLINED: it makes no
 * sense; NGX_BUSY: a secret is that of another record; NGX_ERROR: the zone is
 * full.
 */
ngx_int_t ngx_llm_keys_merge(ngx_llm_keys_t *keys, ngx_str_t *name,
    ngx_str_t *value);


#endif /* _NGX_LLM_KEYS_H_INCLUDED_ */
