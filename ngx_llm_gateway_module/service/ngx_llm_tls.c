
#include "ngx_llm_tls.h"


ngx_int_t
ngx_llm_tls_server_name(ngx_connection_t *c, ngx_str_t *name)
{
    u_char  *p;

    if (name->len == 0
        || name->data[0] == '['
        || ngx_inet_addr(name->data, name->len) != INADDR_NONE)
    {
        return NGX_OK;
    }

    p = ngx_pnalloc(c->pool, name->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(p, name->data, name->len + 1);

    if (SSL_set_tlsext_host_name(c->ssl->connection, (char *) p) == 0) {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name(\"%s\") failed", p);
        return NGX_ERROR;
    }

    return NGX_OK;
}


const char *
ngx_llm_tls_verify(ngx_connection_t *c, ngx_str_t *name)
{
    long  rc;

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "upstream SSL certificate verify error: (%l:%s)",
                      rc, X509_verify_cert_error_string(rc));
        return "certificate is not valid";
    }

    if (ngx_ssl_check_host(c, name) != NGX_OK) {
        return "certificate is for another name";
    }

    return NULL;
}
