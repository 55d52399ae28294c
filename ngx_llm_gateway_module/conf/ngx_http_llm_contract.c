
/*
 * What a model promises to whoever asks for it, whichever route answers.
 */


#include "ngx_http_llm_model.h"


static const struct {
    llm_str_t                  name;
    uint32_t                   bit;
} ngx_http_llm_features[] = {
    { llm_string("tools"), NGX_HTTP_LLM_FEATURE_TOOLS },
    { llm_string("json"), NGX_HTTP_LLM_FEATURE_JSON },
    { llm_string("vision"), NGX_HTTP_LLM_FEATURE_VISION },
    { llm_string("stream"), NGX_HTTP_LLM_FEATURE_STREAM },
    { llm_string(""), 0 }
};


uint32_t
ngx_http_llm_contract_feature(ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_llm_features[i].bit; i++) {
        if (ngx_http_llm_features[i].name.len == name->len
            && ngx_strncmp(ngx_http_llm_features[i].name.data, name->data,
                           name->len)
               == 0)
        {
            break;
        }
    }

    return ngx_http_llm_features[i].bit;
}


char *
ngx_http_llm_contract_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_t *model = object;

    ngx_int_t                 count;
    ngx_str_t                *word, *name, key, value;
    ngx_uint_t                n;
    ngx_http_llm_contract_t  *contract;

    model->has_contract = 1;

    contract = &model->contract;
    word = cf->args->elts;

    for (n = 1; n < cf->args->nelts; n++) {

        if (ngx_http_llm_block_pair(&word[n], &key, &value) == NGX_OK) {

            if (!llm_str_is(&key, "context")) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "unknown parameter \"%V\" in \"contract\" "
                                   "directive, it must be \"context=\" or "
                                   "the name of a feature", &word[n]);
                return NGX_CONF_ERROR;
            }

            if (contract->context != -1) {
                goto duplicate;
            }

            count = ngx_http_llm_block_count(&value);

            if (count == NGX_ERROR || count == 0) {
                return ngx_http_llm_block_invalid(cf, &word[n],
                                              "a count above 0, like "
                                              "\"context=128k\"");
            }

            contract->context = count;
            continue;
        }

        if (ngx_http_llm_block_check_name(cf, &word[n], NGX_HTTP_LLM_NAME_MAX)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (ngx_http_llm_contract_has(&contract->names, &word[n])) {
            goto duplicate;
        }

        name = ngx_array_push(&contract->names);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = word[n];
        contract->features |= ngx_http_llm_contract_feature(name);
    }

    return NGX_CONF_OK;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "duplicate parameter \"%V\"", &word[n]);

    return NGX_CONF_ERROR;
}


ngx_uint_t
ngx_http_llm_contract_has(ngx_array_t *names, ngx_str_t *name)
{
    ngx_str_t   *own;
    ngx_uint_t   i;

    own = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (own[i].len == name->len
            && ngx_strncmp(own[i].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


char *
ngx_http_llm_contract_finish(ngx_conf_t *cf, ngx_http_llm_model_t *model)
{
    uint32_t                  without;
    ngx_int_t                 context;
    ngx_uint_t                i;
    ngx_http_llm_route_t    **route;
    ngx_http_llm_contract_t  *contract;

    contract = &model->contract;
    route = model->routes.elts;

    without = contract->features;
    context = 0;

    for (i = 0; i < model->routes.nelts; i++) {
        without &= route[i]->without;

        if (route[i]->context == -1) {
            context = contract->context;
        }

        context = ngx_max(context, route[i]->context);
    }

    if (context < contract->context) {
        return ngx_http_llm_block_error(cf, &model->place,
                          "the \"contract\" of llm_model \"%V\" says "
                          "context=%i, but its routes hold %i at most",
                          &model->name, contract->context, context);
    }

    for (i = 0; ngx_http_llm_features[i].bit; i++) {
        if (without & ngx_http_llm_features[i].bit) {
            return ngx_http_llm_block_error(cf, &model->place,
                          "the \"contract\" of llm_model \"%V\" says \"%V\", "
                          "but all of its routes are without",
                          &model->name, &ngx_http_llm_features[i].name);
        }
    }

    return NGX_CONF_OK;
}
