
#ifndef _NGX_HTTP_LLM_PROVIDER_H_INCLUDED_
#define _NGX_HTTP_LLM_PROVIDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_conf.h"


/* a provider while its block is read; the provider comes first, so that the
   table's offsets are its own */

typedef struct {
    ngx_http_llm_provider_t    provider;
    ngx_str_t                  pass_host;     /* Host that pass implies */
    ngx_array_t                header_places; /* ngx_http_llm_place_t */
    ngx_uint_t                 check;         /* 1: "check" was there */
} ngx_http_llm_provider_block_t;


/* setter of llm_provider: conf is the main configuration */
char *ngx_http_llm_provider_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* init_main_conf: what needs other directives */
char *ngx_http_llm_provider_init(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);


/* ngx_http_llm_credential.c: setters, and the ready text of p->headers_text */

char *ngx_http_llm_credential_set_protocol(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
char *ngx_http_llm_credential_set_api_key(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
char *ngx_http_llm_credential_set_header(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
char *ngx_http_llm_credential_finish(ngx_conf_t *cf,
    ngx_http_llm_provider_block_t *block);


/*
 * ngx_http_llm_cloud.c: setter of "credential"; and what follows from it, or
 * from its absence, once the block is read
 */

char *ngx_http_llm_cloud_set_credential(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
char *ngx_http_llm_cloud_finish(ngx_conf_t *cf, ngx_http_llm_provider_t *p);


/* ngx_http_llm_capacity.c: setters of "limit" and "check" */

char *ngx_http_llm_capacity_set_limit(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
char *ngx_http_llm_capacity_set_check(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);


/* ngx_http_llm_upstream.c */

/*
 * Fills conf and conf_body of a provider that is read, TLS included, and
 * refuses one that would share an upstream block with another identity.
 * tls_ca becomes the system's bundle where none was named.
 */
char *ngx_http_llm_upstream_finish(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);

/*
 * TLS towards servers, one for all who verify alike; an empty ca is set to the
 * system's bundle.  Logs and returns NULL on error.
 */
ngx_ssl_t *ngx_http_llm_upstream_get_tls(ngx_conf_t *cf, ngx_flag_t verify,
    ngx_str_t *ca);
/* makes the path full and looks whether the file can be read */
char *ngx_http_llm_upstream_check_ca(ngx_conf_t *cf, ngx_str_t *path);


#endif /* _NGX_HTTP_LLM_PROVIDER_H_INCLUDED_ */
