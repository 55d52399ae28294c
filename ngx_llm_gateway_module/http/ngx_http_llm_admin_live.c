
/*
 * llm_admin: how the limits of a key stand where hosts share them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_quota.h"


/* while Redis is asked */

typedef struct {
    ngx_http_llm_admin_t      *adm;
    ngx_http_llm_key_t        *key;
    llm_buf_t                  b;
    ngx_http_llm_quota_look_t  look;
} ngx_http_llm_admin_live_t;


static void ngx_http_llm_admin_live_told(void *data, ngx_int_t rc);


ngx_int_t
ngx_http_llm_admin_live(ngx_http_llm_admin_t *adm, ngx_http_llm_key_t *key,
    llm_buf_t *b)
{
    ngx_uint_t                  i;
    ngx_http_request_t         *r;
    ngx_http_llm_admin_live_t  *live;

    r = adm->ctx->request;

    if (adm->ctx->lmcf->redis == NULL || key->nsubjects == 0) {
        return NGX_DECLINED;
    }

    live = ngx_pcalloc(r->pool, sizeof(ngx_http_llm_admin_live_t));
    if (live == NULL) {
        return NGX_ERROR;
    }

    live->adm = adm;
    live->key = key;
    live->b = *b;

    live->look.ctx = adm->ctx;
    live->look.n = key->nsubjects;
    live->look.handler = ngx_http_llm_admin_live_told;
    live->look.data = live;

    for (i = 0; i < key->nsubjects; i++) {
        live->look.subjects[i] = &key->subjects[i];
    }

    if (ngx_http_llm_quota_look(&live->look) != NGX_AGAIN) {
        return NGX_DECLINED;
    }

    r->main->count++;

    return NGX_DONE;
}


/* where Redis does not tell it is what this host counts meanwhile, whatever
   becomes of requests */

static void
ngx_http_llm_admin_live_told(void *data, ngx_int_t rc)
{
    ngx_http_llm_admin_live_t *live = data;

    ngx_uint_t                  i;
    ngx_http_llm_quota_look_t  *look;

    look = &live->look;

    if (look->away) {
        ngx_http_llm_admin_limits_key(live->key, &live->b);

    } else {
        ngx_http_llm_admin_limits_open(&live->b);

        for (i = 0; i < look->nstandings; i++) {
            ngx_http_llm_admin_limits_one(&look->standings[i], i, &live->b);
        }

        ngx_http_llm_admin_limits_close(&live->b);
    }

    llm_buf_puts(&live->b, "}\n");

    ngx_http_llm_admin_finish(live->adm->ctx->request, live->adm->status,
                              &live->b);
}
