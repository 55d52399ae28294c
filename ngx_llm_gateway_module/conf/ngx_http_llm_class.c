
/*
 * A traffic class: which failure may move a request on, by which rung, how
 * often and for how long; what its routes must be, and their order.
 */


#include "ngx_http_llm_class.h"
#include "ngx_http_llm_lookup.h"


#define NGX_HTTP_LLM_CLASS_ATTEMPTS     3
#define NGX_HTTP_LLM_CLASS_BACKOFF      100
#define NGX_HTTP_LLM_CLASS_BACKOFF_MAX  2000
#define NGX_HTTP_LLM_CLASS_QUEUE_SIZE   1000


static ngx_http_llm_class_t *ngx_http_llm_class_add(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);
static ngx_int_t ngx_http_llm_class_reset(ngx_conf_t *cf,
    ngx_http_llm_class_t *class);
static char *ngx_http_llm_class_finish(ngx_conf_t *cf,
    ngx_http_llm_class_t *class);

static char *ngx_http_llm_class_attempts(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_deadline(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_retry_budget(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_require(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_missing_price(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_order(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_class_last_resort(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);


static ngx_http_llm_directive_t  ngx_http_llm_class_directives[] = {

    { ngx_string("retry"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_rung_set_retry, NGX_HTTP_LLM_CLASS_RETRY },

    { ngx_string("switch"), 1, 1, ngx_http_llm_rung_set_move,
      NGX_HTTP_LLM_CLASS_SWITCH },

    { ngx_string("backup"), 1, 1, ngx_http_llm_rung_set_move,
      NGX_HTTP_LLM_CLASS_BACKUP },

    { ngx_string("queue"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_rung_set_queue, NGX_HTTP_LLM_CLASS_QUEUE },

    { ngx_string("attempts"), 1, 1, ngx_http_llm_class_attempts,
      NGX_HTTP_LLM_CLASS_ATTEMPT },

    { ngx_string("deadline"), 1, 1, ngx_http_llm_class_deadline,
      NGX_HTTP_LLM_CLASS_DEADLINE },

    { ngx_string("retry_budget"), 1, 1, ngx_http_llm_class_retry_budget,
      NGX_HTTP_LLM_CLASS_BUDGET },

    { ngx_string("require"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_class_require, 0 },

    { ngx_string("missing_price"), 1, 1, ngx_http_llm_class_missing_price,
      NGX_HTTP_LLM_CLASS_PRICE },

    { ngx_string("order"), 1, 1, ngx_http_llm_class_order,
      NGX_HTTP_LLM_CLASS_ORDER },

    { ngx_string("last_resort"), 1, 1, ngx_http_llm_class_last_resort,
      NGX_HTTP_LLM_CLASS_LAST_RESORT },

      ngx_http_llm_directive_null
};


char *
ngx_http_llm_class_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    char                        *rv;
    u_char                      *last;
    ngx_str_t                   *value;
    ngx_http_llm_class_t        *class;
    ngx_http_llm_lookup_t       *lookup;
    ngx_http_llm_class_block_t   block;

    lookup = lmcf->lookup;
    lookup->used = 1;

    value = cf->args->elts;

    if (ngx_http_llm_block_check_name(cf, &value[1], NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    last = value[1].data + value[1].len;

    if (value[1].data[0] == '$' || ngx_strlchr(value[1].data, last, '=')) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                              "a name without \"=\" and a leading \"$\", "
                              "which \"llm_route\" would not take");
    }

    class = ngx_http_llm_conf_find_class(lmcf, &value[1]);

    /* the class "default" is there without a place until it is declared */

    if (class && class->place.file) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate llm_class \"%V\" (first in %s:%ui)",
                           &value[1], class->place.file, class->place.line);
        return NGX_CONF_ERROR;
    }

    if (class == NULL) {
        class = ngx_http_llm_class_add(cf, lmcf, &value[1]);
        if (class == NULL) {
            return NGX_CONF_ERROR;
        }

    } else if (ngx_http_llm_class_reset(cf, class) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_llm_block_place(cf, &class->place);

    block.class = class;
    block.seen = 0;

    rv = ngx_http_llm_block_parse(cf, ngx_http_llm_class_directives, &block);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_llm_class_finish(cf, class);
}


ngx_http_llm_class_t *
ngx_http_llm_class_create_default(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf)
{
    ngx_http_llm_class_t  *class;

    static ngx_str_t  name = ngx_string("default");

    class = ngx_http_llm_class_add(cf, lmcf, &name);
    if (class == NULL) {
        return NULL;
    }

    llm_policy_default(&class->policy);

    return class;
}


static ngx_http_llm_class_t *
ngx_http_llm_class_add(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_str_t *name)
{
    ngx_http_llm_class_t   *class, **cp;
    ngx_http_llm_lookup_t  *lookup;

    class = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_class_t));
    if (class == NULL) {
        return NULL;
    }

    class->name = *name;

    if (ngx_http_llm_class_reset(cf, class) != NGX_OK) {
        return NULL;
    }

    cp = ngx_array_push(&lmcf->classes);
    if (cp == NULL) {
        return NULL;
    }

    *cp = class;

    lookup = lmcf->lookup;

    if (ngx_http_llm_lookup_add(cf, &lookup->classes, class->name.data,
                                class->name.len, class)
        != NGX_OK)
    {
        return NULL;
    }

    return class;
}


/* a class that says nothing */

static ngx_int_t
ngx_http_llm_class_reset(ngx_conf_t *cf, ngx_http_llm_class_t *class)
{
    ngx_memzero(&class->policy, sizeof(llm_policy_t));

    class->policy.backoff_ms = NGX_HTTP_LLM_CLASS_BACKOFF;
    class->policy.backoff_max_ms = NGX_HTTP_LLM_CLASS_BACKOFF_MAX;
    class->policy.attempts = NGX_HTTP_LLM_CLASS_ATTEMPTS;

    class->queue_time = 0;
    class->queue_size = NGX_HTTP_LLM_CLASS_QUEUE_SIZE;
    class->queue_priority = 1;
    class->retry_budget = 100;
    class->missing_price = NGX_HTTP_LLM_MISSING_PRICE_WARN;
    class->order = NGX_HTTP_LLM_ORDER_WEIGHT;
    class->last_resort = 1;

    return ngx_array_init(&class->require, cf->pool, 1, sizeof(ngx_keyval_t));
}


static char *
ngx_http_llm_class_finish(ngx_conf_t *cf, ngx_http_llm_class_t *class)
{
    llm_policy_t  *policy;

    policy = &class->policy;

    /* half of a back-off is fixed, half of it is drawn */

    if (policy->retries
        && policy->deadline_ms
        && policy->backoff_ms - policy->backoff_ms / 2
           >= policy->deadline_ms)
    {
        return ngx_http_llm_block_error(cf, &class->place,
                          "the \"deadline\" of llm_class \"%V\" passes before "
                          "the back-off of its \"retry\" ends", &class->name);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_class_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                 i, n, k;
    ngx_keyval_t              *tag;
    ngx_http_llm_class_t     **class;
    ngx_http_llm_provider_t  **provider;

    class = lmcf->classes.elts;
    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->classes.nelts; i++) {

        tag = class[i]->require.elts;

        for (n = 0; n < class[i]->require.nelts; n++) {

            for (k = 0; k < lmcf->providers.nelts; k++) {
                if (ngx_http_llm_conf_has_tag(provider[k], &tag[n])) {
                    break;
                }
            }

            if (k < lmcf->providers.nelts) {
                continue;
            }

            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "no llm_provider has the tag \"%V=%V\" that "
                          "llm_class \"%V\" requires, in %s:%ui",
                          &tag[n].key, &tag[n].value, &class[i]->name,
                          class[i]->place.file, class[i]->place.line);
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_attempts(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);

    if (n == NGX_ERROR || n == 0 || n > LLM_POLICY_MAX_ATTEMPTS) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "a number from 1 to 16");
    }

    block->class->policy.attempts = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_deadline(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    ngx_int_t   ms;
    ngx_str_t  *value;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ms = ngx_parse_time(&value[1], 0);

    if (ms == NGX_ERROR || ms == 0) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "a time above 0, like \"60s\"");
    }

    block->class->policy.deadline_ms = ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_retry_budget(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    size_t      len;
    ngx_int_t   n;
    ngx_str_t  *value;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = NGX_ERROR;
    len = value[1].len;

    if (len > 1 && value[1].data[len - 1] == '%') {
        n = ngx_atoi(value[1].data, len - 1);
    }

    if (n == NGX_ERROR || n == 0 || n > 100) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "a share from \"1%\" to \"100%\"");
    }

    block->class->retry_budget = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_require(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    return ngx_http_llm_block_tags(cf, &block->class->require);
}


static char *
ngx_http_llm_class_missing_price(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    ngx_str_t             *value;
    ngx_http_llm_class_t  *class;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    class = block->class;
    value = cf->args->elts;

    if (llm_str_is(&value[1], "block")) {
        class->missing_price = NGX_HTTP_LLM_MISSING_PRICE_BLOCK;

    } else if (llm_str_is(&value[1], "warn")) {
        class->missing_price = NGX_HTTP_LLM_MISSING_PRICE_WARN;

    } else if (llm_str_is(&value[1], "allow")) {
        class->missing_price = NGX_HTTP_LLM_MISSING_PRICE_ALLOW;

    } else {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                      "\"block\", \"warn\" or \"allow\"");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_order(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    ngx_str_t             *value;
    ngx_http_llm_class_t  *class;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    class = block->class;
    value = cf->args->elts;

    if (llm_str_is(&value[1], "weight")) {
        class->order = NGX_HTTP_LLM_ORDER_WEIGHT;

    } else if (llm_str_is(&value[1], "latency")) {
        class->order = NGX_HTTP_LLM_ORDER_LATENCY;

    } else if (llm_str_is(&value[1], "price")) {
        class->order = NGX_HTTP_LLM_ORDER_PRICE;

    } else if (llm_str_is(&value[1], "least_inflight")) {
        class->order = NGX_HTTP_LLM_ORDER_LEAST_INFLIGHT;

    } else {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                      "\"weight\", \"latency\", \"price\" or "
                                      "\"least_inflight\"");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_class_last_resort(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_class_block_t *block = object;

    ngx_str_t  *value;

    if (ngx_http_llm_class_seen(block, d)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_llm_block_flag(cf, &value[1], &value[1],
                                &block->class->last_resort)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_llm_class_seen(ngx_http_llm_class_block_t *block,
    ngx_http_llm_directive_t *d)
{
    ngx_uint_t  bit;

    bit = (ngx_uint_t) 1 << d->offset;

    if (block->seen & bit) {
        return 1;
    }

    block->seen |= bit;

    return 0;
}
