
/*
 * Counters on disk: the whole state of a subject is one record of the zone's
 * journal.  What requests in flight hold is not in it: they end with their
 * host.
 */


#include "ngx_llm_quota_state.h"


#define NGX_LLM_QUOTA_VERSION  1

/* subjects that are looked at in one hold of the lock */
#define NGX_LLM_QUOTA_BATCH    128


/* the value of a record: how it was written, then each counter */

typedef struct {
    int64_t                      version;
    ngx_llm_quota_counter_t      counters[NGX_LLM_QUOTA_LIMITS];
} ngx_llm_quota_value_t;


static ngx_int_t ngx_llm_quota_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_quota_changed(void *data, ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_quota_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static ngx_int_t ngx_llm_quota_put(ngx_llm_quota_node_t *node,
    ngx_llm_state_writer_t *w, int64_t now);


ngx_int_t
ngx_llm_quota_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state)
{
    ngx_llm_quota_t       *q;
    ngx_llm_state_kind_t   kind;

    q = ngx_pcalloc(cf->pool, sizeof(ngx_llm_quota_t));
    if (q == NULL) {
        return NGX_ERROR;
    }

    q->zone = zone;

    kind.kind = NGX_LLM_STATE_QUOTA;
    kind.name = "quota";
    kind.data = q;
    kind.load = ngx_llm_quota_load;
    kind.changed = ngx_llm_quota_changed;
    kind.all = ngx_llm_quota_all;

    return ngx_llm_state_register(state, &kind);
}


static ngx_int_t
ngx_llm_quota_load(void *data, ngx_str_t *key, ngx_str_t *value)
{
    ngx_llm_quota_t *q = data;

    int64_t                 now;
    uint32_t                hash;
    ngx_int_t               rc;
    ngx_uint_t              i, n;
    ngx_llm_quota_node_t   *node;
    ngx_llm_quota_value_t   v;

    if (ngx_llm_quota_attach(q) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&v, sizeof(ngx_llm_quota_value_t));

    n = 0;

    if (value->len) {

        if (value->len < sizeof(int64_t) || value->len > sizeof(v)
            || (value->len - sizeof(int64_t))
               % sizeof(ngx_llm_quota_counter_t))
        {
            return NGX_DECLINED;
        }

        ngx_memcpy(&v, value->data, value->len);

        if (v.version != NGX_LLM_QUOTA_VERSION) {
            return NGX_DECLINED;
        }

        n = (value->len - sizeof(int64_t)) / sizeof(ngx_llm_quota_counter_t);
    }

    hash = llm_subject_hash(key->data, key->len);
    now = ngx_llm_quota_now();
    rc = NGX_OK;

    ngx_llm_zone_lock(q->zone);

    node = ngx_llm_quota_find(q, hash, key->data, key->len);

    if (node) {
        ngx_llm_quota_free(q, node);
    }

    for (i = 0; i < n; i++) {
        if (!llm_limit_idle(&v.counters[i].c, v.counters[i].end, now)) {
            break;
        }
    }

    /* what counts no more need not come back */

    if (i < n) {
        node = ngx_llm_quota_add(q, hash, key->data, key->len, n, NULL, 0);

        if (node) {
            node->ncounters = n;
            ngx_memcpy(node->counters, v.counters,
                       n * sizeof(ngx_llm_quota_counter_t));

        } else {
            rc = NGX_ERROR;
        }
    }

    ngx_llm_zone_unlock(q->zone);

    return rc;
}


static ngx_int_t
ngx_llm_quota_changed(void *data, ngx_llm_state_writer_t *w)
{
    ngx_llm_quota_t *q = data;

    int64_t                now;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_llm_quota_node_t  *node;

    if (ngx_llm_quota_attach(q) != NGX_OK) {
        return NGX_OK;
    }

    now = ngx_llm_quota_now();

    do {
        rc = NGX_OK;

        ngx_llm_zone_lock(q->zone);

        for (i = 0; i < NGX_LLM_QUOTA_BATCH; i++) {

            if (ngx_queue_empty(&q->sh->changed)) {
                break;
            }

            node = ngx_queue_data(ngx_queue_head(&q->sh->changed),
                                  ngx_llm_quota_node_t, changed);

            rc = ngx_llm_quota_put(node, w, now);

            if (rc != NGX_OK) {
                break;
            }

            ngx_llm_zone_unlink(q->zone, &node->changed);
            ngx_llm_zone_save(q->zone, &node->dirty, sizeof(uintptr_t));
            node->dirty = 0;
            ngx_llm_zone_done(q->zone);
        }

        ngx_llm_zone_unlock(q->zone);

    } while (rc == NGX_OK && i == NGX_LLM_QUOTA_BATCH);

    return rc;
}


static ngx_int_t
ngx_llm_quota_all(void *data, ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    ngx_llm_quota_t *q = data;

    size_t                  len;
    u_char                  id[NGX_LLM_STATE_KEY_MAX];
    int64_t                 now;
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_quota_node_t   *node;

    if (ngx_llm_quota_attach(q) != NGX_OK) {
        return NGX_OK;
    }

    now = ngx_llm_quota_now();

    len = ngx_min(after->len, sizeof(id));
    ngx_memcpy(id, after->data, len);

    do {
        rc = NGX_OK;

        ngx_llm_zone_lock(q->zone);

        for (i = 0; i < NGX_LLM_QUOTA_BATCH; i++) {

            node = ngx_llm_quota_after(q, len ? llm_subject_hash(id, len) : 0,
                                       id, len);
            if (node == NULL) {
                break;
            }

            if (!node->learnt && !ngx_llm_quota_over(node, now)) {

                rc = ngx_llm_quota_put(node, w, now);

                if (rc != NGX_OK) {
                    break;
                }
            }

            len = ngx_min((size_t) node->len, sizeof(id));
            ngx_memcpy(id, node->id, len);
        }

        ngx_llm_zone_unlock(q->zone);

    } while (rc == NGX_OK && i == NGX_LLM_QUOTA_BATCH);

    return rc;
}


static ngx_int_t
ngx_llm_quota_put(ngx_llm_quota_node_t *node, ngx_llm_state_writer_t *w,
    int64_t now)
{
    ngx_str_t              key, value;
    ngx_uint_t             n;
    ngx_llm_quota_value_t  v;

    key.data = node->id;
    key.len = node->len;

    value.data = (u_char *) &v;
    value.len = 0;

    if (!ngx_llm_quota_over(node, now)) {
        n = ngx_min((ngx_uint_t) node->ncounters, NGX_LLM_QUOTA_LIMITS);

        v.version = NGX_LLM_QUOTA_VERSION;
        ngx_memcpy(v.counters, node->counters,
                   n * sizeof(ngx_llm_quota_counter_t));

        value.len = sizeof(int64_t) + n * sizeof(ngx_llm_quota_counter_t);
    }

    return ngx_llm_state_put(w, &key, &value);
}
