
/*
 * llm_admin: subjects that have limits, whether this host counts them or not:
 * where hosts share limits others may.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_quota.h"


static ngx_int_t ngx_http_llm_admin_named_runtime(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_admin_sheet_t *sheet);
static void ngx_http_llm_admin_named_key(ngx_http_llm_admin_sheet_t *sheet,
    ngx_http_llm_key_t *key);
static void ngx_http_llm_admin_named_add(ngx_http_llm_admin_sheet_t *sheet,
    const llm_subject_t *subject);
static ngx_int_t ngx_http_llm_admin_named_order(const llm_subject_t *subject,
    uint32_t hash, u_char *id, size_t len);
static void ngx_http_llm_admin_named_entry(ngx_llm_quota_entry_t *entry,
    const llm_subject_t *subject);


ngx_int_t
ngx_http_llm_admin_named(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_sheet_t *sheet)
{
    ngx_uint_t                 i;
    ngx_http_llm_ctx_t        *ctx;
    ngx_http_llm_key_t       **key;
    ngx_http_llm_model_t     **model;
    ngx_http_llm_provider_t  **provider;

    ctx = adm->ctx;

    sheet->named = ngx_palloc(ctx->request->pool,
                              sheet->max * sizeof(llm_subject_t *));
    if (sheet->named == NULL) {
        return NGX_ERROR;
    }

    key = ctx->lmcf->keys.elts;

    for (i = 0; i < ctx->lmcf->keys.nelts; i++) {
        ngx_http_llm_admin_named_key(sheet, key[i]);
    }

    model = ctx->lmcf->models.elts;

    for (i = 0; i < ctx->lmcf->models.nelts; i++) {
        if (model[i]->subject) {
            ngx_http_llm_admin_named_add(sheet, model[i]->subject);
        }
    }

    provider = ctx->lmcf->providers.elts;

    for (i = 0; i < ctx->lmcf->providers.nelts; i++) {
        if (provider[i]->subject) {
            ngx_http_llm_admin_named_add(sheet, provider[i]->subject);
        }
    }

    return ngx_http_llm_admin_named_runtime(ctx, sheet);
}


static ngx_int_t
ngx_http_llm_admin_named_runtime(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_admin_sheet_t *sheet)
{
    ngx_int_t            rc;
    ngx_str_t            name;
    ngx_uint_t           n;
    ngx_http_llm_key_t  *key;

    ngx_str_null(&name);

    for (n = 0; /* void */ ; n++) {

        rc = ngx_http_llm_runtime_next(ctx, &name, &key);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        if (n == NGX_HTTP_LLM_ADMIN_NAMED_MAX) {
            sheet->cut = 1;
            return NGX_OK;
        }

        if (key) {
            ngx_http_llm_admin_named_key(sheet, key);
        }
    }
}


static void
ngx_http_llm_admin_named_key(ngx_http_llm_admin_sheet_t *sheet,
    ngx_http_llm_key_t *key)
{
    ngx_uint_t  i;

    for (i = 0; i < key->nsubjects; i++) {
        ngx_http_llm_admin_named_add(sheet, &key->subjects[i]);
    }
}


/* keeps those that come first; many keys are of one team */

static void
ngx_http_llm_admin_named_add(ngx_http_llm_admin_sheet_t *sheet,
    const llm_subject_t *subject)
{
    ngx_int_t              rc;
    ngx_uint_t             low, high, mid;
    const llm_subject_t   *s;
    ngx_llm_quota_entry_t  *entry;

    entry = &sheet->entry;

    if (entry->len
        && ngx_http_llm_admin_named_order(subject,
                                     llm_subject_hash(entry->id, entry->len),
                                     entry->id, entry->len)
           <= 0)
    {
        return;
    }

    low = 0;
    high = sheet->nnamed;

    while (low < high) {

        mid = (low + high) / 2;
        s = sheet->named[mid];

        rc = ngx_http_llm_admin_named_order(subject, s->hash, s->id.data,
                                            s->id.len);
        if (rc == 0) {
            return;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    if (low == sheet->max) {
        return;
    }

    if (sheet->nnamed < sheet->max) {
        sheet->nnamed++;
    }

    ngx_memmove(&sheet->named[low + 1], &sheet->named[low],
                (sheet->nnamed - low - 1) * sizeof(llm_subject_t *));

    sheet->named[low] = subject;
}


/* that of counters in the zone: by hash, then by name */

static ngx_int_t
ngx_http_llm_admin_named_order(const llm_subject_t *subject, uint32_t hash,
    u_char *id, size_t len)
{
    ngx_int_t  rc;

    if (subject->hash != hash) {
        return subject->hash < hash ? -1 : 1;
    }

    rc = ngx_memcmp(subject->id.data, id, ngx_min(subject->id.len, len));

    return rc ? rc : (ngx_int_t) subject->id.len - (ngx_int_t) len;
}


ngx_int_t
ngx_http_llm_admin_named_next(ngx_http_llm_admin_sheet_t *sheet,
    ngx_llm_quota_entry_t *next)
{
    ngx_int_t             rc;
    const llm_subject_t  *subject;

    if (sheet->nnamed == 0) {
        return NGX_DONE;
    }

    subject = sheet->named[0];

    rc = next ? ngx_http_llm_admin_named_order(subject,
                                      llm_subject_hash(next->id, next->len),
                                      next->id, next->len)
              : -1;

    if (rc > 0) {
        return NGX_DONE;
    }

    sheet->named++;
    sheet->nnamed--;
    sheet->subject = subject;

    if (rc == 0) {
        sheet->entry = *next;

    } else {
        sheet->counted = 0;
        ngx_http_llm_admin_named_entry(&sheet->entry, subject);
    }

    return NGX_OK;
}


/* limits that differ by amount alone share a counter */

static void
ngx_http_llm_admin_named_entry(ngx_llm_quota_entry_t *entry,
    const llm_subject_t *subject)
{
    int64_t       now;
    unsigned      i;
    ngx_uint_t    k, n;
    llm_limit_t  *limit;

    now = ngx_llm_quota_now();

    ngx_memzero(entry, sizeof(ngx_llm_quota_entry_t));

    entry->len = ngx_min(subject->id.len, sizeof(entry->id));
    ngx_memcpy(entry->id, subject->id.data, entry->len);

    n = 0;

    for (i = 0; i < subject->nlimits && n < NGX_LLM_QUOTA_LIMITS; i++) {

        limit = &subject->limits[i];

        for (k = 0; k < n; k++) {
            if (entry->counters[k].counter.id == limit->id) {
                break;
            }
        }

        if (limit->kind == LLM_LIMIT_INFLIGHT || k < n) {
            continue;
        }

        entry->counters[n].counter.id = limit->id;

        if (!limit->smooth) {
            llm_limit_window(limit, now, &entry->counters[n].counter.time,
                             &entry->counters[n].end);
        }

        n++;
    }

    entry->ncounters = n;
}
