
/*
 * llm_admin: where the gateway answers its operators, and by which token.
 */


#include "ngx_http_llm_conf.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_location.h"
#include "ngx_http_llm_lookup.h"


char *
ngx_http_llm_admin_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_loc_conf_t *llcf = conf;

    u_char                    *digest;
    ngx_str_t                 *value, name, text, token;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_llm_main_conf_t  *lmcf;

    if (llcf->admin) {
        return "is duplicate";
    }

    if (llcf->enable) {
        return "stands in one location with \"llm_route\"";
    }

    ngx_http_llm_lookup_get(cf)->used = 1;

    value = cf->args->elts;

    if (ngx_http_llm_block_pair(&value[1], &name, &text) != NGX_OK
        || !llm_str_is(&name, "token"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown parameter \"%V\" in \"llm_admin\" "
                           "directive, it must be \"token=env:NAME\" or "
                           "\"token=file:PATH\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_llm_secret_resolve(cf, &text, 0, &token) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (token.len < NGX_HTTP_LLM_ADMIN_TOKEN_MIN) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the token of \"llm_admin\" is shorter than "
                           "%d bytes, it can be guessed",
                           NGX_HTTP_LLM_ADMIN_TOKEN_MIN);
    }

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_llm_gateway_module);

    if (lmcf->admin_tokens.elts == NULL
        && ngx_array_init(&lmcf->admin_tokens, cf->pool, 1,
                          NGX_LLM_DIGEST_LEN)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    digest = ngx_array_push(&lmcf->admin_tokens);
    if (digest == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_llm_secret_digest(&token, digest);
    ngx_memcpy(llcf->admin_token, digest, NGX_LLM_DIGEST_LEN);

    llcf->admin = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_llm_admin_handler;

    return NGX_CONF_OK;
}
