
/*
 * Leases in the zone, and a reserve of them: a zone that is full has no room
 * for another subject, but those that it has go on.
 */


#include "ngx_llm_quota_state.h"


static ngx_llm_quota_lease_t *ngx_llm_quota_lease_alloc(ngx_llm_quota_t *q,
    size_t size, ngx_llm_quota_node_t **nodes, ngx_uint_t n);


void
ngx_llm_quota_spare_leases(ngx_llm_quota_t *q)
{
    size_t                  n;
    ngx_llm_quota_lease_t  *lease;

    n = ngx_llm_zone_size(q->zone) / NGX_LLM_QUOTA_SPARES_SHARE
        / NGX_LLM_QUOTA_SPARE_SIZE;

    n = ngx_max(n, NGX_LLM_QUOTA_SPARES_MIN);
    n = ngx_min(n, NGX_LLM_QUOTA_SPARES);

    while (q->sh->nspares < n) {

        lease = ngx_llm_zone_alloc_locked(q->zone, NGX_LLM_QUOTA_SPARE_SIZE);
        if (lease == NULL) {
            return;
        }

        q->sh->spares[q->sh->nspares] = lease;

        ngx_memory_barrier();
        q->sh->nspares++;
    }
}


ngx_llm_quota_lease_t *
ngx_llm_quota_lease(ngx_llm_quota_t *q, llm_subject_t **subjects, ngx_uint_t n,
    ngx_str_t *note, ngx_llm_quota_node_t **nodes)
{
    size_t                  size, len;
    ngx_uint_t              i, k, nmarks;
    ngx_llm_quota_mark_t   *mark;
    ngx_llm_quota_lease_t  *lease;

    nmarks = 0;

    for (i = 0; i < n; i++) {
        for (k = 0; k < subjects[i]->nlimits; k++) {
            nmarks += subjects[i]->limits[k].smooth;
        }
    }

    len = ngx_min(note->len, NGX_LLM_QUOTA_NOTE_MAX);
    size = ngx_align(offsetof(ngx_llm_quota_lease_t, note) + len,
                     sizeof(int64_t));

    lease = ngx_llm_quota_lease_alloc(q,
                                size + nmarks * sizeof(ngx_llm_quota_mark_t),
                                nodes, n);
    if (lease == NULL) {
        return NULL;
    }

    lease->n = n;
    ngx_memcpy(lease->nodes, nodes, n * sizeof(ngx_llm_quota_node_t *));

    lease->len = len;
    ngx_memcpy(lease->note, note->data, len);

    lease->nmarks = nmarks;
    lease->marks = (ngx_llm_quota_mark_t *) ((u_char *) lease + size);

    ngx_memzero(lease->marks, nmarks * sizeof(ngx_llm_quota_mark_t));

    mark = lease->marks;

    for (i = 0; i < n; i++) {
        for (k = 0; k < subjects[i]->nlimits; k++) {

            if (subjects[i]->limits[k].smooth) {
                mark->id = subjects[i]->limits[k].id;
                mark->node = i;
                mark++;
            }
        }
    }

    return lease;
}


/* zeroed, but for what lies behind the structure */

static ngx_llm_quota_lease_t *
ngx_llm_quota_lease_alloc(ngx_llm_quota_t *q, size_t size,
    ngx_llm_quota_node_t **nodes, ngx_uint_t n)
{
    ngx_uint_t              spare;
    ngx_llm_quota_lease_t  *lease;

    spare = 0;
    lease = ngx_llm_quota_alloc(q, size, nodes, n);

    if (lease == NULL) {

        if (q->sh->nspares == 0 || size > NGX_LLM_QUOTA_SPARE_SIZE) {
            return NULL;
        }

        spare = 1;
        lease = q->sh->spares[q->sh->nspares - 1];

        ngx_llm_zone_save(q->zone, &q->sh->nspares, sizeof(uintptr_t));
        q->sh->nspares--;
    }

    /* one without a note may be smaller than the structure */

    ngx_memzero(lease, offsetof(ngx_llm_quota_lease_t, note));

    lease->spare = spare;

    return lease;
}


/* its subjects may be forgotten, too */

void
ngx_llm_quota_forget(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease)
{
    ngx_uint_t             i;
    ngx_llm_quota_node_t  *node;

    for (i = 0; i < lease->n; i++) {
        node = lease->nodes[i];

        ngx_llm_zone_save(q->zone, &node->refs, sizeof(uintptr_t));
        node->refs--;
    }

    ngx_llm_zone_unlink(q->zone, &lease->queue);

    if (lease->spare) {
        ngx_llm_zone_save(q->zone, &q->sh->spares[q->sh->nspares],
                          sizeof(uintptr_t));
        q->sh->spares[q->sh->nspares] = lease;

        ngx_llm_zone_save(q->zone, &q->sh->nspares, sizeof(uintptr_t));
        q->sh->nspares++;
    }
}


void
ngx_llm_quota_free_lease(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease)
{
    if (!lease->spare) {
        ngx_llm_zone_free_locked(q->zone, lease);
    }
}
