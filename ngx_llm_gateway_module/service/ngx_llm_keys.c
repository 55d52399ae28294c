
/*
 * Keys that are made at run time.
 */


#include "ngx_llm_keys_node.h"


/* in the journal, before the text: how many secrets, and each with its end */

#define NGX_LLM_KEYS_SECRET_SIZE  (NGX_LLM_KEYS_DIGEST_LEN + 8)
#define NGX_LLM_KEYS_VALUE_MAX    (1 + NGX_LLM_KEYS_SECRETS                   \
                                       * NGX_LLM_KEYS_SECRET_SIZE             \
                                   + NGX_LLM_KEYS_TEXT_MAX)


static ngx_int_t ngx_llm_keys_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_keys_changed(void *data, ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_keys_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static void ngx_llm_keys_value(ngx_llm_keys_node_t *node, ngx_str_t *value);
static void ngx_llm_keys_copy(ngx_llm_keys_node_t *node,
    ngx_llm_keys_entry_t *entry);
static ngx_int_t ngx_llm_keys_give(ngx_uint_t found, ngx_pool_t *pool,
    ngx_llm_keys_entry_t *entry);


ngx_llm_keys_t *
ngx_llm_keys_add(ngx_conf_t *cf, ngx_llm_zone_t *zone, ngx_llm_state_t *state)
{
    ngx_llm_keys_t        *keys;
    ngx_llm_state_kind_t   kind;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_llm_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->zone = zone;
    keys->state = state;

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

    node = ngx_llm_keys_by_name(keys->sh, name);
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
    ngx_llm_keys_copy(node, entry);

    ngx_llm_keys_unlock(keys);

    return ngx_llm_keys_give(node != NULL, pool, entry);
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

    if (entry->version != (old ? old->version : 0)) {
        rc = NGX_AGAIN;
        goto done;
    }

    for (i = 0; i < entry->nsecrets; i++) {
        d = ngx_llm_keys_by_digest(keys->sh, entry->secrets[i].digest);

        if (d && d->record != old) {
            rc = NGX_BUSY;
            goto done;
        }
    }

    node = ngx_llm_keys_place(keys, entry, old);

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
    ngx_int_t             rc;
    ngx_llm_keys_node_t  *node;

    rc = NGX_AGAIN;

    ngx_llm_keys_lock(keys);

    node = ngx_llm_keys_by_name(keys->sh, &entry->name);

    if (node && node->version == entry->version) {
        ngx_llm_keys_drop(keys, node);
        rc = NGX_OK;
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

    u_char                *p;
    ngx_int_t              rc;
    ngx_uint_t             i, k;
    ngx_llm_keys_node_t   *old, *node;
    ngx_llm_keys_entry_t   entry;

    if (keys->sh == NULL
        && ngx_llm_keys_attach(keys, ngx_cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    entry.name = *key;
    entry.nsecrets = 0;

    if (value->len) {

        p = value->data;
        entry.nsecrets = *p++;

        if (key->len > NGX_LLM_KEYS_NAME_MAX
            || entry.nsecrets > NGX_LLM_KEYS_SECRETS
            || value->len > NGX_LLM_KEYS_VALUE_MAX
            || value->len < 1 + entry.nsecrets * NGX_LLM_KEYS_SECRET_SIZE)
        {
            return NGX_DECLINED;
        }

        for (i = 0; i < entry.nsecrets; i++) {
            ngx_memcpy(entry.secrets[i].digest, p, NGX_LLM_KEYS_DIGEST_LEN);
            p += NGX_LLM_KEYS_DIGEST_LEN;

            entry.secrets[i].until = 0;

            for (k = 0; k < 8; k++) {
                entry.secrets[i].until |= (int64_t) *p++ << (8 * k);
            }
        }

        entry.text.data = p;
        entry.text.len = value->data + value->len - p;

        if (entry.text.len > NGX_LLM_KEYS_TEXT_MAX) {
            return NGX_DECLINED;
        }
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    old = ngx_llm_keys_by_name(keys->sh, key);

    if (value->len) {
        node = ngx_llm_keys_place(keys, &entry, old);

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

        ngx_llm_keys_value(node, &value);

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

    if (keys->sh == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    for (node = ngx_llm_keys_behind(keys->sh, after);
         node;
         node = ngx_llm_keys_behind(keys->sh, &node->name))
    {
        ngx_llm_keys_value(node, &value);

        rc = ngx_llm_state_put(w, &node->name, &value);

        if (rc != NGX_OK) {
            break;
        }
    }

    ngx_llm_keys_unlock(keys);

    return rc;
}


/* what the journal holds of a record: nothing if it is gone */

static void
ngx_llm_keys_value(ngx_llm_keys_node_t *node, ngx_str_t *value)
{
    u_char         *p;
    ngx_uint_t      i, k;

    static u_char   text[NGX_LLM_KEYS_VALUE_MAX];

    value->data = text;
    value->len = 0;

    if (node->gone) {
        return;
    }

    p = text;
    *p++ = (u_char) node->nsecrets;

    for (i = 0; i < node->nsecrets; i++) {
        p = ngx_cpymem(p, node->digests[i].secret.digest,
                       NGX_LLM_KEYS_DIGEST_LEN);

        for (k = 0; k < 8; k++) {
            *p++ = (u_char) (node->digests[i].secret.until >> (8 * k));
        }
    }

    p = ngx_cpymem(p, node->text.data, node->text.len);

    value->len = p - text;
}
