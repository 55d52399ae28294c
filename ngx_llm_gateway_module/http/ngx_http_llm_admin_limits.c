
/*
 * llm_admin: how limits stand, and budgets that are reset or topped up.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_key_json.h"
#include "ngx_http_llm_quota.h"

#include "llm_price.h"
#include "llm_scan.h"


#define NGX_HTTP_LLM_ADMIN_NANO  (-6)     /* units of 1e-15 USD to nano-dollars,
                                             for llm_price_parse() */


typedef struct {
    llm_buf_t   *b;
    ngx_uint_t   n;
} ngx_http_llm_admin_standing_t;


static void ngx_http_llm_admin_standing(void *data, llm_standing_t *s);
static void ngx_http_llm_admin_counter(ngx_llm_quota_entry_t *entry,
    ngx_uint_t i, llm_buf_t *b);
static ngx_int_t ngx_http_llm_admin_limits_adjust(ngx_http_llm_admin_t *adm,
    ngx_uint_t topup, llm_buf_t *b);


void
ngx_http_llm_admin_limits_key(ngx_http_llm_key_t *key, llm_buf_t *b)
{
    ngx_uint_t                      i;
    llm_amount_t                    none;
    llm_subject_t                  *subjects[NGX_LLM_QUOTA_SUBJECTS];
    llm_verdict_t                   verdict;
    ngx_http_llm_admin_standing_t   standing;

    standing.b = b;
    standing.n = 0;

    ngx_memzero(&none, sizeof(llm_amount_t));
    ngx_memzero(&verdict, sizeof(llm_verdict_t));

    for (i = 0; i < key->nsubjects; i++) {
        subjects[i] = &key->subjects[i];
    }

    ngx_http_llm_admin_limits_open(b);

    (void) ngx_llm_quota_check(ngx_http_llm_quota_shared(), subjects,
                               key->nsubjects, &none, ngx_llm_quota_now(),
                               &verdict, ngx_http_llm_admin_standing,
                               &standing);

    ngx_http_llm_admin_limits_close(b);
}


void
ngx_http_llm_admin_limits_open(llm_buf_t *b)
{
    llm_buf_puts(b, ",\"usage\":[");
}


void
ngx_http_llm_admin_limits_close(llm_buf_t *b)
{
    llm_buf_puts(b, "]");
}


static void
ngx_http_llm_admin_standing(void *data, llm_standing_t *s)
{
    ngx_http_llm_admin_standing_t *standing = data;

    ngx_http_llm_admin_limits_one(s, standing->n++, standing->b);
}


void
ngx_http_llm_admin_limits_one(llm_standing_t *s, ngx_uint_t n, llm_buf_t *b)
{
    llm_buf_puts(b, n ? ",{\"subject\":" : "{\"subject\":");
    llm_buf_json(b, s->subject->id.data, s->subject->id.len);
    llm_buf_puts(b, ",\"limit\":");
    llm_buf_json(b, s->limit->text.data, s->limit->text.len);
    llm_buf_puts(b, ",\"spent\":\"");
    ngx_http_llm_quota_number(b, s->limit, s->spent);
    llm_buf_puts(b, "\",\"reserved\":\"");
    ngx_http_llm_quota_number(b, s->limit, s->held);
    llm_buf_puts(b, "\",\"left\":\"");
    ngx_http_llm_quota_number(b, s->limit, s->left);
    llm_buf_puts(b, "\",\"resets\":");
    ngx_http_llm_key_json_time(s->reset_ms < 0 ? 0 : ngx_time() + (time_t)
                               ((s->reset_ms + 999) / 1000), b);
    llm_buf_puts(b, "}");
}


ngx_int_t
ngx_http_llm_admin_limits_get(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t                   rc;
    ngx_str_t                   after;
    ngx_http_llm_admin_sheet_t  sheet;

    ngx_memzero(&sheet, sizeof(ngx_http_llm_admin_sheet_t));

    sheet.max = NGX_HTTP_LLM_ADMIN_PAGE;

    rc = ngx_http_llm_admin_arg_number(adm, "limit", &sheet.max,
                                       NGX_HTTP_LLM_ADMIN_PAGE_MAX);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_llm_admin_arg(adm->ctx->request, "after", &after);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        sheet.entry.len = ngx_min(after.len, sizeof(sheet.entry.id));
        ngx_memcpy(sheet.entry.id, after.data, sheet.entry.len);
    }

    llm_buf_puts(b, "{\"limits\":[");

    rc = ngx_http_llm_admin_counters(adm, &sheet, b);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    while (ngx_http_llm_admin_sheet_next(&sheet) == NGX_OK) {
        ngx_http_llm_admin_sheet_print(&sheet, b);
    }

    ngx_http_llm_admin_sheet_close(&sheet, b);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_sheet_next(ngx_http_llm_admin_sheet_t *sheet)
{
    ngx_llm_quota_t        *q;
    ngx_llm_quota_entry_t   next;

    q = ngx_http_llm_quota_shared();

    if (q == NULL || sheet->n == sheet->max) {
        return NGX_DONE;
    }

    next.len = sheet->entry.len;
    ngx_memcpy(next.id, sheet->entry.id, next.len);

    sheet->counted = (ngx_llm_quota_next(q, &next) == NGX_OK);
    sheet->subject = NULL;

    if (ngx_http_llm_admin_named_next(sheet, sheet->counted ? &next : NULL)
        == NGX_OK)
    {
        return NGX_OK;
    }

    if (!sheet->counted) {
        return NGX_DONE;
    }

    sheet->entry = next;

    return NGX_OK;
}


void
ngx_http_llm_admin_sheet_print(ngx_http_llm_admin_sheet_t *sheet, llm_buf_t *b)
{
    ngx_uint_t              i;
    ngx_llm_quota_entry_t  *entry;

    entry = &sheet->entry;

    llm_buf_puts(b, sheet->n++ ? ",{\"subject\":" : "{\"subject\":");
    llm_buf_json(b, entry->id, entry->len);
    llm_buf_puts(b, ",\"reserved\":{\"requests\":");
    llm_buf_int(b, entry->held.requests);
    llm_buf_puts(b, ",\"input_tokens\":");
    llm_buf_int(b, entry->held.input_tokens);
    llm_buf_puts(b, ",\"output_tokens\":");
    llm_buf_int(b, entry->held.output_tokens);
    llm_buf_puts(b, ",\"usd\":\"");
    llm_price_print(entry->held.money, b);
    llm_buf_puts(b, "\"},\"counters\":[");

    for (i = 0; i < entry->ncounters; i++) {
        ngx_http_llm_admin_counter(entry, i, b);
    }

    llm_buf_puts(b, "]}");
}


void
ngx_http_llm_admin_sheet_close(ngx_http_llm_admin_sheet_t *sheet, llm_buf_t *b)
{
    llm_buf_puts(b, "],\"next\":");

    if (sheet->n == sheet->max) {
        llm_buf_json(b, sheet->entry.id, sheet->entry.len);

    } else {
        llm_buf_puts(b, "null");
    }

    if (sheet->cut) {
        llm_buf_puts(b, ",\"cut\":true");
    }

    llm_buf_puts(b, "}\n");
}


/* a smooth one has no window, and what it counts flows off */

static void
ngx_http_llm_admin_counter(ngx_llm_quota_entry_t *entry, ngx_uint_t i,
    llm_buf_t *b)
{
    int64_t         end;
    llm_limit_e     kind;
    llm_counter_t  *counter;

    end = entry->counters[i].end;
    counter = &entry->counters[i].counter;
    kind = llm_limit_kind(counter->id);

    llm_buf_puts(b, i ? ",{\"counts\":" : "{\"counts\":");
    llm_buf_json(b, llm_limit_names[kind].data, llm_limit_names[kind].len);
    llm_buf_puts(b, ",\"spent\":");
    llm_buf_int(b, counter->spent);
    llm_buf_puts(b, ",\"began\":");
    ngx_http_llm_key_json_time(end == 0 ? 0 : (time_t) (counter->time / 1000),
                               b);
    llm_buf_puts(b, ",\"resets\":");
    ngx_http_llm_key_json_time(end <= 0 ? 0 : (time_t) (end / 1000), b);
    llm_buf_puts(b, "}");
}


ngx_int_t
ngx_http_llm_admin_limits_reset(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    return ngx_http_llm_admin_limits_adjust(adm, 0, b);
}


ngx_int_t
ngx_http_llm_admin_limits_topup(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    return ngx_http_llm_admin_limits_adjust(adm, 1, b);
}


/* {"subject":"key=NAME","limit":"budget=10/day","amount":"5.00"} */

static ngx_int_t
ngx_http_llm_admin_limits_adjust(ngx_http_llm_admin_t *adm, ngx_uint_t topup,
    llm_buf_t *b)
{
    int64_t                       add;
    ngx_int_t                     rc;
    ngx_str_t                     subject, text, amount;
    const char                   *err;
    llm_limit_t                   limit;
    ngx_http_llm_admin_adjust_t   adjust;

    rc = ngx_http_llm_admin_string(adm, "subject", &subject);

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_MISSING_PARAMETER,
                                   "subject", "\"subject\" is missing, such "
                                   "as \"team=acme/search\"");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_llm_admin_string(adm, "limit", &text);

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_MISSING_PARAMETER,
                                   "limit", "\"limit\" is missing, such as "
                                   "\"budget=10/day\"");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (llm_limit_parse(ngx_http_llm_pure(&text), &limit, &err) != LLM_OK) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "limit",
                                   "invalid limit \"%V\": %s", &text, err);
    }

    if (limit.smooth || limit.kind == LLM_LIMIT_INFLIGHT) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "limit",
                                   "\"%V\" does not count by the calendar",
                                   &text);
    }

    add = NGX_LLM_QUOTA_RESET;

    if (topup) {

        rc = ngx_http_llm_admin_string(adm, "amount", &amount);

        if (rc != NGX_OK && rc != NGX_DECLINED) {
            return rc;
        }

        if (rc == NGX_DECLINED || limit.kind != LLM_LIMIT_BUDGET
            || llm_price_parse(ngx_http_llm_pure(&amount),
                               NGX_HTTP_LLM_ADMIN_NANO, &add)
               != LLM_OK
            || add == 0)
        {
            return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST,
                                       "amount", "\"amount\" must be USD above "
                                       "0 as a string, like \"5.00\", for a "
                                       "budget");
        }

        add = -add;
    }

    adjust.subject = subject;
    adjust.limit = text;
    adjust.counter = limit.id;
    adjust.add = add;
    adjust.topup = topup;

    if (adm->ctx->lmcf->redis) {
        return ngx_http_llm_admin_shared(adm, &adjust);
    }

    if (ngx_http_llm_admin_limits_zone(&adjust) != NGX_OK) {
        return ngx_http_llm_admin_limits_none(adm, &adjust);
    }

    ngx_http_llm_admin_limits_tell(adm, &adjust, b);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_limits_zone(ngx_http_llm_admin_adjust_t *adjust)
{
    ngx_llm_quota_t  *q;

    q = ngx_http_llm_quota_shared();

    return q ? ngx_llm_quota_adjust(q, ngx_http_llm_pure(&adjust->subject),
                                    adjust->counter, adjust->add)
             : NGX_DECLINED;
}


ngx_int_t
ngx_http_llm_admin_limits_none(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust)
{
    return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "subject",
                               "nothing is counted of \"%V\" for \"%V\"",
                               &adjust->subject, &adjust->limit);
}


void
ngx_http_llm_admin_limits_tell(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust, llm_buf_t *b)
{
    ngx_log_error(NGX_LOG_NOTICE, adm->ctx->request->connection->log, 0,
                  "llm limit \"%V\" of \"%V\" was %s", &adjust->limit,
                  &adjust->subject, adjust->topup ? "topped up" : "reset");

    llm_buf_puts(b, "{\"subject\":");
    llm_buf_json(b, adjust->subject.data, adjust->subject.len);
    ngx_http_llm_admin_print(b, "limit", &adjust->limit);
    llm_buf_puts(b, adjust->topup ? ",\"topped_up\":true}\n"
                                  : ",\"reset\":true}\n");
}
