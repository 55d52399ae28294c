
/*
 * Keys that several hosts share: what others are to be told, and what they
 * tell.  How it gets there is not known here.
 */


#include "ngx_llm_keys_node.h"


/* flags in the first byte of a value, beside the number of secrets; those of
   journals that were written before there was a stamp have none */

#define NGX_LLM_KEYS_STAMPED  0x80
#define NGX_LLM_KEYS_DELETED  0x40
#define NGX_LLM_KEYS_NUMBER   0x0f


static void ngx_llm_keys_settle(ngx_llm_keys_root_t *sh,
    ngx_llm_keys_node_t *node);
static u_char *ngx_llm_keys_put(u_char *p, int64_t n);
static u_char *ngx_llm_keys_take(u_char *p, int64_t *n);
static ngx_uint_t ngx_llm_keys_same(ngx_llm_keys_node_t *node,
    ngx_llm_keys_entry_t *entry);


void
ngx_llm_keys_heard(ngx_llm_keys_t *keys, ngx_llm_keys_heard_t *heard)
{
    ngx_llm_keys_lock(keys);
    *heard = keys->sh->heard;
    ngx_llm_keys_unlock(keys);
}


void
ngx_llm_keys_hear(ngx_llm_keys_t *keys, ngx_llm_keys_heard_t *heard)
{
    ngx_llm_keys_lock(keys);
    keys->sh->heard = *heard;
    ngx_llm_keys_unlock(keys);
}


void
ngx_llm_keys_owe_all(ngx_llm_keys_t *keys)
{
    ngx_llm_keys_node_t  *node;

    ngx_llm_keys_lock(keys);

    keys->sh->changing = 1;
    ngx_memory_barrier();

    for (node = keys->sh->first; node; node = node->next) {
        if (!node->gone) {
            ngx_llm_keys_owe(keys->sh, node);
        }
    }

    ngx_memory_barrier();
    keys->sh->changing = 0;

    ngx_llm_keys_unlock(keys);
}


ngx_int_t
ngx_llm_keys_owed(ngx_llm_keys_t *keys, ngx_llm_keys_entry_t *entry,
    ngx_str_t *value)
{
    ngx_queue_t          *q;
    ngx_llm_keys_node_t  *node;

    static u_char         name[NGX_LLM_KEYS_NAME_MAX];
    static u_char         text[NGX_LLM_KEYS_VALUE_MAX];

    ngx_llm_keys_lock(keys);

    if (ngx_queue_empty(&keys->sh->owed)) {
        ngx_llm_keys_unlock(keys);
        return NGX_DECLINED;
    }

    q = ngx_queue_head(&keys->sh->owed);
    node = ngx_queue_data(q, ngx_llm_keys_node_t, owed);

    /* the next time it is the next one's turn */

    keys->sh->changing = 1;
    ngx_memory_barrier();

    ngx_queue_remove(q);
    ngx_queue_insert_tail(&keys->sh->owed, q);

    ngx_memory_barrier();
    keys->sh->changing = 0;

    value->data = text;
    ngx_llm_keys_print(node, value);

    ngx_memcpy(name, node->name.data, node->name.len);
    entry->name.data = name;
    entry->name.len = node->name.len;
    entry->version = node->version;
    entry->stamp = node->stamp;
    entry->deleted = node->deleted;

    ngx_llm_keys_unlock(keys);

    return NGX_OK;
}


void
ngx_llm_keys_told(ngx_llm_keys_t *keys, ngx_str_t *name, uint64_t version)
{
    ngx_llm_keys_node_t  *node;

    ngx_llm_keys_lock(keys);

    node = ngx_llm_keys_by_name(keys->sh, name);

    if (node && node->version == version) {

        if (node->deleted) {
            ngx_llm_keys_drop(keys, node);

        } else {
            ngx_llm_keys_settle(keys->sh, node);
        }
    }

    ngx_llm_keys_unlock(keys);
}


static void
ngx_llm_keys_settle(ngx_llm_keys_root_t *sh, ngx_llm_keys_node_t *node)
{
    sh->changing = 1;
    ngx_memory_barrier();

    ngx_llm_keys_paid(sh, node);

    ngx_memory_barrier();
    sh->changing = 0;
}


ngx_uint_t
ngx_llm_keys_owes(ngx_llm_keys_t *keys)
{
    /* whoever asks does so again */

    return !ngx_queue_empty(&keys->sh->owed);
}


ngx_int_t
ngx_llm_keys_merge(ngx_llm_keys_t *keys, ngx_str_t *name, ngx_str_t *value)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_keys_node_t    *old;
    ngx_llm_keys_entry_t    entry;
    ngx_llm_keys_digest_t  *d;

    if (ngx_llm_keys_parse(name, value, &entry) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_OK;

    ngx_llm_keys_lock(keys);

    old = ngx_llm_keys_by_name(keys->sh, name);

    if (old && old->stamp > entry.stamp) {

        /* ours is later, and owed */

        goto done;
    }

    if (entry.deleted) {

        if (old) {
            ngx_llm_keys_drop(keys, old);
        }

        goto done;
    }

    if (old && ngx_llm_keys_same(old, &entry)) {
        ngx_llm_keys_settle(keys->sh, old);
        goto done;
    }

    for (i = 0; i < entry.nsecrets; i++) {
        d = ngx_llm_keys_by_digest(keys->sh, entry.secrets[i].digest);

        if (d && d->record != old) {
            rc = NGX_BUSY;
            goto done;
        }
    }

    if (ngx_llm_keys_place(keys, &entry, old, 0) == NULL) {
        rc = NGX_ERROR;
    }

done:

    ngx_llm_keys_unlock(keys);

    return rc;
}


static ngx_uint_t
ngx_llm_keys_same(ngx_llm_keys_node_t *node, ngx_llm_keys_entry_t *entry)
{
    ngx_uint_t  i;

    if (node->deleted
        || node->stamp != entry->stamp
        || node->nsecrets != entry->nsecrets
        || node->text.len != entry->text.len
        || ngx_memcmp(node->text.data, entry->text.data, entry->text.len)
           != 0)
    {
        return 0;
    }

    for (i = 0; i < entry->nsecrets; i++) {

        if (node->digests[i].secret.until != entry->secrets[i].until
            || ngx_memcmp(node->digests[i].secret.digest,
                          entry->secrets[i].digest, NGX_LLM_KEYS_DIGEST_LEN)
               != 0)
        {
            return 0;
        }
    }

    return 1;
}


void
ngx_llm_keys_print(ngx_llm_keys_node_t *node, ngx_str_t *value)
{
    u_char      *p;
    ngx_uint_t   i;

    value->len = 0;

    if (node->gone) {
        return;
    }

    p = value->data;

    *p++ = (u_char) (NGX_LLM_KEYS_STAMPED | node->nsecrets
                     | (node->deleted ? NGX_LLM_KEYS_DELETED : 0));

    p = ngx_llm_keys_put(p, node->stamp);

    for (i = 0; i < node->nsecrets; i++) {
        p = ngx_cpymem(p, node->digests[i].secret.digest,
                       NGX_LLM_KEYS_DIGEST_LEN);
        p = ngx_llm_keys_put(p, node->digests[i].secret.until);
    }

    p = ngx_cpymem(p, node->text.data, node->text.len);

    value->len = p - value->data;
}


ngx_int_t
ngx_llm_keys_parse(ngx_str_t *name, ngx_str_t *value,
    ngx_llm_keys_entry_t *entry)
{
    u_char      *p, flags;
    size_t       head;
    ngx_uint_t   i;

    ngx_memzero(entry, sizeof(ngx_llm_keys_entry_t));

    if (value->len == 0 || value->len > NGX_LLM_KEYS_VALUE_MAX
        || name->len == 0 || name->len > NGX_LLM_KEYS_NAME_MAX)
    {
        return NGX_DECLINED;
    }

    p = value->data;
    flags = *p++;

    entry->name = *name;
    entry->nsecrets = flags & NGX_LLM_KEYS_NUMBER;
    entry->deleted = (flags & NGX_LLM_KEYS_DELETED) != 0;

    head = (flags & NGX_LLM_KEYS_STAMPED) ? 9 : 1;

    if (entry->nsecrets > NGX_LLM_KEYS_SECRETS
        || value->len < head + entry->nsecrets
                               * (NGX_LLM_KEYS_DIGEST_LEN + 8))
    {
        return NGX_DECLINED;
    }

    if (flags & NGX_LLM_KEYS_STAMPED) {
        p = ngx_llm_keys_take(p, &entry->stamp);
    }

    for (i = 0; i < entry->nsecrets; i++) {
        ngx_memcpy(entry->secrets[i].digest, p, NGX_LLM_KEYS_DIGEST_LEN);
        p = ngx_llm_keys_take(p + NGX_LLM_KEYS_DIGEST_LEN,
                              &entry->secrets[i].until);
    }

    entry->text.data = p;
    entry->text.len = value->data + value->len - p;

    return entry->text.len <= NGX_LLM_KEYS_TEXT_MAX ? NGX_OK : NGX_DECLINED;
}


/* eight bytes, the lowest first */

static u_char *
ngx_llm_keys_put(u_char *p, int64_t n)
{
    ngx_uint_t  k;

    for (k = 0; k < 8; k++) {
        *p++ = (u_char) ((uint64_t) n >> (8 * k));
    }

    return p;
}


static u_char *
ngx_llm_keys_take(u_char *p, int64_t *n)
{
    uint64_t    v;
    ngx_uint_t  k;

    v = 0;

    for (k = 0; k < 8; k++) {
        v |= (uint64_t) *p++ << (8 * k);
    }

    *n = (int64_t) v;

    return p;
}
