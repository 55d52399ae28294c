
/*
 * The rungs of a class's ladder: what each may be taken on.  What a class
 * leaves out is off.
 */


#include "ngx_http_llm_class.h"


#define NGX_HTTP_LLM_RUNG_NUMBER_MAX  1000000


static char *ngx_http_llm_rung_off(ngx_conf_t *cf);
static char *ngx_http_llm_rung_kinds(ngx_conf_t *cf, ngx_uint_t rung,
    ngx_str_t *word, ngx_str_t *list, uint32_t *mask);
static char *ngx_http_llm_rung_backoff(ngx_conf_t *cf, llm_policy_t *policy,
    ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_rung_number(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *value, ngx_uint_t *field);
static char *ngx_http_llm_rung_unknown(ngx_conf_t *cf, ngx_str_t *word,
    const char *right);
static char *ngx_http_llm_rung_duplicate(ngx_conf_t *cf, ngx_str_t *word);


/*
 * What each rung may be taken on.  A prompt that is too long for a model is
 * so on each of its routes.
 */

#define NGX_HTTP_LLM_RUNG_ROUTE_KINDS                                         \
    (llm_failure_bit(LLM_FAILURE_CONNECT)                                     \
     | llm_failure_bit(LLM_FAILURE_TIMEOUT)                                   \
     | llm_failure_bit(LLM_FAILURE_RESET)                                     \
     | llm_failure_bit(LLM_FAILURE_429)                                       \
     | llm_failure_bit(LLM_FAILURE_5XX)                                       \
     | llm_failure_bit(LLM_FAILURE_INVALID)                                   \
     | llm_failure_bit(LLM_FAILURE_AUTH))

#define NGX_HTTP_LLM_RUNG_ROUTE_WORDS                                         \
    "different ones of \"connect\", \"timeout\", \"reset\", \"429\", "        \
    "\"5xx\", \"invalid\" and \"auth\", separated by commas"

#define NGX_HTTP_LLM_RUNG_QUEUE_KINDS                                         \
    (llm_failure_bit(LLM_FAILURE_429) | llm_failure_bit(LLM_FAILURE_LIMIT))

static const struct {
    uint32_t                   kinds;
    const char                *right;
} ngx_http_llm_rungs[] = {

    { NGX_HTTP_LLM_RUNG_ROUTE_KINDS, NGX_HTTP_LLM_RUNG_ROUTE_WORDS },

    { NGX_HTTP_LLM_RUNG_ROUTE_KINDS, NGX_HTTP_LLM_RUNG_ROUTE_WORDS },

    { NGX_HTTP_LLM_RUNG_ROUTE_KINDS | llm_failure_bit(LLM_FAILURE_CONTEXT),
      "different ones of \"connect\", \"timeout\", \"reset\", \"429\", "
      "\"5xx\", \"invalid\", \"auth\" and \"context\", separated by commas" },

    { NGX_HTTP_LLM_RUNG_QUEUE_KINDS,
      "\"429\", \"limit\" or both, separated by a comma" }
};


char *
ngx_http_llm_rung_set_retry(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    char          *rv;
    ngx_int_t      n;
    ngx_str_t     *word, key, value;
    ngx_uint_t     i, backoff;
    llm_policy_t  *policy;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    word = cf->args->elts;

    if (llm_str_is(&word[1], "off")) {
        return ngx_http_llm_rung_off(cf);
    }

    n = ngx_atoi(word[1].data, word[1].len);

    if (n == NGX_ERROR || n == 0 || n >= LLM_POLICY_MAX_ATTEMPTS) {
        return ngx_http_llm_block_invalid(cf, &word[1],
                                          "\"off\" or a number from 1 to 15");
    }

    policy = &block->class->policy;
    policy->retries = n;
    backoff = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_llm_block_pair(&word[i], &key, &value) != NGX_OK) {
            ngx_str_null(&key);
        }

        if (llm_str_is(&key, "on")) {

            if (policy->retry_on) {
                return ngx_http_llm_rung_duplicate(cf, &word[i]);
            }

            rv = ngx_http_llm_rung_kinds(cf, d->offset, &word[i], &value,
                                          &policy->retry_on);

        } else if (llm_str_is(&key, "backoff")) {

            if (backoff++) {
                return ngx_http_llm_rung_duplicate(cf, &word[i]);
            }

            rv = ngx_http_llm_rung_backoff(cf, policy, &word[i], &value);

        } else {
            rv = ngx_http_llm_rung_unknown(cf, &word[i],
                                            "\"on=\" or \"backoff=\"");
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (policy->retry_on == 0) {
        return "needs \"on=\" with the failures to retry on";
    }

    return NGX_CONF_OK;
}


/* of "switch" and "backup" */

char *
ngx_http_llm_rung_set_move(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    char          *rv;
    uint32_t      *mask;
    ngx_str_t     *word, key, value;
    llm_policy_t  *policy;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    word = cf->args->elts;

    if (llm_str_is(&word[1], "off")) {
        return ngx_http_llm_rung_off(cf);
    }

    if (ngx_http_llm_block_pair(&word[1], &key, &value) != NGX_OK
        || !llm_str_is(&key, "on"))
    {
        return ngx_http_llm_rung_unknown(cf, &word[1], "\"on=\" or \"off\"");
    }

    policy = &block->class->policy;
    mask = d->offset == NGX_HTTP_LLM_CLASS_SWITCH ? &policy->switch_on
                                                  : &policy->backup_on;

    rv = ngx_http_llm_rung_kinds(cf, d->offset, &word[1], &value, mask);

    /* an account that is known to be full is a 429 that was not earned */

    if (*mask & llm_failure_bit(LLM_FAILURE_429)) {
        *mask |= llm_failure_bit(LLM_FAILURE_LIMIT);
    }

    return rv;
}


char *
ngx_http_llm_rung_set_queue(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    char                  *rv;
    ngx_int_t              ms;
    ngx_str_t             *word, key, value;
    ngx_uint_t             i, size, priority;
    ngx_http_llm_class_t  *class;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    word = cf->args->elts;

    if (llm_str_is(&word[1], "off")) {
        return ngx_http_llm_rung_off(cf);
    }

    ms = ngx_parse_time(&word[1], 0);

    if (ms == NGX_ERROR || ms == 0) {
        return ngx_http_llm_block_invalid(cf, &word[1],
                                          "\"off\" or a time above 0, like "
                                          "\"30s\"");
    }

    class = block->class;
    class->queue_time = (ngx_msec_t) ms;

    size = 0;
    priority = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_llm_block_pair(&word[i], &key, &value) != NGX_OK) {
            ngx_str_null(&key);
        }

        if (llm_str_is(&key, "on")) {

            if (class->policy.queue_on) {
                return ngx_http_llm_rung_duplicate(cf, &word[i]);
            }

            rv = ngx_http_llm_rung_kinds(cf, d->offset, &word[i], &value,
                                          &class->policy.queue_on);

        } else if (llm_str_is(&key, "size")) {
            rv = ngx_http_llm_rung_number(cf, &word[i], &value, &size);

        } else if (llm_str_is(&key, "priority")) {
            rv = ngx_http_llm_rung_number(cf, &word[i], &value, &priority);

        } else {
            rv = ngx_http_llm_rung_unknown(cf, &word[i],
                                  "\"size=\", \"on=\" or \"priority=\"");
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (size) {
        class->queue_size = size;
    }

    if (priority) {
        class->queue_priority = priority;
    }

    if (class->policy.queue_on == 0) {
        class->policy.queue_on = NGX_HTTP_LLM_RUNG_QUEUE_KINDS;
    }

    return NGX_CONF_OK;
}


/* a rung is off as the class was made, and nothing can be said about it */

static char *
ngx_http_llm_rung_off(ngx_conf_t *cf)
{
    ngx_str_t  *word;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    word = cf->args->elts;

    return ngx_http_llm_rung_unknown(cf, &word[2], "\"off\" alone");
}


static char *
ngx_http_llm_rung_kinds(ngx_conf_t *cf, ngx_uint_t rung, ngx_str_t *word,
    ngx_str_t *list, uint32_t *mask)
{
    uint32_t   bit;
    ngx_str_t  name;

    while (ngx_http_llm_block_item(list, &name) == NGX_OK) {

        bit = llm_failure_bit(llm_failure_by_name((llm_str_t *) &name));

        if (!(bit & ngx_http_llm_rungs[rung].kinds) || (bit & *mask)) {
            return ngx_http_llm_block_invalid(cf, word,
                                      ngx_http_llm_rungs[rung].right);
        }

        *mask |= bit;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_rung_backoff(ngx_conf_t *cf, llm_policy_t *policy,
    ngx_str_t *word, ngx_str_t *value)
{
    ngx_int_t   base, max;
    ngx_str_t   item;

    (void) ngx_http_llm_block_item(value, &item);
    base = ngx_parse_time(&item, 0);

    max = ngx_max(base, policy->backoff_max_ms);

    if (ngx_http_llm_block_item(value, &item) == NGX_OK) {
        max = ngx_parse_time(&item, 0);
    }

    if (base == NGX_ERROR || base == 0 || max == NGX_ERROR || max < base
        || value->data)
    {
        return ngx_http_llm_block_invalid(cf, word,
                                      "one or two times above 0, the first not "
                                      "above the second, like "
                                      "\"backoff=100ms,2s\"");
    }

    policy->backoff_ms = base;
    policy->backoff_max_ms = max;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_rung_number(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *value,
    ngx_uint_t *field)
{
    ngx_int_t  n;

    if (*field) {
        return ngx_http_llm_rung_duplicate(cf, word);
    }

    n = ngx_http_llm_block_count(value);

    if (n == NGX_ERROR || n == 0 || n > NGX_HTTP_LLM_RUNG_NUMBER_MAX) {
        return ngx_http_llm_block_invalid(cf, word,
                                          "a number from 1 to 1000000");
    }

    *field = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_rung_unknown(ngx_conf_t *cf, ngx_str_t *word, const char *right)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" in \"%V\" directive, it must "
                       "be %s", word, &value[0], right);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_llm_rung_duplicate(ngx_conf_t *cf, ngx_str_t *word)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "duplicate parameter \"%V\"", word);

    return NGX_CONF_ERROR;
}
