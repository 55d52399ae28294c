
/*
 * The client's side of TLS, for connections that the gateway makes itself.
 */


#ifndef _NGX_LLM_TLS_H_INCLUDED_
#define _NGX_LLM_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * Tells the server which name is meant, before the handshake; addresses are
 * no server names (RFC 6066) and are not told.
 */
ngx_int_t ngx_llm_tls_server_name(ngx_connection_t *c, ngx_str_t *name);

/*
 * After the handshake: NULL if the certificate is valid and for this name,
 * else what is wrong, in words.
 */
const char *ngx_llm_tls_verify(ngx_connection_t *c, ngx_str_t *name);


#endif /* _NGX_LLM_TLS_H_INCLUDED_ */
