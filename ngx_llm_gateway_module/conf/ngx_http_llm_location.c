
#include "ngx_http_llm_location.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_lookup.h"


static char *ngx_http_llm_location_class(ngx_conf_t *cf,
    ngx_http_llm_loc_conf_t *llcf, ngx_str_t *value);


void *
ngx_http_llm_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_llm_loc_conf_t  *llcf;

    /*
     * set by ngx_pcalloc():
     *
     *     llcf->enable = 0;
     *     llcf->class = NULL;
     *     llcf->class_value = NULL;
     */

    llcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_loc_conf_t));
    if (llcf == NULL) {
        return NULL;
    }

    llcf->key_required = NGX_CONF_UNSET;
    llcf->query_key = NGX_CONF_UNSET;

    return llcf;
}


char *
ngx_http_llm_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_llm_loc_conf_t *prev = parent;
    ngx_http_llm_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_init_value(conf->key_required, 1);
    ngx_conf_init_value(conf->query_key, 0);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /*
     * a nested location has a handler of its own or none, but "if" and
     * "limit_except" are parts of the location that they stand in
     */

    if ((clcf->noname || clcf->lmt_excpt) && !conf->enable && prev->enable) {

        *conf = *prev;

        if (clcf->lmt_excpt && clcf->handler == NULL) {
            clcf->handler = ngx_http_llm_route_handler;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_location_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_loc_conf_t *llcf = conf;

    char                      *rv;
    ngx_str_t                 *value, name, text;
    ngx_uint_t                 i;
    ngx_flag_t                *flag;
    ngx_http_llm_lookup_t     *lookup;
    ngx_http_core_loc_conf_t  *clcf;

    if (llcf->enable) {
        return "is duplicate";
    }

    llcf->enable = 1;

    lookup = ngx_http_llm_lookup_get(cf);
    lookup->used = 1;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0 || value[i].data[0] == '$'
            || ngx_http_llm_block_pair(&value[i], &name, &text) != NGX_OK)
        {
            rv = ngx_http_llm_location_class(cf, llcf, &value[i]);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (llm_str_is(&name, "key")) {
            flag = &llcf->key_required;

        } else if (llm_str_is(&name, "query_key")) {
            flag = &llcf->query_key;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"llm_route\" "
                               "directive, it must be a class, \"key=\" or "
                               "\"query_key=\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*flag != NGX_CONF_UNSET) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (flag == &llcf->query_key) {
            if (ngx_http_llm_block_flag(cf, &value[i], &text, flag)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (llm_str_is(&text, "required")) {
            *flag = 1;

        } else if (llm_str_is(&text, "off")) {
            *flag = 0;

        } else {
            return ngx_http_llm_block_invalid(cf, &value[i],
                                          "\"key=required\" or \"key=off\"");
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_llm_route_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_location_class(ngx_conf_t *cf, ngx_http_llm_loc_conf_t *llcf,
    ngx_str_t *value)
{
    ngx_http_llm_lookup_t             *lookup;
    ngx_http_llm_main_conf_t          *lmcf;
    ngx_http_compile_complex_value_t   ccv;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_llm_gateway_module);

    if (ngx_http_llm_block_check_name(cf, value, NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (llcf->class_value || llcf->class) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown parameter \"%V\" in \"llm_route\" "
                           "directive, it takes one class", value);
        return NGX_CONF_ERROR;
    }

    if (value->data[0] != '$') {

        /* stands in until all classes are known */

        llcf->class = lmcf->default_class;

        lookup = lmcf->lookup;

        if (ngx_http_llm_lookup_defer(cf, &lookup->location_classes, llcf,
                                      value)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    llcf->class_value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (llcf->class_value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = llcf->class_value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_location_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                i;
    ngx_http_llm_lookup_t    *lookup;
    ngx_http_llm_pending_t   *pending;
    ngx_http_llm_loc_conf_t  *llcf;

    lookup = lmcf->lookup;
    pending = lookup->location_classes.elts;

    for (i = 0; i < lookup->location_classes.nelts; i++) {

        llcf = pending[i].object;

        llcf->class = ngx_http_llm_conf_find_class(lmcf, &pending[i].name);

        if (llcf->class == NULL) {
            return ngx_http_llm_block_error(cf, &pending[i].place,
                            "unknown class \"%V\" in \"llm_route\" directive, "
                            "no llm_class has this name", &pending[i].name);
        }
    }

    return NGX_CONF_OK;
}
