
/*
 * What the files of the keys service share: how records lie in the zone.
 */


#ifndef _NGX_LLM_KEYS_NODE_H_INCLUDED_
#define _NGX_LLM_KEYS_NODE_H_INCLUDED_


#include "ngx_llm_keys.h"


typedef struct ngx_llm_keys_node_s  ngx_llm_keys_node_t;


/* one of a record's secrets */

typedef struct {
    ngx_rbtree_node_t       node;      /* key: the digest's first bytes */
    ngx_llm_keys_node_t    *record;
    ngx_llm_keys_secret_t   secret;
} ngx_llm_keys_digest_t;


/*
 * A record never changes: another one takes its place.  name and text follow
 * the digests.
 */

struct ngx_llm_keys_node_s {
    ngx_rbtree_node_t       node;      /* key: the name's first bytes */
    ngx_llm_keys_node_t    *next;      /* of all, in no order */
    ngx_llm_keys_node_t    *prev;
    ngx_queue_t             changed;   /* link, where dirty is 1 */
    ngx_queue_t             owed;      /* link, where untold is 1 */
    uint64_t                version;
    int64_t                 stamp;
    ngx_uint_t              dirty;     /* not in the journal yet */
    ngx_uint_t              gone;      /* removed, and only kept until the
                                          journal knows */
    ngx_uint_t              untold;    /* other hosts do not know it yet */
    ngx_uint_t              deleted;   /* a grave: kept until they do */
    ngx_str_t               name;
    ngx_str_t               text;
    ngx_uint_t              nsecrets;
    ngx_llm_keys_digest_t   digests[1];
};


typedef struct {
    ngx_uint_t              ready;     /* the rest is initialised */
    ngx_rbtree_t            names;
    ngx_rbtree_node_t       names_sentinel;
    ngx_rbtree_t            digests;
    ngx_rbtree_node_t       digests_sentinel;
    ngx_queue_t             changed;
    ngx_queue_t             owed;
    ngx_llm_keys_heard_t    heard;
    ngx_llm_keys_node_t    *first;     /* of all */
    ngx_uint_t              changing;  /* the trees are being changed */
    ngx_uint_t              journal;   /* somebody writes changes down */
    ngx_uint_t              shared;    /* somebody tells other hosts */
    ngx_atomic_t            count;     /* that can be found */
    uint64_t                version;   /* of the last change */
} ngx_llm_keys_root_t;


struct ngx_llm_keys_s {
    ngx_llm_zone_t         *zone;
    ngx_llm_state_t        *state;
    ngx_llm_keys_root_t    *sh;        /* NULL: not started */
    ngx_uint_t              shared;
    ngx_log_t              *log;
};


/*
 * Takes the zone's lock.  Where a worker was killed while it changed the
 * trees they are made again from the list of all, which is whole after every
 * single store.
 */
void ngx_llm_keys_lock(ngx_llm_keys_t *keys);
void ngx_llm_keys_unlock(ngx_llm_keys_t *keys);

/* finds the root, and makes it ready */
ngx_int_t ngx_llm_keys_attach(ngx_llm_keys_t *keys, ngx_log_t *log);


/* all that follow: under the lock */

ngx_llm_keys_node_t *ngx_llm_keys_by_name(ngx_llm_keys_root_t *sh,
    ngx_str_t *name);
/* the first that sorts behind this name */
ngx_llm_keys_node_t *ngx_llm_keys_behind(ngx_llm_keys_root_t *sh,
    ngx_str_t *name);
ngx_llm_keys_digest_t *ngx_llm_keys_by_digest(ngx_llm_keys_root_t *sh,
    u_char *digest);

/*
 * Puts a copy of the entry in the place of old, which may be NULL; owe: other
 * hosts are to know of it.  NULL: the zone is full, all is as before.
 */
ngx_llm_keys_node_t *ngx_llm_keys_place(ngx_llm_keys_t *keys,
    ngx_llm_keys_entry_t *entry, ngx_llm_keys_node_t *old, ngx_uint_t owe);

/* takes it out of the trees; where that is to be written down it is kept */
void ngx_llm_keys_drop(ngx_llm_keys_t *keys, ngx_llm_keys_node_t *node);

/* the journal knows: whoever is gone is freed */
void ngx_llm_keys_clean(ngx_llm_keys_t *keys, ngx_llm_keys_node_t *node);

/* other hosts are to know of it; they do.  To be called while "changing" */
void ngx_llm_keys_owe(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node);
void ngx_llm_keys_paid(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node);

/*
 * A record as bytes, for journal and others: flags and the number of secrets,
 * the stamp, secrets with their ends, text.  value has room for
 * NGX_LLM_KEYS_VALUE_MAX; nothing if it is gone.
 */
void ngx_llm_keys_print(ngx_llm_keys_node_t *node, ngx_str_t *value);
/* and back: entry->text is a slice of value.  NGX_OK, NGX_DECLINED */
ngx_int_t ngx_llm_keys_parse(ngx_str_t *name, ngx_str_t *value,
    ngx_llm_keys_entry_t *entry);


#endif /* _NGX_LLM_KEYS_NODE_H_INCLUDED_ */
