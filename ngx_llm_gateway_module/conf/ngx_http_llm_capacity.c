
/*
 * What an account at a provider can take: its limits, and the probe that
 * tells whether it answers at all.
 */


#include "ngx_http_llm_provider.h"


#define NGX_HTTP_LLM_CHECK_INTERVAL  10000
#define NGX_HTTP_LLM_CHECK_RISE      2
#define NGX_HTTP_LLM_CHECK_FALL      3

#define NGX_HTTP_LLM_CHECK_MAX       1000    /* probes in a row */


static char *ngx_http_llm_capacity_times(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *value, ngx_uint_t *field);
static void ngx_http_llm_capacity_check_default(ngx_http_llm_provider_t *p);


char *
ngx_http_llm_capacity_set_limit(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_int_t    count;
    ngx_str_t   *word, key, value;
    ngx_uint_t   n, *field;

    word = cf->args->elts;

    for (n = 1; n < cf->args->nelts; n++) {

        field = NULL;

        if (ngx_http_llm_block_pair(&word[n], &key, &value) == NGX_OK) {

            if (llm_str_is(&key, "rpm")) {
                field = &p->limit_rpm;

            } else if (llm_str_is(&key, "tpm")) {
                field = &p->limit_tpm;

            } else if (llm_str_is(&key, "inflight")) {
                field = &p->limit_inflight;
            }
        }

        if (field == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"limit\" "
                               "directive, it must be \"rpm=\", \"tpm=\" or "
                               "\"inflight=\"", &word[n]);
            return NGX_CONF_ERROR;
        }

        if (*field) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &word[n]);
            return NGX_CONF_ERROR;
        }

        count = ngx_http_llm_block_count(&value);

        if (count == NGX_ERROR || count == 0) {
            return ngx_http_llm_block_invalid(cf, &word[n],
                                              "a count above 0, like "
                                              "\"tpm=2m\"");
        }

        *field = count;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_capacity_set_check(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_block_t *block = object;

    ngx_int_t                 number;
    ngx_str_t                *word, key, value;
    ngx_uint_t                n, *field;
    ngx_http_llm_provider_t  *p;

    p = &block->provider;

    if (block->check) {
        return "is duplicate";
    }

    block->check = 1;

    word = cf->args->elts;

    if (llm_str_is(&word[1], "off")) {

        if (cf->args->nelts == 2) {
            return NGX_CONF_OK;
        }

        n = 2;
        goto unknown;
    }

    for (n = 1; n < cf->args->nelts; n++) {

        if (ngx_http_llm_block_pair(&word[n], &key, &value) != NGX_OK) {
            goto unknown;
        }

        if (llm_str_is(&key, "interval")) {

            if (p->check_interval) {
                goto duplicate;
            }

            number = ngx_parse_time(&value, 0);

            if (number == NGX_ERROR || number == 0) {
                return ngx_http_llm_block_invalid(cf, &word[n],
                                              "a time above 0, like "
                                              "\"interval=5s\"");
            }

            p->check_interval = (ngx_msec_t) number;
            continue;
        }

        if (llm_str_is(&key, "rise")) {
            field = &p->check_rise;

        } else if (llm_str_is(&key, "fall")) {
            field = &p->check_fall;

        } else {
            goto unknown;
        }

        if (*field) {
            goto duplicate;
        }

        if (ngx_http_llm_capacity_times(cf, &word[n], &value, field)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    ngx_http_llm_capacity_check_default(p);

    return NGX_CONF_OK;

unknown:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" in \"check\" directive, it "
                       "must be \"interval=\", \"rise=\" or \"fall=\", or "
                       "\"off\" alone", &word[n]);

    return NGX_CONF_ERROR;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "duplicate parameter \"%V\"", &word[n]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_llm_capacity_times(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *value,
    ngx_uint_t *field)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n == 0 || n > NGX_HTTP_LLM_CHECK_MAX) {
        return ngx_http_llm_block_invalid(cf, word, "a number from 1 to 1000");
    }

    *field = n;

    return NGX_CONF_OK;
}


static void
ngx_http_llm_capacity_check_default(ngx_http_llm_provider_t *p)
{
    if (p->check_interval == 0) {
        p->check_interval = NGX_HTTP_LLM_CHECK_INTERVAL;
    }

    if (p->check_rise == 0) {
        p->check_rise = NGX_HTTP_LLM_CHECK_RISE;
    }

    if (p->check_fall == 0) {
        p->check_fall = NGX_HTTP_LLM_CHECK_FALL;
    }
}
