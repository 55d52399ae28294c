
/*
 * Records of keys in the zone: two trees over one list.
 */


#include "ngx_llm_keys_node.h"

#include <openssl/crypto.h>


#define NGX_LLM_KEYS_ROOT  "keys"

#define ngx_llm_keys_digest_of(n)                                             \
    ((ngx_llm_keys_digest_t *) ((u_char *) (n)                                \
                                - offsetof(ngx_llm_keys_digest_t, node)))
#define ngx_llm_keys_node_of(n)                                               \
    ((ngx_llm_keys_node_t *) ((u_char *) (n)                                  \
                              - offsetof(ngx_llm_keys_node_t, node)))


static void ngx_llm_keys_rebuild(ngx_llm_keys_t *keys);
static void ngx_llm_keys_plant(ngx_llm_keys_root_t *sh);
static void ngx_llm_keys_insert(ngx_llm_keys_root_t *sh,
    ngx_llm_keys_node_t *node);
static void ngx_llm_keys_delete(ngx_llm_keys_root_t *sh,
    ngx_llm_keys_node_t *node);
static void ngx_llm_keys_unlink(ngx_llm_keys_root_t *sh,
    ngx_llm_keys_node_t *node);
static void ngx_llm_keys_dirty(ngx_llm_keys_root_t *sh,
    ngx_llm_keys_node_t *node);
static ngx_rbtree_key_t ngx_llm_keys_first(u_char *p, size_t len);
static ngx_int_t ngx_llm_keys_compare(ngx_str_t *a, ngx_str_t *b);
static void ngx_llm_keys_insert_name(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static void ngx_llm_keys_insert_digest(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);


ngx_int_t
ngx_llm_keys_attach(ngx_llm_keys_t *keys, ngx_log_t *log)
{
    ngx_llm_keys_root_t  *sh;

    keys->log = log;

    sh = ngx_llm_zone_root(keys->zone, NGX_LLM_KEYS_ROOT,
                           sizeof(ngx_llm_keys_root_t));

    if (sh == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "no room in the zone for keys made at run time");
        return NGX_ERROR;
    }

    ngx_llm_zone_lock(keys->zone);

    if (!sh->ready) {
        ngx_llm_keys_plant(sh);
        ngx_queue_init(&sh->changed);
        ngx_queue_init(&sh->owed);

        ngx_memory_barrier();
        sh->ready = 1;
    }

    sh->journal = (keys->state != NULL);
    sh->shared = keys->shared;

    ngx_llm_zone_unlock(keys->zone);

    keys->sh = sh;

    return NGX_OK;
}


void
ngx_llm_keys_lock(ngx_llm_keys_t *keys)
{
    ngx_llm_zone_lock(keys->zone);

    if (keys->sh->changing) {
        ngx_llm_keys_rebuild(keys);
    }
}


void
ngx_llm_keys_unlock(ngx_llm_keys_t *keys)
{
    ngx_llm_zone_unlock(keys->zone);
}


static void
ngx_llm_keys_plant(ngx_llm_keys_root_t *sh)
{
    /*
     * The insert functions lie in a process's memory: another binary, which
     * may have them elsewhere, has another zone.
     */

    ngx_rbtree_init(&sh->names, &sh->names_sentinel,
                    ngx_llm_keys_insert_name);
    ngx_rbtree_init(&sh->digests, &sh->digests_sentinel,
                    ngx_llm_keys_insert_digest);
}


/* of two records with one name the newer one was to replace the other */

static void
ngx_llm_keys_rebuild(ngx_llm_keys_t *keys)
{
    ngx_uint_t            count;
    ngx_llm_keys_node_t  *node, *next, *prev, *same;
    ngx_llm_keys_root_t  *sh;

    sh = keys->sh;

    ngx_log_error(NGX_LOG_NOTICE, keys->log, 0,
                  "a worker was killed while it changed a key, all are put "
                  "in order again");

    ngx_llm_keys_plant(sh);
    ngx_queue_init(&sh->changed);
    ngx_queue_init(&sh->owed);

    count = 0;
    prev = NULL;

    for (node = sh->first; node; node = next) {

        next = node->next;
        node->prev = prev;
        prev = node;

        if (!node->gone) {
            same = ngx_llm_keys_by_name(sh, &node->name);

            if (same == NULL) {
                ngx_llm_keys_insert(sh, node);
                count += !node->deleted;

            } else if (same->version < node->version) {
                ngx_llm_keys_delete(sh, same);
                count += (ngx_int_t) same->deleted
                         - (ngx_int_t) node->deleted;
                same->gone = 1;
                ngx_llm_keys_paid(sh, same);
                ngx_llm_keys_insert(sh, node);

            } else {
                node->gone = 1;
            }
        }

        /* written once more does no harm */

        node->dirty = 0;
        ngx_llm_keys_dirty(sh, node);

        node->untold = 0;

        if (!node->gone) {
            ngx_llm_keys_owe(sh, node);
        }
    }

    sh->count = count;

    ngx_memory_barrier();
    sh->changing = 0;
}


ngx_llm_keys_node_t *
ngx_llm_keys_by_name(ngx_llm_keys_root_t *sh, ngx_str_t *name)
{
    ngx_int_t             rc;
    ngx_rbtree_key_t      key;
    ngx_rbtree_node_t    *node, *sentinel;
    ngx_llm_keys_node_t  *found;

    key = ngx_llm_keys_first(name->data, name->len);
    node = sh->names.root;
    sentinel = sh->names.sentinel;

    while (node != sentinel) {

        if (key != node->key) {
            node = (key < node->key) ? node->left : node->right;
            continue;
        }

        found = ngx_llm_keys_node_of(node);

        rc = ngx_llm_keys_compare(name, &found->name);

        if (rc == 0) {
            return found;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


ngx_llm_keys_node_t *
ngx_llm_keys_behind(ngx_llm_keys_root_t *sh, ngx_str_t *name)
{
    ngx_rbtree_node_t    *node, *sentinel;
    ngx_llm_keys_node_t  *at, *best;

    best = NULL;
    node = sh->names.root;
    sentinel = sh->names.sentinel;

    while (node != sentinel) {

        at = ngx_llm_keys_node_of(node);

        if (ngx_llm_keys_compare(name, &at->name) < 0) {
            best = at;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return best;
}


ngx_llm_keys_digest_t *
ngx_llm_keys_by_digest(ngx_llm_keys_root_t *sh, u_char *digest)
{
    ngx_rbtree_key_t        key;
    ngx_rbtree_node_t      *node, *sentinel;
    ngx_llm_keys_digest_t  *d;

    key = ngx_llm_keys_first(digest, NGX_LLM_KEYS_DIGEST_LEN);
    node = sh->digests.root;
    sentinel = sh->digests.sentinel;

    /*
     * The way through the tree tells of digests, which tell nothing of a
     * secret; digests with the same first bytes do not happen.
     */

    while (node != sentinel) {

        if (key != node->key) {
            node = (key < node->key) ? node->left : node->right;
            continue;
        }

        d = ngx_llm_keys_digest_of(node);

        if (CRYPTO_memcmp(d->secret.digest, digest, NGX_LLM_KEYS_DIGEST_LEN)
            == 0)
        {
            return d;
        }

        node = node->right;
    }

    return NULL;
}


ngx_llm_keys_node_t *
ngx_llm_keys_place(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry,
    ngx_llm_keys_node_t *old, ngx_uint_t owe)
{
    u_char               *p;
    size_t                size;
    ngx_uint_t            i;
    ngx_llm_keys_node_t  *node;
    ngx_llm_keys_root_t  *sh;

    sh = keys->sh;

    size = offsetof(ngx_llm_keys_node_t, digests)
           + entry->nsecrets * sizeof(ngx_llm_keys_digest_t);
    size = ngx_max(size, sizeof(ngx_llm_keys_node_t));

    node = ngx_llm_zone_alloc_locked(keys->zone, size + entry->name.len
                                                 + entry->text.len);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, size);

    p = (u_char *) node + size;

    node->name.len = entry->name.len;
    node->name.data = p;
    p = ngx_cpymem(p, entry->name.data, entry->name.len);

    node->text.len = entry->text.len;
    node->text.data = p;
    ngx_memcpy(p, entry->text.data, entry->text.len);

    node->stamp = entry->stamp;
    node->deleted = entry->deleted;
    node->nsecrets = entry->nsecrets;

    for (i = 0; i < entry->nsecrets; i++) {
        node->digests[i].record = node;
        node->digests[i].secret = entry->secrets[i];
    }

    sh->changing = 1;
    ngx_memory_barrier();

    node->version = ++sh->version;

    node->next = sh->first;
    ngx_memory_barrier();
    sh->first = node;

    if (node->next) {
        node->next->prev = node;
    }

    if (old) {
        sh->count -= !old->deleted;
        ngx_llm_keys_delete(sh, old);
        ngx_llm_keys_unlink(sh, old);
    }

    sh->count += !node->deleted;

    ngx_llm_keys_insert(sh, node);
    ngx_llm_keys_dirty(sh, node);

    if (owe) {
        ngx_llm_keys_owe(sh, node);
    }

    ngx_memory_barrier();
    sh->changing = 0;

    if (old) {
        ngx_llm_zone_free_locked(keys->zone, old);
    }

    return node;
}


void
ngx_llm_keys_drop(ngx_llm_keys_t *keys, ngx_llm_keys_node_t *node)
{
    ngx_llm_keys_root_t  *sh;

    sh = keys->sh;

    sh->changing = 1;
    ngx_memory_barrier();

    node->gone = 1;
    sh->version++;
    sh->count -= !node->deleted;

    ngx_llm_keys_delete(sh, node);
    ngx_llm_keys_paid(sh, node);

    if (sh->journal) {
        ngx_llm_keys_dirty(sh, node);

    } else {
        ngx_llm_keys_unlink(sh, node);
    }

    ngx_memory_barrier();
    sh->changing = 0;

    if (!sh->journal) {
        ngx_llm_zone_free_locked(keys->zone, node);
    }
}


void
ngx_llm_keys_clean(ngx_llm_keys_t *keys, ngx_llm_keys_node_t *node)
{
    ngx_llm_keys_root_t  *sh;

    sh = keys->sh;

    sh->changing = 1;
    ngx_memory_barrier();

    if (node->dirty) {
        ngx_queue_remove(&node->changed);
        node->dirty = 0;
    }

    if (node->gone) {
        ngx_llm_keys_unlink(sh, node);
    }

    ngx_memory_barrier();
    sh->changing = 0;

    if (node->gone) {
        ngx_llm_zone_free_locked(keys->zone, node);
    }
}


static void
ngx_llm_keys_insert(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    ngx_uint_t             i;
    ngx_llm_keys_digest_t  *d;

    node->node.key = ngx_llm_keys_first(node->name.data, node->name.len);
    ngx_rbtree_insert(&sh->names, &node->node);

    for (i = 0; i < node->nsecrets; i++) {
        d = &node->digests[i];

        d->node.key = ngx_llm_keys_first(d->secret.digest,
                                         NGX_LLM_KEYS_DIGEST_LEN);
        ngx_rbtree_insert(&sh->digests, &d->node);
    }
}


static void
ngx_llm_keys_delete(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    ngx_uint_t  i;

    ngx_rbtree_delete(&sh->names, &node->node);

    for (i = 0; i < node->nsecrets; i++) {
        ngx_rbtree_delete(&sh->digests, &node->digests[i].node);
    }
}


static void
ngx_llm_keys_unlink(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    if (node->dirty) {
        ngx_queue_remove(&node->changed);
        node->dirty = 0;
    }

    ngx_llm_keys_paid(sh, node);

    if (node->prev) {
        node->prev->next = node->next;

    } else {
        sh->first = node->next;
    }

    if (node->next) {
        node->next->prev = node->prev;
    }
}


static void
ngx_llm_keys_dirty(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    if (sh->journal && !node->dirty) {
        ngx_queue_insert_tail(&sh->changed, &node->changed);
        node->dirty = 1;
    }
}


void
ngx_llm_keys_owe(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    if (sh->shared && !node->untold) {
        ngx_queue_insert_tail(&sh->owed, &node->owed);
        node->untold = 1;
    }
}


void
ngx_llm_keys_paid(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    if (node->untold) {
        ngx_queue_remove(&node->owed);
        node->untold = 0;
    }
}


/* the first bytes as a number that sorts as they do */

static ngx_rbtree_key_t
ngx_llm_keys_first(u_char *p, size_t len)
{
    size_t            i;
    ngx_rbtree_key_t  key;

    key = 0;

    for (i = 0; i < sizeof(ngx_rbtree_key_t); i++) {
        key = key << 8 | (i < len ? p[i] : 0);
    }

    return key;
}


static ngx_int_t
ngx_llm_keys_compare(ngx_str_t *a, ngx_str_t *b)
{
    return ngx_memn2cmp(a->data, b->data, a->len, b->len);
}


static void
ngx_llm_keys_insert_name(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {

        p = (ngx_llm_keys_compare(&ngx_llm_keys_node_of(node)->name,
                                  &ngx_llm_keys_node_of(temp)->name)
             < 0) ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static void
ngx_llm_keys_insert_digest(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {

        p = (node->key < temp->key) ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}
