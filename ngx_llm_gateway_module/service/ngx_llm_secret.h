
/*
 * Secrets: where they come from, how they are kept and compared.
 */


#ifndef _NGX_LLM_SECRET_H_INCLUDED_
#define _NGX_LLM_SECRET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_LLM_DIGEST_LEN  32


/*
 * Resolves "env:NAME", "file:PATH", "plain:TEXT" and a bare literal (only
 * where literal is 1) at configuration time into memory that is left out of
 * core dumps.  A file is read whole, final newline cut, and must not be empty
 * or over 64k.  On failure logs at emerg with file and line, without the
 * value, and returns NGX_ERROR.
 */
ngx_int_t ngx_llm_secret_resolve(ngx_conf_t *cf, ngx_str_t *spec,
    ngx_uint_t literal, ngx_str_t *value);

/* SHA-256 */
void ngx_llm_secret_digest(ngx_str_t *text,
    u_char digest[NGX_LLM_DIGEST_LEN]);

/* HMAC-SHA-256 over the texts, each preceded by its length */
ngx_int_t ngx_llm_secret_sign(ngx_str_t *secret, ngx_str_t *texts,
    ngx_uint_t n, u_char digest[NGX_LLM_DIGEST_LEN]);

/* constant time; 1 if equal */
ngx_uint_t ngx_llm_secret_equal(u_char *a, u_char *b, size_t len);


#endif /* _NGX_LLM_SECRET_H_INCLUDED_ */
