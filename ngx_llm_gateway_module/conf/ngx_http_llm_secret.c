
/*
 * Secrets of keys: only their SHA-256 is kept.
 */


#include "ngx_http_llm_key.h"
#include "ngx_http_llm_lookup.h"


static char *ngx_http_llm_secret_digest(ngx_conf_t *cf,
    ngx_http_llm_secret_t *secret, ngx_str_t *word);
static char *ngx_http_llm_secret_until(ngx_conf_t *cf,
    ngx_http_llm_secret_t *secret, ngx_str_t *word);


char *
ngx_http_llm_secret_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_key_t *key = object;

    ngx_str_t              *value;
    ngx_http_llm_secret_t  *secret;

    value = cf->args->elts;

    secret = ngx_array_push(&key->secrets);
    if (secret == NULL) {
        return NGX_CONF_ERROR;
    }

    secret->key = key;
    secret->until = 0;

    if (cf->args->nelts == 3
        && ngx_http_llm_secret_until(cf, secret, &value[2]) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_secret_digest(cf, secret, &value[1]);
}


/* the word may be the secret itself: no message repeats it */

static char *
ngx_http_llm_secret_digest(ngx_conf_t *cf, ngx_http_llm_secret_t *secret,
    ngx_str_t *word)
{
    u_char      *p;
    ngx_int_t    n;
    ngx_str_t    text;
    ngx_uint_t   i;

    if (word->len >= 7 && ngx_strncmp(word->data, "sha256:", 7) == 0) {

        if (word->len != 7 + 2 * NGX_LLM_DIGEST_LEN) {
            goto invalid;
        }

        p = word->data + 7;

        for (i = 0; i < NGX_LLM_DIGEST_LEN; i++) {

            n = ngx_hextoi(p + 2 * i, 2);

            if (n == NGX_ERROR) {
                goto invalid;
            }

            secret->digest[i] = (u_char) n;
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(word->data, "env:", 4) != 0
        && ngx_strncmp(word->data, "file:", 5) != 0
        && ngx_strncmp(word->data, "plain:", 6) != 0)
    {
        goto invalid;
    }

    if (ngx_llm_secret_resolve(cf, word, 0, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (text.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty secret in \"secret\" directive");
        return NGX_CONF_ERROR;
    }

    ngx_llm_secret_digest(&text, secret->digest);

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value in \"secret\" directive, it must be "
                       "\"sha256:\" with 64 hexadecimal digits, \"env:NAME\", "
                       "\"file:PATH\" or \"plain:TEXT\"");

    return NGX_CONF_ERROR;
}


static char *
ngx_http_llm_secret_until(ngx_conf_t *cf, ngx_http_llm_secret_t *secret,
    ngx_str_t *word)
{
    ngx_str_t   name, value;
    ngx_uint_t  date;

    if (ngx_http_llm_block_pair(word, &name, &value) != NGX_OK
        || !llm_str_is(&name, "until"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown parameter \"%V\" in \"secret\" "
                           "directive, it must be \"until=\"", word);
        return NGX_CONF_ERROR;
    }

    secret->until = ngx_http_llm_secret_time(&value, &date);

    if (secret->until == (time_t) NGX_ERROR) {
        return ngx_http_llm_block_invalid(cf, word,
                                      "a UTC date YYYY-MM-DD or a time "
                                      "YYYY-MM-DDTHH:MM:SSZ");
    }

    /* valid through a day, but only up to a time */

    if (date) {
        secret->until += 24 * 60 * 60;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_secret_finish(ngx_conf_t *cf, ngx_http_llm_key_t *key)
{
    ngx_uint_t              i;
    ngx_http_llm_key_t     *other;
    ngx_http_llm_lookup_t  *lookup;
    ngx_http_llm_secret_t  *secret, *same;

    if (key->secrets.nelts == 0) {
        return ngx_http_llm_block_error(cf, &key->place,
                                        "no \"secret\" in llm_key \"%V\"",
                                        &key->name);
    }

    lookup = ngx_http_llm_lookup_get(cf);
    secret = key->secrets.elts;

    for (i = 0; i < key->secrets.nelts; i++) {

        same = ngx_http_llm_lookup_find(&lookup->secrets, secret[i].digest,
                                        NGX_LLM_DIGEST_LEN);

        if (same) {
            other = same->key;

            return ngx_http_llm_block_error(cf, &key->place,
                              "llm_key \"%V\" has the same secret as llm_key "
                              "\"%V\" (in %s:%ui)", &key->name, &other->name,
                              other->place.file, other->place.line);
        }

        if (ngx_http_llm_lookup_add(cf, &lookup->secrets, secret[i].digest,
                                    NGX_LLM_DIGEST_LEN, &secret[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


time_t
ngx_http_llm_secret_time(ngx_str_t *text, ngx_uint_t *date)
{
    u_char     *p;
    int64_t     days;
    ngx_int_t   year, month, day, hour, min, sec, leap;

    static ngx_int_t  mdays[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    /* days of a year before its month, the year starting in March */

    static ngx_int_t  before[] = {
        306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275
    };

    p = text->data;
    *date = (text->len == 10);

    if ((text->len != 10 && text->len != 20) || p[4] != '-' || p[7] != '-') {
        return (time_t) NGX_ERROR;
    }

    year = ngx_atoi(p, 4);
    month = ngx_atoi(p + 5, 2);
    day = ngx_atoi(p + 8, 2);

    if (year < 2000 || month < 1 || month > 12 || day < 1) {
        return (time_t) NGX_ERROR;
    }

    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (day > mdays[month - 1] + (month == 2 && leap)) {
        return (time_t) NGX_ERROR;
    }

    hour = 0;
    min = 0;
    sec = 0;

    if (text->len == 20) {

        if (p[10] != 'T' || p[13] != ':' || p[16] != ':' || p[19] != 'Z') {
            return (time_t) NGX_ERROR;
        }

        hour = ngx_atoi(p + 11, 2);
        min = ngx_atoi(p + 14, 2);
        sec = ngx_atoi(p + 17, 2);

        if (hour < 0 || hour > 23 || min < 0 || min > 59
            || sec < 0 || sec > 59)
        {
            return (time_t) NGX_ERROR;
        }
    }

    if (month <= 2) {
        year--;
    }

    /* 719468 days lie between March 1 of year 0 and January 1, 1970 */

    days = (int64_t) year * 365 + year / 4 - year / 100 + year / 400
           + before[month - 1] + day - 1 - 719468;

    return (time_t) (days * 86400 + hour * 3600 + min * 60 + sec);
}
