
/*
 * Keys as JSON: printing.
 */


#include "ngx_http_llm_key_json.h"


static void ngx_http_llm_key_print_string(llm_buf_t *b, const char *name,
    ngx_str_t *value);
static void ngx_http_llm_key_print_list(llm_buf_t *b, const char *name,
    ngx_array_t *list);
static void ngx_http_llm_key_print_limits(llm_buf_t *b, ngx_array_t *limits);
static void ngx_http_llm_key_print_endpoints(llm_buf_t *b,
    ngx_http_llm_key_t *key);
static void ngx_http_llm_key_print_cidr(llm_buf_t *b, ngx_array_t *cidrs);
static ngx_uint_t ngx_http_llm_key_bits(u_char *mask, size_t len);


void
ngx_http_llm_key_json_print(ngx_http_llm_key_t *key, ngx_array_t *words,
    llm_buf_t *b)
{
    ngx_http_llm_key_print_string(b, ",\"owner\":", &key->owner);
    ngx_http_llm_key_print_string(b, ",\"team\":", &key->team);
    ngx_http_llm_key_print_string(b, ",\"app\":", &key->app);
    ngx_http_llm_key_print_string(b, ",\"env\":", &key->env);

    ngx_http_llm_key_print_list(b, ",\"models\":[", &key->models);
    ngx_http_llm_key_print_list(b, ",\"deny\":[", &key->deny);
    ngx_http_llm_key_print_endpoints(b, key);

    ngx_http_llm_key_print_string(b, ",\"class\":",
                                  key->class ? &key->class->name : NULL);

    if (words) {
        ngx_http_llm_key_print_list(b, ",\"limit\":[", words);

    } else {
        ngx_http_llm_key_print_limits(b, &key->limits);
    }

    ngx_http_llm_key_print_cidr(b, key->cidr);

    llm_buf_puts(b, ",\"expires\":");
    ngx_http_llm_key_json_time(key->expires, b);

    llm_buf_puts(b, key->active ? ",\"active\":true" : ",\"active\":false");
}


static void
ngx_http_llm_key_print_string(llm_buf_t *b, const char *name,
    ngx_str_t *value)
{
    llm_buf_puts(b, name);

    if (value == NULL || value->len == 0) {
        llm_buf_puts(b, "null");
        return;
    }

    llm_buf_json(b, value->data, value->len);
}


static void
ngx_http_llm_key_print_list(llm_buf_t *b, const char *name, ngx_array_t *list)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    llm_buf_puts(b, name);

    word = list->elts;

    for (i = 0; i < list->nelts; i++) {

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, word[i].data, word[i].len);
    }

    llm_buf_puts(b, "]");
}


static void
ngx_http_llm_key_print_limits(llm_buf_t *b, ngx_array_t *limits)
{
    ngx_uint_t    i;
    llm_limit_t  *limit;

    llm_buf_puts(b, ",\"limit\":[");

    limit = limits->elts;

    for (i = 0; i < limits->nelts; i++) {

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, limit[i].text.data, limit[i].text.len);
    }

    llm_buf_puts(b, "]");
}


/* all of them: an empty list, so that it holds for what is to come too */

static void
ngx_http_llm_key_print_endpoints(llm_buf_t *b, ngx_http_llm_key_t *key)
{
    ngx_uint_t  i, n;

    llm_buf_puts(b, ",\"endpoint\":[");

    if (key->endpoints != NGX_HTTP_LLM_ALL_ENDPOINTS) {

        for (i = 1, n = 0; i < LLM_ENDPOINT_N; i++) {

            if (key->endpoints & ((uint32_t) 1 << i)) {

                if (n++) {
                    llm_buf_puts(b, ",");
                }

                llm_buf_json(b, llm_endpoint_names[i].data,
                             llm_endpoint_names[i].len);
            }
        }
    }

    llm_buf_puts(b, "]");
}


static void
ngx_http_llm_key_print_cidr(llm_buf_t *b, ngx_array_t *cidrs)
{
    size_t       len;
    u_char       text[NGX_SOCKADDR_STRLEN + sizeof("/128")];
    ngx_uint_t   i, bits;
    ngx_cidr_t  *cidr;

    llm_buf_puts(b, ",\"cidr\":[");

    cidr = cidrs ? cidrs->elts : NULL;

    for (i = 0; cidr && i < cidrs->nelts; i++) {

        switch (cidr[i].family) {

#if (NGX_HAVE_INET6)
        case AF_INET6:
            len = ngx_inet_ntop(AF_INET6, &cidr[i].u.in6.addr, text,
                                NGX_SOCKADDR_STRLEN);
            bits = ngx_http_llm_key_bits((u_char *) &cidr[i].u.in6.mask, 16);
            break;
#endif

        default: /* AF_INET */
            len = ngx_inet_ntop(AF_INET, &cidr[i].u.in.addr, text,
                                NGX_SOCKADDR_STRLEN);
            bits = ngx_http_llm_key_bits((u_char *) &cidr[i].u.in.mask, 4);
        }

        len = ngx_sprintf(text + len, "/%ui", bits) - text;

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, text, len);
    }

    llm_buf_puts(b, "]");
}


static ngx_uint_t
ngx_http_llm_key_bits(u_char *mask, size_t len)
{
    size_t      i;
    ngx_uint_t  n;

    n = 0;

    for (i = 0; i < 8 * len; i++) {
        n += mask[i / 8] >> (i % 8) & 1;
    }

    return n;
}


void
ngx_http_llm_key_json_time(time_t t, llm_buf_t *b)
{
    u_char    text[sizeof("2027-01-01T00:00:00Z") + NGX_TIME_T_LEN];
    size_t    len;
    ngx_tm_t  tm;

    if (t == 0) {
        llm_buf_puts(b, "null");
        return;
    }

    ngx_gmtime(t, &tm);

    len = ngx_sprintf(text, "%4d-%02d-%02dT%02d:%02d:%02dZ",
                      tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                      tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec)
          - text;

    llm_buf_json(b, text, len);
}
