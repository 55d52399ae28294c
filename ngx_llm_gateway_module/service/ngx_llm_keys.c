
/*
 * Keys that are made at run time.
 */


#include "ngx_llm_keys_node.h"


static ngx_int_t ngx_llm_keys_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_keys_changed(void *data, ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_keys_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static ngx_llm_keys_node_t *ngx_llm_keys_living(ngx_llm_keys_root_t *sh,
    ngx_str_t *name);
static void ngx_llm_keys_copy(ngx_llm_keys_node_t *node,
    ngx_llm_keys_entry_t *entry);
static ngx_int_t ngx_llm_keys_give(ngx_uint_t found, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry);


ngx_llm_keys_t *
ngx_llm_keys_add(ngx_conf_t *cf, ngx_llm_zone_t *zone, ngx_llm_state_t *state,
    ngx_uint_t shared)
{
    ngx_llm_keys_t        *keys;
    ngx_llm_state_kind_t   kind;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_llm_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->zone = zone;
    keys->state = state;
    keys->shared = shared;

    if (state == NULL) {
        return keys;
    }

    kind.kind = NGX_LLM_STATE_KEY;
    kind.name = "key";
    kind.data = keys;
    kind.load = ngx_llm_keys_load;
    kind.changed = ngx_llm_keys_changed;
    kind.all = ngx_llm_keys_all;

    return ngx_llm_state_register(state, &kind) == NGX_OK ? keys : NULL;
}


ngx_int_t
ngx_llm_keys_start(ngx_llm_keys_t *keys, ngx_cycle_t *cycle)
{
    return ngx_llm_keys_attach(keys, cycle->log);
}


ngx_int_t
ngx_llm_keys_find(ngx_llm_keys_t *keys, u_char *digest, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry, ngx_uint_t *i)
{
    ngx_llm_keys_node_t    *node;
    ngx_llm_keys_digest_t  *d;

    if (keys->sh->count == 0) {
        return NGX_DECLINED;
    }

    node = NULL;

    ngx_llm_keys_lock(keys);

    d = ngx_llm_keys_by_digest(keys->sh, digest);

    if (d) {
        node = d->record;
        *i = d - node->digests;
    }

    ngx_llm_keys_copy(node, entry);

    ngx_llm_keys_unlock(keys);

    return ngx_llm_keys_give(node != NULL, pool, entry);
}


ngx_int_t
ngx_llm_keys_get(ngx_llm_keys_t *keys, ngx_str_t *name, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry)
{
    ngx_llm_keys_node_t  *node;

    ngx_llm_keys_lock(keys);

    node = ngx_llm_keys_living(keys->sh, name);
    ngx_llm_keys_copy(node, entry);

    ngx_llm_keys_unlock(keys);

    return ngx_llm_keys_give(node != NULL, pool, entry);
}


ngx_int_t
ngx_llm_keys_next(ngx_llm_keys_t *keys, ngx_str_t *after, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry)
{
    ngx_llm_keys_node_t  *node;

    ngx_llm_keys_lock(keys);

    node = ngx_llm_keys_behind(keys->sh, after);

    while (node && node->deleted) {
        node = ngx_llm_keys_behind(keys->sh, &node->name);
    }

    ngx_llm_keys_copy(node, entry);

    ngx_llm_keys_unlock(keys);

    return ngx_llm_keys_give(node != NULL, pool, entry);
}


static ngx_llm_keys_node_t *
ngx_llm_keys_living(ngx_llm_keys_root_t *sh, ngx_str_t *name)
{
    ngx_llm_keys_node_t  *node;

    node = ngx_llm_keys_by_name(sh, name);

    return node && !node->deleted ? node : NULL;
}


/* under the lock no pool is asked for memory: the texts go here first */

static void
ngx_llm_keys_copy(ngx_llm_keys_node_t *node, ngx_llm_keys_entry_t *entry)
{
    u_char         *p;
    ngx_uint_t      i;

    static u_char   texts[NGX_LLM_KEYS_NAME_MAX + NGX_LLM_KEYS_TEXT_MAX];

    if (node == NULL) {
        return;
    }

    p = texts;

    entry->name.len = node->name.len;
    entry->name.data = p;
    p = ngx_cpymem(p, node->name.data, node->name.len);

    entry->text.len = node->text.len;
    entry->text.data = p;
    ngx_memcpy(p, node->text.data, node->text.len);

    entry->version = node->version;
    entry->stamp = node->stamp;
    entry->deleted = node->deleted;
    entry->nsecrets = node->nsecrets;

    for (i = 0; i < node->nsecrets; i++) {
        entry->secrets[i] = node->digests[i].secret;
    }
}


static ngx_int_t
ngx_llm_keys_give(ngx_uint_t found, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry)
{
    u_char  *p;

    if (!found) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, entry->name.len + entry->text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, entry->name.data, entry->name.len);
    entry->name.data = p;
    p += entry->name.len;

    ngx_memcpy(p, entry->text.data, entry->text.len);
    entry->text.data = p;

    return NGX_OK;
}


ngx_int_t
ngx_llm_keys_set(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_keys_node_t    *old, *node;
    ngx_llm_keys_digest_t  *d;

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    old = ngx_llm_keys_by_name(keys->sh, &entry->name);

    if (entry->version != (old && !old->deleted ? old->version : 0)) {
        rc = NGX_AGAIN;
        goto done;
    }

    entry->deleted = 0;

    if (old && entry->stamp <= old->stamp) {
        entry->stamp = old->stamp + 1;
    }

    for (i = 0; i < entry->nsecrets; i++) {
        d = ngx_llm_keys_by_digest(keys->sh, entry->secrets[i].digest);

        if (d && d->record != old) {
            rc = NGX_BUSY;
            goto done;
        }
    }

    node = ngx_llm_keys_place(keys, entry, old, 1);

    if (node) {
        entry->version = node->version;

    } else {
        rc = NGX_ERROR;
    }

done:

    ngx_llm_keys_unlock(keys);

    return rc;
}


ngx_int_t
ngx_llm_keys_remove(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry)
{
    ngx_int_t              rc;
    ngx_llm_keys_node_t   *node;
    ngx_llm_keys_entry_t   dead;

    rc = NGX_AGAIN;

    ngx_llm_keys_lock(keys);

    node = ngx_llm_keys_living(keys->sh, &entry->name);

    if (node && node->version == entry->version) {

        rc = NGX_OK;

        if (!keys->sh->shared) {
            ngx_llm_keys_drop(keys, node);

        } else {
            ngx_memzero(&dead, sizeof(ngx_llm_keys_entry_t));

            dead.name = entry->name;
            dead.stamp = ngx_max(entry->stamp, node->stamp + 1);
            dead.deleted = 1;

            if (ngx_llm_keys_place(keys, &dead, node, 1) == NULL) {
                rc = NGX_ERROR;
            }
        }
    }

    ngx_llm_keys_unlock(keys);

    return rc;
}


ngx_uint_t
ngx_llm_keys_count(ngx_llm_keys_t *keys)
{
    return keys->sh->count;
}


/* in the master, before there are workers */

static ngx_int_t
ngx_llm_keys_load(void *data, ngx_str_t *key, ngx_str_t *value)
{
    ngx_llm_keys_t *keys = data;

    ngx_int_t              rc;
    ngx_uint_t             gone;
    ngx_llm_keys_node_t   *old, *node;
    ngx_llm_keys_entry_t   entry;

    if (keys->sh == NULL
        && ngx_llm_keys_attach(keys, ngx_cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    gone = (value->len == 0);

    if (!gone) {

        if (ngx_llm_keys_parse(key, value, &entry) != NGX_OK) {
            return NGX_DECLINED;
        }

        /* a grave is of use where others are told of it */

        gone = (entry.deleted && !keys->shared);
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    old = ngx_llm_keys_by_name(keys->sh, key);

    if (!gone) {
        node = ngx_llm_keys_place(keys, &entry, old, 0);

        if (node) {
            ngx_llm_keys_clean(keys, node);

        } else {
            rc = NGX_ERROR;
        }

    } else if (old) {
        ngx_llm_keys_drop(keys, old);
        ngx_llm_keys_clean(keys, old);
    }

    ngx_llm_keys_unlock(keys);

    return rc;
}


static ngx_int_t
ngx_llm_keys_changed(void *data, ngx_llm_state_writer_t *w)
{
    ngx_llm_keys_t *keys = data;

    ngx_int_t             rc;
    ngx_str_t             value;
    ngx_queue_t          *q;
    ngx_llm_keys_node_t  *node;

    static u_char         text[NGX_LLM_KEYS_VALUE_MAX];

    value.data = text;

    if (keys->sh == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    while (!ngx_queue_empty(&keys->sh->changed)) {

        q = ngx_queue_head(&keys->sh->changed);
        node = ngx_queue_data(q, ngx_llm_keys_node_t, changed);

        /* one of the same name may have come after it was removed */

        if (node->gone && ngx_llm_keys_by_name(keys->sh, &node->name)) {
            ngx_llm_keys_clean(keys, node);
            continue;
        }

        ngx_llm_keys_print(node, &value);

        rc = ngx_llm_state_put(w, &node->name, &value);

        if (rc != NGX_OK) {
            break;
        }

        ngx_llm_keys_clean(keys, node);
    }

    ngx_llm_keys_unlock(keys);

    return rc;
}


static ngx_int_t
ngx_llm_keys_all(void *data, ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    ngx_llm_keys_t *keys = data;

    ngx_int_t             rc;
    ngx_str_t             value;
    ngx_llm_keys_node_t  *node;

    static u_char         text[NGX_LLM_KEYS_VALUE_MAX];

    value.data = text;

    if (keys->sh == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    for (node = ngx_llm_keys_behind(keys->sh, after);
         node;
         node = ngx_llm_keys_behind(keys->sh, &node->name))
    {
        ngx_llm_keys_print(node, &value);

        rc = ngx_llm_state_put(w, &node->name, &value);

        if (rc != NGX_OK) {
            break;
        }
    }

    ngx_llm_keys_unlock(keys);

    return rc;
}
