
/*
 * Every difference between nginx 1.22.1 and current mainline that the
 * module meets, as a macro named for the feature.
 */


#ifndef _NGX_LLM_COMPAT_H_INCLUDED_
#define _NGX_LLM_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#if (nginx_version < 1022001)
#error nginx 1.22.1 or newer is required
#endif

#if !(NGX_HTTP_SSL)
#error nginx with --with-http_ssl_module is required
#endif


/*
 * What leads to a line in the log is rare: compilers that are told so keep it
 * away from the code that each request runs through.
 */

#if (__GNUC__)
#if (NGX_HAVE_VARIADIC_MACROS)
void ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...) __attribute__((cold));
#endif
#endif


/* 1.23.0: headers of one name are a list */

#if (nginx_version >= 1023000)
#define ngx_llm_header_single(h)      (h)->next = NULL
#define ngx_llm_forwarded_for(r)      (r)->headers_in.x_forwarded_for
#else
#define ngx_llm_header_single(h)
#endif


/* 1.27.2: trailers may be kept */

#if (nginx_version >= 1027002)
#define ngx_llm_parse_chunked(r, b, ctx)                                      \
    ngx_http_parse_chunked(r, b, ctx, 0)
#else
#define ngx_llm_parse_chunked(r, b, ctx)                                      \
    ngx_http_parse_chunked(r, b, ctx)
#endif


#endif /* _NGX_LLM_COMPAT_H_INCLUDED_ */
